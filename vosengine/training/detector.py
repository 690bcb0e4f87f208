"""`rotoshot train detector`: the lite Mask R-CNN's base training, e-OSVOS's step before meta-learning.

Meinhardt and Leal-Taixé start from a Mask R-CNN trained on COCO (section 4.2). This one learns objects of any
class, on stills and clips with one mask each; objects cut out of other frames are pasted on them, so that it
learns to tell several apart. Its masks are trained with the pixel-wise loss and soft IoU; the Lovász-softmax
loss takes over in meta-learning and in use.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor
from torchvision.ops import box_iou

from vosengine.augment import affine_map, bounding_box, colour_jitter, look, look_soft
from vosengine.finetune import to_network
from vosengine.losses import cross_entropy_and_iou
from vosengine.networks.mask_rcnn import MaskRCNN, pasted, targets_of
from vosengine.pairs import Source, composite
from vosengine.runtime import device, mixed_precision, placed
from vosengine.training.batches import NumberedBatches
from vosengine.training.datasets import kept_apart, load_training_data
from vosengine.training.loop import TrainingState, export_weights, lite_optimizer, run
from vosengine.training.options import add_common_arguments, begin, model_card
from vosengine.training.stills import JITTER, hard_mask, seen
from vosengine.types import Image, Probability
from vosengine.weights import load_network

ARCHITECTURE = "mask_rcnn_lite"
SHAPES = ((192, 320), (224, 384), (256, 256))
MOST_PASTED = 2
SIDES = (0.12, 0.6)  # of a pasted object, over the frame's, as roots of areas
VALIDATION_BATCHES = 8
Scene = tuple[Image, list[Probability]]


class Scenes(NumberedBatches[tuple[Tensor, list[Tensor]]]):
    """Batch number n of a run: images (size, 3, h, w) uint8, and the masks of each.

    Masks are (objects, h, w) in {0, 1}. Frames come from stills and from clips alike often; `pasted` is the
    largest number of added objects.
    """

    def __init__(
        self,
        stills: Sequence[Source],
        clips: Sequence[Sequence[Source]],
        size: int,
        steps: int,
        first: int = 0,
        seed: int = 0,
        pasted: int = MOST_PASTED,
    ) -> None:
        super().__init__(size, steps, first)
        self.pools = [pool for pool in (list(stills), [frame for clip in clips for frame in clip]) if pool]
        self.seed, self.pasted = seed, pasted

    def batch(self, step: int) -> tuple[Tensor, list[Tensor]]:
        """Batch `step`."""
        height, width = SHAPES[step % len(SHAPES)]
        scenes = [self.scene(step * self.size + n, height, width) for n in range(self.size)]
        images = torch.from_numpy(np.stack([image for image, _ in scenes])).permute(0, 3, 1, 2)
        return images, [torch.from_numpy(np.stack(masks)) for _, masks in scenes]

    def scene(self, number: int, height: int, width: int) -> Scene:
        """Scene `number`: the same number and seed give the same one; later objects cover earlier ones."""
        rng = np.random.default_rng((self.seed, number))
        image, mask = seen(rng, *self._frame(rng), height, width, hard_mask)
        masks = [mask]
        for _ in range(int(rng.integers(self.pasted + 1))):
            over, shape = placed_at_random(rng, *self._frame(rng), height, width)
            image = composite(image, colour_jitter(rng, over, JITTER), shape)
            masks = [*(mask * (shape < 0.5) for mask in masks), (shape >= 0.5).astype(np.float32)]
        return image, masks

    def _frame(self, rng: np.random.Generator) -> tuple[Image, Probability]:
        pool = self.pools[int(rng.integers(len(self.pools)))]
        return pool[int(rng.integers(len(pool)))].decode()


def placed_at_random(
    rng: np.random.Generator, image: Image, mask: Probability, height: int, width: int
) -> tuple[Image, Probability]:
    """An object at a random place and size in a frame of height x width, mirrored half of the time, and its
    soft mask there."""
    box = bounding_box(mask)
    if box is None:
        return np.zeros((height, width, 3), np.uint8), np.zeros((height, width), np.float32)
    scale = np.sqrt(box.area / (height * width)) / rng.uniform(*SIDES)
    across = scale if rng.random() < 0.5 else -scale
    x, y = rng.uniform(0.1, 0.9, 2) * (width, height)
    shift = (box.x + box.width / 2 - across * x, box.y + box.height / 2 - scale * y)
    at = affine_map(np.array([[across, 0, shift[0]], [0, scale, shift[1]]]), height, width)
    return look(image, at), look_soft(mask, at)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    add_common_arguments(parser, steps=1500, rate=1e-3)
    parser.add_argument("--batch-size", type=int, default=8, help="images a step (default 8)")


def main(arguments: argparse.Namespace) -> int:
    """Train, log, checkpoint; export the averaged weights at every checkpoint."""
    begin(arguments)
    stills, clips, held_out = kept_apart(*load_training_data(arguments.data))
    network = cast("MaskRCNN", placed(load_network(ARCHITECTURE, "imagenet")))
    optimizer = lite_optimizer(network, network.backbone.get_submodule("trunk"), arguments.rate)
    state = TrainingState(network, optimizer, arguments.steps)
    if arguments.resume:
        state.resume(arguments.out)
    size, steps = arguments.batch_size, arguments.steps
    scenes = Scenes(stills, list(clips.values()), size, steps, state.step, arguments.seed)
    unseen = Scenes([], held_out, 4, VALIDATION_BATCHES, seed=10_007, pasted=0)
    validation = [unseen[n] for n in range(VALIDATION_BATCHES)]
    recipe = (
        f"{size} images of about 320x192 with up to {MOST_PASTED} pasted objects a step, averaged weights; "
        "scores on frames of held-out clips: recall at a box IoU of 0.5, and mean J of the best mask"
    )

    def export(scores: dict[str, float]) -> None:
        card = model_card(arguments, "detector", ARCHITECTURE, f"{state.step} steps, {recipe}", scores)
        export_weights(state.average, arguments.out / f"{ARCHITECTURE}.safetensors", card)

    run(
        state,
        scenes,
        lambda batch: detector_loss(network, batch[0], batch[1], (arguments.seed << 32) + state.step),
        lambda: scores_of(state.averaged(), validation),
        export,
        arguments,
    )
    return 0


def detector_loss(network: MaskRCNN, images: Tensor, masks: Sequence[Tensor], seed: int) -> Tensor:
    """The sum of Mask R-CNN's losses, masks by cross-entropy and soft IoU."""
    where = device()
    with mixed_precision(where):
        loss: Tensor = network(
            to_network(images), [each.to(where) for each in masks], seed, cross_entropy_and_iou
        )
    return loss


def scores_of(network: MaskRCNN, batches: Sequence[tuple[Tensor, list[Tensor]]]) -> dict[str, float]:
    """Over all objects: recall at a box IoU of 0.5, and mean J of the best mask, among the detections."""
    recalled, overlaps = [], []
    for images, masks in batches:
        for image, objects in zip(images, masks, strict=True):
            with torch.no_grad(), mixed_precision(device()):
                found = network.detect(to_network(image[None]))
            boxes, targets = found.boxes.cpu(), targets_of(objects)
            shown = pasted(found.masks.cpu(), boxes, *objects.shape[1:]) >= 0.5
            for box, truth in zip(targets["boxes"], targets["masks"].bool(), strict=True):
                j = (shown & truth).sum((1, 2)) / (shown | truth).sum((1, 2))
                near = box_iou(box[None], boxes)[0]
                overlaps.append(float(j.max()) if len(j) else 0.0)
                recalled.append(bool((near >= 0.5).any()))
    return {"recall": float(np.mean(recalled)), "J": float(np.mean(overlaps))}
