"""The demo shot's exact alpha: how good a result is, and where a person would draw. No Qt."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from resources import resource
from vosengine.cli.demo import truth_mattes
from vosengine.evaluation.metrics import region_similarity
from vosengine.project_file import harden, without_soft_edges
from vosengine.types import Mask

CLIP = "demo/clip.mp4"
Places = list[tuple[float, float]]


@dataclass(frozen=True)
class Mistake:
    """`path` runs along its middle, at most `depth` clip pixels from its border; `missing`, else too much."""

    path: Places
    missing: bool
    depth: float


class DemoTruth:
    """The true masks of the bundled clip by frame."""

    def __init__(self) -> None:
        self.masks = [harden(matte) for matte in truth_mattes(resource("demo/truth.mkv"))]

    def J(self, frame: int, shown: Mask | None) -> float:
        """Of one frame's mask; nothing shown counts as an empty one."""
        truth = self.masks[frame]
        found = np.zeros_like(truth) if shown is None else without_soft_edges(shown)
        return region_similarity(found, truth)

    def inside(self, frame: int) -> Places:
        """A scribble along the object, well inside it, in clip pixels."""
        return middle_line(self.masks[frame])

    def around(self, frame: int) -> Places:
        """A scribble on the ground beside and above the object."""
        height, width = self.masks[frame].shape
        left, top, wide, tall = cv2.boundingRect(self.masks[frame])
        margin = 0.06 * max(height, width)
        right, upper = min(left + wide + margin, width - 4), max(top - margin, 4)
        lower = min(top + tall + margin / 2, height - 4)
        return [
            (max(left - margin, 4), lower),
            (max(left - margin, 4), upper),
            (right, upper),
            (right, lower),
        ]

    def mistake(self, frame: int, shown: Mask | None) -> Mistake:
        """The largest patch that is wrong."""
        truth = self.masks[frame] > 0
        found = np.zeros_like(truth) if shown is None else without_soft_edges(shown) > 0
        missing, extra = _largest(truth & ~found), _largest(found & ~truth)
        is_missing = np.count_nonzero(missing) >= np.count_nonzero(extra)
        patch = missing if is_missing else extra
        depth = cv2.distanceTransform(patch, cv2.DIST_L2, 5)
        return Mistake(middle_line(patch), bool(is_missing), float(depth.max()))


def middle_line(mask: NDArray[np.uint8]) -> Places:
    """The places farthest from the border, from left to right or top to bottom, whichever is longer."""
    depth = cv2.distanceTransform((mask > 0).astype(np.uint8), cv2.DIST_L2, 5)
    left, top, wide, tall = cv2.boundingRect(mask)
    lengthwise = wide >= tall
    start, stop = (left, left + wide) if lengthwise else (top, top + tall)
    inset = (stop - start) // 6
    places = range(start + inset, stop - inset, max((stop - start) // 12, 1))
    if lengthwise:
        return [(at + 0.5, float(depth[:, at].argmax()) + 0.5) for at in places]
    return [(float(depth[at].argmax()) + 0.5, at + 0.5) for at in places]


def _largest(wrong: NDArray[np.bool_]) -> NDArray[np.uint8]:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(wrong.astype(np.uint8))
    if count < 2:
        return np.zeros(wrong.shape, np.uint8)
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    return np.asarray(labels == largest, np.uint8)
