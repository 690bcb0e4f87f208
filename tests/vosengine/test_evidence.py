"""Evidence on frames made by hand."""

import math

import numpy as np
import pytest

from vosengine.evidence import Watch, after_snapping, watch_from
from vosengine.finetune import Shot

HEIGHT, WIDTH = 120, 160


class TwoViews:
    disagreement = 0.3


def square(x, y=40, side=40, strength=1.0):
    probability = np.zeros((HEIGHT, WIDTH), np.float32)
    probability[y : y + side, x : x + side] = strength
    return probability


def picture(mask, inside=(200, 30, 30), outside=(30, 30, 200)):
    return np.where(mask[..., None] > 0, np.uint8(inside), np.uint8(outside))


@pytest.fixture
def watch():
    return Watch(Shot(10, picture(square(50)), square(50)))


def test_a_result_like_the_annotation_gives_nothing_to_worry_about(watch):
    seen = watch.see(picture(square(56)), square(56), object())
    assert (seen.unsure, seen.jump, seen.border) == (0, 0, 0)
    assert (seen.surroundings, seen.colours, seen.lost) == (0, 0, False)
    assert (seen.views, seen.moved) == (None, None)


def test_a_track_with_two_views_is_asked_how_far_they_disagree(watch):
    seen = watch.see(picture(square(50)), square(50), TwoViews())
    assert seen.views == 0.3


def test_a_jump_is_against_the_frame_before(watch):
    half = square(50, side=20)
    first = watch.see(picture(half), half, object())
    second = watch.see(picture(half), half, object())
    assert first.jump == pytest.approx(math.log(1616 / 416))
    assert second.jump == 0


def test_leaking_into_the_ground_shows_in_the_colours(watch):
    truth = square(50)
    leaked = np.maximum(truth, square(50, y=70))  # 40 x 70 pixels, of which 30 x 40 show the ground
    seen = watch.see(picture(truth), leaked, object())
    # Hellinger's distance of (4/7, 3/7) from (1, 0).
    assert seen.colours == pytest.approx(math.sqrt(1 - math.sqrt(4 / 7)), abs=1e-3)
    assert seen.surroundings == 0


def test_missing_a_part_shows_in_the_surroundings(watch):
    seen = watch.see(picture(square(50)), square(50, side=20), object())
    assert seen.surroundings > 0.3
    assert seen.colours == 0


def test_an_empty_result_is_lost(watch):
    nothing = np.zeros((HEIGHT, WIDTH), np.float32)
    seen = watch.see(picture(square(50)), nothing, object())
    assert seen.lost
    assert seen.jump == 2
    assert (seen.unsure, seen.views, seen.surroundings, seen.colours, seen.moved) == (1, 1, 1, 1, 1)
    assert after_snapping(seen, nothing, nothing) == seen


def test_touching_the_border(watch):
    seen = watch.see(picture(square(120)), square(120), object())
    assert seen.border == pytest.approx(40 / 160)


def test_how_far_snapping_moved(watch):
    seen = watch.see(picture(square(50)), square(54), TwoViews())
    finished = after_snapping(seen, square(54), square(50))
    assert finished.moved == pytest.approx(1 - 36 / 44)
    assert finished.views == seen.views


def test_the_whole_frame_has_no_surroundings():
    everything = np.ones((HEIGHT, WIDTH), np.float32)
    seen = Watch(Shot(0, picture(everything), everything)).see(picture(everything), everything, object())
    assert (seen.surroundings, seen.border) == (None, 1)


def test_a_sweep_is_watched_from_its_own_start():
    shots = [Shot(n, picture(square(50)), square(50, side=side)) for n, side in ((2, 10), (8, 40))]
    assert (watch_from(shots, 2).area, watch_from(shots, 8).area) == (100, 1600)
