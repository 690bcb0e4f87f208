"""Threshold and contrast: curves of coverage that keep 0 and 1 where they are."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from vosengine.types import Matte

FULL = 65535


def toned(matte: Matte, threshold: float, contrast: float) -> Matte:
    """Coverage `threshold` brought to one half, then slopes there made `1 / (1 - contrast)` as steep."""
    if threshold == 0.5 and contrast == 0:
        return matte
    return curve(threshold, contrast)[matte]


@lru_cache(maxsize=16)
def curve(threshold: float, contrast: float) -> NDArray[np.uint16]:
    """What becomes of each coverage: uint16 (65536,), never falling.

    Threshold moves the log-odds of coverage, so that a soft edge stays smooth and 0 and 1 stay; a contrast of
    1 leaves nothing but 0 and 1.
    """
    coverage = np.linspace(0, 1, FULL + 1)
    moved = coverage * (1 - threshold) / (threshold + (1 - 2 * threshold) * coverage)
    if contrast >= 1:
        steep = (moved >= 0.5).astype(np.float64)
    else:
        steep = np.clip((moved - 0.5) / (1 - contrast) + 0.5, 0, 1)
    table = np.rint(steep * FULL).astype(np.uint16)
    table.flags.writeable = False
    return table
