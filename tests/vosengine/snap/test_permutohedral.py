"""The lattice against the paper's definition and against direct sums of Gaussians."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from vosengine.snap.permutohedral import PermutohedralLattice, embedding

Values = NDArray[np.float32]


def gaussian(features: Values) -> NDArray[np.float64]:
    """exp(-|f_i - f_j|^2 / 2), (points, points)."""
    apart = features[:, None].astype(np.float64) - features[None]
    return np.asarray(np.exp(-0.5 * (apart**2).sum(-1)))


def cloud(points: int, dimensions: int, spread: float, seed: int = 0) -> Values:
    return np.random.default_rng(seed).normal(scale=spread, size=(points, dimensions)).astype(np.float32)


def means(kernel: NDArray[np.float64], values: Values) -> NDArray[np.float64]:
    return np.asarray(kernel @ values / kernel.sum(1))


@pytest.mark.parametrize("dimensions", [1, 2, 5, 6])
def test_the_filters_variance_is_one_in_every_direction(dimensions: int) -> None:
    # The steps between vertices, in feature space; splat, blur and slice spread 2/3 of a squared step each.
    steps = np.linalg.inv(embedding(dimensions).astype(np.float64))
    directions = np.vstack([steps, steps.sum(0)])
    assert np.allclose(2 / 3 * directions.T @ directions, np.eye(dimensions), atol=1e-6)


@pytest.mark.parametrize(("dimensions", "largest"), [(1, 0.03), (2, 0.04), (5, 0.06), (6, 0.06)])
def test_normalised_filtering_is_close_to_the_direct_sum(dimensions: int, largest: float) -> None:
    features = cloud(1500, dimensions, spread=1.0)
    values = np.sign(features[:, 0] + cloud(1500, 1, 0.5, seed=1)[:, 0])
    filtered = PermutohedralLattice(features).filtered
    found = filtered(values) / filtered(np.ones_like(values))
    off = np.abs(found - means(gaussian(features), values))
    assert off.mean() < largest
    assert np.quantile(off, 0.95) < 3 * largest


def test_points_far_apart_do_not_hear_each_other() -> None:
    features = np.array([[0, 0, 0], [40, 0, 0], [0.01, 0, 0], [0, -900, 7]], np.float32)
    found = PermutohedralLattice(features).filtered(np.array([1, 0, 1, 0], np.float32))
    assert found[1] == found[3] == 0
    assert found[0] == pytest.approx(found[2], rel=0.05)
    assert found[0] > 1


def test_a_translation_of_all_points_changes_little() -> None:
    features, values = cloud(800, 3, 1.0), cloud(800, 1, 1.0, seed=2)[:, 0]
    here = PermutohedralLattice(features).filtered(values)
    there = PermutohedralLattice(features + np.float32(1000.3)).filtered(values)
    assert np.abs(here - there).mean() < 0.1 * np.abs(here).mean()


@settings(max_examples=40, deadline=None)
@given(
    hnp.arrays(
        np.float32, st.tuples(st.integers(1, 30), st.integers(1, 6)), elements=st.floats(-50, 50, width=32)
    )
)
def test_each_point_spreads_a_weight_of_one(features: Values) -> None:
    lattice = PermutohedralLattice(features)
    assert lattice.slicing.data.min() >= 0
    assert np.allclose(lattice.slicing.sum(axis=1), 1, atol=1e-5)
    # Whatever a vertex's neighbour before it is, has the vertex after it.
    for before, after in lattice.neighbours:
        present = np.flatnonzero(before < before.size)
        assert np.array_equal(after[before[present]], present)
    assert np.all(lattice.filtered(np.ones(len(features), np.float32)) > 0)
