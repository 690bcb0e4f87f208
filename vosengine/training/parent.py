"""`rotoshot train parent`: the lite network, offline, on pairs of frames.

OSVOS calls the network that has learned what objects look like in general, but not yet which one, the
parent network. Each step sees pairs of views of objects; each view is segmented with the other as its
memory and with a guidance mask that is deformed, boxed or missing.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from vosengine.finetune import pair_logits, stacked
from vosengine.losses import cross_entropy_and_iou
from vosengine.networks.lite import LiteNet
from vosengine.networks.mobilenet_v2 import fold_batch_norms
from vosengine.pairs import PairMaker
from vosengine.runtime import device, mixed_precision, placed, prepare_process
from vosengine.training.datasets import HELD_OUT, Still, load_training_data
from vosengine.training.loop import Log, TrainingState, export_weights

# Crops of one area and several shapes, as at run time (sides multiples of 32).
SHAPES = ((192, 288), (192, 288), (224, 256), (288, 192))


class Batches(Dataset[tuple[Tensor, Tensor, Tensor]]):
    """Batch number n of a run: images (2n, 3, h, w) uint8, masks and guidance (2n, 1, h, w) float32.

    The first half of a batch are the pairs' first views, the second half their second views.
    """

    def __init__(self, pairs: PairMaker, size: int, steps: int, first: int = 0) -> None:
        self.pairs, self.size, self.steps, self.first = pairs, size, steps, first

    def __len__(self) -> int:
        return max(0, self.steps - self.first)

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor, Tensor]:
        cv2.setNumThreads(1)
        step = self.first + number
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


def new_network(trunk: Path | None) -> LiteNet:
    """A fresh lite network, its trunk from ImageNet weights if given."""
    from safetensors.torch import load_file  # noqa: PLC0415 - only a start from scratch needs it

    network = LiteNet()
    if trunk is not None:
        network.trunk.load_state_dict(fold_batch_norms(load_file(trunk)))
    return network


def new_optimizer(network: LiteNet, rate: float) -> torch.optim.Optimizer:
    """AdamW; the pretrained trunk learns at a third of the rate."""
    trunk = [p for p in network.trunk.parameters() if p.requires_grad]
    known = {id(p) for p in network.trunk.parameters()}
    rest = [p for p in network.parameters() if id(p) not in known]
    groups = [{"params": trunk, "lr": rate / 3}, {"params": rest, "lr": rate}]
    return torch.optim.AdamW(groups, weight_decay=1e-4)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--data", type=Path, required=True, help="folder with tars or image and mask folders")
    parser.add_argument("--out", type=Path, required=True, help="where checkpoint, log, weights and card go")
    parser.add_argument(
        "--trunk", type=Path, help="ImageNet MobileNetV2 features (safetensors) to start from"
    )
    parser.add_argument("--steps", type=int, default=6000, help="optimizer steps in all (default 6000)")
    parser.add_argument("--pairs", type=int, default=8, help="pairs a step (default 8)")
    parser.add_argument("--rate", type=float, default=8e-4, help="learning rate (default 8e-4)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--licence", default="that of the training data", help="for the model card")
    parser.add_argument("--data-note", default="", help="what the training data are, for the model card")
    parser.add_argument("--resume", action="store_true", help="continue from the checkpoint in --out")
    parser.add_argument("--workers", type=int, default=1, help="processes that make samples (default 1)")
    parser.add_argument("--threads", type=int, help="torch threads (default: all cores)")
    parser.add_argument("--log-every", type=int, default=100, help="steps between log rows and checkpoints")


def main(arguments: argparse.Namespace) -> int:
    """Train, log, checkpoint; export the averaged weights at every checkpoint."""
    prepare_process(arguments.threads)
    torch.manual_seed(arguments.seed)
    arguments.out.mkdir(parents=True, exist_ok=True)
    stills, clips = load_training_data(arguments.data)
    held_out = {name: clips.pop(name) for name in HELD_OUT if name in clips}
    network = placed(new_network(arguments.trunk))
    state = TrainingState(network, new_optimizer(network, arguments.rate), arguments.steps)
    if arguments.resume:
        state.resume(arguments.out)
    validation = validation_batches(held_out or clips, arguments.pairs)
    pairs = PairMaker(stills, list(clips.values()), arguments.seed)
    batches = Batches(pairs, arguments.pairs, arguments.steps, state.step)
    _train(arguments, batches, validation, state)
    return 0


def _train(
    arguments: argparse.Namespace,
    batches: Batches,
    validation: list[tuple[Tensor, Tensor, Tensor]],
    state: TrainingState[LiteNet],
) -> None:
    where = device()
    log = Log(arguments.out / "log.csv")
    loader = DataLoader(batches, batch_size=None, num_workers=arguments.workers)
    losses: list[float] = []
    started = time.perf_counter()
    for images, masks, guidance in loader:
        with mixed_precision(where):
            logits = pair_logits(
                state.network,
                images.to(where),
                masks.to(where),
                guidance.to(where),
            )
        loss = cross_entropy_and_iou(logits, masks.to(where))
        state.update(loss)
        losses.append(loss.item())
        if state.step % arguments.log_every == 0 or state.step == arguments.steps:
            scores = _evaluate_average(state, validation)
            pace = (time.perf_counter() - started) / len(losses)
            log.write(step=state.step, loss=float(np.mean(losses)), **scores, seconds_per_step=pace)
            log.draw(arguments.out / "curve.svg", ("loss", *scores))
            losses, started = [], time.perf_counter()
            state.save(arguments.out)
            export_weights(
                state.average, arguments.out / "lite.safetensors", model_card(arguments, state, scores)
            )


def _evaluate_average(
    state: TrainingState[LiteNet], validation: list[tuple[Tensor, Tensor, Tensor]]
) -> dict[str, float]:
    average = placed(LiteNet())
    average.load_state_dict(state.average)
    return {f"J_{key}": value for key, value in j_by_guidance(average.eval(), validation).items()}


def model_card(
    arguments: argparse.Namespace, state: TrainingState[LiteNet], scores: dict[str, float]
) -> dict[str, Any]:
    """Everything a user should know about a checkpoint."""
    command = "rotoshot train parent " + " ".join(
        f"--{name.replace('_', '-')} {json.dumps(value)}"
        for name, value in (
            ("steps", arguments.steps),
            ("pairs", arguments.pairs),
            ("rate", arguments.rate),
            ("seed", arguments.seed),
        )
    )
    return {
        "architecture": "lite",
        "licence": arguments.licence,
        "data": arguments.data_note or arguments.data.name,
        "trunk": arguments.trunk.name if arguments.trunk else "from scratch",
        "recipe": f"{state.step} steps of {2 * arguments.pairs} views of about "
        f"{SHAPES[0][1]}x{SHAPES[0][0]} pixels, AdamW, bf16 where the device has it, "
        "cross-entropy + soft IoU, averaged weights",
        "command": command,
        "seed": arguments.seed,
        "held_out_sequences": list(HELD_OUT),
        "scores": {**scores, "note": "mean J of frame pairs from the held-out training sequences"},
    }
