"""The undo stack's way to disk: what becomes of steps goes into the journal, and comes back from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.cells import Cell, Kept, Kind, StoredMatte, Value, matte_of
from app.journal import Journal, Pictures, RawChanges, Record
from app.outcome import Outcome
from app.packed import Packed
from app.reconciling import Found, reconciled
from app.saver import Saver
from app.undo import Step, UndoStack, taken
from app.values import Reader, raw
from vosengine.errors import EngineError


class History:
    """A stack's `Log`, kept in a project's journal on the saver's thread.

    message: for the user, when stored steps could not be used; else "".
    """

    def __init__(self, folder: Path, saver: Saver) -> None:
        """Open the journal in `folder`."""
        self._journal = Journal(folder)
        self._saver = saver
        self.message = self._journal.message

    def pushed(self, step: Step) -> None:
        """A new step, with the changes that it has so far."""
        self._add(step, dict(step.changes))

    def noted(self, step: Step, cell: Cell) -> None:
        """A step has another change."""
        self._add(step, {cell: step.changes[cell]})

    def moved(self, steps: Sequence[Step], done: bool) -> None:
        """Steps are undone, or redone."""
        numbers = [step.number for step in steps]
        self._saver.submit(lambda: self._journal.mark(numbers, done))

    def finished(self, step: Step) -> None:
        """A growing step grows no more."""
        number, outcome = step.number, step.outcome
        self._saver.submit(lambda: self._journal.finish(number, outcome.text))

    def dropped(self, steps: Sequence[Step]) -> None:
        """Steps can be neither undone nor redone any more."""
        numbers = [step.number for step in steps]
        if numbers:
            self._saver.submit(lambda: self._journal.drop(numbers))

    def purge(self) -> None:
        """The project on disk holds what followed the dropped steps, and needs their mattes no more. For the
        saver's thread.
        """
        self._journal.purge()

    def close(self) -> None:
        """Leave the file; nothing waits to be saved."""
        self._journal.close()

    def move_to(self, folder: Path) -> None:
        """Go on in the copy of a closed journal."""
        self._journal = Journal(folder)

    def _add(self, step: Step, changes: dict[Cell, tuple[Kept, Kept]]) -> None:
        record = Record(step.number, step.name, step.time, step.subject, done=True)

        def write() -> None:  # here, because digests take their time
            record.changes, pictures = _raw_changes(changes)
            self._journal.add(record, pictures)

        self._saver.submit(write)

    # --- opening ------------------------------------------------------------------------------------------

    def restore(self, stack: UndoStack, found: Found, mattes: Mapping[int, StoredMatte]) -> Restored:
        """Fill `stack` with the stored steps that fit what was `found` on disk; `mattes` by serial."""
        records = self._journal.records()
        reader = Reader(mattes, self._journal.shelf(), self._journal.picture)
        told = {serial for record in records for serial in _serials(record)}
        batch = max((matte_of(serial)[2] for serial in told), default=-1)
        try:
            plan = reconciled(records, found)
            done, undone = ([_step(each, reader) for each in some] for some in (plan.done, plan.undone))
            values = {cell: taken(reader.value(cell.kind, each)) for cell, each in plan.values.items()}
        except (ValueError, TypeError, EngineError) as error:
            self.message = f"The stored undo steps could not be read ({error}) and were given up."
            done, undone, values = [], [], {}
        stack.adopt(done, undone, max((each.number for each in records), default=0))
        gone = {each.number for each in records} - {each.number for each in done + undone}
        if gone:
            self._saver.submit(lambda: self._journal.drop(gone))
        kept = {serial for step in done + undone for serial in _mattes(step)}
        return Restored(values, kept, told, batch)


@dataclass(frozen=True)
class Restored:
    """values: what the project lacks. mattes: serials that steps may bring back; told: those of steps that
    are given up, too: they alone may be removed. last_batch: ever used.
    """

    values: dict[Cell, Value]
    mattes: set[int]
    told: set[int]
    last_batch: int


def _step(record: Record, reader: Reader) -> Step:
    changes = {
        cell: (reader.value(cell.kind, before), reader.value(cell.kind, after))
        for cell, (before, after) in record.changes.items()
    }
    outcome = Outcome.from_text(record.outcome)
    return Step(record.name, False, changes, record.number, record.time, record.subject, outcome)


def _mattes(step: Step) -> Iterator[int]:
    for pair in step.changes.values():
        yield from (value.serial for value in pair if isinstance(value, StoredMatte))


def _serials(record: Record) -> Iterator[int]:
    """Of all mattes that it tells of."""
    predicted = (pair for cell, pair in record.changes.items() if cell.kind is Kind.PREDICTION)
    return (value for pair in predicted for value in pair if isinstance(value, int))


def _raw_changes(changes: Mapping[Cell, tuple[Kept, Kept]]) -> tuple[RawChanges, Pictures]:
    """The changes as the journal holds them, and the pictures that go with them."""
    pictures: Pictures = {}
    found: RawChanges = {}
    for cell, (before, after) in changes.items():
        found[cell] = raw(cell.kind, before), raw(cell.kind, after)
        for value, digest in zip((before, after), found[cell], strict=True):
            if isinstance(value, Packed) and isinstance(digest, bytes):
                pictures[digest] = value
    return found, pictures
