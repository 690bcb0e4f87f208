"""How the timeline's states look: one drawing for lanes and legend alike."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen, QPolygonF

from app import theme
from app.document import FrameState


class Mark(IntEnum):
    """A frame's look on a lane; later ones win where several frames share a pixel."""

    EMPTY = 0
    STALE = 1
    PREDICTED = 2
    PREVIEWED = 3
    APPROVED = 4
    ANNOTATED = 5


MARKS: dict[FrameState, Mark] = {
    FrameState.EMPTY: Mark.EMPTY,
    FrameState.STALE: Mark.STALE,
    FrameState.PREDICTED: Mark.PREDICTED,
    FrameState.APPROVED: Mark.APPROVED,
    FrameState.ANNOTATED: Mark.ANNOTATED,
}

LEGEND: tuple[tuple[Mark, str, str], ...] = (
    (Mark.ANNOTATED, "Marked", "Drawn by you: runs never change it"),
    (Mark.APPROVED, "Approved", "Kept by you as it is: runs never change it"),
    (Mark.PREDICTED, "Predicted", "Cut out by the last run"),
    (Mark.STALE, "Out of date", "Predicted before your latest marks: run again"),
    (Mark.EMPTY, "Empty", "Nothing yet"),
)


def runs(marks: NDArray[np.uint8]) -> list[tuple[int, int, Mark]]:
    """Equal neighbours together: (start, stop, mark) for a row of marks, uint8 (frames,)."""
    if len(marks) == 0:
        return []
    edges = np.flatnonzero(np.diff(marks)) + 1
    starts, stops = np.concatenate(([0], edges)), np.concatenate((edges, [len(marks)]))
    return [(int(a), int(b), Mark(int(marks[a]))) for a, b in zip(starts, stops, strict=True)]


def draw_run(painter: QPainter, rect: QRectF, mark: Mark, colour: QColor) -> None:
    """The body of one run of equal frames."""
    if mark is Mark.EMPTY:
        return
    painter.setPen(Qt.PenStyle.NoPen)
    body = QColor(colour)
    if mark is Mark.STALE:
        body.setAlphaF(0.18)
        painter.fillRect(rect, body)
        body.setAlphaF(0.65)
        painter.fillRect(rect, QBrush(body, Qt.BrushStyle.BDiagPattern))
        return
    body.setAlphaF({Mark.PREDICTED: 0.62, Mark.PREVIEWED: 0.35}.get(mark, 1.0))
    painter.fillRect(rect, body)


def draw_sign(painter: QPainter, centre: QPointF, mark: Mark, size: float) -> None:
    """The sign in the middle of a frame that a person vouched for: a diamond, or a tick."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    half = size / 2
    if mark is Mark.ANNOTATED:
        painter.setPen(QPen(QColor(0, 0, 0, 190), 1.2))
        painter.setBrush(QColor(theme.ANNOTATED))
        corners = ((0, -half), (half, 0), (0, half), (-half, 0))
        painter.drawPolygon(QPolygonF([centre + QPointF(x, y) for x, y in corners]))
    elif mark is Mark.APPROVED:
        tick = QPolygonF([centre + QPointF(x * half, y * half) for x, y in ((-1, 0), (-0.3, 0.7), (1, -0.8))])
        for colour, width in ((QColor(0, 0, 0, 190), 4.0), (QColor(theme.ANNOTATED), 2.0)):
            painter.setPen(QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawPolyline(tick)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
