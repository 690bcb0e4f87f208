from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from vosengine.pairs import Mix, PairMaker, random_window


@dataclass
class Picture:
    image: np.ndarray
    mask: np.ndarray

    def decode(self):
        return self.image, self.mask


def picture(seed=0, height=96, width=144):
    rng = np.random.default_rng(seed)
    image = cv2.resize(rng.integers(0, 120, (6, 9, 3), np.uint8), (width, height))
    mask = np.zeros((height, width), np.float32)
    cv2.ellipse(mask, (70, 50), (30, 20), 20, 0, 360, 1.0, -1)
    image[mask > 0] = (250, 40, 40)
    return Picture(image, mask)


PLAIN = Mix(clip=0, pasted=0, distractor=0, occluder=0, box_guidance=0, no_guidance=0, damaged_guidance=0)


def test_a_pair_shows_the_object_where_its_mask_says():
    maker = PairMaker([picture()], mix=PLAIN)
    for number in range(5):
        for view in maker.pair(number, 64, 96):
            assert view.image.shape == (64, 96, 3)
            assert set(np.unique(view.mask)) <= {0.0, 1.0}
            inside = cv2.erode(view.mask, np.ones((5, 5))) > 0
            outside = cv2.dilate(view.mask, np.ones((9, 9))) == 0
            red = view.image[..., 0].astype(int) - view.image[..., 1]
            assert inside.sum() > 50
            assert red[inside].mean() > 100
            assert red[outside].mean() < 60


def test_guidance_is_near_the_mask_and_in_range():
    maker = PairMaker([picture()], mix=PLAIN)
    overlaps = []
    for number in range(10):
        view = maker.pair(number, 64, 96)[1]
        assert view.guidance.min() >= -1
        assert view.guidance.max() <= 1 + 1e-5
        a, b = view.guidance > 0, view.mask > 0.5
        overlaps.append((a & b).sum() / (a | b).sum())
    assert np.mean(overlaps) > 0.6
    assert min(overlaps) < 0.98, "guidance must differ from the truth"


def test_the_mix_decides_what_happens():
    unguided = PairMaker([picture()], mix=Mix(clip=0, pasted=0, distractor=0, occluder=0, no_guidance=1))
    assert not unguided.pair(0, 64, 96)[0].guidance.any()
    boxed = PairMaker([picture()], mix=Mix(clip=0, pasted=0, occluder=0, no_guidance=0, box_guidance=1))
    view = boxed.pair(0, 64, 96)[0]
    assert set(np.unique(view.guidance)) == {-1.0, 1.0}
    assert (view.guidance > 0)[view.mask > 0].all()


def test_occluders_hide_part_of_the_object():
    hidden = PairMaker([picture(0), picture(1)], mix=Mix(clip=0, pasted=0, distractor=0, occluder=1))
    shown = PairMaker([picture(0), picture(1)], mix=Mix(clip=0, pasted=0, distractor=0, occluder=0))
    areas = [[v.mask.mean() for n in range(12) for v in maker.pair(n, 64, 96)] for maker in (hidden, shown)]
    assert np.mean(areas[0]) < 0.9 * np.mean(areas[1])


@pytest.mark.parametrize("clips", [False, True])
def test_the_same_number_and_seed_give_the_same_pair(clips):
    frames = [picture(n) for n in range(4)]
    makers = [PairMaker([] if clips else frames, [frames] if clips else [], seed=s) for s in (3, 3, 4)]
    first, again, other = (maker.pair(7, 64, 96) for maker in makers)
    for a, b in zip(first, again, strict=True):
        assert np.array_equal(a.image, b.image)
        assert np.array_equal(a.guidance, b.guidance)
    assert not np.array_equal(first[0].image, other[0].image)


def test_windows_keep_inside_the_image_where_they_fit():
    mask = picture().mask
    for seed in range(20):
        window = random_window(np.random.default_rng(seed), mask, 32, 48)
        scale, x, y = window[0, 0], window[0, 2], window[1, 2]
        if scale * 48 <= 144 and scale * 32 <= 96:
            assert x >= 0
            assert y >= 0
            assert x + 48 * scale <= 144 + 1e-6
            assert y + 32 * scale <= 96 + 1e-6


def recoloured(colour):
    """The same picture with an object of another colour."""
    still = picture()
    image = still.image.copy()
    image[still.mask > 0] = colour
    return Picture(image, still.mask)


def test_half_of_the_pairs_lead_from_a_known_still_to_a_fresh_one_or_back():
    stills = [recoloured((250, 40, 40)), recoloured((40, 40, 250)), recoloured((250, 40, 40))]
    maker = PairMaker(stills, mix=PLAIN, fresh=[False, True, False])
    kinds = []
    for number in range(80):
        views = maker.pair(number, 48, 64)
        inside = [view.image[cv2.erode(view.mask, np.ones((5, 5))) > 0].astype(int) for view in views]
        kinds.append("".join("f" if (pixels[:, 2] - pixels[:, 0]).mean() > 0 else "k" for pixels in inside))
    share = {kind: kinds.count(kind) / len(kinds) for kind in ("kf", "fk", "kk", "ff")}
    assert share == {kind: pytest.approx(0.25, abs=0.12) for kind in share}


@pytest.mark.parametrize("fresh", [(), (False, False), (True, True)])
def test_stills_of_one_kind_are_paired_each_with_itself(fresh):
    stills = [recoloured((250, 40, 40)), recoloured((40, 40, 250))]
    maker, plain = PairMaker(stills, mix=PLAIN, fresh=fresh), PairMaker(stills, mix=PLAIN)
    for number in range(4):
        for view, same in zip(maker.pair(number, 48, 64), plain.pair(number, 48, 64), strict=True):
            assert np.array_equal(view.image, same.image)
            assert np.array_equal(view.guidance, same.guidance)
