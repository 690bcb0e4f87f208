"""Running again in the window: what is asked of the engine is what the timeline shows as out of date."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from app.document import Document, FrameState
from app.main_window import MainWindow
from tests.app.conftest import FRAMES
from tests.app.fake_engine import FakeEngine
from tests.app.mouse import drag
from tests.app.person import do, run, scribble
from vosengine.messages import Propagate


def corrected(window: MainWindow, qtbot: QtBot, frame: int) -> Document:
    """A run from frame 0, then a stroke on another frame."""
    document = scribble(window, qtbot)
    run(window, qtbot)
    window.editing.go_to(frame)
    do(window, "brush")
    drag(window.canvas, [(50.5, 40.5), (55.5, 40.5)])
    return document


def wanted(engine: FakeEngine) -> frozenset[int] | None:
    command = engine.of(Propagate)[-1]
    assert isinstance(command, Propagate)
    return command.frames


def stale(document: Document) -> set[int]:
    return {frame for frame, state in document.states(1).items() if state is FrameState.STALE}


def test_a_run_asks_for_the_frames_without_masks_and_then_for_the_stale_ones(
    opened: MainWindow, engine: FakeEngine, qtbot: QtBot
) -> None:
    document = corrected(opened, qtbot, 4)
    assert wanted(engine) == set(range(1, FRAMES))
    expected = {frame for frame in range(3, FRAMES) if frame != 4}
    assert stale(document) == expected, "frame 2 is as near to frame 0, and that is the earlier one"
    run(opened, qtbot)
    assert wanted(engine) == expected
    assert stale(document) == set()
    do(opened, "undo")
    assert stale(document) == expected
    do(opened, "undo")
    assert stale(document) == set()


def test_a_run_with_nothing_out_of_date_says_so(opened: MainWindow, engine: FakeEngine, qtbot: QtBot) -> None:
    said: list[str] = []
    opened.workspace.message.connect(said.append)
    scribble(opened, qtbot)
    run(opened, qtbot)
    run(opened, qtbot)
    assert len(engine.of(Propagate)) == 1
    assert said[-1] == "Every mask between in and out is up to date."


def test_a_cancelled_run_is_taken_up_where_it_was_left(
    opened: MainWindow, engine: FakeEngine, qtbot: QtBot
) -> None:
    document = corrected(opened, qtbot, 4)
    before = stale(document)
    engine.gate.clear()
    engine.gate_propagation_only = True
    do(opened, "run")
    qtbot.waitUntil(lambda: opened.workspace.runner.progress.what == "Waiting")
    do(opened, "cancel")
    qtbot.waitUntil(lambda: not opened.workspace.runner.is_running)
    left = stale(document)
    assert left == before - set(sorted(before)[:2])
    engine.gate.set()
    run(opened, qtbot)
    assert wanted(engine) == left


def test_after_learning_afresh_everything_is_predicted_until_a_run_has_ended(
    opened: MainWindow, engine: FakeEngine, qtbot: QtBot
) -> None:
    document = corrected(opened, qtbot, 4)
    engine.cold = (1,)
    engine.gate_propagation_only = True
    engine.gate.clear()
    do(opened, "run")
    qtbot.waitUntil(lambda: opened.workspace.runner.progress.what == "Waiting")
    do(opened, "cancel")
    qtbot.waitUntil(lambda: not opened.workspace.runner.is_running)
    assert wanted(engine) == {1, 2, 3, 5, 6, 7}
    assert stale(document) == {3, 5, 6, 7}, "the cancelled run left masks of the former model"
    engine.cold = ()
    engine.gate.set()
    run(opened, qtbot)
    assert wanted(engine) == {3, 5, 6, 7}
    opened.editing.go_to(FRAMES - 1)
    drag(opened.canvas, [(50.5, 40.5), (55.5, 40.5)])
    run(opened, qtbot)
    assert wanted(engine) == {6}, "nearer to the last frame than to frame 4"


def test_after_learning_afresh_a_run_between_in_and_out_leaves_the_rest_to_the_next(
    opened: MainWindow, engine: FakeEngine, qtbot: QtBot
) -> None:
    corrected(opened, qtbot, 4)
    do(opened, "mark_out")
    engine.cold = (1,)
    run(opened, qtbot)
    assert wanted(engine) == {1, 2, 3}
    engine.cold = ()
    do(opened, "clear_range")
    run(opened, qtbot)
    assert wanted(engine) == {5, 6, 7}
    run(opened, qtbot)
    assert wanted(engine) == {5, 6, 7}, "nothing is left to do"
