"""What the pointer does to masks and marks: strokes in image pixels, without any Qt.

Coordinates: (x, y) floats in image pixels; the pixel (column, row) covers [column, column + 1) x
[row, row + 1), so its centre is at (column + 0.5, row + 0.5).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]
ERASE, PAINT = 0, 255  # values of a mask
UNMARKED, BACKGROUND, FOREGROUND = 0, 1, 2  # values of scribbles

SMALLEST, LARGEST = 0.5, 500.0  # brush radius, image pixels
_BRUSH_STEP = 1.15  # each press of a bracket key changes the size by this share, at least by half a pixel
_ALWAYS_HITS = math.sqrt(0.5)  # no point is farther from the nearest pixel centre
_LEAST_PIECE = 64.0  # pixels of line drawn at once, at least


class Tool(Enum):
    """The tools of the tool bar."""

    BRUSH = "brush"
    ERASER = "eraser"
    FOREGROUND = "foreground"
    BACKGROUND = "background"
    BOX = "box"


@dataclass(frozen=True)
class Rect:
    """Whole pixels: left <= column < right, top <= row < bottom. False when no pixel is inside."""

    left: int
    top: int
    right: int
    bottom: int

    def __bool__(self) -> bool:
        return self.left < self.right and self.top < self.bottom

    def joined(self, other: Rect) -> Rect:
        """The smallest rectangle around both; an empty one adds nothing."""
        if not (self and other):
            return self or other
        return Rect(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )


NOWHERE = Rect(0, 0, 0, 0)


# --- painting -----------------------------------------------------------------------------------------


def paint_line(target: NDArray[np.uint8], start: Point, end: Point, radius: float, value: int) -> Rect:
    """Draw a round, hard-edged brush from `start` to `end` into a mask or marks, in place.

    Covers the pixels whose centre lies within `radius` image pixels of the line; a brush too small for that
    paints the pixels it touches. `value` is PAINT or ERASE for masks, UNMARKED, BACKGROUND or FOREGROUND for
    marks. Returns the rectangle outside which nothing changed, clipped to the target.
    """
    radius = max(radius, _ALWAYS_HITS)
    # A long slanting line goes in pieces: their rectangles together are far smaller than the one round it.
    pieces = math.ceil(math.dist(start, end) / max(4 * radius, _LEAST_PIECE)) or 1
    points = [_between(start, end, piece / pieces) for piece in range(pieces + 1)]
    painted = NOWHERE
    for a, b in pairwise(points):
        rect = _around(a, b, radius, target.shape)
        if rect:
            target[rect.top : rect.bottom, rect.left : rect.right][_near(rect, a, b, radius)] = value
            painted = painted.joined(rect)
    return painted


def paint_stroke(target: NDArray[np.uint8], points: Sequence[Point], radius: float, value: int) -> Rect:
    """`paint_line` through all points (one point: a dot; none: nothing)."""
    painted = NOWHERE
    for start, end in pairwise(points) if len(points) > 1 else [(point, point) for point in points]:
        painted = painted.joined(paint_line(target, start, end, radius, value))
    return painted


def larger(radius: float) -> float:
    """The next brush radius up."""
    return min(max(radius * _BRUSH_STEP, radius + 0.5), LARGEST)


def smaller(radius: float) -> float:
    """The next brush radius down."""
    return max(min(radius / _BRUSH_STEP, radius - 0.5), SMALLEST)


def _around(a: Point, b: Point, radius: float, shape: tuple[int, ...]) -> Rect:
    """Pixels that a line of this radius may cover, clipped to (height, width)."""
    return Rect(
        max(math.floor(min(a[0], b[0]) - radius), 0),
        max(math.floor(min(a[1], b[1]) - radius), 0),
        min(math.ceil(max(a[0], b[0]) + radius), shape[1]),
        min(math.ceil(max(a[1], b[1]) + radius), shape[0]),
    )


def _near(rect: Rect, a: Point, b: Point, radius: float) -> NDArray[np.bool_]:
    """Which pixel centres of `rect` lie within `radius` of the segment from `a` to `b`."""
    x = np.arange(rect.left, rect.right) + 0.5 - a[0]
    y = (np.arange(rect.top, rect.bottom) + 0.5 - a[1])[:, None]
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = dx * dx + dy * dy
    along = np.clip((x * dx + y * dy) / length, 0.0, 1.0) if length > 0 else 0.0
    covered: NDArray[np.bool_] = (x - along * dx) ** 2 + (y - along * dy) ** 2 <= radius * radius
    return covered


def _between(a: Point, b: Point, share: float) -> Point:
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share
