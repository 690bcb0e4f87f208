"""What a run changed: how many frames, and where. No Qt."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby
from typing import Self

from app.cells import StoredMatte
from app.language import tr, trn

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
        count, new = len(self.frames), len(self.added)
        if count == new:
            return trn("one new frame", "{count} new frames", new).format(count=new) if new else ""
        many = trn("{changed} of one frame changed", "{changed} of {count} frames changed", count)
        changed = many.format(changed=len(self.changed), count=count)
        return changed + (tr(", {count} new").format(count=new) if new else "")

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
    listed = ", ".join(named)
    return tr("{listed} and {more} more").format(listed=listed, more=more) if more else listed


def _stretch(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}–{last}"
