from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.vosengine.evaluation.conftest import FRAMES, square, write_frame
from tests.vosengine.evaluation.fake_engine import FakeEngine, same_mask
from vosengine import png
from vosengine.config import Config
from vosengine.errors import DatasetError, EngineError
from vosengine.evaluation import protocol
from vosengine.evaluation.datasets import Sequence, find_sequences
from vosengine.evaluation.protocol import peak_memory_mb, run_sequence, score_sequence
from vosengine.messages import (
    Command,
    Event,
    FineTune,
    JobFailed,
    JobProgressed,
    MaskPredicted,
    ModelReady,
    OpenClip,
    Propagate,
)
from vosengine.types import Annotation, Direction, Mask, Span


@pytest.fixture
def slide(davis: Path) -> Sequence:
    return find_sequences(davis, ["slide"])[0]


def test_the_engine_is_given_the_first_annotation_and_nothing_else(slide: Sequence, tmp_path: Path) -> None:
    engine, config = FakeEngine(), Config(steps=7)
    run_sequence(slide, config, engine, tmp_path / "out")
    opening, fine_tuning, propagating = engine.commands
    assert opening == OpenClip(slide.frames_folder)
    assert isinstance(fine_tuning, FineTune)
    assert isinstance(propagating, Propagate)
    for command in (fine_tuning, propagating):
        (annotation,) = command.annotations
        assert (annotation.frame, annotation.object_id) == (0, 1)
        assert np.array_equal(annotation.mask, square(3))  # type: ignore[arg-type]
        assert (command.clip, command.config) == (slide.frames_folder, config)
    assert (propagating.span, propagating.direction) == (Span(0, FRAMES), Direction.FORWARD)


def test_a_square_left_behind_scores_by_hand(slide: Sequence, tmp_path: Path) -> None:
    """The annotation slides by a pixel a frame, the result stays: J = (12 - k) / (12 + k)."""
    scores = run_sequence(slide, Config(), FakeEngine(), tmp_path).scores[1]
    expected = [(12 - k) / (12 + k) for k in range(1, FRAMES - 1)]
    assert scores.frames == tuple(range(1, FRAMES - 1))
    assert scores.J_by_frame == pytest.approx(expected)
    assert pytest.approx(sum(expected) / len(expected)) == scores.J
    assert scores.T == 0.0


def test_perfect_results_score_one(slide: Sequence, tmp_path: Path) -> None:
    truths = slide.masks(1)
    engine = FakeEngine(lambda frame, annotation: truths[frame])
    scores = run_sequence(slide, Config(), engine, tmp_path).scores[1]
    assert (scores.J, scores.F, scores.J_recall, scores.T) == (1.0, 1.0, 1.0, 0.0)


def test_results_are_written_like_those_of_davis(slide: Sequence, tmp_path: Path) -> None:
    result = run_sequence(slide, Config(), FakeEngine(), tmp_path / "out")
    names = sorted(file.name for file in (tmp_path / "out" / "slide").iterdir())
    assert names == [f"{frame:05d}.png" for frame in range(FRAMES)]
    assert np.array_equal(png.read_palette_ids(result.result_files[5]), square(3) // 255)


@pytest.mark.parametrize(("matte", "inside"), [(32767, False), (32768, True)])
def test_half_a_matte_decides(slide: Sequence, tmp_path: Path, matte: int, inside: bool) -> None:
    class Grey(FakeEngine):
        def _propagate(self, job_id: int, command: Propagate) -> Iterator[Event]:
            for frame in range(1, FRAMES):
                yield MaskPredicted(job_id, frame, 1, np.full((24, 32), matte, np.uint16), 1.0, 0)

    result = run_sequence(slide, Config(), Grey(), tmp_path)
    assert png.read_palette_ids(result.result_files[4]).any() == inside


def test_running_again_replaces_all_results(slide: Sequence, tmp_path: Path) -> None:
    def all_of_it(frame: int, annotation: Annotation) -> Mask:
        return np.full((24, 32), 255, np.uint8)

    run_sequence(slide, Config(), FakeEngine(all_of_it), tmp_path)
    result = run_sequence(slide, Config(), FakeEngine(), tmp_path)
    assert np.array_equal(png.read_palette_ids(result.result_files[FRAMES - 1]), square(3) // 255)


def test_only_the_time_inside_the_engine_counts(
    slide: Sequence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = 0.0
    cost = {OpenClip: 1.0, FineTune: 10.0, Propagate: 100.0}

    class Busy(FakeEngine):
        def run(self, job_id: int, command: Command) -> Iterator[Event]:
            nonlocal clock
            clock += cost[type(command)]
            yield from super().run(job_id, command)
            clock += cost[type(command)]

    def watch(name: str, event: Event) -> None:
        nonlocal clock
        clock += 1000.0

    monkeypatch.setattr(protocol, "perf_counter", lambda: clock)
    timing = run_sequence(slide, Config(), Busy(), tmp_path, watch).timing
    assert timing is not None
    assert (timing.open_seconds, timing.fine_tune_seconds, timing.propagate_seconds) == (2.0, 20.0, 200.0)
    assert 0 < timing.peak_memory_mb <= peak_memory_mb()


def test_events_are_passed_on_with_the_name_of_the_sequence(slide: Sequence, tmp_path: Path) -> None:
    seen: list[tuple[str, Event]] = []
    run_sequence(slide, Config(), FakeEngine(), tmp_path, lambda name, event: seen.append((name, event)))
    assert {name for name, _ in seen} == {"slide"}
    kinds = [type(event) for _, event in seen]
    assert kinds.count(MaskPredicted) == FRAMES - 1
    assert kinds.index(JobProgressed) < kinds.index(ModelReady) < kinds.index(MaskPredicted)


class Failing(FakeEngine):
    def __init__(self, expected: bool) -> None:
        super().__init__()
        self.expected = expected

    def run(self, job_id: int, command: Command) -> Iterator[Event]:
        if isinstance(command, FineTune):
            yield JobFailed(job_id, "There is no lite checkpoint; train one.", self.expected, "at line 1")
        else:
            yield from super().run(job_id, command)


def test_failures_name_the_sequence(slide: Sequence, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="slide: There is no lite checkpoint"):
        run_sequence(slide, Config(), Failing(expected=True), tmp_path)
    with pytest.raises(RuntimeError, match="at line 1"):
        run_sequence(slide, Config(), Failing(expected=False), tmp_path)


def test_a_clip_that_opens_with_other_frames_is_refused(slide: Sequence, tmp_path: Path) -> None:
    (slide.frames_folder / "extra.txt").touch()  # the fake engine counts every file
    with pytest.raises(DatasetError, match="does not open as 9 frames"):
        run_sequence(slide, Config(), FakeEngine(), tmp_path)


def test_a_frame_without_a_prediction_is_an_error(slide: Sequence, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="slide: There is no result for frame 3"):
        run_sequence(slide, Config(), FakeEngine(skip=3), tmp_path)


def test_several_objects_are_kept_and_scored_apart(tmp_path: Path) -> None:
    for frame in range(5):
        ids = square(2, 2, 8) // 255 + square(16, 10, 8) // 255 * 2
        write_frame(tmp_path / "set", "pair", f"{frame:05d}", ids)
    pair = find_sequences(tmp_path / "set", single_object=False)[0]

    def second_lost(frame: int, annotation: Annotation) -> Mask:
        mask = same_mask(frame, annotation)
        return mask if annotation.object_id == 1 else np.zeros_like(mask)

    both = run_sequence(pair, Config(), FakeEngine(), tmp_path / "both")
    one = run_sequence(pair, Config(), FakeEngine(second_lost), tmp_path / "one")
    assert {object_id: scores.J for object_id, scores in both.scores.items()} == {1: 1.0, 2: 1.0}
    assert {object_id: scores.J for object_id, scores in one.scores.items()} == {1: 1.0, 2: 0.0}
    assert set(np.unique(png.read_palette_ids(both.result_files[3]))) == {0, 1, 2}


def test_results_from_elsewhere_have_no_timing(slide: Sequence) -> None:
    result = score_sequence(slide, slide.mask_files)
    assert result.timing is None
    assert result.scores[1].J == 1.0
