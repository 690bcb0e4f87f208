"""Which predictions are fresh, and propagation as one step of undo."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

from app.document import Change, Document, FrameState, Kind
from app.matte_store import ArrayMemory
from app.reading import PredictionInfo
from tests.app.document.edited import FRAMES, content, matte_of, on_disk, predicted, propagate, stroke
from vosengine.config import preset
from vosengine.errors import AnnotationError
from vosengine.messages import MaskPredicted
from vosengine.project_file import open_project
from vosengine.types import Box, Reason, Span

# --- states and revisions ------------------------------------------------------------------------------


def test_drawing_makes_that_objects_predictions_stale(document: Document):
    other = document.add_object()
    stroke(document, 0)
    stroke(document, 0, object_id=other)
    propagate(document, [1, 2])
    propagate(document, [1], object_id=other)
    heard: list[Change] = []
    unsubscribe = document.subscribe(heard.append)
    stroke(document, 3)
    assert document.states(1) == {
        0: FrameState.ANNOTATED,
        1: FrameState.PREDICTED,
        2: FrameState.STALE,
        3: FrameState.ANNOTATED,
    }
    assert document.state(other, 1) is FrameState.PREDICTED
    assert Change(Kind.STATES, 1, None) in heard
    unsubscribe()
    heard.clear()
    assert document.prediction(1, 2).stale
    propagate(document, [2])
    assert heard == []
    assert document.state(1, 2) is FrameState.PREDICTED
    assert not document.prediction(1, 2).stale


def test_a_prediction_says_why_it_may_be_bad_and_its_file_keeps_that(document: Document):
    step = document.begin_predictions()
    document.add_prediction(step, replace(predicted(document, 2, 1), reason=Reason.EDGE))
    document.end_predictions(step)
    assert document.prediction(1, 2) == PredictionInfo(0.5, False, 0, Reason.EDGE)
    assert on_disk(document) == content(document)


def test_undo_of_a_correction_makes_the_predictions_fresh_again(document: Document):
    stroke(document, 0)
    propagate(document, [1])
    before = document.revision
    stroke(document, 5)
    during = document.revision
    document.undo()
    assert document.state(1, 1) is FrameState.PREDICTED
    assert before < during < document.revision
    step = document.begin_predictions()
    undone = replace(predicted(document, 4, 1, revision=during), start=5)  # from what is undone now
    document.add_prediction(step, undone)
    document.add_prediction(step, predicted(document, 3, 1, revision=before))
    document.end_predictions(step)
    assert document.state(1, 4) is FrameState.STALE
    assert document.state(1, 3) is FrameState.PREDICTED


def test_a_prediction_for_a_frame_drawn_since_is_dropped(document: Document):
    stroke(document, 0)
    revision = document.revision
    step = document.begin_predictions()
    stroke(document, 4)
    drawn = document.mask(1, 4)
    assert not document.add_prediction(step, predicted(document, 4, 1, revision=revision))
    assert document.add_prediction(step, predicted(document, 5, 1, revision=revision))
    document.end_predictions(step)
    assert (document.mask(1, 4) == drawn).all()
    assert document.state(1, 5) is FrameState.STALE


def test_states_survive_reopening(document: Document):
    stroke(document, 0)
    propagate(document, [1, 2])
    stroke(document, 5)
    propagate(document, [1])
    document.approve(1, 2)
    document.set_box(1, 7, Box(1, 2, 3, 4))
    propagate(document, [3])
    document.go_to(6)
    document.set_span(Span(2, 9))
    document.set_config(preset("draft", steps=3))
    before, revision = content(document), document.revision
    document.close()
    with open_project(document.folder) as project:
        assert project.manifest.revision == revision
    again = Document.open(document.folder)
    try:
        assert content(again) == before
        assert (again.revision, again.frame, again.object_id, again.span) == (revision, 6, 1, Span(2, 9))
        assert again.config == preset("draft", steps=3)
        assert again.add_object() == 2
    finally:
        again.close()


def test_a_mask_newer_than_the_manifest_makes_predictions_stale(document: Document):
    """Killed between the mask and the manifest."""
    stroke(document, 0)
    propagate(document, [1, 4])
    document.flush()
    manifest = (document.folder / "project.roto").read_bytes()
    stroke(document, 5)
    document.close()
    (document.folder / "project.roto").write_bytes(manifest)
    again = Document.open(document.folder)
    assert again.state(1, 5) is FrameState.ANNOTATED
    assert (again.state(1, 1), again.state(1, 4)) == (FrameState.PREDICTED, FrameState.STALE)
    again.close()


# --- propagation as one step ---------------------------------------------------------------------------


def test_undo_of_a_propagation_brings_the_former_mattes_back(document: Document):
    stroke(document, 0)
    propagate(document, range(1, 5), seed=0)
    first = content(document)
    propagate(document, range(3, 8), seed=100)
    second = content(document)
    assert (document.matte(1, 3) == matte_of(103)).all()
    document.undo()
    assert content(document) == first == on_disk(document)
    document.undo()
    assert document.states(1) == {0: FrameState.ANNOTATED}
    assert [sorted(source.matte_files) for source in document.export_sources()] == [[0]]
    assert on_disk(document) == content(document)
    document.redo()
    assert content(document) == first
    document.redo()
    assert content(document) == second == on_disk(document)


def test_strokes_during_a_propagation_keep_it_one_step(document: Document):
    stroke(document, 0)
    step = document.begin_predictions()
    document.add_prediction(step, predicted(document, 1, 1))
    stroke(document, 6)
    document.add_prediction(step, predicted(document, 2, 2))
    document.end_predictions(step)
    assert document.undo_name == "Brush"
    document.undo()
    assert document.undo_name == "Propagate"
    document.undo()
    assert document.states(1) == {0: FrameState.ANNOTATED}
    document.redo()
    document.redo()
    assert sorted(document.states(1)) == [0, 1, 2, 6]


def test_a_propagation_undone_while_it_runs_takes_no_more(document: Document):
    step = document.begin_predictions()
    assert document.add_prediction(step, predicted(document, 1, 1))
    document.undo()
    assert not document.add_prediction(step, predicted(document, 2, 1))
    document.end_predictions(step)
    assert document.states(1) == {}
    assert document.redo_name == "Propagate"
    empty = document.begin_predictions("Again")
    document.end_predictions(empty)
    assert document.undo_name == ""


def test_locked_and_removed_objects_take_no_predictions(document: Document):
    document.change_object(1, locked=True)
    assert propagate(document, [1]) == [False]
    for edit in (
        lambda: document.begin_stroke(1, 0),
        lambda: document.set_box(1, 0, Box(0, 0, 4, 4)),
        lambda: document.clear(1, 0),
        lambda: document.remove_object(1),
    ):
        with pytest.raises(AnnotationError, match="Object 1 is locked; unlock it"):
            edit()
    assert propagate(document, [1], object_id=77) == [False]
    step = document.begin_predictions()
    with pytest.raises(ValueError, match="does not fit"):
        document.add_prediction(step, MaskPredicted(1, 0, 1, np.zeros((2, 2), np.uint16), 0.5, 0))


def test_mattes_are_read_from_disk_when_memory_is_short(document: Document, monkeypatch):
    monkeypatch.setattr(document._store, "_memory", ArrayMemory(1))
    monkeypatch.setattr(document._store._mattes, "_memory", ArrayMemory(1))
    propagate(document, range(FRAMES))
    for frame in range(FRAMES):
        assert (document.matte(1, frame) == matte_of(frame)).all()
        assert not document.matte(1, frame).flags.writeable


def test_memory_keeps_the_most_recent_within_its_limit():
    memory = ArrayMemory(100)
    for number in range(4):
        memory.put(number, np.zeros(40, np.uint8))
        memory.get(0)
    assert memory.get(0) is not None
    assert memory.get(3) is not None
    assert memory.get(1) is None
    assert memory.size == 80
    memory.put("large", np.zeros(500, np.uint8))
    assert memory.get("large") is not None
    assert memory.size == 500


def test_a_matte_file_that_is_damaged_is_told_and_gone(document: Document, monkeypatch):
    propagate(document, [1, 2])
    document.flush()
    monkeypatch.setattr(document._store._mattes, "_memory", ArrayMemory(1))
    (document.folder / "mattes/1/000001.png").write_bytes(b"no picture")
    heard: list[Change] = []
    document.subscribe(heard.append)
    assert document.matte(1, 1) is None
    assert document.state(1, 1) is FrameState.EMPTY
    assert heard == [Change(Kind.PREDICTION, 1, 1), Change(Kind.MESSAGES)]
    assert "000001.png was set aside" in document.messages[-1]
    assert (document.matte(1, 2) == matte_of(2)).all()


def test_undo_does_without_the_cache(document: Document):
    propagate(document, [1], seed=0)
    propagate(document, [1, 2], seed=10)
    document.flush()
    shutil.rmtree(document.cache_folder, ignore_errors=True)
    document.undo()
    assert (document.matte(1, 1) == matte_of(1)).all()
    assert document.matte(1, 2) is None
    document.redo()
    assert (document.matte(1, 2) == matte_of(12)).all()


def test_a_frame_predicted_twice_in_one_run_shows_the_later_matte(document: Document):
    propagate(document, [1, 2], seed=0)
    first = content(document)
    propagate(document, [1, 2, 1], seed=10)
    propagate(document, [1], seed=30)
    document.undo()
    step = document.begin_predictions()
    for seed in (50, 60):
        document.add_prediction(step, predicted(document, 1, seed))
        document.add_prediction(step, predicted(document, 2, seed + 1))
    document.end_predictions(step)
    assert (document.matte(1, 1) == matte_of(60)).all()
    assert on_disk(document) == content(document)
    document.undo()
    assert (document.matte(1, 1) == matte_of(11)).all()
    document.undo()
    assert content(document) == first == on_disk(document)


def test_mattes_that_no_step_can_bring_back_leave_the_disk(document: Document):
    propagate(document, [1, 2], seed=0)
    propagate(document, [1, 2], seed=10)
    document.undo()
    stroke(document, 5)
    document.flush()
    assert sorted(path.name for path in document.folder.glob("mattes/1/*")) == ["000001.png", "000002.png"]
