"""Single frames with a target, at random zoom and rotation: what networks without a memory train on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from vosengine.augment import Map, affine_map, colour_jitter, look, look_soft
from vosengine.pairs import Source
from vosengine.training.batches import NumberedBatches
from vosengine.types import Image, Probability

# About the area of a frame of 480p footage at half resolution; sides multiples of 32.
SHAPES = ((224, 384), (224, 384), (256, 352), (320, 256))
ROTATION, LARGEST_ZOOM, JITTER = 15.0, 2.0, 0.15

Target = Callable[[Probability, Map], Probability]


def hard_mask(mask: Probability, at: Map) -> Probability:
    """The mask through a map, in {0, 1}, 0 outside."""
    return (look_soft(mask, at) > 0.5).astype(np.float32)


class StillBatches(NumberedBatches[tuple[Tensor, Tensor]]):
    """Batch number n of a run: images (size, 3, h, w) uint8, targets (size, 1, h, w) float32.

    Each sample is drawn from a random group (a clip, or the stills), all groups of stills and of clips
    having a share of one half where there are both. `target` turns a mask and the map it is seen through into
    what is learned.
    """

    def __init__(
        self,
        stills: Sequence[Source],
        clips: Sequence[Sequence[Source]],
        size: int,
        steps: int,
        first: int = 0,
        seed: int = 0,
        target: Target = hard_mask,
    ) -> None:
        super().__init__(size, steps, first)
        self.stills, self.clips = stills, clips
        self.seed, self.target = seed, target

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Batch `step`."""
        height, width = SHAPES[step % len(SHAPES)]
        samples = [self.sample(step * self.size + n, height, width) for n in range(self.size)]
        images = torch.from_numpy(np.stack([image for image, _ in samples])).permute(0, 3, 1, 2)
        return images, torch.from_numpy(np.stack([target for _, target in samples]))[:, None]

    def sample(self, number: int, height: int, width: int) -> tuple[Image, Probability]:
        """Sample `number`: the same number and seed give the same one."""
        rng = np.random.default_rng((self.seed, number))
        pool = self.stills
        if self.clips and (not self.stills or rng.random() < 0.5):
            pool = self.clips[int(rng.integers(len(self.clips)))]
        image, mask = pool[int(rng.integers(len(pool)))].decode()
        return seen(rng, image, mask, height, width, self.target)


def seen(
    rng: np.random.Generator,
    image: Image,
    mask: Probability,
    height: int,
    width: int,
    target: Target,
) -> tuple[Image, Probability]:
    """A random part of an image, mirrored half of the time, rotated, its colours changed; and its target."""
    if rng.random() < 0.5:
        image, mask = np.ascontiguousarray(image[:, ::-1]), np.ascontiguousarray(mask[:, ::-1])
    rows, columns = mask.shape
    scale = min(columns / width, rows / height) / rng.uniform(1.0, LARGEST_ZOOM)
    angle = np.deg2rad(rng.uniform(-ROTATION, ROTATION))
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    room = np.array([columns - width * scale, rows - height * scale])
    centre = np.array([columns, rows]) / 2 + rng.uniform(-0.5, 0.5, 2) * room
    at = affine_map(np.column_stack((turn, centre - turn @ (width / 2, height / 2))), height, width)
    return colour_jitter(rng, look(image, at), JITTER), target(mask, at)
