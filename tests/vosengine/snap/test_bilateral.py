"""The bilateral solver against its own linear system solved densely, and snapping on edges known exactly."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from vosengine.errors import EngineError
from vosengine.snap import SNAPS, snap, to_full_resolution
from vosengine.snap.bilateral import bilateral_grid, bilateral_solver, bistochastised, linear_system
from vosengine.types import Image, Probability
from vosengine.windows import bounding_window


def disk(height: int, width: int, x: float, y: float, radius: float) -> NDArray[np.bool_]:
    rows, columns = np.mgrid[:height, :width]
    return np.hypot(columns - x, rows - y) <= radius


def painted(mask: NDArray[np.bool_], noise: float = 3.0) -> Image:
    """Orange where the mask is, teal elsewhere, with a little noise."""
    colours = np.where(mask[..., None], (210.0, 120.0, 40.0), (40.0, 110.0, 130.0))
    grain = np.random.default_rng(0).normal(scale=noise, size=colours.shape)
    return np.clip(colours + grain, 0, 255).astype(np.uint8)


def blurred(mask: NDArray[np.bool_], sigma: float = 2.0) -> Probability:
    return np.asarray(cv2.GaussianBlur(mask.astype(np.float32), (0, 0), sigma), np.float32)


def wrong(probability: Probability, truth: NDArray[np.bool_]) -> int:
    return int(((probability > 0.5) != truth).sum())


images = hnp.arrays(np.uint8, st.tuples(st.integers(3, 12), st.integers(3, 12), st.just(3)))


# --- the solver -----------------------------------------------------------------------------------------


def test_the_grid_of_a_hand_made_image() -> None:
    # Two rows of three pixels; a cell is one pixel wide, black and white are far apart.
    image = np.zeros((1, 4, 3), np.uint8)
    image[0, 2:] = 255
    splat, blur = bilateral_grid(image, 2.0, 8.0, 8.0)
    # Pixels 0 and 1 share a cell, 2 and 3 another; they are neighbours in x but not in luma.
    assert splat.toarray().tolist() == [[1, 1, 0, 0], [0, 0, 1, 1]]
    assert blur.toarray().tolist() == [[10, 0], [0, 10]]
    _, blur = bilateral_grid(np.zeros((1, 4, 3), np.uint8), 1.0, 8.0, 8.0)
    chain = np.diag([10.0] * 4) + np.diag([1.0] * 3, 1) + np.diag([1.0] * 3, -1)
    assert blur.toarray().tolist() == chain.tolist()


def test_a_row_s_last_cell_is_no_neighbour_of_the_next_row_s_first() -> None:
    _, blur = bilateral_grid(np.zeros((2, 2, 3), np.uint8), 1.0, 8.0, 8.0)
    assert blur.toarray().tolist() == [[10, 1, 1, 0], [1, 10, 0, 1], [1, 0, 10, 1], [0, 1, 1, 10]]


@settings(max_examples=40, deadline=None)
@given(images)
def test_the_affinity_is_bistochastic(image: Image) -> None:
    splat, blur = bilateral_grid(image, 3.0, 16.0, 16.0)
    scale, mass = bistochastised(splat, blur)
    normalised = np.diag(scale) @ blur.toarray() @ np.diag(scale)
    assert np.allclose(normalised, normalised.T)
    assert np.allclose(normalised.sum(axis=0), mass)
    # After ten iterations the mass is close to the pixels' count, which exact bistochastisation would give.
    assert np.allclose(mass, splat.sum(axis=1), rtol=0.05)


@settings(max_examples=40, deadline=None)
@given(images, st.integers(0, 1000), st.sampled_from([0.5, 8.0, 128.0]))
def test_the_solution_is_that_of_the_dense_system(image: Image, seed: int, smoothness: float) -> None:
    rng = np.random.default_rng(seed)
    target = rng.random(image.shape[:2]).astype(np.float32)
    confidence = rng.uniform(0.1, 1, image.shape[:2]).astype(np.float32)
    splat, blur = bilateral_grid(image, 3.0, 16.0, 16.0)
    scale, mass = bistochastised(splat, blur)
    affinity = np.diag(scale) @ blur.toarray() @ np.diag(scale)
    weights = confidence.ravel().astype(float)
    matrix = smoothness * (np.diag(mass) - affinity) + np.diag(splat.toarray() @ weights)
    dense = splat.toarray().T @ np.linalg.solve(matrix, splat.toarray() @ (weights * target.ravel()))
    solved = bilateral_solver(
        image,
        target,
        confidence,
        sigma_spatial=3.0,
        sigma_luma=16.0,
        sigma_chroma=16.0,
        smoothness=smoothness,
        solver_steps=500,
    )
    assert np.allclose(solved.ravel(), np.clip(dense, target.min(), target.max()), atol=2e-3)


@settings(max_examples=40, deadline=None)
@given(images)
def test_the_system_is_symmetric_and_positive_definite(image: Image) -> None:
    splat, blur = bilateral_grid(image, 3.0, 16.0, 16.0)
    target, weights = np.ones(image.shape[:2]).ravel(), np.zeros(image.shape[0] * image.shape[1])
    matrix, _ = linear_system(splat, blur, target, weights, 16.0)
    dense = matrix.toarray()
    assert np.allclose(dense, dense.T)
    assert np.linalg.eigvalsh(dense).min() > 0


@settings(max_examples=40, deadline=None)
@given(images, st.floats(0, 1, width=32))
def test_a_constant_stays(image: Image, value: float) -> None:
    target = np.full(image.shape[:2], value, np.float32)
    assert np.allclose(bilateral_solver(image, target), value, atol=1e-4)


@settings(max_examples=40, deadline=None)
@given(images, st.integers(0, 1000))
def test_the_answer_stays_within_the_target_s_range(image: Image, seed: int) -> None:
    target = np.random.default_rng(seed).uniform(0.2, 0.7, image.shape[:2]).astype(np.float32)
    solved = bilateral_solver(image, target)
    assert solved.dtype == np.float32
    assert solved.shape == target.shape
    assert solved.min() >= target.min()
    assert solved.max() <= target.max()


def test_unknown_pixels_take_the_value_of_their_own_colour() -> None:
    left = np.zeros((32, 64), bool)
    left[:, :32] = True
    target = left.astype(np.float32)
    confidence = np.ones((32, 64), np.float32)
    confidence[:, 20:44] = 0
    target[:, 20:44] = 0.5
    solved = bilateral_solver(painted(left, noise=0), target, confidence)
    assert np.array_equal(solved > 0.5, left)


def test_without_smoothness_each_cell_has_its_mean() -> None:
    target = np.arange(16, dtype=np.float32).reshape(4, 4) / 16
    solved = bilateral_solver(np.zeros((4, 4, 3), np.uint8), target, sigma_spatial=2.0, smoothness=0.0)
    means = target.reshape(2, 2, 2, 2).mean(axis=(1, 3))
    assert np.allclose(solved, means.repeat(2, axis=0).repeat(2, axis=1), atol=1e-5)


def test_sizes_that_differ_are_refused() -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(ValueError, match="differ in size"):
        bilateral_solver(image, np.zeros((8, 9), np.float32))
    with pytest.raises(ValueError, match="differ in size"):
        snap(image, np.zeros((9, 8), np.float32), "bilateral")


# --- snapping -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dx", "dy"), [(2, 0), (0, -2), (1, 1)])
def test_a_displaced_boundary_moves_to_the_edge(dx: int, dy: int) -> None:
    truth = disk(270, 480, 240, 135, 70)
    displaced = blurred(np.roll(truth, (dy, dx), (0, 1)))
    snapped = snap(painted(truth), displaced, "bilateral")
    assert wrong(snapped, truth) < 0.4 * wrong(displaced, truth)


def test_a_perfect_boundary_stays() -> None:
    truth = disk(180, 320, 160, 90, 50)
    snapped = snap(painted(truth), truth.astype(np.float32), "bilateral")
    assert wrong(snapped, truth) < 0.01 * truth.sum()


def test_pixels_far_from_the_boundary_keep_their_values() -> None:
    truth = disk(180, 320, 160, 90, 50)
    probability = 0.1 + 0.75 * blurred(truth)
    snapped = snap(painted(truth), probability, "bilateral")
    far = ~disk(180, 320, 160, 90, 60) | disk(180, 320, 160, 90, 40)
    assert np.array_equal(snapped[far], probability[far])
    assert not np.array_equal(snapped, probability)


def test_parts_too_thin_to_judge_are_kept() -> None:
    # A pole of two pixels whose colour is its surroundings': only the method knows of it.
    truth = disk(180, 320, 160, 110, 40)
    with_pole = truth.copy()
    with_pole[20:80, 159:161] = True
    snapped = snap(painted(truth), with_pole.astype(np.float32), "bilateral")
    assert (snapped[25:65, 159:161] > 0.5).all()


@pytest.mark.parametrize("value", [0.0, 0.3, 0.8, 1.0])
def test_a_frame_without_a_boundary_is_unchanged(value: float) -> None:
    probability = np.full((40, 60), value, np.float32)
    image = painted(disk(40, 60, 30, 20, 10))
    assert np.allclose(snap(image, probability, "bilateral"), probability, atol=1e-6)


def test_none_gives_a_copy_and_unknown_kinds_name_the_known() -> None:
    probability = blurred(disk(40, 60, 30, 20, 10))
    image = painted(disk(40, 60, 30, 20, 10))
    same = snap(image, probability, "none")
    assert np.array_equal(same, probability)
    assert same is not probability
    with pytest.raises(EngineError, match="none, bilateral"):
        snap(image, probability, "magnetic")


def test_the_input_is_not_written_to() -> None:
    truth = disk(90, 160, 80, 45, 25)
    probability, image = blurred(truth), painted(truth)
    probability.flags.writeable = image.flags.writeable = False
    for kind in SNAPS:
        snap(image, probability, kind)
    to_full_resolution(image, probability)


@settings(max_examples=40, deadline=None)
@given(
    hnp.arrays(np.uint8, (24, 30, 3)),
    hnp.arrays(np.float32, (24, 30), elements=st.floats(0, 1, width=32)),
    st.sampled_from(sorted(SNAPS)),
)
def test_anything_in_gives_a_probability_out(image: Image, probability: Probability, kind: str) -> None:
    snapped = snap(image, probability, kind)
    assert snapped.shape == probability.shape
    assert snapped.dtype == np.float32
    assert snapped.min() >= 0
    assert snapped.max() <= 1


# --- full resolution ------------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_a_small_probability_finds_the_edges_of_the_full_image(factor: int) -> None:
    truth = disk(180, 320, 160, 90, 50)
    size = (320 // factor, 180 // factor)
    small = cv2.resize(truth.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    full = to_full_resolution(painted(truth), np.asarray(small, np.float32))
    assert full.shape == (180, 320)
    assert full.dtype == np.float32
    assert wrong(full, truth) < 0.02 * truth.sum()
    near = disk(180, 320, 160, 90, 50 + 4 * factor + 2) & ~disk(180, 320, 160, 90, 50 - 4 * factor - 2)
    assert np.array_equal(full[~near], truth[~near])


def test_it_beats_plain_enlargement_where_the_small_boundary_is_off() -> None:
    truth = disk(240, 320, 160, 120, 70)
    small = np.roll(truth, 2, axis=1)[::4, ::4].astype(np.float32)
    plain = np.asarray(cv2.resize(small, (320, 240), interpolation=cv2.INTER_LINEAR), np.float32)
    assert wrong(to_full_resolution(painted(truth), small), truth) < 0.8 * wrong(plain, truth)


def test_a_soft_edge_stays_soft_and_unsure_interiors_become_sure() -> None:
    truth = disk(180, 320, 160, 90, 50)
    soft = np.asarray(cv2.resize(0.1 + 0.7 * blurred(truth), (160, 90)), np.float32)
    blurry_image = np.asarray(cv2.GaussianBlur(painted(truth, noise=0), (0, 0), 3), np.uint8)
    full = to_full_resolution(blurry_image, soft)
    assert ((full > 0.05) & (full < 0.95)).sum() > 200
    assert full[90, 160] == 1
    assert full[5, 5] == 0


def test_an_empty_probability_gives_an_empty_one() -> None:
    image = painted(disk(60, 90, 40, 30, 20))
    assert not to_full_resolution(image, np.zeros((20, 30), np.float32)).any()
    assert to_full_resolution(image, np.ones((20, 30), np.float32)).all()


@settings(max_examples=40, deadline=None)
@given(
    hnp.arrays(np.uint8, (24, 31, 3)),
    hnp.arrays(
        np.float32, st.tuples(st.integers(1, 30), st.integers(1, 40)), elements=st.floats(0, 1, width=32)
    ),
)
def test_any_size_gives_a_probability_of_the_image_s(image: Image, probability: Probability) -> None:
    full = to_full_resolution(image, probability)
    assert full.shape == (24, 31)
    assert full.dtype == np.float32
    assert full.min() >= 0
    assert full.max() <= 1


def test_the_window_of_nothing_is_none_and_stays_inside_the_frame() -> None:
    mask = np.zeros((10, 12), bool)
    assert bounding_window(mask, 3) is None
    mask[1, 10] = True
    window = bounding_window(mask, 3)
    assert window is not None
    assert mask[window].shape == (5, 5)
    assert mask[window][1, 3]
