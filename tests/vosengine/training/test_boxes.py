"""Crops with boxes: what they show is checked against the stills they are made of."""

import numpy as np
import pytest
import torch

from tests.vosengine.training.test_masktrack import still
from vosengine.augment import bounding_box
from vosengine.finetune import Shot
from vosengine.training.boxes import LEAST_PIXELS, SLOPPINESS, BoxedCrops, box_views, sloppy_box

STILLS = [still(n, 96, 128) for n in range(6)]


def test_the_same_number_and_seed_give_the_same_crops_wherever_a_run_resumes():
    clips = [[still(n, 96, 128) for n in range(7, 9)]]
    whole = BoxedCrops(STILLS, clips, 2, 5, shapes=((32, 64), (64, 64)))
    resumed = BoxedCrops(STILLS, clips, 2, 5, first=3, shapes=((32, 64), (64, 64)))
    other = BoxedCrops(STILLS, clips, 2, 5, seed=1, shapes=((32, 64), (64, 64)))
    assert all(torch.equal(a, b) for a, b in zip(whole[3], resumed[0], strict=True))
    assert not torch.equal(whole[3][0], other[3][0])
    assert whole[2][0].shape == (2, 3, 32, 64)
    assert whole[3][1].shape == whole[3][2].shape == (2, 1, 64, 64)


def test_crops_show_the_object_and_are_given_a_box_about_it():
    views = [BoxedCrops(STILLS, [], 1, 1).sample(n, 96, 128) for n in range(40)]
    for view in views:
        assert view.mask.sum() >= LEAST_PIXELS
        assert set(np.unique(view.mask)) == {0, 1}
        assert set(np.unique(view.guidance)) == {-1, 1}
        filled = view.guidance > 0
        assert filled.sum() == bounding_box(view.guidance).area, "one filled rectangle"
        assert (filled & (view.mask > 0)).sum() > 0.8 * view.mask.sum()
        red = view.image[view.mask > 0].astype(float)
        rest = view.image[(view.mask == 0)].astype(float)
        assert red[:, 0].mean() - red[:, 2].mean() > rest[:, 0].mean() - rest[:, 2].mean()
    assert len({(view.guidance > 0).sum() for view in views}) > 20, "no two crops are alike"


def test_clips_have_their_share_and_another_object_reaches_into_some_crops():
    blue = still(0, 96, 128)
    blue.image[blue.mask > 0] = (20, 20, 250)
    crops = BoxedCrops(STILLS, [[blue, blue]], 1, 1)

    def is_blue(view, where):
        red, _, blue = view.image[where].astype(float).mean(0)
        return blue > red

    views = [crops.sample(n, 96, 128) for n in range(100)]
    assert 0.25 < np.mean([is_blue(view, view.mask > 0) for view in views]) < 0.55
    strays = [view.image.astype(int)[view.mask == 0] for view in views]
    share = np.mean([(np.abs(pixels[:, 0] - pixels[:, 2]) > 120).sum() > 60 for pixels in strays])
    assert 0.1 < share < 0.6


@pytest.mark.parametrize("seed", range(20))
def test_a_sloppy_box_is_off_by_no_more_than_it_may(seed):
    mask = np.zeros((200, 300), np.float32)
    mask[50:150, 60:260] = 1
    box = bounding_box(sloppy_box(np.random.default_rng(seed), mask))
    across, down = 200 * SLOPPINESS + 1, 100 * SLOPPINESS + 1  # a box covers each pixel that it touches
    assert abs(box.x - 60) <= across
    assert abs(box.x + box.width - 260) <= across
    assert abs(box.y - 50) <= down
    assert abs(box.y + box.height - 150) <= down


def test_validation_sees_clips_as_boxes_are_used():
    small = [still(n, 96, 128) for n in range(3)]
    enlarged = [Shot(s.frame, *(a.repeat(8, 0).repeat(8, 1) for a in (s.image, s.mask))) for s in small]
    views = box_views({"a": enlarged})
    assert len(views) == 6
    for view in views:
        assert bounding_box(view.guidance) == bounding_box(view.mask)
        assert view.mask.shape == view.guidance.shape == view.image.shape[:2]
        assert view.mask.sum() > 0.15 * view.mask.size, "crops, not whole frames"
