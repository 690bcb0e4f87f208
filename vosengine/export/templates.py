"""The formats an export can have, by name."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from vosengine.errors import ExportError
from vosengine.export import verify, write
from vosengine.export.plan import Output, Plan
from vosengine.language import tr


@dataclass(frozen=True)
class Template:
    """One format: what dialogs show of it, and how it is written and checked.

    `suits` names programs that read it well. `extension` is the files' suffix; `folder` tells that an output
    is a folder of such files instead of one file; `combined` that all objects always share one output. At
    most `largest_id` is a valid object id. `size` is what the files take beside the mattes they are made of,
    None where that hangs on the footage.
    """

    label: str
    description: str
    suits: str
    extension: str
    write: Callable[[Plan, Output, Path], AbstractContextManager[write.Add]]
    check: Callable[[Plan, Output, Path], verify.Check]
    folder: bool = False
    combined: bool = False
    largest_id: int | None = None
    size: float | None = None

    def combines(self, wish: bool | None) -> bool:
        """Whether all objects share one output, given `Export.combined`. Raises ExportError where it cannot
        be as wished.
        """
        if self.combined and wish is False:
            raise ExportError(
                tr(
                    "{label} holds all objects in one picture; export that, or PNG mattes for each object."
                ).format(label=self.label)
            )
        return self.combined or bool(wish)

    def usual_name(self, combined: bool) -> str:
        """The pattern that outputs are named by where no other is given."""
        if not combined:
            return "{object}"
        # Not the clip's bare name, which an object may have too.
        return "{clip}_ids" if self.combined else "{clip}_matte"


TEMPLATES: dict[str, Template] = {
    "png16": Template(
        tr("PNG mattes, 16 bit"),
        tr("16-bit greyscale PNG in a folder, numbered like the footage."),
        tr("Nuke, After Effects, Fusion, Blender and anything that reads image sequences"),
        ".png",
        write.write_png16,
        verify.check_png16,
        folder=True,
        size=1.0,
    ),
    "prores4444": Template(
        tr("ProRes 4444 with alpha"),
        tr("A movie of the footage with the matte as straight 16-bit alpha, BT.709."),
        tr("Premiere Pro, Final Cut Pro, DaVinci Resolve, After Effects, Avid"),
        ".mov",
        write.write_prores,
        verify.check_prores,
    ),
    "ffv1-luma": Template(
        tr("FFV1 luma matte"),
        tr("A lossless 16-bit greyscale movie, to be used as a luma matte."),
        tr("Blender, Kdenlive, Shotcut, Natron and other programs built on FFmpeg"),
        ".mkv",
        write.write_luma,
        verify.check_luma,
        size=0.6,
    ),
    "davis": Template(
        tr("DAVIS palette PNG"),
        tr("Palette PNG in a folder, the colours standing for the objects' ids."),
        tr("training and measuring segmentation networks"),
        ".png",
        write.write_davis,
        verify.check_davis,
        folder=True,
        combined=True,
        largest_id=255,
        size=0.05,
    ),
}


def template_named(name: str) -> Template:
    """The template called `name`; raises ExportError naming the known ones."""
    if name not in TEMPLATES:
        raise ExportError(
            tr("There is no export template {name!r}; choose one of {names}.").format(
                name=name, names=", ".join(TEMPLATES)
            )
        )
    return TEMPLATES[name]
