"""Undo and redo: named steps of replaced values, bounded in memory and on disk."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from app.cells import Cell, Kind, StoredMatte, Value
from app.packed import Packed

BYTE_LIMIT = 128 * 2**20  # packed masks take some kilobytes: thousands of strokes
MATTE_LIMIT = 10_000  # mattes kept aside in the cache; about 1 GB at 1080p
_OVERHEAD = 200  # bytes a changed cell takes in Python, roughly


@dataclass(eq=False)
class Step:
    """One named edit: the values before and after, by cell. A `growing` step still collects predictions."""

    name: str
    growing: bool = False
    changes: dict[Cell, tuple[Value, Value]] = field(default_factory=dict)

    def note(self, cell: Cell, before: Value, after: Value) -> Value:
        """Add a change; returns the value in between that nobody needs any more, if there is one."""
        if cell in self.changes:
            first, between = self.changes[cell]
            self.changes[cell] = (first, after)
            return between
        self.changes[cell] = (before, after)
        return None

    @property
    def before(self) -> dict[Cell, Value]:
        """The values that undo puts back."""
        return {cell: before for cell, (before, _) in self.changes.items()}

    @property
    def after(self) -> dict[Cell, Value]:
        """The values that redo puts back."""
        return {cell: after for cell, (_, after) in self.changes.items()}

    @property
    def size(self) -> int:
        """Bytes of memory, about."""
        values = (value for pair in self.changes.values() for value in pair)
        packed = sum(value.size for value in values if isinstance(value, Packed))
        return packed + _OVERHEAD * len(self.changes)

    @property
    def predicts(self) -> bool:
        """Whether it made predictions."""
        return any(isinstance(after, StoredMatte) for _, after in self.changes.values())

    @property
    def kept_mattes(self) -> int:
        """Mattes kept aside for this step."""
        return sum(isinstance(before, StoredMatte) for before, _ in self.changes.values())


class UndoStack:
    """Steps done and undone.

    put_back: gives cells these values; when it raises, the stack stays as it was.
    forget: told of each value that no step needs any more.
    """

    def __init__(
        self,
        put_back: Callable[[Mapping[Cell, Value]], None],
        forget: Callable[[Value], None],
        byte_limit: int = BYTE_LIMIT,
        matte_limit: int = MATTE_LIMIT,
    ) -> None:
        self._put_back = put_back
        self._forget = forget
        self._byte_limit = byte_limit
        self._matte_limit = matte_limit
        self._done: list[Step] = []
        self._undone: list[Step] = []

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
        return next((step for step in reversed(self._done) if step.growing or step.predicts), None)

    def joinable(self, cells: Collection[Cell]) -> Step | None:
        """The newest step that is complete, when it changed one of the frames of `cells`.

        None also while a redo is possible.
        """
        last = next((step for step in reversed(self._done) if not step.growing), None)
        if last is None or self._undone:
            return None
        frames = {(cell.object_id, cell.frame) for cell in last.changes if cell.frame_kind}
        return last if any((cell.object_id, cell.frame) in frames for cell in cells) else None

    def push(self, step: Step) -> None:
        """Add a step that was just done; what had been undone can no longer be redone."""
        self._forget_undone()
        self._done.append(step)
        self._drop_oldest()

    def note(self, step: Step, cell: Cell, before: Value, after: Value) -> None:
        """Add a change to a step of the stack.

        The undone stays redoable unless it is about the same cell or approves it: redo must not approve
        what the person never saw.
        """
        approval = Cell(Kind.APPROVED, cell.object_id, cell.frame)
        if any(cell in each.changes or approval in each.changes for each in self._undone):
            self._forget_undone()
        self._forget(step.note(cell, before, after))

    def finish(self, step: Step) -> None:
        """A growing step is complete; an empty one disappears."""
        step.growing = False
        if not step.changes and step in self._done:
            self._done.remove(step)
        self._drop_oldest()

    def is_done(self, step: Step) -> bool:
        """Whether the step is in force (not undone, not dropped)."""
        return step in self._done

    def undo(self) -> None:
        """Take the last step back, if there is one; a growing step grows no more."""
        if self._done:
            step = self._done[-1]
            self._put_back(step.before)
            step.growing = False
            self._done.pop()
            if step.changes:
                self._undone.append(step)

    def redo(self) -> None:
        """Do the last undone step again, if there is one."""
        if self._undone:
            self._put_back(self._undone[-1].after)
            self._done.append(self._undone.pop())

    def _forget_undone(self) -> None:
        for step in self._undone:
            for value in step.after.values():
                self._forget(value)
        self._undone.clear()

    def _drop_oldest(self) -> None:
        size = sum(step.size for step in self._done)
        mattes = sum(step.kept_mattes for step in self._done)
        while len(self._done) > 1 and (size > self._byte_limit or mattes > self._matte_limit):
            oldest = self._done[0]
            if oldest.growing:
                return
            size -= oldest.size
            mattes -= oldest.kept_mattes
            for value in oldest.before.values():
                self._forget(value)
            self._done.pop(0)
