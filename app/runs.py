"""The runs that a document has seen: what the last one changed, and what was there before it. No Qt."""

from __future__ import annotations

from collections.abc import Callable, Collection

from app.cells import Cell, Change, KeptMatte, Kind, StoredMatte
from app.outcome import Outcome
from app.store import Store
from app.undo import Step, UndoStack
from vosengine.lessons import Lesson, config_text
from vosengine.messages import FineTune
from vosengine.types import Matte


class Runs:
    """The last run is the newest one that is not undone, the one under way included."""

    def __init__(self, undo: UndoStack, store: Store, tell: Callable[[Change], None]) -> None:
        self._undo, self._store, self._tell = undo, store, tell

    def note(self, step: Step, frame: int, before: StoredMatte | None, after: StoredMatte) -> None:
        """A run that collects its predictions in `step` made one more."""
        step.outcome.note(frame, before, after)

    def begin_learning(self) -> int:
        """A revision of its own for what is about to be learned: all present predictions are older."""
        return self._store.next_revision()

    def learned(self, command: FineTune, cold: Collection[int]) -> None:
        """The models are what `command` made them; what the `cold` ones' former models predicted is stale."""
        for object_id in {each.object_id for each in command.annotations}:
            frames = frozenset(a.frame for a in command.annotations if a.object_id == object_id)
            former, since = self.lesson(object_id), command.revision
            if object_id not in cold:
                since = former.since if former is not None else 0
            lesson = Lesson(config_text(command.config), frames, command.revision, since)
            self._store.learn(object_id, lesson)
            self._tell(Change(Kind.STATES, object_id))

    def lesson(self, object_id: int) -> Lesson | None:
        """What an object's model was taught last."""
        return self._store.lessons.get(object_id)

    def drawn_since(self, object_id: int, revision: int) -> bool:
        """Whether the object was drawn, or erased, on any frame after `revision`."""
        return any(each > revision for each in self._store.revisions(object_id).values())

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
        if not isinstance(before, KeptMatte):
            return 0, lambda: None
        if now is not None and before.serial == now.serial:
            return before.serial, lambda: self._store.predicted_matte(key)
        return before.serial, lambda: self._store.replaced_matte(before)
