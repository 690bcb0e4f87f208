"""Edits of a whole mask, uint8 (height, width) with or without soft edges; each returns a new one. No Qt."""

from __future__ import annotations

import cv2
import numpy as np

from app.language import tr
from app.tools import Point
from vosengine.errors import AnnotationError
from vosengine.types import Image, Mask

LARGEST_SPECK = 1e-4  # share of the frame: 207 pixels at 1080p
COLOUR_GAPS = 1e-4  # share of the frame: holes this small in a selected area are noise
HALF = 127  # above it a pixel belongs to the object


def fill_holes(mask: Mask) -> Mask:
    """All background that the object surrounds becomes object, with the soft rim around it."""
    outside = np.pad(np.where(mask > HALF, np.uint8(0), np.uint8(1)), 1, constant_values=1)
    cv2.floodFill(outside, None, (0, 0), 2)
    ground = outside[1:-1, 1:-1]  # 0 object, 1 surrounded, 2 outside
    count, parts = cv2.connectedComponents((mask < 255).astype(np.uint8), connectivity=4)
    filled = np.zeros(count, np.bool_)
    filled[parts[ground == 1]] = True
    filled[parts[ground == 2]] = False  # where the wall is soft through and through
    return np.where((ground == 1) | filled[parts], np.uint8(255), mask)


def grow(mask: Mask, pixels: int = 1) -> Mask:
    """The edge moves outwards."""
    return np.asarray(cv2.dilate(mask, _disk(pixels)), np.uint8)


def shrink(mask: Mask, pixels: int = 1) -> Mask:
    """The edge moves inwards; the frame's border is no edge."""
    return np.asarray(cv2.erode(mask, _disk(pixels)), np.uint8)


def remove_specks(mask: Mask) -> Mask:
    """Parts smaller than a ten-thousandth of the frame go, but never the largest one; so do such holes."""
    least = LARGEST_SPECK * mask.size
    without = _without_small(mask > 0, least, spare_largest=True)
    cleaned = np.where(without, mask, np.uint8(0))
    holes = cleaned <= HALF
    return np.where(holes & ~_without_small(holes, least, spare_largest=True), np.uint8(255), cleaned)


def select_colour(image: Image, at: Point, tolerance: float) -> Mask:
    """What is connected with the pixel at `at` and has its colour within `tolerance` (0..255 in Lab).

    Raises AnnotationError for a place outside the image.
    """
    height, width = image.shape[:2]
    x, y = int(at[0]), int(at[1])
    if not (0 <= x < width and 0 <= y < height):
        raise AnnotationError(tr("There is no colour outside the frame; click inside it."))
    lab = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2LAB), (0, 0), 1.0)
    found = np.zeros((height + 2, width + 2), np.uint8)
    flags = 4 | cv2.FLOODFILL_FIXED_RANGE | cv2.FLOODFILL_MASK_ONLY | (255 << 8)
    # Light and shade vary more on one thing than its hue does.
    limits = (2 * tolerance, tolerance, tolerance)
    cv2.floodFill(lab, found, (x, y), 0, limits, limits, flags)
    selected = found[1:-1, 1:-1]
    gaps = selected == 0
    noise = gaps & ~_without_small(gaps, COLOUR_GAPS * selected.size, spare_largest=True)
    return np.where(noise, np.uint8(255), selected)


def combined(mask: Mask | None, part: Mask, adds: bool) -> Mask:
    """A mask with a part added or taken away; None is an empty mask."""
    under = np.zeros_like(part) if mask is None else mask
    return np.maximum(under, part) if adds else np.minimum(under, 255 - part)


def _without_small(flags: np.ndarray, least: float, spare_largest: bool) -> np.ndarray:
    """The connected parts of at least so many pixels."""
    count, parts, statistics, _ = cv2.connectedComponentsWithStats(flags.astype(np.uint8), connectivity=8)
    areas = statistics[:, cv2.CC_STAT_AREA]
    kept = areas >= least
    kept[0] = False
    if spare_largest and count > 1:
        kept[1 + np.argmax(areas[1:])] = True
    return np.asarray(kept[parts], np.bool_)


def _disk(radius: int) -> np.ndarray:
    side = 2 * radius + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
