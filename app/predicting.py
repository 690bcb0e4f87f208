"""Predictions as they come: all of a job are one step of undo, and one batch of mattes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.cells import OBJECTS, Cell, Change, Kind, StoredMatte, matte_of
from app.changing import Changing
from app.language import mark
from app.packed import Packed
from app.runs import Runs
from app.store import Store
from app.undo import Step
from vosengine.messages import MaskPredicted
from vosengine.project_file import Key, RotoObject
from vosengine.types import Matte


@dataclass
class _Collecting:
    """A step that predictions come to. Its batches: more than one only where a frame came twice."""

    step: Step
    batches: list[int]
    objects: set[int] = field(default_factory=set)


class Predicting(Changing):
    """The collecting half of `app.document.Document`."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._collecting: dict[int, _Collecting] = {}
        self._step_numbers = itertools.count(1)
        self.runs = Runs(self._undo, store, self._tell)

    # --- predictions -----------------------------------------------------------------------------------

    def begin_predictions(self, name: str = mark("Propagate"), added: Sequence[RotoObject] = ()) -> int:
        """Open the one undo step that collects all predictions of a job; returns its number.

        `added`: objects made by `new_objects`, which come with it.
        """
        number = next(self._step_numbers)
        step = Step(name, growing=True)
        self._collecting[number] = _Collecting(step, [self._store.begin_batch()])
        self._undo.push(step)
        if added:
            before, after = self.objects, (*self.objects, *added)
            self._undo.note(step, OBJECTS, before, after)
            self._tell_of(self._store.put({OBJECTS: after}))
        self._tell(Change(Kind.UNDO))
        return number

    def add_prediction(self, step: int, event: MaskPredicted) -> bool:
        """Store a prediction.

        False when it is dropped: the frame was drawn or approved, the object is locked or gone, the disk is
        full, or the step was undone meanwhile (then cancel the job).
        """
        collecting = self._collecting.get(step)
        if collecting is None or not collecting.step.growing or not self._may_predict(event):
            return False
        cell = Cell(Kind.PREDICTION, event.object_id, event.frame)
        former = self._store.prediction(cell[1:])
        if former is not None and matte_of(former.serial)[2] in collecting.batches:
            collecting.batches.append(self._store.begin_batch())

        collecting.objects.add(event.object_id)
        several = len(collecting.objects) > 1
        collecting.step.subject = "" if several else self.object(event.object_id).name

        def note(before: StoredMatte | None, after: StoredMatte) -> None:
            self._unmute(collecting.step, cell[1:])
            self._undo.note(collecting.step, cell, before, after)
            self.runs.note(collecting.step, event.frame, before, after)

        taken = self._store.predict(event, collecting.batches[-1], note)
        if taken:
            self._tell(cell.change)
        return taken

    def end_predictions(self, step: int) -> None:
        """The job ended, however; a step without predictions disappears."""
        collecting = self._collecting.pop(step, None)
        if collecting is not None:
            for batch in collecting.batches:
                self._store.end_batch(batch)
            self._undo.finish(collecting.step)
            self._store.save_manifest()  # which are in force, and which mutings still hold
            self._tell(Change(Kind.UNDO))

    def _unmute(self, step: Step, key: Key) -> None:
        """The muting goes with the prediction, and comes back with it."""
        cell = Cell(Kind.MUTED, *key)
        if self._store.muted(key):
            self._undo.note(step, cell, self._store.cells.get(cell), None)
            self._store.unmute(cell)

    def undo(self) -> None:
        """Take the last step back, see `Changing.undo`; a job whose step it is adds no more to it."""
        super().undo()
        self._end_undone()

    def travel(self, position: int) -> None:
        """The same of several steps, see `Changing.travel`."""
        super().travel(position)
        self._end_undone()

    def _end_undone(self) -> None:
        """Its mattes are no longer the newest of all, although the job may go on for a while."""
        ended = [each for each in self._collecting.values() if not each.step.growing]
        for batch in (batch for each in ended for batch in each.batches):
            self._store.end_batch(batch)
        if ended:
            self._store.save_manifest()

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
