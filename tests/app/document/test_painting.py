"""Strokes, scribbles, boxes, clearing, copying and approving."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from app.document import Change, Document, FrameState, Kind
from app.tools import BACKGROUND, FOREGROUND, PAINT
from tests.app.document.edited import (
    FRAMES,
    HEIGHT,
    WIDTH,
    content,
    matte_of,
    paint_stroke,
    predicted,
    propagate,
    stroke,
)
from vosengine.edge_controls import EdgeTrack
from vosengine.errors import AnnotationError
from vosengine.types import Box

# --- painting ------------------------------------------------------------------------------------------


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
    assert (mask == np.rint(matte_of(7) / 257)).all()
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
    asking = document.end_stroke()
    answer = np.zeros((HEIGHT, WIDTH), np.uint8)
    answer[3:9, 3:9] = 255
    document.set_mask(1, 4, answer, name="GrabCut", join=asking)
    assert set(np.unique(document.scribbles(1, 4))) == {0, 1, 2}
    assert (document.mask(1, 4) == answer).all()
    assert document.undo_name == "Scribble"
    document.undo()
    assert document.scribbles(1, 4) is None
    assert document.mask(1, 4) is None
    assert document.undo_name == ""
    document.redo()
    assert (document.mask(1, 4) == answer).all()


@pytest.mark.parametrize("ended", [False, True])
def test_an_answer_joins_its_scribble_though_a_run_began_or_ended_meanwhile(document: Document, ended: bool):
    marks = document.begin_scribble(1, 4)
    document.stroke_painted(paint_stroke(marks, [(5, 5)], 2, FOREGROUND))
    asking = document.end_stroke()
    run = document.begin_predictions()
    if ended:
        document.add_prediction(run, predicted(document, 4, 7))
        document.end_predictions(run)
    document.set_mask(1, 4, np.full((HEIGHT, WIDTH), 255, np.uint8), join=asking)
    document.end_predictions(run)
    assert [each.name for each in document.steps] == ["Scribble", "Propagate"][: 1 + ended]
    if ended:
        document.undo()
        assert document.mask(1, 4) is not None
        assert document.prediction(1, 4) is None
    document.undo()
    assert document.mask(1, 4) is None
    assert document.undo_name == ""


def test_an_answer_whose_scribble_cannot_take_it_is_a_step_of_its_own(document: Document):
    marks = document.begin_scribble(1, 1)
    document.stroke_painted(paint_stroke(marks, [(5, 5)], 2, FOREGROUND))
    asking = document.end_stroke()
    stroke(document, 1)
    document.set_mask(1, 1, np.zeros((HEIGHT, WIDTH), np.uint8), name="GrabCut", join=asking)
    assert document.undo_name == "GrabCut"
    document.undo()
    assert document.undo_name == "Brush"
    assert document.state(1, 1) is FrameState.ANNOTATED
    document.undo()
    document.set_mask(1, 1, np.full((HEIGHT, WIDTH), 255, np.uint8), name="GrabCut", join=asking)
    document.undo()
    assert document.undo_name == "Scribble"


def test_an_answer_during_the_next_stroke_does_not_end_it(document: Document):
    mask = document.begin_stroke(1, 1)
    document.set_mask(1, 2, np.full((HEIGHT, WIDTH), 255, np.uint8))
    document.stroke_painted(paint_stroke(mask, [(4, 4)], 2, PAINT))
    document.end_stroke()
    assert document.annotated_frames() == [1, 2]


def test_masks_that_do_not_fit_are_refused(document: Document):
    with pytest.raises(AnnotationError, match=r"8 x 6, the clip 32 x 24"):
        document.set_mask(1, 0, np.zeros((6, 8), np.uint8))


# --- boxes, clearing, copying, approving ---------------------------------------------------------------


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
    empty = (FrameState.EMPTY, None, None, False, None, None, None, False, None)
    frames = {(1, frame): empty for frame in range(FRAMES)}
    return {"objects": document.objects, ("edges", 1): EdgeTrack(), **frames}


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
