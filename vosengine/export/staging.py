"""Outputs written beside their place and moved into it together, or not at all."""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from vosengine.errors import ExportError
from vosengine.language import tr

_NUMBERED_PICTURE = re.compile(r"\d+\.png")


class Staging:
    """A hidden folder beside the targets that receives them while they are written.

    As a context manager it removes that folder, and with it whatever was not committed; an export that
    was there before stays until `commit`. The targets are all files or all
    folders of numbered pictures (`folders`), and share one parent, which is made when missing.
    """

    def __init__(self, targets: Sequence[Path], overwrite: bool, folders: bool) -> None:
        """Raises ExportError when a target exists and may not be replaced."""
        for target in targets:
            refuse_occupied(target, overwrite, folders)
        self._targets = tuple(targets)
        self._parent = targets[0].parent
        self._committed = False

    def __enter__(self) -> Self:
        self._made = [folder for folder in (self._parent, *self._parent.parents) if not folder.exists()]
        try:
            self._parent.mkdir(parents=True, exist_ok=True)
            self._folder = Path(tempfile.mkdtemp(prefix=".rotoshot-export-", dir=self._parent))
            (self._folder / "new").mkdir()
            (self._folder / "earlier").mkdir()
        except OSError:
            _remove_empty(self._made)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        if not self._committed:
            _remove_empty(self._made)

    def beside(self, target: Path) -> Path:
        """Where to write what will become `target`."""
        return self._folder / "new" / target.name

    def commit(self) -> None:
        """Move every target into place; when one cannot be moved, put all back and raise its OSError."""
        done: list[tuple[Path, Path]] = []
        try:
            for target in self._targets:
                if target.exists():
                    done.append(_renamed(target, self._folder / "earlier" / target.name))
                done.append(_renamed(self.beside(target), target))
        except OSError:
            for before, after in reversed(done):
                after.rename(before)
            raise
        self._committed = True


def _renamed(before: Path, after: Path) -> tuple[Path, Path]:
    before.rename(after)
    return before, after


def refuse_occupied(target: Path, overwrite: bool, folder: bool) -> None:
    """Raise ExportError where `target`, a folder of pictures or else a file, may not be written."""
    if not target.exists():
        return
    if not overwrite:
        raise ExportError(
            tr("{target} exists already; allow overwriting it or choose another destination.").format(
                target=target
            )
        )
    if target.is_dir() != folder:
        file = tr("{target} is a file already; choose another destination.")
        found = file if folder else tr("{target} is a folder already; choose another destination.")
        raise ExportError(found.format(target=target))
    if folder and not all(_NUMBERED_PICTURE.fullmatch(file.name) for file in target.iterdir()):
        raise ExportError(
            tr(
                "{target} holds files that are no earlier export and would be lost; choose another "
                "destination."
            ).format(target=target)
        )


def _remove_empty(folders: Sequence[Path]) -> None:
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()
