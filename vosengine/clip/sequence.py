"""Frames by number from an image sequence."""

from __future__ import annotations

import threading
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vosengine.clip.clip import Clip
from vosengine.clip.fingerprint import sequence_fingerprint
from vosengine.clip.numbering import Numbered, find_sequence
from vosengine.clip.stills import StillInfo, read_alpha, read_header, read_rgb8, read_rgb16
from vosengine.errors import ClipError
from vosengine.language import tr
from vosengine.types import ClipInfo, Image, Matte

Progress = Callable[[int, int], None]

_RATE = Fraction(24)  # cinema's, for files that do not tell


class SequenceClip(Clip):
    """Footage in one picture file a frame; nothing is kept in memory."""

    def __init__(self, info: ClipInfo, files: tuple[Path, ...]) -> None:
        super().__init__(info)
        self._files = files
        self._lock = threading.Lock()
        self._closed = False

    def image(self, frame: int) -> Image:
        """See `Clip.image`."""
        with self._lock:
            picture = read_rgb8(self._file(frame))
            self._require_size(frame, picture.shape)
            return picture

    def image16(self, frame: int) -> NDArray[np.uint16]:
        """See `Clip.image16`."""
        with self._lock:
            picture = read_rgb16(self._file(frame))
            self._require_size(frame, picture.shape)
            return picture

    def alpha(self, frame: int) -> Matte | None:
        """See `Clip.alpha`."""
        with self._lock:
            matte = read_alpha(self._file(frame))
            if matte is not None:
                self._require_size(frame, matte.shape)
            return matte

    def close(self) -> None:
        """See `Clip.close`."""
        with self._lock:
            self._closed = True

    def _file(self, frame: int) -> Path:
        self._require(frame)
        if self._closed:
            raise ClipError(tr("{name} has been closed; open it again.").format(name=self.info.path.name))
        return self._files[frame]

    def _require_size(self, frame: int, shape: tuple[int, ...]) -> None:
        if shape[:2] != (self.info.height, self.info.width):
            raise ClipError(
                tr("{name} changed since it was opened; open the sequence again.").format(
                    name=self._files[frame].name
                )
            )


def open_sequence(path: Path, on_progress: Progress | None = None) -> SequenceClip:
    """The sequence in a folder, or the one that a picture file belongs to.

    Every header is read, and every file is checked for being complete. The clip ends before the first
    missing or damaged file. Raises ClipError when there is no picture, when the first one is damaged, when
    a folder holds several sequences, or when sizes differ.
    """
    found = find_sequence(path)
    headers: list[StillInfo] = []
    damage = _gap_sentence(found)
    for file in found.files:
        try:
            headers.append(read_header(file))
        except ClipError as error:
            if not headers:
                raise
            damage = tr("The clip ends at frame number {last}: {error}").format(
                last=found.first_number + len(headers) - 1, error=error
            )
            break
        _require_same_size(found.files[0], headers[0], file, headers[-1])
        if on_progress is not None:
            on_progress(len(headers), len(found.files))
    files = found.files[: len(headers)]
    return SequenceClip(_info(path, files, found.first_number, headers[0], damage), files)


def _gap_sentence(found: Numbered) -> str:
    if found.gap is None:
        return ""
    return tr(
        "The clip ends at frame number {last} because number {gap} is missing; render or copy it again, or "
        "open a file after it."
    ).format(last=found.gap - 1, gap=found.gap)


def _require_same_size(first_file: Path, first: StillInfo, file: Path, header: StillInfo) -> None:
    if (header.width, header.height) != (first.width, first.height):
        raise ClipError(
            tr(
                "{name} has {width} x {height} pixels but {other} has {other_width} x {other_height}; keep "
                "pictures of one size in the folder."
            ).format(
                name=file.name,
                width=header.width,
                height=header.height,
                other=first_file.name,
                other_width=first.width,
                other_height=first.height,
            )
        )


def _info(path: Path, files: tuple[Path, ...], first_number: int, first: StillInfo, damage: str) -> ClipInfo:
    rate = first.rate or _RATE
    return ClipInfo(
        path=path,
        width=first.width,
        height=first.height,
        rate=rate,
        timestamps=tuple(number / rate for number in range(len(files))),
        fingerprint=sequence_fingerprint(files),
        bit_depth=first.bit_depth,
        has_alpha=first.alpha is not None,
        first_number=first_number,
        is_sequence=True,
        colour=first.colour,
        damage=damage,
        timecode=first.timecode,
    )
