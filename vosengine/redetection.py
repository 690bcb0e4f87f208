"""Finding a lost object again: when the footage cuts, and what may be believed to be the object.

Guidance carries on what was seen a frame before. Behind an occluder, across a cut or once it has slipped onto
something else there is nothing to carry on: then the object is looked for without guidance. The network finds
*some* object on almost any picture and is sure of it, so what it finds is compared with the annotated object
by the matching scores of the memory (VideoMatch, Hu et al., ECCV 2018).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from vosengine.networks.lite import Memory
from vosengine.types import Image, Probability

CUT_TRUST = 0.25  # mean trust in the flow below which two frames may be of two shots (0.1 across cuts)
CUT_COLOURS = 0.6  # share of colours in common below which they are (0.7 and more within a shot)
COLOUR_BINS = (16, 16)  # of hue and value


def is_cut(before: Image, after: Image, trust: NDArray[np.float32]) -> bool:
    """Whether two frames (height, width, 3) belong to two shots; `trust` in [0, 1] is that of their flow."""
    if trust.mean() >= CUT_TRUST:
        return False
    common = np.minimum(_colours(before), _colours(after)).sum()
    return bool(common < CUT_COLOURS)


def largest_region(probability: Probability) -> Probability | None:
    """The connected region of the largest summed probability, alone: 0 elsewhere. None where all is below
    0.5."""
    count, labels = cv2.connectedComponents((probability >= 0.5).astype(np.uint8))
    if count < 2:
        return None
    sums = np.bincount(labels.ravel(), probability.ravel(), count)
    sums[0] = 0
    return np.where(labels == sums.argmax(), probability, np.float32(0))


def resemblance(own: Memory, known: Memory) -> tuple[float, float]:
    """How much the object in `own` looks like the object in `known`, and how much like its surroundings.

    Each is the mean, over the positions the object covers, of the best cosine with a key inside and outside
    the known object; in [-1, 1]. (-1, -1) where `own` holds no object.
    """
    share = own.coverage[0, 0].float()
    if share.sum() <= 0:
        return -1.0, -1.0
    share = share / share.sum()
    similarity = own.keys[0].float().T @ known.keys[0].float()
    inside = (similarity - 2 * (1 - known.coverage[0].float())).amax(1)
    outside = (similarity - 2 * known.coverage[0].float()).amax(1)
    return float((inside * share).sum()), float((outside * share).sum())


def is_strange(own: Memory, known: Memory) -> bool:
    """Whether what is taken for the object looks more like its surroundings."""
    inside, outside = resemblance(own, known)
    return inside < outside


def _colours(image: Image) -> NDArray[np.float32]:
    """The histogram of hue and value, summing to 1."""
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
    counts = cv2.calcHist([hsv], [0, 2], None, list(COLOUR_BINS), [0, 180, 0, 256])
    return np.asarray(counts / counts.sum(), np.float32)
