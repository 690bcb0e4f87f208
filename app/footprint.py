"""What a matte covers, coarsely and in a few hundred bytes: its area, and how much another one differs.

Kept in memory for every predicted frame and in the note of its file, so that a clip's area curve, and what a
run changed, are known without reading a single picture.
"""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from vosengine.types import Mask, Matte

COLUMNS, ROWS = 64, 36  # cells of a frame, whatever its shape
FINER = 5  # times as many cells a side, of which the centre is taken
FINEST = 960  # columns of a larger matte that are looked at: the GUI's thread makes footprints
CENTRE = struct.Struct("<HH")
CHANGED = 0.005  # of what both cover together; less is rounding


@dataclass(frozen=True)
class Footprint:
    """`packed`: uint8 coverage of ROWS x COLUMNS cells, 255 when the cell is full, compressed; then the
    centre, which those stored by earlier editions lack, as two shares of 65535.
    """

    packed: bytes

    @classmethod
    def of(cls, matte: Mask | Matte) -> Self:
        """Of a matte, uint16, or a mask, uint8, of any size."""
        step = max(matte.shape[1] // FINEST, 1)
        fine_size = (FINER * COLUMNS, FINER * ROWS)
        fine = cv2.resize(matte[::step, ::step], fine_size, interpolation=cv2.INTER_AREA)
        small = cv2.resize(fine, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA)
        if small.dtype == np.uint16:
            small = (small.astype(np.uint32) * 255 + 32767) // 65535
        packed = zlib.compress(small.astype(np.uint8).tobytes(), 1)
        centre = centre_of(fine)
        if centre is not None:
            packed += CENTRE.pack(*(round(share * 65535) for share in centre))
        return cls(packed)

    @classmethod
    def from_text(cls, text: str) -> Self | None:
        """What `text` wrote; None for anything else."""
        try:
            packed = base64.b64decode(text, validate=True)
            _unpacked(packed)
            return cls(packed)
        except (binascii.Error, zlib.error, ValueError):
            return None

    @cached_property
    def area(self) -> float:
        """The share of the frame that is covered, in [0, 1]."""
        return float(self.cells().mean()) / 255

    @property
    def text(self) -> str:
        """ASCII, for a file's note."""
        return base64.b64encode(self.packed).decode("ascii")

    def cells(self) -> NDArray[np.uint8]:
        """The coverage, (ROWS, COLUMNS)."""
        return _unpacked(self.packed)

    @property
    def centre(self) -> tuple[float, float] | None:
        """The middle of what is covered, (x, y) as shares of the frame; None where nothing is."""
        unpacker = zlib.decompressobj()
        cells = np.frombuffer(unpacker.decompress(self.packed), np.uint8).reshape(ROWS, COLUMNS)
        if len(unpacker.unused_data) == CENTRE.size:
            x, y = CENTRE.unpack(unpacker.unused_data)
            return x / 65535, y / 65535
        return centre_of(cells)

    def change(self, other: Footprint) -> float:
        """How much of what both cover together only one of them covers, in [0, 1]."""
        one, two = self.cells().astype(np.int32), other.cells().astype(np.int32)
        together = int(np.maximum(one, two).sum())
        return float(np.abs(one - two).sum()) / together if together else 0.0

    def differs(self, other: Footprint) -> bool:
        """Whether a person could see the difference."""
        return self.change(other) > CHANGED


def centre_of(coverage: NDArray[Any]) -> tuple[float, float] | None:
    """The middle of what a mask or matte covers, (x, y) as shares of the frame; None for nothing."""
    moments = cv2.moments(coverage)
    if moments["m00"] == 0:
        return None
    height, width = coverage.shape
    return (
        (moments["m10"] / moments["m00"] + 0.5) / width,
        (moments["m01"] / moments["m00"] + 0.5) / height,
    )


def _unpacked(packed: bytes) -> NDArray[np.uint8]:
    cells = zlib.decompressobj().decompress(packed)  # what follows is the centre
    return np.frombuffer(cells, np.uint8).reshape(ROWS, COLUMNS)
