"""What a document answers: masks, mattes, states, and the annotations for the engine."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.cells import Cell, Kind, matte_of, serial_of
from app.freshness import Sources
from app.matte_store import WRITE_LIMIT
from app.packed import Packed
from app.store import Store
from app.tools import Rect
from vosengine.edge_controls import EdgeTrack
from vosengine.messages import read_only
from vosengine.project_file import Key, RotoObject, harden, soften, without_soft_edges
from vosengine.types import Annotation, Box, ClipInfo, Mask, Matte, Reason, Span

Scribbles = NDArray[np.uint8]


class FrameState(Enum):
    """What one frame holds for one object; the timeline's colours."""

    EMPTY = "empty"
    PREDICTED = "predicted"
    STALE = "stale"
    ANNOTATED = "annotated"
    APPROVED = "approved"


@dataclass(frozen=True)
class PredictionInfo:
    """A stored prediction: `quality` in [0, 1] estimates J; `stale` when annotations changed since.

    serial: another one for another matte. `reason`: why it is not better, where anything tells.
    """

    quality: float
    stale: bool
    serial: int = field(compare=False)
    reason: Reason | None = None


@dataclass
class Stroke:
    """What is being painted: `picture` is drawn on, `rect` is where so far (None: nowhere)."""

    name: str
    cell: Cell
    values: tuple[int, ...]
    picture: NDArray[np.uint8]
    rect: Rect | None = None


class Reading:
    """The reading half of `app.document.Document`. Arrays handed out are read-only."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._stroke: Stroke | None = None
        self._known_sources: dict[int, tuple[int, Sources]] = {}  # by object id, with the store's edition

    @property
    def clip(self) -> ClipInfo:
        """The footage."""
        return self._store.manifest.clip

    @property
    def saving(self) -> bool:
        """Whether changes wait for the disk."""
        return self._store.saver.pending > 0

    @property
    def saved_at(self) -> float:
        """When the last change reached the disk, in seconds since 1970; 0 before any did."""
        return self._store.saver.saved_at

    @property
    def has_room(self) -> bool:
        """Whether one more prediction would not have to wait for the disk."""
        return self._store.saver.pending < WRITE_LIMIT

    @property
    def revision(self) -> int:
        """Grows with each change of the annotations, undo included, and each learning; goes into commands."""
        return self._store.revision

    @property
    def objects(self) -> tuple[RotoObject, ...]:
        """In order, the topmost first."""
        return self._store.objects

    def object(self, object_id: int) -> RotoObject:
        """Raises KeyError for an unknown id."""
        for each in self.objects:
            if each.object_id == object_id:
                return each
        raise KeyError(object_id)

    def state(self, object_id: int, frame: int) -> FrameState:
        """What the timeline shows."""
        return self._state(object_id, frame, self._sources(object_id))

    def _state(self, object_id: int, frame: int, sources: Sources) -> FrameState:
        key = object_id, frame
        drawn, stored = self._store.annotation(key), self._store.prediction(key)
        if self._store.approved(key) and (drawn is not None or stored is not None):
            return FrameState.APPROVED
        if drawn is not None:
            return FrameState.ANNOTATED
        if stored is None:
            return FrameState.EMPTY
        return FrameState.PREDICTED if sources.is_fresh(frame, stored) else FrameState.STALE

    def states(self, object_id: int, span: Span | None = None) -> dict[int, FrameState]:
        """The frames of an object (within `span`) that are not empty, in order."""
        rows = [self._store.cells.row(kind, object_id) for kind in (Kind.ANNOTATION, Kind.PREDICTION)]
        if span is None:
            frames = sorted(set().union(*rows))
        else:
            frames = [frame for frame in span if any(frame in row for row in rows)]
        sources = self._sources(object_id)
        return {frame: self._state(object_id, frame, sources) for frame in frames}

    def outdated(self, span: Span) -> frozenset[int]:
        """The frames of `span` on which some object that takes predictions has none that is up to date."""
        found: set[int] = set()
        for each in self.objects:
            sources = self._sources(each.object_id)
            if sources.starts and not each.locked:
                found.update(frame for frame in span if self._is_outdated((each.object_id, frame), sources))
        return frozenset(found)

    def _is_outdated(self, key: Key, sources: Sources) -> bool:
        """A box needs a prediction, made of it; a drawn mask or an approved prediction does not."""
        stored = self._store.prediction(key)
        if isinstance(self._store.annotation(key), Packed) or (stored and self._store.approved(key)):
            return False
        return stored is None or not sources.is_fresh(key[1], stored)

    def _sources(self, object_id: int) -> Sources:
        edition, known = self._store.edition, self._known_sources.get(object_id)
        if known is None or known[0] != edition:
            known = self._known_sources[object_id] = edition, self._gathered_sources(object_id)
        return known[1]

    def _gathered_sources(self, object_id: int) -> Sources:
        rivals: dict[int, int] = {}
        for cell, revision in self._store.cells.all(Kind.STATES):
            if cell.object_id != object_id and isinstance(revision, int):
                rivals[cell.frame] = max(revision, rivals.get(cell.frame, 0))
        drawn = self._store.cells.row(Kind.ANNOTATION, object_id)
        own = self._store.revisions(object_id)
        lesson = self._store.lessons.get(object_id)
        since = lesson.since if lesson is not None else 0
        return Sources(self._human_frames(object_id), frozenset(drawn), own, rivals, since)

    def has_result(self, object_id: int) -> bool:
        """Whether any frame of an object is not empty."""
        return any(self._store.cells.row(kind, object_id) for kind in (Kind.ANNOTATION, Kind.PREDICTION))

    def matte_frames(self, object_id: int, span: Span) -> list[int]:
        """The frames of `span` on which an object has a mask or matte."""
        cells = self._store.cells
        drawn, predicted = (cells.row(kind, object_id) for kind in (Kind.ANNOTATION, Kind.PREDICTION))
        return [frame for frame in span if frame in predicted or isinstance(drawn.get(frame), Packed)]

    def matte_file(self, object_id: int, frame: int) -> Path:
        """Where a predicted matte is, or would be; from any thread."""
        stored = self._store.prediction((object_id, frame))
        serial = serial_of(object_id, frame, 0) if stored is None else stored.serial
        return self._store.project.matte_file(*matte_of(serial))

    def mask(self, object_id: int, frame: int) -> Mask | None:
        """The annotated mask, soft edges included (during a stroke: as painted so far), or None."""
        return self._picture(Cell(Kind.ANNOTATION, object_id, frame))

    def box(self, object_id: int, frame: int) -> Box | None:
        """The annotated box, or None."""
        drawn = self._store.annotation((object_id, frame))
        return drawn if isinstance(drawn, Box) else None

    def scribbles(self, object_id: int, frame: int) -> Scribbles | None:
        """The marks, uint8 (height, width): 0 unmarked, 1 background, 2 foreground; or None."""
        return self._picture(Cell(Kind.SCRIBBLES, object_id, frame))

    def matte(self, object_id: int, frame: int) -> Matte | None:
        """What is shown and exported: the annotated mask in 16 bits, else the prediction, else None."""
        mask = self.mask(object_id, frame)
        if mask is not None:
            matte = soften(mask)
            read_only(matte)
            return matte
        return self._predicted_matte((object_id, frame))

    def prediction(self, object_id: int, frame: int) -> PredictionInfo | None:
        """Quality, its reason and staleness of the stored prediction, or None."""
        stored = self._store.prediction((object_id, frame))
        if stored is None:
            return None
        stale = not self._sources(object_id).is_fresh(frame, stored)
        return PredictionInfo(stored.quality, stale, stored.serial, stored.reason)

    def quality(self, object_id: int, frame: int) -> float | None:
        """The estimated J of the stored prediction, in [0, 1], or None."""
        stored = self._store.prediction((object_id, frame))
        return None if stored is None else stored.quality

    def area(self, object_id: int, frame: int) -> float | None:
        """The share of the frame that the matte covers, in [0, 1]; None where there is none or unknown."""
        drawn, stored = self._store.annotation((object_id, frame)), self._store.prediction((object_id, frame))
        if isinstance(drawn, Packed):
            return drawn.area
        return stored.footprint.area if stored is not None and stored.footprint is not None else None

    def edges(self, object_id: int) -> EdgeTrack:
        """How an object's mattes are finished."""
        return self._store.edges(object_id)

    def centre(self, object_id: int, frame: int) -> tuple[float, float] | None:
        """The middle of the matte, (x, y) as shares of the frame; None where there is none or unknown."""
        drawn, stored = self._store.annotation((object_id, frame)), self._store.prediction((object_id, frame))
        if isinstance(drawn, Packed):
            return drawn.centre
        return stored.footprint.centre if stored is not None and stored.footprint is not None else None

    def muted(self, object_id: int, frame: int) -> bool:
        """Whether the present prediction is not to be listed among the worst."""
        return self._store.muted((object_id, frame))

    def approved(self, object_id: int, frame: int) -> bool:
        """Whether a person approved the frame as it is."""
        return self._store.approved((object_id, frame))

    def is_drawn(self, object_id: int, frame: int) -> bool:
        """Whether a person drew or approved the matte's pixels, as `ExportSource.drawn` has it; what is made
        of a box is predicted.
        """
        key = object_id, frame
        return self._store.approved(key) or isinstance(self._store.annotation(key), Packed)

    def annotated_frames(self, object_id: int | None = None) -> list[int]:
        """Sorted frames with an annotation or approval, of one object or of any."""
        chosen = [each.object_id for each in self.objects] if object_id is None else [object_id]
        return sorted({frame for own in chosen for frame in self._human_frames(own)})

    def annotations(
        self, object_ids: Collection[int] | None = None, frames: Collection[int] | None = None
    ) -> tuple[Annotation, ...]:
        """For engine commands: what was drawn or approved, hard (from half coverage on). None: of all."""
        chosen = [
            each.object_id for each in self.objects if object_ids is None or each.object_id in object_ids
        ]
        found = (
            self._annotation((own, frame))
            for own in chosen
            for frame in self._human_frames(own)
            if frames is None or frame in frames
        )
        return tuple(each for each in found if each is not None and each.frame < self.clip.frame_count)

    def _human_frames(self, object_id: int) -> list[int]:
        cells = self._store.cells
        approved = cells.row(Kind.APPROVED, object_id).keys() & cells.row(Kind.PREDICTION, object_id).keys()
        return sorted(cells.row(Kind.ANNOTATION, object_id).keys() | approved)

    def _annotation(self, key: Key) -> Annotation | None:
        """A drawn mask goes before an approved prediction, and that before a box."""
        object_id, frame = key
        drawn = self._store.annotation(key)
        if isinstance(drawn, Packed):
            return Annotation(frame, object_id, mask=_frozen(without_soft_edges(self._store.unpacked(drawn))))
        matte = self._predicted_matte(key) if self._store.approved(key) else None
        if matte is not None:
            return Annotation(frame, object_id, mask=_frozen(harden(matte)))
        return Annotation(frame, object_id, box=drawn) if drawn is not None else None

    def _picture(self, cell: Cell) -> NDArray[Any] | None:
        """A mask or marks, read-only, as painted so far when they are just being painted."""
        if self._stroke is not None and self._stroke.cell == cell:
            view = self._stroke.picture.view()
            read_only(view)
            return view
        value = self._store.cells.get(cell)
        return self._store.unpacked(value) if isinstance(value, Packed) else None

    def shown_mask(self, object_id: int, frame: int) -> Mask | None:
        """What corrections start from: the annotated mask, else the prediction in 8 bits, else None."""
        mask = self.mask(object_id, frame)
        if mask is None:
            matte = self._predicted_matte((object_id, frame))
            if matte is not None:
                mask = _frozen(eight_bits(matte))
        return mask

    def _predicted_matte(self, key: Key) -> Matte | None:
        return self._store.predicted_matte(key)


def eight_bits(matte: Matte) -> Mask:
    """A matte as a mask with soft edges; `soften` brings masks so made back as they were."""
    return np.asarray(cv2.convertScaleAbs(matte, alpha=1 / 257), np.uint8)


def _frozen(mask: Mask) -> Mask:
    read_only(mask)
    return mask
