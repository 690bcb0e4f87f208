"""How a document changes: edits as steps of undo, and the observers that hear of them."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from app.cells import OBJECTS, Cell, Change, Kind, Value
from app.language import tr
from app.reading import Reading
from app.store import Store
from app.undo import Step, UndoStack
from vosengine.errors import AnnotationError

Observer = Callable[[Change], None]

MANY = 50  # frames that are told as one change


class Changing(Reading):
    """The changing half of `app.document.Document`."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._undo = UndoStack(self._put_back, store.forget, log=store.history)
        self._observers: dict[int, Observer] = {}
        self._observer_numbers = itertools.count()
        self.frame = min(max(store.manifest.frame, 0), max(self.clip.frame_count - 1, 0))
        self.object_id = store.manifest.object_id
        store.restore(self._undo)

    def subscribe(self, observer: Observer) -> Callable[[], None]:
        """Call `observer` after each change; returns the function that ends the subscription."""
        number = next(self._observer_numbers)
        self._observers[number] = observer

        def unsubscribe() -> None:
            self._observers.pop(number, None)

        return unsubscribe

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

        Raises ProjectError, changing nothing, when what it needs cannot be read.
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

    @property
    def steps(self) -> list[Step]:
        """Every step in order, those undone last; `position` says how many are done."""
        return self._undo.steps

    @property
    def position(self) -> int:
        """How many of `steps` are done."""
        return self._undo.position

    def travel(self, position: int) -> None:
        """Take steps back, or do them again, until `position` of them are done. Raises as `undo` does."""
        self.cancel_stroke()
        self._undo.travel(position)
        self._tell(Change(Kind.UNDO))

    def cancel_stroke(self) -> None:
        """Forget the open stroke."""
        stroke, self._stroke = self._stroke, None
        if stroke is not None:
            self._tell(stroke.cell.change)

    # --- help ------------------------------------------------------------------------------------------

    def _edit(self, name: str, values: Mapping[Cell, Value], join: int = 0, continued: bool = False) -> int:
        """Give cells new values as one undo step, the stack first: what it keeps is ahead of the disk.

        join: as part of the step of this number, where that is possible; continued: as part of the last one,
        when that is about the same cells and a moment old. Returns the step's number, 0 when nothing changed.
        """
        drawn = (cell for cell in self._store.changed(values) if cell.kind is Kind.ANNOTATION)
        states = {Cell(Kind.STATES, c.object_id, c.frame): self.revision + 1 for c in drawn}
        changed = self._store.changed({**values, **states})
        if not changed:
            return 0
        step = self._undo.joinable(join, changed) if join else None
        if continued:
            step = self._undo.continued(name, values)
        pairs = {cell: (self._store.cells.get(cell), value) for cell, value in changed.items()}
        if step is None:
            step = Step(name)
            step.changes.update(pairs)
            step.subject = self._subject(step)
            self._undo.push(step)
        else:
            for cell, pair in pairs.items():
                self._undo.note(step, cell, *pair)
        self._tell_of(self._store.put(changed))
        self._tell(Change(Kind.UNDO))
        return step.number

    def _subject(self, step: Step) -> str:
        """The name of the one object that a step concerns, "" where it is none or several."""
        found = {each.object_id: each.name for each in self.objects}
        if step.object_id or OBJECTS not in step.changes:
            return found.get(step.object_id, "")
        after = step.changes[OBJECTS][1]
        objects = after if isinstance(after, tuple) else ()
        changed = {each.object_id: each.name for each in set(self.objects) ^ set(objects)}
        changed |= {each.object_id: each.name for each in objects if each.object_id in changed}
        return next(iter(changed.values())) if len(changed) == 1 else ""

    def _put_back(self, values: Mapping[Cell, Value]) -> None:
        self._tell_of(self._store.put(values))

    def _tell_of(self, cells: Sequence[Cell]) -> None:
        if OBJECTS in cells:
            self._select_existing()
        for change in _changes(cells):
            self._tell(change)
        for object_id in {cell.object_id for cell in cells if cell.kind is Kind.APPROVED}:
            self._tell(Change(Kind.STATES, object_id))

    def _tell(self, change: Change) -> None:
        for observer in list(self._observers.values()):
            observer(change)
        if change.kind is Kind.UNDO and self._store.hear_history():
            self._tell(Change(Kind.MESSAGES))

    def _check_unlocked(self, object_id: int) -> None:
        each = self.object(object_id)
        if each.locked:
            raise AnnotationError(tr("{name} is locked; unlock it to change it.").format(name=each.name))

    def _select_existing(self) -> None:
        known = [each.object_id for each in self.objects]
        if self.object_id not in known:
            self.object_id = known[0] if known else 0
            self._tell(Change(Kind.SELECTION, self.object_id, self.frame))


def _changes(cells: Iterable[Cell]) -> Iterator[Change]:
    """What to tell of changed cells: of many frames of an object only that they changed."""
    rows: defaultdict[tuple[Kind, int], list[Cell]] = defaultdict(list)
    for cell in cells:
        rows[cell.kind, cell.object_id].append(cell)
    for (kind, object_id), row in rows.items():
        if len(row) > MANY:
            yield Change(kind, object_id)
        else:
            yield from dict.fromkeys(cell.change for cell in row)
