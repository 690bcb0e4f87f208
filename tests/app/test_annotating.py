"""What a person does with the tools of annotation, in the window."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QPointingDevice, QTabletEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.document import Document, FrameState
from app.main_window import MainWindow
from tests.app.conftest import HEIGHT, WIDTH, open_and_wait
from tests.app.mouse import ALT, LEFT, NONE, RIGHT, drag, place, press
from tests.app.person import canvas_colour, do, document_of, run, scribble

SQUARE = [(8.0, 16.0), (24.0, 16.0), (24.0, 32.0), (8.0, 32.0)]  # of the footage's first frame
SHIFT = Qt.KeyboardModifier.ShiftModifier


def click(window: MainWindow, x: float, y: float, button: Qt.MouseButton = LEFT) -> None:
    QTest.mouseClick(window.canvas, button, NONE, place(window.canvas, x, y))


def covered(window: MainWindow) -> int:
    document = document_of(window)
    mask = document.mask(document.object_id, document.frame)
    return 0 if mask is None else int(np.count_nonzero(mask))


def lasso(window: MainWindow, corners: list[tuple[float, float]], button: Qt.MouseButton = LEFT) -> None:
    do(window, "lasso")
    drag(window.canvas, [*corners, corners[0]], button)


# --- outlines -----------------------------------------------------------------------------------------


def test_the_lasso_adds_and_its_right_button_takes_away(opened: MainWindow):
    document = document_of(opened)
    lasso(opened, SQUARE)
    assert covered(opened) == pytest.approx(256, abs=20)
    assert document.undo_name == "Lasso"
    lasso(opened, [(16.0, 10.0), (30.0, 10.0), (30.0, 40.0), (16.0, 40.0)], RIGHT)
    assert covered(opened) == pytest.approx(128, abs=12)
    do(opened, "undo")
    assert covered(opened) == pytest.approx(256, abs=20)
    click(opened, 50, 40)
    assert not opened.canvas.is_drawing
    assert document.undo_name == "Lasso"


def test_a_polygon_by_its_corners_keys_and_double_click(opened: MainWindow):
    document = document_of(opened)
    do(opened, "polygon")
    for corner in [*SQUARE, (60.0, 40.0)]:
        click(opened, *corner)
    assert opened.canvas.is_drawing
    QTest.keyClick(opened.canvas, Qt.Key.Key_Backspace)
    QTest.keyClick(opened.canvas, Qt.Key.Key_Return)
    assert covered(opened) == pytest.approx(256, abs=20)
    assert document.undo_name == "Polygon"
    for corner in SQUARE[:3]:
        click(opened, *corner, RIGHT)
    QTest.mouseDClick(opened.canvas, LEFT, NONE, place(opened.canvas, *SQUARE[2]))
    assert covered(opened) == pytest.approx(128, abs=20)
    click(opened, 40, 40)
    click(opened, 50, 40)
    QTest.keyClick(opened.canvas, Qt.Key.Key_Escape)
    assert not opened.canvas.is_drawing
    assert covered(opened) == pytest.approx(128, abs=20)


@pytest.mark.parametrize("key", [Qt.Key.Key_Delete, Qt.Key.Key_Z])
def test_keys_that_undo_take_a_corner_back_while_an_outline_is_open(opened: MainWindow, key: Qt.Key):
    document = document_of(opened)
    lasso(opened, SQUARE)
    do(opened, "polygon")
    opened.canvas.setFocus()
    held = Qt.KeyboardModifier.ControlModifier if key == Qt.Key.Key_Z else NONE
    for corner in SQUARE[:2]:
        click(opened, *corner)
    for drawing in (True, False):
        QTest.keyClick(opened.canvas, key, held)
        assert opened.canvas.is_drawing is drawing
        assert document.undo_name == "Lasso"
    QTest.keyClick(opened.canvas, key, held)
    assert document.undo_name != "Lasso"


def test_a_polygon_is_dropped_with_its_frame_and_its_tool(opened: MainWindow):
    do(opened, "polygon")
    for corner in SQUARE:
        click(opened, *corner)
    do(opened, "next")
    assert not opened.canvas.is_drawing
    click(opened, 20, 20)
    do(opened, "brush")
    assert not opened.canvas.is_drawing


def test_the_magnetic_lasso_finds_the_square(opened: MainWindow, qtbot: QtBot):
    do(opened, "magnetic")
    outline = opened.viewer._outline
    corners = [(8.5, 16.5), (23.5, 16.5), (23.5, 31.5), (8.5, 31.5)]  # middles of pixels
    for corner in corners:
        click(opened, *corner)
        qtbot.waitUntil(lambda: outline._wire is not None)  # type: ignore[union-attr]
    click(opened, *corners[0])
    mask = document_of(opened).mask(1, 0)
    assert mask is not None
    truth = np.zeros_like(mask)
    truth[16:32, 8:24] = 255
    assert np.count_nonzero(mask != truth) < 64  # its rim of one pixel
    assert document_of(opened).undo_name == "Magnetic lasso"


def test_a_box_taken_away(opened: MainWindow):
    lasso(opened, SQUARE)
    do(opened, "box")
    drag(opened.canvas, [(16.0, 10.0), (40.0, 40.0)], LEFT, ALT)
    assert covered(opened) == pytest.approx(128, abs=12)
    assert document_of(opened).undo_name == "Rectangle"


def test_a_locked_object_refuses_every_tool_in_one_sentence(opened: MainWindow, qtbot: QtBot):
    document = document_of(opened)
    lasso(opened, SQUARE)
    do(opened, "lock_object")
    before = covered(opened)
    lasso(opened, [(40.0, 5.0), (60.0, 5.0), (60.0, 40.0)])
    assert "locked" in opened.statusBar().currentMessage()
    opened.statusBar().clearMessage()
    do(opened, "grow")
    qtbot.waitUntil(lambda: "locked" in opened.statusBar().currentMessage())
    assert covered(opened) == before
    assert document.undo_name == "Lock object"


# --- the brush ----------------------------------------------------------------------------------------


def shift_drag(window: MainWindow, points: list[tuple[float, float]]) -> None:
    canvas = window.canvas
    QTest.mousePress(canvas, LEFT, SHIFT, place(canvas, *points[0]))
    for point in points[1:]:
        at = QPointF(place(canvas, *point))
        event = QMouseEvent(QEvent.Type.MouseMove, at, canvas.mapToGlobal(at), LEFT, LEFT, SHIFT)
        QApplication.sendEvent(canvas, event)
    QTest.mouseRelease(canvas, LEFT, SHIFT, place(canvas, *points[-1]))


def test_shift_draws_straight_lines_from_the_last_end(opened: MainWindow):
    opened.brush.set_radius(2.0)
    do(opened, "brush")
    shift_drag(opened, [(10.5, 10.5), (30.5, 40.5), (50.5, 10.5)])
    mask = document_of(opened).mask(1, 0)
    assert mask is not None
    assert mask[10, 10:51].all()
    assert not mask[14:].any()
    shift_drag(opened, [(50.5, 40.5)])
    mask = document_of(opened).mask(1, 0)
    assert mask is not None
    assert mask[10:41, 50].all()


def test_a_soft_brush_keeps_its_edge_through_saving_and_export(opened: MainWindow, qtbot: QtBot):
    document = document_of(opened)
    opened.brush.set_radius(8.0)
    opened.brush.set_softness(1.0)
    do(opened, "brush")
    drag(opened.canvas, [(30.5, 24.5)])
    mask = document.mask(1, 0)
    assert mask is not None
    assert len(np.unique(mask)) > 20
    (annotation,) = document.annotations()
    assert set(np.unique(annotation.mask)) == {0, 255}  # what the engine learns from is hard
    document.flush()
    folder = document.folder
    again = Document.open(_copied(folder))
    assert (again.mask(1, 0) == mask).all()
    assert (again.matte(1, 0) == mask.astype(np.uint16) * 257).all()
    again.close()


def _copied(folder: Path) -> Path:
    copy = folder.parent / "copy"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("*.lock*"))
    return copy


def tablet(window: MainWindow, kind: QEvent.Type, x: float, pressure: float, eraser: bool = False) -> None:
    pointer = QPointingDevice.PointerType.Eraser if eraser else QPointingDevice.PointerType.Pen
    pen = QPointingDevice(
        "pen", 1, QPointingDevice.DeviceType.Stylus, pointer,
        QPointingDevice.Capability.Pressure, 1, 1,
    )  # fmt: skip
    at = QPointF(place(window.canvas, x, 24.5))
    event = QTabletEvent(
        kind, pen, at, QPointF(window.canvas.mapToGlobal(at.toPoint())), pressure, 0, 0, 0, 0, 0, NONE,
        LEFT, LEFT,
    )  # fmt: skip
    QApplication.sendEvent(window.canvas, event)
    assert event.isAccepted()


def test_a_pen_paints_by_its_pressure_and_erases_with_its_other_end(opened: MainWindow):
    document = document_of(opened)
    opened.brush.set_radius(10.0)
    opened.brush.set_softness(0.0)
    do(opened, "brush")
    tablet(opened, QEvent.Type.TabletPress, 10.5, 0.1)
    tablet(opened, QEvent.Type.TabletMove, 50.5, 1.0)
    tablet(opened, QEvent.Type.TabletRelease, 50.5, 0.0)
    mask = document.mask(1, 0)
    assert mask is not None
    widths = np.count_nonzero(mask, axis=0)
    assert widths[12] < 8
    assert widths[50] == pytest.approx(20, abs=2)
    for kind in (QEvent.Type.TabletPress, QEvent.Type.TabletRelease):
        tablet(opened, kind, 50.5, 1.0, eraser=True)
    assert document.undo_name == "Eraser"
    do(opened, "pen_pressure")
    assert not opened.settings.pen_pressure
    for kind in (QEvent.Type.TabletPress, QEvent.Type.TabletRelease):
        tablet(opened, kind, 20.5, 0.1)
    mask = document.mask(1, 0)
    assert mask is not None
    assert np.count_nonzero(mask[:, 20]) == pytest.approx(20, abs=2)


@pytest.mark.parametrize("tool", ["brush", "eraser"])
def test_a_pens_other_end_erases_with_either_tool(opened: MainWindow, tool: str):
    document = document_of(opened)
    document.set_mask(1, 0, np.full((HEIGHT, WIDTH), 255, np.uint8))
    do(opened, tool)
    for kind in (QEvent.Type.TabletPress, QEvent.Type.TabletRelease):
        tablet(opened, kind, 30.5, 1.0, eraser=True)
    mask = document.mask(1, 0)
    assert mask is not None
    assert mask[24, 30] == 0
    assert document.undo_name == "Eraser"


def test_the_keys_of_the_edge(opened: MainWindow):
    opened.brush.set_softness(0.0)
    do(opened, "softer")
    do(opened, "softer")
    assert opened.settings.brush_softness == pytest.approx(0.2)
    do(opened, "harder")
    assert opened.viewer.softness == pytest.approx(0.1)
    for _ in range(3):
        do(opened, "harder")
    assert opened.viewer.softness == 0


def test_a_correction_keeps_the_soft_edges_of_a_prediction(opened: MainWindow, qtbot: QtBot):
    document = scribble(opened, qtbot)
    run(opened, qtbot)
    opened.editing.go_to(4)
    assert document.state(1, 4) is FrameState.PREDICTED
    matte = document.matte(1, 4)
    opened.brush.set_radius(2.0)
    do(opened, "brush")
    drag(opened.canvas, [(60.5, 44.5)])
    corrected = document.matte(1, 4)
    assert corrected is not None
    assert matte is not None
    assert (corrected[:40] == matte[:40]).all()
    assert corrected[44, 60] == 65535


# --- the whole mask -----------------------------------------------------------------------------------


def test_edits_of_the_whole_mask_one_after_the_other(opened: MainWindow, qtbot: QtBot):
    document = document_of(opened)
    lasso(opened, SQUARE)
    lasso(opened, [(14.0, 22.0), (18.0, 22.0), (18.0, 26.0), (14.0, 26.0)], RIGHT)
    before = covered(opened)
    do(opened, "fill_holes")
    qtbot.waitUntil(lambda: document.undo_name == "Fill holes")
    filled = covered(opened)
    assert filled > before
    for _ in range(3):
        do(opened, "grow")
    do(opened, "shrink")
    qtbot.waitUntil(lambda: document.undo_name == "Shrink")
    assert filled < covered(opened)
    for _ in range(4):
        do(opened, "undo")
    assert covered(opened) == filled
    do(opened, "undo")
    assert covered(opened) == before
    do(opened, "remove_specks")
    qtbot.waitUntil(lambda: "changes nothing" in opened.statusBar().currentMessage())


def test_an_edit_asked_for_is_done_before_the_document_closes(
    opened: MainWindow, footage: Path, qtbot: QtBot
):
    gate = threading.Event()
    lasso(opened, SQUARE)
    before = covered(opened)
    opened.workspace.worker.submit(gate.wait, lambda _: None)
    do(opened, "grow")
    do(opened, "close_project")
    gate.set()
    open_and_wait(opened, footage, qtbot)
    assert covered(opened) > before


def test_the_eyedropper_selects_and_takes_away(opened: MainWindow, qtbot: QtBot):
    document = document_of(opened)
    do(opened, "colour")
    press(opened.canvas, [(16.0, 24.0)])
    qtbot.waitUntil(lambda: opened.workspace.shaping.live_mask(1, 0) is not None)
    assert document.mask(1, 0) is None
    QTest.mouseRelease(opened.canvas, LEFT, NONE, place(opened.canvas, 16, 24))
    qtbot.waitUntil(lambda: document.mask(1, 0) is not None)
    assert covered(opened) == pytest.approx(256, abs=70)
    assert opened.workspace.shaping.live_mask(1, 0) is None
    click(opened, 16, 24, RIGHT)
    qtbot.waitUntil(lambda: document.undo_name == "Remove colour")
    assert covered(opened) == 0
    press(opened.canvas, [(50.0, 40.0)])
    QTest.keyClick(opened.canvas, Qt.Key.Key_Escape)
    QTest.mouseRelease(opened.canvas, LEFT, NONE, place(opened.canvas, 50, 40))
    wait_for_worker(opened, qtbot)
    assert document.undo_name == "Remove colour"
    assert opened.workspace.shaping.live_mask(1, 0) is None


def wait_for_worker(window: MainWindow, qtbot: QtBot) -> None:
    """Until what the worker was asked for has been done and answered."""
    done: list[None] = []
    window.workspace.worker.submit(lambda: None, done.append)
    qtbot.waitUntil(lambda: bool(done))


def test_undo_takes_back_what_the_eyedropper_has_not_answered_yet(opened: MainWindow, qtbot: QtBot):
    document, gate = document_of(opened), threading.Event()
    lasso(opened, SQUARE)
    do(opened, "colour")
    press(opened.canvas, [(50.0, 40.0)])
    qtbot.waitUntil(lambda: opened.workspace.shaping.live_mask(1, 0) is not None)
    opened.workspace.worker.submit(gate.wait, lambda _: None)
    QTest.mouseRelease(opened.canvas, LEFT, NONE, place(opened.canvas, 50, 40))
    do(opened, "undo")
    gate.set()
    wait_for_worker(opened, qtbot)
    assert document.mask(1, 0) is None
    assert document.redo_name == "Lasso"


def test_two_quick_clicks_of_the_eyedropper_both_count(opened: MainWindow, qtbot: QtBot):
    document, gate = document_of(opened), threading.Event()
    do(opened, "colour")
    press(opened.canvas, [(16.0, 24.0)])
    qtbot.waitUntil(lambda: opened.workspace.shaping.live_mask(1, 0) is not None)
    opened.workspace.worker.submit(gate.wait, lambda _: None)
    QTest.mouseRelease(opened.canvas, LEFT, NONE, place(opened.canvas, 16, 24))
    click(opened, 50, 40)
    gate.set()
    wait_for_worker(opened, qtbot)
    mask = document.mask(1, 0)
    assert mask is not None
    assert mask[24, 16] == mask[40, 50] == 255


def test_masks_from_the_frames_on_both_sides(opened: MainWindow):
    document = document_of(opened)
    opened.editing.go_to(3)
    lasso(opened, SQUARE)
    drawn = document.mask(1, 3)
    opened.editing.go_to(2)
    assert not opened.actions_by_name["copy_previous"].isEnabled()
    do(opened, "copy_next")
    assert (document.mask(1, 2) == drawn).all()
    opened.editing.go_to(4)
    do(opened, "copy_previous")
    assert (document.mask(1, 4) == drawn).all()


# --- objects ------------------------------------------------------------------------------------------


@pytest.fixture
def two_objects(opened: MainWindow) -> MainWindow:
    lasso(opened, SQUARE)
    do(opened, "add_object")
    lasso(opened, [(40.0, 16.0), (56.0, 16.0), (56.0, 32.0), (40.0, 32.0)])
    return opened


def test_solo_shows_the_selected_object_alone(two_objects: MainWindow, qtbot: QtBot):
    window = two_objects
    ground = (40, 40, 40)
    do(window, "brush")
    qtbot.waitUntil(lambda: canvas_colour(window, 48, 24) != pytest.approx(ground, abs=12))
    do(window, "matte")
    do(window, "solo")
    qtbot.waitUntil(lambda: canvas_colour(window, 16, 24) == (0, 0, 0))
    assert canvas_colour(window, 48, 24) == (255, 255, 255)
    QTest.keyClick(window, Qt.Key.Key_1)
    qtbot.waitUntil(lambda: canvas_colour(window, 16, 24) == (255, 255, 255))
    assert canvas_colour(window, 48, 24) == (0, 0, 0)
    do(window, "solo")
    qtbot.waitUntil(lambda: canvas_colour(window, 48, 24) == (255, 255, 255))


def test_objects_are_reordered_by_keys_and_by_dragging(two_objects: MainWindow, qtbot: QtBot):
    window, document = two_objects, document_of(two_objects)
    assert not window.actions_by_name["object_down"].isEnabled()
    do(window, "object_up")
    assert [each.object_id for each in document.objects] == [2, 1]
    assert document.undo_name == "Reorder objects"
    rows = window.objects_panel.list
    rows.model().moveRow(rows.rootIndex(), 0, rows.rootIndex(), 2)  # what a drop does
    qtbot.waitUntil(lambda: [each.object_id for each in document.objects] == [1, 2])
    do(window, "undo")
    do(window, "undo")
    assert [each.object_id for each in document.objects] == [1, 2]
    assert rows.count() == 2
    assert rows.itemWidget(rows.item(1)) is not None


def test_locks_and_eyes_in_the_list_are_undoable_and_named(two_objects: MainWindow):
    window, document = two_objects, document_of(two_objects)
    window.objects_panel.lock_toggled.emit(1)
    assert document.object(1).locked
    assert document.undo_name == "Lock object"
    window.objects_panel.visibility_toggled.emit(2)
    assert document.undo_name == "Hide object"
    do(window, "undo")
    do(window, "undo")
    assert not document.object(1).locked
