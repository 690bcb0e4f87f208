"""Fine-tuned weights on disk: `OBJECT.safetensors`, in fp32, what they have learned in the header.

They let an editor go on after a restart: propagate at once, or correct with a warm start.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from vosengine.config import Config
from vosengine.errors import ProjectError
from vosengine.language import tr
from vosengine.lessons import Learned, config_text, learned_from, model_file, note_of
from vosengine.propagate import Method


def store_models(
    folder: Path, config: Config, methods: Mapping[int, Method], learned: Mapping[int, Learned]
) -> None:
    """Write each object's weights, moved into place. Raises ProjectError when that fails.

    learned: what each was trained on.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for object_id, method in methods.items():
            beside = folder / f"{object_id}.part"
            state = {key: value.cpu().contiguous() for key, value in method.network.state_dict().items()}
            header = {"architecture": f"{config.method} {config.trunk}"}
            save_file(state, beside, {**header, **note_of(config, learned[object_id])})
            beside.replace(model_file(folder, object_id))
    except (OSError, SafetensorError) as error:
        raise ProjectError(
            tr("The models cannot be stored in {folder}; make room there and run again.").format(
                folder=folder
            )
        ) from error


def stored_state(folder: Path, object_id: int, config: Config) -> tuple[dict[str, Tensor], Learned] | None:
    """The weights stored for this config, and what they were trained on.

    None where there are none or they are damaged.
    """
    try:
        with safe_open(model_file(folder, object_id), "pt") as file:
            header = file.metadata() or {}
            if header.get("config") != config_text(config):
                return None
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - no mapping
            return state, learned_from(header)
    except (OSError, SafetensorError, ValueError, TypeError):
        return None
