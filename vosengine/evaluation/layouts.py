"""Where data sets keep their sequences, and what they say of them.

DAVIS-2016 and DAVIS-2017:

    ROOT/JPEGImages/480p/SEQUENCE/00000.jpg ...
    ROOT/Annotations/480p/SEQUENCE/00000.png ...
    ROOT/ImageSets/2017/val.txt              the sequences to measure on, if present
    db_info.yml                              attributes, and which sequences T is measured on

`db_info.yml` may lie in ROOT, in `Annotations` or beside the tar; the resolution's folder may have any name
or be left out. YouTube-VOS:

    ROOT/valid/JPEGImages/ID/00000.jpg, 00005.jpg ...
    ROOT/valid/Annotations/ID/00000.png ...  each object's first mask, on the frame it appears on
    ROOT/valid/meta.json                     the objects and their frames

ROOT is the folder itself or a child of it; of several children `valid` is taken.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from vosengine.errors import DatasetError
from vosengine.evaluation.archives import unpack_once

FRAMES, MASKS, LISTS = "JPEGImages", "Annotations", "ImageSets"
PREFERRED_RESOLUTION = "480p"  # the one DAVIS publishes its figures at
PREFERRED_PART = "valid"  # of YouTube-VOS
SINGLE_LISTS = ("2016/val.txt", "480p/val.txt")  # DAVIS-2016 as DAVIS-2017 brings it, and its own
MULTI_LISTS = ("2017/val.txt",)
INFO_NAMES = ("db_info.yml", "db_info.yaml")


@dataclass(frozen=True)
class SequenceInfo:
    """What `db_info.yml` says of a sequence: its attributes' abbreviations, and whether T is measured."""

    attributes: tuple[str, ...] | None = None
    evaluate_t: bool = True


@dataclass(frozen=True)
class Layout:
    """The folders that hold one folder a sequence, and what is known beside the pictures.

    `starts`: the name (no suffix) of each object's first frame, by sequence and object id; only YouTube-VOS
    says so. `lists`: where ImageSets would lie.
    """

    frames: Path
    masks: Path
    lists: Path
    infos: Mapping[str, SequenceInfo] = field(default_factory=dict)
    starts: Mapping[str, Mapping[int, str]] = field(default_factory=dict)

    @property
    def found(self) -> list[str]:
        """All sequences with pictures and annotations, by name."""
        return sorted(folder.name for folder in self.masks.iterdir() if (self.frames / folder.name).is_dir())

    @property
    def says_several_objects(self) -> bool:
        """Whether this is DAVIS-2017 or YouTube-VOS."""
        return bool(self.starts) or (self.lists / MULTI_LISTS[0]).is_file()

    def listed(self, single_object: bool) -> list[str] | None:
        """The sequences of the first list for validation found, None without one."""
        files = [self.lists / name for name in (SINGLE_LISTS if single_object else MULTI_LISTS)]
        file = next((file for file in files if file.is_file()), None)
        if file is None:
            return None
        # A line is a sequence's name, or in DAVIS-2016's own list the files of one of its frames.
        entries = (PurePosixPath(line.split()[0]) for line in _text(file).splitlines() if line.strip())
        return list(dict.fromkeys(e.name if len(e.parts) == 1 else e.parent.name for e in entries))


def find_layout(dataset: Path, cache_folder: Path | None = None) -> Layout:
    """The layout of a folder, of a tar, or of a folder that holds one tar. Raises DatasetError."""
    root, beside = _located(dataset, cache_folder)
    frames, masks = _resolution_folders(root)
    infos = _sequence_infos([root, masks.parent, root / MASKS, *beside])
    return Layout(frames, masks, root / LISTS, infos, _starts(root / "meta.json"))


def _located(dataset: Path, cache_folder: Path | None) -> tuple[Path, list[Path]]:
    """The root of the data set, and the folders in which a `db_info.yml` may lie beside it."""
    if dataset.is_file():
        return _root_in(unpack_once(dataset, cache_folder), dataset), [dataset.parent]
    if not dataset.is_dir():
        raise DatasetError(f"{dataset} does not exist; name a DAVIS folder or a tar of one.")
    tars = sorted(dataset.glob("*.tar"))
    if len(tars) == 1 and not (dataset / MASKS).is_dir():
        return _located(tars[0], cache_folder)
    return _root_in(dataset, dataset), [dataset]


def _root_in(folder: Path, dataset: Path) -> Path:
    children = sorted(child for child in folder.iterdir() if child.is_dir())
    for candidate in (folder, folder / PREFERRED_PART, *children):
        if (candidate / FRAMES).is_dir() and (candidate / MASKS).is_dir():
            return candidate
    raise DatasetError(
        f"{dataset} is no data set in the layout of DAVIS or YouTube-VOS; "
        f"it must hold the folders {FRAMES} and {MASKS}."
    )


def _resolution_folders(root: Path) -> tuple[Path, Path]:
    """The folders of the sequences' frames and masks."""
    both = sorted(
        folder.name
        for folder in (root / MASKS).iterdir()
        if folder.is_dir() and (root / FRAMES / folder.name).is_dir()
    )
    nested = [name for name in both if any(child.is_dir() for child in (root / MASKS / name).iterdir())]
    if not nested:
        return root / FRAMES, root / MASKS
    chosen = PREFERRED_RESOLUTION if PREFERRED_RESOLUTION in nested else nested[0]
    return root / FRAMES / chosen, root / MASKS / chosen


def _sequence_infos(folders: Iterable[Path]) -> dict[str, SequenceInfo]:
    """What the first `db_info.yml` found says, by sequence."""
    files = (folder / name for folder in folders for name in INFO_NAMES)
    file = next((file for file in files if file.is_file()), None)
    if file is None:
        return {}
    import yaml  # noqa: PLC0415 - only some data sets have one

    try:
        return {entry["name"]: _info(entry) for entry in yaml.safe_load(_text(file))["sequences"]}
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(
            f"{file} does not list sequences as DAVIS does; mend it or move it away."
        ) from error


def _info(entry: Mapping[str, object]) -> SequenceInfo:
    attributes = entry.get("attributes")
    known = tuple(map(str, attributes)) if isinstance(attributes, list) else None
    return SequenceInfo(known, bool(entry.get("eval_t", True)))


def _starts(file: Path) -> dict[str, dict[int, str]]:
    """The name of each object's first frame by sequence and object id, from YouTube-VOS's `meta.json`."""
    if not file.is_file():
        return {}
    try:
        return {
            name: {int(i): min(entry["frames"]) for i, entry in video["objects"].items()}
            for name, video in json.loads(_text(file))["videos"].items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(
            f"{file} does not list objects as YouTube-VOS does; mend it or move it away."
        ) from error


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{file} cannot be read as text; mend it or move it away.") from error
