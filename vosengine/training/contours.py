"""`rotoshot train contours`: OSVOS's contour branch (Caelles et al., CVPR 2017, section 3.3).

The architecture of the foreground branch, trained offline on its own to find the contours of everything in
the scene. The loss is the parent's: class-balanced cross-entropy of the fused output and of each side output.

Differences from the paper: it trains on PASCAL-Context, which labels every region of a scene. Here any data
set with masks or region maps serves (a region is one grey value or one colour of the mask's PNG); masks of
one object teach that object's contours only, as if the others were none.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from vosengine.augment import Map
from vosengine.errors import DatasetError
from vosengine.finetune import to_network
from vosengine.networks.osvos import OsvosNet
from vosengine.networks.osvos_lite import OsvosLite
from vosengine.runtime import device, mixed_precision, placed
from vosengine.training.datasets import Still, kept_apart, load_training_data
from vosengine.training.loop import TrainingState, export_weights, run
from vosengine.training.options import add_common_arguments, begin, model_card
from vosengine.training.parent import new_state, parent_loss
from vosengine.training.stills import StillBatches
from vosengine.types import Image, Probability
from vosengine.weights import load_network

VALIDATION_BATCHES = 8
TOLERANCE = 0.0075  # of the diagonal: boundaries match within it (Martin et al. 2004, BSDS's maxDist)
THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True)
class Regions:
    """A still whose mask is read as a map of regions."""

    still: Still

    def decode(self) -> tuple[Image, Probability]:
        """uint8 RGB (height, width, 3) and the region each pixel belongs to, float32 whole numbers."""
        image, _ = self.still.decode()
        regions = cv2.imdecode(np.frombuffer(self.still.mask_bytes, np.uint8), cv2.IMREAD_UNCHANGED)
        if regions is None:
            raise DatasetError("A training mask is damaged; copy the data set again.")
        if regions.ndim == 2:
            return image, regions.astype(np.float32)
        # One number for each colour; float32 holds those of 24 bits exactly.
        colours = regions[..., :3].astype(np.float32)
        return image, colours[..., 0] + 256 * colours[..., 1] + 65536 * colours[..., 2]


def region_boundaries(regions: Probability, at: Map) -> Probability:
    """The boundaries of regions seen through a map: 1 on both sides of each, 0 elsewhere.

    Regions are repeated outside the image, so that its frame is no boundary.
    """
    seen = cv2.remap(regions, at[..., 0], at[..., 1], cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    across, down = seen[:, 1:] != seen[:, :-1], seen[1:] != seen[:-1]
    boundaries = np.zeros(seen.shape, np.float32)
    boundaries[:, 1:][across] = boundaries[:, :-1][across] = 1
    boundaries[1:][down] = boundaries[:-1][down] = 1
    return boundaries


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    add_common_arguments(parser, steps=1500, rate=8e-4)
    parser.add_argument("--trunk", choices=("lite", "vgg16"), default="lite")
    parser.add_argument("--batch-size", type=int, default=8, help="images a step (default 8)")
    parser.add_argument(
        "--weights", default="imagenet", help="what to start from: imagenet (default) or a parent network"
    )


def main(arguments: argparse.Namespace) -> int:
    """Train, log, checkpoint; export the averaged weights at every checkpoint."""
    begin(arguments)
    architecture = f"contours_{arguments.trunk}"
    state = _new_state(arguments)
    if arguments.resume:
        state.resume(arguments.out)
    batches, validation = _batches(arguments, state.step)
    recipe = (
        f"{arguments.batch_size} images of about 384x224 a step, class-balanced cross-entropy with deep "
        "supervision, averaged weights; scores: F of the boundaries at the best single threshold"
    )

    def export(scores: dict[str, float]) -> None:
        card = model_card(arguments, "contours", architecture, f"{state.step} steps, {recipe}", scores)
        export_weights(state.average, arguments.out / f"{architecture}.safetensors", card)

    run(
        state,
        batches,
        lambda batch: parent_loss(state.network, *batch),
        lambda: {"F": boundary_f(state.averaged(), validation)},
        export,
        arguments,
    )
    return 0


def _new_state(arguments: argparse.Namespace) -> TrainingState[OsvosNet | OsvosLite]:
    """Contour and parent networks are of one architecture: either start is loaded as the parent's."""
    start = load_network(f"osvos_{arguments.trunk}", arguments.weights)
    network = cast("OsvosNet | OsvosLite", placed(start))
    return new_state(network, arguments.rate, arguments.steps)


def _batches(arguments: argparse.Namespace, first: int) -> tuple[StillBatches, list[tuple[Tensor, Tensor]]]:
    """What is trained on, and fixed batches of the clips kept apart."""
    stills, clips, held_out = kept_apart(*load_training_data(arguments.data))
    size, target = arguments.batch_size, region_boundaries
    training = StillBatches(
        _regions(stills),
        [_regions(frames) for frames in clips.values()],
        size,
        arguments.steps,
        first,
        arguments.seed,
        target,
    )
    apart = [_regions(frames) for frames in held_out]
    unseen = StillBatches([], apart, size, VALIDATION_BATCHES, seed=10_007, target=target)
    return training, [unseen[n] for n in range(VALIDATION_BATCHES)]


def _regions(stills: Sequence[Still]) -> list[Regions]:
    return [Regions(still) for still in stills]


def boundary_f(network: OsvosNet | OsvosLite, batches: list[tuple[Tensor, Tensor]]) -> float:
    """F of the boundaries at the one threshold that is best for all images (the field's ODS), unthinned.

    Precision is the share of found pixels within TOLERANCE of a true one, recall the reverse.
    """
    counts = torch.zeros(4, len(THRESHOLDS))
    for images, truth in batches:
        with torch.no_grad(), mixed_precision(device()):
            probability = network(to_network(images)).float().sigmoid().cpu()
        counts += matches(probability, truth)
    hit, found, recalled, true = counts.clamp(min=1)
    precision, recall = hit / found, recalled / true
    return float((2 * precision * recall / (precision + recall)).max())


def matches(probability: Tensor, truth: Tensor) -> Tensor:
    """By threshold: found pixels near a true one, found ones, true ones near a found one, true ones."""
    radius = round(TOLERANCE * float(np.hypot(*truth.shape[-2:])))
    # The dilation of a thresholded map is the dilated map, thresholded.
    near_found, near_true = (
        F.max_pool2d(x, 2 * radius + 1, stride=1, padding=radius) for x in (probability, truth)
    )
    true = truth.sum()
    rows = []
    for threshold in THRESHOLDS:
        found = probability > threshold
        recalled = truth[near_found > threshold].sum()
        rows.append(torch.stack([near_true[found].sum(), found.sum(), recalled, true]))
    return torch.stack(rows, 1)
