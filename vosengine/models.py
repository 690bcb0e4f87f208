"""Fine-tuned weights on disk: `OBJECT.safetensors`, in fp32, the config they were made with in the header.

They let an editor go on after a restart: propagate at once, or correct with a warm start.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from vosengine.config import Config, config_to_dict
from vosengine.errors import ProjectError
from vosengine.propagate import Method


def store_models(folder: Path, config: Config, methods: Mapping[int, Method]) -> None:
    """Write each object's weights, moved into place. Raises ProjectError when that fails."""
    header = {"architecture": f"{config.method} {config.trunk}", "config": _as_text(config)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for object_id, method in methods.items():
            beside = folder / f"{object_id}.part"
            state = {key: value.cpu().contiguous() for key, value in method.network.state_dict().items()}
            save_file(state, beside, header)
            beside.replace(folder / f"{object_id}.safetensors")
    except (OSError, SafetensorError) as error:
        raise ProjectError(
            f"The models cannot be stored in {folder}; make room there and run again."
        ) from error


def stored_state(folder: Path, object_id: int, config: Config) -> dict[str, Tensor] | None:
    """The weights stored for this config; None where there are none or they are damaged."""
    try:
        with safe_open(folder / f"{object_id}.safetensors", "pt") as file:
            if (file.metadata() or {}).get("config") != _as_text(config):
                return None
            return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - no mapping
    except (OSError, SafetensorError):
        return None


def _as_text(config: Config) -> str:
    return json.dumps(config_to_dict(config), sort_keys=True)
