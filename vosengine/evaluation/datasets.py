"""Sequences with annotations, read from folders and tars in the layout of DAVIS.

    ROOT/JPEGImages/480p/SEQUENCE/00000.jpg ...
    ROOT/Annotations/480p/SEQUENCE/00000.png ...

ROOT is the folder itself or its only child; the resolution's folder may have any name. `db_info.yml`, in
ROOT, in `Annotations` or beside the tar, says which sequences T is measured on.
"""

from __future__ import annotations

import hashlib
import shutil
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from vosengine import png
from vosengine.errors import DatasetError, EngineError
from vosengine.types import Mask

FRAMES, MASKS = "JPEGImages", "Annotations"
PREFERRED_RESOLUTION = "480p"  # the one DAVIS publishes its figures at
FRAME_SUFFIXES = (".jpg", ".jpeg", ".png")
VOID = 255  # DAVIS-2017 marks pixels of no known object with it


@dataclass(frozen=True)
class Sequence:
    """One clip of a data set with the annotation files of its frames, by frame.

    `single_object` takes every pixel that is not background as object 1 (DAVIS-2016); without it the
    values are object ids (DAVIS-2017). `evaluate_t` is false where the data set excludes it from T.
    """

    name: str
    frames_folder: Path
    mask_files: dict[int, Path]
    evaluate_t: bool = True
    single_object: bool = True

    @cached_property
    def frame_files(self) -> tuple[Path, ...]:
        """The pictures of the clip, in order."""
        return _frame_files(self.frames_folder)

    @cached_property
    def object_ids(self) -> tuple[int, ...]:
        """The objects of the first annotation. Raises DatasetError when it shows none."""
        ids = _read_ids(self.mask_files[min(self.mask_files)])
        if self.single_object:
            ids = (ids > 0).astype(np.uint8)
        found = sorted({int(value) for value in np.unique(ids)} - {0, VOID})
        if not found:
            raise DatasetError(f"The first annotation of {self.name} is empty; choose another sequence.")
        return tuple(found)

    def masks(self, object_id: int) -> Mapping[int, Mask]:
        """The annotations of one object by frame, read when asked for."""
        return MaskFiles(self.mask_files, None if self.single_object else object_id)


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
    single_object: bool = True,
    cache_folder: Path | None = None,
) -> list[Sequence]:
    """The sequences of a data set, by name: all of them or those named, in the order named.

    `dataset` is a folder in the layout of DAVIS, a tar of one, or a folder holding one such tar. Tars are
    unpacked once into `cache_folder`, by default the user's cache. Raises DatasetError for anything else,
    and for names it does not hold.
    """
    root, beside = _unpacked(dataset, cache_folder)
    frames, masks = _resolution_folders(root)
    without_t = _excluded_from_t([root, masks.parent, root / MASKS, *beside])
    found = sorted(folder.name for folder in masks.iterdir() if (frames / folder.name).is_dir())
    wanted = list(names) if names is not None else found
    unknown = [name for name in wanted if name not in found]
    if unknown or not wanted:
        raise DatasetError(
            f"{dataset} has no sequence {', '.join(unknown) or 'with annotations'}; "
            f"it holds {', '.join(found) or 'none'}."
        )
    return [_sequence(frames / name, masks / name, name not in without_t, single_object) for name in wanted]


def _sequence(frames_folder: Path, masks_folder: Path, evaluate_t: bool, single_object: bool) -> Sequence:
    numbers = {file.stem: frame for frame, file in enumerate(_frame_files(frames_folder))}
    masks = sorted(masks_folder.glob("*.png"))
    mask_files = {numbers[file.stem]: file for file in masks if file.stem in numbers}
    if 0 not in mask_files:
        raise DatasetError(
            f"{masks_folder} holds no annotation of the first frame; add one named like the frame's picture."
        )
    return Sequence(frames_folder.name, frames_folder, mask_files, evaluate_t, single_object)


def _frame_files(folder: Path) -> tuple[Path, ...]:
    return tuple(sorted(file for file in folder.iterdir() if file.suffix.lower() in FRAME_SUFFIXES))


def _read_ids(file: Path) -> NDArray[np.uint8]:
    try:
        return png.read_palette_ids(file)
    except EngineError as error:
        raise DatasetError(str(error)) from error


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


def _excluded_from_t(folders: Iterable[Path]) -> set[str]:
    """Sequences that the first `db_info.yml` found marks `eval_t: False`."""
    info = next((folder / "db_info.yml" for folder in folders if (folder / "db_info.yml").is_file()), None)
    if info is None:
        return set()
    import yaml  # noqa: PLC0415 - only some data sets have one

    try:
        entries = yaml.safe_load(info.read_text("utf-8"))["sequences"]
        return {entry["name"] for entry in entries if not entry.get("eval_t", True)}
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise DatasetError(
            f"{info} does not list sequences as DAVIS does; mend it or move it away."
        ) from error


def _unpacked(dataset: Path, cache_folder: Path | None) -> tuple[Path, list[Path]]:
    """The root of the data set, and the folders in which a `db_info.yml` may lie beside it."""
    if dataset.is_file():
        return _root_in(_unpack_once(dataset, cache_folder), dataset), [dataset.parent]
    if not dataset.is_dir():
        raise DatasetError(f"{dataset} does not exist; name a DAVIS folder or a tar of one.")
    tars = sorted(dataset.glob("*.tar"))
    if len(tars) == 1 and not (dataset / MASKS).is_dir():
        return _unpacked(tars[0], cache_folder)
    return _root_in(dataset, dataset), [dataset]


def _root_in(folder: Path, dataset: Path) -> Path:
    candidates = [folder, *sorted(child for child in folder.iterdir() if child.is_dir())]
    for candidate in candidates:
        if (candidate / FRAMES).is_dir() and (candidate / MASKS).is_dir():
            return candidate
    raise DatasetError(
        f"{dataset} is no data set in the layout of DAVIS; it must hold the folders {FRAMES} and {MASKS}."
    )


def _unpack_once(tar: Path, cache_folder: Path | None) -> Path:
    """The folder a tar is unpacked in; unpacks it when the cache has no copy of this size and age."""
    if cache_folder is None:
        import platformdirs  # noqa: PLC0415 - only tars need it

        cache_folder = platformdirs.user_cache_path("rotoshot") / "datasets"
    stat = tar.stat()
    key = f"{tar.resolve()}|{stat.st_size}|{stat.st_mtime_ns}"
    place = cache_folder / f"{tar.stem}-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
    if place.is_dir():
        return place
    cache_folder.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{place.name}.", dir=cache_folder))
    try:
        _unpack(tar, beside)
        _move(beside, place)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise DatasetError(
            f"{tar} cannot be unpacked into {cache_folder} ({error}); "
            "get the file again, or free some space and try again."
        ) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return place


def _move(beside: Path, place: Path) -> None:
    try:
        beside.rename(place)
    except OSError:
        if not place.is_dir():  # else another process unpacked the same tar meanwhile
            raise


def _unpack(tar: Path, folder: Path) -> None:
    """Write the tar's plain files below `folder`; links and devices are left out."""
    with tarfile.open(tar) as archive:
        for member in archive:
            name = PurePosixPath(member.name)
            if name.is_absolute() or ".." in name.parts:
                raise DatasetError(f"{tar} names a file outside its folder ({name}); do not use this tar.")
            content = archive.extractfile(member) if member.isfile() else None
            if content is not None:
                target = folder.joinpath(*name.parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("wb") as file:
                    shutil.copyfileobj(content, file)
        _check_end(archive)


def _check_end(archive: tarfile.TarFile) -> None:
    """tarfile takes a tar cut off between two files for a whole one; a whole one ends with zeros."""
    if archive.fileobj is not None:
        archive.fileobj.seek(archive.offset)
        if archive.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise tarfile.ReadError("it ends early")
