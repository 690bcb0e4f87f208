"""The timeline: a ruler, one lane an object with the state of every frame, in and out, and the playhead."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QHelpEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from app import theme
from app.lane_painting import LEGEND, Mark, draw_run, draw_sign, runs
from vosengine.types import Span

RULER = 24  # heights in widget units
LANE, LANE_GAP = 20, 4
NAMES = 128  # width of the names' column
PADDING = 8
WIDEST_FRAME = 48.0
TICK_STEPS = (1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000)


@dataclass
class Lane:
    """One object's row; `marks` is uint8 (frames,) of `Mark`."""

    object_id: int
    name: str
    colour: QColor
    marks: NDArray[np.uint8]
    visible: bool = True


class Timeline(QWidget):
    """Shows lanes and lets the playhead be dragged. Frames in signals are 0-based."""

    scrubbed = Signal(int)
    lane_clicked = Signal(int)  # object id
    span_changed = Signal(object)  # Span, from dragging an in or out handle

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMouseTracking(True)
        self.setAccessibleName("Timeline")
        self._frame_count = 0
        self._first_number = 0
        self._lanes: list[Lane] = []
        self._frame = 0
        self._span = Span(0, 0)
        self._selected = 0
        self._cached = 0
        self._scale = 1.0  # widget units a frame
        self._left = 0.0  # first visible frame, fractional
        self._scroll_lanes = 0
        self._drag = ""  # "", "scrub", "pan", "in", "out"
        self._pan_from = 0.0
        self._blit: QPixmap | None = None

    # --- what it shows ----------------------------------------------------------------------------------

    def set_clip(self, frame_count: int, first_number: int = 0) -> None:
        """A new clip; 0 frames for none. `first_number` is the source's own number of frame 0."""
        self._frame_count, self._first_number = frame_count, first_number
        self._lanes, self._frame, self._span, self._cached = [], 0, Span(0, frame_count), 0
        self._scroll_lanes = 0
        self.show_all()

    def set_lanes(self, lanes: list[Lane], selected: int) -> None:
        """All rows anew, the top one first."""
        self._lanes, self._selected = lanes, selected
        self._scroll_lanes = min(self._scroll_lanes, self._last_scroll())
        self._repaint_all()

    def set_mark(self, object_id: int, frame: int, mark: Mark) -> None:
        """One frame of one row."""
        for lane in self._lanes:
            if lane.object_id == object_id and lane.marks[frame] != mark:
                lane.marks[frame] = mark
                self._repaint_all()

    def set_frame(self, frame: int) -> None:
        """Move the playhead, and the view with it when it would leave."""
        self._frame = frame
        shown = self._room() / self._scale
        if not self._left <= frame <= self._left + shown - 1 and self._drag != "pan":
            self._scroll_to(frame - shown / 2)
        self.update()

    def has_lane(self, object_id: int) -> bool:
        """Whether the object has a row."""
        return any(lane.object_id == object_id for lane in self._lanes)

    def set_selected(self, object_id: int) -> None:
        """Make another row stand out."""
        if object_id != self._selected:
            self._selected = object_id
            self._repaint_all()

    def set_span(self, span: Span) -> None:
        """The range between in and out."""
        if span != self._span:
            self._span = span
            self._repaint_all()

    def set_cached(self, count: int) -> None:
        """How many frames play from the cache."""
        self._cached = count
        self._repaint_all()

    def mark_at(self, object_id: int, frame: int) -> Mark:
        """What a lane shows for a frame."""
        return next(Mark(int(lane.marks[frame])) for lane in self._lanes if lane.object_id == object_id)

    def x_of(self, frame: int) -> float:
        """Widget position of a frame's middle."""
        return NAMES + (frame + 0.5 - self._left) * self._scale

    def sizeHint(self) -> QSize:
        """Room for three lanes."""
        return QSize(600, RULER + 3 * (LANE + LANE_GAP) + PADDING)

    def minimumSizeHint(self) -> QSize:
        """Room for two lanes."""
        return QSize(320, RULER + 2 * (LANE + LANE_GAP) + PADDING)

    # --- zoom and scroll --------------------------------------------------------------------------------

    def show_all(self) -> None:
        """Fit the whole clip into the width."""
        self._scale = self._smallest_scale()
        self._left = 0.0
        self._repaint_all()

    def _room(self) -> float:
        return max(self.width() - NAMES - PADDING, 1)

    def _smallest_scale(self) -> float:
        return min(self._room() / max(self._frame_count, 1), WIDEST_FRAME)

    def _zoom(self, factor: float, x: float) -> None:
        frame = self._left + (x - NAMES) / self._scale
        self._scale = min(max(self._scale * factor, self._smallest_scale()), WIDEST_FRAME)
        self._scroll_to(frame - (x - NAMES) / self._scale)

    def _scroll_to(self, left: float) -> None:
        last = max(self._frame_count - self._room() / self._scale, 0.0)
        self._left = min(max(left, 0.0), last)
        self._repaint_all()

    def _shown_lanes(self) -> int:
        return max((self.height() - RULER - PADDING) // (LANE + LANE_GAP), 1)

    def _last_scroll(self) -> int:
        return max(len(self._lanes) - self._shown_lanes(), 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Stay fitted, or keep the left frame."""
        was_fitted = self._scale * self._frame_count <= event.oldSize().width() - NAMES - PADDING + 1
        if was_fitted or self._scale < self._smallest_scale():
            self.show_all()
        else:
            self._scroll_to(self._left)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the pointer; Shift (or a sideways wheel) scrolls; over the names, lanes scroll."""
        turned = event.angleDelta()
        notches = turned.y() / 120
        sideways = turned.x() / 120 or (
            notches if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 0
        )
        if sideways:
            self._scroll_to(self._left - sideways * self._room() / self._scale / 10)
        elif event.position().x() < NAMES:
            step = -1 if notches > 0 else 1
            self._scroll_lanes = min(max(self._scroll_lanes + step, 0), self._last_scroll())
            self._repaint_all()
        else:
            self._zoom(1.25**notches, event.position().x())
        event.accept()

    # --- pointer ----------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Scrub, drag in or out, pan with the middle button, or pick a lane by its name."""
        if self._frame_count == 0:
            return
        x = event.position().x()
        if event.button() == Qt.MouseButton.MiddleButton:
            self._drag, self._pan_from = "pan", x
        elif event.button() == Qt.MouseButton.LeftButton:
            lane = self._lane_at(event.position())
            if lane is not None:
                self.lane_clicked.emit(lane.object_id)
            if x >= NAMES - 4:
                self._drag = self._handle_at(event.position()) or "scrub"
                self._follow(x)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go on dragging."""
        x = event.position().x()
        if self._drag == "pan":
            self._scroll_to(self._left - (x - self._pan_from) / self._scale)
            self._pan_from = x
        elif self._drag:
            self._follow(x)
        elif self._handle_at(event.position()):
            self.setCursor(Qt.CursorShape.SizeHorCursor)
        else:
            self.unsetCursor()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Stop dragging."""
        self._drag = ""

    def _follow(self, x: float) -> None:
        frame = self.frame_at(x)
        if self._drag == "scrub":
            if frame != self._frame:
                self.scrubbed.emit(frame)
        elif self._drag == "in":
            self.span_changed.emit(Span(min(frame, self._span.stop - 1), self._span.stop))
        else:
            self.span_changed.emit(Span(self._span.start, max(frame, self._span.start) + 1))

    def frame_at(self, x: float) -> int:
        """The frame at a widget position, within the clip."""
        frame = int((x - NAMES) / self._scale + self._left)
        return min(max(frame, 0), max(self._frame_count - 1, 0))

    def _handle_at(self, position: QPointF) -> str:
        if position.y() > RULER:
            return ""
        for name, frame in (("in", self._span.start), ("out", self._span.stop)):
            if abs(NAMES + (frame - self._left) * self._scale - position.x()) <= 5 and self._has_range():
                return name
        return ""

    def _has_range(self) -> bool:
        return len(self._span) < self._frame_count

    def _lane_at(self, position: QPointF) -> Lane | None:
        row = int((position.y() - RULER) // (LANE + LANE_GAP)) + self._scroll_lanes
        return self._lanes[row] if position.y() >= RULER and row < len(self._lanes) else None

    def event(self, event: QEvent) -> bool:
        """A tooltip with the frame's own number and state."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent) and self._frame_count:
            at = QPointF(event.pos())
            lane, frame = self._lane_at(at), self.frame_at(at.x())
            text = f"Frame {frame + self._first_number}"
            if lane is not None:
                names = {mark: name for mark, name, _ in LEGEND} | {Mark.PREVIEWED: "Preview"}
                text += f", {lane.name}: {names[Mark(int(lane.marks[frame]))].lower()}"
            QToolTip.showText(event.globalPos(), text, self)
            return True
        return super().event(event)

    # --- painting ---------------------------------------------------------------------------------------

    def _repaint_all(self) -> None:
        self._blit = None
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Blit the lanes, draw the playhead."""
        painter = QPainter(self)
        if self._blit is None or self._blit.devicePixelRatio() != self.devicePixelRatioF():
            self._blit = self._drawn()
        painter.drawPixmap(0, 0, self._blit)
        if self._frame_count:
            self._draw_playhead(painter)

    def _drawn(self) -> QPixmap:
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap(self.size() * ratio)
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(QColor(theme.WINDOW))
        if self._frame_count:
            painter = QPainter(pixmap)
            painter.setFont(self.font())
            self._draw_ruler(painter)
            for row in range(self._shown_lanes()):
                if row + self._scroll_lanes < len(self._lanes):
                    top = RULER + row * (LANE + LANE_GAP)
                    self._draw_lane(painter, self._lanes[row + self._scroll_lanes], top)
            painter.end()
        return pixmap

    def _visible(self) -> tuple[int, int]:
        first = max(int(self._left), 0)
        return first, min(int(self._left + self._room() / self._scale) + 2, self._frame_count)

    def _x(self, frame: float) -> float:
        return min(max(NAMES + (frame - self._left) * self._scale, NAMES), self.width() - PADDING)

    def _draw_ruler(self, painter: QPainter) -> None:
        bar = QRectF(self._x(0), RULER - 5, self._x(self._frame_count) - self._x(0), 3)
        painter.fillRect(bar, QColor(theme.RAISED))
        bar.setRight(self._x(self._cached))
        painter.fillRect(bar, QColor(theme.LINE).lighter(150))
        if self._has_range():
            bar.setLeft(self._x(self._span.start))
            bar.setRight(self._x(self._span.stop))
            painter.fillRect(bar, QColor(theme.IN_OUT))
            for frame in (self._span.start, self._span.stop):
                painter.fillRect(QRectF(self._x(frame) - 1.5, RULER - 13, 3, 12), QColor(theme.IN_OUT))
        label_width = (
            painter.fontMetrics().horizontalAdvance(str(self._frame_count + self._first_number)) + 18
        )
        step = next((s for s in TICK_STEPS if s * self._scale >= label_width), TICK_STEPS[-1])
        first, stop = self._visible()
        for frame in range(first, stop):
            number = frame + self._first_number
            if number % step == 0 or (frame == 0 and step > 1 and self._first_number % step < step / 2):
                painter.setPen(QColor(theme.MUTED))
                x = self._x(frame)
                painter.drawText(QPointF(x + 3, RULER - 9), str(number))
                painter.setPen(QColor(theme.LINE).lighter(130))
                painter.drawLine(QPointF(x, 6), QPointF(x, RULER - 6))

    def _draw_lane(self, painter: QPainter, lane: Lane, top: int) -> None:
        if lane.object_id == self._selected:
            painter.fillRect(QRectF(0, top - 1, self.width(), LANE + 2), QColor(theme.RAISED))
        painter.fillRect(QRectF(8, top + 4, 4, LANE - 8), lane.colour)
        painter.setPen(QColor(theme.TEXT if lane.visible else theme.DISABLED))
        names = QRectF(18, top, NAMES - 26, LANE)
        name = painter.fontMetrics().elidedText(lane.name, Qt.TextElideMode.ElideRight, int(names.width()))
        painter.drawText(names, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)
        body = QRectF(self._x(0), top + 2, self._x(self._frame_count) - self._x(0), LANE - 4)
        painter.fillRect(body, QColor(theme.CANVAS))
        first, stop = self._visible()
        for start, end, mark in runs(lane.marks[first:stop]):
            left, right = self._x(first + start), self._x(first + end)
            draw_run(painter, QRectF(left, top + 2, max(right - left, 1.5), LANE - 4), mark, lane.colour)
        if self._scale >= 5:
            painter.setPen(QColor(0, 0, 0, 70))
            for frame in range(first + 1, stop):
                painter.drawLine(QPointF(self._x(frame), top + 2), QPointF(self._x(frame), top + LANE - 3))
        for place in np.flatnonzero(lane.marks[first:stop] >= Mark.APPROVED):
            mark = Mark(int(lane.marks[first + place]))
            centre = QPointF(self.x_of(first + int(place)), top + LANE / 2)
            draw_sign(painter, centre, mark, min(10.0, max(self._scale + 3, 6.0)))
        self._shade_outside(painter, top)

    def _shade_outside(self, painter: QPainter, top: int) -> None:
        shade = QColor(theme.WINDOW)
        shade.setAlphaF(0.6)
        for start, stop in ((0, self._span.start), (self._span.stop, self._frame_count)):
            painter.fillRect(QRectF(self._x(start), top, self._x(stop) - self._x(start), LANE), shade)

    def _draw_playhead(self, painter: QPainter) -> None:
        x = self.x_of(self._frame)
        if not NAMES <= x <= self.width():
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme.PLAYHEAD), 1.5))
        painter.drawLine(QPointF(x, 8), QPointF(x, self.height() - 2))
        painter.setBrush(QColor(theme.PLAYHEAD))
        painter.setPen(Qt.PenStyle.NoPen)
        head = ((-6, 0), (6, 0), (6, 5), (0, 11), (-6, 5))
        painter.drawPolygon(QPolygonF([QPointF(x + dx, dy) for dx, dy in head]))
