"""A small scene that methods are tested on: a red disk with a yellow stripe crossing a green ground."""

import numpy as np

from vosengine.finetune import Shot

HEIGHT, WIDTH = 96, 160


def frame(number):
    """A red disk with a yellow stripe crossing a green, textured ground."""
    rng = np.random.default_rng(0)
    image = np.repeat(np.repeat(rng.integers(40, 110, (24, 40, 3), np.uint8), 4, 0), 4, 1)
    image[..., 1] += 60
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    cx, cy = 50 + 4 * number, 46 + number
    mask = (np.hypot(x - cx, y - cy) < 22).astype(np.float32)
    image[mask > 0] = (210, 40, 40)
    image[(mask > 0) & (abs(y - cy) < 4)] = (230, 220, 60)
    return image, mask


def shots(*numbers):
    return [Shot(n, *frame(n)) for n in numbers]


def j(probability, mask):
    found = probability >= 0.5
    return (found & (mask > 0)).sum() / (found | (mask > 0)).sum()


def follow(method, count=5):
    track = method.begin(shots(0), 0)
    return [track.segment(frame(n)[0]) for n in range(1, count)]
