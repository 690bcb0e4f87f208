"""The background's colour taken out of an object's soft edge: the foreground as straight colour.

M. Forte: "Approximate Fast Foreground Colour Estimation", ICIP 2021 (Blur-Fusion). Foreground and background
colours round a pixel are means weighted by coverage and its rest; what they leave of the pixel's own colour
unexplained goes to the foreground in the share of its coverage. Twice: with a wide mean, then a narrow one.

Difference from the paper: purer pixels weigh much more in the means. Where softness is as wide as a mean, its
mixed colours would be taken for the foreground's: on a known composite with an edge 9 pixels soft the mean
error falls from 3.9 to 1.2 of 255 steps.
"""

from __future__ import annotations

from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from vosengine.finish.sampling import Numbers
from vosengine.types import Matte
from vosengine.windows import bounding_window

Picture = TypeVar("Picture", np.uint8, np.uint16)

WIDE_SHARE, NARROW_SHARE = 0.041, 0.0027  # of the diagonal: the paper's 90 and 6 pixels at 1920 x 1080
LEAST_WIDE, LEAST_NARROW = 16, 4  # pixels, in small pictures
PURITY, IMPURE = 8, 1e-4  # the weight is coverage to that power; where nothing is pure, coverage itself
LEAST_WEIGHT = 1e-9
FAINTEST = 256  # coverage below 1/255 says nothing of a colour
BEYOND = 3  # pixels outside the object that get its colour too: programs that scale pictures mix them in


def decontaminated(image: NDArray[Picture], matte: Matte, amount: float) -> NDArray[Picture]:
    """The image with the background's colour taken out of the object's edge, by `amount` in [0, 1].

    image: (height, width, 3), uint8 or uint16; matte: uint16 (height, width), finished.
    Returns the same array where there is nothing to do; else only pixels of coverage below 1 within a few
    pixels of the object differ. Raises ValueError when the sizes differ.
    """
    if image.shape[:2] != matte.shape:
        raise ValueError(f"image {image.shape[:2]} and matte {matte.shape} differ in size")
    edge = _edge(matte)
    diagonal = float(np.hypot(*matte.shape))
    wide, narrow = (
        max(LEAST_WIDE, round(WIDE_SHARE * diagonal)),
        max(LEAST_NARROW, round(NARROW_SHARE * diagonal)),
    )
    window = bounding_window(edge, 2 * wide)
    if amount == 0 or window is None:
        return image
    alpha = (matte[window].astype(np.float32) / np.float32(65535))[..., None]
    colours = image[window].astype(np.float32)
    most = float(np.iinfo(image.dtype).max)
    front, back = _fused(colours, colours, colours, alpha, wide, most)
    front, _ = _fused(colours, front, back, alpha, narrow, most)
    mixed = colours + np.float32(amount) * (front - colours)
    result = image.copy()
    result[window] = np.where(edge[window][..., None], np.rint(mixed), colours).astype(image.dtype)
    return result


def _edge(matte: Matte) -> NDArray[np.bool_]:
    near = cv2.dilate((matte >= FAINTEST).astype(np.uint8), np.ones((2 * BEYOND + 1,) * 2, np.uint8)) > 0
    return np.asarray(near & (matte < 65535), np.bool_)


def _fused(
    colours: Numbers, front: Numbers, back: Numbers, alpha: Numbers, radius: int, most: float
) -> tuple[Numbers, Numbers]:
    """Foreground and background, of estimates of them, (height, width, 3)."""
    front, back = _mean(front, alpha, radius), _mean(back, 1 - alpha, radius)
    front = front + alpha * (colours - alpha * front - (1 - alpha) * back)
    return np.asarray(front.clip(0, most), np.float32), back


def _mean(colours: Numbers, share: Numbers, radius: int) -> Numbers:
    """The mean of colours within `radius`, weighted by a share (height, width, 1) of each pixel."""
    size = (2 * radius + 1,) * 2
    weight = share**PURITY + np.float32(IMPURE) * share
    total = cv2.blur(weight, size, borderType=cv2.BORDER_REPLICATE)[..., None]
    summed = cv2.blur(colours * weight, size, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(summed / (total + LEAST_WEIGHT), np.float32)
