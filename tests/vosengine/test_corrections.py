"""Corrections by marks, on painted scenes whose truth is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from tests.vosengine.test_grabcut import (
    IMAGE,
    TRUTH,
    Flags,
    check_marks,
    ellipse,
    scene,
    similarity,
    stroke,
    unmarked,
)
from vosengine.corrections import Correction, corrected_mask
from vosengine.errors import AnnotationError
from vosengine.grabcut import BACKGROUND
from vosengine.types import Image, Mask


def mask_of(flags: Flags) -> Mask:
    return np.where(flags, 255, 0).astype(np.uint8)


def test_background_strokes_take_away_what_sticks_out() -> None:
    two = TRUTH | ellipse(240, 320, 240, 120, 26, 12)
    scribbles = stroke(unmarked(two.shape), (222, 120), (262, 120), BACKGROUND)
    mask = corrected_mask(IMAGE, scribbles, mask_of(two))
    check_marks(mask, scribbles)
    assert similarity(mask, TRUTH) > 0.97 > similarity(mask_of(two), TRUTH)


def test_a_foreground_stroke_fills_what_is_missing_round_it() -> None:
    half = TRUTH & ~ellipse(240, 320, 190, 125, 30, 25)
    scribbles = stroke(unmarked(half.shape), (168, 125), (205, 125))
    mask = corrected_mask(IMAGE, scribbles, mask_of(half))
    check_marks(mask, scribbles)
    assert similarity(mask, TRUTH) > 0.97
    assert similarity(mask_of(half), TRUTH) < 0.9


@pytest.mark.parametrize("live", [False, True])
def test_away_from_the_stroke_the_mask_stays_pixel_for_pixel(live: bool) -> None:
    # Colour alone would throw the far part out, and would move the boundary that is 6 pixels off.
    by_hand = ellipse(240, 320, 285, 40, 20, 20) | ellipse(240, 320, 150, 120, 66, 46)
    previous = mask_of(by_hand & ~ellipse(240, 320, 90, 120, 16, 12))
    scribbles = stroke(unmarked(previous.shape), (91, 114), (91, 126))
    mask = corrected_mask(IMAGE, scribbles, previous, live)
    check_marks(mask, scribbles)
    assert np.array_equal(mask[:, 130:], previous[:, 130:])
    assert (mask != previous).any()


def test_marks_that_agree_with_the_mask_change_nothing() -> None:
    scribbles = stroke(unmarked(IMAGE.shape), (130, 120), (170, 120))
    stroke(scribbles, (20, 20), (60, 20), BACKGROUND)
    assert np.array_equal(corrected_mask(IMAGE, scribbles, mask_of(TRUTH)), mask_of(TRUTH))
    assert not Correction(IMAGE, scribbles, mask_of(TRUTH)).is_needed


def test_soft_edges_stay_soft_but_where_the_mask_changed() -> None:
    bitten = TRUTH & ~ellipse(240, 320, 190, 125, 30, 25)
    previous = cv2.GaussianBlur(mask_of(bitten), (0, 0), 1.5)
    scribbles = stroke(unmarked(IMAGE.shape), (168, 125), (205, 125))
    mask = corrected_mask(IMAGE, scribbles, previous)
    check = mask[:, :120], previous[:, :120]
    assert np.array_equal(*check)
    assert len(np.unique(check[0])) > 10
    assert (mask[125, 120:200] == 255).all(), "no seam where the former edge was"
    assert similarity(np.where(mask > 127, 255, 0).astype(np.uint8), TRUTH) > 0.97


def test_a_large_frame_is_corrected_as_sharply_as_its_pixels() -> None:
    truth = ellipse(1080, 1920, 900, 500, 400, 300)
    image = np.asarray(cv2.resize(scene(truth[::4, ::4]), (1920, 1080)), np.uint8)
    image = np.where(truth[..., None], image // 2 + np.uint8([90, 20, 0]), image // 2)
    missing = ellipse(1080, 1920, 1220, 500, 110, 50) & truth
    scribbles = stroke(unmarked(truth.shape), (1140, 500), (1280, 500))
    mask = corrected_mask(image, scribbles, mask_of(truth & ~missing))
    check_marks(mask, scribbles)
    assert (mask[missing] > 0).mean() > 0.97
    changed = (mask > 0) != (truth & ~missing)
    assert not (changed & ~cv2.dilate(missing.astype(np.uint8), np.ones((9, 9))).astype(bool)).any()


def test_where_a_network_doubts_the_mask_it_may_change_farther_from_the_mark() -> None:
    half = TRUTH & ~ellipse(240, 320, 180, 120, 40, 38)
    scribbles = stroke(unmarked(half.shape), (180, 112), (180, 128))
    correction = Correction(IMAGE, scribbles, mask_of(half), doubtful=True)
    alone = correction.result(correction.cut())
    doubt = np.where(TRUTH & ~half, np.float32(0.5), half.astype(np.float32))
    helped = correction.result(correction.cut(cv2.resize(doubt, (160, 120))))  # networks work on less
    assert similarity(alone, TRUTH) < 0.9
    assert similarity(helped, TRUTH) > 0.95


def test_a_second_look_decides_near_the_marks_alone() -> None:
    half = TRUTH & ~ellipse(240, 320, 200, 120, 16, 20)
    scribbles = stroke(unmarked(half.shape), (196, 114), (204, 126))
    correction = Correction(IMAGE, scribbles, mask_of(half), doubtful=True)
    nothing = np.zeros(half.shape, np.float32)  # it sees no object anywhere
    mask = correction.result(correction.looked_again(correction.cut(), nothing))
    check_marks(mask, scribbles)
    assert np.array_equal(mask[:, :120], mask_of(half)[:, :120])


def test_other_sizes_are_refused() -> None:
    with pytest.raises(AnnotationError, match="320x240"):
        corrected_mask(IMAGE, unmarked(IMAGE.shape), np.ones((10, 10), np.uint8))


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(np.uint8, (18, 25, 3)),
    hnp.arrays(np.uint8, (18, 25), elements=st.sampled_from([0, 0, 0, 0, 0, 0, 0, 1, 2])),
    hnp.arrays(np.uint8, (18, 25), elements=st.sampled_from([0, 255])),
    st.booleans(),
)
def test_marks_are_obeyed_whatever_they_are(
    image: Image, scribbles: NDArray[np.uint8], previous: Mask, live: bool
) -> None:
    for array in (image, scribbles, previous):
        array.flags.writeable = False
    check_marks(corrected_mask(image, scribbles, previous, live), scribbles)
