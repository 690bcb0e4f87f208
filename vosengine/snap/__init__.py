"""Snapping: moving a probability's boundary to the image's edges, and bringing it to full resolution.

Full resolution and the bilateral solver change only a band round the boundary, inside a crop round the
object: what the method is sure of stays
exactly as it was, and the cost follows the object's size, not the frame's. Parts thinner than the band have
nothing sure on one side and would melt into their surroundings: they keep what the method said.

The constants were chosen on DAVIS 2016's training set, over true masks displaced and blurred as a network's
are: where the boundary is 2 to 4 pixels off J rises by about 3 points, F at DAVIS's tolerance stays, and a
mask that was perfect keeps a J near 0.97.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from vosengine.errors import EngineError
from vosengine.language import tr
from vosengine.snap.bilateral import bilateral_solver
from vosengine.snap.crf import dense_crf
from vosengine.snap.superpixels import superpixel_snap
from vosengine.types import Image, Probability
from vosengine.windows import bounding_window

# Lengths as shares of the frame's diagonal; in parentheses the pixels at 640 x 360.
BAND_SHARE = 0.0055  # (4) half width of the band that may change; DAVIS's boundary tolerance is 0.008
SIGMA_SPATIAL_SHARE = 0.011  # (8, as Barron & Poole's code has)
THIN_SHARE = 0.0028  # (2) half width of what counts as thin
SIGMA_LUMA, SIGMA_CHROMA = 8.0, 4.0  # as Barron & Poole's code has, 8-bit steps
SMOOTHNESS = 16.0  # theirs is 128
# Compression noise would scatter flat regions over several grid cells: cv2.bilateralFilter's settings.
DENOISE_DIAMETER, DENOISE_COLOUR, DENOISE_SPACE = 5, 20.0, 2.0
# Guided filter (He, Sun, Tang, ECCV 2010): in squared 8-bit steps, texture below about 6 steps is no edge.
GUIDED_EPSILON = 40.0


def snap(image: Image, probability: Probability, kind: str) -> Probability:
    """`probability` with its 0.5 boundary moved to the image's edges.

    image: (height, width, 3); probability: (height, width); kind: a name in `SNAPS`. Returns a new array.
    "bilateral" keeps pixels further than a band of 0.55 % of the frame's diagonal from the boundary as they
    are; "crf" may also remove islands and close holes, and "superpixels" turn whole superpixels.
    Raises EngineError for an unknown kind, ValueError when the sizes differ.
    """
    if kind not in SNAPS:
        raise EngineError(
            tr("There is no snapping {kind!r}; choose one of {names}.").format(
                kind=kind, names=", ".join(SNAPS)
            )
        )
    if image.shape[:2] != probability.shape:
        raise ValueError(f"image {image.shape[:2]} and probability {probability.shape} differ in size")
    return SNAPS[kind](image, probability)


def to_full_resolution(image_full: Image, probability_small: Probability) -> Probability:
    """A probability at working resolution at the size of `image_full`, its boundary on the image's edges.

    image_full: (height, width, 3); probability_small: of about the same aspect, any size. Returns float32
    (height, width): soft in a band round the boundary, exactly 0 and 1 beyond it.
    """
    height, width = image_full.shape[:2]
    scale = max(height / probability_small.shape[0], width / probability_small.shape[1], 1.0)
    cubic = cv2.resize(probability_small, (width, height), interpolation=cv2.INTER_CUBIC)
    enlarged = np.clip(np.asarray(cubic, np.float32), 0, 1)
    band = 2 * scale + 1  # the small pixel that holds the boundary, one beside it, one full pixel
    inside = enlarged > 0.5
    full = inside.astype(np.float32)
    window = bounding_window(inside, margin=round(2 * band))
    if window is None:
        return full
    # Luma alone: in 4:2:0 footage colour has half the detail, and it costs three times as much.
    luma = cv2.cvtColor(np.ascontiguousarray(image_full[window]), cv2.COLOR_RGB2GRAY)
    guided = _guided(np.asarray(luma, np.uint8), enlarged[window], round(scale))
    guided = np.where(_thin(inside[window], round(scale)), enlarged[window], guided)
    full[window] = _towards(full[window], guided, _share(inside[window], band))
    return full


def _unchanged(image: Image, probability: Probability) -> Probability:
    return probability.copy()


def _bilateral(image: Image, probability: Probability) -> Probability:
    diagonal = float(np.hypot(*probability.shape))
    band = max(2.0, BAND_SHARE * diagonal)
    sigma = max(2.0, SIGMA_SPATIAL_SHARE * diagonal)
    thin = max(1, round(THIN_SHARE * diagonal))
    window = bounding_window(probability > 0.5, margin=round(2 * sigma + band))
    if window is None:
        return probability.copy()
    crop, target = np.ascontiguousarray(image[window]), probability[window]
    inside = target > 0.5
    solved = bilateral_solver(
        np.asarray(cv2.bilateralFilter(crop, DENOISE_DIAMETER, DENOISE_COLOUR, DENOISE_SPACE), np.uint8),
        target,
        np.minimum(_distance_to_boundary(inside) / band, 1),
        sigma_spatial=sigma,
        sigma_luma=SIGMA_LUMA,
        sigma_chroma=SIGMA_CHROMA,
        smoothness=SMOOTHNESS,
    )
    # The grid's cells leave a ragged edge, which the guided filter joins to the image's own.
    smooth = _guided(crop, solved, thin)
    share = np.where(_thin(inside, thin), 0, _share(inside, band))
    snapped = probability.copy()
    snapped[window] = _towards(target, smooth, share)
    return snapped


def _towards(start: Probability, end: Probability, share: NDArray[np.float32]) -> Probability:
    """`share` of the way; rounding must not leave [0, 1]."""
    return np.clip(np.asarray(start + share * (end - start), np.float32), 0, 1)


def _guided(guide: NDArray[np.uint8], probability: Probability, radius: int) -> Probability:
    guided = cv2.ximgproc.guidedFilter(guide, probability, radius, GUIDED_EPSILON)
    return np.clip(np.asarray(guided, np.float32), 0, 1)


def _share(inside: NDArray[np.bool_], band: float) -> NDArray[np.float32]:
    """How far a pixel may change: 1 in the inner half of the band, falling to 0 at its rim."""
    share = 2 - 2 / band * np.minimum(_distance_to_boundary(inside), band)
    return np.minimum(share, 1)


def _distance_to_boundary(inside: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Pixels to the nearest pixel of the other side, 1 next to the boundary."""
    sides = [
        cv2.distanceTransform(side.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
        for side in (inside, ~inside)
    ]
    return np.asarray(np.maximum(*sides), np.float32)


def _thin(inside: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """Parts and gaps narrower than a disk of `radius` pixels."""
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    mask = inside.astype(np.uint8)
    opened, closed = (cv2.morphologyEx(mask, how, disk) for how in (cv2.MORPH_OPEN, cv2.MORPH_CLOSE))
    return np.asarray(opened != closed, bool)


def _crf(image: Image, probability: Probability) -> Probability:
    return dense_crf([image], [probability])[0]


SNAPS: dict[str, Callable[[Image, Probability], Probability]] = {
    "none": _unchanged,
    "bilateral": _bilateral,
    "crf": _crf,
    "superpixels": superpixel_snap,
}
