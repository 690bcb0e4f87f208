"""Iterative online training: OSVOS that goes on learning from its own results.

A. Newswanger, C. Xu, "One-Shot Video Object Segmentation with Iterative Online Fine-Tuning", The 2017 DAVIS
Challenge on Video Object Segmentation, CVPR Workshops.

The test network is fine-tuned on the annotated frames, segments ten frames independently, is fine-tuned
further on those results, and so on to the end of the sweep (section 2). Results may be filtered before they
are trained on (section 3): their largest blob, or what lies inside the box of a KCF tracker.

What the paper leaves open:
- "These 10 frames are then added to the training set, and the model is fine-tuned for 100 iterations on
  them": the training set is the annotated frames and the last ten results, drawn from evenly; without the
  annotated frames (`iterative.keep_annotated` off) errors are propagated faster. Older results leave it, so
  that memory does not grow with the clip.
- A result with nothing left in it, because the object or its box is lost, is not trained on: it cannot be
  told from a mistake, and would teach the network that the object is background.
- Each sweep adapts a copy of the fine-tuned network, so that the way the clip is covered in does not matter,
  and one sweep's errors do not reach the others.

Difference from the paper: the trunk "lite" is offered beside VGG16. Merging objects by the largest
probability (section 2) is `vosengine.propagate.merged`; snapping follows it (`vosengine.snap`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import cv2
import numpy as np

from vosengine.augment import bounding_box
from vosengine.finetune import Shot
from vosengine.guides.box_tracker import BoxTracker
from vosengine.oneshot import OneShot, OneShotMethod
from vosengine.types import Image, Probability

Filter = Callable[[Image, Probability], Probability]


class Iterative(OneShotMethod):
    """A test network for one object, fine-tuned on the annotated frames; each sweep adapts its own copy."""

    def begin(self, shots: Sequence[Shot], start: int) -> IterativeTrack:
        """A sweep from the annotated frame `start`, with the network as fine-tuned."""
        return IterativeTrack(self.test_network, shots, start)

    def copied(self) -> Iterative:
        """The same weights, with a fresh optimizer."""
        return Iterative(self.test_network.network, self.test_network.config)


class IterativeTrack:
    """Segments frames independently, and learns from the last ones every so many."""

    def __init__(self, fine_tuned: OneShot, shots: Sequence[Shot], start: int) -> None:
        self.fine_tuned = fine_tuned
        self.settings = fine_tuned.config.iterative
        self.adapted: OneShot | None = None  # a copy, made when there is something to learn
        self.annotated = list(shots) if self.settings.keep_annotated else []
        self.filter = FILTERS[self.settings.filter](next(shot for shot in shots if shot.frame == start))
        self.segmented = 0
        self.results: list[Shot] = []

    def segment(self, image: Image) -> Probability:
        """The object's probability (height, width) on the next frame; unfiltered, as in the paper."""
        found = (self.adapted or self.fine_tuned).probability(image)
        mask = self.filter(image, (found >= 0.5).astype(np.float32))
        if mask.any():
            self.results.append(Shot(self.segmented, image, mask))  # numbered as the sweep runs
        self.segmented += 1
        return found

    def adapt(self) -> Iterator[float]:
        """After every `every` frames: training on their filtered results; yields the loss of each step."""
        if self.segmented % self.settings.every or not self.results:
            return iter(())
        results, self.results = self.results, []
        self.adapted = self.adapted or self.fine_tuned.continued()
        return self.adapted.train([*self.annotated, *results], self.settings.steps)


def unfiltered(start: Shot) -> Filter:
    """IT: results are trained on as they are."""
    return lambda image, mask: mask


def largest_blob(start: Shot) -> Filter:
    """IT+LB: only the largest 8-connected component."""
    return lambda image, mask: largest_component(mask)


def kcf_box(start: Shot) -> Filter:
    """IT+Box: everything outside the tracked box is set to zero, and all where the tracker is lost."""
    tracker = BoxTracker(start.image, bounding_box(start.mask))

    def inside(image: Image, mask: Probability) -> Probability:
        box = tracker.update(image)
        kept = np.zeros_like(mask)
        if box is not None:
            rows = slice(int(box.y), int(box.y + box.height))
            columns = slice(int(box.x), int(box.x + box.width))
            kept[rows, columns] = mask[rows, columns]
        return kept

    return inside


def largest_component(mask: Probability) -> Probability:
    """The largest 8-connected component of a mask (height, width) of 0 and 1; empty for an empty one."""
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count == 1:
        return mask
    return np.asarray(labels == 1 + np.argmax(statistics[1:, cv2.CC_STAT_AREA]), np.float32)


# A fresh filter for each sweep, knowing the annotated frame it starts from.
FILTERS: dict[str, Callable[[Shot], Filter]] = {
    "none": unfiltered,
    "largest_blob": largest_blob,
    "kcf_box": kcf_box,
}
