"""Object detection: boxes with a class and a score, among which the box-filtered method selects.

Any algorithm will do that separates instances (Sharir, Smolyansky, Friedman, section 3.2): an entry in
DETECTORS, or any object with `detect`. The COCO networks are torchvision's (Ren, He, Girshick, Sun, Faster
R-CNN, NeurIPS 2015; He, Gkioxari, Dollar, Girshick, Mask R-CNN, ICCV 2017).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Protocol, cast

import numpy as np
import torch
from torch import Tensor, nn

from vosengine.crop import window_around
from vosengine.downloads import downloaded
from vosengine.errors import EngineError
from vosengine.finetune import image_tensor
from vosengine.language import tr
from vosengine.networks.mask_rcnn import MaskRCNN
from vosengine.runtime import device, mixed_precision, placed, uncompiled
from vosengine.types import Box, Image
from vosengine.weights import load_network, load_state

# torchvision's names; the paper's Faster R-CNN has a ResNet-101 trunk, which torchvision has no weights of
COCO_NETWORKS = {
    "faster_rcnn": "fasterrcnn_resnet50_fpn_v2",
    "faster_rcnn_mobile": "fasterrcnn_mobilenet_v3_large_320_fpn",
    "mask_rcnn": "maskrcnn_resnet50_fpn_v2",
}
LITE_AREA = 320 * 192  # pixels of the frames the lite network's anchors are made for
REMEMBERED_FRAMES = 4  # previews and several objects ask for the same frames again


@dataclass(frozen=True)
class Detection:
    """One instance: its box in the frame's pixels, its class, and a score in [0, 1]."""

    box: Box
    class_name: str
    score: float


class Detector(Protocol):
    """Finds the instances of the classes it knows."""

    def detect(self, image: Image) -> list[Detection]:
        """All instances on a frame, in no particular order."""


class NoDetector:
    """Knows no class: every object is an uncategorized one."""

    def detect(self, image: Image) -> list[Detection]:
        """Nothing."""
        return []


class NetworkDetector:
    """A network with torchvision's convention: a list of images in, dicts of boxes, labels and scores out.

    class_names: by label, the background first. Images are float32 (3, height, width) in [0, 1].
    """

    def __init__(self, network: nn.Module, class_names: Sequence[str]) -> None:
        self.network = network.to(device()).eval()
        self.class_names = class_names

    def detect(self, image: Image) -> list[Detection]:
        """All instances the network reports."""
        pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1).to(device()).float() / 255
        with torch.no_grad(), uncompiled(pixels.device):
            (found,) = self.network([pixels])
        return detections(found, self.class_names)


class LiteDetector:
    """A class-agnostic Mask R-CNN: all instances are of the class "object"."""

    def __init__(self, network: MaskRCNN) -> None:
        self.network = placed(network)

    def detect(self, image: Image) -> list[Detection]:
        """All instances, looked for at the size the network was trained on."""
        height, width = image.shape[:2]
        window = window_around(Box(0, 0, width, height), height, width, 1.0, LITE_AREA)
        with torch.no_grad(), mixed_precision(device()):
            found = self.network.detect(image_tensor(window.cut(image)))
        zoom = found.boxes.new_tensor([width / window.columns, height / window.rows] * 2)
        labels = torch.ones(len(found.boxes), dtype=torch.int64)
        boxes = {"boxes": found.boxes * zoom, "labels": labels, "scores": found.scores}
        return detections(boxes, ("background", "object"))


class RememberingDetector:
    """Another detector with its answers for the latest frames, the slowest part of the method."""

    def __init__(self, detector: Detector) -> None:
        self.detector = detector
        self.answers: dict[tuple[tuple[int, ...], bytes], list[Detection]] = {}

    def detect(self, image: Image) -> list[Detection]:
        """The other detector's answer."""
        key = (image.shape, hashlib.blake2b(image.tobytes()).digest())
        if key not in self.answers:
            self.answers[key] = self.detector.detect(image)
            for oldest in list(self.answers)[:-REMEMBERED_FRAMES]:
                del self.answers[oldest]
        return self.answers[key]


def detections(found: Mapping[str, Tensor], class_names: Sequence[str]) -> list[Detection]:
    """torchvision's dict of one image as plain values, without the boxes that have no area.

    `found` holds boxes (n, 4) as x0, y0, x1, y1 in pixels, labels (n) and scores (n).
    """
    values = [found[key].cpu().tolist() for key in ("boxes", "labels", "scores")]
    return [
        Detection(Box(x0, y0, x1 - x0, y1 - y0), class_names[label], score)
        for (x0, y0, x1, y1), label, score in zip(*values, strict=True)
        if x1 > x0 and y1 > y0
    ]


def coco_detector(name: str) -> NetworkDetector:
    """torchvision's detection network `name` with its COCO weights, downloaded on first use."""
    from torchvision.models import get_model, get_model_weights  # noqa: PLC0415 - slow to import, rarely needed

    weights: Any = get_model_weights(name).DEFAULT
    class_names = weights.meta["categories"]
    network = get_model(name, weights=None, weights_backbone=None, num_classes=len(class_names))
    instead = tr("choose the bundled detector with --set box_filtered.detector=lite")
    load_state(network, downloaded(weights, tr("COCO weights of {name}").format(name=name), instead), name)
    return NetworkDetector(network, class_names)


def lite_detector() -> LiteDetector:
    """The bundled class-agnostic Mask R-CNN. Raises WeightsError where it is missing or damaged."""
    return LiteDetector(cast(MaskRCNN, load_network("mask_rcnn_lite", "mask_rcnn_lite")))


DETECTORS: dict[str, Callable[[], Detector]] = {
    "none": NoDetector,
    "lite": lite_detector,
    **{name: partial(coco_detector, network) for name, network in COCO_NETWORKS.items()},
}


def detector(name: str) -> Detector:
    """The detector called `name`, made on first use. Raises EngineError for an unknown name and WeightsError
    for weights that cannot be had."""
    if name not in DETECTORS:
        raise EngineError(
            tr("There is no detector {name!r}; choose one of {names}.").format(
                name=name, names=", ".join(DETECTORS)
            )
        )
    return _made(DETECTORS[name], device())


@lru_cache(maxsize=1)
def _made(factory: Callable[[], Detector], where: torch.device) -> Detector:
    """A detector stays on the device that was in use when it was made."""
    return RememberingDetector(factory())
