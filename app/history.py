"""The undo stack's way to disk: what becomes of steps goes into the journal, and comes back from it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.cells import Cell, Kept, KeptMatte, Kind, Value, matte_of
from app.journal import Journal, Pictures, RawChanges, Record
from app.language import tr
from app.outcome import Outcome
from app.packed import Packed
from app.reconciling import Found, Plan, reconciled
from app.saver import Saver
from app.undo import Step, UndoStack, taken
from app.values import Mattes, Reader, raw
from vosengine.errors import EngineError

_NONSENSE = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, EngineError, RecursionError)


class History:
    """A stack's `Log`, kept in a project's journal on the saver's thread."""

    def __init__(self, folder: Path, saver: Saver) -> None:
        """Open the journal in `folder`."""
        self._journal = Journal(folder)
        self._saver = saver
        self._told = ""

    @property
    def left_open(self) -> bool | None:
        """Whether the last session that wrote steps was killed; None where nothing tells."""
        return self._journal.left_open

    def news(self) -> str:
        """A sentence for the user about steps that cannot be stored or read, once; else ""."""
        told, self._told = self._told, self._journal.message
        return self._told if self._told != told else ""

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

    def close(self, clean: bool = True) -> None:
        """Leave the file; nothing waits to be saved. clean: see `Journal.close`."""
        self._journal.close(clean)

    def _add(self, step: Step, changes: dict[Cell, tuple[Kept, Kept]]) -> None:
        record = Record(step.number, step.name, step.time, step.subject, done=True)

        def write() -> None:  # here, because digests take their time
            record.changes, pictures = _raw_changes(changes)
            self._journal.add(record, pictures)

        self._saver.submit(write)

    # --- opening ------------------------------------------------------------------------------------------

    def restore(self, stack: UndoStack, found: Found, mattes: Mattes) -> Restored:
        """Fill `stack` with the stored steps that fit what was `found` on disk; `mattes` by serial."""
        try:
            restored = self._restored(stack, found, mattes)
        except (sqlite3.Error, *_NONSENSE) as error:
            self._journal.unreadable(error)
            stack.adopt([], [], 0)
            restored = Restored({}, set(), set(), -1, is_less=True)
        self._saver.submit(self._journal.begin)
        return restored

    def _restored(self, stack: UndoStack, found: Found, mattes: Mattes) -> Restored:
        records = self._journal.records()
        told = {serial for record in records for serial in _serials(record)}
        batch = max((matte_of(serial)[2] for serial in told), default=-1)
        reader = Reader(mattes, self._journal.shelf(), self._journal.picture)
        unread = _give_up_unreadable(records, reader)
        plan = reconciled(records, found)
        values, lost = _values(plan, reader)
        if lost:
            plan = reconciled(records, found, lost)
            values, _ = _values(plan, reader)
        if unread or lost:
            self._journal.message = tr("Some of the stored undo steps could not be read and were given up.")
        done, undone = ([_step(each, reader) for each in some] for some in (plan.done, plan.undone))
        stack.adopt(done, undone, max((each.number for each in records), default=0))
        gone = {each.number for each in records} - {each.number for each in done + undone}
        if gone:
            self._saver.submit(lambda: self._journal.drop(gone))
        kept = {serial for step in done + undone for serial in _mattes(step)}
        return Restored(values, kept, told, batch, bool(gone))


def _give_up_unreadable(records: Sequence[Record], reader: Reader) -> bool:
    """Drop the steps with values that cannot be read, and those beyond them; whether there were any.

    What the others tell of the project stays useful, but nothing that they tell of those cells.
    """
    done = [each for each in records if each.done]
    undone = [each for each in reversed(records) if not each.done]
    found = False
    for some in (done, undone):
        for place in range(len(some)):
            cells = _unreadable(some[place], reader)
            if cells is not None:
                found = True
                for record in some[: place + 1]:
                    record.dropped = True
                    for cell in cells:
                        record.changes.pop(cell, None)
    return found


def _unreadable(record: Record, reader: Reader) -> set[Cell] | None:
    """The cells whose values cannot be read; None where the step is sound."""
    cells: set[Cell] = set()
    for cell, pair in record.changes.items():
        try:
            for each in pair:
                reader.value(cell.kind, each)
        except _NONSENSE:
            cells.add(cell)
    try:
        Outcome.from_text(record.outcome)
    except _NONSENSE:
        return cells
    return cells or None


def _values(plan: Plan, reader: Reader) -> tuple[dict[Cell, Value], set[Cell]]:
    """What the project lacks, and the cells of which it cannot be read."""
    values: dict[Cell, Value] = {}
    lost: set[Cell] = set()
    for cell, each in plan.values.items():
        try:
            values[cell] = taken(reader.value(cell.kind, each))
        except EngineError:
            lost.add(cell)
    return values, lost


@dataclass(frozen=True)
class Restored:
    """values: what the project lacks. mattes: serials that steps may bring back; told: those of steps that
    are given up, too: they alone may be removed. last_batch: ever used. is_less: some steps are given up.
    """

    values: dict[Cell, Value]
    mattes: set[int]
    told: set[int]
    last_batch: int
    is_less: bool = False


def _step(record: Record, reader: Reader) -> Step:
    changes = {
        cell: (reader.value(cell.kind, before), reader.value(cell.kind, after))
        for cell, (before, after) in record.changes.items()
    }
    outcome = Outcome.from_text(record.outcome)
    return Step(record.name, False, changes, record.number, record.time, record.subject, outcome)


def _mattes(step: Step) -> Iterator[int]:
    for pair in step.changes.values():
        yield from (value.serial for value in pair if isinstance(value, KeptMatte))


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
