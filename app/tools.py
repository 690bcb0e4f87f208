"""The tools, and the plane they work in, without any Qt.

Coordinates: (x, y) floats in image pixels; the pixel (column, row) covers [column, column + 1) x
[row, row + 1), so its centre is at (column + 0.5, row + 0.5).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

Point = tuple[float, float]
ERASE, PAINT = 0, 255  # values of a mask
UNMARKED, BACKGROUND, FOREGROUND = 0, 1, 2  # values of scribbles

SMALLEST, LARGEST = 0.5, 500.0  # brush radius, image pixels
_BRUSH_STEP = 1.15  # each press of a bracket key changes the size by this share, at least by half a pixel
SOFTNESS_STEP = 0.1
ALWAYS_HITS = math.sqrt(0.5)  # no point is farther from the nearest pixel centre
LEAST_PIECE = 64.0  # pixels of line drawn at once, at least


class Tool(Enum):
    """The tools of the tool bar."""

    BRUSH = "brush"
    ERASER = "eraser"
    FOREGROUND = "foreground"
    BACKGROUND = "background"
    BOX = "box"
    LASSO = "lasso"
    POLYGON = "polygon"
    MAGNETIC = "magnetic"
    COLOUR = "colour"


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


def larger(radius: float) -> float:
    """The next brush radius up."""
    return min(max(radius * _BRUSH_STEP, radius + 0.5), LARGEST)


def smaller(radius: float) -> float:
    """The next brush radius down."""
    return max(min(radius / _BRUSH_STEP, radius - 0.5), SMALLEST)


def rect_around(a: Point, b: Point, radius: float, shape: tuple[int, ...]) -> Rect:
    """Pixels that a line of this radius may cover, clipped to (height, width)."""
    return Rect(
        max(math.floor(min(a[0], b[0]) - radius), 0),
        max(math.floor(min(a[1], b[1]) - radius), 0),
        min(math.ceil(max(a[0], b[0]) + radius), shape[1]),
        min(math.ceil(max(a[1], b[1]) + radius), shape[0]),
    )


def between(a: Point, b: Point, share: float) -> Point:
    """The point at `share` of the way from one to the other."""
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share
