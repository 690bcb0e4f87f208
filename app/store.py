"""A document's cells kept in step with the project folder: what is there, saved as it changes."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from app.cells import (
    CONFIG,
    OBJECTS,
    SPAN,
    Cell,
    Cells,
    FormerMatte,
    Kept,
    KeptMatte,
    Kind,
    StoredMatte,
    Value,
    matte_of,
    serial_of,
)
from app.footprint import Footprint
from app.history import History
from app.language import tr, trn
from app.matte_store import ArrayMemory, MatteStore
from app.packed import SCRIBBLE_VALUES, Packed
from app.reconciling import Found
from app.saver import Saver
from app.undo import UndoStack
from app.values import Raw, raw
from vosengine.batches import Stretch, stretches
from vosengine.config import Config
from vosengine.edge_controls import EdgeTrack
from vosengine.lessons import Lesson, model_file, read_lesson
from vosengine.messages import MaskPredicted
from vosengine.project_file import Key, Manifest, Project, RotoObject, StoredPrediction, check_same_clip
from vosengine.types import Box, ClipInfo, Matte, Span

Note = Callable[[StoredMatte | None, StoredMatte], None]


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
        self.history = History(project.history_folder, self.saver)
        self._known_stretches: dict[int, tuple[Stretch, ...]] = {}  # by object, those not changed since
        self._missing: dict[Key, int] = {}  # batches in force whose files are not there, perhaps not yet
        self._past: defaultdict[Key, list[tuple[int, int]]] = defaultdict(list)
        try:
            self._load()
        except BaseException:
            self.abandon()
            raise

    # --- reading --------------------------------------------------------------------------------------------

    @property
    def objects(self) -> tuple[RotoObject, ...]:
        """In order."""
        value = self.cells.get(OBJECTS)
        return value if isinstance(value, tuple) else ()

    @property
    def span(self) -> Span:
        """In and out, as they were set."""
        value = self.cells.get(SPAN)
        return value if isinstance(value, Span) else self.manifest.clip.span

    @property
    def config(self) -> Config:
        """The settings of the next run."""
        value = self.cells.get(CONFIG)
        return value if isinstance(value, Config) else Config()

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
        matte = self._mattes.read(stored)
        if matte is None:
            self._set(Cell(Kind.PREDICTION, *key), None)
            self._missing[key] = matte_of(stored.serial)[2]
            self.edition += 1  # an approved frame is one no longer
        return matte

    # --- changing -------------------------------------------------------------------------------------------

    def changed(self, values: Mapping[Cell, Value]) -> dict[Cell, Value]:
        """Those of `values` that are not there already."""
        get = self.cells.get
        return {
            cell: value
            for cell, value in values.items()
            if (present := get(cell)) is not value and present != value
        }

    def put(self, values: Mapping[Cell, Value]) -> list[Cell]:
        """Give cells these values and save them; returns the cells that changed."""
        changed = self.changed(values)
        gone = {each.object_id for each in self.objects}
        for cell, value in changed.items():
            self._set(cell, value)
        gone -= {each.object_id for each in self.objects}
        self._count_revision(changed)
        if gone:
            self._save_manifest(key=None)  # first: a killed process must not leave half an object behind
        for cell in changed:
            if cell.kind in (Kind.ANNOTATION, Kind.SCRIBBLES):
                self._save(cell)
        if changed:
            self.edition += 1
            self.save_manifest()  # for predictions too: it says which are in force
        return list(changed)

    def begin_batch(self) -> int:
        """The number of a batch of predictions; `end_batch` it."""
        number = self.manifest.next_batch
        opened = self.manifest.open_batches | {number}
        self.manifest = replace(self.manifest, next_batch=number + 1, open_batches=opened)
        return number

    def end_batch(self, number: int) -> None:
        """Nothing comes to the batch any more."""
        self.manifest = replace(self.manifest, open_batches=self.manifest.open_batches - {number})

    def predict(self, event: MaskPredicted, batch: int, note: Note) -> bool:
        """Store a new prediction in an open batch, which has none of its frame yet.

        `note` is told the values before and after, ahead of the disk. False when the disk is full.
        """
        key = event.object_id, event.frame
        former = self.prediction(key)
        origin = None
        if event.start is not None:
            origin = event.start, self._revision_at((event.object_id, event.start), event.revision)
        made_of = origin, Footprint.of(event.matte), event.reason
        stored = StoredMatte(serial_of(*key, batch), event.quality, event.revision, *made_of)
        if not self._mattes.has_room():
            return False
        note(former, stored)
        self._mattes.add(stored, event.matte)
        self._set(Cell(Kind.PREDICTION, *key), stored)
        return True

    def _set(self, cell: Cell, value: Value) -> None:
        self.cells.set(cell, value)
        if cell.kind is Kind.PREDICTION:
            self._missing.pop(cell[1:], None)
            self._known_stretches.pop(cell.object_id, None)

    def unmute(self, cell: Cell) -> None:
        """Another prediction takes the place of the muted one."""
        self.cells.set(cell, None)

    def muted(self, key: Key) -> bool:
        """Whether the present prediction was muted; one that replaces it is not."""
        stored = self.prediction(key)
        return stored is not None and self.cells.get(Cell(Kind.MUTED, *key)) == stored.serial

    def replaced_matte(self, stored: KeptMatte) -> Matte | None:
        """A matte of a former run; None when it is no longer kept."""
        return self._mattes.read(stored)

    def forget(self, value: Kept) -> None:
        """No undo step needs this value any more."""
        if isinstance(value, KeptMatte):
            self._mattes.forget([value.serial])

    def restore(self, stack: UndoStack) -> None:
        """Bring the steps of earlier sessions back into `stack`, and what a killed one could not save."""
        found = {serial_of(*name) for name in self.project.stored_mattes()}
        present = {
            each.serial: each for _, each in self.cells.all(Kind.PREDICTION) if isinstance(each, StoredMatte)
        }

        def kept(serial: int) -> StoredMatte | FormerMatte | None:
            former = FormerMatte(serial, self._known_matte) if serial in found else None
            return present.get(serial, former)

        left_open = self.history.left_open
        was_killed = self.project.was_killed if left_open is None else left_open
        on_disk = Found(self._raw, found.__contains__, was_killed)
        restored = self.history.restore(stack, on_disk, kept)
        self.hear_history()
        if was_killed:
            self.project.messages.append(_after_the_kill(stack.position))
        before = self.manifest
        batch = max(restored.last_batch, *(matte_of(serial)[2] for serial in found), -1) + 1
        self.manifest = replace(before, next_batch=max(batch, before.next_batch), open_batches=frozenset())
        self._put_right(restored.values)
        unused = (found & restored.told) - restored.mattes - self._matte_serials()
        self._mattes.forget(unused)
        if unused or restored.values or restored.is_less or self.manifest != before:
            self.save_manifest()  # what the steps given up leave behind goes after it

    def hear_history(self) -> bool:
        """Whether there is another message about the steps."""
        news = self.history.news()
        if news:
            self.project.messages.append(news)
        return bool(news)

    def _known_matte(self, serial: int) -> StoredMatte:
        return _stored_matte(self.project.stored_prediction(*matte_of(serial)))

    def _matte_serials(self) -> set[int]:
        """Of the mattes in force."""
        mattes = (each for _, each in self.cells.all(Kind.PREDICTION))
        return {each.serial for each in mattes if isinstance(each, StoredMatte)}

    def _put_right(self, values: Mapping[Cell, Value]) -> None:
        """What was saved last, or what the project alone cannot tell; nobody has seen anything else yet."""
        for cell, value in values.items():
            if cell.kind is Kind.STATES and isinstance(value, int):
                self._load_revision((cell.object_id, cell.frame), value)
            elif cell.kind is Kind.MUTED:
                self.cells.set(cell, value)
        self.put(values)
        numbers = [each.object_id for each in self.objects]
        next_object_id = max(self.manifest.next_object_id, *(own + 1 for own in numbers), 1)
        self.manifest = replace(self.manifest, next_object_id=next_object_id)

    def _load_revision(self, key: Key, revision: int) -> None:
        self.cells.set(Cell(Kind.STATES, *key), revision)
        self._past[key].append((0, revision))
        self.revision = max(self.revision, revision)

    def _raw(self, cell: Cell) -> Raw:
        """What the project holds, without what opening it added: the journal knows better."""
        value = self.cells.get(cell)
        if cell == OBJECTS:
            value = tuple(each for each in self.objects if each.object_id not in self.project.adopted)
        return raw(cell.kind, value)

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

    def close(self, discard: bool) -> None:
        """Save everything and release the folder. Raises ProjectError, staying open, when that fails and
        `discard` does not give the unsaved up.
        """
        self.saver.close(discard)
        self.history.close()
        self.project.close()

    def abandon(self) -> None:
        """Release the folder where opening failed."""
        self.saver.close(discard=True)
        self.history.close(clean=False)
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
        self.cells.set(SPAN, manifest.span or manifest.clip.span)
        self.cells.set(CONFIG, manifest.config)
        for each in self.project.stored_predictions():
            self._load_matte(each)
        self._missing = {
            (own, frame): batch
            for own, known in manifest.mattes.items()
            for first, stop, batch in known
            for frame in range(first, stop)
            if frame not in self.cells.row(Kind.PREDICTION, own)
        }
        for object_id, track in manifest.edges.items():
            self.cells.set(Cell(Kind.EDGES, object_id), track)
        for known in manifest.objects:
            lesson = read_lesson(model_file(self.project.models_folder, known.object_id))
            if lesson is not None:
                self.lessons[known.object_id] = lesson
                self.revision = max(self.revision, lesson.revision)
        for key in manifest.approved:
            self.cells.set(Cell(Kind.APPROVED, *key), True)
        for key, revision in revisions.items():
            self._load_revision(key, revision)

    def _load_matte(self, each: StoredPrediction) -> None:
        key = each.object_id, each.frame
        stored = _stored_matte(each)
        if key in self.manifest.muted:
            self.cells.set(Cell(Kind.MUTED, *key), stored.serial)
        self.cells.set(Cell(Kind.PREDICTION, *key), stored)
        self.revision = max(self.revision, each.revision)

    def _count_revision(self, changed: Mapping[Cell, Value]) -> None:
        states = [(cell, value) for cell, value in changed.items() if cell.kind is Kind.STATES]
        if states:
            self.revision += 1
        for cell, value in states:
            key = cell.object_id, cell.frame
            self._past[key].append((self.revision, value if isinstance(value, int) else 0))

    def _revision_at(self, key: Key, revision: int) -> int:
        """An annotation's revision when the document's was `revision`."""
        history = self._past[key]
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
        manifest, project, mattes = self._snapshot(), self.project, self._mattes
        doomed = mattes.doomed()

        def write() -> None:
            project.write_manifest(manifest)
            if key is not None:  # nothing that was submitted before waits any more
                mattes.clear(doomed)  # first: once the journal tells of them no more, nobody would
                self.history.purge()

        self.saver.submit(write, key)

    def _stretches(self, object_id: int) -> tuple[Stretch, ...]:
        if object_id not in self._known_stretches:
            self._known_stretches[object_id] = self._found_stretches(object_id)
        return self._known_stretches[object_id]

    def _found_stretches(self, object_id: int) -> tuple[Stretch, ...]:
        row = self.cells.row(Kind.PREDICTION, object_id)
        missing = {frame: batch for (own, frame), batch in self._missing.items() if own == object_id}
        present = {
            frame: matte_of(each.serial)[2] for frame, each in row.items() if isinstance(each, StoredMatte)
        }
        return stretches(missing | present)

    def _snapshot(self) -> Manifest:
        boxes = {
            (cell.object_id, cell.frame): value
            for cell, value in self.cells.all(Kind.ANNOTATION)
            if isinstance(value, Box)
        }
        objects = [each.object_id for each in self.objects]
        self.manifest = replace(
            self.manifest,
            objects=self.objects,
            boxes=boxes,
            approved=frozenset((cell.object_id, cell.frame) for cell, _ in self.cells.all(Kind.APPROVED)),
            muted=frozenset(self._muted()),
            mattes={own: found for own in objects if (found := self._stretches(own))},
            span=self.span,
            config=self.config,
            edges={cell.object_id: self.edges(cell.object_id) for cell, _ in self.cells.all(Kind.EDGES)},
            revision=self.revision,
            box_revisions={key: self.annotation_revision(key) for key in boxes},
        )
        return self.manifest


def _stored_matte(found: StoredPrediction) -> StoredMatte:
    serial = serial_of(found.object_id, found.frame, found.batch)
    made_of = found.origin, Footprint.from_text(found.footprint), found.reason
    return StoredMatte(serial, found.quality, found.revision, *made_of)


def _after_the_kill(steps: int) -> str:
    """What a session that follows one that was killed says."""
    here = tr("Rotoshot ended unexpectedly last time; your work is here.")
    found = trn("{count} step can be undone.", "{count} steps can be undone.", steps).format(count=steps)
    return f"{here} {found}" if steps else here
