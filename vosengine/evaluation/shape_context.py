"""T, the temporal stability of the DAVIS benchmark: how much the contour's shape changes between results.

F. Perazzi et al.: "A Benchmark Dataset and Evaluation Methodology for Video Object Segmentation", CVPR
2016, section 5.1, by the shape contexts of S. Belongie, J. Malik, J. Puzicha: "Shape Matching and Object
Recognition Using Shape Contexts", PAMI 2002. Every constant is that of the benchmark's code.

Differences from that code: contours are traced by OpenCV along the pixels' outer corners, so two pieces
one pixel apart count as one; and the cheapest path is found by dynamic programming rather than Dijkstra's
algorithm, which gives the same cost (between paths of equal cost either choice is arbitrary).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from vosengine.types import Mask

SIMPLIFY = 1.5  # pixels of Douglas-Peucker tolerance; `cont_th` = 3 counts half pixels
LONGEST_SEGMENT = 3.0  # pixels: `cont_th_up`
ANGLES = 12  # `nbins_theta`
RADII = 5  # `nbins_r`, logarithmic between the two radii below
INNER_RADIUS, OUTER_RADIUS = 1 / 8, 2.0  # over the mean distance between the contour's points
SCALE = 5.0  # "to put it in a similar range than other measures"

Points = NDArray[np.float64]
Descriptors = NDArray[np.float32]
Costs = NDArray[np.float32]


def temporal_stability(masks: Iterable[Mask]) -> float | None:
    """T of consecutive masks, at least 0, 0 for a contour that keeps its shape.

    Pairs in which a mask has no contour do not count; None when no pair counts.
    """
    descriptors = (_mask_descriptors(mask) for mask in masks)
    costs = [
        matching_cost(first, second)
        for first, second in pairwise(descriptors)
        if first is not None and second is not None
    ]
    return SCALE * float(np.mean(costs)) if costs else None


def contour_points(mask: Mask) -> Points | None:
    """Points (n, 2) in pixels round the contour with the most vertices, None without a contour.

    No two neighbours are further apart than `LONGEST_SEGMENT`. Contours that simplify to fewer than three
    vertices (single pixels) do not count.
    """
    polygons = [cv2.approxPolyDP(path, SIMPLIFY, closed=True)[:, 0] for path in _corner_paths(mask)]
    polygon = max(polygons, key=len, default=np.empty((0, 2)))
    return _resampled(polygon.astype(np.float64)) if len(polygon) >= 3 else None


def shape_contexts(points: Points) -> Descriptors:
    """One histogram a point, (n, ANGLES * RADII), summing to 1: where the contour's points lie from there.

    Distances are taken over their mean, so scale does not matter; points beyond `OUTER_RADIUS` are left
    out, and each point counts itself, as in the benchmark's code.
    """
    offsets = points[None, :, :] - points[:, None, :]
    distances = np.hypot(offsets[..., 0], offsets[..., 1])
    edges = INNER_RADIUS * (OUTER_RADIUS / INNER_RADIUS) ** (np.arange(RADII) / (RADII - 1))
    ring = np.searchsorted(edges, distances / distances.mean(), side="right")
    turn = np.arctan2(offsets[..., 1], offsets[..., 0]) / (2 * np.pi) % 1.0
    sector = np.minimum((turn * ANGLES).astype(np.intp), ANGLES - 1)
    rows = np.arange(len(points))[:, None] * (ANGLES * RADII)
    cells = (rows + ring * ANGLES + sector)[ring < RADII]
    counts = np.bincount(cells, minlength=len(points) * ANGLES * RADII).reshape(len(points), -1)
    descriptors: Descriptors = (counts / counts.sum(1, keepdims=True)).astype(np.float32)
    return descriptors


def matching_cost(first: Descriptors, second: Descriptors) -> float:
    """Mean cost, in [0, 1], of the points of two contours matched in order round the contour.

    The path through all pairs starts at the contours' first points, then again behind the best pair it
    met; of the pairs that share a point only the cheapest stays.
    """
    costs = chi_squared_costs(first, second)
    backward = cheapest_path(costs)[:0:-1]  # the first pair is a guess and no candidate
    best = backward[np.argmin(costs[backward[:, 0], backward[:, 1]])]
    shifted = np.roll(costs, tuple(-(best + 1)), axis=(0, 1))
    pairs = (cheapest_path(shifted) + best + 1) % costs.shape
    pairs = _one_to_one(pairs, costs)
    return float(costs[pairs[:, 0], pairs[:, 1]].mean())


def chi_squared_costs(first: Descriptors, second: Descriptors) -> Costs:
    """Half the chi-squared distance between all pairs of descriptors (n, d), (m, d): (n, m) in [0, 1]."""
    costs = np.zeros((len(first), len(second)), np.float32)
    for mine, theirs in zip(first.T[:, :, None], second.T[:, None, :], strict=True):
        total = mine + theirs
        costs += np.square(mine - theirs) / np.where(total > 0, total, 1)
    costs *= 0.5
    return costs


def cheapest_path(costs: Costs) -> NDArray[np.intp]:
    """Pairs (k, 2) from (0, 0) to the last pair, each step forward in one or both indices, at least cost.

    Dynamic programming over the rows: with S the running sum of a row's costs, the cost of reaching
    column j is S[j] + min over k <= j of (cost of entering the row at column k) - S[k - 1].
    """
    total = np.empty(costs.shape, np.float64)
    total[0] = np.cumsum(costs[0], dtype=np.float64)
    for row in range(1, len(costs)):
        above = total[row - 1]
        entered = np.minimum(above, np.concatenate(([np.inf], above[:-1])))
        running = np.cumsum(costs[row], dtype=np.float64)
        total[row] = running + np.minimum.accumulate(entered - running + costs[row])
    return _walked_back(total)


def _walked_back(total: NDArray[np.float64]) -> NDArray[np.intp]:
    row, column = total.shape[0] - 1, total.shape[1] - 1
    path = [(row, column)]
    while row or column:
        steps = [(row - 1, column - 1), (row - 1, column), (row, column - 1)]
        row, column = min((s for s in steps if min(s) >= 0), key=lambda s: total[s])
        path.append((row, column))
    return np.array(path[::-1], dtype=np.intp)


def _one_to_one(pairs: NDArray[np.intp], costs: Costs) -> NDArray[np.intp]:
    """Of the pairs that share a first point only the cheapest, then the same for the second point."""
    for side in (0, 1):
        order = np.argsort(costs[pairs[:, 0], pairs[:, 1]], kind="stable")
        _, first_seen = np.unique(pairs[order, side], return_index=True)
        pairs = pairs[order[first_seen]]
    return pairs


def _mask_descriptors(mask: Mask) -> Descriptors | None:
    points = contour_points(mask)
    return None if points is None else shape_contexts(points)


def _corner_paths(mask: Mask) -> list[NDArray[np.int32]]:
    """Closed paths (n, 1, 2) along the corners of the object's outer pixels, holes included."""
    inside = np.pad((mask != 0).astype(np.uint8), 1)
    # A pixel corner is part of the object when one of the four pixels round it is.
    corners = inside[:-1, :-1] | inside[:-1, 1:] | inside[1:, :-1] | inside[1:, 1:]
    paths, _ = cv2.findContours(corners, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    return [np.asarray(path, np.int32) for path in paths]


def _resampled(polygon: Points) -> Points:
    """The closed polygon with its long sides cut into equal pieces of at most `LONGEST_SEGMENT`."""
    sides = np.roll(polygon, -1, axis=0) - polygon
    pieces = np.maximum(np.ceil(np.hypot(*sides.T) / LONGEST_SEGMENT).astype(np.intp), 1)
    start = np.repeat(np.cumsum(pieces) - pieces, pieces)
    share = (np.arange(pieces.sum()) - start) / np.repeat(pieces, pieces)
    points: Points = np.repeat(polygon, pieces, axis=0) + share[:, None] * np.repeat(sides, pieces, axis=0)
    return points
