"""Object-centred crops: the part of a frame the network sees, at the resolution the object deserves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from vosengine.types import Box, Image, Probability

Value = TypeVar("Value", np.uint8, np.float32)

STRIDE = 32  # the trunk's coarsest stride: crop sides are multiples of it
LARGEST_ZOOM = 2.5  # never enlarge the frame further than this


@dataclass(frozen=True)
class Window:
    """A rectangle of the frame in whole pixels, and the size (height, width) the network sees it at."""

    x: int
    y: int
    width: int
    height: int
    rows: int
    columns: int

    def cut(self, image: Image) -> Image:
        """The window of an image, resized to (rows, columns)."""
        return _resized(self._part(image), self.columns, self.rows)

    def cut_soft(self, values: Probability) -> Probability:
        """The window of a float map, resized to (rows, columns)."""
        return _resized(self._part(values), self.columns, self.rows)

    def paste(self, values: Probability, height: int, width: int) -> Probability:
        """A map of (rows, columns) put back into an empty frame of height x width."""
        frame = np.zeros((height, width), np.float32)
        self._part(frame)[:] = _resized(values, self.width, self.height)
        return frame

    def _part(self, array: NDArray[Value]) -> NDArray[Value]:
        return array[self.y : self.y + self.height, self.x : self.x + self.width]


def _resized(array: NDArray[Value], width: int, height: int) -> NDArray[Value]:
    shrinks = width < array.shape[1]
    found = cv2.resize(array, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return np.asarray(found, array.dtype)


def whole_frame(height: int, width: int) -> Window:
    """The whole frame at its own size, sides rounded to the stride."""
    rows, columns = (max(STRIDE, round(side / STRIDE) * STRIDE) for side in (height, width))
    return Window(0, 0, width, height, rows, columns)


def window_around(box: Box, height: int, width: int, margin: float, area: int) -> Window:
    """The window of `margin` times the object's box, inside a height x width frame.

    `area` is the number of pixels the network sees; a small object is enlarged at most LARGEST_ZOOM times,
    and the window grows instead. Thin boxes get a window no narrower than half its length.
    """
    if area <= 0:
        return whole_frame(height, width)
    smallest = math.sqrt(area) / LARGEST_ZOOM
    across, down = max(box.width * margin, smallest), max(box.height * margin, smallest)
    across, down = max(across, down / 2), max(down, across / 2)
    across, down = min(across, width), min(down, height)
    x = min(max(box.x + box.width / 2 - across / 2, 0.0), width - across)
    y = min(max(box.y + box.height / 2 - down / 2, 0.0), height - down)
    left, top = int(x), int(y)
    right, bottom = min(width, math.ceil(x + across)), min(height, math.ceil(y + down))
    rows, columns = crop_size(bottom - top, right - left, area)
    return Window(left, top, right - left, bottom - top, rows, columns)


def crop_size(height: int, width: int, area: int) -> tuple[int, int]:
    """Rows and columns, multiples of the stride, of about `area` pixels and the window's aspect."""
    scale = math.sqrt(area / (height * width))
    rows = max(STRIDE, round(height * scale / STRIDE) * STRIDE)
    columns = max(STRIDE, round(area / rows / STRIDE) * STRIDE)
    return rows, columns
