"""How the timeline's states look: one drawing for lanes and legend alike."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen, QPixmap, QPolygonF

from app import theme
from app.findings import SUSPICIOUS_BELOW, Mark

OPACITY: dict[Mark, float] = {
    Mark.STALE: 0.18,
    Mark.PREDICTED: 0.62,
    Mark.PREVIEWED: 0.35,
    Mark.SUSPICIOUS: 0.3,
    Mark.APPROVED: 1.0,
    Mark.ANNOTATED: 1.0,
}
LEGEND: tuple[tuple[Mark, str, str], ...] = (
    (Mark.ANNOTATED, "Marked", "Drawn by you: runs never change it"),
    (Mark.APPROVED, "Approved", "Kept by you as it is: runs never change it"),
    (Mark.PREDICTED, "Predicted", "Cut out by the last run"),
    (
        Mark.SUSPICIOUS,
        "Suspicious",
        f"Probably wrong: estimated J below {SUSPICIOUS_BELOW:g}. N goes to the worst one",
    ),
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
    painter.fillRect(rect, _faded(colour.rgb(), OPACITY[mark]))
    if mark is Mark.STALE:
        painter.fillRect(rect, QBrush(_faded(colour.rgb(), 0.65), Qt.BrushStyle.BDiagPattern))
    elif mark is Mark.SUSPICIOUS:
        painter.fillRect(rect.adjusted(0, rect.height() - 5, 0, 0), QColor(theme.colours().warning))


@cache
def _faded(rgb: int, opacity: float) -> QColor:
    colour = QColor(rgb)
    colour.setAlphaF(opacity)
    return colour


def draw_sign(painter: QPainter, centre: QPointF, mark: Mark, size: float) -> None:
    """The sign in the middle of a frame that a person vouched for: a diamond, or a tick."""
    if mark >= Mark.APPROVED:
        shown = theme.colours()
        sign = _sign(mark, round(size), painter.device().devicePixelRatio(), shown.annotated, shown.halo)
        side = sign.width() / sign.devicePixelRatio()
        painter.drawPixmap(centre - QPointF(side / 2, side / 2), sign)


@cache
def _sign(mark: Mark, size: int, ratio: float, colour: str, halo: str) -> QPixmap:
    """A sign drawn once: hundreds of them may be in sight."""
    side, half = size + 6, size / 2
    sign = QPixmap(round(side * ratio), round(side * ratio))
    sign.setDevicePixelRatio(ratio)
    sign.fill(Qt.GlobalColor.transparent)
    painter, centre = QPainter(sign), QPointF(side / 2, side / 2)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if mark is Mark.ANNOTATED:
        painter.setPen(QPen(QColor(halo), 1.2))
        painter.setBrush(QColor(colour))
        corners = ((0, -half), (half, 0), (0, half), (-half, 0))
        painter.drawPolygon(QPolygonF([centre + QPointF(x, y) for x, y in corners]))
    else:
        tick = QPolygonF([centre + QPointF(x * half, y * half) for x, y in ((-1, 0), (-0.3, 0.7), (1, -0.8))])
        for shade, width in ((halo, 4.0), (colour, 2.0)):
            painter.setPen(QPen(QColor(shade), width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawPolyline(tick)
    painter.end()
    return sign
