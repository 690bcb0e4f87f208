"""The runs that a document has seen: what the last one changed, and what was there before it. No Qt."""

from __future__ import annotations

from collections.abc import Callable

from app.cells import Cell, Kind, StoredMatte
from app.outcome import Outcome
from app.store import Store
from app.undo import Step, UndoStack
from vosengine.types import Matte


class Runs:
    """The last run is the newest one that is not undone, the one under way included."""

    def __init__(self, undo: UndoStack, store: Store) -> None:
        self._undo, self._store = undo, store

    def note(self, step: Step, frame: int, before: StoredMatte | None, after: StoredMatte) -> None:
        """A run that collects its predictions in `step` made one more."""
        step.outcome.note(frame, before, after)

    @property
    def outcome(self) -> Outcome:
        """What the last run changed; empty when there is none."""
        step = self._undo.last_run
        return step.outcome if step is not None else Outcome()

    def former(self, object_id: int, frame: int) -> tuple[int, Callable[[], Matte | None]]:
        """The prediction before the last run, which may have left it as it is.

        Its serial, 0 where there was none, and how any thread reads it (None when it is no longer kept).
        """
        step, key = self._undo.last_run, (object_id, frame)
        cell, now = Cell(Kind.PREDICTION, *key), self._store.prediction(key)
        before = now if step is None or cell not in step.changes else step.changes[cell][0]
        if not isinstance(before, StoredMatte):
            return 0, lambda: None
        if before == now:
            return before.serial, lambda: self._store.predicted_matte(key)
        return before.serial, lambda: self._store.replaced_matte(before)
