"""`rotoshot train lite`: the default method's network, offline, on pairs of frames.

Each step sees pairs of views of objects; each view is segmented with the other as its
memory and with a guidance mask that is deformed, boxed or missing, or else is the network's own
result: what a propagation carries along has the network's mistakes, not random ones.
"""

from __future__ import annotations

import argparse
from typing import cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

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

# Crops of several shapes, most of the area used at run time (sides multiples of 32).
SHAPES = ((288, 384), (192, 288), (320, 320), (288, 384), (384, 288))
OWN_SHIFT, OWN_SCALE = 0.03, 0.03  # how far own results are moved before they guide: shares of the crop


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
    parser.add_argument(
        "--own",
        type=float,
        default=0.4,
        help="share of steps guided by the network's own results (default 0.4)",
    )
    parser.add_argument(
        "--start-share",
        type=float,
        default=0.0,
        help="share of the starting weights in those written (default 0): keeps what they did well",
    )
    parser.add_argument("--weights", default="imagenet", help="what to start from (default imagenet)")


def main(arguments: argparse.Namespace) -> int:
    """Train, log, checkpoint; export the averaged weights at every checkpoint."""
    begin(arguments)
    stills, clips = load_training_data(arguments.data)
    held_out = {name: clips.pop(name) for name in HELD_OUT if name in clips}
    network = cast(LiteNet, placed(load_network("lite", arguments.weights)))
    optimizer = lite_optimizer(network, network.trunk, arguments.rate)
    state = TrainingState(network, optimizer, arguments.steps, start_share=arguments.start_share)
    if arguments.resume:
        state.resume(arguments.out)
    validation = validation_batches(held_out or clips, arguments.pairs)
    pairs = PairMaker(stills, list(clips.values()), arguments.seed)
    batches = Batches(pairs, arguments.pairs, arguments.steps, state.step)

    def export(scores: dict[str, float]) -> None:
        card = model_card(arguments, "lite", "lite", _recipe(state, arguments.pairs), scores)
        export_weights(state.written(), arguments.out / "lite.safetensors", card)

    run(
        state,
        batches,
        lambda batch: _loss(network, *batch, own=own_guidance(state.step, arguments)),
        lambda: _scores(state.averaged(), validation),
        export,
        arguments,
    )
    return 0


def own_guidance(step: int, arguments: argparse.Namespace) -> np.random.Generator | None:
    """The step's random numbers where it is guided by the network's own results, else None."""
    rng = np.random.default_rng((arguments.seed, 1, step))
    return rng if rng.random() < arguments.own else None


def carried(logits: Tensor, rng: np.random.Generator) -> Tensor:
    """Own results as guidance in [-1, 1], each moved and scaled a little as by an imperfect flow."""
    count = len(logits)
    scale = torch.from_numpy(1 + rng.uniform(-OWN_SCALE, OWN_SCALE, count))
    shift = torch.from_numpy(rng.uniform(-2 * OWN_SHIFT, 2 * OWN_SHIFT, (count, 2)))
    at = torch.zeros(count, 2, 3)
    at[:, 0, 0] = at[:, 1, 1] = scale
    at[:, :, 2] = shift
    grid = F.affine_grid(at.to(logits), list(logits.shape), align_corners=False)
    moved = F.grid_sample(logits.sigmoid(), grid, padding_mode="border", align_corners=False)
    return 2 * moved - 1


def _loss(
    network: LiteNet, images: Tensor, masks: Tensor, guidance: Tensor, own: np.random.Generator | None
) -> Tensor:
    where = device()
    images, masks, guidance = images.to(where), masks.to(where), guidance.to(where)
    with mixed_precision(where):
        if own is not None:
            with torch.no_grad():
                found = pair_logits(network, images, masks, guidance)
            guidance = carried(found, own)
        logits = pair_logits(network, images, masks, guidance)
    return cross_entropy_and_iou(logits, masks)


def _scores(network: LiteNet, validation: list[tuple[Tensor, Tensor, Tensor]]) -> dict[str, float]:
    return {f"J_{key}": value for key, value in j_by_guidance(network, validation).items()}


def _recipe(state: TrainingState[LiteNet], pairs: int) -> str:
    return (
        f"{state.step} steps of {2 * pairs} views of at most {SHAPES[0][1]}x{SHAPES[0][0]} pixels, AdamW, "
        "bf16 where the device has it, cross-entropy + soft IoU, averaged weights, "
        f"{state.start_share:g} of those it began with; scores: mean J of frame pairs from the held-out "
        "training sequences"
    )
