"""The mattes that an export has read: smoothing over time asks for each one on all the frames round it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vosengine.types import Matte
from vosengine.windows import Window, bounding_window

KEPT_BYTES = 512 << 20


class _Part(NamedTuple):
    """A matte's shape, and where it is not 0: what an object leaves free takes no room."""

    shape: tuple[int, int]
    window: Window | None
    inside: Matte


class MatteMemory:
    """Mattes by file, those not asked for longest dropped beyond a number of bytes.

    The mattes of several objects are kept side by side: each is asked for once a frame.
    """

    def __init__(self, limit: int = KEPT_BYTES) -> None:
        self._limit, self._size = limit, 0
        self._parts: OrderedDict[Path, _Part] = OrderedDict()

    def matte(self, path: Path, read: Callable[[], Matte]) -> Matte:
        """A file's matte, uint16 (height, width), from memory or as `read` gives it."""
        part = self._parts.get(path)
        if part is None:
            matte = read()
            self._put(path, matte)
            return matte
        self._parts.move_to_end(path)
        whole = np.zeros(part.shape, np.uint16)
        if part.window is not None:
            whole[part.window] = part.inside
        return whole

    def _put(self, path: Path, matte: Matte) -> None:
        window = bounding_window(matte > 0, margin=0)
        inside = matte[:0] if window is None else matte[window].copy()
        self._parts[path] = _Part((matte.shape[0], matte.shape[1]), window, inside)
        self._size += inside.nbytes
        while self._size > self._limit and len(self._parts) > 1:
            self._size -= self._parts.popitem(last=False)[1].inside.nbytes
