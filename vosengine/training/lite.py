"""`rotoshot train lite`: the default method's network, offline, on pairs of frames.

Each step sees pairs of views of objects; each view is segmented with the other as its
memory and with a guidance mask that is deformed, boxed or missing.
"""

from __future__ import annotations

import argparse
from typing import cast

import numpy as np
import torch
from torch import Tensor

from vosengine.finetune import pair_logits, stacked
from vosengine.losses import cross_entropy_and_iou
from vosengine.networks.lite import LiteNet
from vosengine.pairs import PairMaker
from vosengine.runtime import device, mixed_precision, placed
from vosengine.training.batches import NumberedBatches
from vosengine.training.datasets import HELD_OUT, Still, load_training_data
from vosengine.training.loop import TrainingState, export_weights, lite_optimizer, run
from vosengine.training.options import add_common_arguments, begin, model_card
from vosengine.weights import load_network

# Crops of one area and several shapes, as at run time (sides multiples of 32).
SHAPES = ((192, 288), (192, 288), (224, 256), (288, 192))


class Batches(NumberedBatches[tuple[Tensor, Tensor, Tensor]]):
    """Batch number n of a run: images (2n, 3, h, w) uint8, masks and guidance (2n, 1, h, w) float32.

    The first half of a batch are the pairs' first views, the second half their second views.
    """

    def __init__(self, pairs: PairMaker, size: int, steps: int, first: int = 0) -> None:
        super().__init__(size, steps, first)
        self.pairs = pairs

    def batch(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        """Batch `step`."""
        height, width = SHAPES[step % len(SHAPES)]
        pairs = [self.pairs.pair(step * self.size + n, height, width) for n in range(self.size)]
        return stacked([a for a, _ in pairs] + [b for _, b in pairs])


def j_by_guidance(network: LiteNet, batches: list[tuple[Tensor, Tensor, Tensor]]) -> dict[str, float]:
    """Mean J of the views with and without a guidance mask."""
    where = device()
    scores: dict[str, list[float]] = {"guided": [], "unguided": []}
    for images, masks, guidance in batches:
        with torch.no_grad(), mixed_precision(where):
            logits = pair_logits(network, images.to(where), masks.to(where), guidance.to(where))
        found, truth = logits.cpu() > 0, masks > 0.5
        j = (found & truth).sum((1, 2, 3)) / (found | truth).sum((1, 2, 3)).clamp(min=1)
        known = guidance.abs().amax((1, 2, 3)) > 0
        for value, has_guidance, present in zip(j, known, truth.any(3).any(2).any(1), strict=True):
            if present:
                scores["guided" if has_guidance else "unguided"].append(float(value))
    return {key: float(np.mean(values)) if values else 0.0 for key, values in scores.items()}


def validation_batches(
    clips: dict[str, list[Still]], size: int, count: int = 8
) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Fixed batches of pairs from the held-out clips."""
    if not clips:
        return []
    batches = Batches(PairMaker([], list(clips.values()), seed=10_007), size, count)
    return [batches[n] for n in range(count)]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    add_common_arguments(parser, steps=6000, rate=8e-4)
    parser.add_argument("--pairs", type=int, default=8, help="pairs a step (default 8)")
    parser.add_argument("--weights", default="imagenet", help="what to start from (default imagenet)")


def main(arguments: argparse.Namespace) -> int:
    """Train, log, checkpoint; export the averaged weights at every checkpoint."""
    begin(arguments)
    stills, clips = load_training_data(arguments.data)
    held_out = {name: clips.pop(name) for name in HELD_OUT if name in clips}
    network = cast(LiteNet, placed(load_network("lite", arguments.weights)))
    state = TrainingState(network, lite_optimizer(network, network.trunk, arguments.rate), arguments.steps)
    if arguments.resume:
        state.resume(arguments.out)
    validation = validation_batches(held_out or clips, arguments.pairs)
    pairs = PairMaker(stills, list(clips.values()), arguments.seed)
    batches = Batches(pairs, arguments.pairs, arguments.steps, state.step)

    def export(scores: dict[str, float]) -> None:
        card = model_card(arguments, "lite", "lite", _recipe(state, arguments.pairs), scores)
        export_weights(state.average, arguments.out / "lite.safetensors", card)

    run(
        state,
        batches,
        lambda batch: _loss(network, *batch),
        lambda: _scores(state.averaged(), validation),
        export,
        arguments,
    )
    return 0


def _loss(network: LiteNet, images: Tensor, masks: Tensor, guidance: Tensor) -> Tensor:
    where = device()
    masks = masks.to(where)
    with mixed_precision(where):
        logits = pair_logits(network, images.to(where), masks, guidance.to(where))
    return cross_entropy_and_iou(logits, masks)


def _scores(network: LiteNet, validation: list[tuple[Tensor, Tensor, Tensor]]) -> dict[str, float]:
    return {f"J_{key}": value for key, value in j_by_guidance(network, validation).items()}


def _recipe(state: TrainingState[LiteNet], pairs: int) -> str:
    return (
        f"{state.step} steps of {2 * pairs} views of about {SHAPES[0][1]}x{SHAPES[0][0]} pixels, AdamW, bf16 "
        "where the device has it, cross-entropy + soft IoU, averaged weights; scores: mean J of frame pairs "
        "from the held-out training sequences"
    )
