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
    its folder, and where there is no space.
    """
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
