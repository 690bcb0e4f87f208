"""Checkpoints: where they are, what they say of themselves, and networks made from them.

A checkpoint is a safetensors file (fp16 or fp32) whose header names its architecture, with a model card of
the same name (`NAME.json`) beside it. Bundled ones lie in `resources/weights`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from vosengine.errors import WeightsError
from vosengine.networks.lite import LiteNet
from vosengine.networks.osvos import OsvosNet, stage_state

ARCHITECTURES: dict[str, Callable[[], nn.Module]] = {"lite": LiteNet, "vgg16": OsvosNet}


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint's file, architecture and model card (empty where there is none)."""

    path: Path
    architecture: str
    card: dict[str, Any]


def bundled_folder() -> Path:
    """Where the bundled checkpoints lie."""
    return Path(str(files("resources"))) / "weights"


def bundled() -> list[Checkpoint]:
    """All bundled checkpoints, by name."""
    return [describe(path) for path in sorted(bundled_folder().glob("*.safetensors"))]


def find(name: str) -> Path:
    """The file of a bundled checkpoint's name, or the path itself."""
    path = Path(name)
    if path.suffix != ".safetensors":
        path = bundled_folder() / f"{name}.safetensors"
    if not path.is_file():
        known = ", ".join(checkpoint.path.stem for checkpoint in bundled()) or "none"
        raise WeightsError(
            f"There are no weights {name!r}; give a .safetensors file or a bundled name ({known})."
        )
    return path


def describe(path: Path) -> Checkpoint:
    """Read a checkpoint's header and card. Raises WeightsError for a damaged file."""
    try:
        with safe_open(path, "pt") as file:
            architecture = (file.metadata() or {}).get("architecture", "unknown")
    except (OSError, SafetensorError) as error:
        raise WeightsError(
            f"{path.name} is damaged or not a safetensors file; copy or train it again."
        ) from error
    card = path.with_suffix(".json")
    return Checkpoint(path, architecture, json.loads(card.read_text("utf-8")) if card.is_file() else {})


def load_network(trunk: str, name: str) -> nn.Module:
    """A network of the architecture `trunk` with the weights `name`, in fp32, in training mode.

    For "vgg16" the name "vgg16" means torchvision's ImageNet weights, downloaded on first use.
    Raises WeightsError when the weights are missing, damaged or of another architecture.
    """
    if trunk not in ARCHITECTURES:
        raise WeightsError(f"There is no trunk {trunk!r}; choose one of {', '.join(ARCHITECTURES)}.")
    network = ARCHITECTURES[trunk]()
    if trunk == "vgg16" and name == "vgg16":
        load_imagenet(network)
        return network
    path = find(name)
    checkpoint = describe(path)
    if checkpoint.architecture != trunk:
        raise WeightsError(
            f"{path.name} holds a {checkpoint.architecture!r} network, not {trunk!r}; "
            "choose matching weights."
        )
    load_state(network, _tensors(path), path.name)
    return network


def load_state(network: nn.Module, state: dict[str, Tensor], source: str) -> None:
    """Load a state, with one sentence instead of a list of keys when it does not fit."""
    try:
        network.load_state_dict({key: value.float() for key, value in state.items()})
    except RuntimeError as error:
        raise WeightsError(f"{source} does not fit this network; choose weights made for it.") from error


def _tensors(path: Path) -> dict[str, Tensor]:
    with safe_open(path, "pt") as file:
        return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - no mapping


def load_imagenet(network: nn.Module) -> None:
    """torchvision's VGG16 trunk, downloaded with a progress bar to torch's cache on first use."""
    from torchvision.models import VGG16_Weights  # noqa: PLC0415 - slow to import, rarely needed

    try:
        state = VGG16_Weights.IMAGENET1K_FEATURES.get_state_dict(progress=True, check_hash=True)
    except (OSError, RuntimeError) as error:
        raise WeightsError(
            "The ImageNet weights of VGG16 could not be downloaded; connect to the network once, put "
            f"{Path(VGG16_Weights.IMAGENET1K_FEATURES.url).name} into {torch.hub.get_dir()}/checkpoints, "
            "or choose a preset with the bundled lite network."
        ) from error
    features = {k.removeprefix("features."): v for k, v in state.items() if k.startswith("features.")}
    stages = stage_state(features)
    network.load_state_dict({f"stages.{key}": value for key, value in stages.items()}, strict=False)
