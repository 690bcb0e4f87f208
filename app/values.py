"""How the values of cells are kept in the journal: as numbers, JSON, or the digest of a picture kept aside.

A kind of cell with values of its own is one entry of `FORMS`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from app.cells import FormerMatte, Kept, KeptMatte, Kind, StoredMatte
from app.packed import Packed, Shelved
from vosengine.config import config_from_dict, config_to_dict, setting_names
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


_OF_OBJECTS = {each.name for each in fields(RotoObject)}


def _known(values: dict[str, Any], names: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name in names}


def _known_settings(values: dict[str, Any]) -> dict[str, Any]:
    """Settings that this edition has; those of a group are a dict of their own."""
    known = setting_names()
    groups = {name.partition(".")[0] for name in known if "." in name}
    return {
        name: {own: part for own, part in value.items() if f"{name}.{own}" in known}
        if isinstance(value, dict)
        else value
        for name, value in _known(values, known.keys() | groups).items()
    }


FORMS: dict[Kind, Form] = {
    Kind.ANNOTATION: Form(
        lambda box: [box.x, box.y, box.width, box.height], lambda sides: Box(*map(float, sides[:4]))
    ),
    Kind.OBJECTS: Form(
        lambda objects: [asdict(each) for each in objects],
        lambda found: tuple(RotoObject(**_known(each, _OF_OBJECTS)) for each in found),
    ),
    Kind.SPAN: Form(lambda span: [span.start, span.stop], lambda ends: Span(*map(int, ends[:2]))),
    Kind.EDGES: Form(track_to_dict, track_from_dict),
    Kind.CONFIG: Form(config_to_dict, lambda found: config_from_dict(_known_settings(found))),
}


def raw(kind: Kind, value: Kept) -> Raw:
    """A value as the journal holds it; of a picture this is the digest."""
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, KeptMatte):
        return value.serial
    if isinstance(value, Packed | Shelved):
        return value.digest
    return json.dumps(FORMS[kind].dump(value), sort_keys=True)


_PICTURES = (Kind.ANNOTATION, Kind.SCRIBBLES)
_NUMBERS = (Kind.PREDICTION, Kind.MUTED, Kind.STATES)


Mattes = Callable[[int], StoredMatte | FormerMatte | None]
"""The matte of a serial, None where there is none."""


@dataclass(frozen=True)
class Reader:
    """Makes values of what the journal holds. shelf: sizes of its pictures."""

    mattes: Mattes
    shelf: Mapping[bytes, int]
    fetch: Callable[[bytes], Packed]

    def value(self, kind: Kind, found: Raw) -> Kept:
        """A matte that is gone is None. For a picture that is gone, and for nonsense, it raises LookupError,
        ValueError, TypeError, AttributeError or EngineError.
        """
        if found is None:
            return None
        if kind is Kind.APPROVED:
            return bool(found) or None
        if isinstance(found, bytes) and kind in _PICTURES:
            return Shelved(found, self.shelf[found], self.fetch)
        if isinstance(found, int) and kind in _NUMBERS:
            return self.mattes(found) if kind is Kind.PREDICTION else found
        if isinstance(found, str):
            return FORMS[kind].load(json.loads(found))
        raise ValueError(f"{found!r} is no value of {kind.value}")


def same(kind: Kind, one: Raw, two: Raw) -> bool:
    """Whether both are the same value, perhaps written by two editions."""
    if one == two or not (isinstance(one, str) and isinstance(two, str)):
        return one == two
    return FORMS[kind].load(json.loads(one)) == FORMS[kind].load(json.loads(two))
