"""Turning stored pictures the way they are meant to be seen: display matrices and Exif orientation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True)
class Orientation:
    """One of the eight ways a rectangle can lie: axes swapped first, then mirrored left-right, top-bottom."""

    swap_axes: bool = False
    mirror_x: bool = False
    mirror_y: bool = False

    def applied(self, picture: NDArray[Scalar]) -> NDArray[Scalar]:
        """`picture` (height, width, ...) turned; a contiguous array."""
        if self.swap_axes:
            picture = picture.swapaxes(0, 1)
        if self.mirror_x:
            picture = picture[:, ::-1]
        if self.mirror_y:
            picture = picture[::-1]
        return np.ascontiguousarray(picture)


UPRIGHT = Orientation()

# TIFF 6.0 (also Exif 2.3) tag 274: where row 0 and column 0 of the stored picture belong.
_EXIF = {
    2: Orientation(mirror_x=True),
    3: Orientation(mirror_x=True, mirror_y=True),
    4: Orientation(mirror_y=True),
    5: Orientation(swap_axes=True),
    6: Orientation(swap_axes=True, mirror_x=True),
    7: Orientation(swap_axes=True, mirror_x=True, mirror_y=True),
    8: Orientation(swap_axes=True, mirror_y=True),
}


def from_exif(value: int) -> Orientation:
    """The orientation an Exif/TIFF tag asks for; unknown values mean upright."""
    return _EXIF.get(value, UPRIGHT)


def from_display_matrix(matrix: bytes) -> Orientation:
    """The orientation nearest to an ffmpeg display matrix (nine native int32, row by row).

    A stored point (x, y) is shown at (m0 x + m3 y, m1 x + m4 y), so the larger of m0 and m3 tells whether
    the axes are swapped and the signs tell the mirrors (libavutil/display.h).
    """
    m = np.frombuffer(matrix, np.int32, count=9).astype(np.int64)
    if abs(m[3]) > abs(m[0]):
        return Orientation(True, bool(m[3] < 0), bool(m[1] < 0))
    return Orientation(False, bool(m[0] < 0), bool(m[4] < 0))
