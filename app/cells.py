"""A document's content as cells of unchangeable values, and the change events about them.

An edit replaces the values of some cells; its undo puts the former values back. That one rule covers
strokes, boxes, objects, approvals and whole propagations.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple

from app.footprint import Footprint
from app.packed import Packed, Shelved
from vosengine.config import Config
from vosengine.edge_controls import EdgeTrack
from vosengine.project_file import Origin, RotoObject
from vosengine.types import Box, Reason, Span


class Kind(Enum):
    """What a cell holds, or what else a change touched."""

    ANNOTATION = "annotation"  # a mask or box on one frame
    SCRIBBLES = "scribbles"  # the marks on one frame
    PREDICTION = "prediction"  # the matte predicted for one frame
    APPROVED = "approved"  # whether a person approved one frame
    EDGES = "edges"  # how the mattes of one object are finished
    MUTED = "muted"  # the prediction of one frame that is not to be listed among the worst
    STATES = "states"  # the revision of one frame's annotation: predictions became stale or fresh
    OBJECTS = "objects"  # added, removed, renamed, recoloured, shown, locked, reordered
    SPAN = "span"  # in and out; a change of it is told as SELECTION
    CONFIG = "config"  # the settings of the next run
    SELECTION = "selection"  # current frame, current object, in and out
    CLIP = "clip"  # relinked
    UNDO = "undo"  # undo_name and redo_name may have changed
    MESSAGES = "messages"  # something was set aside, see `Document.messages`

    __hash__ = object.__hash__  # Enum's own is written in Python: too slow for each cell of a long clip


@dataclass(frozen=True)
class Change:
    """Something changed; `object_id` and `frame` are None where it concerns no single one."""

    kind: Kind
    object_id: int | None = None
    frame: int | None = None


OF_THE_DOCUMENT = (Kind.OBJECTS, Kind.SPAN, Kind.CONFIG)
OF_AN_OBJECT = (Kind.STATES, Kind.EDGES)


class Cell(NamedTuple):
    """Where a value is; cells of the document have object 0 and frame 0, those of an object frame 0."""

    kind: Kind
    object_id: int = 0
    frame: int = 0

    @property
    def frame_kind(self) -> bool:
        """Whether it is about one frame."""
        return self.kind not in (*OF_THE_DOCUMENT, *OF_AN_OBJECT)

    @property
    def change(self) -> Change:
        """The event that says this cell changed."""
        if self.kind in OF_THE_DOCUMENT:
            return Change(Kind.SELECTION if self.kind is Kind.SPAN else self.kind)
        return Change(self.kind, self.object_id, self.frame if self.frame_kind else None)


OBJECTS, SPAN, CONFIG = Cell(Kind.OBJECTS), Cell(Kind.SPAN), Cell(Kind.CONFIG)
_FRAMES, _OBJECTS = 32, 24  # bits


@dataclass(frozen=True)
class KeptMatte:
    """A predicted matte; `serial` names it for ever, see `serial_of`."""

    serial: int


@dataclass(frozen=True)
class StoredMatte(KeptMatte):
    """One of which all is known, see `StoredPrediction`."""

    quality: float
    revision: int
    origin: Origin | None = None
    footprint: Footprint | None = None
    reason: Reason | None = None


@dataclass(frozen=True)
class FormerMatte(KeptMatte):
    """One of an earlier session, of which the rest is read when it is needed."""

    fetch: Callable[[int], StoredMatte] = field(compare=False, repr=False)


def serial_of(object_id: int, frame: int, batch: int) -> int:
    """The name of a matte, at least 1; two mattes of a project never have the same."""
    return (batch << _OBJECTS | object_id) << _FRAMES | frame


def matte_of(serial: int) -> tuple[int, int, int]:
    """The object, frame and batch of a matte."""
    rest, frame = divmod(serial, 1 << _FRAMES)
    batch, object_id = divmod(rest, 1 << _OBJECTS)
    return object_id, frame, batch


Value = Packed | Box | StoredMatte | EdgeTrack | int | tuple[RotoObject, ...] | Span | Config | None
"""Of the cells: ANNOTATION Packed or Box, SCRIBBLES Packed, PREDICTION StoredMatte, APPROVED True, MUTED the
prediction's serial, STATES int, EDGES an EdgeTrack, OBJECTS a tuple, SPAN Span, CONFIG Config; None where
there is nothing. `app.values` says how each is kept on disk."""

Kept = Value | Shelved | FormerMatte
"""A value of a step: pictures may be on the shelf, mattes those of earlier sessions."""


class Cells:
    """All values, found by cell or by object."""

    def __init__(self) -> None:
        self._rows: defaultdict[tuple[Kind, int], dict[int, Value]] = defaultdict(dict)

    def get(self, cell: Cell) -> Value:
        """The value, None when there is none."""
        row = self._rows.get((cell.kind, cell.object_id))
        return row.get(cell.frame) if row else None

    def set(self, cell: Cell, value: Value) -> None:
        """Replace the value; None removes it."""
        row = self._rows[cell.kind, cell.object_id]
        if value is None:
            row.pop(cell.frame, None)
        else:
            row[cell.frame] = value

    def row(self, kind: Kind, object_id: int) -> Mapping[int, Value]:
        """An object's values of one kind by frame."""
        return MappingProxyType(self._rows.get((kind, object_id), {}))

    def all(self, kind: Kind) -> Iterator[tuple[Cell, Value]]:
        """All values of one kind."""
        for (own, object_id), row in self._rows.items():
            if own is kind:
                yield from ((Cell(kind, object_id, frame), value) for frame, value in row.items())

    def of_object(self, object_id: int) -> Iterator[Cell]:
        """The cells of an object: all but the revisions."""
        kinds = (Kind.ANNOTATION, Kind.SCRIBBLES, Kind.PREDICTION, Kind.APPROVED, Kind.MUTED, Kind.EDGES)
        for kind in kinds:
            yield from (Cell(kind, object_id, frame) for frame in self.row(kind, object_id))
