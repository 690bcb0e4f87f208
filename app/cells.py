"""A document's content as cells of unchangeable values, and the change events about them.

An edit replaces the values of some cells; its undo puts the former values back. That one rule covers
strokes, boxes, objects, approvals and whole propagations.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple

from app.footprint import Footprint
from app.packed import Packed
from vosengine.edge_controls import EdgeTrack
from vosengine.project_file import Origin, RotoObject
from vosengine.types import Box, Reason


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
    SELECTION = "selection"  # current frame, current object, in and out
    CONFIG = "config"  # the settings of the next run
    CLIP = "clip"  # relinked
    UNDO = "undo"  # undo_name and redo_name may have changed
    MESSAGES = "messages"  # something was set aside, see `Document.messages`


@dataclass(frozen=True)
class Change:
    """Something changed; `object_id` and `frame` are None where it concerns no single one."""

    kind: Kind
    object_id: int | None = None
    frame: int | None = None


class Cell(NamedTuple):
    """Where a value is; the document's own cell has frame 0 and object 0."""

    kind: Kind
    object_id: int = 0
    frame: int = 0

    @property
    def frame_kind(self) -> bool:
        """Whether it is about one frame."""
        return self.kind not in (Kind.OBJECTS, Kind.STATES, Kind.EDGES)

    @property
    def change(self) -> Change:
        """The event that says this cell changed."""
        if self.kind is Kind.OBJECTS:
            return Change(self.kind)
        return Change(self.kind, self.object_id, self.frame if self.frame_kind else None)


OBJECTS = Cell(Kind.OBJECTS)


@dataclass(frozen=True)
class StoredMatte:
    """A predicted matte: `serial` names it in this session; see `StoredPrediction` for the rest."""

    serial: int
    quality: float
    revision: int
    origin: Origin | None = None
    footprint: Footprint | None = None
    reason: Reason | None = None


Value = Packed | Box | StoredMatte | EdgeTrack | int | tuple[RotoObject, ...] | None
"""Of the cells: ANNOTATION Packed or Box, SCRIBBLES Packed, PREDICTION StoredMatte, APPROVED True, MUTED the
prediction's serial, STATES int, EDGES an EdgeTrack, OBJECTS a tuple; None where there is nothing."""


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
