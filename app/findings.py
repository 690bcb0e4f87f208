"""What is known of every frame without looking at it, and which frames are the worst. No Qt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from app.document import Document, FrameState
from app.language import tr
from app.reading import PredictionInfo
from vosengine.types import Span

SUSPICIOUS_BELOW = 0.75  # estimated J
STRETCH = 5  # frames on either side that a correction of one frame mostly mends as well


class Mark(IntEnum):
    """A frame's look on a lane; later ones win where several frames share a pixel."""

    EMPTY = 0
    STALE = 1
    PREDICTED = 2
    PREVIEWED = 3
    SUSPICIOUS = 4
    APPROVED = 5
    ANNOTATED = 6


MARKS: dict[FrameState, Mark] = {
    FrameState.EMPTY: Mark.EMPTY,
    FrameState.STALE: Mark.STALE,
    FrameState.PREDICTED: Mark.PREDICTED,
    FrameState.APPROVED: Mark.APPROVED,
    FrameState.ANNOTATED: Mark.ANNOTATED,
}
PREDICTIONS = (Mark.STALE, Mark.PREDICTED, Mark.SUSPICIOUS)


class Findings:
    """One object's frames. Arrays are (frames,).

    marks: uint8 of `Mark`. quality: float32, the estimated J of a prediction, 1 where a person decided, NaN
    where nothing is. area: float32, share of the frame covered, NaN where unknown. listed: predictions that
    may be listed among the worst.
    """

    def __init__(self, frame_count: int) -> None:
        self.marks = np.zeros(frame_count, np.uint8)
        self.quality = np.full(frame_count, np.nan, np.float32)
        self.area = np.full(frame_count, np.nan, np.float32)
        self.listed = np.zeros(frame_count, np.bool_)

    def look(self, document: Document, object_id: int, span: Span) -> None:
        """Take over what the document says of some frames."""
        states = document.states(object_id, span)
        for frame in span:
            mark = MARKS[states.get(frame, FrameState.EMPTY)]
            quality = document.quality(object_id, frame) if mark in PREDICTIONS else None
            listed = quality is not None and not document.muted(object_id, frame)
            if quality is None:
                quality = np.nan if mark is Mark.EMPTY else 1.0
            elif mark is Mark.PREDICTED and listed and quality < SUSPICIOUS_BELOW:
                mark = Mark.SUSPICIOUS
            area = document.area(object_id, frame) if mark is not Mark.EMPTY else None
            self.marks[frame], self.quality[frame], self.listed[frame] = mark, quality, listed
            self.area[frame] = np.nan if area is None else area


@dataclass(frozen=True)
class Ranking:
    """Frames, the worst first: (rows,) arrays. object_ids: whose prediction is the worst on each frame."""

    frames: NDArray[np.intp]
    object_ids: NDArray[np.intp]
    quality: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.frames)

    def row_of(self, frame: int) -> int | None:
        """Where a frame is listed."""
        rows = np.flatnonzero(self.frames == frame)
        return int(rows[0]) if len(rows) else None

    def step(self, frame: int, rows: int, last: tuple[int, float] | None = None) -> int | None:
        """The row `rows` (1 or -1) further down than `frame`, round the ends; None when nothing is listed.

        From a frame that is not listed it goes on from `last`, the frame and estimate visited last, also when
        that is no longer listed; without one it begins with the worst.
        """
        if not len(self):
            return None
        row = self.row_of(frame)
        if row is None and last is not None:
            row = self.row_of(last[0])
            if row is None:
                after = int(np.searchsorted(self.quality, last[1], side="left"))
                return (after if rows > 0 else after - 1) % len(self)
        return 0 if row is None else (row + rows) % len(self)


def ranked(findings: Mapping[int, Findings], span: Span, apart: int = 0) -> Ranking:
    """The listed frames of `span` by the smallest estimated J of these objects.

    `apart`: of neighbours within so many frames only the worst is listed, and none while a frame that a
    person decided since is as near: the next run will change it.
    """
    if not findings or not len(span):
        return Ranking(np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0, np.float32))
    object_ids = np.array(list(findings), np.intp)
    rows = [_estimates(each, span, apart) for each in findings.values()]
    estimates = np.stack(rows)
    worst, owner = estimates.min(axis=0), estimates.argmin(axis=0)
    keep = np.isfinite(worst)
    if apart:
        keep &= worst <= _smallest_near(worst, apart)
    places = np.flatnonzero(keep)
    places = places[np.argsort(worst[places], kind="stable")]
    return Ranking(places + span.start, object_ids[owner[places]], worst[places])


def _estimates(findings: Findings, span: Span, apart: int) -> NDArray[np.float32]:
    """Estimated J where a frame may be listed, elsewhere infinity."""
    inside = slice(span.start, span.stop)
    marks = findings.marks[inside]
    listed = findings.listed[inside].copy()
    if apart:
        decided = np.where(marks >= Mark.APPROVED, np.float32(0), np.float32(1))
        listed &= (marks != Mark.STALE) | (_smallest_near(decided, apart) > 0)
    return np.where(listed, findings.quality[inside], np.float32(np.inf))


def _smallest_near(values: NDArray[np.float32], reach: int) -> NDArray[np.float32]:
    """The smallest value within `reach` places on either side."""
    kernel = np.ones((1, 2 * reach + 1), np.uint8)
    return np.asarray(cv2.erode(values.reshape(1, -1), kernel), np.float32).reshape(-1)


def reason_of(prediction: PredictionInfo) -> str:
    """Why a prediction is thought to be bad, in plain words; "" where nothing tells."""
    return tr(prediction.reason.value) if prediction.reason is not None else ""
