"""What an export is asked to be: chosen in the dialog, kept in the project and in presets. No Qt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

from app.document import Document
from vosengine.export import TEMPLATES
from vosengine.messages import Export, ExportSource
from vosengine.types import Span


class Frames(Enum):
    """Which frames."""

    ALL = "all"
    RANGE = "range"  # between in and out
    OWN = "own"


@dataclass(frozen=True)
class ExportChoice:
    """left_out: ids of objects that are not exported; new ones are. own: frames where `frames` says so.

    folder: "" for the usual; a relative one counts from the project's. name: a pattern of
    `vosengine.export.naming.named`, "" for the usual.
    """

    template: str = "png16"
    combined: bool = False
    left_out: frozenset[int] = frozenset()
    frames: Frames = Frames.RANGE
    own: tuple[int, int] = (0, 1)
    folder: str = ""
    name: str = ""

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> ExportChoice:
        """From what `values` gave; what is missing or makes no sense is the default."""
        usual = cls()
        template, frames, own = (values.get(name) for name in ("template", "frames", "own"))
        left_out, folder, name = (values.get(name) for name in ("left_out", "folder", "name"))
        return cls(
            template if isinstance(template, str) and template in TEMPLATES else usual.template,
            values.get("combined") is True,
            frozenset(each for each in left_out if isinstance(each, int))
            if isinstance(left_out, list)
            else usual.left_out,
            next((each for each in Frames if each.value == frames), usual.frames),
            (own[0], own[1]) if isinstance(own, list) and _is_pair(own) else usual.own,
            folder if isinstance(folder, str) else "",
            name if isinstance(name, str) else "",
        )

    @property
    def values(self) -> dict[str, Any]:
        """As JSON values, for the project."""
        return {
            **self.preset,
            "left_out": sorted(self.left_out),
            "own": list(self.own),
            "folder": self.folder,
        }

    @property
    def preset(self) -> dict[str, Any]:
        """The part that means something in any project, for the settings."""
        return {
            "template": self.template,
            "combined": self.combined,
            "frames": self.frames.value,
            "name": self.name,
        }

    def with_preset(self, preset: Mapping[str, Any]) -> ExportChoice:
        """The same with what a preset says."""
        chosen = ExportChoice.from_values(preset)
        return replace(
            self,
            template=chosen.template,
            combined=chosen.combined,
            frames=chosen.frames,
            name=chosen.name,
        )

    @property
    def together(self) -> bool:
        """Whether all objects go into one output."""
        return self.combined or TEMPLATES[self.template].combined

    def span(self, document: Document) -> Span | None:
        """The frames; None where the first lies behind the last, or outside the clip."""
        if self.frames is Frames.ALL:
            return document.clip.span
        if self.frames is Frames.RANGE:
            return document.span
        start, stop = self.own
        return Span(start, stop) if 0 <= start < stop <= document.clip.frame_count else None

    def destination(self, document: Document) -> Path:
        """The folder. Raises RuntimeError for the home of no one."""
        return document.folder / Path(self.folder.strip() or "export").expanduser()

    def chosen(self, sources: tuple[ExportSource, ...]) -> tuple[ExportSource, ...]:
        """Those of the objects that are exported."""
        return tuple(each for each in sources if each.object_id not in self.left_out)

    def without_empty(self, document: Document) -> ExportChoice:
        """To be remembered: what is left out only because nothing of it is cut out yet comes in later."""
        return replace(self, left_out=frozenset(filter(document.has_result, self.left_out)))

    def command(
        self, clip: Path, sources: tuple[ExportSource, ...], span: Span, destination: Path, overwrite: bool
    ) -> Export:
        """For the engine."""
        how = self.template, destination, overwrite, self.combined or None, self.name.strip()
        return Export(clip, self.chosen(sources), span, *how)


def _is_pair(value: list[Any]) -> bool:
    return len(value) == 2 and all(isinstance(each, int) for each in value)
