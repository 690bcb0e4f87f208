"""Undo and redo: named steps of replaced values, bounded in memory and on disk."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from app.cells import OBJECTS, Cell, FormerMatte, Kept, KeptMatte, Kind, Value
from app.outcome import Outcome
from app.packed import Packed, Shelved

BYTE_LIMIT = 128 * 2**20  # packed masks take some kilobytes: thousands of strokes
MATTE_LIMIT = 10_000  # mattes of former runs in the project; about 1 GB at 1080p
STEP_LIMIT = 10_000
JOIN_SECONDS = 1.0  # values changed again so soon are one gesture
_OVERHEAD = 200  # bytes a changed cell takes in Python, roughly


@dataclass(eq=False)
class Step:
    """One named edit: the values before and after, by cell. A `growing` step still collects predictions.

    number: its place in the order in which steps began. time: seconds since 1970. subject: the name that its
    object had, "" where it concerns none or several. outcome: of its predictions.
    """

    name: str
    growing: bool = False
    changes: dict[Cell, tuple[Kept, Kept]] = field(default_factory=dict)
    number: int = 0
    time: float = field(default_factory=time.time)
    subject: str = ""
    outcome: Outcome = field(default_factory=Outcome)
    _totals: tuple[int, int, int] | None = None

    def note(self, cell: Cell, before: Value, after: Value) -> Kept:
        """Add a change; returns the value in between that nobody needs any more, if there is one."""
        self._totals = None
        if cell in self.changes:
            first, between = self.changes[cell]
            self.changes[cell] = (first, after)
            return between
        self.changes[cell] = (before, after)
        return None

    @property
    def size(self) -> int:
        """Bytes, about."""
        return self.totals()[0]

    @property
    def kept_mattes(self) -> int:
        """Mattes kept for this step alone."""
        return self.totals()[1]

    @property
    def predictions(self) -> int:
        """How many it made."""
        return self.totals()[2]

    @property
    def object_id(self) -> int:
        """The object it concerns, 0 where it concerns none or several."""
        found = {cell.object_id for cell in self.changes if cell.object_id}
        return found.pop() if len(found) == 1 else 0

    @property
    def frame(self) -> int | None:
        """The frame it concerns; None where it concerns none, several or whole objects."""
        found = {cell.frame for cell in self.changes if cell.frame_kind}
        return found.pop() if len(found) == 1 and OBJECTS not in self.changes else None

    def totals(self) -> tuple[int, int, int]:
        """`size`, `kept_mattes` and `predictions`, counted once."""
        if self._totals is None:
            values = (value for pair in self.changes.values() for value in pair)
            packed = sum(value.size for value in values if isinstance(value, Packed | Shelved))
            kept = sum(isinstance(before, KeptMatte) for before, _ in self.changes.values())
            made = sum(isinstance(after, KeptMatte) for _, after in self.changes.values())
            self._totals = packed + _OVERHEAD * len(self.changes), kept, made
        return self._totals


def taken(kept: Kept) -> Value:
    """What a cell takes. Raises ProjectError when a picture is gone."""
    if isinstance(kept, FormerMatte):
        return kept.fetch(kept.serial)
    return kept.packed() if isinstance(kept, Shelved) else kept


class Log(Protocol):
    """Hears what becomes of steps, before it is done to the document."""

    def pushed(self, step: Step) -> None:
        """A new step, with the changes that it has so far."""

    def noted(self, step: Step, cell: Cell) -> None:
        """A step has another change."""

    def moved(self, steps: Sequence[Step], done: bool) -> None:
        """Steps are undone, or redone."""

    def finished(self, step: Step) -> None:
        """A growing step grows no more."""

    def dropped(self, steps: Sequence[Step]) -> None:
        """Steps can be neither undone nor redone any more."""


class NoLog:
    """Steps that nobody wants to hear of."""

    def pushed(self, step: Step) -> None:
        """Nothing."""

    def noted(self, step: Step, cell: Cell) -> None:
        """Nothing."""

    def moved(self, steps: Sequence[Step], done: bool) -> None:
        """Nothing."""

    def finished(self, step: Step) -> None:
        """Nothing."""

    def dropped(self, steps: Sequence[Step]) -> None:
        """Nothing."""


class UndoStack:
    """Steps done and undone.

    put_back: gives cells these values; when it raises, the stack stays as it was.
    forget: told of each value that no step needs any more.
    """

    def __init__(
        self,
        put_back: Callable[[Mapping[Cell, Value]], None],
        forget: Callable[[Kept], None],
        byte_limit: int = BYTE_LIMIT,
        matte_limit: int = MATTE_LIMIT,
        log: Log | None = None,
    ) -> None:
        self._put_back = put_back
        self._forget = forget
        self._byte_limit = byte_limit
        self._matte_limit = matte_limit
        self._log = log or NoLog()
        self._done: list[Step] = []
        self._undone: list[Step] = []  # the next to be redone is the last
        self._last_number = 0
        self._last_run: Step | None = None

    def adopt(self, done: Iterable[Step], undone: Iterable[Step], last_number: int) -> None:
        """Go on with the steps of an earlier session, both in order."""
        self._done, self._undone = list(done), list(undone)[::-1]
        self._last_number = last_number
        self._find_last_run()

    @property
    def steps(self) -> list[Step]:
        """All steps in order, those undone last."""
        return self._done + self._undone[::-1]

    @property
    def position(self) -> int:
        """How many of `steps` are done."""
        return len(self._done)

    @property
    def undo_name(self) -> str:
        """The name of the step that `undo` takes back, "" when there is none."""
        return self._done[-1].name if self._done else ""

    @property
    def redo_name(self) -> str:
        """The name of the step that `redo` does again, "" when there is none."""
        return self._undone[-1].name if self._undone else ""

    @property
    def last_run(self) -> Step | None:
        """The newest step in force that holds new predictions."""
        return self._last_run

    def joinable(self, number: int, cells: Collection[Cell]) -> Step | None:
        """The step of this number, when it can take a change of `cells` yet: it is done and complete, holds
        no predictions, and no later one changed them. None also while a redo is possible.
        """
        if self._undone:
            return None
        for step in reversed(self._done):
            if step.number == number:
                return None if step.growing or step.predictions else step
            if step.number < number or any(cell in step.changes for cell in cells):
                return None
        return None

    def continued(self, name: str, cells: Collection[Cell]) -> Step | None:
        """The step that `undo` takes back, when it has this name and changed these cells a moment ago."""
        last, now = self._last, time.time()
        if last is None or last.name != name or last.changes.keys() != set(cells):
            return None
        if not 0 <= now - last.time < JOIN_SECONDS:
            return None
        last.time = now
        return last

    @property
    def _last(self) -> Step | None:
        last = self._done[-1] if self._done and not self._undone else None
        return None if last is None or last.growing else last

    def push(self, step: Step) -> None:
        """Add and number a step that is being done; what had been undone can no longer be redone."""
        self._forget_undone()
        self._last_number += 1
        step.number = self._last_number
        self._log.pushed(step)
        self._done.append(step)
        if step.growing or step.predictions:
            self._last_run = step
        self._drop_oldest()

    def note(self, step: Step, cell: Cell, before: Value, after: Value) -> None:
        """Add a change to a step of the stack.

        The undone stays redoable unless it is about the same cell or approves it: redo must not approve
        what the person never saw.
        """
        approval = Cell(Kind.APPROVED, cell.object_id, cell.frame)
        if any(cell in each.changes or approval in each.changes for each in self._undone):
            self._forget_undone()
        between = step.note(cell, before, after)
        self._log.noted(step, cell)
        self._forget(between)

    def finish(self, step: Step) -> None:
        """A growing step is complete; an empty one disappears."""
        step.growing = False
        self._log.finished(step)
        if not step.changes and step in self._done:
            self._done.remove(step)
            self._log.dropped([step])
        self._find_last_run()
        self._drop_oldest()

    def is_done(self, step: Step) -> bool:
        """Whether the step is in force (not undone, not dropped)."""
        return step in self._done

    def undo(self) -> None:
        """Take the last step back, if there is one; a growing step grows no more."""
        self.travel(self.position - 1)

    def redo(self) -> None:
        """Do the last undone step again, if there is one."""
        self.travel(self.position + 1)

    def travel(self, position: int) -> None:
        """Take steps back, or do them again, until `position` of them are done; growing ones grow no more."""
        count = len(self._done)
        position = min(max(position, 0), count + len(self._undone))
        if position < count:
            steps = self._done[position:][::-1]
            self._put(steps, done=False)
            del self._done[position:]
            self._undone += [step for step in steps if step.changes]
        elif position > count:
            steps = self._undone[count - position :][::-1]
            self._put(steps, done=True)
            self._done += steps
            del self._undone[count - position :]
        self._find_last_run()

    def _put(self, steps: Sequence[Step], done: bool) -> None:
        """Give all cells the values after `steps`, or before them: these in the order of undoing."""
        kept: dict[Cell, Kept] = {}
        for step in steps:
            kept |= {cell: pair[done] for cell, pair in step.changes.items()}
        values = {cell: taken(each) for cell, each in kept.items()}
        self._log.moved(steps, done)
        self._put_back(values)
        for step in steps:
            step.growing = False
        self._log.dropped([step for step in steps if not step.changes])

    def _forget_undone(self) -> None:
        self._log.dropped(self._undone)
        for step in self._undone:
            for _, after in step.changes.values():
                self._forget(after)
        self._undone.clear()

    def _find_last_run(self) -> None:
        runs = (step for step in reversed(self._done) if step.growing or step.predictions)
        self._last_run = next(runs, None)

    def _drop_oldest(self) -> None:
        totals = [step.totals() for step in self._done]
        size, mattes = (sum(each[kind] for each in totals) for kind in (0, 1))
        count = 0
        while len(self._done) - count > 1 and (
            size > self._byte_limit or mattes > self._matte_limit or len(self._done) - count > STEP_LIMIT
        ):
            oldest = self._done[count]
            if oldest.growing:
                break
            size -= oldest.size
            mattes -= oldest.kept_mattes
            count += 1
        oldest_steps = self._done[:count]
        self._log.dropped(oldest_steps)
        for step in oldest_steps:
            for before, _ in step.changes.values():
                self._forget(before)
        if count:
            del self._done[:count]
            self._find_last_run()
