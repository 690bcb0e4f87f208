"""Display-size mattes kept compressed, so that a whole shot of them plays from memory. No Qt."""

from __future__ import annotations

import zlib
from collections import OrderedDict
from collections.abc import Hashable

import numpy as np
from numpy.typing import NDArray

PACKED_BYTES = 96 * 2**20  # some eight thousand mattes of 854 x 480


class WeightMemory:
    """Arrays uint8 (height, width) by key, those not asked for longest dropped beyond a number of bytes.

    A matte is mostly 0 and 255: it takes a thirtieth of its size and half a millisecond to unpack, where its
    file takes twenty. Used by one thread.
    """

    def __init__(self, limit: int = PACKED_BYTES) -> None:
        self._limit = limit
        self._size = 0
        self._packed: OrderedDict[Hashable, tuple[bytes, tuple[int, int]]] = OrderedDict()

    def __contains__(self, key: Hashable) -> bool:
        return key in self._packed

    def get(self, key: Hashable) -> NDArray[np.uint8] | None:
        """The array, read-only, if it is still here."""
        if key not in self._packed:
            return None
        self._packed.move_to_end(key)
        packed, shape = self._packed[key]
        return np.frombuffer(zlib.decompress(packed), np.uint8).reshape(shape)

    def put(self, key: Hashable, weights: NDArray[np.uint8]) -> None:
        """Remember an array in place of what its key had."""
        packed = zlib.compress(weights.tobytes(), 1)
        self._size -= len(self._packed.pop(key, (b"", ()))[0])
        self._packed[key] = packed, (weights.shape[0], weights.shape[1])
        self._size += len(packed)
        while self._size > self._limit and len(self._packed) > 1:
            self._size -= len(self._packed.popitem(last=False)[1][0])
