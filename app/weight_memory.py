"""Display-size mattes kept compressed, so that a whole shot of them plays from memory. No Qt."""

from __future__ import annotations

import zlib
from collections.abc import Hashable

import numpy as np
from numpy.typing import NDArray

from vosengine.bounded import Bounded

PACKED_BYTES = 96 * 2**20  # some eight thousand mattes of 854 x 480


class WeightMemory:
    """Arrays uint8 (height, width) by key, those not asked for longest dropped beyond a number of bytes.

    A matte is mostly 0 and 255: it takes a thirtieth of its size and half a millisecond to unpack, where its
    file takes twenty. Used by one thread.
    """

    def __init__(self, limit: int = PACKED_BYTES) -> None:
        self._packed: Bounded[tuple[bytes, tuple[int, ...]]] = Bounded(limit, lambda each: len(each[0]))

    def __contains__(self, key: Hashable) -> bool:
        return key in self._packed

    def get(self, key: Hashable) -> NDArray[np.uint8] | None:
        """The array, read-only, if it is still here."""
        kept = self._packed.get(key)
        return None if kept is None else np.frombuffer(zlib.decompress(kept[0]), np.uint8).reshape(kept[1])

    def put(self, key: Hashable, weights: NDArray[np.uint8]) -> None:
        """Remember an array in place of what its key had."""
        self._packed.put(key, (zlib.compress(weights.tobytes(), 1), weights.shape))
