"""How the values of cells are kept in the journal: as numbers, JSON, or the digest of a picture kept aside.

A kind of cell with values of its own is one entry of `FORMS`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from app.cells import Kept, Kind, StoredMatte
from app.packed import Packed, Shelved
from vosengine.config import config_from_dict, config_to_dict
from vosengine.edge_controls import track_from_dict, track_to_dict
from vosengine.project_file import RotoObject
from vosengine.types import Box, Span

Raw = int | str | bytes | None
"""As SQLite holds it: a number, JSON, or a picture's digest."""


@dataclass(frozen=True)
class Form:
    """`dump` makes a value plain, `load` makes it of that again; keys it does not know it leaves out."""

    dump: Callable[[Any], Any]
    load: Callable[[Any], Kept]


FORMS: dict[Kind, Form] = {
    Kind.ANNOTATION: Form(lambda box: [box.x, box.y, box.width, box.height], lambda sides: Box(*sides)),
    Kind.OBJECTS: Form(
        lambda objects: [asdict(each) for each in objects],
        lambda found: tuple(RotoObject(**each) for each in found),
    ),
    Kind.SPAN: Form(lambda span: [span.start, span.stop], lambda ends: Span(*ends)),
    Kind.EDGES: Form(track_to_dict, track_from_dict),
    Kind.CONFIG: Form(config_to_dict, config_from_dict),
}


def raw(kind: Kind, value: Kept) -> Raw:
    """A value as the journal holds it; of a picture this is the digest."""
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, StoredMatte):
        return value.serial
    if isinstance(value, Packed | Shelved):
        return value.digest
    return json.dumps(FORMS[kind].dump(value), sort_keys=True)


@dataclass(frozen=True)
class Reader:
    """Makes values of what the journal holds. shelf: sizes of its pictures; mattes: those there are."""

    mattes: Mapping[int, StoredMatte]
    shelf: Mapping[bytes, int]
    fetch: Callable[[bytes], Packed]

    def value(self, kind: Kind, found: Raw) -> Kept:
        """A matte that is gone is None, and so is a picture. Raises ValueError or TypeError for nonsense."""
        if kind is Kind.PREDICTION and isinstance(found, int):
            return self.mattes.get(found)
        if isinstance(found, bytes):
            return Shelved(found, self.shelf[found], self.fetch) if found in self.shelf else None
        if kind is Kind.APPROVED:
            return bool(found) or None
        if isinstance(found, str):
            return FORMS[kind].load(json.loads(found))
        return found


def same(kind: Kind, one: Raw, two: Raw) -> bool:
    """Whether both are the same value, perhaps written by two editions."""
    if one == two or not (isinstance(one, str) and isinstance(two, str)):
        return one == two
    return FORMS[kind].load(json.loads(one)) == FORMS[kind].load(json.loads(two))
