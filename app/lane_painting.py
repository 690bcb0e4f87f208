"""How the timeline's states look: one drawing for lanes and legend alike."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen, QPixmap, QPolygonF

from app import theme
from app.columns import Columns
from app.findings import SUSPICIOUS_BELOW, Mark
from app.language import tr

NARROWEST_RUN = 1.5  # widget units: a single frame among thousands must be seen

OPACITY: dict[Mark, float] = {
    Mark.STALE: 0.18,
    Mark.PREDICTED: 0.62,
    Mark.PREVIEWED: 0.35,
    Mark.SUSPICIOUS: 0.3,
    Mark.APPROVED: 1.0,
    Mark.ANNOTATED: 1.0,
}
LEGEND: tuple[tuple[Mark, str, str], ...] = (
    (Mark.ANNOTATED, tr("Marked"), tr("Drawn by you: runs never change it")),
    (Mark.APPROVED, tr("Approved"), tr("Kept by you as it is: runs never change it")),
    (Mark.PREDICTED, tr("Predicted"), tr("Cut out by the last run")),
    (
        Mark.SUSPICIOUS,
        tr("Suspicious"),
        tr("Probably wrong: estimated J below {limit:g}. N goes to the worst one").format(
            limit=SUSPICIOUS_BELOW
        ),
    ),
    (Mark.STALE, tr("Out of date"), tr("Predicted before your latest marks: run again")),
    (Mark.EMPTY, tr("Empty"), tr("Nothing yet")),
)


def runs(values: NDArray[np.uint8] | NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Equal neighbours together: of each run of values (places,) the first place, and that after its last."""
    edges = np.flatnonzero(values[1:] != values[:-1]) + 1
    first, last = np.arange(min(len(values), 1)), np.full(min(len(values), 1), len(values))
    return np.append(first, edges), np.append(edges, last)


def draw_lane(
    painter: QPainter, columns: Columns, marks: NDArray[np.uint8], top: float, height: float, colour: QColor
) -> None:
    """The body of a lane; marks: uint8 (columns,). All runs of one mark are drawn at once."""
    starts, stops = runs(marks)
    lefts, of_run = columns.edges[starts], marks[starts]
    widths = np.maximum(columns.edges[stops] - lefts, NARROWEST_RUN)
    for value in np.unique(of_run).tolist():
        places = of_run == value
        sides = zip(lefts[places].tolist(), widths[places].tolist(), strict=True)
        draw_runs(painter, [QRectF(left, top, width, height) for left, width in sides], Mark(value), colour)


def draw_runs(painter: QPainter, rects: list[QRectF], mark: Mark, colour: QColor) -> None:
    """The bodies of runs of frames that all have this mark."""
    if mark is Mark.EMPTY:
        return
    fill_rects(painter, rects, QBrush(_faded(colour.rgb(), OPACITY[mark])))
    if mark is Mark.STALE:
        fill_rects(painter, rects, QBrush(_faded(colour.rgb(), 0.65), Qt.BrushStyle.BDiagPattern))
    elif mark is Mark.SUSPICIOUS:
        feet = [rect.adjusted(0, rect.height() - 5, 0, 0) for rect in rects]
        fill_rects(painter, feet, QBrush(QColor(theme.colours().warning)))


def fill_rects(painter: QPainter, rects: list[QRectF], brush: QBrush) -> None:
    """Many rectangles in one call, which takes a fraction of the time of as many calls."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(brush)
    painter.drawRects(rects)


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
