"""Synthetic pairs of frames: the same object seen twice, with the guidance mask a propagation would give.

A still becomes a pair by moving object and background independently (pasted on another background) or
together; distractors and occluders come from other stills. Two frames of a training clip are a pair as they
are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from vosengine.augment import (
    Affine,
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
from vosengine.types import Box, Image, Probability

ACROSS = 0.5  # of the pairs show a known and a fresh still, where there are both
VIEW_MOTION = Motion(scale=0.2, shift=0.12, rotation=15, bend=0.03)
GUIDANCE_MOTIONS = (
    Motion(scale=0.03, shift=0.03, rotation=3, bend=0.02),
    Motion(scale=0.1, shift=0.1, rotation=8, bend=0.05),
    Motion(scale=0.25, shift=0.25, rotation=15, bend=0.08),
)


class Source(Protocol):
    """Something that gives an image and its mask."""

    def decode(self) -> tuple[Image, Probability]:
        """uint8 RGB (height, width, 3) and float32 (height, width) in [0, 1]."""


@dataclass(frozen=True)
class View:
    """One frame of a pair: image (h, w, 3) uint8, mask and guidance (h, w) float32; guidance in [-1, 1]."""

    image: Image
    mask: Probability
    guidance: Probability


@dataclass(frozen=True)
class Mix:
    """How often each thing happens when pairs are made."""

    clip: float = 0.3
    pasted: float = 0.45
    distractor: float = 0.3
    occluder: float = 0.15
    box_guidance: float = 0.1
    no_guidance: float = 0.15
    damaged_guidance: float = 0.2
    relit: float = 0.3


class PairMaker:
    """Makes pair number n of a training run: the same n and seed give the same pair."""

    def __init__(
        self,
        stills: Sequence[Source],
        clips: Sequence[Sequence[Source]] = (),
        seed: int = 0,
        mix: Mix | None = None,
        fresh: Sequence[bool] = (),
    ) -> None:
        """fresh: which of the stills, all of one object, the network has yet to learn."""
        self.stills = stills
        self.groups = _groups(stills, fresh)
        self.clips = [frames for frames in clips if len(frames) > 1]
        self.seed = seed
        self.mix = mix or Mix()

    def pair(self, number: int, height: int, width: int) -> tuple[View, View]:
        """Two views of height x width pixels."""
        rng = np.random.default_rng((self.seed, number))
        if self.groups and rng.random() < ACROSS:
            return self._across(rng, height, width)
        if self.clips and (not self.stills or rng.random() < self.mix.clip):
            return self._from_clip(rng, height, width)
        return self._from_still(rng, height, width)

    def _still(self, rng: np.random.Generator) -> tuple[Image, Probability]:
        """A random still, mirrored half of the time; a clip's frame where there are no stills. Where some are
        fresh, a fresh one half of the time.
        """
        if self.groups:
            pool: Sequence[Source] = self.groups[int(rng.integers(2))]
        else:
            pool = self.stills or self.clips[int(rng.integers(len(self.clips)))]
        still = self._drawn(rng, pool)
        return mirror(*still) if rng.random() < 0.5 else still

    def _drawn(self, rng: np.random.Generator, pool: Sequence[Source]) -> tuple[Image, Probability]:
        return pool[int(rng.integers(len(pool)))].decode()

    def _from_still(self, rng: np.random.Generator, height: int, width: int) -> tuple[View, View]:
        image, mask = self._still(rng)
        if bounding_box(mask) is None:
            return self._from_still(rng, height, width)
        image = colour_jitter(rng, image, 0.15)
        background = self._still(rng)[0] if rng.random() < self.mix.pasted else None
        distractor = self._distractor(rng, image, mask) if rng.random() < self.mix.distractor else None
        occluder = self._still(rng) if rng.random() < self.mix.occluder else None
        window = random_window(rng, mask, height, width)
        views = []
        for _ in range(2):
            views.append(
                self._view(rng, image, mask, background, distractor, occluder, window, height, width)
            )
        return views[0], views[1]

    def _across(self, rng: np.random.Generator, height: int, width: int) -> tuple[View, View]:
        """Views of a known and a fresh still, in either order: what a propagation between the two sees."""
        mirrored, jitter_seed = rng.random() < 0.5, int(rng.integers(2**31))
        occluder = self._still(rng) if rng.random() < self.mix.occluder else None
        views = []
        for group in rng.permutation(2):
            still = self._drawn(rng, self.groups[group])
            image, mask = mirror(*still) if mirrored else still
            image = colour_jitter(np.random.default_rng(jitter_seed), image, 0.15)
            window = random_window(rng, mask, height, width)
            views.append(self._view(rng, image, mask, None, None, occluder, window, height, width))
        return views[0], views[1]

    def _distractor(
        self, rng: np.random.Generator, image: Image, mask: Probability
    ) -> tuple[Image, Probability]:
        """Another object, or the same one mirrored: what a matcher confuses with the object."""
        if rng.random() < 0.5:
            return mirror(image, mask)
        return self._still(rng)

    def _view(
        self,
        rng: np.random.Generator,
        image: Image,
        mask: Probability,
        background: Image | None,
        distractor: tuple[Image, Probability] | None,
        occluder: tuple[Image, Probability] | None,
        window: Affine,
        height: int,
        width: int,
    ) -> View:
        at = moved_window(rng, mask, window, VIEW_MOTION, height, width)
        canvas, alpha = look(image, at), look_soft(mask, at)
        if background is not None:
            canvas = composite(_stretched(rng, background, height, width), canvas, _softened(alpha))
        wrong = np.zeros_like(alpha)
        if distractor is not None:
            canvas, wrong = with_distractor(rng, canvas, alpha, *distractor)
        if occluder is not None and rng.random() < 0.6:
            canvas, alpha = _occluded(rng, canvas, alpha, *occluder)
        if rng.random() < 0.3:
            canvas = blur(rng, canvas)
        canvas = colour_jitter(rng, canvas, 0.15 if rng.random() < self.mix.relit else 0.05)
        truth = (alpha > 0.5).astype(np.float32)
        return View(canvas, truth, self._guidance(rng, truth, truth, wrong))

    def _from_clip(self, rng: np.random.Generator, height: int, width: int) -> tuple[View, View]:
        frames = self.clips[int(rng.integers(len(self.clips)))]
        first = int(rng.integers(len(frames)))
        reach = int(rng.integers(1, 25))
        second = int(np.clip(first + (reach if rng.random() < 0.5 else -reach), 0, len(frames) - 1))
        mirrored = rng.random() < 0.5
        jitter_seed = int(rng.integers(2**31))
        occluder = self._still(rng) if self.stills and rng.random() < self.mix.occluder else None
        views = []
        for number in (first, second):
            image, mask = frames[number].decode()
            neighbour = frames[int(np.clip(number + rng.choice((-1, 1)), 0, len(frames) - 1))].decode()[1]
            previous = neighbour if rng.random() < 0.4 else mask
            if mirrored:
                image, mask, previous = image[:, ::-1].copy(), mask[:, ::-1].copy(), previous[:, ::-1].copy()
            anchor = mask if bounding_box(previous) is None else previous
            window = random_window(rng, anchor, height, width)
            motion = Motion(scale=0.1, shift=0.05, rotation=8, bend=0.01)
            at = moved_window(rng, anchor, window, motion, height, width)
            canvas = colour_jitter(np.random.default_rng(jitter_seed), look(image, at), 0.25)
            alpha = look_soft(mask, at)
            if occluder is not None and rng.random() < 0.6:
                canvas, alpha = _occluded(rng, canvas, alpha, *occluder)
            truth = (alpha > 0.5).astype(np.float32)
            seen = look_soft(previous, at)
            views.append(View(canvas, truth, self._guidance(rng, truth, seen, np.zeros_like(seen))))
        return views[0], views[1]

    def _guidance(
        self, rng: np.random.Generator, truth: Probability, previous: Probability, wrong: Probability
    ) -> Probability:
        """The guidance mask in [-1, 1]: deformed, boxed, or unknown (all 0)."""
        kind = rng.random()
        if kind < self.mix.no_guidance:
            return np.zeros_like(truth)
        if kind < self.mix.no_guidance + self.mix.box_guidance:
            return 2 * box_mask(truth) - 1
        motion = GUIDANCE_MOTIONS[int(rng.choice(3, p=(0.4, 0.4, 0.2)))]
        mask = deform_mask(rng, previous, motion)
        if rng.random() < self.mix.damaged_guidance:
            mask = damage_mask(rng, mask)
        if rng.random() < 0.3:
            mask = np.maximum(mask, wrong)
        return 2 * mask - 1


def mirror(image: Image, mask: Probability) -> tuple[Image, Probability]:
    """A view and its mask, left and right exchanged."""
    return np.ascontiguousarray(image[:, ::-1]), np.ascontiguousarray(mask[:, ::-1])


def _groups(stills: Sequence[Source], fresh: Sequence[bool]) -> list[list[Source]]:
    """The known stills and the fresh ones; nothing where all are of one kind."""
    if not any(fresh) or all(fresh):
        return []
    return [[s for s, new in zip(stills, fresh, strict=True) if new is kind] for kind in (False, True)]


def random_window(
    rng: np.random.Generator,
    mask: Probability,
    height: int,
    width: int,
    margins: tuple[float, float] = (1.3, 2.6),
) -> Affine:
    """A crop round the object as at run time, its margin within `margins`, off centre by up to a tenth."""
    rows, columns = mask.shape
    box = bounding_box(mask) or Box(0, 0, columns, rows)
    margin = rng.uniform(*margins)
    scale = max(box.width * margin / width, box.height * margin / height, 0.3)
    scale = min(scale, 1.05 * max(columns / width, rows / height))
    dx, dy = rng.uniform(-0.1, 0.1, 2) * (width * scale, height * scale)
    x = _inside(box.x + box.width / 2 + dx - width * scale / 2, columns - width * scale)
    y = _inside(box.y + box.height / 2 + dy - height * scale / 2, rows - height * scale)
    return np.array([[scale, 0, x], [0, scale, y]])


def _inside(start: float, room: float) -> float:
    """Where a window starts so that it stays inside; centred where there is no room."""
    return min(max(start, 0.0), room) if room > 0 else room / 2


def moved_window(
    rng: np.random.Generator, mask: Probability, window: Affine, motion: Motion, height: int, width: int
) -> NDArray[np.float32]:
    """The map of a window through a random motion about the object."""
    box = bounding_box(mask) or Box(0, 0, mask.shape[1], mask.shape[0])
    scale = window[0, 0]
    centre = ((box.x + box.width / 2 - window[0, 2]) / scale, (box.y + box.height / 2 - window[1, 2]) / scale)
    affine = random_affine(rng, centre, float(np.sqrt(box.area)) / scale, motion)
    at = affine_map(affine, height, width) + bend(rng, height, width, motion.bend)
    return np.asarray(at * np.float32(scale) + window[:, 2].astype(np.float32), np.float32)


def with_distractor(
    rng: np.random.Generator, canvas: Image, alpha: Probability, image: Image, mask: Probability
) -> tuple[Image, Probability]:
    """Another object beside or behind the one in `alpha`; the picture, and what shows of the other one."""
    other, shape = _beside(rng, image, mask, alpha)
    wrong = np.clip(shape - alpha, 0, 1)
    return composite(canvas, other, _softened(wrong)), wrong


def composite(under: Image, over: Image, alpha: Probability) -> Image:
    """`over` on `under`."""
    a = alpha[..., None]
    return np.asarray(under * (1 - a) + over * a + 0.5, np.float32).astype(np.uint8)


def _occluded(
    rng: np.random.Generator, canvas: Image, alpha: Probability, image: Image, mask: Probability
) -> tuple[Image, Probability]:
    """A view and the object's mask in it, with another object partly over it."""
    other, shape = _beside(rng, image, mask, alpha, over=True)
    return composite(canvas, other, _softened(shape)), np.asarray(alpha * (1 - shape), np.float32)


def _softened(alpha: Probability) -> Probability:
    return np.asarray(cv2.GaussianBlur(alpha, (3, 3), 0), np.float32)


def _stretched(rng: np.random.Generator, image: Image, height: int, width: int) -> Image:
    """A random part of another image as background, slightly different each time it is asked for."""
    rows, columns = image.shape[:2]
    scale = min(columns / width, rows / height) * rng.uniform(0.75, 1.0)
    x = rng.uniform(0, columns - width * scale)
    y = rng.uniform(0, rows - height * scale)
    return look(image, affine_map(np.array([[scale, 0, x], [0, scale, y]]), height, width))


def _beside(
    rng: np.random.Generator, image: Image, mask: Probability, alpha: Probability, over: bool = False
) -> tuple[Image, Probability]:
    """Another object, scaled to about the size of the one in `alpha`, beside it or partly over it."""
    height, width = alpha.shape
    box = bounding_box(mask) or Box(0, 0, mask.shape[1], mask.shape[0])
    here = bounding_box(alpha) or Box(0, 0, width, height)
    scale = np.sqrt(box.area / max(here.area, 16.0)) / rng.uniform(0.5, 1.2)
    reach = 0.5 if over else 1.1
    x = here.x + here.width * (0.5 + rng.uniform(-reach, reach))
    y = here.y + here.height * (0.5 + rng.uniform(-reach, reach))
    shift = np.array([box.x + box.width / 2 - scale * x, box.y + box.height / 2 - scale * y])
    at = affine_map(np.array([[scale, 0, shift[0]], [0, scale, shift[1]]]), height, width)
    return look(image, at), look_soft(mask, at)
