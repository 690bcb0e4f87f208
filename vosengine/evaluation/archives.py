"""Tars of data sets, unpacked once into a cache."""

from __future__ import annotations

import hashlib
import shutil
import tarfile
import tempfile
from pathlib import Path, PurePosixPath

from vosengine.errors import DatasetError


def unpack_once(tar: Path, cache_folder: Path | None) -> Path:
    """The folder a tar is unpacked in; unpacks it when the cache has no copy of this size and age.

    `cache_folder` None is the user's cache. Raises DatasetError for a tar that is damaged or writes outside
    its folder, and where the cache cannot be written.
    """
    if cache_folder is None:
        import platformdirs  # noqa: PLC0415 - only tars need it

        cache_folder = platformdirs.user_cache_path("rotoshot") / "datasets"
    stat = tar.stat()
    key = f"{tar.resolve()}|{stat.st_size}|{stat.st_mtime_ns}"
    place = cache_folder / f"{tar.stem}-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
    try:
        if not place.is_dir():
            _unpack_beside(tar, place)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise DatasetError(
            f"{tar} cannot be unpacked into {cache_folder} ({error}); "
            "get the file again, or make room in that folder and try again."
        ) from error
    return place


def _unpack_beside(tar: Path, place: Path) -> None:
    """Unpack whole or not at all: into a folder beside `place` that takes its name at the end."""
    place.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{place.name}."
    with tempfile.TemporaryDirectory(prefix=prefix, dir=place.parent, ignore_cleanup_errors=True) as folder:
        beside = Path(folder, "unpacked")
        beside.mkdir()
        _unpack(tar, beside)
        _move(beside, place)


def _move(beside: Path, place: Path) -> None:
    try:
        beside.rename(place)
    except OSError:
        if not place.is_dir():  # else another process unpacked the same tar meanwhile
            raise


def _unpack(tar: Path, folder: Path) -> None:
    """Write the tar's plain files below `folder`; links and devices are left out."""
    if not tarfile.is_tarfile(tar):
        raise tarfile.ReadError("it is no tar, or cut off")  # tarfile's own error is a line a compression
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
