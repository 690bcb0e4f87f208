"""Painting against the distance definition, and brush sizes against values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.tools import (
    BACKGROUND,
    ERASE,
    FOREGROUND,
    NOWHERE,
    PAINT,
    Rect,
    larger,
    paint_line,
    paint_stroke,
    smaller,
)

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
    paint_line(mask, a, b, radius, PAINT)
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
    rect = paint_line(mask, a, b, radius, value)
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
    paint_line(mask, (1.2, 3.7), (395.1, 50.3), 0.5, PAINT)
    columns = np.flatnonzero(mask.any(axis=0))
    rows = [np.flatnonzero(mask[:, column]).mean() for column in columns]
    assert columns.tolist() == list(range(columns[0], columns[-1] + 1))
    assert np.abs(np.diff(rows)).max() <= 1


def test_stroke_is_the_union_of_its_lines_and_erasing_takes_it_away():
    path = [(4.0, 4.0), (20.0, 6.0), (12.0, 18.0)]
    whole, pieces = np.zeros((HEIGHT, WIDTH), np.uint8), np.zeros((HEIGHT, WIDTH), np.uint8)
    rect = paint_stroke(whole, path, 3, PAINT)
    first = paint_line(pieces, path[0], path[1], 3, PAINT)
    second = paint_line(pieces, path[1], path[2], 3, PAINT)
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
