"""Marks that correct a mask: it changes near the marks that contradict it, and nowhere else.

GrabCut (`vosengine.grabcut`) cuts anew in the neighbourhood of those marks, with the colours that the mask so
far has there on both sides. A network that knows the object widens the neighbourhood to where it doubts the
mask, and looks again at what was cut (`vosengine.second_look`). Only what hangs together with such a mark
changes, and what the marks say is true of the result pixel for pixel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vosengine.grabcut import (
    BACKGROUND,
    FOREGROUND,
    check_size,
    grab_cut,
    shrunk,
    shrunk_image,
    shrunk_marks,
)
from vosengine.snap import Window, bounding_window, to_full_resolution
from vosengine.types import Image, Mask, Probability

SIDE, LIVE_SIDE = 400, 160  # longer side, in pixels, of what is cut; the second while the pen moves
# How far from a mark the mask may change: this share of the mark's length, but at least these shares of the
# mask's extent and of the frame's diagonal.
REACH_OF_MARK, REACH_OF_MASK, REACH_OF_FRAME = 0.5, 0.02, 0.0055
DOUBT_REACH = 4.0  # where a network doubts the mask it may change as many times as far
CONTEXT = 1.5  # of the reach: how far the colours are learnt
SURE = 0.9  # a probability above this, or as near to 0, is no doubt

Flags = NDArray[np.bool_]


def corrected_mask(image: Image, scribbles: NDArray[np.uint8], previous: Mask, live: bool = False) -> Mask:
    """`previous` corrected by marks, by the image's colours alone.

    image: (height, width, 3). scribbles: (height, width), 0 unmarked, 1 background, 2 foreground. previous:
    (height, width), object from half coverage on. live: coarser, for a pen that still moves.
    Returns a mask: 255 on every foreground mark, 0 on every background mark, `previous` away from the marks
    that contradict it. Raises AnnotationError when the sizes differ.
    """
    correction = Correction(image, scribbles, previous, live)
    return correction.result(correction.cut() if correction.is_needed else None)


@dataclass(frozen=True)
class Neighbourhood:
    """What is looked at round the marks, at the size it is cut at.

    window: where it is in the frame; step: pixels of the frame a pixel; reach: in its own pixels.
    """

    window: Window
    step: tuple[float, float]
    image: Image
    before: Flags
    foreground: Flags
    background: Flags
    reach: float

    @property
    def contradiction(self) -> Flags:
        """The marks that the mask has to give way to."""
        return (self.foreground & ~self.before) | (self.background & self.before)

    def within(self, reaches: float) -> Flags:
        """The pixels as near to those."""
        away = (~self.contradiction).astype(np.uint8)
        distance = cv2.distanceTransform(away, cv2.DIST_L2, cv2.DIST_MASK_5)
        return np.asarray(distance <= reaches * self.reach, bool)

    def part_of(self, values: Probability, frame: tuple[int, int]) -> Probability:
        """This part of a map of the whole frame (height, width), which the map may have at any size."""
        x, y = values.shape[1] / frame[1], values.shape[0] / frame[0]
        rows, columns = self.window
        across, down = x * self.step[0], y * self.step[1]  # pixels of the map a pixel of this
        to_map = np.array(
            [
                [across, 0, columns.start * x + (across - 1) / 2],
                [0, down, rows.start * y + (down - 1) / 2],
            ]
        )
        size, how = self.before.shape[::-1], cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        found = cv2.warpAffine(values, to_map, size, flags=how, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(found, np.float32)

    def settled(self, after: Flags) -> Flags:
        """`after` where it differs from the mask in one piece with a contradicting mark, else the mask; and
        what the marks say."""
        obeyed = (after | self.foreground) & ~self.background
        _, pieces = cv2.connectedComponents((obeyed != self.before).astype(np.uint8), connectivity=8)
        changed = np.isin(pieces, pieces[self.contradiction & (pieces > 0)])
        return np.where(changed, obeyed, self.before)


class Correction:
    """One mask, one frame's marks. The steps are apart, so that a caller can do something else in between."""

    def __init__(
        self, image: Image, scribbles: NDArray[np.uint8], previous: Mask, live: bool = False
    ) -> None:
        """Arguments and errors as those of `corrected_mask`."""
        check_size(image, scribbles, previous)
        self._image, self._shape = image, previous.shape
        self._foreground, self._background = scribbles == FOREGROUND, scribbles == BACKGROUND
        self._before = previous > 127
        self._near = self._neighbourhood(LIVE_SIDE if live else SIDE)

    @property
    def is_needed(self) -> bool:
        """Whether any mark contradicts the mask."""
        return self._near is not None

    def guidance(self) -> Mask:
        """The mask so far with the marks in it, uint8 {0, 255}: what a network is to look at first."""
        return np.where((self._before | self._foreground) & ~self._background, np.uint8(255), np.uint8(0))

    def cut(self, probability: Probability | None = None) -> Flags:
        """The neighbourhood cut anew. `probability`: what a network makes of the frame under `guidance`."""
        near = self._known()
        free = near.within(1)
        if probability is not None:
            seen = near.part_of(probability, self._shape)
            free |= (seen > 1 - SURE) & (seen < SURE) & near.within(DOUBT_REACH)
        part = bounding_window(free, margin=2 + round(CONTEXT * near.reach))
        after = near.before.copy()
        if part is not None:
            labels = np.where(near.before, cv2.GC_FGD, cv2.GC_BGD).astype(np.uint8)
            labels[free] = np.where(near.before, cv2.GC_PR_FGD, cv2.GC_PR_BGD)[free]
            labels[near.foreground], labels[near.background] = cv2.GC_FGD, cv2.GC_BGD
            models = np.zeros((1, 65)), np.zeros((1, 65))
            image = np.ascontiguousarray(near.image[part])
            after[part] = grab_cut(image, np.ascontiguousarray(labels[part]), models, learn=True)
        return near.settled(after)

    def looked_again(self, cut: Flags, probability: Probability) -> Flags:
        """The neighbourhood as a network sees it that was given the result of `cut`."""
        near = self._known()
        seen = near.part_of(probability, self._shape) >= 0.5
        return near.settled(np.where(near.within(DOUBT_REACH), seen, cut))

    def result(self, after: Flags | None) -> Mask:
        """The whole frame's mask, given the neighbourhood's; None where nothing contradicts the mask."""
        mask = self._before.copy()
        if after is not None:
            near = self._known()
            mask[near.window] = self._enlarged(near, after)
        mask = (mask | self._foreground) & ~self._background
        return np.where(mask, np.uint8(255), np.uint8(0))

    def _known(self) -> Neighbourhood:
        if self._near is None:
            raise ValueError("nothing contradicts the mask; ask `is_needed` first")
        return self._near

    def _neighbourhood(self, side: int) -> Neighbourhood | None:
        contradiction = (self._foreground & ~self._before) | (self._background & self._before)
        marked = bounding_window(contradiction, margin=0)
        if marked is None:
            return None
        extent = max(cv2.boundingRect(self.guidance())[2:])
        least = max(REACH_OF_MASK * extent, REACH_OF_FRAME * math.hypot(*self._shape))
        reach = max(REACH_OF_MARK * _longest(contradiction[marked]), least)
        window = bounding_window(contradiction, margin=2 + round((DOUBT_REACH + CONTEXT) * reach))
        assert window is not None  # `marked` is none
        image = np.ascontiguousarray(self._image[window])
        height, width = image.shape[:2]
        scale = min(1.0, side / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        step = width / size[0], height / size[1]
        marks = shrunk_marks(self._foreground[window], self._background[window], size)
        before = shrunk(self._before[window], size) > 0.5
        return Neighbourhood(window, step, shrunk_image(image, size), before, *marks, reach * scale)

    def _enlarged(self, near: Neighbourhood, after: Flags) -> Flags:
        """At the frame's own resolution: on the image's edges where it changed, else the mask as it was."""
        before = self._before[near.window]
        if before.shape == after.shape:
            return after
        size = before.shape[::-1]
        changed = cv2.resize((after != near.before).astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
        image = np.ascontiguousarray(self._image[near.window])
        edges = to_full_resolution(image, after.astype(np.float32)) > 0.5
        return np.where(changed > 0, edges, before)


def _longest(marks: Flags) -> float:
    """The longest extent of one piece of them, in pixels."""
    _, _, statistics, _ = cv2.connectedComponentsWithStats(marks.astype(np.uint8), connectivity=8)
    sides = statistics[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
    return float(np.hypot(sides[:, 0], sides[:, 1]).max())
