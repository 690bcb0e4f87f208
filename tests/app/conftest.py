"""A window without a screen, a quick engine that is not the real one, and small footage."""

import os
import sys

# Before any Qt import; the tests marked `xvfb` start a process of their own on a real display.
os.environ["QT_QPA_PLATFORM"] = "offscreen"

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import settings
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.main_window import MainWindow
from app.settings import Settings
from app.theme import apply_theme
from app.workspace import Workspace
from tests.app.fake_engine import FakeEngine

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

FRAMES, WIDTH, HEIGHT = 8, 64, 48
FIRST_NUMBER = 1001


@pytest.fixture(scope="session")
def qapp_args() -> list[str]:
    return [sys.argv[0]]


@pytest.fixture(scope="session")
def themed(qapp: QApplication) -> QApplication:
    apply_theme(qapp)
    return qapp


@pytest.fixture
def footage(tmp_path: Path) -> Path:
    return write_footage(tmp_path / "shot ü")


def write_footage(folder: Path) -> Path:
    """An image sequence numbered from 1001: a bright square walks over a dark ground."""
    folder.mkdir()
    for frame in range(FRAMES):
        image = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
        image[16:32, 8 + 4 * frame : 24 + 4 * frame] = (40, 90, 230)
        cv2.imencode(".png", image)[1].tofile(folder / f"shot.{FIRST_NUMBER + frame}.png")
    return folder


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def window(qtbot: QtBot, themed: QApplication, engine: FakeEngine) -> Iterator[MainWindow]:
    """The whole window on the fake engine; afterwards no thread of ours may be left."""
    before = set(threading.enumerate())
    window = MainWindow(Workspace(lambda: engine), Settings(tour_shown=True))
    window.show()
    qtbot.waitExposed(window)
    yield window
    engine.gate.set()
    window.workspace.close()
    window.close()
    window.deleteLater()
    left = [t for t in set(threading.enumerate()) - before if t.name.startswith("rotoshot") and t.is_alive()]
    assert not left


@pytest.fixture
def opened(window: MainWindow, footage: Path, qtbot: QtBot) -> MainWindow:
    """The window with the footage open and its first picture shown."""
    open_and_wait(window, footage, qtbot)
    return window


def open_and_wait(window: MainWindow, path: Path, qtbot: QtBot) -> None:
    window.opening.open(path)
    qtbot.waitUntil(lambda: window.workspace.document is not None and not window.canvas.picture.isNull())


@pytest.fixture
def errors(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What error dialogs would have said: (message, traceback)."""
    said: list[tuple[str, str]] = []
    window.workspace.failed.connect(lambda message, trace: said.append((message, trace)))
    monkeypatch.setattr("app.main_window.ErrorDialog.exec", lambda self: 0)
    return said


Confirm = Callable[[bool], list[str]]


@pytest.fixture
def confirm(monkeypatch: pytest.MonkeyPatch) -> Confirm:
    """Answer all questions from now on; returns the list of those asked."""

    def answer(yes: bool) -> list[str]:
        asked: list[str] = []

        def record(_parent: object, question: str, *_: str) -> bool:
            asked.append(question)
            return yes

        monkeypatch.setattr("app.opening.confirm", record)
        monkeypatch.setattr("app.export_dialog.confirm", record)
        return asked

    return answer
