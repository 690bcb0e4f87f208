"""MaskTrack's deformation against SciPy's thin-plate spline and morphology, and section 4's bounds."""

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import RBFInterpolator
from scipy.ndimage import binary_dilation

from vosengine.augment import affine_map, bounding_box
from vosengine.deformation import (
    CONTROL_POINTS,
    Deformation,
    random_bend,
    random_scale_and_shift,
    thin_plate_spline,
)
from vosengine.types import Box

BOX = Box(30, 20, 40, 24)


def a_mask():
    mask = np.zeros((64, 96), np.float32)
    mask[20:44, 30:70] = 1
    return mask


def test_the_spline_is_scipys_on_every_pixel():
    rng = np.random.default_rng(0)
    points = np.array([BOX.x, BOX.y]) + CONTROL_POINTS * (BOX.width, BOX.height)
    values = rng.uniform(-4, 4, points.shape)
    found = thin_plate_spline(points, values, 64, 96)
    y, x = np.mgrid[0:64, 0:96]
    pixels = np.column_stack((x.ravel(), y.ravel()))
    exact = RBFInterpolator(points, values, kernel="thin_plate_spline", degree=1)(pixels).reshape(64, 96, 2)
    assert found.shape == (64, 96, 2)
    assert np.abs(found - exact).max() < 0.5
    for (column, row), value in zip(points, values, strict=True):
        if column % 8 == 0 and row % 8 == 0:
            np.testing.assert_allclose(found[int(row), int(column)], value, atol=1e-4)


def test_an_affine_bend_is_affine():
    points = CONTROL_POINTS * (40, 24) + (30, 20)
    found = thin_plate_spline(points, points * 0.1 + 2, 64, 96)
    y, x = np.mgrid[0:64, 0:96]
    np.testing.assert_allclose(found, np.stack((x, y), 2) * 0.1 + 2, atol=1e-3)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_scale_and_shift_stay_within_the_papers_bounds(seed):
    matrix = random_scale_and_shift(np.random.default_rng(seed), BOX)
    scale = 1 / matrix[0, 0]
    assert 0.95 <= scale <= 1.05
    inverse = cv2.invertAffineTransform(matrix)
    centre = np.array([50.0, 32.0])
    moved = inverse[:, :2] @ centre + inverse[:, 2] - centre
    assert (np.abs(moved) <= np.array([4.0, 2.4]) + 1e-9).all(), "10 % of width and height"
    assert (matrix[0, 1], matrix[1, 0]) == (0, 0), "no rotation"


@given(seed=st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_control_points_move_by_a_tenth_at_most(seed):
    rng, same = np.random.default_rng(seed), np.random.default_rng(seed)
    found = random_bend(rng, BOX, 64, 96)
    points = CONTROL_POINTS * (40, 24) + (30, 20)
    shift = same.uniform(-0.1, 0.1, points.shape) * (40, 24)
    for point, moved in zip(points, shift, strict=True):
        x, y = np.clip(np.rint(point + moved).astype(int), 0, (95, 63))
        np.testing.assert_allclose(found[y, x], -moved, atol=0.9)  # to the nearest pixel


def test_coarsening_is_dilation_by_five_pixels():
    rng = np.random.default_rng(0)
    mask = (rng.random((64, 96)) > 0.997).astype(np.float32)
    y, x = np.mgrid[-5:6, -5:6]
    disk = np.hypot(x, y) <= 5.5  # OpenCV rounds its ellipses
    found = Deformation().coarsened(mask)
    assert set(np.unique(found)) <= {0, 1}
    inner, outer = binary_dilation(mask > 0, np.hypot(x, y) <= 4.5), binary_dilation(mask > 0, disk)
    assert (inner <= (found > 0)).all()
    assert ((found > 0) <= outer).all()


def test_soft_masks_are_made_hard_at_one_half():
    soft = np.array([[0.2, 0.5, 0.51, 1.0]], np.float32)
    assert Deformation(dilation=False).coarsened(soft).tolist() == [[0, 0, 1, 1]]


def test_each_part_changes_the_mask_and_none_gives_the_true_one():
    mask = a_mask()
    results = {
        parts: Deformation(*parts)(np.random.default_rng(3), mask)
        for parts in [(True, True, True), (False, True, True), (True, False, True), (True, True, False)]
    }
    found = list(results.values())
    assert all(not np.array_equal(a, b) for n, a in enumerate(found) for b in found[:n])
    assert np.array_equal(Deformation(False, False, False)(np.random.default_rng(3), mask), mask)


def test_the_deformed_mask_still_points_at_the_object():
    mask = a_mask()
    for seed in range(20):
        found = Deformation()(np.random.default_rng(seed), mask)
        j = (found * mask).sum() / np.maximum(found, mask).sum()
        assert 0.35 < j < 0.95
        box = bounding_box(found)
        assert box.width <= 40 * 1.05 * 1.2 + 12
        assert box.height <= 24 * 1.05 * 1.2 + 12


def test_only_scaling_is_what_opencv_makes_of_it():
    mask = a_mask()
    rng = np.random.default_rng(5)
    matrix = random_scale_and_shift(np.random.default_rng(5), BOX)
    expected = cv2.warpAffine(mask, matrix, (96, 64), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP) > 0.5
    found = Deformation(non_rigid=False, dilation=False)(rng, mask) > 0
    assert (found != expected).mean() < 0.01
    assert affine_map(matrix, 64, 96).shape == (64, 96, 2)


def test_an_empty_mask_stays_empty():
    empty = np.zeros((32, 32), np.float32)
    assert not Deformation()(np.random.default_rng(0), empty).any()
