"""Edge keys on a lane: small diamonds at its lower edge."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF
from PySide6.QtGui import QPainter, QPalette, QPen, QPolygonF

from app.curve_painting import Marker
from app.time_axis import TimeAxis

HALF = 5.0  # of a key's width, widget units
APART = 7.0  # between two keys, at least


def key_markers(axis: TimeAxis, y: float, object_id: int, frames: Sequence[int]) -> list[Marker]:
    """The visible keys of an object, as far as there is room; `frames` in order."""
    visible, found = axis.visible, list[Marker]()
    for frame in frames:
        x = axis.middle(frame)
        if frame in visible and x >= axis.origin and (not found or x - found[-1].x >= APART):
            found.append(Marker(x, y, object_id, frame))
    return found


def draw_keys(painter: QPainter, markers: Sequence[Marker], palette: QPalette) -> None:
    """Diamonds in the accent's colour."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(palette.color(QPalette.ColorRole.HighlightedText), 1))
    painter.setBrush(palette.color(QPalette.ColorRole.Highlight))
    corners = ((0, -HALF), (HALF, 0), (0, HALF), (-HALF, 0))
    for marker in markers:
        painter.drawPolygon(QPolygonF([QPointF(marker.x + x, marker.y + y) for x, y in corners]))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
