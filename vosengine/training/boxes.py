"""What MaskTrackBox trains on: crops round an object, with a box drawn round it as the mask input.

Perazzi et al., CVPR 2017, section 3.3 give the network the box instead of the mask. Here it sees what it is
shown in use: the part of the image round the box, at the resolution the box deserves, a box as sloppy as a
hand draws it, and now and then another object that reaches into it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from vosengine.augment import bounding_box, colour_jitter, look, look_soft
from vosengine.boxes import AREA, MARGINS, box_flags
from vosengine.crop import window_around
from vosengine.guided_training import as_guidance
from vosengine.pairs import VIEW_MOTION, Source, View, mirror, moved_window, random_window, with_distractor
from vosengine.training.batches import ViewBatches
from vosengine.types import Box, Image, Probability

TRAINED_MARGINS = (1.2, 2.3)  # sides of the crop over the object's
SLOPPINESS = 0.08  # how far each edge of a box may be off, over the box's side
OF_CLIPS, OTHER_OBJECT = 0.4, 0.3  # shares of the samples
JITTER = 0.2
LEAST_PIXELS = 80  # of an object in its crop
VALIDATION_FRAMES = 6  # a clip


class BoxedCrops(ViewBatches):
    """Batch number n of a run: crops round objects, guided by a filled box."""

    def __init__(
        self,
        stills: Sequence[Source],
        clips: Sequence[Sequence[Source]],
        size: int,
        steps: int,
        first: int = 0,
        seed: int = 0,
        shapes: Sequence[tuple[int, int]] = ((192, 288),),
    ) -> None:
        super().__init__(size, steps, first, seed, shapes)
        self.stills, self.clips = stills, clips

    def sample(self, number: int, height: int, width: int) -> View:
        """Sample `number`: the same number and seed give the same one."""
        rng = np.random.default_rng((self.seed, number))
        while True:
            image, mask = self._drawn(rng)
            window = random_window(rng, mask, height, width, TRAINED_MARGINS)
            at = moved_window(rng, mask, window, VIEW_MOTION, height, width)
            canvas, alpha = look(image, at), look_soft(mask, at)
            truth = (alpha > 0.5).astype(np.float32)
            if truth.sum() >= LEAST_PIXELS:
                break
        if rng.random() < OTHER_OBJECT:
            canvas = with_distractor(rng, canvas, alpha, *self._drawn(rng))[0]
        return View(colour_jitter(rng, canvas, JITTER), truth, as_guidance(sloppy_box(rng, truth)))

    def _drawn(self, rng: np.random.Generator) -> tuple[Image, Probability]:
        """A still or a frame of a clip, mirrored half of the time."""
        of_clip = len(self.clips) > 0 and rng.random() < OF_CLIPS
        pool = self.clips[int(rng.integers(len(self.clips)))] if of_clip else self.stills
        image, mask = pool[int(rng.integers(len(pool)))].decode()
        return mirror(image, mask) if rng.random() < 0.5 else (image, mask)


def sloppy_box(rng: np.random.Generator, mask: Probability) -> Probability:
    """A filled box about a mask that shows an object, each edge off by up to SLOPPINESS of the box's side."""
    box = bounding_box(mask) or Box(0, 0, *mask.shape[::-1])
    left, right, top, bottom = rng.uniform(-SLOPPINESS, SLOPPINESS, 4)
    width, height = box.width * (1 + right - left), box.height * (1 + bottom - top)
    drawn = Box(box.x + left * box.width, box.y + top * box.height, width, height)
    return box_flags(drawn, *mask.shape)


def box_views(clips: Mapping[str, Sequence[Source]]) -> list[View]:
    """Crops of frames of clips as in use, with the object's own box."""
    views = []
    for frames in clips.values():
        for number in np.linspace(0, len(frames) - 1, VALIDATION_FRAMES).astype(int):
            image, mask = frames[number].decode()
            box = bounding_box(mask)
            if box is None:
                continue
            rows, columns = mask.shape
            window = window_around(box, rows, columns, MARGINS[0], AREA)
            truth, filled = (window.cut_soft(m) > 0.5 for m in (mask, box_flags(box, *mask.shape)))
            guidance = as_guidance(filled.astype(np.float32))
            views.append(View(window.cut(image), truth.astype(np.float32), guidance))
    return views
