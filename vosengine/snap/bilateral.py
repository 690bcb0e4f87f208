"""The fast bilateral solver.

Barron, Poole, "The Fast Bilateral Solver", ECCV 2016; used by OSVOS (section 3.3) to snap a segmentation to
the image's edges. Finds the x that minimises

    smoothness / 2 * sum_ij W_ij (x_i - x_j)^2  +  sum_i c_i (x_i - t_i)^2

for a target t with confidence c, where W is a bistochastic bilateral affinity: large between pixels that are
near in position and colour. The sum is solved on the vertices of a *simplified bilateral grid* (pixels that
quantise to the same position, luma and chroma share a vertex).

Differences from the paper: no hierarchical preconditioner and initialisation, whose gain is lost on crops of
this size: conjugate gradients start from the splatted target and are preconditioned with the diagonal.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import cg

from vosengine.types import Image, Probability

Vertices = NDArray[np.float64]

# Barron & Poole's published code (grid and solver parameters).
SIGMA_SPATIAL = 8.0
SIGMA_LUMA = 8.0
SIGMA_CHROMA = 4.0
SMOOTHNESS = 128.0
BISTOCHASTISATION_STEPS = 10
SOLVER_STEPS = 25
SOLVER_TOLERANCE = 1e-5
SMALLEST_DIAGONAL = 1e-5


def bilateral_solver(
    image: Image,
    target: Probability,
    confidence: Probability | None = None,
    *,
    sigma_spatial: float = SIGMA_SPATIAL,
    sigma_luma: float = SIGMA_LUMA,
    sigma_chroma: float = SIGMA_CHROMA,
    smoothness: float = SMOOTHNESS,
    solver_steps: int = SOLVER_STEPS,
) -> Probability:
    """`target` smoothed within the image's regions and not across its edges.

    image: (height, width, 3); target: (height, width); confidence: the same, 0 where the target is unknown,
    None for 1 everywhere. sigma_*: size of a grid cell, in pixels and in 8-bit steps of luma and chroma.
    smoothness: the paper's lambda; 0 gives cell means. solver_steps: limit of conjugate gradient steps.
    Returns float32 (height, width) in [0, 1]. Raises ValueError when the sizes differ.
    """
    if target.shape != image.shape[:2] or (confidence is not None and confidence.shape != target.shape):
        raise ValueError(f"image {image.shape[:2]} and target {target.shape} differ in size")
    weights = np.ones(target.size) if confidence is None else confidence.ravel().astype(np.float64)
    splat, blur = bilateral_grid(image, sigma_spatial, sigma_luma, sigma_chroma)
    matrix, right_side = linear_system(splat, blur, target.ravel(), weights, smoothness)
    mass = splat @ weights
    start = right_side / np.maximum(mass, SMALLEST_DIAGONAL)
    preconditioner = sparse.diags(1 / np.maximum(matrix.diagonal(), SMALLEST_DIAGONAL))
    solution, _ = cg(
        matrix, right_side, x0=start, rtol=SOLVER_TOLERANCE, maxiter=solver_steps, M=preconditioner
    )
    # Conjugate gradients stopped early may overshoot the target's range by a little.
    sliced = np.clip(splat.T @ solution, target.min(), target.max())
    return np.asarray(sliced.reshape(target.shape), np.float32)


def bilateral_grid(
    image: Image, sigma_spatial: float, sigma_luma: float, sigma_chroma: float
) -> tuple[sparse.csc_array, sparse.csr_array]:
    """The simplified bilateral grid's splat and blur matrices.

    splat: (vertices, pixels), one 1 a column: the vertex of each pixel; its transpose slices.
    blur: (vertices, vertices), 2 * 5 on the diagonal and 1 between neighbours along each dimension.
    """
    keys, strides = _quantised(image, sigma_spatial, sigma_luma, sigma_chroma)
    occupied, vertex_of_pixel = np.unique(keys, return_inverse=True)
    splat = sparse.csc_array(
        (np.ones(keys.size), vertex_of_pixel, np.arange(keys.size + 1)), shape=(occupied.size, keys.size)
    )
    vertices = np.arange(occupied.size)
    lower, upper = [], []
    for stride in strides:
        places = np.minimum(np.searchsorted(occupied, occupied + stride), occupied.size - 1)
        present = occupied[places] == occupied + stride
        lower.append(vertices[present])
        upper.append(places[present])
    below, above = np.concatenate(lower), np.concatenate(upper)
    one_way = sparse.csr_array((np.ones(below.size), (below, above)), shape=(occupied.size, occupied.size))
    centre = sparse.diags_array(np.full(occupied.size, 2.0 * len(strides)))
    return splat, sparse.csr_array(one_way + one_way.T + centre)


def bistochastised(splat: sparse.csc_array, blur: sparse.csr_array) -> tuple[Vertices, Vertices]:
    """The diagonals (n, m) that make slice-blur-splat bistochastic: n * (blur @ n) = m."""
    mass = np.asarray(splat.sum(axis=1), np.float64)
    scale = np.ones_like(mass)
    for _ in range(BISTOCHASTISATION_STEPS):
        scale = np.sqrt(scale * mass / (blur @ scale))
    # As in the published code: the mass is corrected, so that the rows sum exactly after few iterations.
    return scale, scale * (blur @ scale)


def linear_system(
    splat: sparse.csc_array,
    blur: sparse.csr_array,
    target: NDArray[Any],
    weights: Vertices,
    smoothness: float,
) -> tuple[sparse.csr_array, Vertices]:
    """A and b of A y = b over the grid's vertices; the solution sliced is the answer."""
    scale, mass = bistochastised(splat, blur)
    data = np.maximum(splat @ weights, SMALLEST_DIAGONAL)
    # smoothness * (diag(mass) - diag(scale) blur diag(scale)) + diag(data), written over the blur's entries.
    rows = np.repeat(np.arange(scale.size), np.diff(blur.indptr))
    matrix = blur.copy()
    matrix.data *= -smoothness * scale[rows] * scale[blur.indices]
    matrix.setdiag(matrix.diagonal() + smoothness * mass + data)
    return matrix, splat @ (weights * target)


def _quantised(
    image: Image, sigma_spatial: float, sigma_luma: float, sigma_chroma: float
) -> tuple[NDArray[np.int64], list[int]]:
    """One integer a pixel naming its cell, and the step in it along y, x, luma and the two chromas."""
    height, width = image.shape[:2]
    colour = cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb)
    sigmas = (sigma_luma, sigma_chroma, sigma_chroma)
    cells = [
        np.broadcast_to((np.arange(height) / sigma_spatial).astype(np.int64)[:, None], (height, width)),
        np.broadcast_to((np.arange(width) / sigma_spatial).astype(np.int64)[None, :], (height, width)),
        *((colour[..., channel] / sigma).astype(np.int64) for channel, sigma in enumerate(sigmas)),
    ]
    # One empty cell beyond the last keeps the neighbours of a row's end from wrapping into the next row.
    sizes = [int(cell.max()) + 2 for cell in cells]
    strides = [int(np.prod(sizes[dimension + 1 :])) for dimension in range(len(sizes))]
    keys = sum((cell * stride for cell, stride in zip(cells, strides, strict=True)), np.int64(0))
    return np.asarray(keys, np.int64).ravel(), strides
