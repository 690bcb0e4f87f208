"""Box-filtered OSVOS: Video Object Segmentation using Tracked Object Proposals.

G. Sharir, E. Smolyansky, I. Friedman, DAVIS challenge on video object segmentation, CVPR 2017 workshops.

An OSVOS network with side outputs of depth 1, trained without deep supervision, gives each frame's appearance
map. An object detector's boxes, selected by the classes met on the first frame, by their overlap with the map
and with the previous frame's box, say which of the map's components are the object.

What the paper leaves open, and what is done here:

- The overlap of a box with a map (or an annotation) is the soft Jaccard index of the map and the filled box:
  the map's sum inside the box over the box's area plus the map's sum outside.
- A class is the object's where its best detection overlaps the annotation by SHARE of what the annotation's
  own box does (which a thin object fills by a fifth only). An object of two classes (rider and horse) has two
  boxes, followed each on its own.
- Where no detection passes the temporal filter, the box comes from the components that touch the previous
  one, as for an object of no known class ("or by a previous frame prediction", abstract). Where nothing
  touches it, the object is lost: the previous box stays, and any detection of the class will do that overlaps
  the map by SHARE of what the first box overlapped the annotation.
- Without the temporal filter there is no previous box: a frame without a detection is filtered by no box.
- Weak components are not cut at the box (section 3.4 says both; figure 5 shows what cutting does).
- The result is the hard mask's soft twin: the low threshold moves to one half, removed components fall to 0,
  and the soft edge of each component shares its fate.

Differences from the paper: Faster R-CNN has a ResNet-50 trunk instead of ResNet-101; the trunk "lite" and a
class-agnostic lite detector are offered beside VGG16 and Faster R-CNN; several annotated frames are learned.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from vosengine.augment import bounding_box
from vosengine.config import BoxFilteredSettings, Config
from vosengine.finetune import Shot
from vosengine.guides.detector import Detection, Detector, detector
from vosengine.networks.osvos import OsvosNet
from vosengine.networks.osvos_lite import OsvosLite
from vosengine.oneshot import OneShotMethod
from vosengine.types import Box, Image, Probability

Pixels = NDArray[np.bool_]  # (height, width)

SHARE = 0.4  # a rider has about this share of the overlap of the box round horse and rider
OBJECT = 0.5  # probability from which a pixel is the object's
UNCATEGORIZED = ""  # the class of objects the detector does not find on the first frame


class BoxFiltered(OneShotMethod):
    """A test network for one object, and the detector whose boxes filter what it finds.

    `detector` stands in for the config's, which is made when the first sweep begins.
    """

    def __init__(
        self, parent: OsvosNet | OsvosLite, config: Config, detector: Detector | None = None
    ) -> None:
        super().__init__(parent, config)
        self.settings = config.box_filtered
        self._detector = detector

    def begin(self, shots: Sequence[Shot], start: int) -> BoxFilteredTrack:
        """A sweep away from the annotated frame `start`, the paper's first frame."""
        return BoxFilteredTrack(self, shots, start)

    def copied(self) -> BoxFiltered:
        """The same weights, with a fresh optimizer."""
        return BoxFiltered(self.test_network.network, self.test_network.config, self._detector)

    def detections(self, image: Image) -> list[Detection]:
        """The confident detections on a frame. Raises WeightsError where the detector has no weights."""
        if self._detector is None:
            self._detector = detector(self.settings.detector)
        return [found for found in self._detector.detect(image) if found.score >= self.settings.score]


class BoxFilteredTrack:
    """One sweep: the selected box of each of the object's classes, from frame to frame."""

    def __init__(self, method: BoxFiltered, shots: Sequence[Shot], start: int) -> None:
        self.method = method
        self.settings = method.settings
        self.filters = self.settings.clip_to_box or self.settings.components
        shown = [shot for shot in shots if bounding_box(shot.mask) is not None]
        self.boxes: dict[str, Box] = {}
        self.first_overlap: dict[str, float] = {}
        self.lost: set[str] = set()
        if shown and self.filters:
            first = min(shown, key=lambda shot: abs(shot.frame - start))
            self.boxes = first_boxes(first.mask, method.detections(first.image))
            self.first_overlap = {name: map_iou(box, first.mask) for name, box in self.boxes.items()}
            self.lost = set(self.boxes) if first.frame != start else set()

    def segment(self, image: Image) -> Probability:
        """The next frame's probability (height, width): the appearance map filtered by the selected boxes."""
        appearance = self.method.test_network.probability(image)
        if not self.filters:
            return appearance
        detections = self.method.detections(image) if self.boxes.keys() - {UNCATEGORIZED} else []
        selected = {name: self._select(name, appearance, detections) for name in self.boxes}
        boxes = {name: box for name, box in selected.items() if box is not None}
        self.boxes |= boxes
        return filtered(appearance, list(boxes.values()), self.settings)

    def adapt(self) -> Iterator[float]:
        """Nothing is learned on the way."""
        return iter(())

    def _select(self, name: str, appearance: Probability, detections: Sequence[Detection]) -> Box | None:
        """The box of one class (section 3.3): of the detections that the temporal filter passes the one that
        best overlaps the map, else one from components."""
        previous, candidates = self.boxes[name], [d.box for d in detections if d.class_name == name]
        if not self.settings.temporal:
            return best_box(candidates, appearance)
        if name in self.lost:
            least = SHARE * self.first_overlap[name]
            candidates = [box for box in candidates if map_iou(box, appearance) >= least]
        else:
            candidates = near(candidates, previous, self.settings.temporal_iou)
        box = best_box(candidates, appearance) or component_box(appearance, previous)
        self.lost = self.lost - {name} if box is not None else self.lost | {name}
        return box or previous


def first_boxes(mask: Probability, detections: Iterable[Detection]) -> dict[str, Box]:
    """By class, the detection that best overlaps the first frame's annotation (section 3.3.1).

    Without any, the annotation's own box as an uncategorized object's (section 3.3.2).
    """
    own = bounding_box(mask)
    if own is None:
        return {}
    least = SHARE * map_iou(own, mask)
    fitting = [found for found in detections if map_iou(found.box, mask) >= least]
    fitting.sort(key=lambda found: map_iou(found.box, mask))
    return {found.class_name: found.box for found in fitting} or {UNCATEGORIZED: own}


def best_box(candidates: Iterable[Box], appearance: Probability) -> Box | None:
    """The appearance-based filter (section 3.3.1): the box that best overlaps the map, None without any."""
    return max(candidates, key=lambda box: map_iou(box, appearance), default=None)


def near(candidates: Iterable[Box], previous: Box, least: float) -> list[Box]:
    """The temporal filter (section 3.3.2): boxes of at least this IoU with the previous one."""
    return [box for box in candidates if box.iou(previous) >= least]


def component_box(appearance: Probability, previous: Box) -> Box | None:
    """The box round the map's components that touch the previous one (section 3.3.2); None without any."""
    found = appearance >= OBJECT
    return bounding_box(touching(found, inside([previous], found.shape)).astype(np.uint8))


def filtered(appearance: Probability, boxes: Sequence[Box], settings: BoxFilteredSettings) -> Probability:
    """The map after the filters that are switched on; no box filters nothing out by its place."""
    region = inside(boxes, appearance.shape) if boxes else np.ones(appearance.shape, bool)
    if settings.clip_to_box:
        appearance = np.where(region, appearance, np.float32(0))
    if settings.components:
        appearance = filter_components(appearance, region, settings.low, settings.high)
    return appearance


def filter_components(appearance: Probability, region: Pixels, low: float, high: float) -> Probability:
    """The connected components filter (section 3.4).

    First pass: the components of pixels above `high` that touch `region`. Second pass: those of pixels above
    `low` that touch the first. The result is at least one half there, and below it elsewhere; pixels below
    `low` share the fate of the nearest weak component.
    """
    weak = appearance >= low
    kept = touching(weak, touching(appearance >= high, region))
    if not kept.any():
        return np.zeros_like(appearance)
    _, nearest = cv2.distanceTransformWithLabels(
        (~weak).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    label_kept = np.zeros(int(nearest.max()) + 1, bool)
    label_kept[nearest[weak]] = kept[weak]
    above = 0.5 + 0.5 * (appearance - low) / (1 - low)
    below = np.minimum(0.5 * appearance / low, 0.499)  # an edge is never taken for the object by rounding
    return np.where(label_kept[nearest], np.where(weak, above, below), 0).astype(np.float32)


def touching(pixels: Pixels, region: Pixels) -> Pixels:
    """The 8-connected components of `pixels` that share a pixel with `region`."""
    count, labels = cv2.connectedComponents(pixels.astype(np.uint8))
    kept = np.zeros(count, bool)
    kept[labels[region]] = True
    kept[0] = False
    return np.asarray(kept[labels])


def inside(boxes: Iterable[Box], shape: tuple[int, ...]) -> Pixels:
    """The pixels that any of the boxes covers, in part at least."""
    region = np.zeros(shape, bool)
    for box in boxes:
        part = box.clipped(shape[1], shape[0])
        if part.area > 0:
            rows = slice(math.floor(part.y), math.ceil(part.y + part.height))
            region[rows, math.floor(part.x) : math.ceil(part.x + part.width)] = True
    return region


def map_iou(box: Box, values: Probability) -> float:
    """Soft Jaccard index of a box and a map or mask in [0, 1]."""
    region = inside([box], values.shape)
    shared = float(values[region].sum())
    return shared / max(float(region.sum() + values.sum()) - shared, 1.0)
