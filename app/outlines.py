"""Areas outlined with the pointer: freehand, corner by corner, or along the image's edges. No Qt.

An outline hears of presses, moves and releases and says when it is closed; then `path` is its boundary, in
image pixels, and `fill` makes a mask of it.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.live_wire import LiveWire
from app.tools import NOWHERE, Point, Rect

FEWEST = 3  # points that enclose anything


class Outline(ABC):
    """What the outlines share: points set so far and the place of the pointer."""

    ends_with_release = False

    def __init__(self) -> None:
        self._points: list[Point] = []
        self._pointer: Point | None = None

    @property
    def is_open(self) -> bool:
        """Whether it was begun; a closed one is open until `clear`."""
        return bool(self._points)

    @property
    def start(self) -> Point | None:
        """Where it began."""
        return self._points[0] if self._points else None

    def path(self) -> list[Point]:
        """The line so far, up to the pointer."""
        return list(self._points)

    @abstractmethod
    def press(self, at: Point, reach: float) -> bool:
        """A button went down; points within `reach` of the start close it. True when it is closed."""

    def move(self, at: Point) -> None:
        """The pointer moved, whether or not a button is down."""
        self._pointer = at

    def release(self) -> bool:
        """The button went up. True when the outline is closed."""
        return False

    def finish(self) -> bool:
        """Close it here (Enter, a double click). False, and open on, when it encloses nothing yet."""
        self._pointer = None
        return len(self._points) >= FEWEST

    def take_back(self) -> bool:
        """Take the last corner back; False when the outline has none to give."""
        return False

    def clear(self) -> None:
        """Forget all points."""
        self._points, self._pointer = [], None


class Lasso(Outline):
    """Follows the pointer while the button is down, and is closed when it goes up."""

    ends_with_release = True

    def press(self, at: Point, reach: float) -> bool:
        """Begin."""
        self._points = [at]
        return False

    def move(self, at: Point) -> None:
        """Follow."""
        if self._points:
            self._points.append(at)

    def release(self) -> bool:
        """Closed, unless it was a click."""
        return len(self._points) >= FEWEST


class Polygon(Outline):
    """A corner with each press; closed at its start, with a double click or with Enter."""

    def press(self, at: Point, reach: float) -> bool:
        """Set a corner."""
        if self._closes(at, reach):
            return self.finish()
        if not self._points or math.dist(at, self._points[-1]) > 0:
            self._points.append(at)
        return False

    def path(self) -> list[Point]:
        """Corners, and the pointer."""
        return self._points + ([self._pointer] if self._points and self._pointer else [])

    def take_back(self) -> bool:
        """Take the last corner back."""
        if self._points:
            self._points.pop()
            return True
        return False

    def _closes(self, at: Point, reach: float) -> bool:
        return len(self._points) >= FEWEST and math.dist(at, self._points[0]) <= reach


class Magnetic(Polygon):
    """A polygon whose sides follow the image's edges, each as soon as the costs round its start are known.

    Hand these in with `attach`, in any order; until then the side is straight.
    """

    def __init__(self) -> None:
        super().__init__()
        self._sides: list[list[Point]] = []  # from each corner but the last to the next, which is included
        self._wire: LiveWire | None = None  # starts at the last corner

    @property
    def corner(self) -> Point | None:
        """The last corner, from which the next side starts."""
        return self._points[-1] if self._points else None

    def attach(self, wire: LiveWire) -> None:
        """The costs round a corner are known; those round a place that is none any more are passed over."""
        if wire.seed == self.corner:
            self._wire = wire
        elif wire.seed in self._points:
            place = self._points.index(wire.seed)
            self._sides[place] = wire.path_to(self._points[place + 1])

    def press(self, at: Point, reach: float) -> bool:
        """Set a corner; back at the start, close along the edges."""
        start = self.start
        if start is not None and self._closes(at, reach):
            self._sides.append(self._side_to(start))
            return True
        if at != self.corner:
            if self._points:
                self._sides.append(self._side_to(at))
            self._points.append(at)
            self._wire = None
        return False

    def path(self) -> list[Point]:
        """Sides, and the one to the pointer."""
        going = self._side_to(self._pointer) if self._points and self._pointer else []
        return self._points[:1] + [point for side in self._sides for point in side] + going

    def take_back(self) -> bool:
        """Take the last corner and its side back."""
        self._wire = None
        self._sides = self._sides[:-1]
        return super().take_back()

    def clear(self) -> None:
        """Forget all."""
        super().clear()
        self._sides, self._wire = [], None

    def _side_to(self, at: Point) -> list[Point]:
        return [at] if self._wire is None else self._wire.path_to(at)


def fill(mask: NDArray[np.uint8], path: Sequence[Point], value: int) -> Rect:
    """Give the pixels whose centre lies inside the closed path a value, in place; returns where.

    What the path goes round more than once is inside too, in whichever direction (the nonzero rule), so that
    a loop of a freehand line leaves no hole.
    """
    points = np.asarray(path, np.float64)
    height, width = mask.shape
    low, high = (ends.astype(int).tolist() for ends in (np.floor(points.min(0)), np.ceil(points.max(0))))
    rect = Rect(max(low[0], 0), max(low[1], 0), min(high[0], width), min(high[1], height))
    if not rect:
        return NOWHERE
    rows, columns, turns = _crossings(points, height, width)
    order = np.lexsort((columns, rows))
    rows, columns = rows[order], columns[order]
    inside = np.flatnonzero(np.cumsum(turns[order])[:-1])  # each row's turns add up to 0
    runs = zip(rows[inside].tolist(), columns[inside].tolist(), columns[inside + 1].tolist(), strict=True)
    for row, start, stop in runs:
        mask[row, start:stop] = value
    return rect


def _crossings(
    points: NDArray[np.float64], height: int, width: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Where the path crosses the middles of rows: rows, columns from which on, and +1 down or -1 up."""
    x0, y0 = points.T
    x1, y1 = np.roll(points, -1, axis=0).T
    first = np.clip(np.ceil(np.minimum(y0, y1) - 0.5), 0, height).astype(int)
    stop = np.clip(np.ceil(np.maximum(y0, y1) - 0.5), 0, height).astype(int)
    counts = stop - first
    side = np.repeat(np.arange(len(points)), counts)
    rows = np.arange(len(side)) - np.repeat(np.cumsum(counts) - counts, counts) + first[side]
    x = x0[side] + (rows + 0.5 - y0[side]) * (x1 - x0)[side] / (y1 - y0)[side]
    columns = np.clip(np.ceil(x - 0.5), 0, width).astype(int)
    return rows, columns, np.where(y1 > y0, 1, -1)[side]
