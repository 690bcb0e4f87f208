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
    learnt_colours,
    shrunk,
    shrunk_image,
)
from vosengine.snap import to_full_resolution
from vosengine.types import Image, Mask, Probability
from vosengine.windows import Window, bounding_window

# Longer side, in pixels, of what is looked at; the second while the pen moves.
SIDE, LIVE_SIDE = 320, 200
# How far from a mark the mask may change: this share of the mark's length, but at least these shares of the
# mask's extent and of the frame's diagonal.
REACH_OF_MARK, REACH_OF_MASK, REACH_OF_FRAME = 0.5, 0.02, 0.0055
DOUBT_REACH = 4.0  # where a network doubts the mask it may change as many times as far
CONTEXT = 2.0  # of the reach: how far beyond that the colours are learnt
MARKED = 0.5  # share of the most marked pixel's from which a small pixel is marked
EDGE = 0.012  # of the frame's diagonal: soft edges are hardly wider
REFINED_BESIDE = 6  # small pixels beside what changed that are refined with it
DOUBTED_MOST = 0.25  # of the neighbourhood that doubt may free: GrabCut's time grows with it
SURE = 0.9  # a probability above this, or as near to 0, is no doubt

Flags = NDArray[np.bool_]


def corrected_mask(image: Image, scribbles: NDArray[np.uint8], previous: Mask, live: bool = False) -> Mask:
    """`previous` corrected by marks, by the image's colours alone.

    image: (height, width, 3). scribbles: (height, width), 0 unmarked, 1 background, 2 foreground. previous:
    (height, width), soft edges included, object from half coverage on. live: coarser, for a pen that still
    moves.
    Returns a mask: 255 on every foreground mark, 0 on every background mark, hard where it changed, and
    `previous` as it was away from the marks that contradict it. Raises AnnotationError when the sizes differ.
    """
    correction = Correction(image, scribbles, previous, LIVE_SIDE if live else SIDE)
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
        return np.asarray(self._away() <= reaches * self.reach, bool)

    def nearest(self, pixels: Flags, most: float) -> Flags:
        """Of these pixels those within the reach of doubt; where that is more than a share `most` of all, the
        nearest.
        """
        away, count = self._away(), int(most * pixels.size)
        found = pixels & (away <= DOUBT_REACH * self.reach)
        if np.count_nonzero(found) <= count:
            return found
        return np.asarray(found & (away <= np.partition(away[found], count)[count]), bool)

    def _away(self) -> NDArray[np.float32]:
        """How far each pixel is from them."""
        others = (~self.contradiction).astype(np.uint8)
        return np.asarray(cv2.distanceTransform(others, cv2.DIST_L2, cv2.DIST_MASK_5), np.float32)

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

    def cut_in(self, part: Window, free: Flags) -> Flags:
        """A part of it cut anew where it is `free`; what may turn over there is not learnt from."""
        before, free = self.before[part], free[part]
        foreground, background = self.foreground[part], self.background[part]
        labels = np.where(before, cv2.GC_FGD, cv2.GC_BGD).astype(np.uint8)
        labels[free] = np.where(before, cv2.GC_PR_FGD, cv2.GC_PR_BGD)[free]
        labels[foreground], labels[background] = cv2.GC_FGD, cv2.GC_BGD
        grows, shrinks = (foreground & ~before).any(), (background & before).any()
        contested = free & ((grows & ~before) | (shrinks & before))
        image = np.ascontiguousarray(self.image[part])
        models = learnt_colours(image, labels, ~contested | foreground | background)
        return grab_cut(image, labels, models, learn=False)

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
        self,
        image: Image,
        scribbles: NDArray[np.uint8],
        previous: Mask,
        side: int = SIDE,
        doubtful: bool = False,
    ) -> None:
        """Arguments and errors as those of `corrected_mask`. doubtful: a network's doubt will widen it."""
        check_size(image, scribbles, previous)
        self._image, self._shape = image, previous.shape
        self._foreground, self._background = scribbles == FOREGROUND, scribbles == BACKGROUND
        self._previous, self._before = previous, previous > 127
        self._near = self._neighbourhood(side, CONTEXT + (DOUBT_REACH if doubtful else 1.0))

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
            free |= near.nearest((seen > 1 - SURE) & (seen < SURE), DOUBTED_MOST)
        part = bounding_window(free, margin=2 + round(CONTEXT * near.reach))
        after = near.before.copy()
        if part is not None:
            after[part] = near.cut_in(part, free)
        return near.settled(after)

    def looked_again(self, cut: Flags, probability: Probability) -> Flags:
        """The neighbourhood as a network sees it that was given the result of `cut`."""
        near = self._known()
        seen = near.part_of(probability, self._shape) >= 0.5
        return near.settled(np.where(near.within(DOUBT_REACH), seen, cut))

    def result(self, after: Flags | None) -> Mask:
        """The whole frame's mask, given the neighbourhood's; None where nothing contradicts the mask."""
        inside = self._before.copy()
        if after is not None:
            near = self._known()
            inside[near.window] = self._enlarged(near, after)
        inside = (inside | self._foreground) & ~self._background
        hard = np.where(inside, np.uint8(255), np.uint8(0))
        kept = ~(self._foreground | self._background)
        if self._near is not None:
            kept[self._near.window] &= ~self._beside((inside != self._before)[self._near.window])
        return np.where(kept, self._previous, hard)

    def _beside(self, changed: Flags) -> Flags:
        """Where the former edge's softness would be a seam: what changed, and what is near it."""
        reach = max(6, round(EDGE * math.hypot(*self._shape)))
        return cv2.dilate(changed.astype(np.uint8), np.ones((2 * reach + 1,) * 2, np.uint8)) > 0

    def _known(self) -> Neighbourhood:
        if self._near is None:
            raise ValueError("nothing contradicts the mask; ask `is_needed` first")
        return self._near

    def _neighbourhood(self, side: int, reaches: float) -> Neighbourhood | None:
        contradiction = (self._foreground & ~self._before) | (self._background & self._before)
        marked = bounding_window(contradiction, margin=0)
        if marked is None:
            return None
        extent = max(cv2.boundingRect(self.guidance())[2:])
        least = max(REACH_OF_MASK * extent, REACH_OF_FRAME * math.hypot(*self._shape))
        reach = max(REACH_OF_MARK * _longest(contradiction[marked]), least)
        window = bounding_window(contradiction, margin=2 + round(reaches * reach))
        assert window is not None  # `marked` is none
        image = np.ascontiguousarray(self._image[window])
        height, width = image.shape[:2]
        scale = min(1.0, side / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        step = width / size[0], height / size[1]
        marks = [_shrunk_marks(marks[window], size) for marks in (self._foreground, self._background)]
        before = shrunk(self._before[window], size) > 0.5
        small = shrunk_image(image, size)
        return Neighbourhood(window, step, small, before, marks[0], marks[1] & ~marks[0], reach * scale)

    def _enlarged(self, near: Neighbourhood, after: Flags) -> Flags:
        """At the frame's own resolution: on the image's edges where it changed, else the mask as it was."""
        before = self._before[near.window]
        if before.shape == after.shape:
            return after
        size = before.shape[::-1]
        changed = cv2.resize((after != near.before).astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
        # A little more than what changed, in whole small pixels: edges beyond stay as they were.
        part = bounding_window(after != near.before, margin=REFINED_BESIDE)
        if part is None:
            return before
        place = _enlarged_window(part, near.step, before.shape)
        image = np.ascontiguousarray(self._image[near.window][place])
        edges = to_full_resolution(image, after[part].astype(np.float32)) > 0.5
        result = before.copy()
        result[place] = np.where(changed[place] > 0, edges, before[place])
        return result


def _enlarged_window(window: Window, step: tuple[float, float], shape: tuple[int, int]) -> Window:
    """Where a part of a small picture lies in the large one, `step` (x, y) of whose pixels are one of its."""
    sides = zip(window, step[::-1], shape, strict=True)
    rows, columns = (
        slice(round(side.start * size), min(round(side.stop * size), most)) for side, size, most in sides
    )
    return rows, columns


def _shrunk_marks(marks: Flags, size: tuple[int, int]) -> Flags:
    """Marks at `size`, no wider than they are, and not lost where they are thin."""
    share = shrunk(marks, size)
    return share >= max(MARKED * float(share.max()), 1e-6)


def _longest(marks: Flags) -> float:
    """The longest extent of one piece of them, in pixels."""
    _, _, statistics, _ = cv2.connectedComponentsWithStats(marks.astype(np.uint8), connectivity=8)
    sides = statistics[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
    return float(np.hypot(sides[:, 0], sides[:, 1]).max())
