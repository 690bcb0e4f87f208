"""Options that all training commands share, and the model card made of them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch

from vosengine.runtime import prepare_process

OPTIONS_OF_THE_MACHINE = ("data", "out", "resume", "workers", "threads", "log_every", "licence", "data_note")


def add_common_arguments(parser: argparse.ArgumentParser, steps: int, rate: float) -> None:
    """Data, output, schedule, seed; `steps` and `rate` are the command's defaults."""
    parser.add_argument("--data", type=Path, required=True, help="folder with tars or image and mask folders")
    parser.add_argument("--out", type=Path, required=True, help="where checkpoint, log, weights and card go")
    parser.add_argument("--steps", type=int, default=steps, help=f"optimizer steps in all (default {steps})")
    parser.add_argument("--rate", type=float, default=rate, help=f"learning rate (default {rate:g})")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--licence", default="that of the training data", help="for the model card")
    parser.add_argument("--data-note", default="", help="what the training data are, for the model card")
    parser.add_argument("--resume", action="store_true", help="continue from the checkpoint in --out")
    parser.add_argument("--workers", type=int, default=1, help="processes that make samples (default 1)")
    parser.add_argument("--threads", type=int, help="torch threads (default: all cores)")
    parser.add_argument("--log-every", type=int, default=100, help="steps between log rows and checkpoints")


def begin(arguments: argparse.Namespace) -> None:
    """Threads, seed and output folder of a training."""
    prepare_process(arguments.threads)
    torch.manual_seed(arguments.seed)
    arguments.out.mkdir(parents=True, exist_ok=True)


def command_of(arguments: argparse.Namespace, name: str) -> str:
    """The command that repeats a training, less what belongs to the machine it ran on."""
    words = [f"rotoshot train {name}"]
    for option, value in sorted(vars(arguments).items()):
        if option in OPTIONS_OF_THE_MACHINE or value is None or value is False or callable(value):
            continue
        flag = "--" + option.replace("_", "-")
        text = str(value)
        words += (
            [flag] if value is True else [flag, Path(text).name if text.endswith(".safetensors") else text]
        )
    return " ".join(words)


def model_card(
    arguments: argparse.Namespace, name: str, architecture: str, recipe: str, scores: dict[str, Any]
) -> dict[str, Any]:
    """What a user should know about a checkpoint."""
    return {
        "architecture": architecture,
        "licence": arguments.licence,
        "data": arguments.data_note or arguments.data.name,
        "recipe": recipe,
        "command": command_of(arguments, name),
        "seed": arguments.seed,
        "scores": scores,
    }
