"""Sequences with annotations: DAVIS-2016, DAVIS-2017 and YouTube-VOS, from folders and tars.

`layouts` knows where the files lie. One object or several: DAVIS-2016 takes whatever is not background as
one object, DAVIS-2017 and YouTube-VOS tell objects apart by id. Where the caller does not say, a list in
`ImageSets/2017` or YouTube-VOS's `meta.json` means several, and so does a first annotation whose palette
shows more than one id.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from vosengine import png
from vosengine.errors import DatasetError, EngineError
from vosengine.evaluation.layouts import Layout, SequenceInfo, find_layout
from vosengine.types import Mask

FRAME_SUFFIXES = (".jpg", ".jpeg", ".png")
VOID = 255  # DAVIS-2017 marks pixels of no known object with it
FEWEST_TRUTHS = 3  # the first annotation is given and DAVIS does not score the last one


@dataclass(frozen=True)
class Sequence:
    """One clip of a data set with the annotation files of its frames, by frame.

    `single_object` takes every pixel that is not background as object 1 (DAVIS-2016); without it the
    values are object ids (DAVIS-2017). `evaluate_t` is false where the data set excludes it from T.
    `attributes` are the abbreviations of DAVIS's attributes, None where nothing is known of them. `starts`
    is each object's first frame where the data set says so (YouTube-VOS).
    """

    name: str
    frames_folder: Path
    mask_files: dict[int, Path]
    evaluate_t: bool = True
    single_object: bool = True
    attributes: tuple[str, ...] | None = None
    starts: Mapping[int, int] | None = None

    @cached_property
    def frame_files(self) -> tuple[Path, ...]:
        """The pictures of the clip, in order."""
        return _frame_files(self.frames_folder)

    @cached_property
    def first_frames(self) -> dict[int, int]:
        """The frame of each object's first annotation, by object id: the annotation a method is given.

        A single object is in the first annotation; of several each may start on a frame of its own. Raises
        DatasetError when there is none.
        """
        if self.starts and not self.single_object:
            return dict(sorted(self.starts.items()))
        found: dict[int, int] = {}
        for frame in sorted(self.mask_files)[: 1 if self.single_object else None]:
            for object_id in _object_ids(self.mask_files[frame], self.single_object):
                found.setdefault(object_id, frame)
        if not found:
            raise DatasetError(f"The first annotation of {self.name} is empty; choose another sequence.")
        return dict(sorted(found.items()))

    @property
    def object_ids(self) -> tuple[int, ...]:
        """All objects, whenever they start. Raises DatasetError as `first_frames`."""
        return tuple(self.first_frames)

    @property
    def scored_objects(self) -> tuple[int, ...]:
        """The objects with annotations beyond the one given.

        Empty where the data set keeps the truth to itself: nothing is annotated but the objects' starts.
        """
        if set(self.mask_files) <= set(self.first_frames.values()):
            return ()
        return tuple(i for i in self.object_ids if len(self.masks(i)) >= FEWEST_TRUTHS)

    def masks(self, object_id: int) -> Mapping[int, Mask]:
        """The annotations of one object by frame, from its first frame on, read when asked for."""
        start = self.first_frames[object_id]
        return self.masks_in({f: file for f, file in self.mask_files.items() if f >= start}, object_id)

    def masks_in(self, files: Mapping[int, Path], object_id: int) -> Mapping[int, Mask]:
        """One object's masks in other files by frame, results for example, read when asked for."""
        return MaskFiles(files, None if self.single_object else object_id)


class MaskFiles(Mapping[int, Mask]):
    """Masks by frame that are read from PNG files when asked for.

    `object_id` None takes every pixel that is not 0. Reading raises DatasetError for damaged files.
    """

    def __init__(self, files: Mapping[int, Path], object_id: int | None = None) -> None:
        self._files = dict(files)
        self._object_id = object_id

    def __getitem__(self, frame: int) -> Mask:
        ids = _read_ids(self._files[frame])
        inside = ids > 0 if self._object_id is None else ids == self._object_id
        return np.where(inside, np.uint8(255), np.uint8(0))

    def __contains__(self, frame: object) -> bool:
        return frame in self._files

    def __iter__(self) -> Iterator[int]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


def find_sequences(
    dataset: Path,
    names: Iterable[str] | None = None,
    *,
    single_object: bool | None = None,
    cache_folder: Path | None = None,
) -> list[Sequence]:
    """The sequences of a data set: those named, else those its list for validation names, else all.

    `dataset` is a folder in one of the layouts, a tar of one, or a folder holding one such tar. Tars are
    unpacked once into `cache_folder`, by default the user's cache. `single_object` None goes by what the
    data set shows. Raises DatasetError for anything else, and for names it does not hold.
    """
    layout = find_layout(dataset, cache_folder)
    if single_object is None and layout.says_several_objects:
        single_object = False
    found = layout.found
    wanted = list(names) if names is not None else (layout.listed(single_object is not False) or found)
    unknown = [name for name in wanted if name not in found]
    if unknown or not wanted:
        raise DatasetError(
            f"{dataset} has no sequence {', '.join(unknown) or 'with annotations'}; "
            f"it holds {', '.join(found) or 'none'}."
        )
    sequences = [_sequence(layout, name) for name in wanted]
    if single_object is None:
        single_object = not any(_shows_several_objects(sequence) for sequence in sequences)
    return [_checked(replace(sequence, single_object=single_object)) for sequence in sequences]


def _sequence(layout: Layout, name: str) -> Sequence:
    frames_folder, masks_folder = layout.frames / name, layout.masks / name
    numbers = {file.stem: frame for frame, file in enumerate(_frame_files(frames_folder))}
    masks = sorted(masks_folder.glob("*.png"))
    mask_files = {numbers[file.stem]: file for file in masks if file.stem in numbers}
    info = layout.infos.get(name, SequenceInfo())
    starts = {i: numbers[stem] for i, stem in layout.starts.get(name, {}).items() if stem in numbers}
    unmarked = sorted(i for i, frame in starts.items() if frame not in mask_files)
    if unmarked:
        raise DatasetError(
            f"{masks_folder} holds no annotation of the first frame of object {unmarked[0]}; add it."
        )
    return Sequence(
        name, frames_folder, mask_files, info.evaluate_t, attributes=info.attributes, starts=starts or None
    )


def _checked(sequence: Sequence) -> Sequence:
    """A single object must be annotated on the first frame, several somewhere."""
    files = sequence.mask_files
    if 0 not in files and (sequence.single_object or not files):
        raise DatasetError(
            f"{sequence.name} holds no annotation of the first frame; add one named like the frame's picture."
        )
    return sequence


def _shows_several_objects(sequence: Sequence) -> bool:
    """Whether the first annotation is a palette picture with more than one id: greys may be soft edges."""
    if not sequence.mask_files:
        return False
    first = sequence.mask_files[min(sequence.mask_files)]
    if len(_object_ids(first, single_object=False)) < 2:
        return False
    with PillowImage.open(first) as picture:
        return picture.mode == "P"


def _frame_files(folder: Path) -> tuple[Path, ...]:
    return tuple(sorted(file for file in folder.iterdir() if file.suffix.lower() in FRAME_SUFFIXES))


def _object_ids(file: Path, single_object: bool) -> list[int]:
    """The objects an annotation shows."""
    ids = _read_ids(file)
    if single_object:
        return [1] if ids.any() else []
    return sorted({int(value) for value in np.unique(ids)} - {0, VOID})


def _read_ids(file: Path) -> NDArray[np.uint8]:
    try:
        return png.read_palette_ids(file)
    except EngineError as error:
        raise DatasetError(str(error)) from error
