"""The tracker on a patch whose place is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from vosengine.guides.box_tracker import BoxTracker
from vosengine.types import Box, Image

HEIGHT, WIDTH = 100, 180


def texture(height: int, width: int, seed: int) -> Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (height // 4, width // 4, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


BACKGROUND, PATCH = texture(HEIGHT, WIDTH, 1), texture(32, 40, 2)


def frame(x: int | None, y: int = 30) -> Image:
    """The patch with its top left corner at (x, y), cut at the right; None: it is away."""
    image = BACKGROUND.copy()
    if x is not None:
        columns = min(40, WIDTH - x)
        image[y : y + 32, x : x + columns] = PATCH[:, :columns]
    return image


def test_the_box_follows_the_patch_without_lagging() -> None:
    tracker = BoxTracker(frame(20), Box(20, 30, 40, 32))
    for step in range(1, 9):
        box = tracker.update(frame(20 + 4 * step, 30 + 2 * step))
        assert box is not None
        assert (box.width, box.height) == (40, 32)
        assert abs(box.x - (20 + 4 * step)) <= 1
        assert abs(box.y - (30 + 2 * step)) <= 1


def test_a_patch_that_goes_is_lost_and_found_again_when_it_returns() -> None:
    tracker = BoxTracker(frame(60), Box(60, 30, 40, 32))
    assert tracker.update(frame(64)) is not None
    assert [tracker.update(frame(None)) for _ in range(3)] == [None] * 3
    box = tracker.update(frame(68))
    assert box is not None
    assert abs(box.x - 68) <= 2


def test_a_patch_that_leaves_has_a_box_inside_the_frame_and_then_none() -> None:
    tracker = BoxTracker(frame(130), Box(130, 30, 40, 32))
    boxes = [tracker.update(frame(x)) for x in range(134, WIDTH, 4)]
    found = [box for box in boxes if box is not None]
    assert len(found) >= 3
    assert all(box == box.clipped(WIDTH, HEIGHT) and box.area > 0 for box in found)
    assert boxes[-1] is None


def test_an_absent_object_is_never_found() -> None:
    tracker = BoxTracker(frame(60), None)
    assert tracker.update(frame(60)) is None


def test_fractional_boxes_are_rounded_outwards() -> None:
    tracker = BoxTracker(frame(60), Box(60.6, 30.2, 38.8, 31.5))
    box = tracker.update(frame(60))
    assert box == Box(60, 30, 40, 32)


@pytest.mark.parametrize("box", [Box(5, 5, 1, 1), Box(0, 0, WIDTH, HEIGHT), Box(170, 92, 10, 8)])
def test_boxes_of_any_size_give_whole_pixels_or_none(box: Box) -> None:
    tracker = BoxTracker(BACKGROUND, box)
    for _ in range(3):
        found = tracker.update(np.roll(BACKGROUND, 2, axis=1))
        assert found is None or all(
            float(v).is_integer() for v in (found.x, found.y, found.width, found.height)
        )
        assert found is None or found == found.clipped(WIDTH, HEIGHT)


def test_the_same_frames_give_the_same_boxes() -> None:
    trackers = [BoxTracker(frame(20), Box(20, 30, 40, 32)) for _ in range(2)]
    for x in range(24, 60, 6):
        first, second = (tracker.update(frame(x)) for tracker in trackers)
        assert first == second
