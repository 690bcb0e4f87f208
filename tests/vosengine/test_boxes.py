"""Boxes to masks on a painted scene whose truth is known, by the bundled networks."""

import cv2
import numpy as np
import pytest
import torch

from tests.vosengine.methods.scene import HEIGHT, WIDTH, frame, j
from vosengine import boxes
from vosengine.annotations import grab_cut_box
from vosengine.boxes import box_flags, mask_in_box, object_in_box
from vosengine.errors import AnnotationError
from vosengine.finetune import image_tensor, map_tensor
from vosengine.runtime import placed
from vosengine.types import Box
from vosengine.weights import load_network

IMAGE, TRUTH = frame(0)
DISK = Box(28, 24, 44, 44)


@pytest.fixture(scope="module")
def load():
    networks = {names: load_network(*names) for names in boxes.NETWORKS}
    return lambda *names: networks[names]


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


def test_where_the_networks_find_nothing_grabcut_does(load, monkeypatch):
    monkeypatch.setattr(boxes, "_joined", lambda *_: np.full((HEIGHT, WIDTH), 0.4, np.float32))
    assert np.array_equal(object_in_box(load, IMAGE, DISK), grab_cut_box(IMAGE, DISK))


def test_a_box_too_narrow_for_anything_is_all_object(load):
    line = Box(0, 40, WIDTH, 2)
    assert not grab_cut_box(IMAGE, line).any()
    assert np.array_equal(object_in_box(load, IMAGE, line), box_flags(line, HEIGHT, WIDTH))


def test_the_joining_network_sees_the_mean_of_all_answers_and_nothing_outside(load, monkeypatch):
    given = []
    flags = box_flags(DISK, HEIGHT, WIDTH)
    monkeypatch.setattr(boxes, "_by_box_network", lambda *_: np.full((HEIGHT, WIDTH), 0.25, np.float32))
    monkeypatch.setattr(boxes, "_by_mask_head", lambda *_: np.full((HEIGHT, WIDTH), 0.75, np.float32))
    monkeypatch.setattr(boxes, "probability_to_mask", lambda *_: (flags * 255).astype(np.uint8))
    monkeypatch.setattr(boxes, "_joined", lambda *arguments: given.append(arguments[2:4]) or arguments[2])
    object_in_box(load, IMAGE, DISK)
    first, mean = given[0]
    assert np.array_equal(mean, flags / 2)
    assert np.array_equal(first, flags * 0.75)


def test_what_goes_on_outside_the_box_fades_and_what_does_not_stays(load):
    image, answer = IMAGE.copy(), TRUTH.copy()
    image[:, 8:16] = (60, 60, 200)
    answer[24:44, 8:16] = 1
    network = placed(load(*boxes.JOINING)).eval()
    with torch.no_grad():
        features = network.encode(image_tensor(cv2.resize(image, None, fx=4, fy=4)))
        mean = map_tensor(cv2.resize(answer, None, fx=4, fy=4))
        staying = boxes._staying(network, features, mean)[0, 0].cpu().numpy()[::4, ::4]
    assert staying.shape == TRUTH.shape
    assert 0 <= staying.min() <= staying.max() <= 1
    assert staying[36:56, 52:64].mean() > 0.9, "the disk"
    assert staying[26:42, 10:14].mean() < 0.7, "the post, which is as high as the picture"


@pytest.mark.parametrize("zoom", [1, 8])
def test_masks_are_made_at_the_pictures_own_size(load, zoom):
    image = cv2.resize(IMAGE, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
    box = Box(DISK.x * zoom, DISK.y * zoom, DISK.width * zoom, DISK.height * zoom)
    mask = mask_in_box(load, image, box)
    assert (mask.dtype, mask.shape) == (np.uint8, image.shape[:2])
    assert set(np.unique(mask)) == {0, 255}
    assert not mask[box_flags(box, *mask.shape) == 0].any()
    assert j(mask / 255, cv2.resize(TRUTH, mask.shape[::-1])) > 0.85


def test_the_networks_stay_as_they_were(load):
    state = {names: load(*names).state_dict() for names in boxes.NETWORKS}
    before = {names: {k: v.clone() for k, v in own.items()} for names, own in state.items()}
    object_in_box(load, IMAGE, DISK)
    for names, own in state.items():
        assert all(torch.equal(own[k], v) for k, v in before[names].items())
