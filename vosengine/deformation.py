"""MaskTrack's deformation: what the mask of the previous frame looks like on this one.

F. Perazzi, A. Khoreva, R. Benenson, B. Schiele, A. Sorkine-Hornung, "Learning Video Object Segmentation from
Static Images", CVPR 2017, sections 3.1 and 4: the true mask is scaled, shifted, bent by a thin-plate spline,
and coarsened by dilation. The same is done offline and online; at test time the previous result is coarsened.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator

from vosengine.augment import Map, affine_map, bounding_box, look_soft
from vosengine.types import Box, Probability

SCALE = 0.05  # section 4: +-5 % of the object's size
SHIFT = 0.1  # +-10 % of the object's width and height, for the whole mask and for each control point
DILATION = 5  # pixels, as the network sees them
# Section 4 says five control points, not which: the corners and the centre of the object's box.
CONTROL_POINTS = np.array([(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (0.5, 0.5)])
GRID = 8  # pixels between the positions where the spline is computed; it is smooth

Points = NDArray[np.float64]  # (count, 2): x, y


@dataclass(frozen=True)
class Deformation:
    """The parts of the deformation; without any the true mask itself is given (table 1, no deformation)."""

    affine: bool = True
    non_rigid: bool = True
    dilation: bool = True

    def __call__(self, rng: np.random.Generator, mask: Probability) -> Probability:
        """A mask (height, width) in {0, 1}, deformed at random; an empty one stays empty."""
        box = bounding_box(mask)
        if box is None:
            return mask
        height, width = mask.shape
        at = affine_map(random_scale_and_shift(rng, box) if self.affine else np.eye(2, 3), height, width)
        if self.non_rigid:
            at = at + random_bend(rng, box, height, width)
        return self.coarsened(look_soft(mask, at))

    def coarsened(self, mask: Probability) -> Probability:
        """The mask made hard at one half, and dilated by a disk."""
        hard = (mask > 0.5).astype(np.float32)
        if not self.dilation:
            return hard
        disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * DILATION + 1, 2 * DILATION + 1))
        return np.asarray(cv2.dilate(hard, disk), np.float32)


def random_scale_and_shift(rng: np.random.Generator, box: Box) -> NDArray[np.float64]:
    """The affine transform (2, 3), output pixel -> input pixel, of a box scaled about its centre, shifted."""
    scale = 1 / (1 + rng.uniform(-SCALE, SCALE))
    shift = rng.uniform(-SHIFT, SHIFT, 2) * (box.width, box.height)
    centre = np.array([box.x + box.width / 2, box.y + box.height / 2])
    return np.column_stack((np.eye(2) * scale, centre - scale * (centre + shift)))


def random_bend(rng: np.random.Generator, box: Box, height: int, width: int) -> Map:
    """Displacements (height, width, 2) of a thin-plate spline whose control points moved at random."""
    points = np.array([box.x, box.y]) + CONTROL_POINTS * (box.width, box.height)
    moved = points + rng.uniform(-SHIFT, SHIFT, points.shape) * (box.width, box.height)
    return thin_plate_spline(moved, points - moved, height, width)


def thin_plate_spline(points: Points, values: Points, height: int, width: int) -> Map:
    """The smoothest displacements (height, width, 2) with the `values` at the `points` (Bookstein, 1989).

    Computed every few pixels and interpolated between. The points must not lie on one line.
    """
    spline = RBFInterpolator(points, values, kernel="thin_plate_spline", degree=1)
    columns, rows = (1 + -(-side // GRID) for side in (width, height))
    x, y = np.meshgrid(np.arange(columns) * GRID, np.arange(rows) * GRID)
    coarse = spline(np.column_stack((x.ravel(), y.ravel()))).reshape(rows, columns, 2).astype(np.float32)
    at = affine_map(np.array([[1 / GRID, 0, 0], [0, 1 / GRID, 0]]), height, width)
    return np.asarray(cv2.remap(coarse, at[..., 0], at[..., 1], cv2.INTER_LINEAR), np.float32)
