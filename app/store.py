"""A document's cells kept in step with the project folder: what is there, saved as it changes."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from app.cells import OBJECTS, Cell, Cells, Kind, StoredMatte, Value
from app.footprint import Footprint
from app.matte_store import ArrayMemory, MatteStore
from app.packed import SCRIBBLE_VALUES, Packed
from app.saver import Saver
from vosengine.edge_controls import EdgeTrack
from vosengine.errors import ProjectError
from vosengine.lessons import Lesson, model_file, read_lesson
from vosengine.messages import MaskPredicted
from vosengine.project_file import Key, Manifest, Project, RotoObject, check_same_clip
from vosengine.types import Box, ClipInfo, Matte


class Store:
    """The cells of one project and their way to disk.

    `revision` numbers the states of all annotations; it only grows. An annotation's own revision (its STATES
    cell) is the number under which it got its present form, or was removed: undo brings back the old number
    with the old form. `app.freshness` says what follows for predictions.
    """

    def __init__(self, project: Project, on_error: Callable[[str], None] | None = None) -> None:
        self.project = project
        self.manifest = project.manifest
        self.cells = Cells()
        self.revision = project.manifest.revision
        self.lessons: dict[int, Lesson] = {}  # the last one of each object's model
        self.edition = 0  # another one whenever what predictions hang on may have changed
        self.saver = Saver(on_error)
        self._memory = ArrayMemory()
        self._mattes = MatteStore(project, self.saver, self._memory)
        self._serials = itertools.count(1)
        self._history: defaultdict[Key, list[tuple[int, int]]] = defaultdict(list)
        self._load()

    # --- reading --------------------------------------------------------------------------------------------

    @property
    def objects(self) -> tuple[RotoObject, ...]:
        """In order."""
        value = self.cells.get(OBJECTS)
        return value if isinstance(value, tuple) else ()

    def annotation(self, key: Key) -> Packed | Box | None:
        """What is drawn on a frame."""
        value = self.cells.get(Cell(Kind.ANNOTATION, *key))
        return value if isinstance(value, Packed | Box) else None

    def scribbles(self, key: Key) -> Packed | None:
        """The marks on a frame."""
        value = self.cells.get(Cell(Kind.SCRIBBLES, *key))
        return value if isinstance(value, Packed) else None

    def prediction(self, key: Key) -> StoredMatte | None:
        """What is known of a frame's predicted matte."""
        value = self.cells.get(Cell(Kind.PREDICTION, *key))
        return value if isinstance(value, StoredMatte) else None

    def approved(self, key: Key) -> bool:
        """Whether a person approved the frame."""
        return bool(self.cells.get(Cell(Kind.APPROVED, *key)))

    def edges(self, object_id: int) -> EdgeTrack:
        """How an object's mattes are finished."""
        value = self.cells.get(Cell(Kind.EDGES, object_id))
        return value if isinstance(value, EdgeTrack) else EdgeTrack()

    def annotation_revision(self, key: Key) -> int:
        """The number under which an annotation got its present form or was removed; 0 where none was."""
        value = self.cells.get(Cell(Kind.STATES, *key))
        return value if isinstance(value, int) else 0

    def revisions(self, object_id: int) -> dict[int, int]:
        """The same for all frames on which an object was ever annotated."""
        row = self.cells.row(Kind.STATES, object_id)
        return {frame: value for frame, value in row.items() if isinstance(value, int)}

    def unpacked(self, packed: Packed) -> NDArray[Any]:
        """A packed picture, read-only, from memory where possible."""
        picture = self._memory.get(packed)
        if picture is None:
            picture = packed.unpack()
            self._memory.put(packed, picture)
        return picture

    def predicted_matte(self, key: Key) -> Matte | None:
        """The predicted matte; None when there is none or its file is gone (its cell is emptied then)."""
        stored = self.prediction(key)
        if stored is None:
            return None
        matte = self._mattes.read(key, stored)
        if matte is None:
            self.cells.set(Cell(Kind.PREDICTION, *key), None)
            self.edition += 1  # an approved frame is one no longer
        return matte

    # --- changing -------------------------------------------------------------------------------------------

    def put(self, values: Mapping[Cell, Value]) -> list[Cell]:
        """Give cells these values and save them; returns the cells that changed.

        Raises ProjectError, and changes nothing, when predictions are among them and cannot be moved.
        """
        changed = {cell: value for cell, value in values.items() if self.cells.get(cell) != value}
        self._exchange_mattes(changed)
        gone = {each.object_id for each in self.objects}
        for cell, value in changed.items():
            self.cells.set(cell, value)
        gone -= {each.object_id for each in self.objects}
        self._count_revision(changed)
        if gone:
            self._save_manifest(key=None)  # first: a killed process must not leave half an object behind
        for cell in changed:
            self._save(cell)
        if changed:
            self.edition += 1
            self.save_manifest()  # for predictions too: which mutings hold hangs on them
        return list(changed)

    def predict(self, event: MaskPredicted) -> tuple[StoredMatte | None, StoredMatte] | None:
        """Store a new prediction; returns the values before and after, or None when the disk is full."""
        key = event.object_id, event.frame
        former = self.prediction(key)
        origin = None
        if event.start is not None:
            origin = event.start, self._revision_at((event.object_id, event.start), event.revision)
        footprint = Footprint.of(event.matte)
        made_of = origin, footprint, event.reason
        stored = StoredMatte(next(self._serials), event.quality, event.revision, *made_of)
        if not self._mattes.add(key, stored, event.matte, former):
            return None
        self.cells.set(Cell(Kind.PREDICTION, *key), stored)
        return former, stored

    def muted(self, key: Key) -> bool:
        """Whether the present prediction was muted; one that replaces it is not."""
        stored = self.prediction(key)
        return stored is not None and self.cells.get(Cell(Kind.MUTED, *key)) == stored.serial

    def replaced_matte(self, stored: StoredMatte) -> Matte | None:
        """A matte that a run replaced; None when it is no longer kept."""
        return self._mattes.read_aside(stored)

    def forget(self, value: Value) -> None:
        """No undo step needs this value any more."""
        if isinstance(value, StoredMatte):
            self._mattes.forget(value)

    def next_revision(self) -> int:
        """A number that no annotation and no prediction has yet."""
        self.revision += 1
        return self.revision

    def learn(self, object_id: int, lesson: Lesson) -> None:
        """An object's model was taught; predictions older than `lesson.since` are of a former one."""
        self.lessons[object_id] = lesson
        self.edition += 1

    def relink(self, clip: ClipInfo, accept_changed: bool) -> None:
        """Use other footage. Raises ProjectError when it does not fit."""
        check_same_clip(self.manifest.clip, clip, accept_changed)
        self.manifest = replace(self.manifest, clip=clip)
        self.save_manifest()

    def new_object_id(self) -> int:
        """An id that was never used."""
        number = self.manifest.next_object_id
        self.manifest = replace(self.manifest, next_object_id=number + 1)
        return number

    def save_manifest(self) -> None:
        """Save what is not a picture, after all pictures that wait."""
        self._save_manifest(key="manifest")

    def move_to(self, folder: Path) -> None:
        """Copy the project to a new folder and go on there. Raises ProjectError."""
        self.saver.flush()
        copy = self.project.copy_to(folder)
        self.project.close()
        self.project = copy
        self._mattes = MatteStore(copy, self.saver, self._memory)

    def close(self, discard: bool) -> None:
        """Save everything and release the folder. Raises ProjectError, staying open, when that fails and
        `discard` does not give the unsaved up.
        """
        self.saver.close(discard)
        self.project.close()

    # --- help -----------------------------------------------------------------------------------------------

    def _load(self) -> None:
        manifest = self.manifest
        revisions = dict(manifest.box_revisions)
        self.cells.set(OBJECTS, manifest.objects)
        for key, box in manifest.boxes.items():
            self.cells.set(Cell(Kind.ANNOTATION, *key), box)
        for mask in self.project.stored_masks():
            packed = Packed.pack(mask.mask)
            self.cells.set(Cell(Kind.ANNOTATION, mask.object_id, mask.frame), packed)
            # A process killed before the manifest was written leaves a mask newer than it.
            revisions[mask.object_id, mask.frame] = mask.revision
        for key, scribbles in self.project.stored_scribbles():
            self.cells.set(Cell(Kind.SCRIBBLES, *key), Packed.pack(scribbles, SCRIBBLE_VALUES))
        for each in self.project.stored_predictions():
            footprint = Footprint.from_text(each.footprint)
            made_of = each.origin, footprint, each.reason
            stored = StoredMatte(next(self._serials), each.quality, each.revision, *made_of)
            if (each.object_id, each.frame) in manifest.muted:
                self.cells.set(Cell(Kind.MUTED, each.object_id, each.frame), stored.serial)
            self.cells.set(Cell(Kind.PREDICTION, each.object_id, each.frame), stored)
            self.revision = max(self.revision, each.revision)
        for object_id, track in manifest.edges.items():
            self.cells.set(Cell(Kind.EDGES, object_id), track)
        for known in manifest.objects:
            lesson = read_lesson(model_file(self.project.models_folder, known.object_id))
            if lesson is not None:
                self.lessons[known.object_id] = lesson
                self.revision = max(self.revision, lesson.revision)
        for key in manifest.approved:
            self.cells.set(Cell(Kind.APPROVED, *key), True)
        self.revision = max(self.revision, *revisions.values(), 0)
        for key, revision in revisions.items():
            self.cells.set(Cell(Kind.STATES, *key), revision)
            self._history[key].append((0, revision))

    def _exchange_mattes(self, changed: dict[Cell, Value]) -> None:
        """Move the mattes of the changed prediction cells; a matte that is gone becomes None."""
        cells = [cell for cell in changed if cell.kind is Kind.PREDICTION]
        if cells:
            self.saver.flush()  # afterwards the saver's thread rests and the files are where they belong
        done: list[tuple[Key, StoredMatte | None, StoredMatte | None]] = []
        for cell in cells:
            key, then = (cell.object_id, cell.frame), changed[cell]
            now, wanted = self.prediction(key), then if isinstance(then, StoredMatte) else None
            try:
                there = self._mattes.exchange(key, now, wanted)
            except ProjectError:
                self._exchange_back(done)
                raise
            done.append((key, now, wanted if there else None))
            if not there:
                changed[cell] = None

    def _exchange_back(self, done: list[tuple[Key, StoredMatte | None, StoredMatte | None]]) -> None:
        """Undo exchanges, lest the files differ from the cells and a second try replace the mattes aside."""
        for key, former, present in reversed(done):
            with suppress(ProjectError):
                self._mattes.exchange(key, present, former)

    def _count_revision(self, changed: Mapping[Cell, Value]) -> None:
        states = [(cell, value) for cell, value in changed.items() if cell.kind is Kind.STATES]
        if states:
            self.revision += 1
        for cell, value in states:
            key = cell.object_id, cell.frame
            self._history[key].append((self.revision, value if isinstance(value, int) else 0))

    def _revision_at(self, key: Key, revision: int) -> int:
        """An annotation's revision when the document's was `revision`."""
        history = self._history[key]
        position = bisect_right(history, revision, key=lambda entry: entry[0])
        return history[position - 1][1] if position else 0

    def _save(self, cell: Cell) -> None:
        project, key, value = self.project, (cell.object_id, cell.frame), self.cells.get(cell)
        if cell.kind is Kind.ANNOTATION:
            if isinstance(value, Packed):
                packed, revision = value, self.annotation_revision(key)
                self.saver.submit(lambda: project.write_annotation(*key, packed.unpack(), revision), cell)
            else:
                self.saver.submit(lambda: project.remove_annotation(*key), cell)
        elif cell.kind is Kind.SCRIBBLES:
            if isinstance(value, Packed):
                marks = value
                self.saver.submit(lambda: project.write_scribbles(*key, marks.unpack()), cell)
            else:
                self.saver.submit(lambda: project.remove_scribbles(*key), cell)

    def _muted(self) -> Iterator[Key]:
        keys = ((cell.object_id, cell.frame) for cell, _ in self.cells.all(Kind.MUTED))
        return (key for key in keys if self.muted(key))

    def _save_manifest(self, key: str | None) -> None:
        manifest, project = self._snapshot(), self.project
        self.saver.submit(lambda: project.write_manifest(manifest), key)

    def _snapshot(self) -> Manifest:
        boxes = {
            (cell.object_id, cell.frame): value
            for cell, value in self.cells.all(Kind.ANNOTATION)
            if isinstance(value, Box)
        }
        self.manifest = replace(
            self.manifest,
            objects=self.objects,
            boxes=boxes,
            approved=frozenset((cell.object_id, cell.frame) for cell, _ in self.cells.all(Kind.APPROVED)),
            muted=frozenset(self._muted()),
            edges={cell.object_id: self.edges(cell.object_id) for cell, _ in self.cells.all(Kind.EDGES)},
            revision=self.revision,
            box_revisions={key: self.annotation_revision(key) for key in boxes},
        )
        return self.manifest
