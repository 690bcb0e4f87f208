"""The shot being worked on: objects, annotations, predictions and their undo, without any Qt.

Every edit is one undo step, saved at once on a worker thread; observers hear what changed. Call it from
one thread (the GUI's). Masks and mattes handed out are read-only and have the clip's full resolution.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.cells import CONFIG, OBJECTS, SPAN, Cell, Change, Kind, Value
from app.changing import Observer
from app.language import mark
from app.painting import Painting
from app.predicting import Predicting
from app.presets import preset_name
from app.reading import FrameState, PredictionInfo, Scribbles
from app.step_titles import PRESET
from app.store import Store
from vosengine.config import Config
from vosengine.manifest import colour_of, name_of
from vosengine.messages import ExportSource
from vosengine.project_file import Project, RotoObject, create_project, open_project
from vosengine.types import ClipInfo, Span

__all__ = [
    "Change",
    "Document",
    "FrameState",
    "Kind",
    "Observer",
    "PredictionInfo",
    "RotoObject",
    "Scribbles",
]


class Document(Painting, Predicting):
    """One open project. Make it with `Document.create` or `Document.open`; `close` it in the end."""

    def __init__(self, project: Project, on_error: Callable[[str], None] | None = None) -> None:
        """Take over an open project. `on_error` hears, on the saver's thread, when saving fails, and ""
        when it works again. Raises ProjectError, the project closed, when it cannot be read.
        """
        with ExitStack() as failing:
            failing.callback(project.close)
            store = Store(project, on_error)
            failing.callback(store.abandon)
            super().__init__(store)
            failing.pop_all()
        self._clip_missing = project.clip_missing
        self._closed = False
        self._select_existing()

    @classmethod
    def create(
        cls,
        folder: Path,
        clip: ClipInfo,
        on_error: Callable[[str], None] | None = None,
        config: Config | None = None,
    ) -> Document:
        """A new project in `folder` with one object. `on_error`: see the constructor.

        Raises ProjectError when the folder holds a project already or cannot be written.
        """
        project = create_project(folder, clip)
        if config is not None:
            project.write_manifest(replace(project.manifest, config=config))
        project.add_object()
        return cls(project, on_error)

    @classmethod
    def open(cls, folder: Path, on_error: Callable[[str], None] | None = None) -> Document:
        """Open a project folder (or its `project.roto`). Raises ProjectError with the remedy."""
        return cls(open_project(folder), on_error)

    # --- the project -----------------------------------------------------------------------------------

    @property
    def clip_missing(self) -> bool:
        """The footage was not found when the project was opened: ask the user for it and `relink`."""
        return self._clip_missing

    @property
    def folder(self) -> Path:
        """The project folder."""
        return self._store.project.folder

    @property
    def cache_folder(self) -> Path:
        """For the engine's proxies."""
        return self._store.project.cache_folder

    @property
    def models_folder(self) -> Path:
        """For the engine's fine-tuned weights."""
        return self._store.project.models_folder

    @property
    def messages(self) -> tuple[str, ...]:
        """What was set aside or repaired since opening, one sentence each."""
        return tuple(self._store.project.messages)

    def flush(self) -> None:
        """Wait until everything is on disk. Raises ProjectError when saving fails."""
        self._store.saver.flush()

    def close(self, discard: bool = False) -> None:
        """End an open stroke, save, release the folder; a second time does nothing.

        Raises ProjectError, and stays open, when the last changes cannot be saved; `discard` gives them up.
        """
        if not self._closed:
            self.end_stroke()
            self._save_selection()
            self._store.close(discard)
            self._closed = True
            self._observers.clear()

    def relink(self, clip: ClipInfo, accept_changed: bool = False) -> None:
        """Use the footage described by `clip` (from `ClipOpened`).

        Raises ProjectError when its size differs, or its fingerprint or length does and `accept_changed` is
        false.
        """
        self._store.relink(clip, accept_changed)
        self._clip_missing = False
        self.frame = min(self.frame, max(clip.frame_count - 1, 0))
        self._tell(Change(Kind.CLIP))

    # --- selection (not undoable), in and out, settings ------------------------------------------------

    def go_to(self, frame: int) -> None:
        """Make `frame` current, clipped to the clip."""
        frame = min(max(frame, 0), max(self.clip.frame_count - 1, 0))
        if frame != self.frame:
            self.frame = frame
            self._tell(Change(Kind.SELECTION, self.object_id, frame))

    def select(self, object_id: int) -> None:
        """Make an object current. Raises KeyError for an unknown id."""
        self.object_id = self.object(object_id).object_id
        self._tell(Change(Kind.SELECTION, self.object_id, self.frame))

    @property
    def span(self) -> Span:
        """In and out, half-open, within the clip and not empty."""
        return self._clipped_span(self._store.span)

    def set_span(self, span: Span) -> None:
        """Set in and out (half-open), clipped to the clip; an empty span becomes the whole clip."""
        self._edit(mark("In and out"), {SPAN: self._clipped_span(span)}, continued=True)

    @property
    def config(self) -> Config:
        """The settings of the next run, kept in the project."""
        return self._store.config

    def set_config(self, config: Config) -> None:
        """Change the settings of the next run."""
        preset = preset_name(config)
        name = f"{PRESET}{preset}" if preset else mark("Run settings")
        self._edit(name, {CONFIG: config}, continued=True)

    @property
    def export_choice(self) -> Mapping[str, Any]:
        """What the last export was asked to be (`app.export_choice`), kept in the project."""
        return self._store.manifest.export

    def set_export_choice(self, values: Mapping[str, Any]) -> None:
        """Remember what an export is asked to be."""
        self._store.manifest = replace(self._store.manifest, export=dict(values))
        self._store.save_manifest()

    # --- for the engine --------------------------------------------------------------------------------

    def export_sources(self) -> tuple[ExportSource, ...]:
        """For `messages.Export`: one source an object in order, its matte files by frame, all on disk.

        Raises ProjectError when they cannot be saved.
        """
        self.end_stroke()
        return self.stored_sources()

    def stored_sources(
        self, span: Span | None = None, left_out: Collection[int] = ()
    ) -> tuple[ExportSource, ...]:
        """The same from any thread, without an open stroke: what an export of `span` needs, without the
        objects that are `left_out`.
        """
        self.flush()
        return self._store.project.export_sources(span, left_out)

    def add_object(self, name: str = "", colour: str = "") -> int:
        """A new object, made current; returns its id. Ids are never used twice."""
        number = self._store.new_object_id()
        added = RotoObject(number, name or name_of(number), colour or colour_of(number))
        self._edit(mark("Add object"), {OBJECTS: (*self.objects, added)})
        self.select(number)
        return number

    def remove_object(self, object_id: int) -> None:
        """Remove an object with everything drawn and predicted for it."""
        self._check_unlocked(object_id)
        self.cancel_stroke()
        values: dict[Cell, Value] = dict.fromkeys(self._store.cells.of_object(object_id))
        values[OBJECTS] = tuple(each for each in self.objects if each.object_id != object_id)
        self._edit(mark("Remove object"), values)

    def change_object(
        self,
        object_id: int,
        *,
        name: str | None = None,
        colour: str | None = None,
        visible: bool | None = None,
        locked: bool | None = None,
    ) -> None:
        """Rename, recolour, show or hide, lock or unlock."""
        given = {"name": name, "colour": colour, "visible": visible, "locked": locked}
        changes: dict[str, Any] = {field: value for field, value in given.items() if value is not None}
        if not changes:
            return
        changed = replace(self.object(object_id), **changes)
        objects = tuple(changed if each.object_id == object_id else each for each in self.objects)
        names = {
            "name": mark("Rename object"),
            "colour": mark("Recolour object"),
            "visible": mark("Show object") if visible else mark("Hide object"),
            "locked": mark("Lock object") if locked else mark("Unlock object"),
        }
        self._edit(names[next(iter(changes))], {OBJECTS: objects})

    def move_object(self, object_id: int, places: int) -> None:
        """Move an object down the list (up: negative), as far as it goes; the topmost covers the others."""
        moved = self.object(object_id)
        objects = [each for each in self.objects if each is not moved]
        place = self.objects.index(moved) + places
        objects.insert(min(max(place, 0), len(objects)), moved)
        self._edit(mark("Reorder objects"), {OBJECTS: tuple(objects)})

    # --- help ------------------------------------------------------------------------------------------

    def _clipped_span(self, span: Span) -> Span:
        whole = self.clip.span
        start, stop = min(span.start, whole.stop), min(span.stop, whole.stop)
        return Span(start, stop) if start < stop else whole

    def _save_selection(self) -> None:
        self._store.manifest = replace(self._store.manifest, frame=self.frame, object_id=self.object_id)
        self._store.save_manifest()
