"""`rotoshot train parent`: OSVOS's parent network (Caelles et al., CVPR 2017, section 3.2).

From ImageNet weights to a network that knows what objects look like in general, but not yet which one, on
single frames with deep supervision of the side outputs. VGG16 is trained after the paper with `--trunk vgg16
--steps 50000 --batch-size 1 --rate 1e-8`: SGD with momentum 0.9 on losses summed over pixels. The lite trunk
takes AdamW and batches. Differences from the paper: rotation and slight changes of colour beside mirroring
and zoom; 200 steps of warm-up, the rate falling to 0 over the last 30 % of the steps; averaged weights.
`--side-channels 1` trains the streamlined parent of the box-filtered paper (section 4), without deep
supervision.
"""

from __future__ import annotations

import argparse
from typing import cast

import torch
from torch import Tensor

from vosengine.finetune import to_network
from vosengine.losses import class_balanced_cross_entropy
from vosengine.networks.osvos import SIDE_CHANNELS, OsvosNet
from vosengine.networks.osvos_lite import OsvosLite
from vosengine.oneshot import new_optimizer
from vosengine.runtime import device, mixed_precision, placed
from vosengine.training.datasets import kept_apart, load_training_data
from vosengine.training.loop import TrainingState, export_weights, j_by_view, lite_optimizer, run
from vosengine.training.options import add_common_arguments, begin, model_card
from vosengine.training.stills import StillBatches
from vosengine.weights import load_network

VALIDATION_BATCHES = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    add_common_arguments(parser, steps=2000, rate=8e-4)
    parser.add_argument("--trunk", choices=("lite", "vgg16"), default="lite")
    parser.add_argument("--batch-size", type=int, default=8, help="images a step (default 8; the paper's 1)")
    parser.add_argument("--side-channels", type=int, choices=(1, SIDE_CHANNELS), default=SIDE_CHANNELS)
    parser.add_argument("--weights", default="imagenet", help="what to start from (default imagenet)")


def main(arguments: argparse.Namespace) -> int:
    """Train, log, checkpoint; export the averaged weights at every checkpoint."""
    begin(arguments)
    stills, clips, held_out = kept_apart(*load_training_data(arguments.data))
    architecture = f"{'osvos' if arguments.side_channels > 1 else 'depth1'}_{arguments.trunk}"
    network = cast("OsvosNet | OsvosLite", placed(load_network(architecture, arguments.weights)))
    supervised = arguments.side_channels == SIDE_CHANNELS  # section 4: depth 1 needs no deep supervision
    state = new_state(network, arguments.rate, arguments.steps)
    if arguments.resume:
        state.resume(arguments.out)
    size, steps = arguments.batch_size, arguments.steps
    batches = StillBatches(stills, list(clips.values()), size, steps, state.step, arguments.seed)
    unseen = StillBatches([], held_out, size, VALIDATION_BATCHES, seed=10_007)
    validation = [unseen[n] for n in range(VALIDATION_BATCHES)]
    recipe = f"{size} images of about 384x224 a step, averaged weights; scores: mean J without fine-tuning"

    def export(scores: dict[str, float]) -> None:
        card = model_card(arguments, "parent", architecture, f"{state.step} steps, {recipe}", scores)
        export_weights(state.average, arguments.out / f"{architecture}.safetensors", card)

    run(
        state,
        batches,
        lambda batch: parent_loss(network, batch[0], batch[1], supervised),
        lambda: {"J": mean_j(state.averaged(), validation)},
        export,
        arguments,
    )
    return 0


def new_state(network: OsvosNet | OsvosLite, rate: float, steps: int) -> TrainingState[OsvosNet | OsvosLite]:
    """The network with its optimizer; VGG16's gradients, of losses summed over pixels, are not clipped."""
    if isinstance(network, OsvosLite):
        return TrainingState(network, lite_optimizer(network, network.trunk, rate), steps)
    return TrainingState(network, new_optimizer(network, rate), steps, clip=0)


def parent_loss(
    network: OsvosNet | OsvosLite, images: Tensor, masks: Tensor, supervised: bool = True
) -> Tensor:
    """Class-balanced cross-entropy of the fused output and, with deep supervision, of each side output."""
    reduction = "sum" if isinstance(network, OsvosNet) else "mean"
    where = device()
    with mixed_precision(where):
        fused, sides = network.sides(to_network(images), supervised)
    losses = [class_balanced_cross_entropy(logits, masks.to(where), reduction) for logits in (fused, *sides)]
    return torch.stack(losses).sum()


def mean_j(network: OsvosNet | OsvosLite, batches: list[tuple[Tensor, Tensor]]) -> float:
    """Mean J over the frames that show an object."""
    scores: list[Tensor] = []
    for images, masks in batches:
        with torch.no_grad(), mixed_precision(device()):
            found = network(to_network(images)).cpu() > 0
        scores.append(j_by_view(found, masks > 0.5))
    return float(torch.cat(scores).mean())
