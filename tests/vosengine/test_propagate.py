import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vosengine.finetune import Shot
from vosengine.propagate import ADAPTING, merged, propagate
from vosengine.sweeps import plan, plan_sweeps, steps_of
from vosengine.types import Direction, Span

HEIGHT, WIDTH = 6, 8


class NumberedFrames:
    """Frames that show their own number."""

    width, height = WIDTH, HEIGHT

    def image(self, frame):
        return np.full((HEIGHT, WIDTH, 3), frame, np.uint8)


class Recorder:
    """A method that finds the object in one column and records the order of frames."""

    def __init__(self, column, strength=0.9, losses=()):
        self.column, self.strength, self.losses = column, strength, losses
        self.sweeps = []

    def fine_tune(self, shots, steps):
        yield from ()

    def begin(self, shots, start):
        self.sweeps.append((start, []))
        return self

    def segment(self, image):
        self.sweeps[-1][1].append(int(image[0, 0, 0]))
        probability = np.zeros((HEIGHT, WIDTH), np.float32)
        probability[:, self.column] = self.strength
        return probability

    def adapt(self):
        return iter(self.losses)

    def copied(self):
        return self


def shot(frame, column=0):
    mask = np.zeros((HEIGHT, WIDTH), np.float32)
    mask[:, column] = 1
    return Shot(frame, np.zeros((HEIGHT, WIDTH, 3), np.uint8), mask)


def frames_of(shots):
    return {i: [s.frame for s in known] for i, known in shots.items()}


def segmented(methods, shots, span, direction):
    groups = plan(frames_of(shots), span, direction)
    steps = list(propagate(groups, methods, shots, NumberedFrames(), span))
    assert len(steps) == steps_of(groups)
    return steps


annotated_frames = st.sets(st.integers(0, 30), min_size=1, max_size=5)


@given(annotated_frames, st.integers(0, 30), st.integers(0, 31))
def test_both_directions_reach_every_frame_once_from_its_nearest_annotation(annotated, a, b):
    span = Span(min(a, b), max(a, b))
    sweeps = plan_sweeps(1, sorted(annotated), span, Direction.BOTH)
    reached = [(frame, sweep) for sweep in sweeps for frame in sweep.frames if frame in span]
    assert sorted(frame for frame, _ in reached) == sorted(set(span) - annotated)
    for frame, sweep in reached:
        assert abs(frame - sweep.start) == min(abs(frame - known) for known in annotated)


@given(annotated_frames, st.sampled_from([Direction.FORWARD, Direction.BACKWARD]))
def test_one_direction_keeps_to_its_side(annotated, direction):
    sweeps = plan_sweeps(1, sorted(annotated), Span(0, 31), direction)
    frames = [frame for sweep in sweeps for frame in sweep.frames]
    assert len(frames) == len(set(frames))
    if direction is Direction.FORWARD:
        assert sorted(frames) == [f for f in range(min(annotated), 31) if f not in annotated]
    else:
        assert sorted(frames) == [f for f in range(max(annotated)) if f not in annotated]
    for sweep in sweeps:
        assert all(abs(a - b) == 1 for a, b in zip([sweep.start, *sweep.frames], sweep.frames, strict=False))


def test_every_sweep_runs_in_order_and_every_frame_comes_once():
    method = Recorder(3)
    results = segmented({1: method}, {1: [shot(2), shot(8)]}, Span(0, 11), Direction.BOTH)
    assert method.sweeps == [(2, [3, 4, 5]), (8, [9, 10]), (2, [1, 0]), (8, [7, 6])]
    found = [r.frame for r in results if r is not None]
    assert sorted(found) == [0, 1, 3, 4, 5, 6, 7, 9, 10]


def test_a_span_away_from_the_annotation_is_reached_but_only_its_frames_come_back():
    method = Recorder(3)
    results = segmented({1: method}, {1: [shot(0)]}, Span(3, 5), Direction.BOTH)
    assert method.sweeps == [(0, [1, 2, 3, 4])]
    assert [r.frame if r else None for r in results] == [None, None, 3, 4]


def test_objects_annotated_on_different_frames_meet_in_each_result():
    methods = {1: Recorder(1), 2: Recorder(5)}
    shots = {1: [shot(0, 1)], 2: [shot(6, 5)]}
    results = [r for r in segmented(methods, shots, Span(0, 7), Direction.BOTH) if r]
    assert sorted(r.frame for r in results) == list(range(7))
    by_frame = {r.frame: r.probabilities for r in results}
    assert set(by_frame[0]) == {2}
    assert set(by_frame[6]) == {1}
    for frame in range(1, 6):
        assert set(by_frame[frame]) == {1, 2}
        assert by_frame[frame][1][0, 1] > 0.85
        assert by_frame[frame][2][0, 5] > 0.85


def test_evidence_comes_with_each_result_also_where_an_object_had_to_wait():
    methods = {1: Recorder(1), 2: Recorder(5, strength=0.6)}
    shots = {1: [shot(0, 1)], 2: [shot(6, 5)]}
    for result in (r for r in segmented(methods, shots, Span(0, 7), Direction.BOTH) if r):
        assert result.evidence.keys() == result.probabilities.keys()
        for object_id, seen in result.evidence.items():
            assert np.isclose(seen.unsure, (0.1, 0.4)[object_id - 1], atol=1e-4)  # it waits as 16-bit PNG


def test_an_object_that_its_rival_swallows_is_seen_as_lost():
    methods = {1: Recorder(3), 2: Recorder(3, strength=0.6)}
    shots = {1: [shot(0, 3)], 2: [shot(0, 3)]}
    results = [r for r in segmented(methods, shots, Span(0, 3), Direction.FORWARD) if r]
    assert len(results) == 2
    for result in results:
        assert (result.evidence[1].lost, result.evidence[2].lost) == (False, True)


def test_a_drawn_mask_wins_over_a_rivals_prediction():
    methods = {1: Recorder(1), 2: Recorder(1, strength=0.95)}
    shots = {1: [shot(0, 1)], 2: [shot(0, 5), shot(2, 5)]}
    results = {
        r.frame: r.probabilities for r in segmented(methods, shots, Span(0, 4), Direction.FORWARD) if r
    }
    assert results[1][1].max() < 0.5
    assert results[1][2][0, 1] > 0.9
    assert results[2][1][0, 1] > 0.85, "object 2's drawn mask lies elsewhere and wins only there"


@given(
    st.lists(st.lists(st.floats(0, 1, width=32), min_size=4, max_size=4), min_size=2, max_size=4),
)
def test_merging_gives_each_pixel_to_at_most_one_object(values):
    found = {n + 1: np.array([v], np.float32) for n, v in enumerate(values)}
    result = merged(found)
    stack = np.stack(list(result.values()))
    original = np.stack(list(found.values()))
    assert ((stack >= 0.5).sum(0) <= 1).all()
    assert (stack <= original + 1e-6).all()
    winner = original.argmax(0)
    unique = (original == original.max(0)).sum(0) == 1
    kept = np.take_along_axis(stack, winner[None], 0)[0]
    assert np.array_equal(kept[unique], original.max(0)[unique])


def test_a_lone_object_is_left_as_it_is():
    probability = np.random.default_rng(0).random((4, 4), np.float32)
    assert np.array_equal(merged({3: probability})[3], probability)


def test_each_step_of_online_adaptation_is_one_step_of_the_job():
    shots = {1: [shot(0)]}
    span = Span(0, 3)
    groups = plan(frames_of(shots), span, Direction.FORWARD)
    steps = list(propagate(groups, {1: Recorder(0, losses=(0.3, 0.2))}, shots, NumberedFrames(), span))
    assert [step is ADAPTING for step in steps] == [False, True, True, False], "none after the last frame"
