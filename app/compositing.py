"""How a frame and its mattes look in each view: numpy in, QImage out, no widgets."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from app.effects import Picture, blurred, greyed
from app.tools import BACKGROUND, FOREGROUND
from vosengine.edge_controls import EdgeControls
from vosengine.types import Image, Mask, Matte

OVERLAY_OPACITY = 0.45
CHECKER_SIDE = 12  # display pixels
CHECKER_LIGHT, CHECKER_DARK = 168, 112
PROXY_SIDE = 854  # pixels, the longer side: what widths of lines are told in

Colour = tuple[int, int, int]
# Cyan and magenta: unlike green and red, told apart by all eyes.
MARK_COLOURS: dict[int, Colour] = {FOREGROUND: (64, 200, 255), BACKGROUND: (255, 64, 140)}
MARK_OPACITY = 0.7
BACKDROP: Colour = (0, 177, 64)  # of View.BACKDROP, before the user chooses another

# Paul Tol's "vibrant" blue and orange: told apart by colour-blind eyes too.
ADDED_COLOUR: Colour = (51, 187, 238)
REMOVED_COLOUR: Colour = (238, 119, 51)
KEPT_OPACITY = 0.25
DOUBT_COLOUR: Colour = (255, 209, 102)
SKIN_COLOURS: tuple[Colour, Colour] = ((255, 255, 255), (255, 224, 70))  # the frame before, the frame after


class View(Enum):
    """What the viewer shows; the values are the names of the actions that choose it."""

    OVERLAY = "overlay"
    OUTLINE = "outline"
    MATTE = "matte"
    CHECKER = "checkerboard"
    BLACK = "black"
    BACKDROP = "backdrop"
    PICTURE = "picture"
    BLURRED = "blurred"
    GREY = "greyscale"
    DIFFERENCE = "difference"
    CONFIDENCE = "confidence"


CUT_OUT = (View.CHECKER, View.BLACK, View.BACKDROP, View.PICTURE, View.BLURRED, View.GREY)
"""The views that show the objects on another ground."""


@dataclass(frozen=True)
class Layer:
    """One object's mask or matte on one frame.

    `key` is equal for equal content (the worker caches by it); `load` may read a file and runs in the worker;
    it gives None where the object has no mask on the frame. `former`: the same before the last run.
    `finish`: what is shown is the matte finished so.
    """

    key: Hashable
    colour: Colour
    load: Callable[[], Mask | Matte | None]
    selected: bool = False
    former: Layer | None = None
    finish: Finish | None = None


@dataclass(frozen=True)
class Finish:
    """Edge controls of a layer's matte on `frame`, and what lies round it.

    neighbours: the object's layers on frames near by, unfinished, by offset. drawn: a person vouched for the
    matte.
    """

    frame: int
    controls: EdgeControls
    neighbours: tuple[tuple[int, Layer], ...] = ()
    drawn: bool = False

    @property
    def key(self) -> Hashable:
        """Equal for equal results on the same matte."""
        near = tuple((offset, layer.key) for offset, layer in self.neighbours)
        return self.frame, self.controls, near, self.drawn


@dataclass(frozen=True)
class Look:
    """How masks lie over the clip: the tint's opacity in [0, 1], outlines' width relative to the usual."""

    opacity: float = OVERLAY_OPACITY
    outline: float = 1.0


@dataclass(frozen=True)
class Scene:
    """Everything one picture shows. `sharp`: from the clip at full resolution, else from the proxy.

    `marks`: scribbles at full resolution, uint8 0 unmarked, 1 background, 2 foreground; None shows none.
    `backdrop`: the ground of View.BACKDROP. `picture`: that of View.PICTURE, None shows `backdrop`. `wipe`:
    left of this share of the width the picture shows the former mattes; None shows none. `skins`: outlines
    drawn on top, those of the frames before and after.
    """

    frame: int
    view: View = View.OVERLAY
    layers: tuple[Layer, ...] = ()
    sharp: bool = False
    marks: NDArray[np.uint8] | None = field(default=None, compare=False)
    backdrop: Colour = BACKDROP
    wipe: float | None = None
    skins: tuple[Layer, ...] = ()
    picture: Picture | None = None
    look: Look = Look()

    @property
    def shows_former(self) -> bool:
        """Whether the mattes before the last run are needed."""
        return self.view is View.DIFFERENCE or self.wipe is not None


Weighted = Sequence[tuple[Layer, NDArray[np.uint8]]]
"""Layers with their uint8 weights (height, width), the topmost last."""


def to_weights(matte: Mask | Matte, width: int, height: int) -> NDArray[np.uint8]:
    """A mask or matte as uint8 weights (height, width) in [0, 255] at display size."""
    small: NDArray[Any] = matte
    if matte.shape != (height, width):
        shrinking = matte.shape[1] > width
        method = cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR
        small = cv2.resize(matte, (width, height), interpolation=method)
    if small.dtype == np.uint16:
        return ((small.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
    return np.asarray(small, np.uint8)


def composite(
    image: Image,
    view: View,
    weights: Weighted,
    former: Weighted = (),
    backdrop: Colour = BACKDROP,
    picture: Image | None = None,
    look: Look = Look(),
) -> Image:
    """The picture of `view`: uint8 (height, width, 3) like `image`.

    weights: of the present mattes, as from `to_weights`; former: of those before the last run. backdrop and
    picture: as in `Scene`, the picture at the size of `image`.
    """
    if view in (View.OVERLAY, View.OUTLINE):
        return _overlaid(image, weights, look, tinted=view is View.OVERLAY)
    union = _union(image, weights)
    if view is View.MATTE:
        return np.repeat(union[..., None], 3, axis=2)
    if view is View.BLACK:
        return cv2.multiply(image, cv2.merge([union] * 3), scale=1 / 255).astype(np.uint8)
    if view is View.DIFFERENCE:
        return _difference(image, union, _union(image, former))
    if view is View.CONFIDENCE:
        share = union.astype(np.float32) / np.float32(255)
        return _blended(np.full_like(image, DOUBT_COLOUR), _dimmed(image), 4 * share * (1 - share))
    return _over(image, _ground(image, view, union, backdrop, picture), union)


def _ground(
    image: Image, view: View, union: NDArray[np.uint8], backdrop: Colour, picture: Image | None
) -> Image:
    """What the objects stand before, a new array."""
    if view is View.CHECKER:
        return np.asarray(cv2.merge([checkerboard(image.shape[1], image.shape[0])] * 3), np.uint8)
    if view is View.BLURRED:
        return blurred(image, union)
    if view is View.GREY:
        return greyed(image)
    if view is View.PICTURE and picture is not None:
        return picture.copy()
    return np.full_like(image, backdrop)


def _over(image: Image, ground: Image, union: NDArray[np.uint8]) -> Image:
    """`image` where the objects are, put into `ground`."""
    part = _bounds(union)
    ground[part] = _blended(image[part], ground[part], union[part].astype(np.float32) / np.float32(255))
    return ground


def wiped(before: Image, now: Image, share: float) -> Image:
    """`before` left of this share of the width, `now` right of it."""
    split = round(share * now.shape[1])
    return np.concatenate((before[:, :split], now[:, split:]), axis=1)


def draw_skins(image: Image, weights: Weighted, look: Look) -> Image:
    """The picture with the outlines of other frames over it."""
    result = image.copy()
    for layer, weight in weights:
        _draw_outline(result, layer.colour, weight, look.outline)
    return result


def draw_marks(image: Image, marks: NDArray[np.uint8]) -> Image:
    """The picture with scribbles over it, in the colours they have under the pen."""
    height, width = image.shape[:2]
    small = cv2.resize(marks, (width, height), interpolation=cv2.INTER_NEAREST)
    result = image.copy()
    for value, colour in MARK_COLOURS.items():
        where = small == value
        covered = image[where] * (1 - MARK_OPACITY) + np.array(colour, np.float32) * MARK_OPACITY
        result[where] = covered.round().astype(np.uint8)
    return result


def _union(image: Image, weights: Weighted) -> NDArray[np.uint8]:
    """Where any object is; where two meet each covers a part, so that their weights add up, as in exports."""
    union = np.zeros(image.shape[:2], np.uint8)
    for _, weight in weights:
        cv2.add(union, weight, dst=union)
    return union


def _bounds(weight: NDArray[np.uint8], margin: int = 0) -> tuple[slice, slice]:
    """The rows and columns that an object takes, and so many round it: the others need not be computed."""
    left, top, width, height = cv2.boundingRect(weight)
    bottom, right = top + max(height, 1) + margin, left + max(width, 1) + margin
    return np.s_[max(top - margin, 0) : bottom, max(left - margin, 0) : right]


def _blended(over: Image, under: Image, share: NDArray[np.float32]) -> Image:
    return np.asarray(cv2.blendLinear(over, under, share, 1 - share), np.uint8)


def _dimmed(image: Image) -> Image:
    """Grey and dark: a ground for signal colours."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.cvtColor(cv2.convertScaleAbs(grey, alpha=0.6), cv2.COLOR_GRAY2RGB), np.uint8)


def _difference(image: Image, now: NDArray[np.uint8], before: NDArray[np.uint8]) -> Image:
    """Signal colours where the object grew and where it shrank, a trace of white where it is as before."""
    kept = np.minimum(now, before).astype(np.float32) * (KEPT_OPACITY / 255)
    result = _blended(np.full_like(image, 255), _dimmed(image), kept)
    for one, other, colour in ((now, before, ADDED_COLOUR), (before, now, REMOVED_COLOUR)):
        share = cv2.subtract(one, other).astype(np.float32) / np.float32(255)
        result = _blended(np.full_like(image, colour), result, share)
    return result


def _overlaid(image: Image, weights: Weighted, look: Look, tinted: bool) -> Image:
    result = image.copy()
    for layer, weight in weights if tinted else ():
        part = _bounds(weight)
        share = weight[part].astype(np.float32) * (look.opacity / 255)
        result[part] = _blended(np.full_like(image[part], layer.colour), result[part], share)
    for layer, weight in weights:
        if layer.selected or not tinted:
            _draw_outline(result, layer.colour, weight, look.outline if tinted else 2 * look.outline)
    return result


def _draw_outline(image: Image, colour: Colour, weight: NDArray[np.uint8], width: float) -> None:
    """`width`: in pixels of the proxy, whatever the size of `image`, so that the line is as wide in both."""
    thickness = width * max(1.0, max(image.shape[:2]) / PROXY_SIDE)
    part = _bounds(weight, round(thickness) + 1)
    inside = (weight[part] > 127).astype(np.uint8)
    outlines, _ = cv2.findContours(inside, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    if not outlines:
        return
    away = cv2.drawContours(np.ones_like(inside), outlines, -1, 0, 1, cv2.LINE_8)
    distance = np.asarray(cv2.distanceTransform(away, cv2.DIST_L2, cv2.DIST_MASK_5), np.float32)
    share = np.clip(thickness / 2 + 0.5 - distance, 0, min(thickness, 1.0), dtype=np.float32)
    image[part] = _blended(np.full_like(image[part], colour), image[part], share)


@lru_cache(4)
def checkerboard(width: int, height: int) -> NDArray[np.uint8]:
    """Grey squares, uint8 (height, width); always the same array, to be read only."""
    rows = (np.arange(height) // CHECKER_SIDE)[:, None]
    columns = (np.arange(width) // CHECKER_SIDE)[None, :]
    return np.where((rows + columns) % 2 == 0, CHECKER_LIGHT, CHECKER_DARK).astype(np.uint8)


def to_qimage(image: Image) -> QImage:
    """A QImage that owns its pixels, in the format that blits fastest."""
    height, width = image.shape[:2]
    pixels = np.ascontiguousarray(image)
    view = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    return view.convertToFormat(QImage.Format.Format_RGB32)
