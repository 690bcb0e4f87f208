"""Masks and marks kept small: only their bounding box, one bit a pixel and value, compressed.

Of a mask with soft edges the values between 0 and 255 are kept besides. A 1080p mask takes a few kilobytes
instead of two megabytes, so that a document can hold every annotation and an undo step every stroke. Packed
pictures never change and may be shared freely.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from app.footprint import centre_of

MASK_VALUES = (255,)
SCRIBBLE_VALUES = (1, 2)


@dataclass(frozen=True)
class Packed:
    """A picture of few values, uint8 (height, width).

    left, top, width, height: the bounding box of what is not 0, in pixels. planes: for each of `values` the
    pixels in the box that have it, as rows of bits, compressed. soft: the pixels of a mask that are neither
    0 nor 255, as one more plane and their values, compressed; empty without such.
    """

    shape: tuple[int, int]
    left: int
    top: int
    width: int
    height: int
    values: tuple[int, ...]
    planes: bytes
    soft: bytes = b""

    @classmethod
    def pack(cls, picture: NDArray[np.uint8], values: tuple[int, ...] = MASK_VALUES) -> Self:
        """Pack a mask, or a picture that holds 0 and `values` only: anything else in it is lost."""
        shape = (picture.shape[0], picture.shape[1])
        left, top, width, height = cv2.boundingRect(picture)
        inside = picture[top : top + height, left : left + width]
        bits = np.stack([np.packbits(inside == value, axis=1) for value in values])
        planes = zlib.compress(bits.tobytes(), 1)
        soft = _pack_soft(inside) if values == MASK_VALUES else b""
        return cls(shape, left, top, width, height, values, planes, soft)

    def unpack(self) -> NDArray[np.uint8]:
        """The picture as it was, a new writable array."""
        picture = np.zeros(self.shape, np.uint8)
        row = (self.width + 7) // 8
        bits = np.frombuffer(zlib.decompress(self.planes), np.uint8)
        planes = bits.reshape(len(self.values), self.height, row)
        inside = picture[self.top : self.top + self.height, self.left : self.left + self.width]
        for value, plane in zip(self.values, planes, strict=True):
            inside += np.unpackbits(plane, axis=1, count=self.width) * np.uint8(value)
        if self.soft:
            _unpack_soft(self.soft, inside)
        return picture

    @cached_property
    def area(self) -> float:
        """The share of the picture that is covered, in [0, 1]; soft pixels count by their values."""
        covered: float = int.from_bytes(zlib.decompress(self.planes), "little").bit_count()
        if self.soft:
            covered += int(_soft_values(self.soft, self.height, self.width)[1].sum()) / 255
        return covered / max(self.shape[0] * self.shape[1], 1)

    @cached_property
    def centre(self) -> tuple[float, float] | None:
        """The middle of what is covered, (x, y) as shares of the picture; None where nothing is."""
        return centre_of(self.unpack())

    @property
    def size(self) -> int:
        """Bytes held."""
        return len(self.planes) + len(self.soft)

    @property
    def digest(self) -> bytes:
        """16 bytes that tell pictures apart, however they were compressed."""
        found = hashlib.blake2b(self._head, digest_size=16)
        for part in filter(None, (self.planes, self.soft)):
            found.update(zlib.decompress(part))
        return found.digest()

    def to_bytes(self) -> bytes:
        """For `from_bytes`."""
        lengths = json.dumps([len(self.planes), len(self.soft)]).encode("ascii")
        return b"\n".join((self._head, lengths, self.planes + self.soft))

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """What `to_bytes` wrote. Raises ValueError for anything else."""
        head, lengths, parts = content.split(b"\n", 2)
        shape, left, top, width, height, values = json.loads(head)
        planes, soft = json.loads(lengths)
        if len(parts) != planes + soft:
            raise ValueError("the picture is incomplete")
        own = (shape[0], shape[1])
        return cls(own, left, top, width, height, tuple(values), parts[:planes], parts[planes:])

    @property
    def _head(self) -> bytes:
        box = self.left, self.top, self.width, self.height
        return json.dumps([self.shape, *box, self.values]).encode("ascii")


@dataclass(frozen=True)
class Shelved:
    """A packed picture that is read when it is needed. fetch: with its digest; may raise ProjectError."""

    digest: bytes
    size: int
    fetch: Callable[[bytes], Packed] = field(compare=False, repr=False)

    def packed(self) -> Packed:
        """Take it from the shelf."""
        return self.fetch(self.digest)


def _pack_soft(inside: NDArray[np.uint8]) -> bytes:
    flags = cv2.inRange(inside, 1, 254).astype(np.bool_) if inside.size else inside
    if not flags.any():
        return b""
    return zlib.compress(np.packbits(flags, axis=1).tobytes() + inside[flags].tobytes(), 1)


def _unpack_soft(soft: bytes, inside: NDArray[np.uint8]) -> None:
    flags, values = _soft_values(soft, *inside.shape)
    inside[flags] = values


def _soft_values(soft: bytes, height: int, width: int) -> tuple[NDArray[np.bool_], NDArray[np.uint8]]:
    """Where the box has soft pixels, (height, width), and their values in that order."""
    row = (width + 7) // 8
    content = np.frombuffer(zlib.decompress(soft), np.uint8)
    plane = content[: height * row].reshape(height, row)
    return np.unpackbits(plane, axis=1, count=width).astype(np.bool_), content[height * row :]
