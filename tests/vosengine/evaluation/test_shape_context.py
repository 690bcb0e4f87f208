from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from vosengine.evaluation.shape_context import (
    ANGLES,
    LONGEST_SEGMENT,
    RADII,
    Costs,
    Points,
    cheapest_path,
    chi_squared_costs,
    contour_points,
    matching_cost,
    shape_contexts,
    temporal_stability,
)
from vosengine.types import Mask


def ellipse(x: int, y: int, a: int, b: int, turn: int = 0) -> Mask:
    mask = np.zeros((120, 160), np.uint8)
    cv2.ellipse(mask, (x, y), (a, b), turn, 0, 360, 255, -1)
    return mask


def square(x: int, y: int, side: int) -> Mask:
    mask = np.zeros((120, 160), np.uint8)
    mask[y : y + side, x : x + side] = 255
    return mask


def outline(mask: Mask) -> Points:
    points = contour_points(mask)
    assert points is not None
    return points


EMPTY = np.zeros((120, 160), np.uint8)

# --- contours -------------------------------------------------------------------------------------------


def test_contour_of_a_square_runs_along_the_pixels_corners() -> None:
    points = outline(square(10, 20, 30))
    assert (points.min(0), points.max(0)) == (pytest.approx([10, 20]), pytest.approx([40, 50]))
    assert len(points) == 4 * 30 / LONGEST_SEGMENT
    on_a_side = np.isclose(points[:, 0] % 30, 10) | np.isclose(points[:, 1] % 30, 20)
    assert on_a_side.all()


def test_no_two_neighbours_are_further_apart_than_the_longest_segment() -> None:
    points = outline(ellipse(80, 60, 50, 20, 30))
    assert np.hypot(*(np.roll(points, -1, 0) - points).T).max() <= LONGEST_SEGMENT + 1e-9


def test_bumps_of_a_pixel_are_smoothed_and_larger_ones_kept() -> None:
    plain = square(40, 40, 30)
    bump, block = plain.copy(), plain.copy()
    bump[39, 50:53] = 255
    block[36:40, 50:56] = 255
    assert outline(bump)[:, 1].min() == 40
    assert outline(block)[:, 1].min() == 36


def test_the_contour_with_the_most_vertices_is_taken() -> None:
    round_and_square = ellipse(40, 60, 20, 30) | square(100, 20, 50)
    assert np.array_equal(outline(round_and_square), outline(ellipse(40, 60, 20, 30)))


def test_single_pixels_have_no_contour() -> None:
    assert contour_points(square(5, 5, 1)) is None
    assert contour_points(EMPTY) is None


def test_an_object_at_the_edge_of_the_frame_has_a_closed_contour() -> None:
    points = outline(np.full((60, 60), 255, np.uint8))
    assert len(points) == 80


# --- descriptors ----------------------------------------------------------------------------------------


def slow_shape_context(points: list[tuple[float, float]]) -> list[list[float]]:
    """Belongie et al. by the letter: count each point in its sector and ring."""
    n = len(points)
    mean = sum(math.dist(p, q) for p in points for q in points) / n**2
    edges = [0.125 * 16 ** (k / 4) for k in range(5)]  # logarithmic from 1/8 to 2
    rows = []
    for x, y in points:
        counts = [0] * (ANGLES * RADII)
        for u, v in points:
            distance = math.dist((x, y), (u, v)) / mean
            ring = sum(distance >= edge for edge in edges)
            sector = int(math.atan2(v - y, u - x) / (2 * math.pi) % 1.0 * ANGLES)
            if ring < RADII:
                counts[ring * ANGLES + min(sector, ANGLES - 1)] += 1
        rows.append([count / sum(counts) for count in counts])
    return rows


@settings(max_examples=30)
@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), min_size=3, max_size=12, unique=True))
def test_shape_contexts_by_their_definition(points: list[tuple[float, float]]) -> None:
    if np.ptp(np.array(points), axis=0).max() < 1:
        return  # points in one place have no scale
    np.testing.assert_allclose(shape_contexts(np.array(points)), slow_shape_context(points), atol=1e-6)


def test_shape_contexts_do_not_depend_on_place_or_scale() -> None:
    points = outline(ellipse(80, 60, 50, 20, 30))
    moved = shape_contexts(4 * points + 64)  # exact in floating point
    assert np.array_equal(shape_contexts(points), moved)


# --- matching -------------------------------------------------------------------------------------------


def test_chi_squared_costs_by_hand() -> None:
    first = np.array([[1, 0], [0.5, 0.5]], np.float32)
    second = np.array([[0, 1], [1, 0]], np.float32)
    half = (0.25 / 0.5 + 0.25 / 1.5) / 2
    expected = np.array([[1, 0], [half, half]])
    np.testing.assert_allclose(chi_squared_costs(first, second), expected, atol=1e-7)


COSTS = hnp.arrays(
    np.float32,
    st.tuples(st.integers(2, 7), st.integers(2, 7)),
    elements=st.floats(0, 1, width=32),
)


def dijkstra_cost(costs: Costs) -> float:
    """The cheapest path by SciPy, over a graph with an edge into each pair from those before it."""
    rows, columns = costs.shape
    number = np.arange(costs.size).reshape(costs.shape)
    into = [
        (number[r - dr, c - dc], number[r, c], costs[r, c] + 1e-9)  # a zero would be no edge
        for r in range(rows)
        for c in range(columns)
        for dr, dc in ((1, 1), (1, 0), (0, 1))
        if r >= dr and c >= dc
    ]
    tails, heads, weights = zip(*into, strict=True)
    graph = csr_array((np.array(weights, np.float64), (tails, heads)), shape=(costs.size, costs.size))
    distances: NDArray[np.float64] = dijkstra(graph, indices=[0])[0]
    return float(distances[-1] + costs[0, 0])


@settings(max_examples=60)
@given(COSTS)
def test_cheapest_path_costs_what_dijkstra_finds(costs: Costs) -> None:
    path = cheapest_path(costs)
    steps = np.diff(path, axis=0)
    assert path[0].tolist() == [0, 0]
    assert path[-1].tolist() == [costs.shape[0] - 1, costs.shape[1] - 1]
    assert ((steps >= 0) & (steps <= 1)).all()
    assert (steps.sum(1) >= 1).all()
    cost = costs[path[:, 0], path[:, 1]].sum(dtype=np.float64)
    assert cost == pytest.approx(dijkstra_cost(costs), abs=1e-6)


@pytest.mark.parametrize("start", [1, 17, 40])
def test_matching_does_not_depend_on_where_a_contour_starts(start: int) -> None:
    points = outline(ellipse(80, 60, 50, 20, 30))
    contexts = shape_contexts(points)
    assert matching_cost(contexts, np.roll(contexts, start, axis=0)) == pytest.approx(0, abs=1e-9)


def test_matching_cost_is_the_mean_over_pairs_that_share_no_point() -> None:
    # Two points against three: the third has no partner of its own.
    first = np.array([[1, 0, 0], [0, 1, 0]], np.float32)
    second = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
    assert matching_cost(first, second) == matching_cost(second, first) == 0.0


# --- T --------------------------------------------------------------------------------------------------


def test_t_of_one_shape_is_zero() -> None:
    assert temporal_stability([ellipse(80, 60, 40, 20)] * 3) == 0.0


@pytest.mark.parametrize(("x", "y"), [(1, 0), (0, 1), (13, -7), (-20, 25)])
def test_t_does_not_depend_on_the_place(x: int, y: int) -> None:
    assert temporal_stability([ellipse(80, 60, 30, 20), ellipse(80 + x, 60 + y, 30, 20)]) == 0.0


def test_t_hardly_depends_on_the_scale() -> None:
    scaled = temporal_stability([ellipse(80, 60, 24, 16), ellipse(80, 60, 48, 32)])
    changed = temporal_stability([ellipse(80, 60, 24, 16), square(40, 20, 60)])
    assert scaled is not None
    assert changed is not None
    assert scaled < 0.5 * changed


def test_t_grows_with_the_change_of_the_shape() -> None:
    still = ellipse(80, 60, 40, 20)
    t = [temporal_stability([still, ellipse(80, 60, 40, 20, turn)]) for turn in (0, 4, 12, 30)]
    assert t == sorted(t, key=lambda value: value if value is not None else -1.0)
    assert t[0] == 0.0
    assert t[3] is not None
    assert 0.1 < t[3] <= 5.0


def test_t_of_a_contour_that_flickers_is_larger_than_of_one_that_is_smooth() -> None:
    smooth = [ellipse(60 + 3 * k, 60, 40, 20) for k in range(4)]
    flickering = [mask | square(60 + 3 * k, 30, 24) if k % 2 else mask for k, mask in enumerate(smooth)]
    rough, calm = temporal_stability(flickering), temporal_stability(smooth)
    assert rough is not None
    assert calm is not None
    assert rough > 0.1 > calm


def test_pairs_without_a_contour_do_not_count() -> None:
    a, b = ellipse(80, 60, 40, 20), ellipse(80, 60, 30, 30)
    pair = temporal_stability([a, b])
    assert temporal_stability([EMPTY, a, b, EMPTY, b]) == pair
    assert temporal_stability([a, EMPTY, b]) is None
    assert temporal_stability([]) is None
