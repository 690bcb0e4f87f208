"""What a run changed: how many frames, and where. No Qt."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby
from typing import Self

from app.cells import StoredMatte

MOST_PLACES = 2  # named in a sentence


@dataclass
class Outcome:
    """`frames` with a new prediction; of these `added` had none before and `changed` look different now."""

    frames: set[int] = field(default_factory=set)
    added: set[int] = field(default_factory=set)
    changed: set[int] = field(default_factory=set)

    def note(self, frame: int, before: StoredMatte | None, after: StoredMatte) -> None:
        """One more prediction, of any object."""
        self.frames.add(frame)
        if before is None:
            self.added.add(frame)
        elif before.footprint is None or after.footprint is None or after.footprint.differs(before.footprint):
            self.changed.add(frame)

    @property
    def text(self) -> str:
        """For `from_text`."""
        return json.dumps([sorted(each) for each in (self.frames, self.added, self.changed)])

    @classmethod
    def from_text(cls, text: str) -> Self:
        """What `text` wrote; "" is an empty one. Raises ValueError or TypeError for anything else."""
        return cls(*map(set, json.loads(text))) if text else cls()

    @property
    def count(self) -> str:
        """How many frames changed; "" when nothing was predicted."""
        if not self.frames - self.added:
            return _frames(len(self.added), "new ") if self.added else ""
        changed = f"{len(self.changed)} of {_frames(len(self.frames))} changed"
        return changed + (f", {len(self.added)} new" if self.added else "")

    def where(self, first_number: int = 0) -> str:
        """The places that changed, or else those that are new."""
        return places(self.changed or self.added, first_number)


def places(frames: Iterable[int], first_number: int = 0) -> str:
    """`12–18, 40 and 3 more`: stretches of neighbouring frames by their own numbers."""
    ordered = sorted(frames)
    stretches = [
        [frame for _, frame in group]
        for _, group in groupby(enumerate(ordered), key=lambda pair: pair[1] - pair[0])
    ]
    named = [_stretch(each[0] + first_number, each[-1] + first_number) for each in stretches[:MOST_PLACES]]
    more = len(stretches) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def _stretch(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}–{last}"


def _frames(count: int, kind: str = "") -> str:
    return f"one {kind}frame" if count == 1 else f"{count} {kind}frames"
