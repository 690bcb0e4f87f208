"""Threshold, contrast, grow and feather against shapes whose coverage is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.vosengine.finish.drawn import as_matte, disk, radius_of
from vosengine.edge_controls import EdgeControls
from vosengine.finish import Surroundings, finished
from vosengine.finish.growing import dilated, grown

FULL = 65535
mattes = hnp.arrays(np.uint16, st.tuples(st.integers(1, 24), st.integers(1, 24)))
spatial = st.builds(
    EdgeControls,
    threshold=st.floats(0.05, 0.95),
    grow=st.floats(-40, 40),
    feather=st.floats(0, 60),
    contrast=st.floats(0, 1),
)


def values(controls: EdgeControls, *coverages: float) -> list[int]:
    """What becomes of coverages on a plane of the same coverage."""
    return [
        int(finished(np.full((5, 5), round(each * FULL), np.uint16), controls)[2, 2]) for each in coverages
    ]


# --- what holds for every matte -----------------------------------------------------------------------------


@given(mattes, st.floats(0, 1))
def test_neutral_controls_give_the_same_array(matte, amount):
    assert finished(matte, EdgeControls(decontaminate=amount), Surroundings()) is matte


@settings(deadline=None)
@given(mattes, spatial)
def test_nothing_and_everything_stay_and_the_given_matte_is_left_alone(matte, controls):
    before = matte.copy()
    found = finished(matte, controls)
    assert found.dtype == np.uint16
    assert found.shape == matte.shape
    assert (matte == before).all()
    assert not finished(np.zeros_like(matte), controls).any()
    assert (finished(np.full_like(matte, FULL), controls) == FULL).all()


@settings(deadline=None)
@given(
    hnp.arrays(
        np.float32, st.tuples(st.integers(1, 24), st.integers(1, 24)), elements=st.floats(0, 1, width=32)
    ),
    st.floats(0.1, 40),
)
def test_growing_takes_nothing_and_choking_adds_nothing(alpha, radius):
    assert (grown(alpha, radius) >= alpha).all()
    assert (grown(alpha, -radius) <= alpha + 1e-6).all()


# --- threshold and contrast ---------------------------------------------------------------------------------


def test_the_threshold_is_where_half_coverage_comes_from():
    assert values(EdgeControls(threshold=0.3), 0, 0.3, 1) == [0, pytest.approx(FULL / 2, abs=1), FULL]
    # Odds of 1/2 : 1/2 times those of 1/4 : 3/4 are 1 : 3.
    assert values(EdgeControls(threshold=0.75), 0.5) == [pytest.approx(FULL / 4, abs=1)]


@given(st.floats(0.05, 0.95), st.floats(0, 1))
def test_more_coverage_never_becomes_less(threshold, contrast):
    ramp = np.arange(0, FULL + 1, 15, dtype=np.uint16)[None]
    controls = EdgeControls(threshold=threshold, contrast=contrast)
    found = finished(ramp, controls).astype(int)[0]
    assert (np.diff(found) >= 0).all()
    assert (found[0], found[-1]) == (0, FULL)
    lower = finished(ramp, EdgeControls(threshold=max(0.05, threshold - 0.1), contrast=contrast)).astype(int)[
        0
    ]
    assert (lower >= found).all()


def test_contrast_steepens_round_half_until_nothing_is_soft():
    quarter = values(EdgeControls(contrast=0.5), 0.5, 0.6, 0.75, 0.9)
    assert quarter == [pytest.approx(each * FULL, abs=2) for each in (0.5, 0.7, 1, 1)]
    assert values(EdgeControls(contrast=1), 0.49, 0.51) == [0, FULL]


# --- grow ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("radius", [-11.5, -3, -0.4, 0.3, 1, 4.7, 12])
def test_growing_a_disk_makes_its_radius_larger_by_that(radius):
    matte = as_matte(disk(25, soft=3))
    found = finished(matte, EdgeControls(grow=radius))
    assert radius_of(found) - radius_of(matte) == pytest.approx(radius, abs=0.12)


@pytest.mark.parametrize("radius", [-5.5, 2.25, 6])
def test_a_soft_edge_moves_as_it_is(radius):
    x = np.arange(120, dtype=np.float32)
    profile = 1 / (1 + np.exp((x - 60.2) / 2.5))
    moved = 1 / (1 + np.exp((x - 60.2 - radius) / 2.5))
    found = grown(np.tile(profile, (40, 1)), radius)
    assert np.abs(found - moved).max() < 0.02


def test_what_is_thinner_than_the_radius_grows_without_holes():
    alpha = np.zeros((60, 60), np.float32)
    alpha[:, 30] = 1
    found = grown(alpha, 9)
    assert (found[:, 21:40] == 1).all()
    assert not found[:, :20].any()
    assert not found[:, 41:].any()
    hole = 1 - grown(1 - alpha, 9)
    assert not hole.any()


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 9), st.integers(1, 40), st.integers(1, 40))
def test_the_most_coverage_within_a_radius_is_opencvs_dilation(radius, rows, columns):
    alpha = np.random.default_rng(rows).random((rows, columns)).astype(np.float32)
    y, x = np.mgrid[-int(radius) : int(radius) + 1, -int(radius) : int(radius) + 1]
    kernel = (x * x + y * y <= radius * radius).astype(np.uint8)
    assert (dilated(alpha, radius) == cv2.dilate(alpha, kernel, borderType=cv2.BORDER_REPLICATE)).all()


def test_choking_leaves_no_specks_of_a_hairy_edge():
    ragged = np.zeros((80, 120), np.float32)
    ragged[:40] = 1
    ragged[40:55] = np.random.default_rng(0).random((15, 120)) > np.linspace(0.2, 1, 15)[:, None]
    left = grown(ragged, -4)
    assert not left[40:].any()
    assert (left[:30] == 1).all()


def test_an_object_cut_by_the_frame_stays_cut():
    matte = as_matte(np.tile(np.float32(np.arange(50) < 20), (30, 1)))
    found = finished(matte, EdgeControls(grow=-4, feather=5))
    assert (found == found[:1]).all()
    assert (found[:, :10] == FULL).all()


# --- feather ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [2, 8, 20.5])
def test_feather_keeps_a_straight_edges_area_and_spreads_it_over_that_width(width):
    matte = as_matte(np.tile(np.float32(np.arange(100) < 50), (40, 1)))
    found = finished(matte, EdgeControls(feather=width))
    assert found.sum() / FULL == pytest.approx(matte.sum() / FULL, rel=1e-4)
    row = found[20] / FULL
    inner = np.abs(np.arange(100) - 49.5) < width / 2
    # Within two deviations to either side lie 95.4 of 100 parts of a Gaussian.
    assert row[inner].max() - row[inner].min() <= 0.96
    assert row[~inner & (np.arange(100) < 50)].min() > 0.96
