"""Boxes to masks on a painted scene whose truth is known, by the bundled network."""

import cv2
import numpy as np
import pytest
import torch

from tests.vosengine.methods.scene import HEIGHT, WIDTH, frame, j
from vosengine import boxes
from vosengine.annotations import grab_cut_box
from vosengine.boxes import box_flags, by_box_network, mask_in_box, object_in_box
from vosengine.errors import AnnotationError
from vosengine.types import Box
from vosengine.weights import load_network

IMAGE, TRUTH = frame(0)
DISK = Box(28, 24, 44, 44)


@pytest.fixture(scope="module")
def load():
    network = load_network(*boxes.NETWORK)
    return lambda *names: network


def test_flags_are_the_pixels_a_box_touches():
    flags = box_flags(Box(1.5, 2, 2, 1.25), 6, 8)
    assert flags.sum() == 3 * 2
    assert (flags[2:4, 1:4] == 1).all()
    assert box_flags(Box(-50, -50, 500, 500), 6, 8).all()


@pytest.mark.parametrize("box", [Box(20, 20, 0, 5), Box(-30, 0, 20, 20), Box(WIDTH, 0, 9, 9)])
def test_a_box_beside_the_picture_or_without_area_gets_one_sentence(load, box):
    with pytest.raises(AnnotationError, match="draw it round the object"):
        object_in_box(load, IMAGE, box)


def test_the_disk_is_found_in_its_box_and_in_sloppy_ones(load):
    assert j(object_in_box(load, IMAGE, DISK), TRUTH) > 0.85
    for x, y, width, height in ((-2, 2, 0, 0), (2, -2, 3, 3), (-3, -3, 6, 6)):
        sloppy = Box(DISK.x + x, DISK.y + y, DISK.width + width, DISK.height + height)
        assert j(object_in_box(load, IMAGE, sloppy), TRUTH) > 0.75


@pytest.mark.parametrize(
    "box",
    [
        DISK,
        Box(50, 30, 60, 40),  # half of the disk
        Box(-20, 60, 80, 80),  # over the picture's corner
        Box(WIDTH - 30.5, 0, 40, 30.2),  # background alone
        Box(48.3, 44.1, 3, 3),  # tiny, fractional
        Box(0, 40, WIDTH, 8),  # flat
        Box(0, 0, WIDTH, HEIGHT),
    ],
)
def test_any_box_gives_something_inside_it_and_the_same_again(load, box):
    found = object_in_box(load, IMAGE, box)
    flags = box_flags(box, HEIGHT, WIDTH) > 0
    assert (found.dtype, found.shape) == (np.float32, (HEIGHT, WIDTH))
    assert 0 <= found.min() <= found.max() <= 1
    assert not found[~flags].any()
    assert (found >= 0.5).any()
    assert np.array_equal(object_in_box(load, IMAGE, box), found)


class Answering(torch.nn.Module):
    """Object wherever the mask input says so, and on the picture's leftmost column it sees."""

    def forward(self, image, guidance):
        self.seen = image, guidance
        answer = 20 * guidance
        answer[..., 0] = 20
        return answer


def test_the_box_network_is_given_the_filled_box_on_a_crop_about_it():
    network, box = Answering(), Box(480.4, 352, 80.2, 64)
    image = cv2.resize(IMAGE, None, fx=8, fy=8)
    found = by_box_network(network, image, box)
    seen, guidance = network.seen
    assert set(np.unique(guidance.cpu())) == {-1, 1}
    assert seen.shape[2:] == guidance.shape[2:]
    assert (found.shape, found.dtype) == ((8 * HEIGHT, 8 * WIDTH), np.float32)
    inside = box_flags(box, *found.shape) > 0
    assert not found[~inside].any()
    assert (found[inside] > 0.5).mean() > 0.9
    assert (guidance > 0).float().mean() > 0.15, "a crop, not the whole frame"


def test_where_the_network_finds_nothing_grabcut_does(load, monkeypatch):
    monkeypatch.setattr(boxes, "by_box_network", lambda *_: np.full((HEIGHT, WIDTH), 0.4, np.float32))
    assert np.array_equal(object_in_box(load, IMAGE, DISK), grab_cut_box(IMAGE, DISK))


def test_a_box_too_narrow_for_anything_is_all_object(load):
    line = Box(0, 40, WIDTH, 2)
    assert not grab_cut_box(IMAGE, line).any()
    assert np.array_equal(object_in_box(load, IMAGE, line), box_flags(line, HEIGHT, WIDTH))


@pytest.mark.parametrize("zoom", [1, 8])
def test_masks_are_made_at_the_pictures_own_size(load, zoom):
    image = cv2.resize(IMAGE, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
    box = Box(DISK.x * zoom, DISK.y * zoom, DISK.width * zoom, DISK.height * zoom)
    mask = mask_in_box(load, image, box)
    assert (mask.dtype, mask.shape) == (np.uint8, image.shape[:2])
    assert set(np.unique(mask)) == {0, 255}
    assert not mask[box_flags(box, *mask.shape) == 0].any()
    assert j(mask / 255, cv2.resize(TRUTH, mask.shape[::-1])) > 0.85
