"""A stroke under the pen, as coverage: how much of each pixel it has reached so far. No Qt.

The brush covers a pixel by the distance of the pixel's centre from the pen's path: wholly up to the hard part
of its radius, from there smoothly down to nothing at the radius. Pressure scales the radius along the way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from app.tools import ALWAYS_HITS, LEAST_PIECE, NOWHERE, PAINT, Point, Rect, between, rect_around

LIGHTEST = 0.15  # share of the radius that the lightest touch draws with
FULL_PRESSURE = 1.0


@dataclass(frozen=True)
class Brush:
    """radius: image pixels. softness: the share of the radius, in [0, 1], over which the edge fades."""

    radius: float
    softness: float = 0.0

    def at(self, pressure: float) -> float:
        """The radius at a pressure in [0, 1]."""
        share = LIGHTEST + (1 - LIGHTEST) * min(max(pressure, 0.0), 1.0)
        return max(self.radius * share, ALWAYS_HITS)


class PenStroke:
    """`coverage`: uint8 (height, width), 255 where wholly covered; `rect` holds all that is covered.

    `padded` holds it with rows that take a multiple of 4 bytes, as picture classes want them.
    """

    def __init__(self, size: tuple[int, int], brush: Brush) -> None:
        """An empty stroke for pictures of `size` (width, height)."""
        width, height = size
        self.padded = np.zeros((height, (width + 3) // 4 * 4), np.uint8)
        self.coverage = self.padded[:, :width]
        self.brush = brush
        self.points: list[Point] = []
        self.rect = NOWHERE
        self._radius = 0.0

    def to(self, point: Point, pressure: float = FULL_PRESSURE) -> Rect:
        """The pen moves on to `point`; returns where coverage changed."""
        radius = self.brush.at(pressure)
        start = self.points[-1] if self.points else point
        start_radius = self._radius if self.points else radius
        self.points.append(point)
        self._radius = radius
        changed = self._cover(start, point, start_radius, radius)
        self.rect = self.rect.joined(changed)
        return changed

    def straight_to(self, point: Point, pressure: float = FULL_PRESSURE) -> Rect:
        """The stroke becomes the straight line from its first point to `point`."""
        former, first = self.rect, self.points[0]
        self.coverage[former.top : former.bottom, former.left : former.right] = 0
        self.points, self.rect = [], NOWHERE
        self.to(first, pressure)
        self.to(point, pressure)
        return former.joined(self.rect)

    def paint(self, mask: NDArray[np.uint8], value: int) -> Rect:
        """Paint (PAINT) or erase (ERASE) the stroke on a mask, in place; returns where."""
        rows, columns = slice(self.rect.top, self.rect.bottom), slice(self.rect.left, self.rect.right)
        covered, under = self.coverage[rows, columns], mask[rows, columns]
        if value == PAINT:
            np.maximum(under, covered, out=under)
        else:
            np.minimum(under, 255 - covered, out=under)
        return self.rect

    def mark(self, marks: NDArray[np.uint8], value: int) -> Rect:
        """Draw the stroke into marks, in place: pixels covered by half or more; returns where."""
        rows, columns = slice(self.rect.top, self.rect.bottom), slice(self.rect.left, self.rect.right)
        marks[rows, columns][self.coverage[rows, columns] > 127] = value
        return self.rect

    def _cover(self, a: Point, b: Point, radius_a: float, radius_b: float) -> Rect:
        # A long slanting line goes in pieces: their rectangles are together far smaller than one round it.
        largest = max(radius_a, radius_b)
        pieces = math.ceil(math.dist(a, b) / max(4 * largest, LEAST_PIECE)) or 1
        ends = [piece / pieces for piece in range(pieces + 1)]
        changed = NOWHERE
        for one, other in pairwise(ends):
            start, end = between(a, b, one), between(a, b, other)
            radii = radius_a + (radius_b - radius_a) * one, radius_a + (radius_b - radius_a) * other
            rect = rect_around(start, end, max(radii), self.coverage.shape)
            if rect:
                part = self.coverage[rect.top : rect.bottom, rect.left : rect.right]
                np.maximum(part, _covered(rect, start, end, radii, self.brush.softness), out=part)
                changed = changed.joined(rect)
        return changed


def _covered(
    rect: Rect, a: Point, b: Point, radii: tuple[float, float], softness: float
) -> NDArray[np.uint8]:
    """Coverage of the pixels of `rect` by a piece of path whose radius goes evenly from one to the other."""
    x = np.arange(rect.left, rect.right, dtype=np.float64) + 0.5 - a[0]
    y = (np.arange(rect.top, rect.bottom, dtype=np.float64) + 0.5 - a[1])[:, None]
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = dx * dx + dy * dy
    along = np.clip((x * dx + y * dy) / length, 0.0, 1.0) if length > 0 else np.zeros((1, 1))
    square = (x - along * dx) ** 2 + (y - along * dy) ** 2
    radius = radii[0] + (radii[1] - radii[0]) * along if radii[0] != radii[1] else radii[0]
    if softness < 1e-3:  # nothing to see of it, and tiny divisors overflow
        return np.where(square <= radius * radius, np.uint8(255), np.uint8(0))
    left = np.clip((1 - np.sqrt(square) / radius) / softness, 0.0, 1.0)  # 1 in the hard part, 0 at the rim
    return np.rint(255 * left * left * (3 - 2 * left)).astype(np.uint8)
