"""The magnetic lasso's paths along the image's edges, through OpenCV's intelligent scissors. No Qt.

Mortensen, Barrett, "Intelligent scissors for image composition", SIGGRAPH 1995. Costs are known in a square
round the seed only, so that making them takes a moment and not a second; beyond it the path goes straight.
"""

from __future__ import annotations

import cv2
import numpy as np

from app.tools import Point
from vosengine.types import Image

SIDE = 480  # pixels of the square in which edges are followed, at the scale used
FINEST = 2048  # longer side of pictures whose every pixel is looked at; larger ones are halved, ...


class LiveWire:
    """Paths from `seed` (image pixels). Making one takes about 0.1 s; asking it, microseconds."""

    def __init__(self, image: Image, seed: Point) -> None:
        """Find the costs round the seed in an image, uint8 (height, width, 3)."""
        height, width = image.shape[:2]
        self.seed = seed
        self._step = max(1, -(-max(width, height) // FINEST))
        reach = SIDE * self._step // 2
        left, top = (max(int(place) - reach, 0) for place in seed)
        right, bottom = min(left + 2 * reach, width), min(top + 2 * reach, height)
        self._left, self._top = max(right - 2 * reach, 0), max(bottom - 2 * reach, 0)
        part = image[self._top : bottom, self._left : right]
        size = max(part.shape[1] // self._step, 1), max(part.shape[0] // self._step, 1)
        self._size = size
        small = part if self._step == 1 else cv2.resize(part, size, interpolation=cv2.INTER_AREA)
        self._scissors = cv2.segmentation.IntelligentScissorsMB()
        # As in the paper. DAVIS contours, a corner each 40 pixels: J 0.88; Canny edges 0.85, straight 0.84.
        self._scissors.setEdgeFeatureZeroCrossingParameters()
        self._scissors.applyImage(np.ascontiguousarray(small))
        self._scissors.buildMap(self._cell(seed))

    def path_to(self, at: Point) -> list[Point]:
        """Points from the seed, which is left out, to `at`; straight beyond the square."""
        contour = self._scissors.getContour(self._cell(at)).reshape(-1, 2)
        places = (contour[1:-1] + 0.5) * self._step + (self._left, self._top)
        return [(float(x), float(y)) for x, y in places] + [at]

    def _cell(self, at: Point) -> tuple[int, int]:
        """The pixel of the square that is nearest to a place in the image."""
        x, y = (
            (place - start) / self._step for place, start in zip(at, (self._left, self._top), strict=True)
        )
        return min(max(int(x), 0), self._size[0] - 1), min(max(int(y), 0), self._size[1] - 1)
