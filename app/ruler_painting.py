"""The timeline's ruler: frame numbers, what is cached, in and out, what the last run changed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QBrush, QColor, QPainter

from app import theme
from app.columns import Columns
from app.lane import RULER
from app.lane_painting import fill_rects, runs
from app.time_axis import TimeAxis
from vosengine.types import Span

TICK_STEPS = (1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000)


def draw_ruler(
    painter: QPainter, axis: TimeAxis, columns: Columns, span: Span, cached: int, changed: NDArray[np.bool_]
) -> None:
    """Everything but the numbers. `cached`: frames from the first on that play from the cache."""
    edge, whole = axis.edge, len(span) == axis.frame_count
    bar = QRectF(edge(0), RULER - 8, edge(axis.frame_count) - edge(0), 3)
    painter.fillRect(bar, QColor(theme.colours().raised))
    bar.setRight(edge(cached))
    painter.fillRect(bar, QColor(theme.colours().tick))
    colour = QColor(theme.colours().muted if whole else theme.colours().in_out)
    if not whole:
        bar.setLeft(edge(span.start))
        bar.setRight(edge(span.stop))
        painter.fillRect(bar, colour)
    for frame, inwards in ((span.start, 1), (span.stop, -1)):
        x = axis.place(frame)
        if axis.origin - 1 <= x <= axis.origin + axis.room + 1:
            _draw_handle(painter, x, inwards, RULER - (11 if whole else 15), colour)
    any_changed = columns.any(changed)
    starts, stops = runs(any_changed)
    wanted = any_changed[starts]
    sides = zip(columns.edges[starts[wanted]].tolist(), columns.edges[stops[wanted]].tolist(), strict=True)
    rects = [QRectF(left, RULER - 4, max(right - left, 2), 2) for left, right in sides]
    fill_rects(painter, rects, QBrush(QColor(theme.colours().accent)))


def _draw_handle(painter: QPainter, x: float, inwards: int, top: float, colour: QColor) -> None:
    """A bracket that opens towards the range."""
    painter.fillRect(QRectF(x - 1.5, top, 3, RULER - 2 - top), colour)
    for y in (top, RULER - 4):
        painter.fillRect(QRectF(min(x, x + 5 * inwards), y, 5, 2), colour)


def draw_numbers(painter: QPainter, axis: TimeAxis, first: int) -> None:
    """The source's own numbers, as many as there is room for; `first` is that of frame 0."""
    last = str(axis.frame_count + first)
    label_width = painter.fontMetrics().horizontalAdvance(last) + 18
    step = next((s for s in TICK_STEPS if s * axis.scale >= label_width), TICK_STEPS[-1])
    visible = axis.visible
    ticks = list(range(visible.start + (-(visible.start + first)) % step, visible.stop, step))
    if visible.start == 0 and step > 1 and 0 < first % step < step / 2:
        ticks.insert(0, 0)
    for frame in ticks:
        x = axis.edge(frame)
        if x + label_width - 12 > axis.origin + axis.room:
            break
        painter.setPen(QColor(theme.colours().muted))
        painter.drawText(QPointF(x + 3, RULER - 11), str(frame + first))
        painter.setPen(QColor(theme.colours().tick))
        painter.drawLine(QPointF(x, 4), QPointF(x, RULER - 9))
