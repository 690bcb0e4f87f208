"""The part of a frame that is worth working on."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Window = tuple[slice, slice]
"""Rows and columns."""


def bounding_window(mask: NDArray[np.bool_], margin: int) -> Window | None:
    """Rows and columns of the set pixels' bounding box, grown by `margin` within the frame; None for none."""
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    if width == 0:
        return None
    rows = slice(max(0, y - margin), min(mask.shape[0], y + height + margin))
    return rows, slice(max(0, x - margin), min(mask.shape[1], x + width + margin))
