"""Finding a command by a few letters. No Qt."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.language import tr

RECENT_BONUS = 8  # less than one kind of match is worth more than the next


@dataclass(frozen=True)
class Entry:
    """One thing that can be chosen.

    `key` is stable, so that what was chosen lately is known again. `section`: its menu or kind. `hint`: one
    sentence, searched too. `reason`: why it cannot be done now, "" where it can.
    """

    key: str
    title: str
    section: str
    do: Callable[[], object]
    hint: str = ""
    keys: str = ""
    reason: str = ""


def found(entries: Sequence[Entry], query: str, recent: Sequence[str] = ()) -> list[Entry]:
    """The entries that have all words of the query, the best first; without a query the recent ones first."""
    words = query.casefold().split()
    ranks = {key: rank for rank, key in enumerate(recent)}
    scored = []
    for place, entry in enumerate(entries):
        scores = [_score(word, entry) for word in words]
        if all(scores):
            rank = ranks.get(entry.key)
            total = sum(scores) + (RECENT_BONUS if rank is not None and words else 0)
            length = len(entry.title.split()) if words else 0  # of equal matches the shorter says less else
            scored.append((-total, len(ranks) if rank is None else rank, length, place, entry))
    return [entry for *_, entry in sorted(scored, key=lambda each: each[:4])]


def _score(word: str, entry: Entry) -> int:
    """How well one word names an entry, 0 for not at all."""
    title = entry.title.casefold()
    names = re.findall(r"\w+", title)
    sections = entry.section.casefold().split()
    checks = (
        (100, title.startswith(word)),
        (80, any(name.startswith(word) for name in names)),
        (70, word in entry.keys.casefold().split()),
        (65, "".join(name[0] for name in names).startswith(word)),
        (50, word in title),
        (40, any(name.startswith(word) for name in sections)),
        (30, _abbreviates(word, names)),
        (12, word in entry.hint.casefold()),
    )
    return next((score for score, holds in checks if holds), 0)


def _abbreviates(word: str, names: Sequence[str]) -> bool:
    """Whether the word is made of beginnings of the names, in order: "prefra" of "previous frame"."""
    if not word:
        return True
    for at, name in enumerate(names):
        common = 0
        while common < min(len(word), len(name)) and word[common] == name[common]:
            common += 1
        if any(_abbreviates(word[length:], names[at + 1 :]) for length in range(common, 0, -1)):
            return True
    return False


def frame_asked(query: str) -> int | None:
    """The frame's number in "123", "frame 123" or "go to 123"."""
    *before, last = query.casefold().split() or [""]
    names = tr("Go to frame {number}").casefold().split()
    meant = all(any(name.startswith(word) for name in names) for word in before)
    return int(last) if last.isdecimal() and meant else None


def frame_entry(number: int, first: int, last: int, go_to: Callable[[int], object]) -> Entry:
    """Going to the frame of this number; `first` and `last` are the clip's."""
    inside = first <= number <= last
    return Entry(
        key="frame",
        title=tr("Go to frame {number}").format(number=number),
        section=tr("Playback"),
        do=lambda: go_to(number - first),
        hint=tr("The clip has frames {first} to {last}").format(first=first, last=last),
        reason="" if inside else tr("The clip has frames {first} to {last}.").format(first=first, last=last),
    )
