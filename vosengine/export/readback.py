"""Reading exported movies with the ffmpeg program: not the library that wrote them."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

from vosengine.errors import ExportError
from vosengine.language import tr

# On Windows a console window would flash up for each run.
_NO_WINDOW: int = getattr(subprocess, "CREATE_NO_WINDOW", 0)


@dataclass(frozen=True)
class MovieFacts:
    """What ffmpeg says of a movie: its size, colour tags and timecode ("" without one).

    `tags` are primaries, transfer, matrix and range by ffmpeg's names, "unknown" where absent.
    """

    width: int
    height: int
    tags: tuple[str, ...]
    timecode: str


def movie_facts(path: Path) -> MovieFacts:
    """Read a movie's header and first frame. Raises ExportError when ffmpeg cannot."""
    output = ("-map", "0:v:0", "-vf", "showinfo", "-frames:v", "1", "-f", "null", "-")
    done = subprocess.run(
        _command(path, "info", output),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        creationflags=_NO_WINDOW,
        check=False,
    )
    described = done.stderr.decode(errors="replace")
    size = re.search(r" s:(\d+)x(\d+) ", described)
    if done.returncode != 0 or size is None:
        raise unreadable(path, described)
    tags = tuple(_tag(described, name) for name in ("primaries", "trc", "space", "range"))
    timecode = re.search(r"timecode\s*: (\S+)", described)
    return MovieFacts(int(size[1]), int(size[2]), tags, timecode[1] if timecode else "")


class MovieReader:
    """Decodes every stored frame, one at a time; a context manager that ends ffmpeg.

    Iterating gives uint16 arrays of `shape`, laid out as the 16-bit ffmpeg `pixel_format` is, and goes on
    where it stopped; `count` frames have been given so far. It raises ExportError when ffmpeg cannot decode
    the movie.
    """

    def __init__(self, path: Path, pixel_format: str, shape: tuple[int, ...]) -> None:
        self._path = path
        self._shape = shape
        self._pixel_format = pixel_format
        self.count = 0

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="rotoshot-readback-")
        self._packets = Path(self._folder.name) / "packets"
        self._messages = (Path(self._folder.name) / "messages").open("w+b")
        # The packets' own times beside the decoded frames, in one pass over what may be a large file.
        frames = ("-map", "0:v:0", "-fps_mode", "passthrough", "-pix_fmt", self._pixel_format)
        packets = ("-map", "0:v:0", "-c", "copy", "-f", "framecrc", f"file:{self._packets}")
        self._process = subprocess.Popen(
            _command(self._path, "error", (*frames, "-f", "rawvideo", "pipe:1", *packets)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._messages,
            creationflags=_NO_WINDOW,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process.wait()
        self._messages.close()
        self._folder.cleanup()

    def __iter__(self) -> Iterator[NDArray[np.uint16]]:
        assert self._process.stdout is not None
        size = 2 * int(np.prod(self._shape))
        while len(content := self._process.stdout.read(size)) == size:
            self.count += 1
            yield np.frombuffer(content, "<u2").reshape(self._shape)
        if content or self._process.wait() != 0:
            self._messages.seek(0)
            raise unreadable(self._path, self._messages.read().decode(errors="replace"))

    def times(self) -> tuple[Fraction, ...]:
        """When each stored frame starts, in seconds; known once all have been read."""
        text = self._packets.read_text()
        base = re.search(r"^#tb 0: (\d+/\d+)", text, re.MULTILINE)
        if base is None:
            raise unreadable(self._path, tr("it holds no frames"))
        # Lines read "stream, dts, pts, duration, size, checksum".
        starts = [int(line.split(",")[2]) for line in text.splitlines() if line[:1].isdigit()]
        return tuple(start * Fraction(base[1]) for start in sorted(starts))


def _command(path: Path, level: str, output: tuple[str, ...]) -> list[str]:
    quiet = ("-hide_banner", "-nostdin", "-nostats", "-v", level)
    return [imageio_ffmpeg.get_ffmpeg_exe(), *quiet, "-i", f"file:{path}", *output]


def _tag(described: str, name: str) -> str:
    found = re.search(rf"color_{name}:(\S+)", described)
    return "unknown" if found is None or found[1] in ("unspecified", "reserved") else found[1]


def unreadable(path: Path, messages: str) -> ExportError:
    """What to raise for a file that does not open; the last line of `messages` is the reason."""
    lines = [line.strip() for line in messages.splitlines() if line.strip()]
    reason = lines[-1] if lines else tr("no message")
    return ExportError(
        tr("{name} could not be read back ({reason}); export it again.").format(name=path.name, reason=reason)
    )
