"""Moving a matte's edge by fractions of pixels, its profile kept.

The edge is the line of half coverage, drawn through the pixels' centres as marching squares do (Lorensen and
Cline, SIGGRAPH 1987): a piece of line in each square of four centres. From each pixel the nearest piece gives
distance and direction, and the coverage there becomes what was found `radius` further inside. Where something
thinner than that lies there, looking on would come out behind it; so the way there counts as well.

What is hairy or noisy has edges in every direction; so no pixel gets less than the most coverage among whole
pixels within `radius`, which alone would move edges by whole pixels only.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from vosengine.finish.sampling import Numbers, places_of, sampled
from vosengine.types import Probability

SOFTEST = 24.0  # pixels from the edge: what is soft beyond it, smoke say, moves by whole pixels
# The two corners of each side of a square; its corners are numbered by rows.
SIDES = ((0, 1), (0, 2), (1, 3), (2, 3))
DEPTHS = (0.5, 1.0, 3.0)  # pixels inside the edge at which to look


class _Pieces(NamedTuple):
    """The edge: the squares that it passes, bool (height - 1, width - 1), and one piece of line in each.

    start, end: (x, y) of its ends; outwards: its direction away from the object, of length 1; float32 (n, 2).
    """

    squares: NDArray[np.bool_]
    start: Numbers
    end: Numbers
    outwards: Numbers


def grown(alpha: Probability, radius: float) -> Probability:
    """The object's edge moved outwards by `radius` pixels, inwards where negative.

    alpha: float32 (height, width) in [0, 1]. What never reaches half coverage moves by whole pixels.
    """
    if radius < 0:
        return np.asarray(1 - grown(1 - alpha, -radius), np.float32)
    if radius == 0:
        return alpha
    pieces = _pieces(alpha)
    if pieces is None:
        return dilated(alpha, radius)
    away, labels = cv2.distanceTransformWithLabels(
        (~pieces.squares).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    rows, columns = _concerned(alpha, np.asarray(away, np.float32), radius)
    piece = _nearest(pieces.squares, np.asarray(labels, np.int32), rows, columns)
    place = places_of(rows, columns)
    distance, outwards = _from_edge(place, pieces, piece, alpha[rows, columns] >= 0.5)
    result = dilated(alpha, radius)
    carried = _carried(alpha, place, distance, outwards, radius)
    result[rows, columns] = np.maximum(result[rows, columns], carried)
    return result


def dilated(alpha: Probability, radius: float) -> Probability:
    """The most coverage among the whole pixels within `radius` of each."""
    height, width = alpha.shape
    reach = int(radius)
    padded = cv2.copyMakeBorder(alpha, reach, reach, reach, reach, cv2.BORDER_REPLICATE)
    runs = [np.asarray(padded, np.float32)]  # of 1, 2, 4, … pixels from each one on
    while 2 ** len(runs) <= 2 * reach + 1:
        half = 2 ** (len(runs) - 1)
        runs.append(np.maximum(runs[-1][:, :-half], runs[-1][:, half:]))
    result = alpha.copy()
    for down in range(reach + 1):
        across = int((radius * radius - down * down) ** 0.5)
        run = (2 * across + 1).bit_length() - 1
        first, last = reach - across, reach + across + 1 - 2**run
        row = np.maximum(runs[run][:, first : first + width], runs[run][:, last : last + width])
        np.maximum(result, row[reach - down : reach - down + height], out=result)
        np.maximum(result, row[reach + down : reach + down + height], out=result)
    return result


def _pieces(alpha: Probability) -> _Pieces | None:
    """The edge's pieces, in the order of their squares; None without an edge."""
    if min(alpha.shape) < 2:
        return None
    inside = alpha >= 0.5
    squares = (inside[:-1, :-1] != inside[1:, 1:]) | (inside[:-1, 1:] != inside[1:, :-1])
    squares |= inside[:-1, :-1] != inside[:-1, 1:]
    rows, columns = np.nonzero(squares)
    if rows.size == 0:
        return None
    corners = [alpha[rows + y, columns + x] for y, x in ((0, 0), (0, 1), (1, 0), (1, 1))]
    crossings, there = zip(*(_crossing(corners, *side) for side in SIDES), strict=True)
    points, passed = np.stack(crossings, 1), np.stack(there, 1)  # (n, 4, 2), (n, 4)
    piece = np.arange(rows.size)
    origin = np.stack([columns, rows], 1).astype(np.float32)
    start = points[piece, passed.argmax(1)] + origin
    end = points[piece, 3 - passed[:, ::-1].argmax(1)] + origin
    return _Pieces(squares, start, end, _outwards(corners))


def _crossing(corners: list[Probability], one: int, other: int) -> tuple[Numbers, NDArray[np.bool_]]:
    """Where the edge crosses a side of each square, (x, y) within it, and whether it does."""
    first, last = corners[one], corners[other]
    there = (first >= 0.5) != (last >= 0.5)
    share = np.where(there, (first - 0.5) / np.where(there, first - last, 1), 0)
    from_corner = np.array([one % 2, one // 2], np.float32)
    along = np.array([other % 2, other // 2], np.float32) - from_corner
    return np.asarray(from_corner + share[:, None] * along, np.float32), there


def _outwards(corners: list[Probability]) -> Numbers:
    """Down the slope of coverage in each square, (n, 2) of length 1 (0 in a saddle)."""
    upper_left, upper_right, lower_left, lower_right = corners
    across = upper_left + lower_left - upper_right - lower_right
    down = upper_left + upper_right - lower_left - lower_right
    slope = np.stack([across, down], 1)
    return np.asarray(slope / np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-6), np.float32)


def _concerned(alpha: Probability, away: Numbers, radius: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the pixels that the edge's move can change."""
    at_pixels = cv2.copyMakeBorder(away, 0, 1, 0, 1, cv2.BORDER_REPLICATE)
    soft = (alpha > 0) & (alpha < 1)
    reach = min(float(at_pixels[soft].max(initial=0)), SOFTEST) + 2
    rows, columns = np.nonzero((at_pixels <= radius + reach) & (alpha < 1))
    return rows, columns


def _nearest(
    squares: NDArray[np.bool_], labels: NDArray[np.int32], rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> NDArray[np.intp]:
    """The number of the piece nearest to each pixel; `labels` tell by square which square that is."""
    own = labels[squares]
    number = np.zeros(int(own.max()) + 1, np.intp)
    number[own] = np.arange(own.size)
    below, right = np.minimum(rows, squares.shape[0] - 1), np.minimum(columns, squares.shape[1] - 1)
    return np.asarray(number[labels[below, right]], np.intp)


def _from_edge(
    place: Numbers, pieces: _Pieces, piece: NDArray[np.intp], inside: NDArray[np.bool_]
) -> tuple[Numbers, Numbers]:
    """Signed distances of places (n, 2) from the edge, positive outside, and the way outwards (n, 2)."""
    way = _way(place, pieces, piece)
    length = np.linalg.norm(way, axis=1)
    sign = np.where(inside, np.float32(-1), np.float32(1))
    # Close to the edge the way to its pieces says little: there the slope tells the direction.
    outwards = way * sign[:, None] + pieces.outwards[piece]
    outwards /= np.maximum(np.linalg.norm(outwards, axis=1, keepdims=True), 1e-6)
    return np.asarray(sign * length, np.float32), np.asarray(outwards, np.float32)


def _way(place: Numbers, pieces: _Pieces, piece: NDArray[np.intp]) -> Numbers:
    """From the nearest point of each piece, its ends prolonged a little, to the place: (n, 2)."""
    start, line = pieces.start[piece], (pieces.end - pieces.start)[piece]
    share = ((place - start) * line).sum(1) / np.maximum((line * line).sum(1), 1e-6)
    return np.asarray(place - start - share.clip(-0.5, 1.5)[:, None] * line, np.float32)


def _carried(
    alpha: Probability, place: Numbers, distance: Numbers, outwards: Numbers, radius: float
) -> Numbers:
    """The most coverage on the way from each place to `radius` further inside."""
    depths = [*(depth for depth in DEPTHS if depth < radius), radius]
    outside = np.maximum(distance, 0)
    found = sampled(alpha, place)
    for depth in depths:
        steps = np.minimum(outside + depth, radius)
        np.maximum(
            found, sampled(alpha, np.asarray(place - steps[:, None] * outwards, np.float32)), out=found
        )
    return found
