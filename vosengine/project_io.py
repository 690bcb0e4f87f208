"""Files of a project written, removed, copied and named; every failure is a ProjectError with a remedy."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vosengine import atomic
from vosengine.errors import EngineError, ProjectError
from vosengine.language import tr


def write(path: Path, content: bytes, durable: bool = True) -> None:
    """Give `path` this content or leave it as it was; `durable` waits for the disk."""
    try:
        atomic.write_bytes(path, content, durable)
    except EngineError as error:
        raise ProjectError(str(error)) from error


def remove(path: Path) -> None:
    """Remove a file if it is there."""
    with unwritable(path):
        path.unlink(missing_ok=True)


def copy(path: Path, place: Path) -> None:
    """A second name for a file, or a copy where the file system knows no such thing.

    Raises FileNotFoundError where there is no such file, ProjectError where the place cannot be written.
    """
    try:
        with unwritable(place):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)
            try:
                os.link(path, place)
            except OSError:
                shutil.copyfile(path, place)
    except ProjectError:
        if not path.exists():
            raise FileNotFoundError(path) from None
        raise


def listed(folder: Path) -> list[str]:
    """The names in a folder; none where there is no such folder. Raises ProjectError when it cannot be read:
    what is there must not be taken for gone.
    """
    try:
        return [path.name for path in folder.iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        sentence = tr("{folder} could not be read ({reason}); open the project again.")
        raise ProjectError(sentence.format(folder=folder, reason=error.strerror or error)) from error


def unused(path: Path) -> Path:
    """The path, or the first one with a number added that does not exist."""
    candidate, number = path, 2
    while candidate.exists():
        candidate = path.with_name(f"{path.stem}-{number}{path.suffix}")
        number += 1
    return candidate


def absolute(path: Path) -> Path:
    """The path from the root, links left as they are: a linked folder stays the one the user knows."""
    return Path(os.path.abspath(path))  # noqa: PTH100


@contextmanager
def unwritable(path: Path) -> Iterator[None]:
    """Turn the system's errors about a path into a ProjectError."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise ProjectError(
            tr("{path} could not be written ({reason}); free some space or choose another place.").format(
                path=path, reason=reason
            )
        ) from error
