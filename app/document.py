"""The shot being worked on: objects, annotations, predictions and their undo, without any Qt.

Every edit is one undo step, saved at once on a worker thread; observers hear what changed. Call it from
one thread (the GUI's). Masks and mattes handed out are read-only and have the clip's full resolution.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.cells import OBJECTS, Cell, Change, Kind, Value
from app.packed import MASK_VALUES, SCRIBBLE_VALUES, Packed
from app.reading import FrameState, PredictionInfo, Reading, Scribbles, Stroke
from app.runs import Runs
from app.store import Store
from app.tools import Rect
from app.undo import Step, UndoStack
from vosengine.config import Config
from vosengine.edge_controls import EdgeTrack
from vosengine.errors import AnnotationError
from vosengine.manifest import colour_of
from vosengine.messages import ExportSource, MaskPredicted
from vosengine.project_file import Key, Project, RotoObject, create_project, open_project
from vosengine.types import Box, ClipInfo, Mask, Matte, Span

__all__ = ["Change", "Document", "FrameState", "Kind", "PredictionInfo", "RotoObject", "Scribbles"]

Observer = Callable[[Change], None]


class Document(Reading):
    """One open project. Make it with `Document.create` or `Document.open`; `close` it in the end."""

    def __init__(self, project: Project, on_error: Callable[[str], None] | None = None) -> None:
        """Take over an open project. `on_error` hears, on the saver's thread, when saving fails, and ""
        when it works again.
        """
        super().__init__(Store(project, on_error))
        self._undo = UndoStack(self._put_back, self._store.forget)
        self._observers: dict[int, Observer] = {}
        self._observer_numbers = itertools.count()
        self._steps: dict[int, Step] = {}  # predictions being collected
        self._step_numbers = itertools.count(1)
        self.runs = Runs(self._undo, self._store, self._tell)
        self._clip_missing = project.clip_missing
        self._closed = False
        manifest = project.manifest
        self.frame = min(max(manifest.frame, 0), max(self.clip.frame_count - 1, 0))
        self.object_id = manifest.object_id
        self.span = self._clipped_span(manifest.span or self.clip.span)
        self._select_existing()

    @classmethod
    def create(cls, folder: Path, clip: ClipInfo, on_error: Callable[[str], None] | None = None) -> Document:
        """A new project in `folder` with one object. `on_error`: see the constructor.

        Raises ProjectError when the folder holds a project already or cannot be written.
        """
        project = create_project(folder, clip)
        project.add_object()
        return cls(project, on_error)

    @classmethod
    def open(cls, folder: Path, on_error: Callable[[str], None] | None = None) -> Document:
        """Open a project folder (or its `project.roto`). Raises ProjectError with the remedy."""
        return cls(open_project(folder), on_error)

    def subscribe(self, observer: Observer) -> Callable[[], None]:
        """Call `observer` after each change; returns the function that ends the subscription."""
        number = next(self._observer_numbers)
        self._observers[number] = observer

        def unsubscribe() -> None:
            self._observers.pop(number, None)

        return unsubscribe

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

    def save_as(self, folder: Path) -> None:
        """Copy the project to `folder` and go on there; the undo steps stay. Raises ProjectError."""
        self.end_stroke()
        self._save_selection()
        self._store.move_to(folder)

    def relink(self, clip: ClipInfo, accept_changed: bool = False) -> None:
        """Use the footage described by `clip` (from `ClipOpened`).

        Raises ProjectError when its size differs, or its fingerprint or length does and `accept_changed` is
        false.
        """
        self._store.relink(clip, accept_changed)
        self._clip_missing = False
        self.span = self._clipped_span(self.span)
        self.frame = min(self.frame, max(clip.frame_count - 1, 0))
        self._tell(Change(Kind.CLIP))

    # --- selection and settings (not undoable) ---------------------------------------------------------

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

    def set_span(self, span: Span) -> None:
        """Set in and out (half-open), clipped to the clip; an empty span becomes the whole clip."""
        self.span = self._clipped_span(span)
        self._save_selection()
        self._tell(Change(Kind.SELECTION, self.object_id, self.frame))

    @property
    def config(self) -> Config:
        """The settings of the next run, kept in the project."""
        return self._store.manifest.config

    def set_config(self, config: Config) -> None:
        """Change the settings of the next run."""
        self._store.manifest = replace(self._store.manifest, config=config)
        self._store.save_manifest()
        self._tell(Change(Kind.CONFIG))

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

    # --- painting --------------------------------------------------------------------------------------

    def begin_stroke(self, object_id: int, frame: int, name: str = "Brush") -> Mask:
        """Start painting: the writable mask to draw on with `app.tools` (from the annotation, else the
        prediction in 8 bits, else zeros). Call `stroke_painted` after each piece.

        Raises AnnotationError for a locked object.
        """
        mask = self.shown_mask(object_id, frame)
        return self._begin(name, Cell(Kind.ANNOTATION, object_id, frame), MASK_VALUES, mask)

    def begin_scribble(self, object_id: int, frame: int, name: str = "Scribble") -> Scribbles:
        """The same for marks: the writable marks to draw on."""
        marks = self.scribbles(object_id, frame)
        return self._begin(name, Cell(Kind.SCRIBBLES, object_id, frame), SCRIBBLE_VALUES, marks)

    def stroke_painted(self, rect: Rect) -> None:
        """A piece of the stroke was drawn within `rect`; observers hear it."""
        if self._stroke is not None and rect:
            self._stroke.rect = rect if self._stroke.rect is None else self._stroke.rect.joined(rect)
            self._tell(self._stroke.cell.change)

    def end_stroke(self) -> None:
        """The pen was lifted: one undo step, saved. Does nothing when nothing was painted."""
        stroke, self._stroke = self._stroke, None
        if stroke is not None and stroke.rect is not None:
            self._edit(stroke.name, {stroke.cell: Packed.pack(stroke.picture, stroke.values)})

    def cancel_stroke(self) -> None:
        """Forget the open stroke."""
        stroke, self._stroke = self._stroke, None
        if stroke is not None:
            self._tell(stroke.cell.change)

    # --- edits: each is one undo step; locked objects raise AnnotationError ----------------------------

    def set_mask(
        self, object_id: int, frame: int, mask: Mask, name: str = "Mask", join_last: bool = False
    ) -> None:
        """Replace the annotation by a mask, soft edges included, of the clip's size (else AnnotationError).

        `join_last` adds it to the last undo step when that one is about the same frame: the scribble whose
        GrabCut answer this is.
        """
        self._check_unlocked(object_id)
        if mask.shape != (self.clip.height, self.clip.width):
            raise AnnotationError(
                f"The mask is {mask.shape[1]} x {mask.shape[0]}, the clip {self.clip.width} x "
                f"{self.clip.height}; use a mask of the clip's size."
            )
        self._edit(name, {Cell(Kind.ANNOTATION, object_id, frame): Packed.pack(mask)}, join_last)

    def set_masks(self, masks: Mapping[Key, Packed], added: Sequence[RotoObject] = ()) -> None:
        """Replace many annotations at once, of the clip's size; `added`: objects made by `new_objects`."""
        own = {each.object_id for each in added}
        for object_id in {object_id for object_id, _ in masks} - own:
            self._check_unlocked(object_id)
        values: dict[Cell, Value] = {Cell(Kind.ANNOTATION, *key): mask for key, mask in masks.items()}
        if added:
            values[OBJECTS] = (*self.objects, *added)
        self._edit("Import masks", values)

    def new_objects(self, count: int) -> tuple[RotoObject, ...]:
        """Objects that are not in the document yet, with ids of their own; see `set_masks`."""
        numbers = [self._store.new_object_id() for _ in range(count)]
        return tuple(RotoObject(number, f"Object {number}", colour_of(number)) for number in numbers)

    def set_box(self, object_id: int, frame: int, box: Box) -> None:
        """Replace the annotation by a box."""
        self._check_unlocked(object_id)
        self._edit("Box", {Cell(Kind.ANNOTATION, object_id, frame): box})

    def clear(self, object_id: int, frame: int) -> None:
        """Remove annotation, scribbles and approval of one frame; the prediction shows again."""
        self._check_unlocked(object_id)
        kinds = (Kind.ANNOTATION, Kind.SCRIBBLES, Kind.APPROVED)
        self._edit("Clear frame", {Cell(kind, object_id, frame): None for kind in kinds})

    def copy_from(self, object_id: int, frame: int, source: int) -> None:
        """Annotate `frame` with what `source` shows. Raises AnnotationError when that is nothing."""
        self._check_unlocked(object_id)
        mask = self.shown_mask(object_id, source)
        copied: Packed | Box | None = self.box(object_id, source) if mask is None else Packed.pack(mask)
        if copied is None:
            raise AnnotationError(
                f"Frame {source} shows nothing of this object; copy from a frame that has a mask."
            )
        self._edit("Copy from frame", {Cell(Kind.ANNOTATION, object_id, frame): copied})

    def approve(self, object_id: int, frame: int, approved: bool = True) -> None:
        """Approve a frame as it is (propagation will not change it), or take that back.

        Raises AnnotationError when there is nothing to approve.
        """
        self._check_unlocked(object_id)
        if approved and self.state(object_id, frame) is FrameState.EMPTY:
            raise AnnotationError(f"Frame {frame} is empty; draw or propagate before you approve it.")
        cell = Cell(Kind.APPROVED, object_id, frame)
        self._edit("Approve" if approved else "Take approval back", {cell: approved or None})

    def mute(self, object_id: int, frame: int, muted: bool = True) -> None:
        """List a prediction among the worst no more, until another takes its place; or list it again."""
        self._check_unlocked(object_id)
        stored, cell = self._store.prediction((object_id, frame)), Cell(Kind.MUTED, object_id, frame)
        serial = stored.serial if muted and stored is not None else None
        self._edit("Mute" if muted else "Take muting back", {cell: serial})

    def set_edges(self, object_id: int, track: EdgeTrack, name: str, others: Iterable[int] = ()) -> None:
        """Finish an object's mattes so, and those of `others`; without keys they are shown as they are."""
        for own in (chosen := (object_id, *others)):
            self._check_unlocked(own)
        self._edit(name, {Cell(Kind.EDGES, own): track if track.keys else None for own in chosen})

    def add_object(self, name: str = "", colour: str = "") -> int:
        """A new object, made current; returns its id. Ids are never used twice."""
        number = self._store.new_object_id()
        added = RotoObject(number, name or f"Object {number}", colour or colour_of(number))
        self._edit("Add object", {OBJECTS: (*self.objects, added)})
        self.select(number)
        return number

    def remove_object(self, object_id: int) -> None:
        """Remove an object with everything drawn and predicted for it."""
        self._check_unlocked(object_id)
        self.cancel_stroke()
        values: dict[Cell, Value] = dict.fromkeys(self._store.cells.of_object(object_id))
        values[OBJECTS] = tuple(each for each in self.objects if each.object_id != object_id)
        self._edit("Remove object", values)

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
        verbs = {"name": "Rename", "colour": "Recolour", "visible": "Show" if visible else "Hide"}
        verbs["locked"] = "Lock" if locked else "Unlock"
        self._edit(f"{verbs[next(iter(changes))]} object", {OBJECTS: objects})

    def move_object(self, object_id: int, places: int) -> None:
        """Move an object down the list (up: negative), as far as it goes; the topmost covers the others."""
        moved = self.object(object_id)
        objects = [each for each in self.objects if each is not moved]
        place = self.objects.index(moved) + places
        objects.insert(min(max(place, 0), len(objects)), moved)
        self._edit("Reorder objects", {OBJECTS: tuple(objects)})

    # --- predictions -----------------------------------------------------------------------------------

    def begin_predictions(self, name: str = "Propagate", added: Sequence[RotoObject] = ()) -> int:
        """Open the one undo step that collects all predictions of a job; returns its number.

        `added`: objects made by `new_objects`, which come with it.
        """
        number = next(self._step_numbers)
        step = self._steps[number] = Step(name, growing=True)
        self._undo.push(step)
        if added:
            before, after = self.objects, (*self.objects, *added)
            self._tell_of(self._store.put({OBJECTS: after}))
            self._undo.note(step, OBJECTS, before, after)
        self._tell(Change(Kind.UNDO))
        return number

    def add_prediction(self, step: int, event: MaskPredicted) -> bool:
        """Store a prediction.

        False when it is dropped: the frame was drawn or approved, the object is locked or gone, the disk is
        full, or the step was undone meanwhile (then cancel the job).
        """
        collecting = self._steps.get(step)
        if collecting is None or not self._undo.is_done(collecting) or not self._may_predict(event):
            return False
        values = self._store.predict(event)
        if values is None:
            return False
        cell = Cell(Kind.PREDICTION, event.object_id, event.frame)
        self._undo.note(collecting, cell, *values)
        self.runs.note(collecting, event.frame, *values)
        self._tell(cell.change)
        return True

    def end_predictions(self, step: int) -> None:
        """The job ended, however; a step without predictions disappears."""
        collecting = self._steps.pop(step, None)
        if collecting is not None:
            self._undo.finish(collecting)
            self._store.save_manifest()  # which mutings still hold
            self._tell(Change(Kind.UNDO))

    # --- undo ------------------------------------------------------------------------------------------

    @property
    def undo_name(self) -> str:
        """Of the step that `undo` takes back, "" when there is none."""
        return self._stroke.name if self._stroke is not None else self._undo.undo_name

    @property
    def redo_name(self) -> str:
        """Of the step that `redo` does again, "" when there is none."""
        return self._undo.redo_name

    def undo(self) -> None:
        """Take the last step back (an open stroke first). Does nothing when there is none.

        Raises ProjectError, changing nothing, when predictions cannot be moved back.
        """
        if self._stroke is not None:
            self.cancel_stroke()
        else:
            self._undo.undo()
        self._tell(Change(Kind.UNDO))

    def redo(self) -> None:
        """Do the last undone step again. Raises ProjectError as `undo` does."""
        self.cancel_stroke()
        self._undo.redo()
        self._tell(Change(Kind.UNDO))

    # --- help ------------------------------------------------------------------------------------------

    def _edit(self, name: str, values: Mapping[Cell, Value], join_last: bool = False) -> None:
        """Give cells new values as one undo step, or as part of the last one about the same frames."""
        before = {cell: self._store.cells.get(cell) for cell in values}
        drawn = [cell for cell in values if cell.kind is Kind.ANNOTATION and values[cell] != before[cell]]
        states = {Cell(Kind.STATES, c.object_id, c.frame): self.revision + 1 for c in drawn}
        before |= {cell: self._store.cells.get(cell) for cell in states}
        changed = self._store.put({**values, **states})
        if changed:
            step = self._undo.joinable(values) if join_last else None
            if step is None:
                step = Step(name)
                self._undo.push(step)
            for cell in changed:
                self._undo.note(step, cell, before[cell], self._store.cells.get(cell))
            self._tell_of(changed)
            self._tell(Change(Kind.UNDO))

    def _put_back(self, values: Mapping[Cell, Value]) -> None:
        self._tell_of(self._store.put(values))

    def _tell_of(self, cells: Iterable[Cell]) -> None:
        cells = list(cells)
        if OBJECTS in cells:
            self._select_existing()
        for change in dict.fromkeys(cell.change for cell in cells):
            self._tell(change)
        for object_id in {cell.object_id for cell in cells if cell.kind is Kind.APPROVED}:
            self._tell(Change(Kind.STATES, object_id))

    def _tell(self, change: Change) -> None:
        for observer in list(self._observers.values()):
            observer(change)

    def _begin(
        self, name: str, cell: Cell, values: tuple[int, ...], start: NDArray[np.uint8] | None
    ) -> NDArray[np.uint8]:
        self._check_unlocked(cell.object_id)
        self.end_stroke()
        empty = start is None
        picture = np.zeros((self.clip.height, self.clip.width), np.uint8) if empty else np.array(start)
        self._stroke = Stroke(name, cell, values, picture)
        return picture

    def _may_predict(self, event: MaskPredicted) -> bool:
        if event.matte.shape != (self.clip.height, self.clip.width):
            raise ValueError(f"a prediction of shape {event.matte.shape} does not fit the clip")
        key = event.object_id, event.frame
        open_to_it = any(each.object_id == event.object_id and not each.locked for each in self.objects)
        drawn = isinstance(self._store.annotation(key), Packed)
        return open_to_it and not drawn and not self._store.approved(key)

    def _predicted_matte(self, key: Key) -> Matte | None:
        had = self._store.prediction(key) is not None
        matte = super()._predicted_matte(key)
        if had and matte is None:  # its file was damaged or gone
            self._tell(Change(Kind.PREDICTION, *key))
            self._tell(Change(Kind.MESSAGES))
        return matte

    def _check_unlocked(self, object_id: int) -> None:
        each = self.object(object_id)
        if each.locked:
            raise AnnotationError(f"{each.name} is locked; unlock it to change it.")

    def _clipped_span(self, span: Span) -> Span:
        whole = self.clip.span
        start, stop = min(span.start, whole.stop), min(span.stop, whole.stop)
        return Span(start, stop) if start < stop else whole

    def _select_existing(self) -> None:
        known = [each.object_id for each in self.objects]
        if self.object_id not in known:
            self.object_id = known[0] if known else 0
            self._tell(Change(Kind.SELECTION, self.object_id, self.frame))

    def _save_selection(self) -> None:
        self._store.manifest = replace(
            self._store.manifest, span=self.span, frame=self.frame, object_id=self.object_id
        )
        self._store.save_manifest()
