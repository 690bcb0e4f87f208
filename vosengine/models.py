"""Fine-tuned weights on disk: `OBJECT.safetensors`, in fp32, the config they were made with in the header.

They let an editor go on after a restart: propagate at once, or correct with a warm start.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from vosengine.config import Config, config_to_dict
from vosengine.errors import ProjectError
from vosengine.propagate import Method
from vosengine.types import Annotation, Box

SAME_OBJECT = 0.5  # overlap of the boxes round an object learned and one marked on the same frame


@dataclass(frozen=True)
class Learned:
    """What a model was trained on: by annotated frame, the annotation's form and the box round its object."""

    forms: Mapping[int, str]
    boxes: Mapping[int, Box]

    @classmethod
    def of(cls, annotations: Sequence[Annotation]) -> Learned:
        """All annotations of one object."""
        return cls({a.frame: a.form for a in annotations}, {a.frame: _box_round(a) for a in annotations})

    def is_of(self, other: Learned) -> bool:
        """Whether the two mark the same object: on some frame in about the same place."""
        common = self.boxes.keys() & other.boxes.keys()
        return any(self.boxes[frame].iou(other.boxes[frame]) >= SAME_OBJECT for frame in common)


NOTHING = Learned({}, {})


def store_models(
    folder: Path, config: Config, methods: Mapping[int, Method], learned: Mapping[int, Learned]
) -> None:
    """Write each object's weights, moved into place. Raises ProjectError when that fails.

    learned: what each was trained on.
    """
    header = {"architecture": f"{config.method} {config.trunk}", "config": _as_text(config)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for object_id, method in methods.items():
            beside = folder / f"{object_id}.part"
            state = {key: value.cpu().contiguous() for key, value in method.network.state_dict().items()}
            own = {**header, "learned": _dump(learned[object_id])}
            save_file(state, beside, own)
            beside.replace(folder / f"{object_id}.safetensors")
    except (OSError, SafetensorError) as error:
        raise ProjectError(
            f"The models cannot be stored in {folder}; make room there and run again."
        ) from error


def stored_state(folder: Path, object_id: int, config: Config) -> tuple[dict[str, Tensor], Learned] | None:
    """The weights stored for this config, and what they were trained on.

    None where there are none or they are damaged.
    """
    try:
        with safe_open(folder / f"{object_id}.safetensors", "pt") as file:
            header = file.metadata() or {}
            if header.get("config") != _as_text(config):
                return None
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - no mapping
            return state, _load(header.get("learned", "[]"))
    except (OSError, SafetensorError, ValueError, TypeError):
        return None


def _box_round(annotation: Annotation) -> Box:
    if annotation.mask is None:
        assert annotation.box is not None  # Annotation holds one of the two
        return annotation.box
    return Box(*cv2.boundingRect(annotation.mask))


def _dump(learned: Learned) -> str:
    boxes = learned.boxes
    return json.dumps(
        [
            [f, form, boxes[f].x, boxes[f].y, boxes[f].width, boxes[f].height]
            for f, form in learned.forms.items()
        ]
    )


def _load(text: str) -> Learned:
    entries = json.loads(text)
    return Learned({f: form for f, form, *_ in entries}, {f: Box(*sides) for f, _, *sides in entries})


def _as_text(config: Config) -> str:
    return json.dumps(config_to_dict(config), sort_keys=True)
