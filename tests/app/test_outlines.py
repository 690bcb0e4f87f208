"""Outlines against OpenCV's point-in-polygon test and shapes worked out by hand."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.live_wire import LiveWire
from app.outlines import Lasso, Magnetic, Polygon, fill
from app.tools import NOWHERE, Rect

HEIGHT, WIDTH = 20, 26
# No corner is level with a pixel's centre: whether a pixel on the line is inside is nobody's business.
coordinate = st.integers(-8, 34).map(lambda n: n + 0.3)
SQUARE = [(2.0, 3.0), (8.0, 3.0), (8.0, 9.0), (2.0, 9.0)]


@settings(max_examples=80, deadline=None)
@given(st.tuples(*[st.tuples(coordinate, coordinate)] * 3))
def test_a_triangle_covers_the_pixels_whose_centre_lies_inside(corners):
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    rect = fill(mask, corners, 255)
    contour = np.array(corners, np.float32).reshape(-1, 1, 2)
    for row in range(HEIGHT):
        for column in range(WIDTH):
            distance = cv2.pointPolygonTest(contour, (column + 0.5, row + 0.5), measureDist=True)
            if abs(distance) > 1e-3:
                assert (mask[row, column] == 255) == (distance > 0), (row, column, distance)
    mask[rect.top : rect.bottom, rect.left : rect.right] = 0
    assert not mask.any()


def test_what_is_gone_round_twice_is_inside_and_taking_away_leaves_the_rest():
    mask = np.zeros((12, 12), np.uint8)
    assert fill(mask, SQUARE + SQUARE, 255) == Rect(2, 3, 8, 9)
    assert np.count_nonzero(mask) == 36
    fill(mask, [(5, 0), (12, 0), (12, 12), (5, 12)], 0)
    assert np.count_nonzero(mask) == 18
    assert fill(mask, [(-9, -9), (-5, -9), (-5, -4)], 255) == NOWHERE


def test_a_lasso_follows_the_pointer_and_closes_with_the_release():
    lasso = Lasso()
    lasso.move((9, 9))
    assert not lasso.is_open
    lasso.press(SQUARE[0], 1.0)
    assert not lasso.release()  # a click encloses nothing
    for point in SQUARE[1:]:
        lasso.move(point)
    assert lasso.release()
    assert lasso.path() == SQUARE


def test_a_polygon_closes_at_its_start_and_gives_corners_back():
    polygon = Polygon()
    assert not any(polygon.press(corner, 1.0) for corner in [SQUARE[0], SQUARE[0], (30.0, 1.0)])
    assert polygon.take_back()
    assert not polygon.finish()  # one corner encloses nothing
    for corner in SQUARE[1:]:
        polygon.press(corner, 1.0)
    polygon.move((4.0, 5.0))
    assert polygon.path() == [*SQUARE, (4.0, 5.0)]
    assert polygon.press((2.5, 3.5), 1.0)
    assert polygon.path() == SQUARE
    for _ in SQUARE:
        assert polygon.take_back()
    assert not polygon.take_back()
    assert not polygon.is_open


@pytest.fixture(scope="module")
def disk() -> np.ndarray:
    image = np.full((120, 160, 3), 60, np.uint8)
    return cv2.circle(image, (80, 60), 40, (220, 200, 180), -1)


def test_magnetic_sides_follow_the_edge_of_a_disk(disk: np.ndarray):
    magnetic = Magnetic()
    for corner in [(80.5, 20.5), (120.5, 60.5), (80.5, 100.5), (40.5, 60.5)]:
        magnetic.press(corner, 1.0)
        magnetic.attach(LiveWire(disk, corner))
    assert magnetic.press((80.5, 20.5), 2.0)
    mask = np.zeros((120, 160), np.uint8)
    fill(mask, magnetic.path(), 255)
    truth = disk[..., 0] > 100
    overlap = np.count_nonzero(truth & (mask > 0)) / np.count_nonzero(truth | (mask > 0))
    assert overlap > 0.94  # the diamond through the four corners has 0.64


def test_a_magnetic_side_taken_back_and_a_wire_of_another_corner(disk: np.ndarray):
    magnetic = Magnetic()
    magnetic.press((80.5, 20.5), 1.0)
    magnetic.attach(LiveWire(disk, (10.5, 10.5)))
    magnetic.move((120.5, 60.5))
    assert magnetic.path() == [(80.5, 20.5), (120.5, 60.5)]  # straight: the wire starts elsewhere
    magnetic.attach(LiveWire(disk, (80.5, 20.5)))
    assert len(magnetic.path()) > 20
    magnetic.press((120.5, 60.5), 1.0)
    assert magnetic.take_back()
    assert magnetic.path() == [(80.5, 20.5), (120.5, 60.5)]
    assert magnetic.corner == (80.5, 20.5)


def test_a_side_set_before_its_costs_were_known_follows_them_later(disk: np.ndarray):
    corners = [(80.5, 20.5), (120.5, 60.5), (80.5, 100.5)]
    hasty, patient = Magnetic(), Magnetic()
    for corner in corners:
        hasty.press(corner, 1.0)
        patient.press(corner, 1.0)
        patient.attach(LiveWire(disk, corner))
    assert hasty.path() == corners
    hasty.attach(LiveWire(disk, corners[1]))
    hasty.attach(LiveWire(disk, corners[0]))
    assert hasty.path() == patient.path()
    hasty.clear()
    hasty.attach(LiveWire(disk, corners[1]))
    assert not hasty.path()


def test_a_wire_reaches_beyond_its_square_and_into_every_corner():
    image = np.zeros((30, 1000, 3), np.uint8)
    wire = LiveWire(image, (999.5, 29.5))
    path = wire.path_to((3.5, 2.5))
    assert path[-1] == (3.5, 2.5)
    assert min(x for x, _ in path[:-1]) > 400
    large = LiveWire(np.zeros((40, 5000, 3), np.uint8), (2500.0, 20.0))
    assert large.path_to((2600.5, 20.5))[-1] == (2600.5, 20.5)
