"""Masks and marks kept small: only their bounding box, one bit a pixel and value, compressed.

A 1080p mask takes a few kilobytes instead of two megabytes, so that a document can hold every annotation and
an undo step every stroke. Packed pictures never change and may be shared freely.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

MASK_VALUES = (255,)
SCRIBBLE_VALUES = (1, 2)


@dataclass(frozen=True)
class Packed:
    """A picture of few values, uint8 (height, width).

    left, top, width, height: the bounding box of what is not 0, in pixels. planes: for each of `values` the
    pixels in the box that have it, as rows of bits, compressed.
    """

    shape: tuple[int, int]
    left: int
    top: int
    width: int
    height: int
    values: tuple[int, ...]
    planes: bytes

    @classmethod
    def pack(cls, picture: NDArray[np.uint8], values: tuple[int, ...] = MASK_VALUES) -> Self:
        """Pack a picture that holds 0 and `values` only; anything else is lost."""
        shape = (picture.shape[0], picture.shape[1])
        left, top, width, height = cv2.boundingRect(picture)
        inside = picture[top : top + height, left : left + width]
        bits = np.stack([np.packbits(inside == value, axis=1) for value in values])
        return cls(shape, left, top, width, height, values, zlib.compress(bits.tobytes(), 1))

    def unpack(self) -> NDArray[np.uint8]:
        """The picture as it was, a new writable array."""
        picture = np.zeros(self.shape, np.uint8)
        row = (self.width + 7) // 8
        bits = np.frombuffer(zlib.decompress(self.planes), np.uint8)
        planes = bits.reshape(len(self.values), self.height, row)
        inside = picture[self.top : self.top + self.height, self.left : self.left + self.width]
        for value, plane in zip(self.values, planes, strict=True):
            inside[np.unpackbits(plane, axis=1, count=self.width).astype(np.bool_)] = value
        return picture

    @cached_property
    def area(self) -> float:
        """The share of the picture that holds one of `values`, in [0, 1]."""
        covered = int.from_bytes(zlib.decompress(self.planes), "little").bit_count()
        return covered / max(self.shape[0] * self.shape[1], 1)

    @property
    def size(self) -> int:
        """Bytes held."""
        return len(self.planes)
