"""Plans of wanted frames, and which frames a change concerns, against the definitions counted out by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vosengine.finetune import Shot
from vosengine.propagate import FrameResult, propagate
from vosengine.sweeps import Sweep, affected_frames, plan
from vosengine.types import Annotation, Direction, Image, Probability, Span

LAST = 12
SPAN = Span(0, LAST + 1)


def drawn(frame: int, object_id: int = 1, value: int = 255) -> Annotation:
    return Annotation(frame, object_id, mask=np.full((2, 3), value, np.uint8))


def test_sweeps_go_no_further_than_the_last_wanted_frame() -> None:
    groups = plan({1: [2, 10]}, SPAN, Direction.BOTH, {0, 4, 5, 12})
    assert groups == [
        [Sweep(1, 2, range(3, 6))],
        [Sweep(1, 10, range(11, 13))],
        [Sweep(1, 2, range(1, -1, -1))],
    ]
    assert plan({1: [2, 10]}, SPAN, Direction.BOTH, ()) == []


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([drawn(0)], [drawn(0)], []),
        ([drawn(0)], [drawn(0), drawn(8)], [5, 6, 7, 8, 9, 10, 11, 12]),
        ([drawn(0), drawn(8)], [drawn(0)], [5, 6, 7, 8, 9, 10, 11, 12]),
        ([drawn(0), drawn(8), drawn(12)], [drawn(0), drawn(8, value=0), drawn(12)], [5, 6, 7, 8, 9, 10]),
        ([drawn(0)], [drawn(0, value=0)], list(SPAN)),
        ([], [drawn(3)], list(SPAN)),
        # The second object's prediction gives way to what is drawn on frame 8, and to nothing new elsewhere.
        ([drawn(0), drawn(0, 2)], [drawn(0), drawn(0, 2), drawn(12)], [7, 8, 9, 10, 11, 12]),
    ],
)
def test_the_frames_that_a_change_concerns(before, after, expected) -> None:
    assert sorted(affected_frames(before, after, SPAN, Direction.BOTH)) == expected


marks = st.sets(st.integers(0, LAST), min_size=1, max_size=4)


@given(marks, marks, st.integers(0, LAST), st.integers(0, LAST))
def test_a_change_concerns_a_frame_exactly_when_its_nearest_annotation_differs(before, after, a, b) -> None:
    span = Span(min(a, b), max(a, b))
    found = affected_frames([drawn(f) for f in before], [drawn(f) for f in after], span, Direction.BOTH)

    def nearest(known: set[int], frame: int) -> int:
        return min(known, key=lambda each: (abs(each - frame), each))

    assert found == {f for f in span if nearest(before, f) != nearest(after, f)}


class Numbered:
    """Frames that show their own number."""

    width, height = 3, 2

    def image(self, frame: int) -> Image:
        return np.full((2, 3, 3), frame, np.uint8)


class Historian:
    """A method whose masks depend on the whole way from the annotation, as a network's do."""

    network = None

    def __init__(self, object_id: int) -> None:
        self.object_id = object_id

    def begin(self, shots: Sequence[Shot], start: int) -> Way:
        return Way([self.object_id, start])


class Way:
    def __init__(self, past: list[int]) -> None:
        self.past = past

    def segment(self, image: Image) -> Probability:
        self.past.append(int(image[0, 0, 0]))
        return np.random.default_rng(self.past).random(image.shape[:2], np.float32)

    def adapt(self) -> Iterator[float]:
        return iter(())


def results(
    annotated: dict[int, set[int]], direction: Direction, wanted: frozenset[int]
) -> tuple[dict[tuple[int, int], bytes], int]:
    """The mask of each wanted frame and object, and how many frames were visited."""
    image, mask = Numbered().image(0), np.zeros((2, 3), np.float32)
    shots = {i: [Shot(frame, image, mask) for frame in sorted(frames)] for i, frames in annotated.items()}
    groups = plan({i: sorted(frames) for i, frames in annotated.items()}, SPAN, direction, wanted)
    methods = {i: Historian(i) for i in annotated}
    found: dict[tuple[int, int], bytes] = {}
    steps = list(propagate(groups, methods, shots, Numbered(), wanted))  # type: ignore[arg-type]
    for result in steps:
        if isinstance(result, FrameResult):
            assert result.frame in wanted
            for object_id, probability in result.probabilities.items():
                assert (object_id, result.frame) not in found
                found[object_id, result.frame] = probability.tobytes()
    return found, len(steps)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.integers(1, 3), marks, min_size=1),
    st.sets(st.integers(0, LAST)),
    st.sampled_from(Direction),
)
def test_wanted_frames_get_bit_for_bit_what_a_whole_run_gives_them(annotated, wanted, direction) -> None:
    whole, all_steps = results(annotated, direction, frozenset(SPAN))
    some, steps = results(annotated, direction, frozenset(wanted))
    assert some == {key: mask for key, mask in whole.items() if key[1] in wanted}
    assert steps <= all_steps


def test_a_correction_near_the_end_visits_only_its_own_frames() -> None:
    wanted = affected_frames([drawn(0)], [drawn(0), drawn(10)], SPAN, Direction.BOTH)
    found, steps = results({1: {0, 10}}, Direction.BOTH, wanted)
    assert sorted(frame for _, frame in found) == [6, 7, 8, 9, 11, 12]
    assert steps == 6
