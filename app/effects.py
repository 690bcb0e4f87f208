"""Grounds that show a result at work: the background blurred, in grey, or a picture of the user's. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vosengine.clip.stills import read_rgb8
from vosengine.types import Image

BLUR_COLUMNS = 320  # a blurred ground holds nothing finer: it is made this wide whatever the clip's size
BLUR = 7.0  # standard deviation, in those columns
LARGEST_SIDE = 4096  # pixels kept of a picture


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture to put behind the objects. `pixels`: uint8 RGB (height, width, 3), upright."""

    path: Path
    pixels: Image

    @classmethod
    def load(cls, path: Path) -> Picture:
        """From any picture file that a clip may consist of. Raises ClipError for what is none."""
        pixels = read_rgb8(path)
        scale = LARGEST_SIDE / max(pixels.shape[:2])
        if scale < 1:
            pixels = np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
        return cls(path, pixels)

    def filling(self, width: int, height: int) -> Image:
        """Scaled to cover a frame of this size, and cut off evenly where it is too long."""
        rows, columns = self.pixels.shape[:2]
        scale = max(width / columns, height / rows)
        across, down = min(round(width / scale), columns), min(round(height / scale), rows)
        left, top = (columns - across) // 2, (rows - down) // 2
        part = self.pixels[top : top + max(down, 1), left : left + max(across, 1)]
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(part, (width, height), interpolation=method), np.uint8)


def blurred(image: Image, union: NDArray[np.uint8]) -> Image:
    """The background out of focus, uint8 like `image`.

    union: where the objects are, 0 to 255. They take no part, so that no halo of them shines round them.
    """
    height, width = image.shape[:2]
    size = min(BLUR_COLUMNS, width), max(round(height * min(BLUR_COLUMNS / width, 1.0)), 1)
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    share = 1 - cv2.resize(union, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    share = np.maximum(share, np.float32(1e-4))  # deep inside an object there is nothing else
    spread = BLUR * size[0] / BLUR_COLUMNS
    total = cv2.GaussianBlur(small * share[..., None], (0, 0), spread)
    ground = total / cv2.GaussianBlur(share, (0, 0), spread)[..., None]
    ground = cv2.convertScaleAbs(ground)
    return np.asarray(cv2.resize(ground, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def greyed(image: Image) -> Image:
    """The frame without its colours, uint8 like `image`."""
    return np.asarray(cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB), np.uint8)
