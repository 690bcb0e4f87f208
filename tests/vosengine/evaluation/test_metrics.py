from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from vosengine.errors import DatasetError
from vosengine.evaluation.metrics import (
    alpha_error,
    boundary,
    boundary_tolerance,
    contour_accuracy,
    region_similarity,
    score,
    statistics,
)
from vosengine.types import Mask


def masks(height: int, width: int) -> st.SearchStrategy[Mask]:
    return hnp.arrays(np.uint8, (height, width), elements=st.sampled_from([0, 255]))


def pixels(inside: NDArray[np.generic]) -> set[tuple[int, int]]:
    return {(int(row), int(column)) for row, column in np.argwhere(inside)}


def rectangle(shape: tuple[int, int], top: int, left: int, height: int, width: int) -> Mask:
    mask = np.zeros(shape, np.uint8)
    mask[top : top + height, left : left + width] = 255
    return mask


def rectangles(shape: tuple[int, int]) -> st.SearchStrategy[Mask]:
    return st.builds(
        lambda top, left, height, width: rectangle(shape, top, left, height, width),
        st.integers(0, shape[0] - 1),
        st.integers(0, shape[1] - 1),
        st.integers(1, shape[0]),
        st.integers(1, shape[1]),
    )


# --- J --------------------------------------------------------------------------------------------------


def test_region_similarity_of_half_overlapping_squares() -> None:
    a, b = rectangle((20, 20), 0, 0, 10, 10), rectangle((20, 20), 0, 5, 10, 10)
    assert region_similarity(a, b) == pytest.approx(50 / 150)


def test_region_similarity_of_empty_masks_is_one_and_of_one_empty_mask_zero() -> None:
    empty, full = np.zeros((4, 4), np.uint8), np.full((4, 4), 255, np.uint8)
    assert region_similarity(empty, empty) == 1.0
    assert region_similarity(empty, full) == region_similarity(full, empty) == 0.0


def test_any_value_but_zero_is_the_object() -> None:
    ids = rectangle((8, 8), 2, 2, 3, 3)
    assert region_similarity(ids // 255, ids) == 1.0


@given(masks(6, 7), masks(6, 7))
def test_region_similarity_is_intersection_over_union_of_pixel_sets(a: Mask, b: Mask) -> None:
    inside, true = pixels(a), pixels(b)
    expected = len(inside & true) / len(inside | true) if inside | true else 1.0
    assert region_similarity(a, b) == pytest.approx(expected)


# --- F --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("height", "width", "expected"), [(480, 854, 8), (1080, 1920, 18), (360, 640, 6), (24, 32, 1)]
)
def test_boundary_tolerance(height: int, width: int, expected: int) -> None:
    assert boundary_tolerance(height, width) == expected


def test_boundary_of_a_pixel_is_offset_towards_the_origin() -> None:
    assert pixels(boundary(rectangle((5, 5), 2, 2, 1, 1))) == {(1, 1), (1, 2), (2, 1), (2, 2)}


def test_the_edges_of_the_frame_are_no_boundary() -> None:
    assert not boundary(np.full((6, 9), 255, np.uint8)).any()
    assert pixels(boundary(rectangle((4, 6), 0, 0, 4, 3))) == {(row, 2) for row in range(4)}


@given(masks(5, 6))
def test_boundary_by_its_definition(mask: Mask) -> None:
    height, width = mask.shape
    expected = {
        (row, column)
        for row in range(height)
        for column in range(width)
        for below in (row, min(row + 1, height - 1))
        for right in (column, min(column + 1, width - 1))
        if mask[row, column] != mask[below, right]
    }
    assert pixels(boundary(mask)) == expected


def brute_force_contour_accuracy(prediction: Mask, truth: Mask) -> float:
    """Every boundary pixel against every other one."""
    ours, theirs = np.argwhere(boundary(prediction)), np.argwhere(boundary(truth))
    if not len(ours) or not len(theirs):
        return float(len(ours) == len(theirs))
    squared = np.square(ours[:, None] - theirs[None]).sum(2)
    near = squared <= boundary_tolerance(*truth.shape) ** 2
    precision, recall = near.any(1).mean(), near.any(0).mean()
    return float(2 * precision * recall / (precision + recall)) if precision + recall else 0.0


@given(masks(9, 11), masks(9, 11))
def test_contour_accuracy_by_brute_force_on_noise(a: Mask, b: Mask) -> None:
    assert contour_accuracy(a, b) == pytest.approx(brute_force_contour_accuracy(a, b))


@settings(max_examples=60)
@given(rectangles((260, 300)), rectangles((260, 300)))
def test_contour_accuracy_by_brute_force_with_a_wider_tolerance(a: Mask, b: Mask) -> None:
    assert boundary_tolerance(260, 300) == 4
    assert contour_accuracy(a, b) == pytest.approx(brute_force_contour_accuracy(a, b))


def test_contours_match_up_to_the_tolerance_and_not_beyond() -> None:
    # Two half planes: straight boundaries, 8 pixels of tolerance at 854x480.
    shape = (480, 854)
    truth = rectangle(shape, 0, 0, 480, 400)
    assert contour_accuracy(rectangle(shape, 0, 0, 480, 408), truth) == 1.0
    assert contour_accuracy(rectangle(shape, 0, 0, 480, 409), truth) == 0.0


def test_contour_accuracy_of_empty_masks() -> None:
    empty, some = np.zeros((9, 9), np.uint8), rectangle((9, 9), 2, 2, 4, 4)
    assert contour_accuracy(empty, empty) == 1.0
    assert contour_accuracy(empty, some) == contour_accuracy(some, empty) == 0.0


# --- properties of both ---------------------------------------------------------------------------------

MEASURES = [region_similarity, contour_accuracy]


@pytest.mark.parametrize("measure", MEASURES)
@given(a=masks(8, 10), b=masks(8, 10))
def test_measures_are_symmetric_and_bounded(measure: object, a: Mask, b: Mask) -> None:
    assert callable(measure)
    assert measure(a, b) == pytest.approx(measure(b, a))
    assert 0.0 <= measure(a, b) <= 1.0
    assert measure(a, a) == 1.0


@pytest.mark.parametrize("measure", MEASURES)
@given(a=masks(6, 6), b=masks(6, 6), down=st.integers(0, 9), right=st.integers(0, 9))
def test_measures_do_not_depend_on_the_place(
    measure: object, a: Mask, b: Mask, down: int, right: int
) -> None:
    assert callable(measure)

    def placed(mask: Mask, top: int, left: int) -> Mask:
        return np.pad(mask, ((top, 12 - top), (left, 12 - left)))

    here = measure(placed(a, 1, 1), placed(b, 1, 1))
    assert measure(placed(a, 1 + down, 1 + right), placed(b, 1 + down, 1 + right)) == pytest.approx(here)


# --- statistics -----------------------------------------------------------------------------------------


def test_recall_counts_frames_strictly_above_half() -> None:
    assert statistics([0.5, 0.5, 0.51, 0.2]).recall == 0.25


def test_decay_of_seven_frames_by_hand() -> None:
    # linspace(1, 7, 5) = 1, 2.5, 4, 5.5, 7; halves round up: 1, 3, 4, 6, 7. First quarter 1..3, last 6..7.
    values = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.2]
    assert statistics(values).decay == pytest.approx(0.8 - 0.3)


def test_decay_of_eight_frames_by_hand() -> None:
    # linspace(1, 8, 5) = 1, 2.75, 4.5, 6.25, 8: first quarter 1..3, last 6..8.
    values = [1.0, 0.9, 0.8, 0.0, 0.0, 0.3, 0.2, 0.1]
    assert statistics(values).decay == pytest.approx(0.9 - 0.2)


def test_statistics_of_one_frame() -> None:
    only = statistics([0.7])
    assert (only.mean, only.recall, only.decay) == (0.7, 1.0, 0.0)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=90))
def test_statistics_are_bounded_and_decay_turns_with_time(values: list[float]) -> None:
    result = statistics(values)
    assert result.mean == pytest.approx(math.fsum(values) / len(values))
    assert -1 <= result.decay <= 1
    assert 0 <= result.recall <= 1


@given(st.floats(0, 1), st.integers(1, 90))
def test_a_constant_does_not_decay(value: float, count: int) -> None:
    assert statistics([value] * count).decay == pytest.approx(0, abs=1e-12)


# --- score ----------------------------------------------------------------------------------------------


def test_score_drops_the_first_and_last_frames() -> None:
    truths = {frame: rectangle((40, 60), 5, 5 + frame, 20, 20) for frame in range(6)}
    predictions = {frame: truths[frame] for frame in range(1, 5)}
    scores = score(predictions, truths)
    assert scores.frames == (1, 2, 3, 4)
    assert scores.J == scores.F == scores.J_recall == scores.F_recall == 1.0
    assert scores.J_decay == scores.F_decay == scores.T == 0.0


def test_score_by_hand() -> None:
    truths = {frame: rectangle((40, 60), 0, 0, 20, 20) for frame in range(4)}
    predictions = {1: truths[1], 2: np.zeros((40, 60), np.uint8)}
    scores = score(predictions, truths)
    assert scores.J_by_frame == scores.F_by_frame == (1.0, 0.0)
    assert (scores.J, scores.J_recall) == (0.5, 0.5)
    assert scores.T is None  # only one of the two results has a contour


def test_score_without_t() -> None:
    truths = {frame: rectangle((40, 60), 0, 0, 20, 20) for frame in range(4)}
    assert score(truths, truths, evaluate_t=False).T is None


def test_score_with_gaps_between_annotations() -> None:
    truths = {frame: rectangle((40, 60), 0, 0, 20, 20) for frame in (0, 4, 8, 12)}
    assert score(truths, truths).frames == (4, 8)


def test_score_refuses_missing_and_misfitting_predictions() -> None:
    truths = {frame: rectangle((40, 60), 0, 0, 20, 20) for frame in range(4)}
    with pytest.raises(DatasetError, match="no result for frame 2"):
        score({1: truths[1]}, truths)
    with pytest.raises(DatasetError, match="30x20 and its annotation 60x40"):
        score({1: truths[1], 2: np.zeros((20, 30), np.uint8)}, truths)
    with pytest.raises(DatasetError, match="three annotated frames"):
        score({}, {0: truths[0], 1: truths[1]})


# --- alpha ----------------------------------------------------------------------------------------------


def test_alpha_error_by_hand() -> None:
    truth = np.zeros((2, 2), np.uint16)
    matte = np.array([[65535, 0], [0, 0]], np.uint16)
    error = alpha_error(matte, truth)
    assert (error.mean_absolute, error.mean_squared, error.sum_absolute) == (0.25, 0.25, 1.0)
    assert alpha_error(truth, matte) == error


@given(hnp.arrays(np.uint16, (3, 4)), hnp.arrays(np.uint16, (3, 4)))
def test_alpha_error_is_bounded_and_zero_only_for_equal_mattes(
    matte: NDArray[np.uint16], truth: NDArray[np.uint16]
) -> None:
    error = alpha_error(matte, truth)
    assert 0 <= error.mean_squared <= error.mean_absolute <= 1
    assert (error.mean_absolute == 0) == bool((matte == truth).all())


def test_alpha_error_refuses_masks() -> None:
    with pytest.raises(ValueError, match="uint16"):
        alpha_error(np.zeros((2, 2), np.uint16), np.zeros((2, 2), np.uint8))
