"""What a run sees of one object on one frame that speaks for or against the result.

Nothing here needs to know the method: it looks at frames, at results and at the annotation a sweep started
from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from vosengine.finetune import Shot
from vosengine.quality import Evidence, expected_j
from vosengine.types import Image, Mask, Probability
from vosengine.windows import bounding_window

BINS = 12  # of each colour channel
SURROUNDINGS_SHARE = 0.04  # of the diagonal: how far the annotated object's surroundings reach
RING_SHARE = 0.016  # likewise of a result's, (12 pixels at 640 x 360)
Colours = NDArray[np.float32]


class Watch:
    """One sweep of one object, seen from the annotation it started from."""

    def __init__(self, start: Shot) -> None:
        mask = _hard(start.mask)
        bins = _bins(start.image)
        self.object_colours = _colours(bins, mask)
        self.surrounding_colours = _colours(bins, _ring(mask, _pixels(mask, SURROUNDINGS_SHARE)))

    def see(self, image: Image, probability: Probability) -> Evidence:
        """The evidence of one frame: its image (height, width, 3) and the result there (height, width)."""
        mask = _hard(probability)
        reach = _pixels(mask, RING_SHARE)
        window = bounding_window(mask > 0, margin=reach + 1)
        if window is None:  # nothing speaks for it: as bad as can be
            return Evidence(unsure=1.0, lost=True, surroundings=1.0, moved=1.0)
        ring = _ring(np.ascontiguousarray(mask[window]), reach) > 0
        return Evidence(1 - expected_j(probability), surroundings=self._alike(_bins(image[window])[ring]))

    def _alike(self, bins: NDArray[np.uint16]) -> float | None:
        """How far pixels have colours that were rather the object's than its surroundings', in [0, 1];
        None where there is nothing to compare."""
        own, other = self.object_colours[bins], self.surrounding_colours[bins]
        if not bins.size or not self.object_colours.any():
            return None
        return float((own / (own + other + 1e-9)).mean())


def watch_from(shots: Sequence[Shot], start: int) -> Watch:
    """The watch over a sweep from the annotated frame `start`, one of the shots'."""
    return Watch(next(shot for shot in shots if shot.frame == start))


def after_snapping(evidence: Evidence, before: Probability, after: Probability) -> Evidence:
    """The evidence with how far snapping to the image's edges moved the result, (height, width) both."""
    if evidence.lost:
        return evidence
    found, snapped = _hard(before), _hard(after)
    union = float(np.count_nonzero(found | snapped))
    return replace(evidence, moved=float(np.count_nonzero(found != snapped)) / max(1.0, union))


def _ring(mask: Mask, reach: int) -> Mask:
    """The pixels outside the mask within `reach` of it."""
    return np.asarray(cv2.dilate(mask, _square(reach)), np.uint8) & ~mask


def _square(reach: int) -> Mask:
    return np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)


def _pixels(mask: Mask, share: float) -> int:
    """A share of the frame's diagonal in whole pixels, at least 1."""
    return max(1, round(share * float(np.hypot(*mask.shape))))


def _hard(probability: Probability) -> Mask:
    return np.where(probability >= 0.5, np.uint8(255), np.uint8(0))


def _bins(image: Image) -> NDArray[np.uint16]:
    """The number of each pixel's colour, (height, width)."""
    reduced = image.astype(np.uint16) * BINS >> 8
    return np.asarray((reduced[..., 0] * BINS + reduced[..., 1]) * BINS + reduced[..., 2], np.uint16)


def _colours(bins: NDArray[np.uint16], where: Mask) -> Colours:
    """The shares of the colours at the set pixels, (BINS ** 3,); all 0 where none is set."""
    counts = np.bincount(bins[where > 0], minlength=BINS**3)
    return np.asarray(counts / max(1, counts.sum()), np.float32)
