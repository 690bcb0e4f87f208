"""Where the pixels of one frame are on the frames round it: optical flow, and how far it can be trusted."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np

from vosengine.edge_controls import SMOOTHING_MOST
from vosengine.finish.surroundings import Motion
from vosengine.guides.flow import Flow, consistency, dis_flow, warp
from vosengine.types import ClipInfo, Image

FLOW_SIDE = 640
"""The longer side of the pictures that flow is computed on: 6 MB for two frames, whatever the clip's size."""
KEPT_PAIRS = 2 * SMOOTHING_MOST + 2  # of neighbouring frames: all that one frame's smoothing looks at


class Motions:
    """The motions round a clip's frames; computed when asked for, the last used are kept.

    Not for two threads at a time.
    """

    def __init__(self, image_of: Callable[[int], Image], clip: ClipInfo) -> None:
        """`image_of` gives the clip's frames in any size: proxies are good enough."""
        self._image_of = image_of
        self._clip = clip
        scale = min(1.0, FLOW_SIDE / max(clip.width, clip.height))
        self._size = max(1, round(clip.width * scale)), max(1, round(clip.height * scale))
        self._enlarged = np.array([clip.width / self._size[0], clip.height / self._size[1]], np.float32)
        self._small = lru_cache(maxsize=KEPT_PAIRS)(self._shrunk)
        self._pair = lru_cache(maxsize=KEPT_PAIRS)(self._computed)

    def around(self, frame: int, reach: int) -> dict[int, Motion]:
        """By offset, the motions to the frames of the clip that are at most `reach` frames away."""
        found: dict[int, Motion] = {}
        for step in (-1, 1):
            passed: Motion | None = None
            for offset in range(step, step * (reach + 1), step):
                if frame + offset not in self._clip.span:
                    break
                following = self._to_neighbour(frame + offset - step, step)
                passed = following if passed is None else _joined(passed, following)
                found[offset] = passed._replace(flow=np.asarray(passed.flow * self._enlarged, np.float32))
        return found

    def _to_neighbour(self, frame: int, step: int) -> Motion:
        """In pixels of the small pictures."""
        return self._pair(frame)[0] if step > 0 else self._pair(frame - 1)[1]

    def _computed(self, frame: int) -> tuple[Motion, Motion]:
        """From a frame's pixels to the next frame's, and back."""
        here, there = self._small(frame), self._small(frame + 1)
        onwards, back = dis_flow(there, here), dis_flow(here, there)
        return Motion(onwards, consistency(onwards, back)), Motion(back, consistency(back, onwards))

    def _shrunk(self, frame: int) -> Image:
        image = self._image_of(frame)
        if image.shape[1::-1] == self._size:
            return image
        return np.asarray(cv2.resize(image, self._size, interpolation=cv2.INTER_AREA), np.uint8)


def _joined(first: Motion, second: Motion) -> Motion:
    """Both ways one after the other."""
    flow: Flow = first.flow + warp(second.flow, first.flow)
    return Motion(flow, first.trust * warp(second.trust, first.flow))
