"""Pictures read at places between their pixels, only where it is asked: edges are few of a frame's pixels."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from vosengine.types import Matte
from vosengine.windows import Window

Numbers = NDArray[np.float32]
Places = NDArray[np.float32]
"""(n, 2): x and y in pixels, whole ones being the pixels' centres."""

COLUMNS = 1024  # OpenCV samples tables, no lists: this wide


def places_of(rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Places:
    """The centres of pixels."""
    return np.stack([columns, rows], 1).astype(np.float32)


def sampled(picture: Numbers | Matte, places: Places) -> Numbers:
    """The picture (height, width[, channels]) at places (n, 2): (n[, channels]), bilinear.

    Beyond the picture's edge the edge repeats.
    """
    count = len(places)
    table = np.zeros((max(1, -(-count // COLUMNS)), COLUMNS, 2), np.float32)
    table.reshape(-1, 2)[:count] = places
    found = cv2.remap(picture, table, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
    return np.asarray(found.reshape(-1, *picture.shape[2:])[:count], np.float32)


def on_grid(field: Numbers, shape: tuple[int, ...], places: Places) -> Numbers:
    """A coarser field that covers a frame of `shape`, at places (n, 2) of the frame."""
    scale = _coarseness(field, shape)
    return sampled(field, np.asarray((places + 0.5) * scale - 0.5, np.float32))


def in_window(field: Numbers, shape: tuple[int, ...], window: Window) -> Numbers:
    """The same at all pixels of a window: (rows, columns[, channels])."""
    across, down = _coarseness(field, shape)
    rows, columns = window
    to_field = np.array(
        [
            [across, 0, (columns.start + 0.5) * across - 0.5],
            [0, down, (rows.start + 0.5) * down - 0.5],
        ]
    )
    size = columns.stop - columns.start, rows.stop - rows.start
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    found = cv2.warpAffine(field, to_field, size, flags=how, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.float32)


def _coarseness(field: Numbers, shape: tuple[int, ...]) -> Numbers:
    """The field's size over the frame's, across and down."""
    return np.array([field.shape[1] / shape[1], field.shape[0] / shape[0]], np.float32)
