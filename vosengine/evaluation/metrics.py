"""J, F and T of the DAVIS benchmark, and the error of a soft matte.

F. Perazzi, J. Pont-Tuset, B. McWilliams, L. Van Gool, M. Gross, A. Sorkine-Hornung: "A Benchmark Dataset
and Evaluation Methodology for Video Object Segmentation", CVPR 2016, section 5; edge cases as in the code
published with it. A mask's pixel belongs to the object when it is not 0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vosengine.errors import DatasetError
from vosengine.evaluation.shape_context import temporal_stability
from vosengine.types import Mask, Matte

BOUND = 0.008  # boundary tolerance over the frame's diagonal: the benchmark's `bound_th`
RECALL_ABOVE = 0.5  # Perazzi et al. section 5.2: recall is the share of frames above this


@dataclass(frozen=True)
class Statistics:
    """A measure over a sequence: its mean, the share of frames above 0.5, and the loss over time."""

    mean: float
    recall: float
    decay: float


@dataclass(frozen=True)
class Scores:
    """One object's measures over one sequence.

    J and F lie in [0, 1], larger is better; the decays in [-1, 1], smaller is better; T is at least 0,
    smaller is better, None where it was not asked for or no two consecutive results have a contour.
    `frames` are the scored frames, `J_by_frame` and `F_by_frame` their values.
    """

    J: float
    J_recall: float
    J_decay: float
    F: float
    F_recall: float
    F_decay: float
    T: float | None
    frames: tuple[int, ...]
    J_by_frame: tuple[float, ...]
    F_by_frame: tuple[float, ...]


@dataclass(frozen=True)
class AlphaError:
    """How far a matte is from the true alpha, alpha in [0, 1].

    `mean_absolute` and `mean_squared` are over all pixels, `sum_absolute` (SAD) is in pixels.
    """

    mean_absolute: float
    mean_squared: float
    sum_absolute: float


def score(predictions: Mapping[int, Mask], truths: Mapping[int, Mask], evaluate_t: bool = True) -> Scores:
    """All measures of one object, by frame; the first and last frames of `truths` are dropped.

    The mappings may read their masks when asked for them: no more than two are held at a time. Raises
    DatasetError for fewer than three truths, and for a scored frame without a prediction or with one of
    another size.
    """
    frames = tuple(sorted(truths)[1:-1])
    if not frames:
        raise DatasetError("Scoring needs at least three annotated frames; choose a longer sequence.")
    J, F = zip(*(_frame_scores(frame, predictions, truths) for frame in frames), strict=True)
    T = temporal_stability(predictions[frame] for frame in frames) if evaluate_t else None
    j, f = statistics(J), statistics(F)
    return Scores(j.mean, j.recall, j.decay, f.mean, f.recall, f.decay, T, frames, J, F)


def region_similarity(prediction: Mask, truth: Mask) -> float:
    """J, intersection over union, in [0, 1]; 1 where both masks are empty."""
    inside, true = prediction != 0, truth != 0
    union = np.count_nonzero(inside | true)
    return np.count_nonzero(inside & true) / union if union else 1.0


def contour_accuracy(prediction: Mask, truth: Mask) -> float:
    """F of the boundaries, in [0, 1]: pixels match within `boundary_tolerance` of the other boundary.

    1 where neither mask has a boundary, 0 where only one of them has.
    """
    predicted, true = boundary(prediction), boundary(truth)
    if not predicted.any() or not true.any():
        return float(predicted.any() == true.any())
    tolerance = boundary_tolerance(*prediction.shape)
    window = _bounding_window(predicted | true)
    predicted, true = predicted[window], true[window]
    precision = _matched_share(predicted, true, tolerance)
    recall = _matched_share(true, predicted, tolerance)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def boundary_tolerance(height: int, width: int) -> int:
    """Pixels within which boundaries match: 8 at 854x480."""
    return math.ceil(BOUND * math.hypot(height, width))


def boundary(mask: Mask) -> NDArray[np.bool_]:
    """Pixels unlike their right, lower or lower right neighbour (D. Martin's `seg2bmap`), bool.

    The frame's own edges are no boundary.
    """
    inside = np.pad(mask != 0, ((0, 1), (0, 1)), mode="edge")
    here = inside[:-1, :-1]
    differs: NDArray[np.bool_] = (here ^ inside[:-1, 1:]) | (here ^ inside[1:, :-1]) | (here ^ inside[1:, 1:])
    return differs


def statistics(values: Sequence[float]) -> Statistics:
    """Mean, recall and decay of a measure by frame; `values` must not be empty.

    Decay is the mean of the first quarter minus the mean of the last. Neighbouring quarters share the
    frame between them, as in the benchmark's code.
    """
    array = np.asarray(values, np.float64)
    # The benchmark rounds halves up (Matlab); NumPy alone would round them to even.
    ends = np.floor(np.linspace(1, len(array), 5) + 0.5).astype(int) - 1
    decay = array[: ends[1] + 1].mean() - array[ends[3] :].mean()
    return Statistics(float(array.mean()), float((array > RECALL_ABOVE).mean()), float(decay))


def alpha_error(matte: Matte, truth: Matte) -> AlphaError:
    """The error of a soft matte, uint16 (height, width), against the true alpha of the same shape."""
    if matte.dtype != np.uint16 or truth.dtype != np.uint16 or matte.shape != truth.shape:
        raise ValueError("alpha_error compares two uint16 mattes of one shape")
    difference = np.abs(matte.astype(np.float64) - truth) / 65535
    return AlphaError(
        mean_absolute=float(difference.mean()),
        mean_squared=float(np.square(difference).mean()),
        sum_absolute=float(difference.sum()),
    )


def _frame_scores(
    frame: int, predictions: Mapping[int, Mask], truths: Mapping[int, Mask]
) -> tuple[float, float]:
    if frame not in predictions:
        raise DatasetError(f"There is no result for frame {frame}; run the sequence again.")
    prediction, truth = predictions[frame], truths[frame]
    if prediction.shape != truth.shape:
        raise DatasetError(
            f"The result for frame {frame} is {prediction.shape[1]}x{prediction.shape[0]} and its "
            f"annotation {truth.shape[1]}x{truth.shape[0]}; results must have the annotations' size."
        )
    return region_similarity(prediction, truth), contour_accuracy(prediction, truth)


def _bounding_window(inside: NDArray[np.bool_]) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _matched_share(of: NDArray[np.bool_], other: NDArray[np.bool_], tolerance: int) -> float:
    """The share of `of` that `other` covers when dilated with a disk of radius `tolerance`."""
    distance = cv2.distanceTransform((~other).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    # Squared distances are whole numbers: half a unit of slack forgives the transform's rounding.
    within = np.square(distance) < tolerance * tolerance + 0.5
    return np.count_nonzero(of & within) / np.count_nonzero(of)
