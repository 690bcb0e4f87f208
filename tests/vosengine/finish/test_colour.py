"""Straight foreground colour against composites whose foreground is known."""

from __future__ import annotations

import numpy as np
import pytest

from tests.vosengine.finish.drawn import as_matte, disk
from vosengine.finish import Cover, decontaminated

ORANGE, GREEN = np.array([210.0, 120.0, 40.0]), np.array([20.0, 160.0, 50.0])


def composite(alpha: np.ndarray, depth: type = np.uint8) -> tuple[np.ndarray, np.ndarray]:
    """A shaded orange object over green: the picture and the object's own colours everywhere."""
    rows = np.linspace(0.8, 1.1, alpha.shape[0])[:, None, None]
    front = np.broadcast_to(ORANGE * rows, (*alpha.shape, 3))
    mixed = alpha[..., None] * front + (1 - alpha[..., None]) * GREEN
    scale = np.iinfo(depth).max / 255
    return np.rint(mixed * scale).astype(depth), front * scale


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_the_backgrounds_colour_leaves_a_known_composite(depth):
    alpha = disk(25, soft=9)
    image, front = composite(alpha, depth)
    found = decontaminated(image, [Cover(as_matte(alpha), 1)])
    seen = alpha > 0.1
    unit = np.iinfo(depth).max / 255
    assert np.abs(image - front)[seen].max() / unit > 100
    assert np.abs(found - front)[seen].max() / unit < 12
    assert np.abs(found - front)[seen].mean() / unit < 1
    half = decontaminated(image, [Cover(as_matte(alpha), 0.5)]).astype(float)
    assert np.abs(half - (image.astype(float) + found) / 2).max() <= 0.5


def test_the_composite_over_its_own_background_is_the_picture_again():
    alpha = disk(25, soft=9)
    image, _ = composite(alpha)
    found = decontaminated(image, [Cover(as_matte(alpha), 1)])
    again = alpha[..., None] * found + (1 - alpha[..., None]) * GREEN
    assert np.abs(again - image).max() < 3


def test_only_the_edge_changes():
    alpha = disk(25, soft=9)
    image, _ = composite(alpha)
    found = decontaminated(image, [Cover(as_matte(alpha), 1)])
    untouched = (alpha == 1) | (disk(36, soft=1) == 0)
    assert (found[untouched] == image[untouched]).all()
    assert decontaminated(image, [Cover(as_matte(alpha), 0)]) is image
    assert decontaminated(image, [Cover(np.zeros(alpha.shape, np.uint16), 1)]) is image
    with pytest.raises(ValueError, match="differ in size"):
        decontaminated(image[1:], [Cover(as_matte(alpha), 1)])


def test_objects_side_by_side_keep_their_own_colours():
    image = np.zeros((60, 80, 3), np.uint8)
    image[:, :40], image[:, 40:] = (200, 0, 0), (0, 0, 200)
    left, right = np.zeros((2, 60, 80), np.uint16)
    left[15:45, 10:40], right[15:45, 40:70] = 65535, 65535
    found = decontaminated(image, [Cover(left, 1), Cover(right, 0)])
    assert (found[right > 0] == image[right > 0]).all()
    left[15:45, 40], right[15:45, 40] = 32768, 32767
    image[:, 40] = (100, 0, 100)
    covers = [Cover(left, 1), Cover(right, 1)]
    assert (decontaminated(image, covers) == decontaminated(image, covers[::-1])).all()
    # Both objects' colours, each in its share, are the pixel again: composited, nothing is lost.
    assert np.abs(decontaminated(image, covers)[30, 40].astype(int) - (100, 0, 100)).max() <= 3


def test_a_large_picture_is_cleared_as_well_though_its_wide_means_are_coarse():
    small = disk(25, soft=9)
    alpha = np.zeros((1080, 1920), np.float32)
    alpha[500 : 500 + small.shape[0], 900 : 900 + small.shape[1]] = small
    image, front = composite(alpha)
    found = decontaminated(image, [Cover(as_matte(alpha), 1)])
    seen = alpha > 0.1
    assert np.abs(found - front)[seen].mean() < 1.2
    assert np.abs(found - front)[seen].max() < 12
