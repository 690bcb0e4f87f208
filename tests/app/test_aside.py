"""A drive that does not answer holds nothing up."""

import threading

import pytest
from pytestqt.qtbot import QtBot

from app.aside import Aside
from app.main_window import MainWindow
from app.recents import look_up
from tests.app.person import do


def test_a_dead_drive_holds_neither_work_nor_the_end_up(
    opened: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
):
    answers = threading.Event()

    def waiting(*arguments: object) -> object:
        answers.wait(20)
        return look_up(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("app.comfort.look_up", waiting)
    monkeypatch.setattr("app.recovery.left_open", lambda _: answers.wait(20) and None)
    do(opened, "close_project")
    done: list[int] = []
    opened.workspace.worker.submit(lambda: 1, done.append)
    qtbot.waitUntil(lambda: done == [1], timeout=3000)
    assert opened.start_screen.recent.count() == 0
    answers.set()
    qtbot.waitUntil(lambda: opened.start_screen.recent.count() == 1)


def test_the_newest_look_counts(qtbot: QtBot):
    aside, gate = Aside(), threading.Event()
    found: list[str] = []
    aside.look(lambda: gate.wait(20) and "old", found.append)
    aside.look(lambda: "new", found.append)
    qtbot.waitUntil(lambda: found == ["new"])
    gate.set()
    qtbot.wait(50)
    assert found == ["new"]
