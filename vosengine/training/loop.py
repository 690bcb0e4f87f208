"""What every offline training shares: schedule, averaged weights, checkpoints to resume from, a log."""

from __future__ import annotations

import argparse
import copy
import csv
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader

from vosengine.neuron_rates import PREFIX
from vosengine.training.batches import NumberedBatches

Batch = TypeVar("Batch")
WIDTH, HEIGHT = 640, 320  # of the drawn curves
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")  # Okabe and Ito's, told apart by the colour-blind

Trained = TypeVar("Trained", bound=nn.Module)


class TrainingState(Generic[Trained]):
    """A network, its running average, its optimizer and the step they have reached.

    The average (decay 0.998, warmed up) is what is evaluated and exported, with `start_share` of the weights
    the training began with (Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022). The
    learning rate is constant and falls linearly to 0 over the last `decay` share of the steps, so a run can
    be prolonged by resuming it with more steps.
    """

    def __init__(
        self,
        network: Trained,
        optimizer: torch.optim.Optimizer,
        steps: int,
        decay: float = 0.3,
        warm_up: int = 200,
        clip: float = 1.0,
        start_share: float = 0.0,
    ) -> None:
        self.network = network
        self.optimizer = optimizer
        self.steps = steps
        self.decay = decay
        self.warm_up = warm_up
        self.clip = clip
        self.step = 0
        self.average = {name: value.detach().clone() for name, value in network.state_dict().items()}
        self.start = {name: value.clone() for name, value in self.average.items()} if start_share else {}
        self.start_share = start_share
        self.rates = [group["lr"] for group in optimizer.param_groups]

    def written(self) -> dict[str, Tensor]:
        """The weights to evaluate and export."""
        if not self.start_share:
            return self.average
        return {name: value.lerp(self.start[name], self.start_share) for name, value in self.average.items()}

    def averaged(self) -> Trained:
        """The network with these weights, for inference."""
        network = copy.deepcopy(self.network)
        network.load_state_dict(self.written())
        return network.eval()

    def set_rate(self) -> None:
        """The learning rate of the current step: `warm_up` steps of warm-up, constant, linear to 0."""
        left = (self.steps - self.step) / max(1.0, self.decay * self.steps)
        factor = min(1.0, left, (self.step + 1) / self.warm_up)
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * factor

    def update(self, loss: Tensor) -> None:
        """One optimizer step on the loss, then one step of the average."""
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if self.clip:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.clip)
        self.set_rate()
        self.optimizer.step()
        self.step += 1
        keep = min(0.998, self.step / (self.step + 20))
        with torch.no_grad():
            for name, value in self.network.state_dict().items():
                self.average[name].lerp_(value, 1 - keep)

    def save(self, folder: Path) -> None:
        """Write `checkpoint.safetensors`, moved into place."""
        tensors = {f"network.{k}": v for k, v in self.network.state_dict().items()}
        tensors |= {f"average.{k}": v for k, v in self.average.items()}
        for number, values in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{k}": v for k, v in values.items() if isinstance(v, Tensor)}
        beside = folder / "checkpoint.safetensors.part"
        save_file({k: v.contiguous().clone() for k, v in tensors.items()}, beside, {"step": str(self.step)})
        beside.replace(folder / "checkpoint.safetensors")

    def resume(self, folder: Path) -> bool:
        """Continue from `folder`'s checkpoint; False where there is none."""
        path = folder / "checkpoint.safetensors"
        if not path.exists():
            return False
        tensors = load_file(path)
        with safe_open(path, "pt") as file:
            self.step = int(file.metadata()["step"])
        self.network.load_state_dict(_under(tensors, "network."))
        where = next(self.network.parameters()).device
        self.average = {name: value.to(where) for name, value in _under(tensors, "average.").items()}
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in _under(tensors, "optimizer.").items():
            number, _, name = key.partition(".")
            state.setdefault(int(number), {})[name] = value
        whole = self.optimizer.state_dict()
        self.optimizer.load_state_dict({"state": state, "param_groups": whole["param_groups"]})
        return True


def j_by_view(found: Tensor, truth: Tensor) -> Tensor:
    """J of each view that shows an object; both (views, 1, height, width), bool."""
    j = (found & truth).sum((1, 2, 3)) / (found | truth).sum((1, 2, 3)).clamp(min=1)
    return j[truth.any(3).any(2).any(1)]


def lite_optimizer(network: nn.Module, trunk: nn.Module, rate: float) -> torch.optim.Optimizer:
    """AdamW; the pretrained trunk learns at a third of the rate."""
    known = {id(p) for p in trunk.parameters()}
    rest = [p for p in network.parameters() if id(p) not in known and p.requires_grad]
    trained = [p for p in trunk.parameters() if p.requires_grad]
    groups = [{"params": trained, "lr": rate / 3}, {"params": rest, "lr": rate}]
    return torch.optim.AdamW(groups, weight_decay=1e-4)


def run(
    state: TrainingState[Trained],
    batches: NumberedBatches[Batch],
    loss_of: Callable[[Batch], Tensor],
    validate: Callable[[], dict[str, float]],
    export: Callable[[dict[str, float]], None],
    arguments: argparse.Namespace,
) -> None:
    """Train on the batches, made by `workers` processes. Every `log_every` steps and at the end: validate,
    log, draw the curve, save the checkpoint in `out`, and export the averaged weights by `export(scores)`."""
    out, log_every = arguments.out, arguments.log_every
    log = Log(out / "log.csv")
    losses: list[float] = []
    started = time.perf_counter()
    for batch in DataLoader(batches, batch_size=None, num_workers=arguments.workers):
        state.network.train()
        loss = loss_of(batch)
        state.update(loss)
        losses.append(loss.item())
        if state.step % log_every == 0 or state.step == state.steps:
            pace = (time.perf_counter() - started) / len(losses)
            scores = validate()
            log.write(step=state.step, loss=float(np.mean(losses)), **scores, seconds_per_step=pace)
            log.draw(out / "curve.svg", ("loss", *scores))
            state.save(out)
            export(scores)
            losses, started = [], time.perf_counter()


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


class Log:
    """Rows of a run as CSV, appended; the first row names the columns."""

    def __init__(self, path: Path, say: Callable[[str], None] = print) -> None:
        self.path = path
        self.say = say

    def write(self, **values: Any) -> None:
        """Append one row and print it."""
        fresh = not self.path.exists()
        with self.path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(values))
            if fresh:
                writer.writeheader()
            writer.writerow(values)
        self.say("  ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in values.items()))

    def rows(self) -> list[dict[str, str]]:
        """All rows so far, of resumed runs too."""
        with self.path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def draw(self, path: Path, columns: tuple[str, ...]) -> None:
        """An SVG of some columns over the first one, all on one scale from 0 to 1."""
        rows = self.rows()
        across = [float(next(iter(row.values()))) for row in rows]
        lines = []
        for number, column in enumerate(columns):
            values = [min(max(float(row[column]), 0.0), 1.0) for row in rows]
            points = " ".join(
                f"{WIDTH * x / max(across):.1f},{HEIGHT * (1 - y):.1f}"
                for x, y in zip(across, values, strict=True)
            )
            colour = COLOURS[number % len(COLOURS)]
            lines.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
            lines.append(
                f'<text x="8" y="{16 * (number + 1)}" fill="{colour}">{column} {values[-1]:.3f}</text>'
            )
        body = "".join(lines)
        path.write_text(
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            'font-family="sans-serif" font-size="13">'
            f'<rect width="100%" height="100%" fill="white"/>{body}</svg>\n',
            encoding="utf-8",
        )


def export_weights(state: dict[str, Tensor], path: Path, card: dict[str, Any]) -> None:
    """fp16 safetensors with the model card beside it (`NAME.json`) and the architecture in its header.

    Learned rates stay fp32: many are too small for halves.
    """
    types = {k: v.dtype if k.startswith(PREFIX) else torch.float16 for k, v in state.items()}
    halves = {k: v.to(types[k]).contiguous().clone() for k, v in state.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    save_file(halves, beside, {"architecture": str(card["architecture"])})
    beside.chmod(0o644)  # safetensors writes files that only their owner may read
    beside.replace(path)
    path.with_suffix(".json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
