"""The document: editing, states, predictions, undo, and what is on disk afterwards."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.document import Change, Document, FrameState, Kind
from app.matte_store import ArrayMemory
from app.tools import BACKGROUND, FOREGROUND, PAINT, paint_stroke
from vosengine import project_io
from vosengine.config import preset
from vosengine.errors import AnnotationError, ProjectError
from vosengine.messages import MaskPredicted
from vosengine.project_file import open_project
from vosengine.types import Box, ClipInfo, Span

WIDTH, HEIGHT, FRAMES = 32, 24, 10


def make_clip(path: Path) -> ClipInfo:
    rate = Fraction(25)
    return ClipInfo(path, WIDTH, HEIGHT, rate, tuple(frame / rate for frame in range(FRAMES)), "c0ffee")


@pytest.fixture
def document(tmp_path: Path):
    footage = tmp_path / "clip.mov"
    footage.write_bytes(b"x")
    made = Document.create(tmp_path / "shot", make_clip(footage))
    yield made
    made.close(discard=True)


def matte_of(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 65536, (HEIGHT, WIDTH), dtype=np.uint16)


def predicted(document: Document, frame: int, seed: int, object_id: int = 1, revision: int | None = None):
    revision = document.revision if revision is None else revision
    return MaskPredicted(1, frame, object_id, matte_of(seed), 0.5, revision)


def propagate(document: Document, frames, seed: int = 0, object_id: int = 1) -> list[bool]:
    step = document.begin_predictions()
    taken = [document.add_prediction(step, predicted(document, f, seed + f, object_id)) for f in frames]
    document.end_predictions(step)
    return taken


def stroke(document: Document, frame: int, x: float = 10, object_id: int = 1, value: int = PAINT) -> None:
    mask = document.begin_stroke(object_id, frame)
    document.stroke_painted(paint_stroke(mask, [(x, 10), (x + 5, 12)], 3, value))
    document.end_stroke()


def content(document: Document) -> dict:
    """Everything a person could see, as plain comparable values."""
    seen: dict = {"objects": document.objects}
    for each in document.objects:
        for frame in range(FRAMES):
            own = each.object_id
            pictures = (document.mask(own, frame), document.scribbles(own, frame), document.matte(own, frame))
            seen[own, frame] = (
                document.state(own, frame),
                document.box(own, frame),
                document.prediction(own, frame),
                document.approved(own, frame),
                *(None if picture is None else picture.tobytes() for picture in pictures),
            )
    return seen


def on_disk(document: Document) -> dict:
    """The same, as another process finds it in a copy of the folder."""
    document.flush()
    copy = document.folder.parent / "copy"
    shutil.copytree(document.folder, copy, ignore=shutil.ignore_patterns("*.lock*"))
    try:
        other = Document.open(copy)
        try:
            return content(other)
        finally:
            other.close()
    finally:
        shutil.rmtree(copy)


# --- painting --------------------------------------------------------------------------------------------


def test_a_stroke_is_one_step_saved_and_undone(document: Document):
    heard: list[Change] = []
    document.subscribe(heard.append)
    mask = document.begin_stroke(1, 3)
    for x in (5.0, 9.0, 15.0):
        document.stroke_painted(paint_stroke(mask, [(x, 8)], 3, PAINT))
        assert document.mask(1, 3)[8, int(x)] == 255
    assert heard == [Change(Kind.ANNOTATION, 1, 3)] * 3
    assert not document.mask(1, 3).flags.writeable
    drawn = mask.copy()
    document.end_stroke()
    assert (document.undo_name, document.redo_name) == ("Brush", "")
    assert (document.mask(1, 3) == drawn).all()
    document.flush()
    file = cv2.imread(str(document.folder / "annotations/1/000003.png"), cv2.IMREAD_UNCHANGED)
    assert (file == drawn).all()
    document.undo()
    assert document.mask(1, 3) is None
    document.flush()
    assert not (document.folder / "annotations/1/000003.png").exists()
    document.redo()
    assert (document.mask(1, 3) == drawn).all()


def test_a_stroke_on_a_prediction_starts_from_it(document: Document):
    propagate(document, [2], seed=5)
    mask = document.begin_stroke(1, 2)
    assert (mask == np.where(matte_of(7) >= 32768, 255, 0)).all()
    document.stroke_painted(paint_stroke(mask, [(4, 4)], 2, PAINT))
    document.end_stroke()
    assert document.state(1, 2) is FrameState.ANNOTATED
    document.undo()
    assert document.state(1, 2) is FrameState.PREDICTED
    assert (document.matte(1, 2) == matte_of(7)).all()


def test_a_stroke_taken_back_or_without_paint_leaves_nothing(document: Document):
    mask = document.begin_stroke(1, 0)
    document.stroke_painted(paint_stroke(mask, [(4, 4)], 2, PAINT))
    assert document.undo_name == "Brush"
    document.undo()
    assert document.mask(1, 0) is None
    document.begin_stroke(1, 0)
    document.end_stroke()
    assert document.mask(1, 0) is None
    assert document.undo_name == ""


def test_scribbles_and_the_grabcut_answer_are_one_step(document: Document):
    marks = document.begin_scribble(1, 4)
    document.stroke_painted(paint_stroke(marks, [(5, 5)], 2, FOREGROUND))
    document.stroke_painted(paint_stroke(marks, [(25, 5)], 2, BACKGROUND))
    document.end_stroke()
    answer = np.zeros((HEIGHT, WIDTH), np.uint8)
    answer[3:9, 3:9] = 255
    document.set_mask(1, 4, answer, name="GrabCut", join_last=True)
    assert set(np.unique(document.scribbles(1, 4))) == {0, 1, 2}
    assert (document.mask(1, 4) == answer).all()
    assert document.undo_name == "Scribble"
    document.undo()
    assert document.scribbles(1, 4) is None
    assert document.mask(1, 4) is None
    assert document.undo_name == ""
    document.redo()
    assert (document.mask(1, 4) == answer).all()


def test_an_answer_about_another_frame_is_a_step_of_its_own(document: Document):
    stroke(document, 1)
    document.set_mask(1, 2, np.zeros((HEIGHT, WIDTH), np.uint8), name="GrabCut", join_last=True)
    assert document.undo_name == "GrabCut"
    document.undo()
    assert document.undo_name == "Brush"
    assert document.state(1, 1) is FrameState.ANNOTATED


def test_an_answer_during_the_next_stroke_does_not_end_it(document: Document):
    mask = document.begin_stroke(1, 1)
    document.set_mask(1, 2, np.full((HEIGHT, WIDTH), 255, np.uint8))
    document.stroke_painted(paint_stroke(mask, [(4, 4)], 2, PAINT))
    document.end_stroke()
    assert document.annotated_frames() == [1, 2]


def test_masks_that_do_not_fit_are_refused(document: Document):
    with pytest.raises(AnnotationError, match=r"8 x 6, the clip 32 x 24"):
        document.set_mask(1, 0, np.zeros((6, 8), np.uint8))


# --- boxes, clearing, copying, approving -----------------------------------------------------------------


def test_box_clear_and_copy(document: Document):
    document.set_box(1, 2, Box(1, 2, 10, 8))
    assert document.box(1, 2) == Box(1, 2, 10, 8)
    assert document.mask(1, 2) is None
    document.copy_from(1, 3, source=2)
    assert document.box(1, 3) == Box(1, 2, 10, 8)
    stroke(document, 2)
    assert document.box(1, 2) is None
    document.copy_from(1, 3, source=2)
    assert (document.mask(1, 3) == document.mask(1, 2)).all()
    document.clear(1, 3)
    assert document.state(1, 3) is FrameState.EMPTY
    with pytest.raises(AnnotationError, match="shows nothing"):
        document.copy_from(1, 4, source=7)
    for _ in range(5):
        document.undo()
    assert content(document) == content_of_nothing(document)


def content_of_nothing(document: Document) -> dict:
    empty = (FrameState.EMPTY, None, None, False, None, None, None)
    return {"objects": document.objects, **{(1, frame): empty for frame in range(FRAMES)}}


def test_approved_predictions_stay_and_are_annotations(document: Document):
    with pytest.raises(AnnotationError, match="Frame 3 is empty"):
        document.approve(1, 3)
    propagate(document, [3], seed=1)
    document.approve(1, 3)
    assert document.state(1, 3) is FrameState.APPROVED
    (annotation,) = document.annotations()
    assert (annotation.mask == np.where(matte_of(4) >= 32768, 255, 0)).all()
    assert propagate(document, [3], seed=50) == [False]
    assert (document.matte(1, 3) == matte_of(4)).all()
    document.approve(1, 3, approved=False)
    assert propagate(document, [3], seed=50) == [True]


# --- states and revisions --------------------------------------------------------------------------------


def test_drawing_makes_that_objects_predictions_stale(document: Document):
    other = document.add_object()
    stroke(document, 0)
    stroke(document, 0, object_id=other)
    propagate(document, [1, 2])
    propagate(document, [1], object_id=other)
    heard: list[Change] = []
    unsubscribe = document.subscribe(heard.append)
    stroke(document, 5)
    assert document.states(1) == {
        0: FrameState.ANNOTATED,
        1: FrameState.STALE,
        2: FrameState.STALE,
        5: FrameState.ANNOTATED,
    }
    assert document.state(other, 1) is FrameState.PREDICTED
    assert Change(Kind.STATES, 1, None) in heard
    unsubscribe()
    heard.clear()
    propagate(document, [1])
    assert heard == []
    assert document.state(1, 1) is FrameState.PREDICTED
    assert document.prediction(1, 2).stale


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
    document.add_prediction(step, predicted(document, 2, 1, revision=during))  # for what is undone now
    document.add_prediction(step, predicted(document, 3, 1, revision=before))
    document.end_predictions(step)
    assert document.state(1, 2) is FrameState.STALE
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
    propagate(document, [1])
    document.flush()
    manifest = (document.folder / "project.roto").read_bytes()
    stroke(document, 5)
    document.close()
    (document.folder / "project.roto").write_bytes(manifest)
    again = Document.open(document.folder)
    assert again.state(1, 5) is FrameState.ANNOTATED
    assert again.state(1, 1) is FrameState.STALE
    again.close()


# --- propagation as one step -----------------------------------------------------------------------------


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
    assert not list((document.folder / "mattes").rglob("*.png"))
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


def test_undo_without_the_cache_loses_only_the_mattes_kept_there(document: Document):
    propagate(document, [1], seed=0)
    propagate(document, [1, 2], seed=10)
    document.flush()
    shutil.rmtree(document.cache_folder)
    document.undo()
    assert document.states(1) == {}
    document.redo()
    assert (document.matte(1, 2) == matte_of(12)).all()


def test_an_undo_that_fails_halfway_changes_nothing_and_can_be_tried_again(document: Document, monkeypatch):
    propagate(document, [1, 2, 3], seed=0)
    first = content(document)
    propagate(document, [1, 2, 3], seed=50)
    second = content(document)
    mattes, calls = document._store._mattes, []
    real = mattes.exchange

    def exchange(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise ProjectError("The disk is full; free some space.")
        return real(*arguments)

    monkeypatch.setattr(mattes, "exchange", exchange)
    with pytest.raises(ProjectError, match="full"):
        document.undo()
    assert content(document) == second == on_disk(document)
    document.undo()
    assert content(document) == first == on_disk(document)
    document.redo()
    assert content(document) == second == on_disk(document)


# --- objects ---------------------------------------------------------------------------------------------


def test_objects_are_added_named_and_never_share_an_id(document: Document):
    hat = document.add_object("Hat")
    assert (document.object_id, document.object(hat).name) == (hat, "Hat")
    assert document.object(hat).colour != document.object(1).colour
    document.change_object(hat, name="Cap", visible=False)
    assert document.undo_name == "Rename object"
    document.remove_object(hat)
    assert document.object_id == 1
    assert document.add_object() == hat + 1
    for _ in range(4):
        document.undo()
    assert [each.name for each in document.objects] == ["Object 1"]
    assert document.undo_name == ""
    assert document.add_object() == hat + 2
    with pytest.raises(KeyError):
        document.select(99)


def test_a_removed_object_comes_back_whole(document: Document):
    stroke(document, 0)
    propagate(document, [1, 2])
    document.approve(1, 2)
    marks = document.begin_scribble(1, 0)
    document.stroke_painted(paint_stroke(marks, [(5, 5)], 2, FOREGROUND))
    document.end_stroke()
    before = content(document)
    document.remove_object(1)
    assert document.objects == ()
    assert document.object_id == 0
    assert on_disk(document) == {"objects": ()}
    document.undo()
    assert content(document) == before == on_disk(document)
    assert document.object_id == 1


# --- for the engine --------------------------------------------------------------------------------------


def test_drawn_frames_are_exported_bit_identical(document: Document):
    stroke(document, 2)
    drawn = document.mask(1, 2).copy()
    propagate(document, range(FRAMES), seed=3)
    (source,) = document.export_sources()
    assert sorted(source.matte_files) == list(range(FRAMES))
    read = {frame: cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for frame, path in source.matte_files.items()}
    assert (read[2] == np.where(drawn > 0, 65535, 0)).all()
    assert read[2].dtype == np.uint16
    assert (document.matte(1, 2) == read[2]).all()
    assert (read[5] == matte_of(8)).all()


def test_annotations_for_commands(document: Document):
    hat = document.add_object("Hat")
    stroke(document, 2)
    document.set_box(1, 1, Box(1, 2, 3, 4))
    stroke(document, 0, object_id=hat)
    found = document.annotations()
    assert [(each.object_id, each.frame) for each in found] == [(1, 1), (1, 2), (hat, 0)]
    assert found[0].box == Box(1, 2, 3, 4)
    assert (found[1].mask == document.mask(1, 2)).all()
    assert not found[1].mask.flags.writeable
    assert [each.object_id for each in document.annotations([hat])] == [hat]
    assert document.annotated_frames() == [0, 1, 2]
    assert document.annotated_frames(hat) == [0]


# --- the project -----------------------------------------------------------------------------------------


def test_relink(tmp_path: Path, document: Document):
    document.close()
    moved = (tmp_path / "clip.mov").rename(tmp_path / "moved.mov")
    again = Document.open(document.folder)
    assert again.clip_missing
    with pytest.raises(ProjectError, match="not the clip"):
        again.relink(replace(make_clip(moved), fingerprint="other"))
    heard: list[Change] = []
    again.subscribe(heard.append)
    again.relink(make_clip(moved))
    assert heard == [Change(Kind.CLIP)]
    assert not again.clip_missing
    again.close()
    again = Document.open(document.folder)
    assert again.clip.path == moved
    again.close()


def test_save_as_goes_on_in_the_copy_with_undo(tmp_path: Path, document: Document):
    stroke(document, 0)
    propagate(document, [1], seed=0)
    first = content(document)
    propagate(document, [1], seed=50)
    old = document.folder
    document.save_as(tmp_path / "elsewhere")
    assert document.folder == tmp_path / "elsewhere"
    document.undo()
    assert content(document) == first == on_disk(document)
    stroke(document, 6)
    document.flush()
    with open_project(old) as left:
        assert [each.frame for each in left.stored_masks()] == [0]
        assert not left.clip_missing


def test_selection_is_clipped_and_told_once(document: Document):
    heard: list[Change] = []
    document.subscribe(heard.append)
    document.go_to(99)
    document.go_to(99)
    assert document.frame == FRAMES - 1
    assert heard == [Change(Kind.SELECTION, 1, FRAMES - 1)]
    document.set_span(Span(4, 99))
    assert document.span == Span(4, FRAMES)
    document.set_span(Span(50, 60))
    assert document.span == Span(0, FRAMES)


def test_a_full_disk_is_told_loses_nothing_and_heals(tmp_path: Path, monkeypatch):
    errors: list[str] = []
    document = Document.create(tmp_path / "full", make_clip(tmp_path / "x.mov"), errors.append)
    real = project_io.atomic.write_bytes

    def full(path, content, durable=False):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(project_io.atomic, "write_bytes", full)
    stroke(document, 0)
    with pytest.raises(ProjectError, match="No space left"):
        document.flush()
    with pytest.raises(ProjectError, match="No space left"):
        document.close()
    stroke(document, 1)
    assert len(set(errors)) == 1
    monkeypatch.setattr(project_io.atomic, "write_bytes", real)
    document.flush()
    assert errors[-1] == ""
    drawn = content(document)
    document.close()
    again = Document.open(document.folder)
    assert content(again) == drawn
    again.close()


# --- any sequence of edits -------------------------------------------------------------------------------

frames = st.integers(0, FRAMES - 1)
edits = st.lists(
    st.one_of(
        st.tuples(st.just("stroke"), frames, st.integers(2, 28)),
        st.tuples(st.just("erase"), frames, st.integers(2, 28)),
        st.tuples(st.just("scribble"), frames, st.integers(2, 28)),
        st.tuples(st.just("box"), frames, st.integers(2, 8)),
        st.tuples(st.just("clear"), frames, st.just(0)),
        st.tuples(st.just("copy"), frames, frames),
        st.tuples(st.just("approve"), frames, st.booleans()),
        st.tuples(st.just("propagate"), frames, st.integers(0, 99)),
        st.tuples(st.sampled_from(["add", "remove", "rename", "undo", "redo"]), frames, frames),
    ),
    max_size=14,
)


def do(document: Document, name: str, frame: int, value: int) -> None:
    own = document.object_id
    if name in ("add", "undo", "redo"):
        {"add": document.add_object, "undo": document.undo, "redo": document.redo}[name]()
    elif own == 0:
        return
    elif name in ("stroke", "erase"):
        stroke(document, frame, value, own, PAINT if name == "stroke" else 0)
    elif name == "scribble":
        marks = document.begin_scribble(own, frame)
        document.stroke_painted(paint_stroke(marks, [(value, 9)], 2, 1 + value % 2))
        document.end_stroke()
    elif name == "propagate":
        propagate(document, range(frame, min(frame + 3, FRAMES)), value, own)
    else:
        with suppress(AnnotationError):
            {
                "box": lambda: document.set_box(own, frame, Box(1, 2, value, value)),
                "clear": lambda: document.clear(own, frame),
                "copy": lambda: document.copy_from(own, frame, value),
                "approve": lambda: document.approve(own, frame, bool(value)),
                "remove": lambda: document.remove_object(own),
                "rename": lambda: document.change_object(own, name=f"name {value}"),
            }[name]()


@settings(max_examples=25, deadline=None)
@given(edits)
def test_any_edits_undone_are_the_original_and_redone_the_final(tmp_path_factory, sequence):
    folder = tmp_path_factory.mktemp("any")
    document = Document.create(folder / "shot", make_clip(folder / "x.mov"))
    original = content(document)
    for name, frame, value in sequence:
        do(document, name, frame, value)
    assert on_disk(document) == content(document)
    while document.redo_name:
        document.redo()
    final = content(document)
    while document.undo_name:
        document.undo()
    assert content(document) == original
    while document.redo_name:
        document.redo()
    assert content(document) == final == on_disk(document)
    document.close()


# --- killed while drawing --------------------------------------------------------------------------------

DRAW = """
import sys
from pathlib import Path
import numpy as np
from app.document import Document
from app.tools import Rect
from vosengine.messages import MaskPredicted
document = Document.open(Path(sys.argv[1]))
number = int(sys.argv[2])
while True:
    number += 1
    mask = document.begin_stroke(1, number % 4)
    mask.reshape(-1)[:] = np.unpackbits(np.full(mask.size // 8, number % 256, np.uint8)) * 255
    document.stroke_painted(Rect(0, 0, 32, 24))
    document.end_stroke()
    step = document.begin_predictions()
    matte = np.full((24, 32), number, np.uint16)
    document.add_prediction(step, MaskPredicted(1, 4 + number % 4, 1, matte, 0.5, document.revision))
    document.end_predictions(step)
    document.flush()
    print(number, flush=True)
    if number % 7 == 0:
        document.undo(); document.redo()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_killed_while_drawing_loses_at_most_the_stroke_under_the_pen(document: Document):
    document.close()
    rng = np.random.default_rng(1)
    saved = 0
    for _ in range(6):
        process = subprocess.Popen(
            [sys.executable, "-c", DRAW, str(document.folder), str(saved)],
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
            text=True,
        )
        saved = int(process.stdout.readline())
        time.sleep(rng.uniform(0, 0.08))
        process.send_signal(signal.SIGKILL)
        saved = max([saved, *map(int, process.stdout.read().splitlines())])
        process.wait()
        again = Document.open(document.folder)
        assert again.messages == ()
        for number in range(max(saved - 2, 1), saved + 1):  # one frame may hold the stroke under way
            mask = again.mask(1, number % 4)
            shown = int(np.packbits(mask.reshape(-1)[:8] > 0)[0])
            assert shown in (number % 256, (saved + 1) % 256)
            assert (mask.reshape(-1) == np.tile(mask.reshape(-1)[:8], mask.size // 8)).all()
            assert len(np.unique(again.matte(1, 4 + number % 4))) == 1
        again.close()
