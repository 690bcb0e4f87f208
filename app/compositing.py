"""How a frame and its mattes look in each view: numpy in, QImage out, no widgets."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from app.tools import BACKGROUND, FOREGROUND
from vosengine.types import Image, Mask, Matte

OVERLAY_OPACITY = 0.45
CHECKER_SIDE = 12  # display pixels
CHECKER_LIGHT, CHECKER_DARK = 168, 112

Colour = tuple[int, int, int]
MARK_COLOURS: dict[int, Colour] = {FOREGROUND: (64, 224, 120), BACKGROUND: (255, 92, 92)}
MARK_OPACITY = 0.7


class View(Enum):
    """What the viewer shows; the values are the names of the actions that choose it."""

    OVERLAY = "overlay"
    MATTE = "matte"
    CHECKER = "checkerboard"
    BLACK = "black"


@dataclass(frozen=True)
class Layer:
    """One object's mask or matte on one frame.

    `key` is equal for equal content (the worker caches by it); `load` may read a file and runs in the worker;
    it gives None where the object has no mask on the frame.
    """

    key: Hashable
    colour: Colour
    load: Callable[[], Mask | Matte | None]
    selected: bool = False


@dataclass(frozen=True)
class Scene:
    """Everything one picture shows. `sharp`: from the clip at full resolution, else from the proxy.

    `marks`: scribbles at full resolution, uint8 0 unmarked, 1 background, 2 foreground; None shows none.
    """

    frame: int
    view: View = View.OVERLAY
    layers: tuple[Layer, ...] = ()
    sharp: bool = False
    marks: NDArray[np.uint8] | None = field(default=None, compare=False)


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


def composite(image: Image, view: View, weights: list[tuple[Layer, NDArray[np.uint8]]]) -> Image:
    """The picture of `view`: uint8 (height, width, 3) like `image`; weights as from `to_weights`."""
    if view is View.OVERLAY:
        return _overlaid(image, weights)
    union = np.zeros(image.shape[:2], np.uint8)
    for _, weight in weights:
        np.maximum(union, weight, out=union)
    if view is View.MATTE:
        return np.repeat(union[..., None], 3, axis=2)
    if view is View.BLACK:
        return cv2.multiply(image, cv2.merge([union] * 3), scale=1 / 255).astype(np.uint8)
    background = cv2.merge([checkerboard(image.shape[1], image.shape[0])] * 3)
    share = union.astype(np.float32) / 255
    return np.asarray(cv2.blendLinear(image, background, share, 1 - share), np.uint8)


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


def _overlaid(image: Image, weights: list[tuple[Layer, NDArray[np.uint8]]]) -> Image:
    result = image
    for layer, weight in weights:
        share = weight.astype(np.float32) * (OVERLAY_OPACITY / 255)
        tint = np.full_like(image, layer.colour)
        result = np.asarray(cv2.blendLinear(tint, result, share, 1 - share), np.uint8)
    for layer, weight in weights:
        if layer.selected:
            outlines, _ = cv2.findContours(
                (weight > 127).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE
            )
            thickness = max(1, round(image.shape[1] / 1000))
            cv2.drawContours(result, outlines, -1, layer.colour, thickness, cv2.LINE_8)
    return result


def checkerboard(width: int, height: int) -> NDArray[np.uint8]:
    """Grey squares, uint8 (height, width)."""
    rows = (np.arange(height) // CHECKER_SIDE)[:, None]
    columns = (np.arange(width) // CHECKER_SIDE)[None, :]
    return np.where((rows + columns) % 2 == 0, CHECKER_LIGHT, CHECKER_DARK).astype(np.uint8)


def to_qimage(image: Image) -> QImage:
    """A QImage that owns its pixels, in the format that blits fastest."""
    height, width = image.shape[:2]
    pixels = np.ascontiguousarray(image)
    view = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    return view.convertToFormat(QImage.Format.Format_RGB32)
