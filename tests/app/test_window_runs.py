"""What a person does in the window from a run on: corrections, export, closing, reopening."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.document import Document, FrameState
from app.findings import Mark
from app.main_window import MainWindow
from app.presets import PRESET_LABELS
from app.tools import Rect
from tests.app.conftest import FRAMES, Confirm, open_and_wait
from tests.app.fake_engine import SHAPE, FakeEngine, truth
from tests.app.mouse import LEFT, drag, press
from tests.app.person import SQUARE, canvas_colour, do, document_of, run, scribble
from vosengine.config import PRESET_NOTES, PRESETS, Config
from vosengine.messages import FineTune, MaskPreviewed, Propagate
from vosengine.types import Direction, Span

# --- runs -------------------------------------------------------------------------------------------------


def test_a_run_fills_the_timeline_and_undo_empties_it(opened: MainWindow, engine: FakeEngine, qtbot: QtBot):
    document = scribble(opened, qtbot)
    run(opened, qtbot)
    tuned, propagated = engine.of(FineTune)[-1], engine.of(Propagate)[-1]
    assert isinstance(tuned, FineTune)
    assert isinstance(propagated, Propagate)
    assert [(a.object_id, a.frame) for a in tuned.annotations] == [(1, 0)]
    assert (propagated.span, propagated.direction) == (Span(0, FRAMES), Direction.BOTH)
    assert [opened.timeline.mark_at(1, f) for f in (0, 1, FRAMES - 1)] == [
        Mark.ANNOTATED,
        Mark.PREDICTED,
        Mark.PREDICTED,
    ]
    matte = document.matte(1, 3)
    assert matte is not None
    assert (matte == truth(3)).all()
    assert opened.actions_by_name["undo"].text() == "&Undo Run"
    do(opened, "undo")
    assert opened.statusBar().currentMessage() == "Taken back: Run."
    assert set(document.states(1)) == {0}
    assert opened.timeline.mark_at(1, 3) is Mark.EMPTY
    do(opened, "redo")
    assert len(document.states(1)) == FRAMES


def test_a_correction_makes_the_rest_stale(opened: MainWindow, qtbot: QtBot):
    document = scribble(opened, qtbot)
    run(opened, qtbot)
    opened.editing.go_to(4)
    do(opened, "brush")
    drag(opened.canvas, [(50.5, 40.5), (55.5, 40.5)])
    assert document.state(1, 4) is FrameState.ANNOTATED
    assert opened.timeline.mark_at(1, 6) is Mark.STALE
    assert opened.timeline.mark_at(1, 4) is Mark.ANNOTATED


def test_cancelling_while_learning_propagates_nothing(opened: MainWindow, engine: FakeEngine, qtbot: QtBot):
    document = scribble(opened, qtbot)
    runner = opened.workspace.runner
    engine.gate.clear()
    do(opened, "run")
    qtbot.waitUntil(lambda: runner.progress.what == "Waiting")
    assert opened.run_panel.cancel_button.isEnabled()
    assert opened.run_panel.run_button.isEnabled(), "another run waits behind this one"
    QTest.keyClick(opened, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not runner.is_running)
    assert engine.of(Propagate) == []
    assert not opened.actions_by_name["cancel"].isEnabled()
    assert "Cancelled" in opened.statusBar().currentMessage()
    assert set(document.states(1)) == {0}


def test_cancelling_keeps_the_masks_that_have_come(opened: MainWindow, engine: FakeEngine, qtbot: QtBot):
    document = scribble(opened, qtbot)
    run(opened, qtbot)
    do(opened, "undo")
    engine.gate.clear()
    do(opened, "propagate_forward")  # learned already; stops at its second frame
    qtbot.waitUntil(lambda: opened.workspace.runner.progress.what == "Waiting")
    QTest.keyClick(opened, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not opened.workspace.runner.is_running)
    assert set(document.states(1)) == {0, 1}
    assert "one mask kept" in opened.statusBar().currentMessage()
    assert not opened.actions_by_name["cancel"].isEnabled()


def test_previews_stream_to_canvas_and_timeline(opened: MainWindow, engine: FakeEngine, qtbot: QtBot):
    document = scribble(opened, qtbot)
    engine.gate.clear()
    do(opened, "run")
    opened.editing.go_to(1)
    do(opened, "matte")
    do(opened, "brush")
    qtbot.waitUntil(lambda: opened.timeline.mark_at(1, 1) is Mark.PREVIEWED)
    qtbot.waitUntil(lambda: canvas_colour(opened, 60, 4) == (78, 78, 78))  # 20000 of 65535
    do(opened, "cancel")
    qtbot.waitUntil(lambda: not opened.workspace.runner.is_running)
    assert opened.timeline.mark_at(1, 1) is Mark.EMPTY
    assert document.matte(1, 1) is None
    qtbot.waitUntil(lambda: canvas_colour(opened, 60, 4) == (0, 0, 0))


def test_a_stroke_is_not_hidden_by_previews(opened: MainWindow, engine: FakeEngine, qtbot: QtBot):
    document = scribble(opened, qtbot)
    engine.gate.clear()
    do(opened, "run")
    opened.editing.go_to(1)
    do(opened, "matte")
    do(opened, "brush")
    opened.brush.set_radius(3.0)
    qtbot.waitUntil(lambda: opened.workspace.runner.progress.what == "Waiting")
    qtbot.waitUntil(lambda: canvas_colour(opened, 60, 4) == (78, 78, 78))
    drag(opened.canvas, [(30.5, 30.5), (40.5, 30.5)])
    matte = np.full(SHAPE, 30000, np.uint16)
    opened.workspace.runner.previewed.emit(MaskPreviewed(1, 1, 1, matte))
    qtbot.waitUntil(lambda: canvas_colour(opened, 60, 4) == (0, 0, 0))
    assert canvas_colour(opened, 35, 30) == (255, 255, 255)
    assert document.mask(1, 1) is not None


def test_every_preview_is_a_picture_of_its_own(opened: MainWindow):
    document, keys = document_of(opened), set()
    for value in range(20):  # the memory of one is free again for the next
        matte = np.full(SHAPE, value, np.uint16)
        opened.workspace.runner.previewed.emit(MaskPreviewed(1, 0, 1, matte))
        keys.add(opened.viewer._scene(document, sharp=False).layers[0].key)
    assert len(keys) == 20


def test_esc_drops_the_stroke_under_the_pen_before_the_run(
    opened: MainWindow, engine: FakeEngine, qtbot: QtBot
):
    scribble(opened, qtbot)
    engine.gate.clear()
    do(opened, "run")
    runner = opened.workspace.runner
    qtbot.waitUntil(lambda: runner.progress.what == "Waiting")
    do(opened, "brush")
    press(opened.canvas, SQUARE)
    QTest.keyClick(opened.canvas, Qt.Key.Key_Escape)
    assert not opened.canvas.is_drawing
    assert runner.progress.what == "Waiting"
    QTest.keyClick(opened.canvas, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not runner.is_running)


def test_esc_during_a_run_takes_the_colour_under_the_pen_away(
    opened: MainWindow, engine: FakeEngine, qtbot: QtBot
):
    scribble(opened, qtbot)
    opened.editing.go_to(1)
    engine.gate.clear()
    do(opened, "run")
    shaping, runner = opened.workspace.shaping, opened.workspace.runner
    qtbot.waitUntil(lambda: runner.progress.what == "Waiting")
    do(opened, "colour")
    press(opened.canvas, [(20.0, 24.0)])
    qtbot.waitUntil(lambda: shaping.live_mask(1, 1) is not None)
    QTest.keyClick(opened.canvas, Qt.Key.Key_Escape)
    assert shaping.live_mask(1, 1) is None
    assert runner.progress.what == "Waiting"


def test_clearing_needs_something_drawn(opened: MainWindow, qtbot: QtBot):
    document = scribble(opened, qtbot)
    run(opened, qtbot)
    assert opened.actions_by_name["clear"].isEnabled()
    opened.editing.go_to(3)
    assert not opened.actions_by_name["clear"].isEnabled()
    document.begin_scribble(1, 3)
    document.stroke_painted(Rect(0, 0, 2, 2))
    document.end_stroke()
    do(opened, "clear")
    assert document.scribbles(1, 3) is None


def test_forward_and_backward_from_here(opened: MainWindow, engine: FakeEngine, qtbot: QtBot):
    opened.editing.go_to(4)
    document = scribble(opened, qtbot)
    QTest.keyClick(opened, Qt.Key.Key_F)
    qtbot.waitUntil(lambda: not opened.workspace.runner.is_running)
    assert set(document.states(1)) == {4, 5, 6, 7}
    assert len(engine.of(FineTune)) == 1
    QTest.keyClick(opened, Qt.Key.Key_B)
    qtbot.waitUntil(lambda: not opened.workspace.runner.is_running)
    assert set(document.states(1)) == set(range(FRAMES))
    assert len(engine.of(FineTune)) == 1  # learned already
    command = engine.of(Propagate)[-1]
    assert isinstance(command, Propagate)
    assert (command.span, command.direction) == (Span(0, 5), Direction.BACKWARD)


def test_predictions_for_a_deleted_object_are_dropped(opened: MainWindow, engine: FakeEngine, qtbot: QtBot):
    document = scribble(opened, qtbot)
    do(opened, "add_object")
    scribble(opened, qtbot)
    engine.gate.clear()
    do(opened, "run")
    qtbot.waitUntil(lambda: opened.workspace.runner.progress.what == "Waiting")
    document.remove_object(1)
    engine.gate.set()
    qtbot.waitUntil(lambda: not opened.workspace.runner.is_running)
    assert document.states(1) == {}
    assert set(document.states(2)) == set(range(FRAMES))


def test_undoing_a_run_while_it_goes_cancels_it(opened: MainWindow, engine: FakeEngine, qtbot: QtBot):
    document = scribble(opened, qtbot)
    run(opened, qtbot)
    do(opened, "undo")
    engine.gate.clear()
    do(opened, "propagate_forward")
    qtbot.waitUntil(lambda: opened.workspace.runner.progress.what == "Waiting")
    do(opened, "undo")
    engine.pace = 0.1
    engine.gate.set()
    qtbot.waitUntil(lambda: not opened.workspace.runner.is_running)
    assert set(document.states(1)) == {0}
    assert "Cancelled; no masks kept" in opened.statusBar().currentMessage()


@pytest.mark.parametrize("kind", ["expected", "bug"])
def test_failures_reach_a_dialog_and_leave_the_window_alive(
    opened: MainWindow, engine: FakeEngine, errors: list[tuple[str, str]], qtbot: QtBot, kind: str
):
    scribble(opened, qtbot)
    engine.fail = kind
    run(opened, qtbot)
    message, trace = errors[0]
    assert ("reinstall" in message) == (kind == "expected")
    assert ("Traceback" in trace) == (kind == "bug")
    engine.fail = ""
    run(opened, qtbot)
    assert len(document_of(opened).states(1)) == FRAMES


def test_approve_copy_and_clear(opened: MainWindow, qtbot: QtBot):
    document = scribble(opened, qtbot)
    run(opened, qtbot)
    opened.editing.go_to(3)
    QTest.keyClick(opened, Qt.Key.Key_A)
    assert opened.timeline.mark_at(1, 3) is Mark.APPROVED
    before = document.matte(1, 3)
    run(opened, qtbot)
    after = document.matte(1, 3)
    assert before is not None
    assert after is not None
    assert (after == before).all()
    opened.editing.go_to(1)
    do(opened, "copy_previous")
    copied, source = document.mask(1, 1), document.mask(1, 0)
    assert copied is not None
    assert source is not None
    assert (copied == source).all()
    do(opened, "clear")
    assert document.mask(1, 1) is None


def test_a_preset_is_kept_in_the_project_and_taken_over_by_the_next_one(
    opened: MainWindow, footage: Path, qtbot: QtBot
):
    panel = opened.run_panel
    assert panel.presets.currentData() == "balanced"
    panel.presets.setCurrentIndex(panel.presets.findData("draft"))
    panel.presets.activated.emit(panel.presets.currentIndex())
    assert document_of(opened).config == PRESETS["draft"]
    assert PRESET_NOTES["draft"] == panel._note.text()
    other = footage.with_name("another")
    footage.rename(other)
    open_and_wait(opened, other, qtbot)
    assert document_of(opened).config == PRESETS["draft"]
    document_of(opened).set_config(Config(steps=7))
    assert panel.presets.currentIndex() == -1
    assert "own" in panel._note.text()


def test_saving_trouble_stays_in_sight(opened: MainWindow):
    opened.workspace.saving_failed.emit("The disk is full; free some space.")
    assert opened.status._saved.text() == "Not saved"
    assert "disk is full" in opened.status._saved.toolTip()
    opened.workspace.saving_failed.emit("")
    assert opened.status._saved.text() in ("All changes saved", "Saving…")


def test_the_trouble_of_one_project_is_not_shown_for_the_next(
    opened: MainWindow, footage: Path, qtbot: QtBot
):
    opened.workspace.saving_failed.emit("The disk is full; free some space.")
    do(opened, "close_project")
    open_and_wait(opened, footage, qtbot)
    assert opened.status._saved.text() in ("All changes saved", "Saving…")


# --- closing, reopening -----------------------------------------------------------------------------------


def test_closing_and_reopening_brings_everything_back(opened: MainWindow, footage: Path, qtbot: QtBot):
    document = scribble(opened, qtbot)
    run(opened, qtbot)
    mask, matte = document.mask(1, 0), document.matte(1, 5)
    do(opened, "close_project")
    open_and_wait(opened, footage, qtbot)
    reopened = document_of(opened)
    assert reopened is not document
    again, matte_again = reopened.mask(1, 0), reopened.matte(1, 5)
    assert mask is not None
    assert matte is not None
    assert again is not None
    assert matte_again is not None
    assert (again == mask).all()
    assert (matte_again == matte).all()
    assert opened.timeline.mark_at(1, 5) is Mark.PREDICTED


def test_closing_while_running_asks(opened: MainWindow, engine: FakeEngine, qtbot: QtBot, confirm: Confirm):
    document = scribble(opened, qtbot)
    engine.gate.clear()
    do(opened, "run")
    qtbot.waitUntil(lambda: opened.workspace.runner.progress.what == "Waiting")
    asked = confirm(False)
    assert not opened.close()
    assert len(asked) == 1
    assert opened.isVisible()
    assert opened.workspace.runner.is_running
    confirm(True)
    assert opened.close()
    assert opened.workspace.document is None
    reopened = Document.open(document.folder)  # the lock is released
    assert reopened.mask(1, 0) is not None
    reopened.close()


def test_every_preset_has_a_name_that_people_read():
    assert PRESET_LABELS.keys() == PRESETS.keys()


def test_nothing_is_cut_off_at_1280_by_720(opened: MainWindow, qtbot: QtBot):
    opened.resize(1280, 720)
    qtbot.wait(50)
    assert (opened.width(), opened.height()) == (1280, 720)
    assert opened.canvas.width() >= 680
    assert opened.canvas.height() >= 400
    for panel in (opened.objects_panel, opened.run_panel, opened.timeline_panel):
        assert panel.width() >= panel.minimumSizeHint().width()
        assert panel.height() >= panel.minimumSizeHint().height()


def test_the_layout_does_not_jump_during_a_run(opened: MainWindow, engine: FakeEngine, qtbot: QtBot):
    scribble(opened, qtbot)
    before = opened.run_panel.geometry(), opened.canvas.geometry(), opened.timeline.geometry()
    engine.gate.clear()
    do(opened, "run")
    qtbot.waitUntil(lambda: opened.workspace.runner.progress.what == "Waiting")
    qtbot.wait(30)
    assert (opened.run_panel.geometry(), opened.canvas.geometry(), opened.timeline.geometry()) == before


def test_a_double_click_runs_once(opened: MainWindow, engine: FakeEngine, qtbot: QtBot):
    scribble(opened, qtbot)
    engine.gate.clear()
    button = opened.run_panel.run_button
    QTest.mouseClick(button, LEFT)
    QTest.mouseDClick(button, LEFT)  # what a screen reports of the second click
    QTest.mouseRelease(button, LEFT)
    assert opened.workspace.jobs.running is not None
    assert opened.workspace.jobs.waiting == ()
    QTest.mouseClick(button, LEFT)
    assert len(opened.workspace.jobs.waiting) == 1
    engine.gate.set()


def test_run_and_two_lanes_are_in_sight_in_a_low_window(opened: MainWindow, qtbot: QtBot):
    do(opened, "add_object")
    opened.resize(1280, 720)
    opened.show()
    qtbot.waitUntil(lambda: opened.height() == 720)
    QApplication.processEvents()
    button = opened.run_panel.run_button
    assert button.visibleRegion().boundingRect() == button.rect()
    assert opened.timeline.height() >= opened.timeline.sizeHint().height()
