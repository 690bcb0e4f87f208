"""Masks and mattes made elsewhere: picture sequences, object ids in DAVIS palette, the alpha of a clip.

A source is found once, which tells what it holds, and is then read frame by frame in order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import numpy as np

from vosengine.clip import open_clip
from vosengine.clip.numbering import is_still, numbered_files
from vosengine.clip.stills import read_alpha, read_grey, read_header
from vosengine.errors import AnnotationError, ClipError
from vosengine.language import tr
from vosengine.png import is_palette, read_palette_ids
from vosengine.types import ClipInfo, Matte

ONLY = 1  # the id of the only object in sources that do not tell objects apart


class MaskKind(Enum):
    """How a source says what belongs to the object."""

    GREY = "grey"  # white is the object
    ALPHA = "alpha"  # opaque is the object
    IDS = "ids"  # a palette picture's index is the object's id


@dataclass(frozen=True)
class MaskSource:
    """What was found. `numbers` are the frames' own, in order; `object_ids` those that occur in any frame.

    `files`: pictures by number; empty for a video file, whose frames count from 0.
    """

    path: Path
    kind: MaskKind
    width: int
    height: int
    numbers: tuple[int, ...]
    object_ids: tuple[int, ...] = (ONLY,)
    files: Mapping[int, Path] = field(default_factory=dict)


def find_masks(path: Path, alone: bool = False) -> MaskSource:
    """What `path` holds: a folder with one sequence, a picture of a sequence, or a video file.

    `alone` takes the picture without its sequence. Palette pictures are all read, for their ids. Raises
    ClipError or AnnotationError, naming the remedy, where there are no masks.
    """
    if not path.is_dir() and not is_still(path):
        return _in_clip(path)
    files = {0: path} if alone and path.is_file() else numbered_files(path)
    first = next(iter(files.values()))
    header = read_header(first)
    numbers = tuple(files)
    if is_palette(first):
        ids = sorted(
            set().union(*(np.unique(read_palette_ids(file)).tolist() for file in files.values())) - {0}
        )
        if not ids:
            raise AnnotationError(
                tr("{name} and its sequence show no object; choose other masks.").format(name=first.name)
            )
        return MaskSource(path, MaskKind.IDS, header.width, header.height, numbers, tuple(ids), files)
    alpha = None if header.alpha is None else read_alpha(first)
    # Pictures that are opaque throughout have an alpha channel by habit: their mask is what they show.
    kind = MaskKind.GREY if alpha is None or alpha.min() == 65535 else MaskKind.ALPHA
    return MaskSource(path, kind, header.width, header.height, numbers, files=files)


def require_size(source: MaskSource, clip: ClipInfo) -> None:
    """Raises AnnotationError when the masks do not have the clip's size."""
    if (source.width, source.height) != (clip.width, clip.height):
        raise AnnotationError(
            tr(
                "The masks are {width} x {height}, the clip {clip_width} x {clip_height}; export them at the "
                "clip's size."
            ).format(width=source.width, height=source.height, clip_width=clip.width, clip_height=clip.height)
        )


def suggested_offset(source: MaskSource, clip: ClipInfo) -> int:
    """What to add to a mask's number for its frame: equal numbers where all fit, else both start together."""
    first, last = source.numbers[0], source.numbers[-1]
    if first >= clip.first_number and last < clip.first_number + clip.frame_count:
        return -clip.first_number
    return -first


def read_masks(source: MaskSource) -> Iterator[tuple[int, dict[int, Matte]]]:
    """Number and mattes by object id of each frame, in order. Raises EngineError at a damaged one."""
    if not source.files:
        yield from _clip_masks(source)
        return
    for number, file in source.files.items():
        mattes = _file_masks(source.kind, file)
        for matte in mattes.values():
            if matte.shape != (source.height, source.width):
                raise AnnotationError(
                    tr("{name} has another size than the rest; render it again.").format(name=file.name)
                )
        yield number, mattes


def _file_masks(kind: MaskKind, file: Path) -> dict[int, Matte]:
    if kind is MaskKind.IDS:
        ids = read_palette_ids(file)
        return {each: _solid(ids == each) for each in np.unique(ids).tolist() if each}
    matte = read_alpha(file) if kind is MaskKind.ALPHA else read_grey(file)
    if matte is None:
        raise AnnotationError(
            tr("{name} has no alpha channel, unlike the first; render it again.").format(name=file.name)
        )
    if kind is MaskKind.GREY and matte.max(initial=0) == 257:  # 0 and 1 in 8 bits: ids
        matte = _solid(matte > 0)
    return {ONLY: matte}


def _in_clip(path: Path) -> MaskSource:
    with open_clip(path) as clip:
        info = clip.info
    kind = MaskKind.ALPHA if info.has_alpha else MaskKind.GREY
    if not info.frame_count:
        raise ClipError(tr("{name} has no frames; export it again.").format(name=path.name))
    return MaskSource(path, kind, info.width, info.height, tuple(info.span))


def _clip_masks(source: MaskSource) -> Iterator[tuple[int, dict[int, Matte]]]:
    with open_clip(source.path) as clip:
        for frame in source.numbers:
            matte = clip.alpha(frame) if source.kind is MaskKind.ALPHA else None
            if matte is None:
                matte = np.rint(clip.image16(frame).mean(axis=2)).astype(np.uint16)
            yield frame, {ONLY: matte}


def _solid(inside: np.ndarray) -> Matte:
    return np.where(inside, np.uint16(65535), np.uint16(0))
