"""Soft alpha along an object's boundary: closed-form matting in a band that is as wide as the doubt.

A. Levin, D. Lischinski, Y. Weiss, "A Closed-Form Solution to Natural Image Matting", PAMI 2008: where the
colours of foreground and background lie on a line each within 3 x 3 pixels, alpha is a linear function of
colour there, and the alpha that fits all such windows best minimises a quadratic form, the matting Laplacian.

Differences from the paper: the Laplacian is made for the band alone, so that time and memory follow the
boundary's length. No person draws a trimap: the band is made from the probability, which also stays as a
weak prior inside it, because a band made by a machine may miss the true boundary. The side of 0.5 on which
the probability puts a pixel is kept: alpha adds softness and never moves the mask.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import cg

from vosengine.types import Image, Probability

# In parentheses the pixels at 854 x 480.
BAND_SHARE = 0.006  # (6) of the diagonal: how far alpha may be soft beyond what is in doubt
DOUBT = 0.05  # a probability this far from 0 and 1 is in doubt
PRIOR = 0.08  # weight of a sure probability within the band; the Laplacian's diagonal is 8 at most
# Of colour lines, in squared colours of [0, 1]. The published code has 1e-7, for clean photographs; footage
# has grain and compression.
EPSILON = 3e-5
REACH = 1  # windows are 3 x 3, as in the paper
STEPS, TOLERANCE = 60, 1e-3  # of conjugate gradients
WINDOWS = 20_000  # handled at a time, in about 50 MB
SMALLEST_WEIGHT = 1e-9  # keeps the system definite where nothing is known of a pixel
BELOW_HALF = np.float32(0.499)

Numbers = NDArray[np.float64]
Band = NDArray[np.bool_]


def soft_alpha(image: Image, probability: Probability) -> Probability:
    """The alpha of the object whose probability, snapped to the image's edges, is given.

    image: (height, width, 3); probability: (height, width). Returns float32 (height, width) in [0, 1]:
    exactly 0 or 1 away from the boundary, at least one half just where the probability is. Raises ValueError
    when the sizes differ.
    """
    if image.shape[:2] != probability.shape:
        raise ValueError(f"image {image.shape[:2]} and probability {probability.shape} differ in size")
    inside = probability >= 0.5
    alpha = inside.astype(np.float32)
    band = unsure_band(probability)
    if not band.any():
        return alpha
    alpha[band] = probability[band]
    window = _around(band)
    solved = solve(np.ascontiguousarray(image[window]), alpha[window], band[window])
    alpha[window] = np.where(inside[window], np.maximum(solved, 0.5), np.minimum(solved, BELOW_HALF))
    return np.where(band, alpha, inside).astype(np.float32)


def unsure_band(probability: Probability) -> Band:
    """Where alpha may be soft: what is in doubt or beside the boundary, and BAND_SHARE round it."""
    inside = (probability >= 0.5).astype(np.uint8)
    unsure = (probability > DOUBT) & (probability < 1 - DOUBT)
    unsure |= cv2.morphologyEx(inside, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    if not unsure.any():
        return unsure
    radius = max(2.0, BAND_SHARE * float(np.hypot(*probability.shape)))
    away = cv2.distanceTransform((~unsure).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    return np.asarray(away <= radius, bool)


def solve(image: Image, alpha: Probability, band: Band) -> Probability:
    """`alpha` with its band made to fit the image; outside the band it is given, inside it is the prior."""
    if min(band.shape) <= 2 * REACH:
        return alpha
    rows = matting_laplacian(image, band)
    prior = alpha[band].astype(np.float64)
    weights = PRIOR * np.abs(2 * prior - 1) + SMALLEST_WEIGHT
    known = np.where(band, 0, alpha).ravel().astype(np.float64)
    right_side = weights * prior - rows @ known
    matrix = sparse.csr_array(rows[:, np.flatnonzero(band)] + sparse.diags_array(weights))
    preconditioner = sparse.diags_array(1 / matrix.diagonal())
    found, _ = cg(matrix, right_side, x0=prior, rtol=TOLERANCE, maxiter=STEPS, M=preconditioner)
    result = alpha.copy()
    result[band] = np.clip(found, 0, 1)
    return result


def matting_laplacian(image: Image, band: Band) -> sparse.csr_array:
    """The band's rows of the matting Laplacian (equation 12): (pixels of the band, pixels)."""
    _, width = band.shape
    centres = np.flatnonzero(_centres(band))
    reach = range(-REACH, REACH + 1)
    steps = np.array([y * width + x for y in reach for x in reach])
    # A row has one place for each pixel that shares a window with its own: 5 x 5 of them.
    offsets, place = np.unique((steps[None] - steps[:, None]).ravel(), return_inverse=True)
    nodes = np.flatnonzero(band)
    number = np.full(band.size, nodes.size)  # what is no row of the band is summed in a last one
    number[nodes] = np.arange(nodes.size)
    values = np.zeros((nodes.size + 1) * offsets.size)
    colours = image.reshape(-1, 3) / 255.0
    for first in range(0, centres.size, WINDOWS):
        members = centres[first : first + WINDOWS, None] + steps
        places = number[members].repeat(steps.size, 1) * offsets.size + place.ravel()
        values += np.bincount(places.ravel(), _window_blocks(colours[members]).ravel(), values.size)
    # At the image's edges some places lie outside of it; no window has filled them.
    columns = np.clip(nodes[:, None].astype(np.int32) + offsets.astype(np.int32), 0, band.size - 1)
    starts = np.arange(nodes.size + 1, dtype=np.int32) * np.int32(offsets.size)
    content = (values[: nodes.size * offsets.size], columns.ravel(), starts)
    return sparse.csr_array(content, shape=(nodes.size, band.size))


def _centres(band: Band) -> NDArray[np.uint8]:
    """Where windows lie that hold a pixel of the band, all of each inside the image."""
    grown = cv2.dilate(band.astype(np.uint8), np.ones((2 * REACH + 1, 2 * REACH + 1), np.uint8))
    centres = np.zeros_like(grown)
    centres[REACH:-REACH, REACH:-REACH] = grown[REACH:-REACH, REACH:-REACH]
    return np.asarray(centres, np.uint8)


def _window_blocks(colours: Numbers) -> Numbers:
    """What each window adds to the Laplacian: (windows, 9, 9) of colours (windows, 9, 3)."""
    count = colours.shape[1]
    centred = colours - colours.mean(1, keepdims=True)
    covariance = centred.transpose(0, 2, 1) @ centred / count + EPSILON / count * np.eye(3)
    affinity = (1 + centred @ np.linalg.inv(covariance) @ centred.transpose(0, 2, 1)) / count
    return np.asarray(np.eye(count) - affinity, np.float64)


def _around(band: Band) -> tuple[slice, slice]:
    """The band's bounding box and the windows' reach round it."""
    x, y, width, height = cv2.boundingRect(band.astype(np.uint8))
    margin = 2 * REACH
    return slice(max(0, y - margin), y + height + margin), slice(max(0, x - margin), x + width + margin)
