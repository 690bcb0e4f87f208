"""What a person does in the window, up to a run: opening, drawing, objects, moving about."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.findings import Mark
from app.main_window import MainWindow
from app.settings import Settings
from app.workspace import Workspace
from tests.app.conftest import FIRST_NUMBER, FRAMES, HEIGHT, WIDTH, Confirm, open_and_wait
from tests.app.fake_engine import FakeEngine
from tests.app.mouse import LEFT, RIGHT, drag, place, press
from tests.app.person import SQUARE, canvas_colour, do, document_of, scribble
from vosengine.messages import Correct, GrabCut
from vosengine.types import Span

# --- opening ----------------------------------------------------------------------------------------------


def test_an_opened_clip_makes_a_project_beside_it(opened: MainWindow, footage: Path):
    document = document_of(opened)
    assert document.folder == footage.parent / f"{footage.name}.rotoshot"
    assert document.clip.frame_count == FRAMES
    assert canvas_colour(opened, 12, 20) == pytest.approx((230, 90, 40), abs=20)  # footage is BGR on disk
    assert str(FIRST_NUMBER) in opened.status._frame.text()
    assert opened.settings.recent_projects == [str(document.folder)]


def test_dropping_a_folder_opens_it(window: MainWindow, footage: Path, qtbot: QtBot):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(footage))])
    event = QDropEvent(QPointF(50, 50), Qt.DropAction.CopyAction, data, LEFT, Qt.KeyboardModifier.NoModifier)
    window.dropEvent(event)
    qtbot.waitUntil(lambda: window.workspace.document is not None)


def test_a_file_that_is_no_clip_is_refused_in_one_sentence(
    window: MainWindow, tmp_path: Path, errors: list[tuple[str, str]], qtbot: QtBot
):
    bad = tmp_path / "notes.mov"
    bad.write_text("not footage")
    window.opening.open(bad)
    qtbot.waitUntil(lambda: bool(errors))
    assert errors[0][1] == ""
    assert window.workspace.document is None
    assert window.start_screen.isEnabled()


def test_without_a_clip_only_what_makes_sense_is_enabled(window: MainWindow):
    enabled = {spec.name for spec, action in window.actions_by_name if action.isEnabled()}
    opening = {"open_clip", "open_sequence", "open_project", "open_demo"}
    assert enabled == {*opening, "preferences", "quit", "palette", "shortcuts", "change_shortcuts", "about"}
    assert "Open a clip first" in window.actions_by_name["run"].toolTip()


def test_a_damaged_window_geometry_is_passed_over(themed: QApplication, engine: FakeEngine, qtbot: QtBot):
    window = MainWindow(Workspace(lambda: engine), Settings(window_geometry="A"))
    qtbot.addWidget(window)
    assert window.close()


def test_recent_projects_are_listed_and_open(opened: MainWindow, qtbot: QtBot):
    folder = document_of(opened).folder
    do(opened, "close_project")
    assert opened.workspace.document is None
    recent = opened.start_screen.recent
    qtbot.waitUntil(lambda: recent.count() == 1)
    recent.itemClicked.emit(recent.item(0))
    qtbot.waitUntil(lambda: opened.workspace.document is not None)
    assert document_of(opened).folder == folder


def test_a_project_whose_footage_has_moved_asks_for_it(
    opened: MainWindow, footage: Path, qtbot: QtBot, confirm: Confirm, monkeypatch: pytest.MonkeyPatch
):
    document = scribble(opened, qtbot)
    folder = document.folder
    do(opened, "close_project")
    moved = footage.with_name("moved")
    footage.rename(moved)
    asked = confirm(True)
    chosen = str(next(moved.iterdir()))
    monkeypatch.setattr("app.opening.QFileDialog.getOpenFileName", lambda *_: (chosen, ""))
    open_and_wait(opened, folder, qtbot)
    assert len(asked) == 1
    assert document_of(opened).mask(1, 0) is not None


# --- drawing ----------------------------------------------------------------------------------------------


def test_scribbles_become_a_mask(opened: MainWindow, engine: FakeEngine, qtbot: QtBot):
    document = scribble(opened, qtbot)
    mask = document.mask(1, 0)
    assert mask is not None
    assert mask[24, 16] == 255
    assert mask[40, 50] == 0
    command = engine.of(GrabCut)[-1]
    assert isinstance(command, GrabCut)
    assert command.image.shape == (HEIGHT, WIDTH, 3)
    assert set(np.unique(command.scribbles)) == {0, 2}
    assert opened.timeline.mark_at(1, 0) is Mark.ANNOTATED
    qtbot.waitUntil(lambda: not opened.actions_by_name["cancel"].isEnabled())
    qtbot.waitUntil(lambda: canvas_colour(opened, 40, 40) == pytest.approx((40, 40, 40), abs=12))


def test_grab_cut_answers_while_the_pen_moves(opened: MainWindow, qtbot: QtBot):
    document = document_of(opened)
    do(opened, "foreground")
    press(opened.canvas, SQUARE)
    qtbot.waitUntil(lambda: opened.workspace.scribbler.live_mask(1, 0) is not None)
    assert document.mask(1, 0) is None
    assert opened.canvas.is_drawing
    QTest.keyClick(opened.canvas, Qt.Key.Key_Escape)
    assert opened.workspace.scribbler.live_mask(1, 0) is None
    QTest.mouseRelease(opened.canvas, LEFT, pos=place(opened.canvas, *SQUARE[1]))
    assert document.undo_name == ""


def test_one_undo_takes_a_scribble_and_its_mask_back(opened: MainWindow, qtbot: QtBot):
    document = scribble(opened, qtbot)
    assert "scribble" in opened.actions_by_name["undo"].text()
    do(opened, "undo")
    assert document.mask(1, 0) is None
    assert document.scribbles(1, 0) is None
    do(opened, "redo")
    assert document.mask(1, 0) is not None


def test_the_right_button_marks_background(opened: MainWindow, engine: FakeEngine, qtbot: QtBot):
    document = scribble(opened, qtbot)
    drag(opened.canvas, [(50.5, 40.5), (60.5, 40.5)], RIGHT)
    qtbot.waitUntil(lambda: len(engine.of(GrabCut)) > 1 and not opened.workspace.scribbler.is_working)
    marks = document.scribbles(1, 0)
    assert marks is not None
    assert marks[40, 55] == 1
    assert marks[24, 16] == 2


def test_later_marks_are_not_held_to_the_earlier_answer_but_to_what_was_painted(
    opened: MainWindow, engine: FakeEngine, qtbot: QtBot
):
    document = scribble(opened, qtbot)
    answers = len(engine.of(GrabCut))
    drag(opened.canvas, [(50.5, 40.5), (60.5, 40.5)], RIGHT)
    qtbot.waitUntil(lambda: len(engine.of(GrabCut)) > answers and not opened.workspace.scribbler.is_working)
    assert all(command.previous is None for command in engine.of(GrabCut))
    do(opened, "brush")
    drag(opened.canvas, [(40.5, 10.5), (44.5, 10.5)])
    painted = document.mask(1, 0)
    do(opened, "foreground")
    drag(opened.canvas, SQUARE)
    qtbot.waitUntil(lambda: bool(engine.of(Correct)) and not opened.workspace.scribbler.is_working)
    assert np.array_equal(engine.of(Correct)[-1].previous, painted)


def test_brush_and_eraser(opened: MainWindow):
    document = document_of(opened)
    opened.brush.set_radius(5.0)
    do(opened, "brush")
    drag(opened.canvas, [(20.5, 20.5), (40.5, 20.5)])
    mask = document.mask(1, 0)
    assert mask is not None
    assert mask[20, 30] == mask[23, 30] == 255
    assert mask[30, 30] == 0
    do(opened, "eraser")
    drag(opened.canvas, [(30.5, 20.5)])
    erased = document.mask(1, 0)
    assert erased is not None
    assert erased[20, 30] == 0
    assert erased[20, 22] == 255
    drag(opened.canvas, [(30.5, 20.5)], RIGHT)
    painted = document.mask(1, 0)
    assert painted is not None
    assert painted[20, 30] == 255


def test_a_box_becomes_a_mask(opened: MainWindow, engine: FakeEngine, qtbot: QtBot):
    document = document_of(opened)
    do(opened, "box")
    drag(opened.canvas, [(8.2, 16.2), (24.2, 32.2)])
    qtbot.waitUntil(lambda: document.mask(1, 0) is not None)
    command = engine.of(GrabCut)[-1]
    assert isinstance(command, GrabCut)
    assert command.box is not None
    assert command.box.width == pytest.approx(16, abs=0.3)
    do(opened, "undo")
    assert document.mask(1, 0) is None
    assert document.box(1, 0) is None


def test_scribbles_after_a_box_correct_what_was_found_in_it(
    opened: MainWindow, engine: FakeEngine, qtbot: QtBot
):
    document = document_of(opened)
    do(opened, "box")
    drag(opened.canvas, [(8.2, 16.2), (24.2, 32.2)])
    qtbot.waitUntil(lambda: document.mask(1, 0) is not None)
    found = document.mask(1, 0)
    do(opened, "foreground")
    drag(opened.canvas, [(40.5, 21.5), (50.5, 25.5)])
    qtbot.waitUntil(lambda: bool(engine.of(Correct)) and not opened.workspace.scribbler.is_working)
    assert np.array_equal(engine.of(Correct)[-1].previous, found)


def test_the_brush_keys(opened: MainWindow):
    radius = opened.viewer.radius
    QTest.keyClick(opened, Qt.Key.Key_BracketRight)
    assert opened.viewer.radius > radius
    QTest.keyClick(opened, Qt.Key.Key_BracketLeft)
    assert opened.viewer.radius == pytest.approx(radius)


def test_views(opened: MainWindow, qtbot: QtBot):
    scribble(opened, qtbot)
    do(opened, "matte")
    do(opened, "brush")  # scribbles are drawn over the picture only with a scribble tool
    qtbot.waitUntil(lambda: canvas_colour(opened, 16, 24) == (255, 255, 255))
    assert canvas_colour(opened, 50, 40) == (0, 0, 0)
    do(opened, "black")
    qtbot.waitUntil(lambda: canvas_colour(opened, 16, 24)[0] > 200 > canvas_colour(opened, 16, 24)[2])
    assert canvas_colour(opened, 50, 40) == (0, 0, 0)
    do(opened, "overlay")
    qtbot.waitUntil(lambda: canvas_colour(opened, 50, 40) != (0, 0, 0))


# --- objects ----------------------------------------------------------------------------------------------


def test_objects_added_renamed_hidden_deleted(opened: MainWindow, qtbot: QtBot):
    document = document_of(opened)
    do(opened, "add_object")
    assert document.object_id == 2
    assert opened.objects_panel.list.count() == 2
    do(opened, "rename_object")
    name = opened.objects_panel.list.itemWidget(opened.objects_panel.list.currentItem())._name  # type: ignore[attr-defined]
    name.setText("Kite")
    QTest.keyClick(name, Qt.Key.Key_Return)
    assert document.object(2).name == "Kite"
    do(opened, "toggle_object")
    assert not document.object(2).visible
    do(opened, "delete_object")
    assert [item.object_id for item in document.objects] == [1]
    do(opened, "undo")
    assert len(document.objects) == 2


def test_digits_pick_objects(opened: MainWindow):
    document = document_of(opened)
    do(opened, "add_object")
    first, second = (item.object_id for item in document.objects)
    QTest.keyClick(opened, Qt.Key.Key_1)
    assert document.object_id == first
    QTest.keyClick(opened, Qt.Key.Key_2)
    assert document.object_id == second


def test_a_locked_object_refuses_in_one_sentence(opened: MainWindow, qtbot: QtBot):
    document = document_of(opened)
    document.change_object(1, locked=True)
    do(opened, "brush")
    drag(opened.canvas, [(20.5, 20.5), (40.5, 20.5)])
    assert document.mask(1, 0) is None
    assert "locked" in opened.statusBar().currentMessage()


# --- moving about -----------------------------------------------------------------------------------------


def test_keys_move_through_the_clip(opened: MainWindow, qtbot: QtBot):
    document = scribble(opened, qtbot)
    for key, frame in (
        (Qt.Key.Key_Right, 1),
        (Qt.Key.Key_Right, 2),
        (Qt.Key.Key_Left, 1),
        (Qt.Key.Key_End, FRAMES - 1),
        (Qt.Key.Key_PageUp, 0),
    ):
        QTest.keyClick(opened, key)
        assert document.frame == frame
    QTest.keyClick(opened, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert document.frame == FRAMES - 1
    assert str(FIRST_NUMBER + FRAMES - 1) in opened.status._frame.text()


def test_in_and_out(opened: MainWindow):
    document = document_of(opened)
    opened.editing.go_to(2)
    QTest.keyClick(opened, Qt.Key.Key_I)
    opened.editing.go_to(5)
    QTest.keyClick(opened, Qt.Key.Key_O)
    assert document.span == Span(2, 6)
    do(opened, "clear_range")
    assert document.span == Span(0, FRAMES)


def test_playing_shows_every_frame_to_the_end(opened: MainWindow, qtbot: QtBot):
    shown: list[int] = []
    opened.workspace.renderer.rendered.connect(lambda scene, *_: shown.append(scene.frame))
    opened.canvas.setFocus()
    QTest.keyClick(opened.canvas, Qt.Key.Key_Space)
    assert opened.workspace.player.is_playing
    qtbot.waitUntil(lambda: not opened.workspace.player.is_playing)
    qtbot.waitUntil(lambda: bool(shown) and shown[-1] == FRAMES - 1)
    assert document_of(opened).frame == FRAMES - 1
