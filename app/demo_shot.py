"""The bundled clip, laid where the user's projects lie."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_documents_path

from resources import resource
from vosengine import atomic

NAME = "Rotoshot demo.mp4"


def lay_out(folder: Path | None = None) -> Path:
    """Copy the demo clip into a folder, by default the one of the user's projects, unless it is there.

    A copy, so that its project lies beside it and outlives the next edition. Reads and writes files: not for
    the GUI thread. Raises EngineError when the folder cannot be written.
    """
    place = (folder or user_documents_path() / "Rotoshot") / NAME
    content = resource("demo/clip.mp4").read_bytes()
    if not (place.is_file() and place.stat().st_size == len(content)):
        atomic.write_bytes(place, content)
    return place
