"""The window on the real engine: a small clip from scribbles to an export read back."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.document import FrameState
from app.main_window import MainWindow
from app.settings import Settings
from app.workspace import Workspace
from tests.app.conftest import FIRST_NUMBER, FRAMES, HEIGHT, WIDTH, open_and_wait
from tests.app.mouse import RIGHT, drag
from tests.app.person import do
from vosengine.config import Config
from vosengine.engine import Engine

QUICK = Config(steps=3, batch_size=1, crop_area=64 * 48)
PATIENCE = 120_000  # milliseconds; torch is imported in the engine's thread


@pytest.fixture
def real_window(qtbot: QtBot, qapp: QApplication) -> Iterator[MainWindow]:
    window = MainWindow(Workspace(Engine), Settings(tour_shown=True))
    window.show()
    yield window
    window.workspace.close()
    window.deleteLater()


def test_scribbles_run_export(real_window: MainWindow, footage: Path, tmp_path: Path, qtbot: QtBot):
    problems: list[tuple[str, str]] = []
    real_window.workspace.failed.connect(lambda *said: problems.append(said))
    open_and_wait(real_window, footage, qtbot)
    document = real_window.workspace.document
    assert document is not None
    document.set_config(QUICK)
    drag(real_window.canvas, [(10.5, 18.5), (21.5, 29.5)])
    drag(real_window.canvas, [(50.5, 4.5), (50.5, 44.5)], RIGHT)
    qtbot.waitUntil(lambda: document.mask(1, 0) is not None, timeout=PATIENCE)
    qtbot.waitUntil(lambda: not real_window.workspace.scribbler.is_working, timeout=PATIENCE)
    mask = document.mask(1, 0)
    assert mask is not None
    assert mask[24, 16] == 255
    assert mask[40, 50] == 0
    real_window.actions_by_name["run"].trigger()
    qtbot.waitUntil(lambda: not real_window.workspace.runner.is_running, timeout=PATIENCE)
    assert problems == []
    assert set(document.states(1)) == set(range(FRAMES))
    real_window.actions_by_name["export"].trigger()
    dialog = real_window.exporting.dialog
    assert dialog is not None
    dialog.form.folder.setText(str(tmp_path / "out"))
    dialog.export_button.click()
    told = dialog.results.report.toPlainText
    qtbot.waitUntil(lambda: told() != "" or dialog.problem.text() != "", timeout=PATIENCE)
    assert dialog.problem.text() == ""
    assert "every matte identical at 16 bits" in told()
    written = sorted((tmp_path / "out").rglob("*.png"))
    assert len(written) == FRAMES
    assert str(FIRST_NUMBER) in written[0].name
    first = cv2.imdecode(np.fromfile(written[0], np.uint8), cv2.IMREAD_UNCHANGED)
    assert first.dtype == np.uint16
    assert ((first > 0) == (mask > 0)).all()  # what was drawn is exported as drawn


def test_a_correction_of_a_predicted_frame_and_its_undo(real_window: MainWindow, footage: Path, qtbot: QtBot):
    open_and_wait(real_window, footage, qtbot)
    document, scribbler = real_window.workspace.document, real_window.workspace.scribbler
    assert document is not None
    document.set_config(QUICK)
    square = np.zeros((HEIGHT, WIDTH), np.uint8)
    square[16:32, 8:24] = 255
    document.set_mask(1, 0, square)
    do(real_window, "run")
    qtbot.waitUntil(lambda: not real_window.workspace.runner.is_running, timeout=PATIENCE)
    real_window.editing.go_to(4)
    before = document.shown_mask(1, 4)
    drag(real_window.canvas, [(50.5, 8.5), (56.5, 10.5)])  # above the square: never predicted
    qtbot.waitUntil(lambda: document.mask(1, 4) is not None, timeout=PATIENCE)
    qtbot.waitUntil(lambda: not scribbler.is_working, timeout=PATIENCE)
    corrected = document.mask(1, 4)
    assert before is not None
    assert corrected is not None
    assert corrected[8, 50] == 255
    assert np.array_equal(corrected[:, :36] > 127, before[:, :36] > 127)
    assert document.state(1, 4) is FrameState.ANNOTATED
    assert document.state(1, 5) is FrameState.STALE
    do(real_window, "undo")
    assert document.mask(1, 4) is None
    assert document.scribbles(1, 4) is None
    assert np.array_equal(document.shown_mask(1, 4), before)
    assert document.state(1, 5) is FrameState.PREDICTED
