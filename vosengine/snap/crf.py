"""The fully connected CRF with Gaussian edge potentials, for two labels, over one frame or a few.

P. Kraehenbuehl, V. Koltun, "Efficient Inference in Fully Connected CRFs with Gaussian Edge Potentials",
NeurIPS 2011; MaskTrack (Perazzi et al., CVPR 2017, supplement D) applies it to a window of three frames, with
time as one more dimension of the appearance kernel, and so steadies its results.

    energy(x) = sum_i -log p_i(x_i)  +  sum_i<j [x_i != x_j] k(i, j)

    k(i, j) = weight        * exp(-|position_i - position_j|^2 / (2 sigma_position^2)
                                  -|colour_i   - colour_j|^2   / (2 sigma_colour^2))
            + smooth_weight * exp(-|place_i    - place_j|^2    / (2 smooth_sigma^2))

where position is (x, y, frame) and place is (x, y) within one frame. Mean-field inference replaces the
posterior by independent probabilities; each step is a Gaussian filtering of them.

Differences from the paper, the first two as in the authors' published code: both kernels are normalised
symmetrically (else the weights would mean something else on every image), and a pixel hears itself too.
Pixels in whose reach the network is sure of one label, where no message could change it, are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from vosengine.snap.permutohedral import PermutohedralLattice
from vosengine.types import Image, Probability

Values = NDArray[np.float32]
Filter = Callable[[Values], Values]

REACH = 3.0  # standard deviations after which the appearance kernel is taken for 0
# The network is believed no further: one that is sure of everything could not be moved. Not in the papers;
# any value from 0.9 to 0.9999 gives the same J to three digits on soft-edged masks.
SURE = 0.95


@dataclass(frozen=True)
class CrfSettings:
    """The kernels' weights and standard deviations, as MaskTrack gives them (supplement D).

    sigma_colour: 8-bit steps of RGB; sigma_position: pixels, and frames; smooth_sigma: pixels.
    """

    weight: float = 5.0
    sigma_colour: float = 10.0
    sigma_position: float = 5.0
    smooth_weight: float = 1.0
    smooth_sigma: float = 1.0
    iterations: int = 10


PAPER = CrfSettings()


def dense_crf(
    images: Sequence[Image], probabilities: Sequence[Probability], settings: CrfSettings = PAPER
) -> list[Probability]:
    """The object's probability on each frame of a window of consecutive frames, after mean-field inference.

    images: (height, width, 3) uint8 RGB, all of one size; probabilities: (height, width), one an image.
    Returns as many, float32 in [0, 1]. Raises ValueError when counts or sizes differ.
    """
    window, given = np.stack(images), np.stack(probabilities).astype(np.float32)
    if window.shape[:3] != given.shape:
        raise ValueError(f"images {window.shape[:3]} and probabilities {given.shape} differ")
    open_pixels = np.broadcast_to(undecided(given, REACH * settings.sigma_position), given.shape)
    result = given.copy()
    if open_pixels.any():
        result[open_pixels] = mean_field(
            given[open_pixels],
            [
                (settings.weight, appearance_filter(window, open_pixels, settings)),
                (settings.smooth_weight, smoothness_filter(open_pixels, settings.smooth_sigma)),
            ],
            settings.iterations,
        )
    return list(result)


def mean_field(given: Values, kernels: Sequence[tuple[float, Filter]], iterations: int) -> Values:
    """Algorithm 1 for two labels: (points,) probabilities from (points,) probabilities of the unary term.

    The label compatibility is Potts's; with two labels only the difference of their messages counts, which is
    the filtered difference of their probabilities.
    """
    unary = np.asarray(logit(np.clip(given, 1 - SURE, SURE)), np.float32)
    normalised = [(weight, symmetric(kernel, given.size)) for weight, kernel in kernels]
    found = np.asarray(expit(unary), np.float32)
    for _ in range(iterations):
        difference = 2 * found - 1
        messages = np.sum([weight * kernel(difference) for weight, kernel in normalised], axis=0)
        found = np.asarray(expit(unary + messages), np.float32)
    return found


def symmetric(kernel: Filter, points: int) -> Filter:
    """D^-1/2 K D^-1/2 for the diagonal D of K's row sums."""
    scale = np.asarray(kernel(np.ones(points, np.float32)) ** -0.5, np.float32)
    return lambda values: scale * kernel(scale * values)


def appearance_filter(window: NDArray[np.uint8], chosen: NDArray[np.bool_], settings: CrfSettings) -> Filter:
    """The kernel over position, time and colour on the chosen pixels of (frames, height, width, 3)."""
    position = np.argwhere(chosen)[:, 1 if len(window) == 1 else 0 :] / settings.sigma_position
    colour = window[chosen] / settings.sigma_colour
    return PermutohedralLattice(np.concatenate([position, colour], axis=1).astype(np.float32)).filtered


def smoothness_filter(chosen: NDArray[np.bool_], sigma: float) -> Filter:
    """The kernel over position within each frame on the chosen pixels of (frames, height, width)."""

    def filtered(values: Values) -> Values:
        frames = np.zeros(chosen.shape, np.float32)
        frames[chosen] = values
        blurred = [cv2.GaussianBlur(f, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT) for f in frames]
        return np.asarray(np.stack(blurred)[chosen], np.float32)

    return filtered


def undecided(given: Values, reach: float) -> NDArray[np.bool_]:
    """Pixels (height, width) with both labels possible within `reach`, in any of the frames."""
    size = 2 * int(np.ceil(reach)) + 1
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    sides = [np.asarray(side, np.uint8) for side in (given.max(axis=0) > 1 - SURE, given.min(axis=0) < SURE)]
    near = [cv2.dilate(side, disk) for side in sides]
    return np.asarray(np.logical_and(*near), np.bool_)
