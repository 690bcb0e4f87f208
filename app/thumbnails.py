"""Small pictures of single frames, cropped round the object with its matte on it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from PySide6.QtGui import QImage

from app.compositing import Layer, View, Weighted, composite
from vosengine.types import Image

MARGIN = 0.35  # of the object's longer side, left free round it
SMALLEST_SHARE = 0.2  # of the frame's width that is shown at least
MOST_KEPT = 400  # some 20 MB


@dataclass(frozen=True)
class ThumbnailWish:
    """`key` is equal for equal content; `size`: (width, height) in pixels."""

    key: Hashable
    frame: int
    layers: tuple[Layer, ...]
    size: tuple[int, int]


def cropped(image: Image, weights: Weighted, size: tuple[int, int]) -> Image:
    """The overlay round all objects, the whole frame where there is none: uint8 (size[1], size[0], 3)."""
    left, top, width, height = _crop(image, weights, size[0] / size[1])
    inside = np.s_[top : top + height, left : left + width]
    picture = composite(image[inside], View.OVERLAY, [(layer, weight[inside]) for layer, weight in weights])
    shrinking = cv2.INTER_AREA if width > size[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, size, interpolation=shrinking), np.uint8)


def _crop(image: Image, weights: Weighted, aspect: float) -> tuple[int, int, int, int]:
    """Left, top, width and height in pixels, of this aspect (width / height)."""
    frame_height, frame_width = image.shape[:2]
    covered = np.zeros((frame_height, frame_width), np.uint8)
    for _, weight in weights:
        np.maximum(covered, weight, out=covered)
    left, top, width, height = cv2.boundingRect((covered > 127).astype(np.uint8))
    if not width:
        left, top, width, height = 0, 0, frame_width, frame_height
    margin = 2 * MARGIN * max(width, height)
    wanted = max(width + margin, (height + margin) * aspect, SMALLEST_SHARE * frame_width)
    crop_width = min(round(wanted), frame_width, int(frame_height * aspect))
    crop_height = max(round(crop_width / aspect), 1)
    return (
        min(max(left + (width - crop_width) // 2, 0), frame_width - crop_width),
        min(max(top + (height - crop_height) // 2, 0), frame_height - crop_height),
        crop_width,
        crop_height,
    )


class Thumbnails:
    """The pictures made last, at most `MOST_KEPT`."""

    def __init__(self) -> None:
        self._pictures: OrderedDict[Hashable, QImage] = OrderedDict()

    def __contains__(self, key: Hashable) -> bool:
        return key in self._pictures

    def __iter__(self) -> Iterator[Hashable]:
        return iter(self._pictures)

    def __len__(self) -> int:
        return len(self._pictures)

    def get(self, key: Hashable) -> QImage | None:
        """The picture, if it is still kept."""
        if key in self._pictures:
            self._pictures.move_to_end(key)
        return self._pictures.get(key)

    def put(self, key: Hashable, picture: QImage) -> None:
        """Keep a picture and drop the one not looked at for longest."""
        self._pictures[key] = picture
        while len(self._pictures) > MOST_KEPT:
            self._pictures.popitem(last=False)

    def clear(self) -> None:
        """Another clip."""
        self._pictures.clear()
