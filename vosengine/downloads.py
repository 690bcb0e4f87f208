"""Weights that torchvision's authors publish, downloaded on first use into torch's cache and verified."""

from __future__ import annotations

import hashlib
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor

from vosengine.errors import WeightsError
from vosengine.language import tr


def downloaded(weights: Any, what: str, instead: str) -> dict[str, Tensor]:
    """The state a torchvision weights enum stands for, downloaded with a progress bar where it is not cached.

    what: the weights in words, "ImageNet weights of VGG16"; instead: what else the user may choose.
    The file's name ends in its checksum: a damaged or truncated file is removed from the cache and downloaded
    again, a download that arrives damaged is not kept. Raises WeightsError, naming the remedy, when there is
    no intact file in the end.
    """
    file = cached_file(weights.url)
    if file.is_file() and not is_intact(file):
        file.unlink()
    try:
        state: dict[str, Tensor] = weights.get_state_dict(progress=True, check_hash=True, weights_only=True)
    except (OSError, RuntimeError, EOFError, UnpicklingError) as error:
        raise WeightsError(
            tr(
                "The {what} could not be downloaded; connect to the network once and run again, put {name} "
                "into {folder}, or {instead}."
            ).format(what=what, name=file.name, folder=file.parent, instead=instead)
        ) from error
    return state


def cached_file(url: str) -> Path:
    """Where torch keeps what it downloads from this address."""
    return Path(torch.hub.get_dir()) / "checkpoints" / Path(url).name


def is_intact(file: Path) -> bool:
    """Whether the contents have the checksum in the file's name, `NAME-SHA256.pth` (its first digits)."""
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return digest.startswith(file.stem.rpartition("-")[2])
