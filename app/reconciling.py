"""Which stored steps fit the project as it is found on disk, and what has to be put right first.

The journal is written ahead of the project. So after a process was killed the project may lack what the
journal tells of: it is done again. A project that differs in any other way was changed by something else,
which knew nothing of these steps: what they cannot safely take back or do again is dropped, never guessed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from app.cells import Cell, Kind
from app.journal import Record
from app.values import Raw, same


@dataclass
class Plan:
    """done, undone: the steps to go on with, in order. values: what the project lacks, by cell."""

    done: list[Record] = field(default_factory=list)
    undone: list[Record] = field(default_factory=list)
    values: dict[Cell, Raw] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """The project on disk. value: of a cell; has_matte: whether the file of a matte, by serial, is there.

    was_killed: the process that wrote it ended without closing it.
    """

    value: Callable[[Cell], Raw]
    has_matte: Callable[[int], bool]
    was_killed: bool


def reconciled(records: Iterable[Record], found: Found, lost: Collection[Cell] = ()) -> Plan:
    """What to go on with. `records` in order; of those dropped only what they tell is used. lost: cells whose
    values cannot be brought back.
    """
    records = [_landed(each, found) for each in records]
    done = [each for each in records if each.done]
    undone = [each for each in records if not each.done]
    expected, told = _expected(done, undone), _told(records)
    plan, strange = Plan(), set(lost)
    for cell, value in expected.items():
        present = found.value(cell)
        behind = found.was_killed and (present in told[cell] or cell.kind is Kind.MUTED)
        if not behind and not _fits(cell, value, expected, found):
            strange.add(cell)
        elif present != value:
            plan.values[cell] = value
    plan.done = _since(done, strange)
    plan.undone = list(reversed(_since(list(reversed(undone)), strange)))
    plan.values = {cell: value for cell, value in plan.values.items() if cell not in strange}
    return plan


def _landed(record: Record, found: Found) -> Record:
    """Without the predictions whose mattes never reached the disk."""

    def is_gone(cell: Cell, after: Raw) -> bool:
        return cell.kind is Kind.PREDICTION and isinstance(after, int) and not found.has_matte(after)

    gone = {cell for cell, (_, after) in record.changes.items() if is_gone(cell, after)}
    for cell in gone:
        del record.changes[cell]
    return record


def _fits(cell: Cell, value: Raw, expected: dict[Cell, Raw], found: Found) -> bool:
    """A project keeps the revisions of what is drawn, and the mutings of what is predicted, alone."""
    present = found.value(cell)
    if cell.kind is Kind.MUTED:
        return present == (value if value == _beside(cell, Kind.PREDICTION, expected, found) else None)
    if cell.kind is Kind.STATES and _beside(cell, Kind.ANNOTATION, expected, found) is None:
        return True
    return same(cell.kind, present, value)


def _expected(done: list[Record], undone: list[Record]) -> dict[Cell, Raw]:
    """What the project should hold, as far as the steps tell."""
    expected: dict[Cell, Raw] = {}
    for record in done:
        expected |= {cell: after for cell, (_, after) in record.changes.items()}
    for record in undone:
        for cell, (before, _) in record.changes.items():
            expected.setdefault(cell, before)
    return expected


def _told(records: list[Record]) -> defaultdict[Cell, set[Raw]]:
    """All values that a cell ever had."""
    told: defaultdict[Cell, set[Raw]] = defaultdict(set)
    for record in records:
        for cell, pair in record.changes.items():
            told[cell].update(pair)
    return told


def _beside(cell: Cell, kind: Kind, expected: dict[Cell, Raw], found: Found) -> Raw:
    """What the same frame should hold of another kind."""
    other = cell._replace(kind=kind)
    return expected.get(other, found.value(other))


def _since(records: list[Record], strange: set[Cell]) -> list[Record]:
    """The steps after the last one that touches a strange cell, without those dropped or empty."""
    place = max((n for n, each in enumerate(records, 1) if strange & each.changes.keys()), default=0)
    return [each for each in records[place:] if each.changes and not each.dropped]
