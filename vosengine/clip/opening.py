"""Opening footage, whatever it is stored in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from vosengine.clip.clip import Clip
from vosengine.clip.index import build_index
from vosengine.clip.numbering import is_still
from vosengine.clip.sequence import open_sequence
from vosengine.clip.video import VideoClip
from vosengine.errors import ClipError
from vosengine.language import tr

Progress = Callable[[int, int], None]


def open_clip(path: Path, on_progress: Progress | None = None) -> Clip:
    """Open a video file, a folder with an image sequence, or one file of an image sequence.

    `on_progress(done, total)` is called while the footage is indexed; `total` is an estimate for some
    files. What it raises stops the work and leaves nothing open.

    Raises ClipError, naming the remedy, for footage that is missing, empty or cannot be decoded at all. A
    truncated or damaged file opens up to the damage, and a sequence up to its first missing or damaged file
    (the run that holds `path`, when it is a file); `info.damage` then says where.
    """
    _require_readable(path)
    if path.is_dir() or is_still(path):
        return open_sequence(path, on_progress)
    return VideoClip(path, build_index(path, on_progress))


def _require_readable(path: Path) -> None:
    try:
        if path.is_dir():
            next(path.iterdir(), None)
            return
        with path.open("rb") as content:
            if not content.read(1):
                raise ClipError(tr("{name} is empty; copy or export it again.").format(name=path.name))
    except FileNotFoundError as error:
        raise ClipError(
            tr("{path} does not exist; check the name, or whether its drive is connected.").format(path=path)
        ) from error
    except OSError as error:
        raise ClipError(
            tr("{path} cannot be read ({reason}); check that you may open it.").format(
                path=path, reason=error.strerror
            )
        ) from error
