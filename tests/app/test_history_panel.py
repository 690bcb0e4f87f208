"""The history panel, and what the start screen offers after a crash, as a person meets them."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester, QTest
from PySide6.QtWidgets import QApplication, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.document import Document
from app.history_panel import ROW_DATA, HistoryModel
from app.main_window import MainWindow
from app.recovery import left_open
from app.undo import Step
from tests.app.conftest import open_and_wait
from tests.app.fake_engine import FakeEngine
from tests.app.person import do, document_of, run, scribble
from vosengine.config import preset

# --- the panel --------------------------------------------------------------------------------------------


def rows(window: MainWindow) -> list[str]:
    model = window.history.panel.model
    return [str(model.index(row).data()) for row in range(model.rowCount())]


def undone(window: MainWindow) -> int:
    model = window.history.panel.model
    return sum(model.index(row).data(ROW_DATA).undone for row in range(model.rowCount()))


def click(window: MainWindow, row: int) -> None:
    QApplication.processEvents()
    view = window.history.panel.list
    index = view.model().index(row, 0)
    view.scrollTo(index)
    position = view.visualRect(index).center()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, position)


def test_the_history_names_every_step_and_a_click_goes_there(opened: MainWindow, qtbot: QtBot):
    do(opened, "history")
    assert rows(opened) == ["Before these steps"]
    document = scribble(opened, qtbot)
    run(opened, qtbot)
    opened.editing.go_to(3)
    do(opened, "approve")
    do(opened, "mark_in")
    opened.run_panel.preset_chosen.emit("draft")
    assert rows(opened) == [
        "Before these steps",
        "Foreground scribble · Object 1 · frame 1001",
        "Run · Object 1 · 7 masks",
        "Approve · Object 1 · frame 1004",
        "In and out",
        "Preset Draft",
    ]
    assert (document.span.start, document.config) == (3, preset("draft"))
    click(opened, 1)
    assert (undone(opened), document.undo_name) == (4, "Foreground scribble")
    assert (document.span.start, document.matte(1, 3)) == (0, None)
    click(opened, 4)
    assert document.approved(1, 3)
    assert (document.span.start, undone(opened)) == (3, 1)
    do(opened, "undo")
    assert opened.history.panel.model.position == 3
    assert opened.history.panel.list.currentIndex().row() == 3
    opened.history.panel.list.setFocus()
    QTest.keyClick(opened.history.panel.list, Qt.Key.Key_Up)
    assert document.position == 3  # the keys look, Return goes
    QTest.keyClick(opened.history.panel.list, Qt.Key.Key_Return)
    assert document.position == 2


def test_close_and_reopen_then_undo_all_and_redo_all(
    opened: MainWindow, engine: FakeEngine, footage: Path, qtbot: QtBot
):
    document = scribble(opened, qtbot)
    first = document.mask(1, 0).tobytes()
    run(opened, qtbot)
    mattes = [document.matte(1, frame).tobytes() for frame in range(1, 8)]
    engine.shifts = {4: 9}
    opened.editing.go_to(6)
    scribble(opened, qtbot)
    run(opened, qtbot)
    changed = document.runs.outcome.changed
    do(opened, "delete_object")
    names = rows(opened)
    do(opened, "close_project")
    open_and_wait(opened, footage, qtbot)
    document = document_of(opened)
    assert rows(opened) == names
    assert document.objects == ()
    do(opened, "undo")
    assert document.runs.outcome.changed == changed
    do(opened, "undo")
    assert [document.matte(1, frame).tobytes() for frame in (1, 4)] == [mattes[0], mattes[3]]
    while document.undo_name:
        do(opened, "undo")
    assert document.mask(1, 0) is None
    QApplication.processEvents()
    assert not opened.actions_by_name["undo"].isEnabled()
    do(opened, "redo")
    assert document.mask(1, 0).tobytes() == first
    while document.redo_name:
        do(opened, "redo")
    assert document.objects == ()
    assert rows(opened) == names


def test_thousands_of_steps_are_shown_and_travelled(opened: MainWindow, footage: Path, qtbot: QtBot):
    folder = document_of(opened).folder
    do(opened, "close_project")
    document = Document.open(folder)
    for number in range(5000):
        document.change_object(1, name=f"Name {number % 7}")
    document.close()
    open_and_wait(opened, footage, qtbot)
    do(opened, "history")
    document = document_of(opened)
    assert len(rows(opened)) == 5001
    click(opened, 4990)
    assert (document.position, document.object(1).name) == (4990, "Name 5")
    click(opened, 0)
    assert (document.object(1).name, undone(opened)) == ("Object 1", 5000)


def test_the_model_tells_exactly_what_changes(qtbot: QtBot):
    model = HistoryModel()
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    steps = [Step(f"{number}") for number in range(6)]
    for shown, position in (
        (steps[:3], 3),
        (steps[:3], 1),
        ([*steps[:1], *steps[4:]], 3),
        (steps[2:], 0),
        ([], 0),
    ):
        model.show_steps(shown, position, 0)
        names = [str(model.index(row).data()) for row in range(1, model.rowCount())]
        assert names == [step.name for step in shown]
        assert [model.index(row).data(ROW_DATA).current for row in range(model.rowCount())].index(
            True
        ) == position
    del tester


# --- after a crash ----------------------------------------------------------------------------------------


def leave(folder: Path, process: int) -> None:
    """What a process that was killed leaves of a project's lock."""
    note = {"host": socket.gethostname(), "pid": process}
    (folder / "project.lock.json").write_text(json.dumps(note))


def test_after_a_new_start_of_the_computer_the_number_is_another_process_s(tmp_path: Path):
    started = psutil.Process().create_time()
    (tmp_path / "project.roto").touch()
    for since, is_left in ((started, False), (started - 9000, True), ("x", False)):
        note = {"host": socket.gethostname(), "pid": os.getpid(), "started": since}
        (tmp_path / "project.lock.json").write_text(json.dumps(note))
        assert (left_open([str(tmp_path)]) is not None) == is_left


@pytest.fixture(scope="module")
def ended() -> int:
    """The number of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def press(notice: QWidget, text: str) -> None:
    (button,) = (each for each in notice.findChildren(QPushButton) if each.text() == text)
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def test_the_start_screen_offers_what_a_crash_left_and_says_what_is_there(
    opened: MainWindow, qtbot: QtBot, tmp_path: Path, ended: int
):
    document = scribble(opened, qtbot)
    document.flush()
    left = tmp_path / "left.rotoshot"
    shutil.copytree(document.folder, left)
    leave(left, ended)
    do(opened, "close_project")
    notice = opened.recovery.notice
    opened.workspace.worker.submit(lambda: None, lambda _: opened.start_screen.setProperty("looked", True))
    qtbot.waitUntil(lambda: bool(opened.start_screen.property("looked")))
    assert not notice.isVisible()  # closed properly
    opened.settings.recent_projects = [str(tmp_path / "gone"), str(document.folder), str(left)]
    opened.recovery.look()
    qtbot.waitUntil(notice.isVisible)
    said: list[str] = []
    opened.workspace.message.connect(said.append)
    press(notice, "Open “left”")
    qtbot.waitUntil(lambda: opened.workspace.document is not None)
    assert said == ["Rotoshot ended unexpectedly last time; your work is here. 1 step can be undone."]
    assert document_of(opened).folder == left
    do(opened, "undo")
    assert document_of(opened).mask(1, 0) is None
    do(opened, "close_project")
    qtbot.waitUntil(lambda: not notice.isVisible())


def test_a_project_open_elsewhere_is_not_offered(tmp_path: Path, ended: int):
    leave(tmp_path, os.getppid())
    (tmp_path / "project.roto").touch()
    assert left_open([str(tmp_path)]) is None
    leave(tmp_path, ended)
    assert left_open([str(tmp_path)]).folder == tmp_path


def test_an_offer_declined_is_not_made_again(opened: MainWindow, qtbot: QtBot, tmp_path: Path, ended: int):
    left = tmp_path / "left.rotoshot"
    shutil.copytree(document_of(opened).folder, left)
    leave(left, ended)
    do(opened, "close_project")
    opened.settings.recent_projects = [str(left)]
    opened.recovery.look()
    qtbot.waitUntil(opened.recovery.notice.isVisible)
    (later,) = [
        each
        for each in opened.recovery.notice.findChildren(type(opened.recovery._open))
        if each.text() == "Not now"
    ]
    QTest.mouseClick(later, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not opened.recovery.notice.isVisible())


def test_the_status_bar_says_when_the_last_change_was_saved(opened: MainWindow, qtbot: QtBot):
    scribble(opened, qtbot)
    saved = opened.status._saved
    qtbot.waitUntil(lambda: saved.text() == "All changes saved")
    assert "the last one at" in saved.toolTip()
