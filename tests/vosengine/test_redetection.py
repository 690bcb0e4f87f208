"""Cuts, regions and resemblance on made-up pictures and memories; a lost object found again."""

import numpy as np
import pytest
import torch

from vosengine.config import preset
from vosengine.finetune import Shot
from vosengine.methods.guided import Guided
from vosengine.networks.lite import Memory
from vosengine.redetection import is_cut, is_strange, largest_region, resemblance
from vosengine.weights import load_network

HEIGHT, WIDTH = 128, 384
EMPTY = np.zeros((HEIGHT, WIDTH), np.float32)


def ground(seed=0, tint=(0, 60, 0)):
    rng = np.random.default_rng(seed)
    tiles = rng.integers(40, 110, (HEIGHT // 4, WIDTH // 4, 3), np.uint8)
    return np.repeat(np.repeat(tiles, 4, 0), 4, 1) + np.uint8(tint)


def disk(image, x, y):
    """A striped disk on the ground, and its mask."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    inside = np.hypot(columns - x, rows - y) < 16
    image = image.copy()
    image[inside] = (210, 40, 40)
    image[inside & (abs(rows - y) < 3)] = (230, 220, 60)
    return image, inside.astype(np.float32)


GREEN, BLUE = ground(), ground(1, (0, 20, 120))
BEFORE = [disk(GREEN, 60 + 3 * n, 60) for n in range(3)]


@pytest.fixture(scope="module")
def method():
    return Guided(load_network("lite", "lite"), preset("balanced", crop_area=128 * 96))


def followed(method, frames):
    """J of every frame after the first, 1 where there is neither an object nor a result."""
    track = method.begin([Shot(0, *frames[0])], 0)
    scores = []
    for image, mask in frames[1:]:
        found = track.segment(image) >= 0.5
        union = (found | (mask > 0)).sum()
        scores.append((found & (mask > 0)).sum() / union if union else 1.0)
    return scores


def test_an_object_hidden_for_a_while_is_found_far_from_where_it_went(method):
    hidden = [(GREEN, EMPTY)] * 3
    scores = followed(method, [*BEFORE, *hidden, *(disk(GREEN, 300 + 3 * n, 70) for n in range(3))])
    assert min(scores[:5]) > 0.9
    assert min(scores[-2:]) > 0.9


def test_an_object_is_found_across_a_cut(method):
    scores = followed(method, [*BEFORE, *(disk(BLUE, 300 + 3 * n, 70) for n in range(3))])
    assert min(scores) > 0.9


def test_nothing_is_found_in_a_foreign_shot_and_the_object_after_it(method):
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    foreign = BLUE.copy()
    foreign[(abs(x - 150) < 25) & (abs(y - 64) < 35)] = (240, 240, 240)
    scores = followed(
        method, [*BEFORE, *[(foreign, EMPTY)] * 3, *(disk(GREEN, 80, 60 + n) for n in range(3))]
    )
    assert min(scores) > 0.9


def test_an_object_faster_than_the_flow_can_follow_is_found(method):
    scores = followed(method, [disk(GREEN, 60 + 60 * n, 60 + 10 * (n % 2)) for n in range(5)])
    assert min(scores[-3:]) > 0.9


def test_only_untrusted_flow_and_other_colours_together_are_a_cut():
    trusted, untrusted = np.ones((HEIGHT, WIDTH), np.float32), np.full((HEIGHT, WIDTH), 0.1, np.float32)
    assert is_cut(GREEN, BLUE, untrusted)
    assert not is_cut(GREEN, BLUE, trusted)
    assert not is_cut(GREEN, GREEN[:, ::-1], untrusted)


def test_the_largest_region_is_that_of_the_largest_sum():
    probability = np.zeros((20, 30), np.float32)
    probability[2:8, 2:8] = 0.9  # 36 pixels, sum 32.4
    probability[10:18, 10:15] = 0.6  # 40 pixels, sum 24
    probability[0, 29] = 0.4
    region = largest_region(probability)
    expected = np.zeros_like(probability)
    expected[2:8, 2:8] = 0.9
    assert np.array_equal(region, expected)
    assert largest_region(np.full((4, 4), 0.49, np.float32)) is None


def memory(keys, coverage):
    """Keys as unit vectors in the plane given by their angles in degrees."""
    angles = torch.deg2rad(torch.tensor(keys, dtype=torch.float32))
    unit = torch.stack((angles.cos(), angles.sin()))[None]
    return Memory(unit, torch.zeros(1, 1, len(keys)), torch.tensor(coverage, dtype=torch.float32)[None, None])


def test_resemblance_is_the_mean_best_cosine_inside_and_outside():
    known = memory([0, 90, 180], [1, 0, 0])
    own = memory([60, 0, 120], [1, 1, 0])
    inside, outside = resemblance(own, known)
    assert inside == pytest.approx((np.cos(np.pi / 3) + 1) / 2, abs=1e-6)
    assert outside == pytest.approx((np.cos(np.pi / 6) + 0) / 2, abs=1e-6)
    assert not is_strange(own, known)
    assert is_strange(memory([60, 0, 120], [1, 0, 1]), known)
    assert resemblance(memory([0], [0]), known) == (-1, -1)
