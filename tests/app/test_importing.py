"""Importing masks in the window: as annotations, as predictions, refused, cancelled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from app.document import Document, FrameState
from app.import_dialog import ImportDialog
from app.main_window import MainWindow
from tests.app.conftest import FIRST_NUMBER, FRAMES
from tests.app.fake_engine import SHAPE, truth
from tests.app.person import do, document_of
from vosengine.png import write_palette

Use = Callable[[ImportDialog], None]


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    """A mask for each frame of the footage, numbered as it is."""
    folder = tmp_path / "masks"
    folder.mkdir()
    for frame in range(FRAMES):
        cv2.imwrite(str(folder / f"m.{FIRST_NUMBER + frame}.png"), (truth(frame) >> 8).astype(np.uint8))
    return folder


def use_dialog(window: MainWindow, path: Path, monkeypatch: pytest.MonkeyPatch, use: Use) -> None:
    """Choose a file, then do with the dialog what `use` does instead of showing it."""
    monkeypatch.setattr("app.import_dialog.QFileDialog.getOpenFileName", lambda *_: (str(path), ""))
    monkeypatch.setattr(ImportDialog, "exec", use)
    do(window, "import_masks")


def importing(qtbot: QtBot, as_predictions: bool = False) -> Use:
    def use(dialog: ImportDialog) -> None:
        qtbot.waitUntil(dialog.go.isEnabled)
        dialog.use.setCurrentIndex(1 if as_predictions else 0)
        dialog.go.click()
        qtbot.waitUntil(lambda: bool(dialog.sentence))

    return use


def test_masks_become_annotations_in_one_step(
    opened: MainWindow, masks: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
):
    document = document_of(opened)
    use_dialog(opened, next(masks.iterdir()), monkeypatch, importing(qtbot))
    assert document.annotated_frames(1) == list(range(FRAMES))
    assert (document.matte(1, 5) == truth(5)).all()
    assert f"{FRAMES} frames imported" in opened.statusBar().currentMessage()
    assert document.undo_name == "Import masks"
    do(opened, "undo")
    assert document.annotated_frames() == []


def test_masks_become_predictions_that_runs_may_replace(
    opened: MainWindow, masks: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
):
    document = document_of(opened)
    use_dialog(opened, next(masks.iterdir()), monkeypatch, importing(qtbot, as_predictions=True))
    assert document.annotated_frames() == []
    assert all(document.state(1, frame) is FrameState.PREDICTED for frame in range(FRAMES))
    assert (document.matte(1, 5) == truth(5)).all()
    do(opened, "undo")
    assert document.states(1) == {}


def test_ids_become_objects(
    opened: MainWindow, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
):
    document = document_of(opened)
    ids = np.zeros(SHAPE, np.uint8)
    ids[2:9, 2:9], ids[20:29, 30:40] = 3, 5
    write_palette(tmp_path / "00002.png", ids)
    use_dialog(opened, tmp_path / "00002.png", monkeypatch, importing(qtbot))
    assert [each.object_id for each in document.objects] == [1, 2]  # the empty object, and a new one
    frame = document.annotated_frames()[0]
    assert ((document.mask(1, frame) == 255) == (ids == 3)).all()
    assert ((document.mask(2, frame) == 255) == (ids == 5)).all()
    do(opened, "undo")
    assert [each.object_id for each in document.objects] == [1]


def test_masks_of_another_size_are_refused_in_one_sentence(
    opened: MainWindow, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
):
    cv2.imwrite(str(tmp_path / "m.png"), np.zeros((10, 12), np.uint8))

    def use(dialog: ImportDialog) -> None:
        qtbot.waitUntil(lambda: "export them at the clip's size" in dialog.found.text())
        assert not dialog.go.isEnabled()
        dialog.reject()

    use_dialog(opened, tmp_path / "m.png", monkeypatch, use)
    assert document_of(opened).undo_name == ""


@pytest.mark.parametrize("as_predictions", [False, True])
def test_cancelled_it_leaves_nothing(
    opened: MainWindow, masks: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, as_predictions: bool
):
    def use(dialog: ImportDialog) -> None:
        qtbot.waitUntil(dialog.go.isEnabled)
        dialog.use.setCurrentIndex(1 if as_predictions else 0)
        dialog.bar.valueChanged.connect(lambda done: dialog.reject() if done == 2 else None)
        with qtbot.waitSignal(dialog.rejected):
            dialog.go.click()

    use_dialog(opened, next(masks.iterdir()), monkeypatch, use)
    document = document_of(opened)
    assert document.states(1) == {}
    assert document.undo_name == ""


def test_a_damaged_mask_ends_it_and_leaves_nothing(
    opened: MainWindow, masks: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
):
    file = masks / f"m.{FIRST_NUMBER + 4}.png"
    file.write_bytes(file.read_bytes()[:60])
    use_dialog(opened, masks / f"m.{FIRST_NUMBER}.png", monkeypatch, importing(qtbot))
    assert "damaged" in opened.statusBar().currentMessage()
    assert document_of(opened).states(1) == {}


def test_cancelled_it_takes_back_nothing_but_itself(
    opened: MainWindow, masks: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
):
    document = document_of(opened)
    for frame in range(FRAMES):
        document.set_mask(1, frame, np.full(SHAPE, 255, np.uint8))

    def use(dialog: ImportDialog) -> None:
        qtbot.waitUntil(dialog.go.isEnabled)
        dialog.use.setCurrentIndex(1)
        dialog.bar.valueChanged.connect(lambda done: dialog.reject() if done == 2 else None)
        with qtbot.waitSignal(dialog.rejected):
            dialog.go.click()

    use_dialog(opened, next(masks.iterdir()), monkeypatch, use)
    assert document.annotated_frames() == list(range(FRAMES))
    assert document.redo_name == ""


def test_predictions_leave_what_was_drawn_and_say_so(
    opened: MainWindow, masks: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
):
    document = document_of(opened)
    document.set_mask(1, 3, np.full(SHAPE, 255, np.uint8))
    use_dialog(opened, next(masks.iterdir()), monkeypatch, importing(qtbot, as_predictions=True))
    said = f"Masks on {FRAMES - 1} frames imported, 1 left as they are (drawn or approved)."
    assert opened.statusBar().currentMessage() == said


def test_predictions_of_ids_come_with_their_objects_in_one_step_and_spare_the_locked(
    opened: MainWindow, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
):
    document = document_of(opened)
    document.change_object(1, locked=True)
    ids = np.zeros(SHAPE, np.uint8)
    ids[2:9, 2:9], ids[20:29, 30:40] = 3, 5
    write_palette(tmp_path / "00002.png", ids)
    use_dialog(opened, tmp_path / "00002.png", monkeypatch, importing(qtbot, as_predictions=True))
    assert [each.object_id for each in document.objects] == [1, 2, 3]
    assert [len(document.states(own)) for own in (1, 2, 3)] == [0, 1, 1]
    do(opened, "undo")
    assert [each.object_id for each in document.objects] == [1]
    do(opened, "redo")
    assert [len(document.states(own)) for own in (1, 2, 3)] == [0, 1, 1]


def test_reading_waits_for_the_disk(
    opened: MainWindow, masks: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
):
    document, asked = document_of(opened), 0

    def has_room(_: Document) -> bool:
        nonlocal asked
        asked += 1
        return asked != 3

    monkeypatch.setattr(Document, "has_room", property(has_room))
    use_dialog(opened, next(masks.iterdir()), monkeypatch, importing(qtbot, as_predictions=True))
    assert asked == FRAMES + 2  # once more for the wait, and for the end
    assert len(document.states(1)) == FRAMES
