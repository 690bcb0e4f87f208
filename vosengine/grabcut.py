"""Scribbles or a box to a mask: GrabCut made quick enough to follow the pen, and obedient.

Marks that correct a mask are another question: `vosengine.corrections`.

Rother, Kolmogorov, Blake, "GrabCut", SIGGRAPH 2004, through OpenCV. The cut is made on a small copy of the
part of the frame that the marks concern, once more with frozen colour models in a band round its boundary at
twice the size, and is then brought to full resolution along the image's edges. What the marks say is true of
the result pixel for pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vosengine.errors import AnnotationError
from vosengine.language import tr
from vosengine.snap import to_full_resolution
from vosengine.types import Box, Image, Mask
from vosengine.windows import Window, bounding_window

UNMARKED, BACKGROUND, FOREGROUND = 0, 1, 2

COARSE_SIDE = 180  # longer side, in pixels, of the copy that learns the colours
FINE_SIDE = 400  # and of the one that settles the boundary
LIVE_SIDE = 144  # of the only copy while the pen moves
ITERATIONS = 2
# Marks alone do not say how large the object is: it is looked for as far from them as this share of their
# extent, but at least this share of the frame's shorter side.
REACH_OF_EXTENT = 0.6
REACH_OF_FRAME = 0.12
# Of that, only what is as near to a mark as this share of the marks' extent is taken for object at first: the
# cut grows the object where its colours lead, and would not shrink it out of a background learnt as object.
FIRST_REACH = 0.07
# Background assumed beyond the reach, as a share of the region: enough to learn its colours from.
RIM = 0.15

# Of a box alone: the ellipse of this share of its size that is surely object (without it the cut can collapse
# to nothing), and the one that a part of the object has to touch.
BOX_CORE = 0.2
BOX_MIDDLE = 0.5

Labels = NDArray[np.uint8]
Flags = NDArray[np.bool_]
Models = tuple[NDArray[np.float64], NDArray[np.float64]]  # colours of the background, of the foreground


def scribbles_to_mask(
    image: Image,
    scribbles: NDArray[np.uint8],
    box: Box | None = None,
    live: bool = False,
) -> Mask:
    """The object that the marks and the box point to.

    image: (height, width, 3). scribbles: (height, width), 0 unmarked, 1 background, 2 foreground.
    box: the object lies inside it, foreground marks excepted. live: a single coarse cut, for a pen that still
    moves; less than half the time.
    Returns a mask (height, width): 255 on every foreground mark, 0 on every background mark; the same input
    gives the same mask. Raises AnnotationError when the sizes differ or nothing points to the object.
    """
    hints = _hints(image, scribbles, box)
    window = bounding_window(hints.possible | hints.foreground, margin=round(RIM * hints.extent()))
    mask = np.zeros(scribbles.shape, np.uint8)
    assert window is not None  # _hints has refused marks that point to nothing
    inside = _cut(np.ascontiguousarray(image[window]), hints.within(window), live)
    mask[window] = np.where(inside, 255, 0)
    return mask


@dataclass(frozen=True)
class _Hints:
    """What is known of each pixel, at one size.

    possible: where the object can be; without a mark there, the rest is background.
    """

    foreground: Flags
    background: Flags
    possible: Flags
    boxed: bool

    def extent(self) -> int:
        """The longer side of where the object can be, in pixels."""
        return max(cv2.boundingRect((self.possible | self.foreground).astype(np.uint8))[2:])

    def within(self, window: Window) -> _Hints:
        return _Hints(self.foreground[window], self.background[window], self.possible[window], self.boxed)

    def resized(self, size: tuple[int, int]) -> _Hints:
        """At `size` (width, height), smaller or the same; no mark is lost by becoming small."""
        foreground, background = shrunk(self.foreground, size), shrunk(self.background, size)
        is_foreground = (foreground > 0) & (foreground >= background)
        is_background = (background > 0) & ~is_foreground
        return _Hints(is_foreground, is_background, shrunk(self.possible, size) > 0.5, self.boxed)

    def seeds(self) -> Flags:
        """What a part of the object has to touch: marks, the middle of the box."""
        seeds = self.foreground.copy()
        if self.boxed:
            seeds |= _ellipse(self.possible, BOX_MIDDLE)
        return seeds

    def only_box(self) -> bool:
        return self.boxed and not self.foreground.any()


def _hints(image: Image, scribbles: NDArray[np.uint8], box: Box | None) -> _Hints:
    check_size(image, scribbles)
    foreground, background = scribbles == FOREGROUND, scribbles == BACKGROUND
    if box is not None:
        possible = _box_flags(box, image.shape[:2])
    elif foreground.any():
        possible = _reachable(foreground, background)
    else:
        raise AnnotationError(
            tr("Nothing points to the object yet; draw a foreground stroke on it or a box round it.")
        )
    return _Hints(foreground, background, possible, box is not None)


def check_size(image: Image, *drawn: NDArray[np.uint8]) -> None:
    """Raise AnnotationError for scribbles or masks that are not of the image's size."""
    height, width = image.shape[:2]
    if any(each.shape != (height, width) for each in drawn):
        raise AnnotationError(
            tr(
                "The scribbles or the mask do not have the frame's size {width}x{height}; draw them on this "
                "frame."
            ).format(width=width, height=height)
        )


def _box_flags(box: Box, shape: tuple[int, ...]) -> Flags:
    inside = box.clipped(shape[1], shape[0])
    flags = np.zeros(shape, bool)
    flags[
        round(inside.y) : round(inside.y + inside.height), round(inside.x) : round(inside.x + inside.width)
    ] = 1
    if not flags.any():
        raise AnnotationError(tr("The box does not cover any of the frame; draw it round the object."))
    return flags


def _reachable(foreground: Flags, background: Flags) -> Flags:
    """The rectangle round the marks in which the object is looked for."""
    extent = max(cv2.boundingRect(foreground.astype(np.uint8))[2:])
    reach = max(REACH_OF_EXTENT * extent, REACH_OF_FRAME * min(foreground.shape))
    flags = np.zeros(foreground.shape, bool)
    flags[bounding_window(foreground, margin=max(1, round(reach)))] = True
    # Whoever marks background there expects the object to be able to come as far as that.
    flags[bounding_window(flags | background, margin=0)] = True
    return flags


def _cut(image: Image, hints: _Hints, live: bool) -> Flags:
    """The object inside the region, at its full resolution: coarse cut, boundary, edges, marks."""
    sides = (LIVE_SIDE, LIVE_SIDE) if live else (COARSE_SIDE, FINE_SIDE)
    coarse, fine = (_size_within(image, side) for side in sides)
    small = hints.resized(coarse)
    models = no_models()
    inside = _connected(grab_cut(shrunk_image(image, coarse), _labels(small), models, learn=True), small)
    if fine != coarse:
        small = hints.resized(fine)
        labels = _band_labels(inside, small)
        inside = grab_cut(shrunk_image(image, fine), labels, models, learn=False)
    full = to_full_resolution(image, inside.astype(np.float32)) > 0.5
    obeyed = (full | hints.foreground) & ~hints.background
    return _connected(obeyed, hints)


def _labels(hints: _Hints) -> Labels:
    """GrabCut's four labels for the first cut."""
    labels = np.where(_first_guess(hints), cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    return _with_marks(labels, hints)


def _band_labels(inside: Flags, hints: _Hints) -> Labels:
    """The coarse answer everywhere but in a band round its boundary, whose width is two coarse pixels."""
    size = (hints.foreground.shape[1], hints.foreground.shape[0])
    enlarged = cv2.resize(inside.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
    radius = 2 * size[0] / inside.shape[1]
    near = _distance(enlarged > 0.5) + _distance(enlarged <= 0.5) <= radius
    labels = np.where(enlarged > 0.5, cv2.GC_FGD, cv2.GC_BGD).astype(np.uint8)
    labels[near] = np.where(enlarged > 0.5, cv2.GC_PR_FGD, cv2.GC_PR_BGD)[near]
    return _with_marks(labels, hints)


def _with_marks(labels: Labels, hints: _Hints) -> Labels:
    labels[~hints.possible] = cv2.GC_BGD
    if hints.only_box():
        labels[_ellipse(hints.possible, BOX_CORE)] = cv2.GC_FGD
    labels[hints.foreground] = cv2.GC_FGD
    labels[hints.background] = cv2.GC_BGD
    return labels


def _first_guess(hints: _Hints) -> Flags:
    """What is taken for the object before its colours are known."""
    if hints.boxed:
        return _ellipse(hints.possible, 1.0) & ~hints.background
    to_object = _distance(~hints.foreground)
    extent = max(cv2.boundingRect(hints.foreground.astype(np.uint8))[2:])
    near = to_object <= max(2.0, FIRST_REACH * extent)
    return near & (to_object < _distance(~hints.background))


def grab_cut(image: Image, labels: Labels, models: Models, learn: bool) -> Flags:
    """The labels' foreground after the cut; the models are learnt or only used."""
    foreground = (labels & 1).astype(bool)  # GC_FGD and GC_PR_FGD are odd
    if foreground.all() or not foreground.any():
        return foreground  # OpenCV refuses to learn from nothing
    cv2.setRNGSeed(0)  # its k-means starts at random
    mode, iterations = (cv2.GC_INIT_WITH_MASK, ITERATIONS) if learn else (cv2.GC_EVAL_FREEZE_MODEL, 1)
    whole = (0, 0, image.shape[1], image.shape[0])  # not used in these modes
    cv2.grabCut(image, labels, whole, *models, iterations, mode)
    return (labels & 1).astype(bool)


def no_models() -> Models:
    """Room for models, in OpenCV's form."""
    return np.zeros((1, 65)), np.zeros((1, 65))


def learnt_colours(image: Image, labels: Labels, where: Flags) -> Models:
    """The colours of both sides, of these pixels alone; of all where one side has none of them."""
    pixels, sides = image[where][:, None], labels[where][:, None]
    if len(np.unique(sides & 1)) < 2:
        pixels, sides = image, labels.copy()
    models = no_models()
    if len(np.unique(sides & 1)) == 2:  # OpenCV refuses to learn from nothing
        cv2.setRNGSeed(0)
        cv2.grabCut(np.ascontiguousarray(pixels), sides, (0, 0, 1, 1), *models, 0, cv2.GC_INIT_WITH_MASK)
    return models


def _connected(inside: Flags, hints: _Hints) -> Flags:
    """The parts that touch a seed; the largest one when none does."""
    count, parts, statistics, _ = cv2.connectedComponentsWithStats(inside.astype(np.uint8), connectivity=8)
    kept = np.zeros(count, bool)
    kept[np.unique(parts[hints.seeds() & inside])] = True
    if not kept.any() and count > 1:
        kept[1 + np.argmax(statistics[1:, cv2.CC_STAT_AREA])] = True
    return np.asarray(kept[parts], bool)


def _ellipse(flags: Flags, share: float) -> Flags:
    """The ellipse inscribed in the set pixels' bounding box, shrunk to `share` of its size."""
    x, y, width, height = cv2.boundingRect(flags.astype(np.uint8))
    rows, columns = np.ogrid[: flags.shape[0], : flags.shape[1]]
    across = (columns - x - (width - 1) / 2) / max(width * share / 2, 0.5)
    down = (rows - y - (height - 1) / 2) / max(height * share / 2, 0.5)
    return across**2 + down**2 <= 1


def _distance(flags: Flags) -> NDArray[np.float32]:
    """Pixels from each set pixel to the nearest unset one; very large where there is none."""
    distance = cv2.distanceTransform(flags.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    return np.asarray(distance, np.float32)


def _size_within(image: Image, side: int) -> tuple[int, int]:
    """(width, height) with the image's aspect and a longer side of at most `side`."""
    height, width = image.shape[:2]
    scale = min(1.0, side / max(height, width))
    return max(1, round(width * scale)), max(1, round(height * scale))


def shrunk(flags: Flags, size: tuple[int, int]) -> NDArray[np.float32]:
    """The share of set pixels in each pixel at `size`."""
    return np.asarray(cv2.resize(flags.astype(np.float32), size, interpolation=cv2.INTER_AREA), np.float32)


def shrunk_image(image: Image, size: tuple[int, int]) -> Image:
    """The image at `size` (width, height)."""
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
