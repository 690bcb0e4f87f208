"""Evidence on frames made by hand."""

import numpy as np
import pytest

from vosengine.evidence import Watch, after_snapping, watch_from
from vosengine.finetune import Shot

HEIGHT, WIDTH = 120, 160


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
    seen = watch.see(picture(square(56)), square(56))
    assert (seen.unsure, seen.surroundings, seen.lost, seen.moved) == (0, 0, False, None)


def test_doubt_is_what_the_method_says_of_itself(watch):
    assert watch.see(picture(square(50)), square(50, strength=0.8)).unsure == pytest.approx(0.2, abs=1e-6)


def test_missing_a_part_shows_in_the_surroundings(watch):
    # A square of 20 in the corner of the object; beside it a ring of 3 pixels, 26^2 - 20^2 = 276 of them.
    seen = watch.see(picture(square(50)), square(50, side=20))
    assert seen.surroundings == pytest.approx((23 * 23 - 20 * 20) / 276, abs=1e-6)


def test_colours_that_both_had_count_by_their_shares():
    image = picture(square(50))
    image[:, :60] = (90, 90, 90)  # a quarter of the object, and part of what is round it
    watch = Watch(Shot(0, image, square(50)))
    grey = watch.see(np.full_like(image, 90), square(50)).surroundings
    assert 0.3 < grey < 0.5
    assert watch.see(picture(np.ones((HEIGHT, WIDTH))), square(50)).surroundings == pytest.approx(1)


def test_an_empty_result_is_lost(watch):
    nothing = np.zeros((HEIGHT, WIDTH), np.float32)
    seen = watch.see(picture(square(50)), nothing)
    assert seen.lost
    assert (seen.unsure, seen.surroundings, seen.moved) == (1, 1, 1)
    assert after_snapping(seen, nothing, nothing) == seen


def test_how_far_snapping_moved(watch):
    seen = watch.see(picture(square(50)), square(54))
    finished = after_snapping(seen, square(54), square(50))
    assert finished.moved == pytest.approx(1 - 36 / 44)
    assert finished.surroundings == seen.surroundings
    assert after_snapping(seen, square(54), square(54)).moved == 0


def test_the_whole_frame_has_no_surroundings():
    everything = np.ones((HEIGHT, WIDTH), np.float32)
    watch = Watch(Shot(0, picture(everything), everything))
    assert watch.see(picture(everything), everything).surroundings is None


def test_a_sweep_is_watched_from_its_own_start():
    here, there = (
        Shot(n, picture(square(50), colour), square(50)) for n, colour in ((2, (9, 9, 9)), (8, (99, 9, 9)))
    )
    shown = picture(square(50), (99, 9, 9))
    seen = [watch_from([here, there], start).see(shown, square(50, side=20)).surroundings for start in (2, 8)]
    assert seen[0] == 0
    assert seen[1] > 0.3
