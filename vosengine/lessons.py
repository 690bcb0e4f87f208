"""What a model has learned and what it has to learn next. No torch: the window plans with it as well."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
from safetensors import SafetensorError, safe_open

from vosengine.config import Config, config_to_dict
from vosengine.types import Annotation, Box

SAME_OBJECT = 0.5  # overlap of the boxes round an object learned and one marked on the same frame
WARM_SHARE = 4  # a warm start takes this part of the steps


@dataclass(frozen=True)
class Learned:
    """What a model was trained on: by annotated frame, the annotation's form and the box round its object.

    revision: of the annotations. since: theirs when the model started from the parent: predictions that are
    older are of another model.
    """

    forms: Mapping[int, str]
    boxes: Mapping[int, Box]
    revision: int = field(default=0, compare=False)
    since: int = field(default=0, compare=False)

    @classmethod
    def of(cls, annotations: Sequence[Annotation], revision: int = 0, since: int = 0) -> Learned:
        """All annotations of one object."""
        forms, boxes = {a.frame: a.form for a in annotations}, {a.frame: _box_round(a) for a in annotations}
        return cls(forms, boxes, revision, since)

    def is_of(self, other: Learned) -> bool:
        """Whether the two mark the same object: on some frame in about the same place."""
        common = self.boxes.keys() & other.boxes.keys()
        return any(self.boxes[frame].iou(other.boxes[frame]) >= SAME_OBJECT for frame in common)


NOTHING = Learned({}, {})


def warm_steps(config: Config) -> int:
    """Optimizer steps of a model that goes on learning what has changed."""
    return min(config.steps, max(1, config.steps // WARM_SHARE))


def note_of(config: Config, learned: Learned) -> dict[str, str]:
    """What a model's file says of it."""
    return {
        "config": config_text(config),
        "learned": _dump(learned),
        "revision": str(learned.revision),
        "since": str(learned.since),
    }


@dataclass(frozen=True)
class Lesson:
    """The last lesson of one object's model: the settings as text, its frames; else as `Learned`."""

    config: str
    frames: frozenset[int]
    revision: int
    since: int


def read_lesson(file: Path) -> Lesson | None:
    """What a stored model says of its last lesson; None where there is none or it is damaged."""
    try:
        with safe_open(file, "np") as opened:
            note = opened.metadata() or {}
        learned = learned_from(note)
    except (OSError, SafetensorError, ValueError, TypeError):
        return None
    return Lesson(note.get("config", ""), frozenset(learned.forms), learned.revision, learned.since)


def learned_from(note: Mapping[str, str]) -> Learned:
    """What `note_of` noted. Raises ValueError or TypeError for damaged text."""
    entries: list[list[Any]] = json.loads(note.get("learned", "[]"))
    return Learned(
        {f: form for f, form, *_ in entries},
        {f: Box(*sides) for f, _, *sides in entries},
        int(note.get("revision", "0")),
        int(note.get("since", "0")),
    )


def model_file(folder: Path, object_id: int) -> Path:
    """Where a project's models folder keeps an object's model."""
    return folder / f"{object_id}.safetensors"


def config_text(config: Config) -> str:
    """The config as text: equal for equal ones."""
    return json.dumps(config_to_dict(config), sort_keys=True)


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
