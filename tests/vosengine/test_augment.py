import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vosengine.augment import (
    Motion,
    affine_map,
    bend,
    blur,
    bounding_box,
    box_mask,
    colour_jitter,
    damage_mask,
    deform_mask,
    look,
    look_soft,
    random_affine,
)
from vosengine.types import Box


def disk(height=96, width=128, radius=20.0):
    y, x = np.mgrid[0:height, 0:width]
    return (np.hypot(x - width / 2, y - height / 2) < radius).astype(np.float32)


def test_bounding_box_by_hand():
    mask = np.zeros((10, 12), np.float32)
    assert bounding_box(mask) is None
    mask[2:5, 3:9] = 1
    assert bounding_box(mask) == Box(3, 2, 6, 3)
    assert box_mask(mask).sum() == 18


def test_identity_and_shift_maps_move_pixels_exactly():
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    identity = np.array([[1.0, 0, 0], [0, 1, 0]])
    assert np.array_equal(look(image, affine_map(identity, 20, 30)), image)
    shifted = look(image, affine_map(np.array([[1.0, 0, 3], [0, 1, 2]]), 20, 30))
    assert np.array_equal(shifted[:18, :27], image[2:, 3:])
    soft = look_soft(np.ones((20, 30), np.float32), affine_map(np.array([[1.0, 0, 40], [0, 1, 0]]), 20, 30))
    assert not soft.any()


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_random_affine_stays_within_the_motion_and_fixes_its_centre_without_shift(seed):
    rng = np.random.default_rng(seed)
    matrix = random_affine(rng, (40.0, 30.0), 50.0, Motion(scale=0.2, shift=0.0, rotation=10))
    assert np.allclose(matrix @ (40, 30, 1), (40, 30))
    scale = np.sqrt(np.linalg.det(matrix[:, :2]))
    assert np.exp(-0.2) - 1e-9 <= scale <= np.exp(0.2) + 1e-9
    angle = np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0]))
    assert abs(angle) <= 10 + 1e-9


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_deformed_and_damaged_masks_stay_probabilities_near_the_object(seed):
    mask = disk()
    deformed = deform_mask(np.random.default_rng(seed), mask, Motion(0.1, 0.1, 8, 0.05))
    damaged = damage_mask(np.random.default_rng(seed), mask)
    for changed in (deformed, damaged):
        assert changed.dtype == np.float32
        assert changed.min() >= 0
        assert changed.max() <= 1 + 1e-5
    assert not np.array_equal(deformed, mask)
    overlap = (deformed > 0.5) & (mask > 0.5)
    assert overlap.sum() > 0.4 * mask.sum()


def test_damage_takes_parts_away_and_adds_blobs():
    mask = disk()
    changes = [damage_mask(np.random.default_rng(seed), mask).sum() / mask.sum() for seed in range(40)]
    assert min(changes) < 0.9
    assert max(changes) > 1.1


def test_an_empty_mask_stays_empty():
    empty = np.zeros((20, 30), np.float32)
    rng = np.random.default_rng(0)
    assert not deform_mask(rng, empty, Motion()).any()
    assert not damage_mask(rng, empty).any()
    assert not box_mask(empty).any()


def test_same_generator_state_same_result():
    image = np.random.default_rng(1).integers(0, 256, (40, 60, 3), np.uint8)
    for function in (
        lambda r: colour_jitter(r, image, 0.2),
        lambda r: blur(r, image),
        lambda r: bend(r, 9, 8, 0.1),
    ):
        assert np.array_equal(function(np.random.default_rng(5)), function(np.random.default_rng(5)))
    assert not np.array_equal(
        colour_jitter(np.random.default_rng(5), image, 0.2),
        colour_jitter(np.random.default_rng(6), image, 0.2),
    )


def test_blur_keeps_the_mean_of_a_flat_image():
    flat = np.full((30, 30, 3), 100, np.uint8)
    for seed in range(8):
        assert np.abs(blur(np.random.default_rng(seed), flat).astype(int) - 100).max() <= 1


@settings(max_examples=30, deadline=None)
@given(hnp.arrays(np.uint8, (5, 7, 3)), st.integers(0, 1000), st.sampled_from([0.05, 0.15, 0.4]))
def test_colour_jitter_is_gamma_gain_offset_and_saturation_of_each_pixel(image, seed, strength):
    rng = np.random.default_rng(seed)
    gamma = np.exp(rng.uniform(-strength, strength))
    gain = rng.uniform(1 - strength, 1 + strength, 3)
    x = (image / 255) ** gamma * gain + rng.uniform(-strength, strength) / 2
    grey = x.mean(2, keepdims=True)
    x = grey + (x - grey) * rng.uniform(1 - 2 * strength, 1 + 2 * strength)
    jittered = colour_jitter(np.random.default_rng(seed), image, strength)
    assert jittered.dtype == np.uint8
    assert np.abs(jittered - np.clip(x * 255, 0, 255)).max() <= 0.501
