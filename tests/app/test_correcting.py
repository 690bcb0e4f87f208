"""Correcting a predicted frame as a person does: a scribble, its answer, what it means for the rest."""

from __future__ import annotations

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from app.correcting import REST
from app.document import Document, FrameState
from app.main_window import MainWindow
from tests.app.conftest import FIRST_NUMBER
from tests.app.fake_engine import FakeEngine, truth
from tests.app.mouse import RIGHT, drag
from tests.app.person import do, document_of, run, scribble
from vosengine.messages import Correct, FineTune, GrabCut, Propagate

ELSEWHERE = [(40.5, 10.5), (50.5, 12.5)]
FRAME = 4


def predicted(window: MainWindow, qtbot: QtBot) -> Document:
    """Marked on the first frame, run, and at a predicted one."""
    document = scribble(window, qtbot)
    run(window, qtbot)
    window.editing.go_to(FRAME)
    do(window, "foreground")
    return document


def correct(window: MainWindow, qtbot: QtBot) -> Document:
    document = document_of(window)
    drag(window.canvas, ELSEWHERE)
    qtbot.waitUntil(lambda: document.mask(1, document.frame) is not None)
    qtbot.waitUntil(lambda: not window.workspace.scribbler.is_working)
    return document


@pytest.fixture
def said(opened: MainWindow) -> list[str]:
    sentences: list[str] = []
    opened.workspace.message.connect(sentences.append)
    return sentences


def stale(document: Document) -> set[int]:
    return {frame for frame, state in document.states(1).items() if state is FrameState.STALE}


def test_a_stroke_on_a_predicted_frame_is_one_step_with_its_answer(
    opened: MainWindow, engine: FakeEngine, qtbot: QtBot
):
    document = predicted(opened, qtbot)
    correct(opened, qtbot)
    mask = document.mask(1, FRAME)
    assert mask is not None
    assert mask[11, 45] == 255, "the stroke shows"
    assert mask[24, 8 + 4 * FRAME + 8] == 255, "so does what was predicted"
    assert document.state(1, FRAME) is FrameState.ANNOTATED
    assert stale(document) == {3, 5, 6, 7}
    do(opened, "undo")
    assert document.mask(1, FRAME) is None
    assert document.scribbles(1, FRAME) is None
    assert document.state(1, FRAME) is FrameState.PREDICTED
    assert stale(document) == set()
    do(opened, "redo")
    assert np.array_equal(document.mask(1, FRAME), mask)


def test_the_engine_is_told_what_is_corrected_and_what_is_known(
    opened: MainWindow, engine: FakeEngine, qtbot: QtBot
):
    document = predicted(opened, qtbot)
    correct(opened, qtbot)
    first = document.mask(1, FRAME)
    drag(opened.canvas, [(45.5, 10.5), (45.5, 13.5)], RIGHT)
    qtbot.waitUntil(lambda: len(engine.of(Correct)) == 2 and not opened.workspace.scribbler.is_working)
    asked = [command for command in engine.of(Correct) if isinstance(command, Correct)]
    assert np.array_equal(asked[0].previous, np.where(truth(FRAME) > 0, 255, 0))
    assert np.array_equal(asked[1].previous, first), "the second stroke corrects the answer to the first"
    assert {annotation.frame for annotation in asked[0].annotations} == {0}
    assert asked[0].models_folder == document.models_folder
    assert set(np.unique(asked[1].scribbles)) == {0, 1, 2}
    live = [c for c in engine.of(GrabCut) if isinstance(c, GrabCut) and c.frame == FRAME]
    assert all(command.live for command in live), "while the pen moves GrabCut answers, and only then"


def test_the_status_line_says_what_may_change_and_how_to_update_it(
    opened: MainWindow, said: list[str], qtbot: QtBot
):
    predicted(opened, qtbot)
    said.clear()
    correct(opened, qtbot)
    number = FRAME + FIRST_NUMBER
    assert said == [f"Frame {number} corrected; 4 frames may change: Ctrl+R brings them up to date."]
    drag(opened.canvas, [(30.5, 40.5), (40.5, 40.5)])
    qtbot.waitUntil(lambda: len(said) == 2)
    do(opened, "undo")
    assert said[2:] == ["Taken back: Foreground scribble."], "that is no correction"
    run(opened, qtbot)
    do(opened, "brush")
    opened.editing.go_to(FRAME + 1)
    said.clear()
    drag(opened.canvas, [(30.5, 40.5), (40.5, 40.5)])
    assert said == [f"Frame {number + 1} corrected; 2 frames may change: Ctrl+R brings them up to date."]


def test_while_a_run_is_on_a_correction_is_answered_and_stays(
    opened: MainWindow, engine: FakeEngine, said: list[str], qtbot: QtBot
):
    document = predicted(opened, qtbot)
    engine.pace = 0.15
    steps = len(document.steps)
    do(opened, "propagate_span")
    qtbot.waitUntil(lambda: len(document.steps) > steps)
    said.clear()
    correct(opened, qtbot)
    assert opened.workspace.runner.is_running
    assert "run again when this run has ended" in said[0]
    mask = document.mask(1, FRAME)
    qtbot.waitUntil(lambda: not opened.workspace.runner.is_running)
    assert np.array_equal(document.mask(1, FRAME), mask)
    do(opened, "undo")
    assert document.mask(1, FRAME) is None
    assert document.scribbles(1, FRAME) is None


def test_an_answer_to_an_undone_stroke_is_dropped_whoever_undid_it(
    opened: MainWindow, engine: FakeEngine, qtbot: QtBot
):
    document = predicted(opened, qtbot)
    engine.gate.clear()
    drag(opened.canvas, ELSEWHERE)
    qtbot.waitUntil(lambda: bool(engine.of(Correct)))
    document.undo()
    assert not opened.workspace.scribbler.is_working
    engine.gate.set()
    opened.editing.go_to(FRAME + 1)
    correct(opened, qtbot)  # answered in order: the earlier answer would have come by now
    assert document.mask(1, FRAME) is None
    assert document.scribbles(1, FRAME) is None


def test_a_correction_can_be_cancelled(opened: MainWindow, engine: FakeEngine, qtbot: QtBot):
    document = predicted(opened, qtbot)
    engine.gate.clear()
    drag(opened.canvas, ELSEWHERE)
    qtbot.waitUntil(lambda: bool(engine.of(Correct)))
    do(opened, "cancel")
    engine.gate.set()
    opened.editing.go_to(FRAME + 1)
    correct(opened, qtbot)
    assert document.mask(1, FRAME) is None
    assert document.scribbles(1, FRAME) is not None, "the stroke was not what was cancelled"


def test_on_request_each_correction_brings_up_to_date_what_it_concerns(
    opened: MainWindow, engine: FakeEngine, said: list[str], qtbot: QtBot
):
    document = predicted(opened, qtbot)
    do(opened, "update_at_once")
    assert opened.settings.update_at_once
    before, wanted = len(engine.of(Propagate)), {3, 5, 6, 7}
    correct(opened, qtbot)
    assert said[-1].endswith("4 frames are being brought up to date.")
    qtbot.waitUntil(lambda: len(engine.of(Propagate)) > before and not opened.workspace.runner.is_running)
    command = engine.of(Propagate)[-1]
    assert isinstance(command, Propagate)
    assert command.frames == wanted
    assert stale(document) == set()


def test_undoing_before_the_update_begins_leaves_it_and_the_redo_be(
    opened: MainWindow, engine: FakeEngine, qtbot: QtBot
):
    predicted(opened, qtbot)
    do(opened, "update_at_once")
    document = correct(opened, qtbot)
    runs = len(engine.of(Propagate))
    do(opened, "undo")
    redo = document.redo_name
    assert redo
    qtbot.wait(REST + 200)
    assert len(engine.of(Propagate)) == runs
    assert document.redo_name == redo


def test_a_correction_that_was_taken_back_by_another_needs_no_update(
    opened: MainWindow, engine: FakeEngine, qtbot: QtBot
):
    predicted(opened, qtbot)
    do(opened, "update_at_once")
    document = correct(opened, qtbot)
    runs = len(engine.of(Propagate))
    learned = len(engine.of(FineTune))
    document.clear(1, FRAME)
    qtbot.wait(REST + 200)
    assert (len(engine.of(FineTune)), len(engine.of(Propagate))) == (learned, runs)


def test_taking_the_whole_object_away_is_a_correction(opened: MainWindow, said: list[str], qtbot: QtBot):
    document = predicted(opened, qtbot)
    do(opened, "background")
    opened.brush.set_radius(60.0)
    said.clear()
    drag(opened.canvas, [(20.5, 24.5), (35.5, 24.5)])
    qtbot.waitUntil(lambda: document.mask(1, FRAME) is not None)
    assert not document.mask(1, FRAME).any()
    assert any("corrected" in sentence for sentence in said)


def test_what_was_erased_is_not_brought_back_by_older_marks(opened: MainWindow, qtbot: QtBot):
    document = predicted(opened, qtbot)
    correct(opened, qtbot)
    assert document.mask(1, FRAME)[11, 45] == 255
    do(opened, "eraser")
    opened.brush.set_radius(8.0)
    drag(opened.canvas, ELSEWHERE)
    assert document.mask(1, FRAME)[11, 45] == 0
    do(opened, "background")
    opened.brush.set_radius(3.0)
    drag(opened.canvas, [(30.5, 40.5), (36.5, 40.5)])
    qtbot.waitUntil(lambda: not opened.workspace.scribbler.is_working)
    assert document.mask(1, FRAME)[11, 45] == 0
    assert document.scribbles(1, FRAME)[11, 45] == 0, "the mark went with the mask"
    do(opened, "undo")
    assert document.scribbles(1, FRAME)[11, 45] == 2
