"""The curves under the lanes: one object's estimated quality and area, and markers at its worst frames."""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen, QPixmap, QPolygonF

from app import theme
from app.columns import Columns
from app.findings import STRETCH, SUSPICIOUS_BELOW, Findings, ranked
from app.lane_painting import fill_rects
from app.time_axis import TimeAxis
from vosengine.types import Span

LOWEST = 0.4  # estimated J at the bottom of the curve: below, everything is to be drawn again
SMOOTH_BELOW = 300  # columns: smoothing thousands of zigzags takes longer than a frame may
MARKER = 9.0  # side of a marker, widget units
APART = 12  # widget units between two markers, at least


@dataclass(frozen=True)
class Marker:
    """A clickable sign: its middle in widget units, and the frame it stands for."""

    x: float
    y: float
    object_id: int
    frame: int

    def is_at(self, position: QPointF) -> bool:
        """Whether a click there means it."""
        return abs(self.x - position.x()) <= 6 and abs(self.y - position.y()) <= 8


def draw_curves(
    painter: QPainter, body: QRectF, columns: Columns, findings: Findings, colour: QColor
) -> None:
    """Both curves of one object in `body`."""
    painter.fillRect(body, QColor(theme.colours().canvas))
    if len(columns):
        quality = columns.smallest(findings.quality)
        _fill_quality(painter, body, columns, quality, colour)
        largest = float(np.nanmax(findings.area, initial=0.0))
        if largest > 0:
            area = columns.smallest(findings.area) / np.float32(largest)
            _draw_line(painter, body, columns, area, QColor(theme.colours().muted))
        _draw_line(painter, body, columns, _height(quality), colour.lighter(115))
    y = _y(body, float(_height(np.float32(SUSPICIOUS_BELOW))))
    painter.setPen(QPen(QColor(theme.colours().warning).darker(140), 1, Qt.PenStyle.DotLine))
    painter.drawLine(QPointF(body.left(), y), QPointF(body.right(), y))


def worst_markers(axis: TimeAxis, y: float, object_id: int, findings: Findings) -> list[Marker]:
    """The worst frame of each visible stretch of suspicious ones; where room is short, the worse ones."""
    visible = Span(axis.visible.start, max(axis.visible.stop, axis.visible.start))
    ranking = ranked({object_id: findings}, visible, STRETCH)
    frames = ranking.frames[ranking.quality < SUSPICIOUS_BELOW]
    _, worst = np.unique(frames * axis.scale // APART, return_index=True)  # of each few pixels
    markers: list[Marker] = []
    taken = [-np.inf, np.inf]
    for frame in frames[np.sort(worst)].tolist():
        x = axis.middle(frame)
        place = bisect(taken, x)
        if x - taken[place - 1] >= APART and taken[place] - x >= APART:
            taken.insert(place, x)
            markers.append(Marker(x, y, object_id, frame))
    return markers


def draw_marker(painter: QPainter, marker: Marker) -> None:
    """A triangle that points at its frame."""
    sign = _triangle(theme.colours().warning, theme.colours().halo, painter.device().devicePixelRatio())
    side = sign.width() / sign.devicePixelRatio()
    painter.drawPixmap(QPointF(marker.x - side / 2, marker.y - side / 2), sign)


@cache
def _triangle(colour: str, halo: str, ratio: float) -> QPixmap:
    """Drawn once: a hundred of them may be in sight."""
    half, side = MARKER / 2, MARKER + 3
    sign = QPixmap(round(side * ratio), round(side * ratio))
    sign.setDevicePixelRatio(ratio)
    sign.fill(Qt.GlobalColor.transparent)
    painter = QPainter(sign)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(halo), 1))
    painter.setBrush(QColor(colour))
    corners = ((-half, -half), (half, -half), (0, half))
    painter.drawPolygon(QPolygonF([QPointF(side / 2 + x, side / 2 + y) for x, y in corners]))
    painter.end()
    return sign


def _height(quality: NDArray[np.float32] | np.float32) -> NDArray[np.float32]:
    """Where an estimate lies between bottom (0) and top (1)."""
    return np.asarray(np.clip((quality - LOWEST) / (1 - LOWEST), 0.02, 1), np.float32)


def _y(body: QRectF, height: float) -> float:
    return body.bottom() - 2 - height * (body.height() - 4)


def _fill_quality(
    painter: QPainter, body: QRectF, columns: Columns, quality: NDArray[np.float32], colour: QColor
) -> None:
    """The ground under the curve, in warning colour where frames are suspicious."""
    plain, warning = QColor(colour), QColor(theme.colours().warning)
    plain.setAlphaF(0.16)
    warning.setAlphaF(0.5)
    heights, bad = 2 + _height(quality) * (body.height() - 4), quality < SUSPICIOUS_BELOW
    widths = np.diff(columns.edges)
    for places, filling in ((np.isfinite(quality) & ~bad, plain), (bad, warning)):
        rows = (each[places].tolist() for each in (columns.edges[:-1], widths, heights))
        rects = [QRectF(left, body.bottom() - up, width, up) for left, width, up in zip(*rows, strict=True)]
        fill_rects(painter, rects, QBrush(filling))


def _draw_line(
    painter: QPainter, body: QRectF, columns: Columns, heights: NDArray[np.float32], colour: QColor
) -> None:
    """A line through the columns' middles, interrupted where nothing is known; smooth where there are few."""
    smooth = len(columns) < SMOOTH_BELOW
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, smooth)
    painter.setPen(QPen(colour, 1.5 if smooth else 1))
    middles = (columns.edges[:-1] + columns.edges[1:]) / 2
    tops = body.bottom() - 2 - heights * (body.height() - 4)
    known = np.flatnonzero(np.isfinite(heights))
    for stretch in np.split(known, np.flatnonzero(np.diff(known) > 1) + 1):
        points = [
            QPointF(x, y) for x, y in zip(middles[stretch].tolist(), tops[stretch].tolist(), strict=True)
        ]
        if len(points) > 1:
            painter.drawPolyline(QPolygonF(points))
        elif points:
            painter.drawPoint(points[0])
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
