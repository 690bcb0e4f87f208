"""Gaussian filtering in many dimensions on the permutohedral lattice.

A. Adams, J. Baek, A. Davis, "Fast High-Dimensional Filtering Using the Permutohedral Lattice", Eurographics
2010: each point spreads its value over the vertices of its lattice simplex (splat), the vertices are blurred
along the lattice's directions, and each point collects its answer from the same vertices (slice).

Differences from the paper: the lattice is mapped linearly onto the whole-number points of as many dimensions,
where its simplices are Freudenthal's (sort the fractional parts and walk the unit cube in that order) and its
directions are the unit steps and (1, ..., 1); vertices are found by sorting instead of hashing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import helmert

Values = NDArray[np.float32]

# Section 3.2: splat, blur and slice together have the variance of 2/3 of a step along each direction.
SPACING = np.sqrt(2 / 3)
HALF = np.float32(0.5)  # the blur is (1/2, 1, 1/2), section 3.2


class PermutohedralLattice:
    """Filters values that sit at fixed points with the kernel exp(-|f_i - f_j|^2 / 2), up to a factor.

    features: (points, dimensions), each divided by its standard deviation. The factor, common to all points,
    cancels where the filter is normalised.
    """

    def __init__(self, features: Values) -> None:
        position = features @ embedding(features.shape[1])
        corner = np.floor(position)
        fraction = (position - corner).astype(np.float32)
        order = np.argsort(-fraction, axis=1)
        strides = _strides(corner)
        path = np.cumsum(strides[order], axis=1)
        first = corner.astype(np.int64) @ strides
        keys = np.concatenate([first[:, None], first[:, None] + path], axis=1)
        occupied, vertices = np.unique(keys, return_inverse=True)
        self.slicing = _rows(_weights(np.take_along_axis(fraction, order, axis=1)), vertices, occupied.size)
        self.splatting = sparse.csr_array(self.slicing.T)
        self.neighbours = [_neighbours(occupied, step) for step in (*strides, strides.sum())]

    def filtered(self, values: Values) -> Values:
        """values: (points,) float32; returns the same."""
        grid = np.append(self.splatting @ values, np.float32(0))  # the last entry is every absent vertex
        for before, after in self.neighbours:
            grid[:-1] += HALF * (grid[before] + grid[after])
        return np.asarray(self.slicing @ grid[:-1], np.float32)


def embedding(dimensions: int) -> Values:
    """The linear map, by multiplication from the right, of features to where the lattice is all integers.

    The hyperplane of zero sum holds the lattice (section 3.1); the differences of its coordinates to the last
    one, divided by dimensions + 1, are whole numbers exactly on the lattice.
    """
    elevated = helmert(dimensions + 1)  # rows: an orthonormal basis of the hyperplane
    return np.asarray(SPACING * (elevated[:, :-1] - elevated[:, -1:]), np.float32)


def _strides(corner: Values) -> NDArray[np.int64]:
    """What a step along each dimension adds to a vertex's key; no two vertices share a key."""
    sizes = (corner.max(axis=0) - corner.min(axis=0)).astype(np.int64) + 4  # a neighbour on either side
    return np.cumprod([1, *sizes[:-1]], dtype=np.int64)


def _weights(fraction: Values) -> Values:
    """Barycentric coordinates of points with descending fractional parts, (points, dimensions + 1)."""
    return np.asarray(-np.diff(fraction, axis=1, prepend=1, append=0), np.float32)


def _rows(weights: Values, vertices: NDArray[np.intp], count: int) -> sparse.csr_array:
    """A matrix (points, count) with one row of weights a point."""
    points, corners = weights.shape
    starts = np.arange(0, points * corners + 1, corners)
    return sparse.csr_array((weights.ravel(), vertices.ravel(), starts), shape=(points, count))


def _neighbours(occupied: NDArray[np.int64], step: np.int64) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Places among the sorted keys of each vertex's neighbours at -step and +step; the count for no one."""
    count = occupied.size
    places = np.minimum(np.searchsorted(occupied, occupied + step), count - 1)
    below = np.flatnonzero(occupied[places] == occupied + step)
    above = places[below]
    before, after = np.full(count, count), np.full(count, count)
    before[above], after[below] = below, above
    return before, after
