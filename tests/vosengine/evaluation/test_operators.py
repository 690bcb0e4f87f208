from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from tests.vosengine.evaluation.conftest import FRAMES, square, write_frame
from tests.vosengine.evaluation.fake_engine import NearestEngine
from vosengine import png
from vosengine.config import Config, preset
from vosengine.evaluation.datasets import Sequence, find_sequences
from vosengine.evaluation.operators import EveryFrame, Refining, j_by_frame, j_elsewhere, zero_shot
from vosengine.evaluation.protocol import FirstFrame, Operator, annotations_on, run_sequence
from vosengine.messages import FineTune, Propagate
from vosengine.types import Box, Direction


@pytest.fixture
def slide(davis: Path) -> Sequence:
    return find_sequences(davis, ["slide"])[0]


@pytest.fixture
def pair(tmp_path: Path) -> Sequence:
    """Two objects, the second absent from the third frame on."""
    for frame in range(6):
        ids = square(2, 2, 8) // 255 + (square(16, 10, 8) // 255 * 2 if frame < 3 else 0)
        write_frame(tmp_path / "set", "pair", f"{frame:05d}", ids.astype(np.uint8))
    return find_sequences(tmp_path / "set", single_object=False)[0]


def j_of_shift(pixels: int) -> float:
    """J of a square of 12 pixels a side with its copy, some pixels beside it."""
    return (12 - pixels) / (12 + pixels)


def trained_on(engine: NearestEngine) -> list[FineTune]:
    return [command for command in engine.commands if isinstance(command, FineTune)]


def frames_of(command: FineTune | Propagate) -> list[int]:
    return sorted({annotation.frame for annotation in command.annotations})


# --- annotations ----------------------------------------------------------------------------------------


def test_annotations_as_masks_and_as_boxes(slide: Sequence) -> None:
    first, third = annotations_on(slide, [3])
    assert (first.frame, third.frame) == (0, 3)
    assert np.array_equal(third.mask, square(6))  # type: ignore[arg-type]
    assert [a.box for a in annotations_on(slide, [3], boxes=True)] == [Box(3, 6, 12, 12), Box(6, 6, 12, 12)]


def test_an_absent_object_is_annotated_with_an_empty_mask(pair: Sequence) -> None:
    found = {(a.frame, a.object_id): a for a in annotations_on(pair, [4], boxes=True)}
    assert list(found) == [(0, 1), (0, 2), (4, 1), (4, 2)]
    assert found[4, 1].box == Box(2, 2, 8, 8)
    absent = found[4, 2].mask
    assert absent is not None
    assert not absent.any()


def test_each_object_is_annotated_from_its_own_first_frame_on(tmp_path: Path) -> None:
    for frame in range(5):
        ids = square(2, 2, 8) // 255 + (square(16, 10, 8) // 255 * 2 if frame >= 2 else 0)
        write_frame(tmp_path / "set", "late", f"{frame:05d}", ids.astype(np.uint8))
    late = find_sequences(tmp_path / "set", single_object=False)[0]
    assert [(a.frame, a.object_id) for a in annotations_on(late)] == [(0, 1), (2, 2)]
    assert [(a.frame, a.object_id) for a in annotations_on(late, [1, 3])] == [
        (0, 1), (1, 1), (2, 2), (3, 1), (3, 2),
    ]  # fmt: skip
    result = run_sequence(late, Config(), NearestEngine(), tmp_path / "out", operator=EveryFrame(4))
    assert set(np.unique(png.read_palette_ids(result.result_files[1]))) == {0, 1}
    assert set(np.unique(png.read_palette_ids(result.result_files[2]))) == {0, 1, 2}


@pytest.mark.parametrize(("every", "frames"), [(0, [0]), (4, [0, 4, 8]), (3, [0, 3, 6]), (20, [0])])
def test_every_so_many_frames(slide: Sequence, every: int, frames: list[int]) -> None:
    assert EveryFrame(every).frames(slide) == frames


@pytest.mark.parametrize("operator", [FirstFrame(), EveryFrame(4, boxes=True), Refining(2, "estimate")])
def test_operators_travel_to_other_processes_and_are_told_apart_by_their_text(operator: Operator) -> None:
    assert pickle.loads(pickle.dumps(operator)) == operator
    others = [FirstFrame(), EveryFrame(4), EveryFrame(5, boxes=True), Refining(2), Refining(3, "estimate")]
    assert all((repr(operator) == repr(other)) == (operator == other) for other in others)


# --- one round ------------------------------------------------------------------------------------------


def test_annotated_frames_count_as_drawn_and_others_by_their_neighbour(
    slide: Sequence, tmp_path: Path
) -> None:
    engine = NearestEngine()
    result = run_sequence(slide, Config(), engine, tmp_path, operator=EveryFrame(4))
    shifts = {1: 1, 2: 2, 3: 1, 4: 0, 5: 1, 6: 2, 7: 1}  # from frames 0, 4 and 8
    assert j_by_frame(result) == pytest.approx({f: j_of_shift(n) for f, n in shifts.items()})
    apart = [j_of_shift(n) for f, n in shifts.items() if f != 4]
    assert j_elsewhere(result) == pytest.approx(sum(apart) / len(apart))
    assert result.annotated == (0, 4, 8)
    propagating = engine.commands[2]
    assert isinstance(propagating, Propagate)
    assert propagating.direction is Direction.BOTH
    assert frames_of(propagating) == [0, 4, 8]


def test_nothing_is_elsewhere_when_all_frames_are_annotated(slide: Sequence, tmp_path: Path) -> None:
    result = run_sequence(slide, Config(), NearestEngine(), tmp_path, operator=EveryFrame(1))
    assert result.scores[1].J == 1.0
    assert j_elsewhere(result) is None


def test_a_box_counts_as_the_mask_the_engine_made_of_it(tmp_path: Path) -> None:
    for frame in range(4):
        mask = square(4, 4, 10)
        mask[4:9, 4:9] = 0  # the box has 100 pixels, the mask 75
        write_frame(tmp_path / "set", "notch", f"{frame:05d}", mask)
    notch = find_sequences(tmp_path / "set")[0]
    result = run_sequence(
        notch, Config(), NearestEngine(), tmp_path / "out", operator=EveryFrame(1, boxes=True)
    )
    assert pytest.approx(0.75) == result.scores[1].J
    drawn = run_sequence(notch, Config(), NearestEngine(), tmp_path / "drawn", operator=FirstFrame())
    assert drawn.scores[1].J == 1.0


# --- corrections ----------------------------------------------------------------------------------------


def test_the_worst_frame_is_annotated_again_and_again(slide: Sequence, tmp_path: Path) -> None:
    engine, config = NearestEngine(), Config(steps=5)
    result = run_sequence(slide, config, engine, tmp_path, operator=Refining(2))
    # Copies of frame 0 are worst at the last scored frame, 7; then the frames halfway, 3 before 4.
    assert [one.annotated for one in result.rounds] == [(0,), (0, 7), (0, 3, 7)]
    assert [command.warm_start for command in trained_on(engine)] == [False, True, True]
    assert [frames_of(command) for command in trained_on(engine)] == [[0], [0, 7], [0, 3, 7]]
    assert all(command.config == config for command in trained_on(engine))
    J = [one.scores[1].J for one in result.rounds]
    assert sorted(J) == J
    assert J[0] == pytest.approx(sum(j_of_shift(n) for n in range(1, 8)) / 7)
    assert result.earlier[0].earlier == ()


def test_a_round_predicts_what_its_annotation_concerns_and_keeps_the_rest(
    slide: Sequence, tmp_path: Path
) -> None:
    engine = NearestEngine(quality=lambda frame: 0.5 + frame / 100)
    result = run_sequence(slide, Config(), engine, tmp_path, operator=Refining(2))
    propagated = [command for command in engine.commands if isinstance(command, Propagate)]
    # Annotated: 0; 0 and 7; 0, 3 and 7. Of two as near annotations the earlier one.
    assert [command.frames for command in propagated] == [None, {4, 5, 6, 7, 8}, {2, 3, 4, 5}]
    for frame in range(1, FRAMES):
        files = [one.result_files[frame] for one in result.rounds]
        first, second, third = (png.read_palette_ids(file).tobytes() for file in files)
        assert (first == second) == (frame < 4)
        assert (second == third) == (frame not in (2, 3, 4, 5))
        assert [file.parents[1].name for file in files[1:]] == ["round-2", "round-3"]
    predicted = [frame for frame in range(1, FRAMES) if frame not in (3, 7)]
    assert result.qualities == {frame: 0.5 + frame / 100 for frame in predicted}


def test_models_learned_afresh_leave_nothing_of_the_former_round(slide: Sequence, tmp_path: Path) -> None:
    engine = NearestEngine(cold=(1,))
    run_sequence(slide, Config(), engine, tmp_path, operator=Refining(1))
    assert [c.frames for c in engine.commands if isinstance(c, Propagate)] == [None, None]


def test_each_round_keeps_its_own_masks(slide: Sequence, tmp_path: Path) -> None:
    result = run_sequence(slide, Config(), NearestEngine(), tmp_path, operator=Refining(1))
    first, second = (png.read_palette_ids(one.result_files[7]) for one in result.rounds)
    assert np.array_equal(first * 255, square(3))
    assert np.array_equal(second * 255, square(10))
    assert result.rounds[1].result_files[7] == tmp_path / "round-2" / "slide" / "00007.png"


def test_the_estimate_may_choose_another_frame(slide: Sequence, tmp_path: Path) -> None:
    engine = NearestEngine(quality=lambda frame: 0.2 if frame == 2 else 0.9)
    result = run_sequence(slide, Config(), engine, tmp_path, operator=Refining(1, "estimate"))
    assert result.annotated == (0, 2)
    assert result.earlier[0].qualities == {f: 0.2 if f == 2 else 0.9 for f in range(1, FRAMES)}


def test_the_operator_stops_when_all_frames_are_annotated(slide: Sequence, tmp_path: Path) -> None:
    result = run_sequence(slide, Config(), NearestEngine(), tmp_path, operator=Refining(50))
    assert len(result.rounds) == FRAMES - 1  # the last frame is not scored, so nobody sees what is wrong
    assert result.scores[1].J == 1.0


def test_without_fine_tuning_first_where_the_method_allows_it(slide: Sequence, tmp_path: Path) -> None:
    engine, config = NearestEngine(), preset("osvos-lite", steps=7)
    assert zero_shot(config)
    assert not zero_shot(Config())
    result = run_sequence(slide, config, engine, tmp_path, operator=Refining(1))
    assert [command.config.steps for command in trained_on(engine)] == [0, 7, 7]
    assert [command.warm_start for command in trained_on(engine)] == [False, False, True]
    assert [one.annotated for one in result.rounds] == [(0,), (0,), (0, 7)]
