"""Many frames on few pixels: one value a pixel column, at a cost that hardly grows with the clip. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

COLUMN = 2.0  # widget units: finer is not told apart


@dataclass(frozen=True)
class Columns:
    """The visible part of the clip cut into pixel columns, or into frames where those are wider.

    starts: intp (columns,), the first frame of each. stop: the frame after the last. edges: float64
    (columns + 1,), widget positions of their borders, within the room there is.
    """

    starts: NDArray[np.intp]
    stop: int
    edges: NDArray[np.float64]

    @classmethod
    def of(cls, frame_count: int, left: float, scale: float, origin: float, room: float) -> Columns:
        """`left`: the frame, fractional, at widget position `origin`; `scale`: widget units a frame."""
        if frame_count == 0:
            return cls(np.zeros(0, np.intp), 0, np.full(1, origin))
        wide = max(COLUMN / scale, 1.0)  # frames a column
        first, last = int(left // wide), int(np.ceil((left + room / scale) / wide))
        # Counted from the clip's first frame: scrolling must not shuffle the frames between columns.
        starts = np.unique((np.arange(first, last + 1) * wide).astype(np.intp))
        starts = starts[(starts >= 0) & (starts < frame_count)]
        stop = min(int((last + 1) * wide), frame_count)
        edges = np.clip(origin + (np.append(starts, stop) - left) * scale, origin, origin + room)
        return cls(starts, stop, edges)

    def __len__(self) -> int:
        return len(self.starts)

    def frames_of(self, place: int) -> range:
        """The frames of one column."""
        after = self.starts[place + 1] if place + 1 < len(self.starts) else self.stop
        return range(int(self.starts[place]), int(after))

    def largest(self, values: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The largest of each column's values; `values` is (frames,)."""
        return np.asarray(self._reduced(np.maximum, values), np.uint8)

    def smallest(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """The smallest of each column's values; NaN where there is none."""
        return np.asarray(self._reduced(np.fmin, values), np.float32)

    def any(self, values: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Whether it holds for one of each column's frames."""
        return np.asarray(self._reduced(np.logical_or, values), np.bool_)

    def _reduced(self, what: np.ufunc, values: NDArray[Any]) -> NDArray[Any]:
        if not len(self.starts):
            return values[:0]
        reduced: NDArray[Any] = what.reduceat(values[: self.stop], self.starts)
        return reduced
