"""Stale is what a run predicts anew: the frames that a change of the annotations concerns, and no others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.cells import Cells
from app.document import Change, Document, FrameState, Kind
from app.packed import Packed
from tests.app.document.edited import FRAMES, HEIGHT, WIDTH, make_clip, predicted, propagate, stroke
from vosengine.messages import MaskPredicted
from vosengine.sweeps import affected_frames
from vosengine.types import Box, Direction, Span

WHOLE = Span(0, FRAMES)


def stale(document: Document, object_id: int = 1) -> list[int]:
    return [f for f, state in document.states(object_id).items() if state is FrameState.STALE]


def run(document: Document) -> list[int]:
    """As a run predicts: every outdated frame, of all objects."""
    frames = sorted(document.outdated(WHOLE))
    for each in document.objects:
        propagate(document, frames, object_id=each.object_id)
    return frames


def test_a_correction_makes_its_own_half_stale_and_undo_brings_it_back(document: Document):
    stroke(document, 0)
    assert run(document) == list(range(1, FRAMES))
    stroke(document, 6)  # frames 0 and 6: 3 is as near to both and stays with the earlier one
    assert stale(document) == [4, 5, 7, 8, 9]
    document.undo()
    assert stale(document) == []
    document.redo()
    assert run(document) == [4, 5, 7, 8, 9]
    document.undo()  # the run
    assert stale(document) == [4, 5, 7, 8, 9]
    document.redo()
    assert stale(document) == []


def test_a_removed_annotation_makes_stale_what_came_from_it(document: Document):
    stroke(document, 0)
    stroke(document, 6)
    run(document)
    document.clear(1, 6)
    assert stale(document) == [4, 5, 7, 8, 9]
    assert sorted(document.outdated(WHOLE)) == [4, 5, 6, 7, 8, 9], "frame 6 has no mask at all"


def test_a_run_that_was_cancelled_leaves_the_rest_stale(document: Document):
    stroke(document, 0)
    run(document)
    stroke(document, 6)
    propagate(document, [7, 8])
    assert sorted(document.outdated(WHOLE)) == [4, 5, 9]


def test_approving_a_frame_makes_nothing_stale_and_shields_its_side(document: Document):
    stroke(document, 0)
    run(document)
    document.approve(1, 4)
    assert stale(document) == []
    stroke(document, 8)
    assert stale(document) == [7, 9], "5 and 6 are nearer to the approved frame"
    document.approve(1, 4, approved=False)
    assert stale(document) == [5, 6, 7, 9]


def test_what_was_propagated_one_way_past_an_annotation_is_fresh(document: Document):
    stroke(document, 0)
    stroke(document, 6)
    step = document.begin_predictions()
    matte = predicted(document, 5, 1).matte
    document.add_prediction(step, MaskPredicted(1, 5, 1, matte, 0.5, document.revision, start=0))
    document.end_predictions(step)
    assert stale(document) == []
    stroke(document, 6, x=14)
    assert stale(document) == [5]


def test_a_prediction_of_an_earlier_edition_is_stale_after_any_drawing(document: Document):
    stroke(document, 0)
    step = document.begin_predictions()
    document.add_prediction(step, replace(predicted(document, 1, 1), start=None))
    document.end_predictions(step)
    assert stale(document) == []
    stroke(document, 9)
    assert stale(document) == [1]


def test_a_drawing_makes_other_objects_stale_on_its_own_frame(document: Document):
    other = document.add_object()
    stroke(document, 0)
    stroke(document, 0, object_id=other)
    run(document)
    stroke(document, 6)
    assert stale(document, other) == [6]
    document.remove_object(1)
    assert stale(document, other) == [6]
    document.change_object(other, locked=True)
    assert document.outdated(WHOLE) == frozenset(), "a locked object takes no predictions"


def test_between_two_edits_the_annotations_are_walked_once(document: Document, monkeypatch):
    stroke(document, 0)
    run(document)
    walks: list[Kind] = []
    walk = Cells.all

    def counted(cells: Cells, kind: Kind):
        walks.append(kind)
        return walk(cells, kind)

    monkeypatch.setattr(Cells, "all", counted)
    for _ in range(2):
        walks.clear()
        for frame in WHOLE:
            document.state(1, frame)
            document.prediction(1, frame)
        assert len(walks) <= 1
        stroke(document, 6)
        assert stale(document) == [4, 5, 7, 8, 9]


def test_many_drawings_at_once_are_told_as_one_change_of_states(document: Document):
    heard: list[Change] = []
    document.subscribe(heard.append)
    full = Packed.pack(np.full((HEIGHT, WIDTH), 255, np.uint8))
    document.set_masks({(1, frame): full for frame in WHOLE})
    assert heard.count(Change(Kind.STATES, 1)) == 1
    assert [each.frame for each in heard if each.kind is Kind.ANNOTATION] == list(WHOLE)


def test_boxes_keep_their_revision_when_the_project_is_opened_again(document: Document):
    document.set_box(1, 0, Box(1, 2, 9, 9))
    assert run(document) == list(range(FRAMES)), "a box needs a mask made of it"
    stroke(document, 6)
    document.set_box(1, 0, Box(1, 2, 8, 8))
    run(document)
    stroke(document, 8)
    before = stale(document)
    assert before == [9]
    document.close()
    again = Document.open(document.folder)
    assert stale(again) == before
    again.set_box(1, 0, Box(1, 2, 7, 7))
    assert sorted(again.outdated(WHOLE)) == [0, 1, 2, 3, 9]
    again.close()


edits = st.lists(
    st.tuples(
        st.sampled_from(["draw", "clear", "undo", "redo"]), st.integers(1, 2), st.integers(0, FRAMES - 1)
    ),
    min_size=1,
    max_size=6,
)


touches = st.dictionaries(
    st.tuples(st.integers(1, 2), st.integers(0, FRAMES - 1)),
    st.sampled_from(["draw", "clear"]),
    min_size=1,
    max_size=4,
)


@settings(max_examples=25, deadline=None)
@given(edits, touches)
def test_stale_frames_are_those_the_change_concerns(tmp_path_factory, first, second):
    folder = tmp_path_factory.mktemp("fresh")
    document = Document.create(folder / "shot", make_clip(folder / "x.mov"))
    document.add_object()
    for object_id in (1, 2):
        stroke(document, 5, object_id=object_id)
    edit(document, first)
    run(document)
    before = document.annotations()
    edit(document, [(name, *key) for key, name in second.items()], x=15)
    document.close()
    drawn = [set(document.annotated_frames(i)) for i in (1, 2)]
    assume(all(drawn))  # an object without any annotation cannot be predicted
    concerned = affected_frames(before, document.annotations(), WHOLE, Direction.BOTH)
    assert document.outdated(WHOLE) == concerned - (drawn[0] & drawn[1])


def edit(document: Document, what: list[tuple[str, int, int]], x: float = 3) -> None:
    for number, (name, object_id, frame) in enumerate(what):
        if name in ("draw", "clear") and object_id not in {each.object_id for each in document.objects}:
            continue  # its making was undone
        if name == "draw":
            stroke(document, frame, x + number, object_id)
        elif name == "clear":
            document.clear(object_id, frame)
        elif name == "undo":
            document.undo()
        else:
            document.redo()
