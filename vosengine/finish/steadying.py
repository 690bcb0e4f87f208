"""Temporal smoothing: chatter taken out of an edge, what the footage itself moves left in.

In a narrow band round the edge, coverage becomes its mean with that of neighbouring frames, fetched along the
object's own optical flow and believed as far as that returns home (`vosengine.guides.flow.consistency`). So
an object that moves faster than flow can follow keeps its own edge and drags nothing behind it, and nothing
away from the edge changes: no holes, no ghosts. What was measured is in ARCHITECTURE.md.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from vosengine.finish.own_motion import own_motion
from vosengine.finish.sampling import Numbers, on_grid, places_of, sampled
from vosengine.finish.surroundings import Surroundings
from vosengine.types import Matte
from vosengine.windows import bounding_window

LEAST_BAND = 4.0  # pixels, in small pictures
BAND_SHARE = 0.008  # (6) of the diagonal, in pixels at 640 x 360: half width of what may change


def steadied(matte: Matte, scene: Surroundings, count: int) -> Matte:
    """The matte, uint16 (height, width), its edge steadied by up to `count` frames on either side."""
    offsets = [offset for offset in sorted(scene.both) if abs(offset) <= count]
    if scene.drawn or not offsets:
        return matte
    half_width = max(LEAST_BAND, BAND_SHARE * float(np.hypot(*matte.shape)))
    rows, columns, away = _band(matte, half_width)
    places = places_of(rows, columns)
    own = matte[rows, columns].astype(np.float32)
    total, weight = own.copy(), np.ones_like(own)
    for offset in offsets:
        flow, trust = own_motion(matte, scene.motions[offset])
        near = 1 - (abs(offset) - 1) / count
        believed = near * on_grid(trust, matte.shape, places) ** 2
        there = np.asarray(places + on_grid(flow, matte.shape, places), np.float32)
        total += believed * sampled(scene.mattes[offset], there)
        weight += believed
    share = (2 - 2 * away / half_width).clip(0, 1)
    result = matte.copy()
    result[rows, columns] = np.rint(own + share * (total / weight - own)).astype(np.uint16)
    return result


def _band(matte: Matte, half_width: float) -> tuple[NDArray[np.intp], NDArray[np.intp], Numbers]:
    """Rows and columns of the pixels less than `half_width` from the edge of half coverage, and how far."""
    inside = matte >= 0x8000
    window = bounding_window(inside, int(half_width) + 2) or (slice(0, 1), slice(0, 1))
    at_edge = cv2.morphologyEx(inside[window].astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    away = cv2.distanceTransform(1 - at_edge, cv2.DIST_L2, cv2.DIST_MASK_5)
    rows, columns = np.nonzero(away < half_width)
    distances = np.asarray(away[rows, columns], np.float32)
    return rows + window[0].start, columns + window[1].start, distances
