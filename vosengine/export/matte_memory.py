"""The mattes that an export has read: smoothing over time asks for each one on all the frames round it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vosengine.bounded import Bounded
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
        self._parts: Bounded[_Part] = Bounded(limit, lambda part: part.inside.nbytes)

    def matte(self, path: Path, read: Callable[[], Matte]) -> Matte:
        """A file's matte, uint16 (height, width), from memory or as `read` gives it."""
        part = self._parts.get(path)
        if part is None:
            matte = read()
            self._parts.put(path, _part_of(matte))
            return matte
        whole = np.zeros(part.shape, np.uint16)
        if part.window is not None:
            whole[part.window] = part.inside
        return whole


def _part_of(matte: Matte) -> _Part:
    window = bounding_window(matte > 0, margin=0)
    inside = matte[:0] if window is None else matte[window].copy()
    return _Part((matte.shape[0], matte.shape[1]), window, inside)
