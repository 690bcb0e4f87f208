"""Edits of whole masks on shapes that can be counted by hand."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from app.mask_edits import combined, fill_holes, grow, remove_specks, select_colour, shrink
from app.packed import Packed
from vosengine.errors import AnnotationError

masks = arrays(np.uint8, (15, 18), elements=st.sampled_from([0, 0, 90, 200, 255]))


def block(*parts: tuple[int, int, int, int], shape: tuple[int, int] = (200, 300)) -> np.ndarray:
    mask = np.zeros(shape, np.uint8)
    for top, left, height, width in parts:
        mask[top : top + height, left : left + width] = 255
    return mask


def test_holes_are_filled_and_bays_are_not():
    mask = block((20, 20, 60, 60))
    mask[40:50, 40:50] = 0  # a hole
    mask[20:30, 60:65] = 0  # a bay at the edge
    mask[0:9, 0:9] = 255
    filled = fill_holes(mask)
    assert np.count_nonzero(filled) == np.count_nonzero(mask) + 100
    assert filled[45, 45] == 255
    assert filled[25, 62] == 0


def test_a_hole_is_filled_with_its_soft_rim_and_the_outer_rim_stays():
    disc = np.zeros((120, 120), np.uint8)
    cv2.circle(disc, (60, 60), 50, 255, -1)
    holed = disc.copy()
    cv2.circle(holed, (60, 60), 15, 0, -1)
    soft, whole = cv2.GaussianBlur(holed, (0, 0), 2), cv2.GaussianBlur(disc, (0, 0), 2)
    assert (fill_holes(soft) == whole).all()


@given(masks)
def test_filling_only_adds_and_fills_once(mask):
    filled = fill_holes(mask)
    assert (filled >= mask).all()
    assert (fill_holes(filled) == filled).all()


def test_growing_and_shrinking_by_a_pixel_and_at_the_border():
    mask = block((0, 100, 50, 40))
    assert np.count_nonzero(grow(mask)) == 50 * 40 + 2 * 50 + 40
    assert np.count_nonzero(shrink(mask)) == 49 * 38  # the frame's border is no edge
    soft = mask // 2
    assert set(np.unique(grow(soft))) == {0, 127}


def test_specks_and_pinholes_go_and_the_object_stays():
    mask = block((50, 50, 40, 40), (5, 5, 2, 2))
    mask[70, 70] = 0
    cleaned = remove_specks(mask)
    assert np.count_nonzero(cleaned) == 1600
    tiny = block((5, 5, 2, 2))
    assert (remove_specks(tiny) == tiny).all()  # the only part is no speck
    assert not remove_specks(np.zeros_like(tiny)).any()


def test_a_colour_is_selected_where_it_is_connected():
    image = np.full((100, 150, 3), (30, 120, 40), np.uint8)
    image[20:60, 20:60] = (200, 60, 50)
    image[20:60, 90:130] = (200, 60, 50)
    image[40, 40] = (90, 90, 90)  # noise inside
    selected = select_colour(image, (25.0, 25.0), 20.0)
    truth = np.zeros((100, 150), bool)
    truth[20:60, 20:60] = True
    assert np.count_nonzero((selected > 0) ^ truth) < 2 * 4 * 40  # blurred by a pixel at the rim
    assert selected[40, 40] == 255
    assert selected[40, 110] == 0
    assert select_colour(image, (25.0, 25.0), 255.0).all()
    with pytest.raises(AnnotationError, match="click inside"):
        select_colour(image, (-3.0, 4.0), 20.0)


def test_parts_are_added_and_taken_away():
    part = block((0, 0, 10, 10))
    assert (combined(None, part, adds=True) == part).all()
    assert not combined(None, part, adds=False).any()
    both = combined(block((0, 0, 10, 20)), part, adds=False)
    assert np.count_nonzero(both) == 100


@given(masks)
def test_soft_masks_come_back_from_packing_as_they_were(mask):
    packed = Packed.pack(mask)
    assert (packed.unpack() == mask).all()
    assert packed.area == pytest.approx(mask.mean() / 255)


def test_a_soft_edge_packs_small():
    rows, columns = np.mgrid[:1080, :1920]
    distance = 400 - np.hypot(rows - 540, columns - 960)
    mask = np.clip(distance * 20, 0, 255).astype(np.uint8)
    assert Packed.pack(mask).size < 40_000
