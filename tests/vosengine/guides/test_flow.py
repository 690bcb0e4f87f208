"""Flow on motions known exactly, warping against slicing, and the forward-backward check at an occluder."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from vosengine.guides.flow import PRESETS, Flow, consistency, dis_flow, warp
from vosengine.types import Image


def texture(height: int, width: int, seed: int = 0) -> Image:
    """Noise with structure at several scales, so that flow is well posed everywhere."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(height, width, 3))
    layers = [cv2.GaussianBlur(noise, (0, 0), sigma) * sigma for sigma in (1.0, 2.0, 4.0, 8.0)]
    total = np.sum(layers, axis=0)
    return np.clip(128 + 45 * total / total.std(), 0, 255).astype(np.uint8)


def shifted(height: int, width: int, dx: int, dy: int) -> tuple[Image, Image]:
    """Two views of one texture; the second shows everything (dx, dy) further right and down."""
    large = texture(height + 40, width + 40)
    source = large[20 : 20 + height, 20 : 20 + width]
    target = large[20 - dy : 20 - dy + height, 20 - dx : 20 - dx + width]
    return source.copy(), target.copy()


def constant_flow(height: int, width: int, dx: float, dy: float) -> Flow:
    return np.broadcast_to(np.array([dx, dy], np.float32), (height, width, 2)).copy()


def inner(array: NDArray[np.generic], margin: int = 20) -> NDArray[np.generic]:
    return array[margin:-margin, margin:-margin]


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_a_translation_is_recovered_and_points_back_to_the_source(preset: str) -> None:
    source, target = shifted(120, 160, dx=6, dy=-3)
    flow = dis_flow(source, target, preset)
    assert flow.shape == (120, 160, 2)
    assert flow.dtype == np.float32
    # The content moved by (6, -3), so each target pixel came from (-6, +3).
    assert np.abs(np.median(inner(flow), axis=(0, 1)) - [-6, 3]).max() < 0.1


def test_a_zoom_is_recovered() -> None:
    source = texture(160, 200)
    zoom, centre = 1.08, np.array([99.5, 79.5])
    matrix = np.array([[zoom, 0, (1 - zoom) * centre[0]], [0, zoom, (1 - zoom) * centre[1]]])
    target = cv2.warpAffine(source, matrix, (200, 160), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    flow = dis_flow(source, np.asarray(target, np.uint8))
    x, y = np.meshgrid(np.arange(200.0), np.arange(160.0))
    expected = (1 / zoom - 1) * np.dstack([x - centre[0], y - centre[1]])
    assert np.abs(inner(flow - expected)).mean() < 0.15


@pytest.mark.parametrize("flow_side", [160, 100])
def test_flow_at_a_smaller_size_is_in_full_pixels(flow_side: int) -> None:
    source, target = shifted(240, 320, dx=8, dy=4)
    flow = dis_flow(source, target, flow_side=flow_side)
    assert flow.shape == (240, 320, 2)
    assert np.abs(np.median(inner(flow), axis=(0, 1)) - [-8, -4]).max() < 0.5


def test_a_flow_side_beyond_the_frame_changes_nothing() -> None:
    source, target = shifted(64, 96, dx=2, dy=1)
    assert np.array_equal(dis_flow(source, target, flow_side=5000), dis_flow(source, target))


def test_warping_the_previous_frame_gives_the_current_one() -> None:
    source, target = shifted(120, 160, dx=5, dy=7)
    carried = warp(source, dis_flow(source, target)).astype(float)
    still = np.abs(inner(source.astype(float) - target)).mean()
    assert np.abs(inner(carried - target)).mean() < 0.05 * still


def test_the_same_frames_give_the_same_flow() -> None:
    source, target = shifted(120, 160, dx=3, dy=2)
    assert np.array_equal(dis_flow(source, target), dis_flow(source, target))


@pytest.mark.parametrize("size", [(1, 1), (5, 9), (20, 300), (300, 20), (33, 31)])
@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_frames_of_any_size_have_a_finite_flow(size: tuple[int, int], preset: str) -> None:
    source, target = texture(*size, seed=1), texture(*size, seed=2)
    flow = dis_flow(source, target, preset, flow_side=200)
    assert flow.shape == (*size, 2)
    assert np.isfinite(flow).all()


def test_frames_of_two_sizes_and_unknown_presets_are_refused() -> None:
    with pytest.raises(ValueError, match="differ in size"):
        dis_flow(texture(32, 32), texture(32, 33))
    with pytest.raises(ValueError, match="ultrafast, fast, medium"):
        dis_flow(texture(32, 32), texture(32, 32), "slow")
    with pytest.raises(ValueError, match="size"):
        warp(texture(32, 32), constant_flow(16, 16, 0, 0))


# --- warp -----------------------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(
    hnp.arrays(np.uint16, (9, 12)),
    st.integers(-5, 5),
    st.integers(-5, 5),
)
def test_whole_pixel_flow_equals_indexing_with_repeated_edges(
    array: NDArray[np.uint16], dx: int, dy: int
) -> None:
    expected = array[np.clip(np.arange(9) + dy, 0, 8)][:, np.clip(np.arange(12) + dx, 0, 11)]
    warped = warp(array, constant_flow(9, 12, dx, dy))
    assert warped.dtype == np.uint16
    assert np.array_equal(warped, expected)


def test_half_a_pixel_is_the_mean_of_two() -> None:
    ramp = np.tile(np.arange(10, dtype=np.float32), (4, 1))
    warped = warp(ramp, constant_flow(4, 10, 0.5, 0))
    assert np.allclose(warped[:, :-1], ramp[:, :-1] + 0.5)


def test_channels_and_types_are_kept() -> None:
    image = texture(16, 16)
    assert np.array_equal(warp(image, constant_flow(16, 16, 0, 0)), image)
    probability = np.linspace(0, 1, 256, dtype=np.float32).reshape(16, 16)
    warped = warp(probability, constant_flow(16, 16, 0.3, -0.7))
    assert warped.dtype == np.float32
    assert warped.min() >= 0
    assert warped.max() <= 1


# --- consistency ----------------------------------------------------------------------------------------


def test_opposite_flows_are_trusted_fully_and_strangers_are_not() -> None:
    there, back = constant_flow(20, 30, 2, 1), constant_flow(20, 30, -2, -1)
    confidence = consistency(there, back)
    assert confidence.dtype == np.float32
    assert np.allclose(confidence[:-1, :-2], 1)
    assert inner(consistency(there, constant_flow(20, 30, 5, 5)), 6).max() < 0.1


def test_the_published_threshold_has_confidence_one_half() -> None:
    # |f|^2 = 4, |b|^2 = 9: the allowance is 0.01 * 13 + 0.5 = 0.63; here the disagreement is 1.
    there, back = constant_flow(20, 30, 2, 0), constant_flow(20, 30, -3, 0)
    assert np.allclose(consistency(there, back)[:, :-2], 1 / (1 + 1 / 0.63))
    # An allowance equal to the disagreement is the border between consistent and occluded.
    assert np.allclose(consistency(there, back, tolerance=1 - 0.13)[:, :-2], 0.5)


def test_what_comes_from_outside_the_frame_has_no_confidence() -> None:
    there, back = constant_flow(20, 30, 4, 0), constant_flow(20, 30, -4, 0)
    confidence = consistency(there, back)
    assert np.all(confidence[:, 26:] == 0)
    assert np.all(confidence[:, :26] == 1)


def test_the_background_behind_a_moving_occluder_is_flagged() -> None:
    background, patch = texture(140, 200), texture(60, 60, seed=5)
    source, target = background.copy(), background.copy()
    source[40:100, 60:120] = patch
    target[40:100, 72:132] = patch
    confidence = consistency(dis_flow(source, target), dis_flow(target, source))
    uncovered = confidence[45:95, 62:70]  # hidden in the source, so it came from nowhere
    elsewhere = np.concatenate([confidence[5:30].ravel(), confidence[110:135].ravel()])
    assert np.median(uncovered) < 0.3
    assert np.median(elsewhere) > 0.9
    assert np.median(confidence[50:90, 82:122]) > 0.9


@settings(max_examples=30, deadline=None)
@given(
    hnp.arrays(np.float32, (6, 7, 2), elements=st.floats(-50, 50, width=32)),
    hnp.arrays(np.float32, (6, 7, 2), elements=st.floats(-50, 50, width=32)),
)
def test_confidence_stays_in_range(there: Flow, back: Flow) -> None:
    confidence = consistency(there, back)
    assert np.all((confidence >= 0) & (confidence <= 1))


@settings(max_examples=30, deadline=None)
@given(
    hnp.arrays(np.int16, (6, 7, 2), elements=st.integers(-9, 9)),
    hnp.arrays(np.int16, (6, 7, 2), elements=st.integers(-9, 9)),
)
def test_confidence_is_that_of_its_definition_pixel_by_pixel(
    there: NDArray[np.int16], back: NDArray[np.int16]
) -> None:
    confidence = consistency(there.astype(np.float32), back.astype(np.float32))
    for (y, x), found in np.ndenumerate(confidence):
        dx, dy = (int(step) for step in there[y, x])
        bx, by = (int(step) for step in back[np.clip(y + dy, 0, 5), np.clip(x + dx, 0, 6)])
        allowed = 0.01 * (dx**2 + dy**2 + bx**2 + by**2) + 0.5
        inside = -1 < x + dx < 7 and -1 < y + dy < 6
        expected = 1 / (1 + ((dx + bx) ** 2 + (dy + by) ** 2) / allowed) if inside else 0
        assert found == pytest.approx(expected, abs=1e-6)
