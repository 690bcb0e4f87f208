"""Painting against the distance definition, and brush sizes against values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.pen import LIGHTEST, Brush, PenStroke
from app.tools import BACKGROUND, ERASE, FOREGROUND, NOWHERE, PAINT, Rect, larger, smaller
from tests.app.document.edited import paint_stroke

HEIGHT, WIDTH = 24, 32
coordinates = st.floats(-20, 50, allow_nan=False, width=32)
points = st.tuples(coordinates, coordinates)


def distance_to_segment(x: float, y: float, a: tuple[float, float], b: tuple[float, float]) -> float:
    length = math.dist(a, b)
    if length == 0:
        return math.dist((x, y), a)
    along = ((x - a[0]) * (b[0] - a[0]) + (y - a[1]) * (b[1] - a[1])) / length**2
    share = min(max(along, 0), 1)
    return math.dist((x, y), (a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])))


@settings(max_examples=60, deadline=None)
@given(points, points, st.floats(0.8, 12))
def test_brush_covers_exactly_the_pixels_within_its_radius(a, b, radius):
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    paint_stroke(mask, [a, b], radius, PAINT)
    for row in range(HEIGHT):
        for column in range(WIDTH):
            distance = distance_to_segment(column + 0.5, row + 0.5, a, b)
            if abs(distance - radius) > 1e-6:
                assert (mask[row, column] == PAINT) == (distance < radius), (row, column, distance)


@settings(max_examples=60, deadline=None)
@given(points, points, st.floats(0, 12), st.sampled_from([PAINT, ERASE]))
def test_only_the_returned_rectangle_is_touched(a, b, radius, value):
    before = np.random.default_rng(0).choice(np.array([0, 255], np.uint8), (HEIGHT, WIDTH))
    mask = before.copy()
    rect = paint_stroke(mask, [a, b], radius, value)
    outside = np.ones(mask.shape, bool)
    outside[rect.top : rect.bottom, rect.left : rect.right] = False
    assert (mask[outside] == before[outside]).all()
    assert (mask == value)[mask != before].all()
    assert 0 <= rect.left <= rect.right <= WIDTH or not rect


def test_a_dot_of_radius_two_and_a_half_at_a_pixel_centre():
    mask = np.zeros((7, 7), np.uint8)
    paint_stroke(mask, [(3.5, 3.5)], 2.5, PAINT)
    expected = ["0000000", "0011100", "0111110", "0111110", "0111110", "0011100", "0000000"]
    assert (mask > 0).astype(int).tolist() == [[int(c) for c in row] for row in expected]


@given(st.floats(0, WIDTH - 0.01), st.floats(0, HEIGHT - 0.01))
def test_the_smallest_brush_always_paints_the_pixel_under_it(x, y):
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    paint_stroke(mask, [(x, y)], 0.0, PAINT)
    assert mask[int(y), int(x)] == PAINT or np.count_nonzero(mask) >= 1
    assert np.count_nonzero(mask) <= 5


def test_a_thin_line_has_no_gaps():
    mask = np.zeros((60, 400), np.uint8)
    paint_stroke(mask, [(1.2, 3.7), (395.1, 50.3)], 0.5, PAINT)
    columns = np.flatnonzero(mask.any(axis=0))
    rows = [np.flatnonzero(mask[:, column]).mean() for column in columns]
    assert columns.tolist() == list(range(columns[0], columns[-1] + 1))
    assert np.abs(np.diff(rows)).max() <= 1


def test_stroke_is_the_union_of_its_lines_and_erasing_takes_it_away():
    path = [(4.0, 4.0), (20.0, 6.0), (12.0, 18.0)]
    whole, pieces = np.zeros((HEIGHT, WIDTH), np.uint8), np.zeros((HEIGHT, WIDTH), np.uint8)
    rect = paint_stroke(whole, path, 3, PAINT)
    first = paint_stroke(pieces, path[:2], 3, PAINT)
    second = paint_stroke(pieces, path[1:], 3, PAINT)
    assert (whole == pieces).all()
    assert rect == first.joined(second)
    assert rect == Rect(1, 1, 23, 21)
    paint_stroke(whole, path, 3, ERASE)
    assert not whole.any()


def test_marks_replace_each_other():
    marks = np.zeros((HEIGHT, WIDTH), np.uint8)
    paint_stroke(marks, [(10, 10)], 4, FOREGROUND)
    paint_stroke(marks, [(12, 10)], 1, BACKGROUND)
    assert set(np.unique(marks)) == {0, BACKGROUND, FOREGROUND}
    assert marks[10, 12] == BACKGROUND
    assert marks[10, 8] == FOREGROUND


def test_no_points_and_points_far_outside_paint_nothing():
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    assert paint_stroke(mask, [], 5, PAINT) == NOWHERE
    assert not paint_stroke(mask, [(-100, -100), (-50, -90)], 5, PAINT)
    assert not mask.any()


def covered(points, brush: Brush, pressures=None) -> np.ndarray:
    stroke = PenStroke((WIDTH, HEIGHT), brush)
    for point, pressure in zip(points, pressures or [1.0] * len(points), strict=True):
        stroke.to(point, pressure)
    return stroke.coverage


def test_a_soft_edge_falls_from_the_hard_part_to_the_rim():
    row = covered([(16.5, 12.5)], Brush(8, softness=0.5))[12, 16:]
    assert row[:5].tolist() == [255] * 5  # hard up to half the radius
    assert (np.diff(row[4:9].astype(int)) < 0).all()
    assert row[6] == round(255 * 0.5)  # halfway down the slope it covers half: 3 t^2 - 2 t^3 at t = 1/2
    assert row[8:].max() == 0


def test_soft_strokes_do_not_pile_up_and_soft_erasing_leaves_the_rest():
    soft = Brush(8, softness=1.0)
    once, twice = covered([(16, 12)], soft), covered([(16, 12), (16, 12)], soft)
    assert (once == twice).all()
    stroke = PenStroke((WIDTH, HEIGHT), soft)
    stroke.to((16.0, 12.0))
    mask = np.full((HEIGHT, WIDTH), 255, np.uint8)
    stroke.paint(mask, ERASE)
    assert (mask == 255 - once).all()


def test_pressure_sets_the_width_along_the_way():
    coverage = covered([(4, 12), (28, 12)], Brush(8), [0.0, 1.0])
    widths = np.count_nonzero(coverage, axis=0)
    assert widths[5] == pytest.approx(2 * 8 * (LIGHTEST + (1 - LIGHTEST) * 1.5 / 24), abs=2)
    assert widths[27] == pytest.approx(16, abs=2)
    assert (np.diff(widths[4:27]) >= 0).all()


@settings(max_examples=30, deadline=None)
@given(st.lists(points, min_size=2, max_size=5), st.floats(0.8, 9), st.floats(0, 1))
def test_a_straight_stroke_is_the_line_from_its_start_whatever_was_drawn_between(path, radius, softness):
    brush = Brush(radius, softness)
    stroke = PenStroke((WIDTH, HEIGHT), brush)
    stroke.to(path[0])
    before = stroke.coverage.copy()
    for point in path[1:]:
        before = stroke.coverage.copy()
        changed = stroke.straight_to(point)
    assert (stroke.coverage == covered([path[0], path[-1]], brush)).all()
    outside = np.ones(before.shape, bool)
    outside[changed.top : changed.bottom, changed.left : changed.right] = False
    assert (stroke.coverage[outside] == before[outside]).all()


def test_brush_sizes_go_up_and_down_and_stop():
    assert larger(10) == pytest.approx(11.5)
    assert larger(1) == 1.5
    assert smaller(1) == 0.5
    assert smaller(0.5) == 0.5
    assert larger(500) == 500
    radius, seen = 0.5, []
    while radius < 500:
        radius = larger(radius)
        seen.append(radius)
    assert len(seen) < 60
    assert seen == sorted(set(seen))
