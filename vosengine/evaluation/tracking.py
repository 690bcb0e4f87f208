"""Evaluation as a tracker: the box round the result against the box round the truth.

S. Caelles, K.-K. Maninis, J. Pont-Tuset, L. Leal-Taixe, D. Cremers, L. Van Gool: "One-Shot Video Object
Segmentation", CVPR 2017, section 4 and table 5: "the percentage of bounding boxes [...] that have an
intersection over union with the ground-truth bounding box above different thresholds".
"""

from __future__ import annotations

from typing import ClassVar

import cv2
import numpy as np

from vosengine.evaluation.analysis import Analysis, Results, Table, mean, scored_masks, text
from vosengine.evaluation.protocol import SequenceResult
from vosengine.types import Box, Mask

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)  # table 5


class AsTracker(Analysis):
    """The share of boxes that overlap by more than each threshold.

    Frames on which the true object is absent have no box to match and do not count.
    """

    key: ClassVar[str] = "tracker"

    def table(self, results: Results) -> Table:
        """A row a sequence, the mean over the sequences, and the paper's: all boxes together."""
        overlaps = {result.sequence.name: box_overlaps(result) for result in results}
        shares = {name: _shares(each) for name, each in overlaps.items()}
        columns = [f"{threshold}" for threshold in THRESHOLDS]
        means = {column: mean(each[column] for each in shares.values()) for column in columns}
        together = _shares([overlap for each in overlaps.values() for overlap in each])
        named = [*shares.items(), ("mean", means), ("all boxes", together)]
        rows = [[name, *(text(each[column]) for column in columns)] for name, each in named]
        figures = {"mean": means, "all_boxes": together, "sequences": shares}
        headings = ["sequence", *(f"> {column}" for column in columns)]
        return Table(self.key, "Boxes that overlap the true box", headings, rows, figures)


def box_overlaps(result: SequenceResult) -> list[float]:
    """The overlap of the boxes on every scored frame with a true object, object after object."""
    return [
        overlap
        for prediction, truth in scored_masks(result)
        if (overlap := box_overlap(prediction, truth)) is not None
    ]


def box_overlap(prediction: Mask, truth: Mask) -> float | None:
    """Intersection over union of the masks' bounding boxes; 0 without a result, None without a truth."""
    found, true = Box(*cv2.boundingRect(prediction)), Box(*cv2.boundingRect(truth))
    return found.iou(true) if true.area else None


def _shares(overlaps: list[float]) -> dict[str, float | None]:
    found = np.asarray(overlaps)
    return {f"{t}": float((found > t).mean()) if overlaps else None for t in THRESHOLDS}
