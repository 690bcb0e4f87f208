"""The formats an export can have, by name."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from vosengine.errors import ExportError
from vosengine.export import verify, write
from vosengine.export.plan import Output, Plan


@dataclass(frozen=True)
class Template:
    """One format: what dialogs show of it, and how it is written and checked.

    `extension` is the files' suffix; `folder` tells that an output is a folder of such files instead of
    one file; `combined` that all objects share one output. At most `largest_id` is a valid object id.
    """

    label: str
    description: str
    extension: str
    write: Callable[[Plan, Output, Path], AbstractContextManager[write.Add]]
    check: Callable[[Plan, Output, Path], verify.Check]
    folder: bool = False
    combined: bool = False
    largest_id: int | None = None


TEMPLATES: dict[str, Template] = {
    "png16": Template(
        "PNG mattes, 16 bit",
        "A folder of 16-bit greyscale PNG for each object, numbered like the footage.",
        ".png",
        write.write_png16,
        verify.check_png16,
        folder=True,
    ),
    "prores4444": Template(
        "ProRes 4444 with alpha",
        "One movie for each object: the footage with its matte as straight 16-bit alpha, BT.709.",
        ".mov",
        write.write_prores,
        verify.check_prores,
    ),
    "ffv1-luma": Template(
        "FFV1 luma matte",
        "One lossless 16-bit greyscale movie for each object, to be used as a luma matte.",
        ".mkv",
        write.write_luma,
        verify.check_luma,
    ),
    "davis": Template(
        "DAVIS palette PNG",
        "One folder of palette PNG for all objects, the colours standing for their ids.",
        ".png",
        write.write_davis,
        verify.check_davis,
        folder=True,
        combined=True,
        largest_id=255,
    ),
}


def template_named(name: str) -> Template:
    """The template called `name`; raises ExportError naming the known ones."""
    if name not in TEMPLATES:
        raise ExportError(f"There is no export template {name!r}; choose one of {', '.join(TEMPLATES)}.")
    return TEMPLATES[name]
