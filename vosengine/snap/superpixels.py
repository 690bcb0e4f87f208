"""Snapping to learned contours: superpixels of an ultrametric contour map, chosen by majority vote.

Caelles et al., "One-Shot Video Object Segmentation", CVPR 2017, section 3.3, with the ultrametric contour
map (UCM) of Arbelaez, Maire, Fowlkes and Malik, "Contour Detection and Hierarchical Image Segmentation", PAMI
2011, section 4: a watershed of the contours gives regions; the pair of neighbours with the weakest boundary
between them is merged, again and again; the map holds for each piece of boundary the strength at which it
vanished.

Differences from the papers:
- the contours have no orientation, so an arc of the watershed is weighted by the mean of the contour map;
- regions are catchment basins by steepest descent (Fairfield, "Toboggan Contrast Enhancement for Contrast
  Segmentation", 1990): SciPy's and OpenCV's watersheds flood by differences, not by height;
- OSVOS's result is a hard mask. Here a superpixel that is voted to one side mirrors at 0.5 the probabilities
  on the other (0.3 becomes 0.7): thresholded it is the paper's mask, and where network and vote agree, the
  network's soft edge stays.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from vosengine.snap.contours import contour_probability
from vosengine.types import Image, Probability

# Of the UCM: the paper's "low value", which it does not give; best on held-out training sequences.
THRESHOLD = 0.5
SMOOTHING = 1.0  # pixels, before the watershed: one basin for the many minima of a noisy map
MAJORITY = 0.5  # section 3.3: superpixels "that overlap with the foreground mask over 50 %"
JUST_INSIDE = np.nextafter(np.float32(0.5), np.float32(1))
CONNECTIVITY = 4  # pixels are neighbours across a side, as the map draws boundaries
CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))

Labels = NDArray[np.int32]
Strengths = NDArray[np.float64]


def superpixel_snap(image: Image, probability: Probability) -> Probability:
    """`probability` (height, width) snapped to the learned contours of `image` (height, width, 3).

    Unlike the bilateral solver it changes whole superpixels, near the boundary or not. Raises WeightsError
    where the contour network is not bundled.
    """
    if not (probability > 0.5).any():
        return probability.copy()
    return majority_vote(probability, _superpixels_of(image.tobytes(), *image.shape[:2]))


@lru_cache(maxsize=1)
def _superpixels_of(pixels: bytes, height: int, width: int) -> Labels:
    """Kept for the frame's other objects."""
    image = np.frombuffer(pixels, np.uint8).reshape(height, width, 3)
    return superpixels(ultrametric_contour_map(contour_probability(image)), THRESHOLD)


def majority_vote(probability: Probability, labels: Labels) -> Probability:
    """Each superpixel to the side on which more than half of its pixels are.

    probability, labels (0..): (height, width). Returns a new probability: that of pixels outvoted by their
    superpixel is mirrored at 0.5, all others keep theirs.
    """
    inside = probability > 0.5
    votes = np.bincount(labels.ravel(), weights=inside.ravel())
    chosen = (votes > MAJORITY * np.bincount(labels.ravel()))[labels]
    # What was exactly on the threshold must not stay there.
    mirrored = np.where(inside, 1 - probability, np.maximum(1 - probability, JUST_INSIDE))
    return np.where(chosen == inside, probability, mirrored).astype(np.float32)


def superpixels(ucm: Probability, threshold: float) -> Labels:
    """The regions (height, width), numbered from 0, that boundaries above `threshold` leave.

    Superpixels at a threshold are unions of those at a lower one. Raises ValueError for a negative threshold.
    """
    if threshold < 0:
        raise ValueError("the threshold of an ultrametric contour map must not be negative")
    open_sites = (ucm <= threshold).astype(np.uint8)
    _, labels = cv2.connectedComponents(open_sites, connectivity=CONNECTIVITY, ltype=cv2.CV_32S)
    return np.asarray(labels[::2, ::2], np.int32) - 1


def ultrametric_contour_map(contours: Probability, smoothing: float = SMOOTHING) -> Probability:
    """The UCM of a contour map (height, width), on the doubled grid (2 height - 1, 2 width - 1).

    Sites of even row and column are the pixels and 0; those between two pixels hold the strength at which the
    pixels' regions merge, 0 within a region; those between four the largest of the strengths round them.
    `smoothing`: standard deviation in pixels, 0 for none.
    """
    smooth = cv2.GaussianBlur(contours, (0, 0), smoothing) if smoothing else contours
    smooth = np.asarray(smooth, np.float32)
    boundaries = region_boundaries(watershed(smooth), smooth)
    levels = merge_levels(boundaries)[boundaries.arc_of_side].astype(np.float32)
    height, width = contours.shape
    ucm = np.zeros((2 * height - 1, 2 * width - 1), np.float32)
    across = np.count_nonzero(boundaries.across)
    ucm[::2, 1::2][boundaries.across] = levels[:across]
    ucm[1::2, ::2][boundaries.down] = levels[across:]
    ucm[1::2, 1::2] = np.maximum.reduce(
        [ucm[:-1:2, 1::2], ucm[2::2, 1::2], ucm[1::2, :-1:2], ucm[1::2, 2::2]]
    )
    return ucm


def watershed(heights: NDArray[np.float32]) -> Labels:
    """The catchment basins (height, width), numbered from 0: each pixel flows to its lowest neighbour.

    Of the four beside it and itself, so that basins hang together across sides; of equal heights the first
    pixel counts as the lower.
    """
    order = np.argsort(heights, axis=None, kind="stable")
    rank = np.empty(heights.size)
    rank[order] = np.arange(heights.size)
    # cv2 erodes no integers of this size; float64 holds them exactly.
    lowest = cv2.erode(rank.reshape(heights.shape), CROSS).astype(np.int64)
    minima = _roots(order[lowest.ravel()])
    numbers = np.cumsum(minima == np.arange(minima.size)) - 1
    return numbers[minima].reshape(heights.shape).astype(np.int32)


def _roots(parents: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each chain of parents ends; a root is its own parent."""
    while True:
        further = parents[parents]
        if np.array_equal(further, parents):
            return parents
        parents = further


@dataclass(frozen=True)
class Boundaries:
    """Boundaries between regions: arcs (all sides of pixels between two regions) and their strengths.

    ends: (arcs, 2) regions; strengths: (arcs,) sums over the arcs' sides; lengths: (arcs,) numbers of sides.
    across: (height, width - 1) and down: (height - 1, width): whether a boundary runs between a pixel and its
    right, its lower neighbour; arc_of_side: the arc of each such side, those across first.
    """

    ends: NDArray[np.int64]
    strengths: Strengths
    lengths: NDArray[np.int64]
    across: NDArray[np.bool_]
    down: NDArray[np.bool_]
    arc_of_side: NDArray[np.int64]


def region_boundaries(regions: Labels, contours: Probability) -> Boundaries:
    """The boundaries of regions; a side is as strong as the stronger of the contours beside it."""
    across, down = regions[:, 1:] != regions[:, :-1], regions[1:] != regions[:-1]
    one = np.concatenate([regions[:, :-1][across], regions[:-1][down]]).astype(np.int64)
    other = np.concatenate([regions[:, 1:][across], regions[1:][down]])
    strength = np.concatenate(
        [np.maximum(contours[:, 1:], contours[:, :-1])[across], np.maximum(contours[1:], contours[:-1])[down]]
    )
    count = int(regions.max()) + 1
    pairs, arc_of_side = np.unique(
        np.minimum(one, other) * count + np.maximum(one, other), return_inverse=True
    )
    return Boundaries(
        ends=np.stack(np.divmod(pairs, count), 1),
        strengths=np.bincount(arc_of_side, strength, minlength=len(pairs)).astype(np.float64),
        lengths=np.bincount(arc_of_side, minlength=len(pairs)),
        across=across,
        down=down,
        arc_of_side=arc_of_side,
    )


def merge_levels(boundaries: Boundaries) -> Strengths:
    """For each arc the strength at which the two regions beside it become one.

    The two regions with the weakest boundary are merged first. Boundaries with the same third region become
    one boundary of their mean strength (average linkage by length), which is no weaker than the one that
    vanished: levels never fall, so they are an ultrametric.
    """
    ends = boundaries.ends.tolist()
    sums, lengths = boundaries.strengths.tolist(), boundaries.lengths.tolist()
    neighbours: dict[int, dict[int, int]] = {}
    for arc, (a, b) in enumerate(ends):
        neighbours.setdefault(a, {})[b] = neighbours.setdefault(b, {})[a] = arc
    joined = np.arange(len(ends))  # the arc each arc became part of
    levels, level = np.zeros(len(ends)), 0.0
    # A boundary that has grown or gone has another length than its entry.
    heap = [(sums[arc] / lengths[arc], arc, lengths[arc]) for arc in range(len(ends))]
    heapq.heapify(heap)
    while heap:
        strength, arc, length = heapq.heappop(heap)
        if lengths[arc] != length:
            continue
        level = levels[arc] = max(level, strength)  # the mean of equal strengths may round below them
        kept, gone = sorted(ends[arc], key=lambda region: -len(neighbours[region]))
        del neighbours[kept][gone], neighbours[gone][kept]
        lengths[arc] = 0
        for third, moved in neighbours.pop(gone).items():
            del neighbours[third][gone]
            same = neighbours[kept].setdefault(third, moved)
            neighbours[third][kept] = same
            if same == moved:
                ends[moved] = (kept, third)
                continue
            joined[moved] = same
            sums[same] += sums[moved]
            lengths[same] += lengths[moved]
            lengths[moved] = 0
            heapq.heappush(heap, (sums[same] / lengths[same], same, lengths[same]))
    return levels[_roots(joined)]
