"""The projects opened lately: which are still there, when they were opened, their looks. No widgets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QBuffer, QIODevice, QSize, Qt
from PySide6.QtGui import QImage, QImageWriter

from app.language import tr
from vosengine import atomic
from vosengine.errors import EngineError
from vosengine.project import MANIFEST

THUMBNAIL = QSize(192, 108)  # pixels
FILE = "thumbnail.jpg"  # in the project's cache folder


@dataclass(frozen=True)
class Recent:
    """`found`: whether the project is still there. `picture`: null where none was kept."""

    folder: Path
    found: bool
    opened: datetime | None
    picture: QImage


def look_up(folders: Sequence[str], opened: Mapping[str, float]) -> list[Recent]:
    """What is known of these projects. Reads files: not for the GUI thread."""
    return [_look(Path(folder), opened.get(folder)) for folder in folders]


def _look(folder: Path, seconds: float | None) -> Recent:
    found, picture = False, QImage()
    with suppress(OSError):  # a drive that does not answer
        manifest = folder / MANIFEST
        found = manifest.is_file()
        if found:
            picture = QImage(str(folder / "cache" / FILE))
            seconds = seconds if seconds is not None else manifest.stat().st_mtime
    return Recent(folder, found, _moment(seconds), picture)


def _moment(seconds: float | None) -> datetime | None:
    if seconds is None or not math.isfinite(seconds):
        return None
    with suppress(OverflowError, OSError, ValueError):  # damaged settings
        return datetime.fromtimestamp(seconds)
    return None


def keep_picture(picture: QImage, cache_folder: Path) -> None:
    """Keep a small copy of the shot's picture for the start screen; without room for it there is none."""
    small = picture.scaled(
        THUMBNAIL, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    )
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    QImageWriter(buffer, b"jpg").write(small)
    with suppress(EngineError):
        atomic.write_bytes(cache_folder / FILE, bytes(buffer.data().data()))


def when(opened: datetime | None, now: datetime) -> str:
    """When something was, in the words of someone who looks back at `now`; "" where it is not known."""
    if opened is None:
        return ""
    days, clock = (now.date() - opened.date()).days, f"{opened:%H:%M}"
    if days == 0:
        return tr("Today, {clock}").format(clock=clock)
    if days == 1:
        return tr("Yesterday, {clock}").format(clock=clock)
    return f"{opened:%Y-%m-%d}"


def place(folder: Path) -> str:
    """The folder that a project lies in, short for those in the user's home."""
    parent = folder.parent
    with suppress(RuntimeError):  # no home
        if parent.is_relative_to(Path.home()):
            return str(Path("~") / parent.relative_to(Path.home()))
    return str(parent)
