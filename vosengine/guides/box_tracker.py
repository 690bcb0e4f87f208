"""The KCF tracker: where an object's box went, by correlation, without the network.

J. Henriques, R. Caseiro, P. Martins, J. Batista, "High-Speed Tracking with Kernelized Correlation Filters",
TPAMI 2015, through OpenCV with its default parameters.

The box keeps its size, whatever the object does. A lost object is looked for where it was last found, so it
is found again when it comes back there. Loss is known from a weak correlation only: a tracker that has
drifted to something else does not notice.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from vosengine.types import Box, Image


class BoxTracker:
    """Follows one box from frame to frame."""

    def __init__(self, image: Image, box: Box | None) -> None:
        """Learn what the box shows on `image` (height, width, 3); None, an absent object, is lost for good.

        The box is in pixels and is rounded outwards to whole ones.
        """
        self._kcf = None
        if box is not None:
            left, top = math.floor(box.x), math.floor(box.y)
            right, bottom = math.ceil(box.x + box.width), math.ceil(box.y + box.height)
            learned = _bgr(image)
            self._kcf = cv2.TrackerKCF.create()
            self._kcf.init(learned, (left, top, right - left, bottom - top))
            # OpenCV learns at the first update, without looking for the box: give it the frame the box is on.
            self._kcf.update(learned)

    def update(self, image: Image) -> Box | None:
        """The box on the next frame (height, width, 3), in whole pixels and clipped to it; None when lost."""
        if self._kcf is None:
            return None
        found, (x, y, width, height) = self._kcf.update(_bgr(image))
        box = Box(x, y, width, height).clipped(image.shape[1], image.shape[0])
        return box if found and box.area > 0 else None


def _bgr(image: Image) -> NDArray[np.uint8]:
    """OpenCV's channel order, which the tracker's colour-name features rely on."""
    return np.ascontiguousarray(image[..., ::-1])
