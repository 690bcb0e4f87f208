"""The marks of the command line read, checked and turned into what a project stores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from vosengine import messages
from vosengine.cli.jobs import Jobs
from vosengine.cli.marks import Mark, MarkedObject
from vosengine.clip import Clip
from vosengine.errors import AnnotationError
from vosengine.messages import MaskDrawn
from vosengine.png import read_mask, read_palette_ids
from vosengine.project_file import Project
from vosengine.types import Mask

Ids = NDArray[np.uint8]


@dataclass
class Drawing:
    """One object's annotations by frame, with the scribbles behind them."""

    name: str
    masks: dict[int, Mask] = field(default_factory=dict)
    scribbles: dict[int, Ids] = field(default_factory=dict)

    def store(self, project: Project, object_id: int) -> None:
        """Write everything into the project."""
        for frame, marks in self.scribbles.items():
            project.write_scribbles(object_id, frame, marks)
        for frame, mask in self.masks.items():
            project.write_annotation(object_id, frame, mask)


def drawings(objects: Sequence[MarkedObject], clip: Clip, jobs: Jobs) -> list[Drawing]:
    """All objects' annotations; more objects than were named where a palette PNG holds several ids.

    Raises AnnotationError for marks outside the clip, of another size, or that mark nothing.
    """
    return [drawing for each in objects for drawing in _drawings_of(each, clip, jobs)]


def split_ids(name: str, ids: dict[int, Ids]) -> list[Drawing]:
    """Drawings from object ids (height, width) by frame.

    One id keeps the name; several are told apart by their number. A frame without an object's id says
    that the object is absent there.
    """
    present = sorted({int(i) for picture in ids.values() for i in np.unique(picture)} - {0})
    if len(present) <= 1:
        return [Drawing(name, {frame: _mask(picture > 0) for frame, picture in ids.items()})]
    return [Drawing(f"{name} {i}", {frame: _mask(p == i) for frame, p in ids.items()}) for i in present]


def _drawings_of(marked: MarkedObject, clip: Clip, jobs: Jobs) -> list[Drawing]:
    for mark in marked.marks:
        _check_frame(mark.frame, clip)
    masked = [mark.frame for mark in marked.marks if mark.mask]
    for frame in masked:
        if masked.count(frame) > 1:
            raise _marked_twice(frame, marked.name)
    found = split_ids(marked.name, {m.frame: _read_ids(m.mask, clip) for m in marked.marks if m.mask})
    others = [mark for mark in marked.marks if not mark.mask]
    if len(found) > 1 and others:
        raise AnnotationError(
            f"The masks of {marked.name!r} hold several objects; give each other mark an --object."
        )
    for mark in others:
        _add(found[0], mark, clip, jobs)
    if not any(mask.any() for drawing in found for mask in drawing.masks.values()):
        raise AnnotationError(f"The marks of {marked.name!r} mark nothing; mark it on at least one frame.")
    return found


def _marked_twice(frame: int, name: str) -> AnnotationError:
    return AnnotationError(f"Frame {frame} of {name!r} is marked twice; give one mark a frame.")


def _add(drawing: Drawing, mark: Mark, clip: Clip, jobs: Jobs) -> None:
    """A box or scribbles become a mask at once, so that the marked frame is exported like all others."""
    if mark.frame in drawing.masks:
        raise _marked_twice(mark.frame, drawing.name)
    unmarked = np.zeros((clip.info.height, clip.info.width), np.uint8)
    marks = _read_scribbles(mark.scribbles, clip) if mark.scribbles else unmarked
    command = messages.GrabCut(clip.image(mark.frame), marks, mark.frame, object_id=1, box=mark.box)
    drawn = [event.mask for event in jobs.run(command) if isinstance(event, MaskDrawn)]
    drawing.masks[mark.frame] = drawn[-1]
    if mark.scribbles:
        drawing.scribbles[mark.frame] = marks


def _check_frame(frame: int, clip: Clip) -> None:
    last = clip.info.frame_count - 1
    if frame > last:
        raise AnnotationError(f"Frame {frame} is marked, but the clip's last is {last}; frames count from 0.")


def _read_ids(path: Path, clip: Clip) -> Ids:
    """The ids of a palette PNG; of any other picture 1 where its mask is set."""
    ids = read_palette_ids(path) if _holds_ids(path) else read_mask(path) // np.uint8(255)
    return _fitting(ids, path, clip)


def _holds_ids(path: Path) -> bool:
    """Whether it is a palette picture in colours, as DAVIS has them (a palette of greys is a mask)."""
    try:
        with PillowImage.open(path) as picture:
            colours = np.asarray(picture.convert("RGB"))
            return picture.mode == "P" and bool((colours != colours[..., :1]).any())
    except (OSError, SyntaxError, ValueError):
        return False  # read_mask says what is wrong with it


def _read_scribbles(path: Path, clip: Clip) -> Ids:
    marks = _fitting(read_palette_ids(path), path, clip)
    if not np.isin(marks, (0, 1, 2)).all() or not (marks == 2).any():
        raise AnnotationError(
            f"{path} holds no scribbles; draw the object with value 2 and the background with 1 on 0."
        )
    return marks


def _fitting(picture: Ids, path: Path, clip: Clip) -> Ids:
    width, height = clip.info.width, clip.info.height
    if picture.shape != (height, width):
        found = f"{picture.shape[1]} x {picture.shape[0]}"
        raise AnnotationError(f"{path} is {found}, the clip {width} x {height}; draw it at the clip's size.")
    return picture


def _mask(inside: NDArray[np.bool_]) -> Mask:
    return np.where(inside, np.uint8(255), np.uint8(0))
