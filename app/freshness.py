"""Which predictions are up to date: exactly those that a run would make again from the same annotation.

A prediction knows the annotated frame it was propagated from and what had been drawn by then. It is stale
when that frame is drawn differently or no longer at all, when the nearest one was drawn since, when
another object was since drawn, or erased, on its own frame, or when its object was learned afresh since.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from app.cells import StoredMatte


@dataclass(frozen=True)
class Sources:
    """What an object's predictions hang on.

    starts: frames to propagate from, drawn or approved, in order. drawn: those that were drawn; a prediction
    that was only approved makes no other stale. revisions: of the object's drawings by frame; rivals: the
    latest of other objects' on each frame. since: when the object was last learned from
    the parent.
    """

    starts: Sequence[int]
    drawn: Collection[int]
    revisions: Mapping[int, int]
    rivals: Mapping[int, int]
    since: int = 0

    def is_fresh(self, frame: int, stored: StoredMatte) -> bool:
        """Whether the prediction on `frame` is up to date."""
        known = stored.revision
        if known < self.since or self.rivals.get(frame, 0) > known:
            return False
        if stored.origin is None:  # stored by an earlier edition
            return self._latest <= known
        start, revision = stored.origin
        if start not in self._start_set or self.revisions.get(start, 0) != revision:
            return False
        nearest = self._nearest(frame)
        return nearest == start or nearest not in self.drawn or self.revisions.get(nearest, 0) <= known

    @cached_property
    def _start_set(self) -> frozenset[int]:
        return frozenset(self.starts)

    @cached_property
    def _latest(self) -> int:
        return max(self.revisions.values(), default=0)

    def _nearest(self, frame: int) -> int:
        """As `plan_sweeps` has it: the nearest start, of two equally near the earlier one."""
        place = bisect(self.starts, frame)
        beside = self.starts[max(place - 1, 0) : place + 1]
        return min(beside, key=lambda each: (abs(each - frame), each))
