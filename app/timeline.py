"""The timeline: a ruler, a lane an object with the state of every frame, curves, in and out, the playhead."""

from __future__ import annotations

from dataclasses import dataclass, field

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
from app.columns import Columns
from app.curve_painting import Marker, draw_curves, draw_marker, worst_markers
from app.findings import Findings, Mark
from app.lane_painting import LEGEND, draw_run, draw_sign, runs
from app.time_axis import TimeAxis
from vosengine.types import Span

RULER = 24  # heights in widget units
LANE, LANE_GAP = 20, 4
CURVES = 44
NAMES = 128  # width of the names' column
PADDING = 8
TICK_STEPS = (1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000)


@dataclass
class Lane:
    """One object's row; `previews` are frames that the model under training was tried on."""

    object_id: int
    name: str
    colour: QColor
    findings: Findings
    visible: bool = True
    previews: set[int] = field(default_factory=set)

    @property
    def marks(self) -> NDArray[np.uint8]:
        """uint8 (frames,) of `Mark`."""
        if not self.previews:
            return self.findings.marks
        marks = self.findings.marks.copy()
        tried = np.array(sorted(self.previews), np.intp)
        tried = tried[marks[tried] <= Mark.STALE]
        marks[tried] = Mark.PREVIEWED
        return marks


class Timeline(QWidget):
    """Shows lanes and lets the playhead be dragged. Frames in signals are 0-based."""

    scrubbed = Signal(int)
    lane_clicked = Signal(int)  # object id
    span_changed = Signal(object)  # Span, from dragging an in or out handle

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMouseTracking(True)
        self.setAccessibleName("Timeline")
        self._axis = TimeAxis(NAMES)
        self._first_number = 0
        self._lanes: list[Lane] = []
        self._changed = np.zeros(0, np.bool_)
        self._markers: list[Marker] = []  # as drawn last
        self._frame = 0
        self._span = Span(0, 0)
        self._selected = 0
        self._cached = 0
        self._scroll_lanes = 0
        self._drag = ""  # "", "scrub", "pan", "in", "out"
        self._pan_from = 0.0
        self._blit: QPixmap | None = None

    # --- what it shows ----------------------------------------------------------------------------------

    def set_clip(self, frame_count: int, first_number: int = 0) -> None:
        """A new clip; 0 frames for none. `first_number` is the source's own number of frame 0."""
        self._axis.frame_count, self._first_number = frame_count, first_number
        self._lanes, self._frame, self._span, self._cached = [], 0, Span(0, frame_count), 0
        self._changed = np.zeros(frame_count, np.bool_)
        self._scroll_lanes = 0
        self.show_all()

    def set_lanes(self, lanes: list[Lane], selected: int) -> None:
        """All rows anew, the top one first."""
        self._lanes, self._selected = lanes, selected
        self._scroll_lanes = min(self._scroll_lanes, self._last_scroll())
        self.refresh()

    def refresh(self) -> None:
        """Draw everything again: findings changed."""
        self._blit = None
        self.update()

    def set_changed(self, frames: set[int]) -> None:
        """The frames that the last run changed."""
        changed = np.zeros(self._axis.frame_count, np.bool_)
        changed[[frame for frame in frames if frame < len(changed)]] = True
        if not np.array_equal(changed, self._changed):
            self._changed = changed
            self.refresh()

    def set_frame(self, frame: int) -> None:
        """Move the playhead, and the view with it when it would leave."""
        self._frame = frame
        if self._drag != "pan" and self._axis.follow(frame):
            self.refresh()
        self.update()

    @property
    def lanes(self) -> list[Lane]:
        """The rows, the top one first."""
        return self._lanes

    def lane(self, object_id: int) -> Lane | None:
        """An object's row."""
        return next((lane for lane in self._lanes if lane.object_id == object_id), None)

    def set_selected(self, object_id: int) -> None:
        """Make another row stand out."""
        if object_id != self._selected:
            self._selected = object_id
            self.refresh()

    def set_span(self, span: Span) -> None:
        """The range between in and out."""
        if span != self._span:
            self._span = span
            self.refresh()

    def set_cached(self, count: int) -> None:
        """How many frames play from the cache."""
        self._cached = count
        self.refresh()

    def mark_at(self, object_id: int, frame: int) -> Mark:
        """What a lane shows for a frame."""
        lane = self.lane(object_id)
        return Mark.EMPTY if lane is None else Mark(int(lane.marks[frame]))

    def x_of(self, frame: int) -> float:
        """Widget position of a frame's middle."""
        return self._axis.middle(frame)

    def frame_at(self, x: float) -> int:
        """The frame at a widget position, within the clip."""
        return self._axis.frame_at(x)

    @property
    def markers(self) -> list[Marker]:
        """What can be clicked to go to its frame, as drawn last."""
        return self._markers

    def sizeHint(self) -> QSize:
        """Room for two lanes and the curves."""
        return QSize(600, RULER + 2 * (LANE + LANE_GAP) + CURVES + PADDING)

    def minimumSizeHint(self) -> QSize:
        """Room for one lane and the curves."""
        return QSize(320, RULER + LANE + LANE_GAP + CURVES + PADDING)

    # --- zoom and scroll --------------------------------------------------------------------------------

    def show_all(self) -> None:
        """Fit the whole clip into the width."""
        self._axis.resize(self.width() - NAMES - PADDING)
        self._axis.show_all()
        self.refresh()

    def _shown_lanes(self) -> int:
        return max((self.height() - RULER - CURVES - PADDING) // (LANE + LANE_GAP), 1)

    def _last_scroll(self) -> int:
        return max(len(self._lanes) - self._shown_lanes(), 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Stay fitted, or keep the left frame."""
        self._axis.resize(self.width() - NAMES - PADDING)
        self.refresh()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the pointer; Shift (or a sideways wheel) scrolls; over the names, lanes scroll."""
        turned = event.angleDelta()
        notches = turned.y() / 120
        sideways = turned.x() / 120 or (
            notches if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 0
        )
        if sideways:
            self._axis.scroll_to(self._axis.left - sideways * self._axis.shown / 10)
        elif event.position().x() < NAMES:
            step = -1 if notches > 0 else 1
            self._scroll_lanes = min(max(self._scroll_lanes + step, 0), self._last_scroll())
        else:
            self._axis.zoom(1.25**notches, event.position().x())
        self.refresh()
        event.accept()

    # --- pointer ----------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go to a marker, scrub, drag in or out, pan with the middle button, or pick a lane by its name."""
        if self._axis.frame_count == 0:
            return
        x = event.position().x()
        if event.button() == Qt.MouseButton.MiddleButton:
            self._drag, self._pan_from = "pan", x
        elif event.button() == Qt.MouseButton.LeftButton:
            marker, lane = self._marker_at(event.position()), self._lane_at(event.position())
            if marker is not None:
                self.lane_clicked.emit(marker.object_id)
                self.scrubbed.emit(marker.frame)
                return
            if lane is not None:
                self.lane_clicked.emit(lane.object_id)
            if x >= NAMES - 4:
                self._drag = self._handle_at(event.position()) or "scrub"
                self._follow(x)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go on dragging."""
        x = event.position().x()
        if self._drag == "pan":
            self._axis.scroll_to(self._axis.left - (x - self._pan_from) / self._axis.scale)
            self._pan_from = x
            self.refresh()
        elif self._drag:
            self._follow(x)
        elif self._handle_at(event.position()):
            self.setCursor(Qt.CursorShape.SizeHorCursor)
        elif self._marker_at(event.position()) is not None:
            self.setCursor(Qt.CursorShape.PointingHandCursor)
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

    def _handle_at(self, position: QPointF) -> str:
        if position.y() > RULER:
            return ""
        for name, frame in (("in", self._span.start), ("out", self._span.stop)):
            x = NAMES + (frame - self._axis.left) * self._axis.scale
            if abs(x - position.x()) <= 5 and self._has_range():
                return name
        return ""

    def _has_range(self) -> bool:
        return len(self._span) < self._axis.frame_count

    def _lane_at(self, position: QPointF) -> Lane | None:
        row = int((position.y() - RULER) // (LANE + LANE_GAP))
        if not RULER <= position.y() < self._curves_top() or row >= self._shown_lanes():
            return None
        row += self._scroll_lanes
        return self._lanes[row] if row < len(self._lanes) else None

    def _marker_at(self, position: QPointF) -> Marker | None:
        near = [marker for marker in self._markers if marker.is_at(position)]
        return min(near, key=lambda marker: abs(marker.x - position.x()), default=None)

    def event(self, event: QEvent) -> bool:
        """A tooltip with the frame's own number and what is known of it."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent) and self._axis.frame_count:
            QToolTip.showText(event.globalPos(), self._help(QPointF(event.pos())), self)
            return True
        return super().event(event)

    def _help(self, at: QPointF) -> str:
        marker = self._marker_at(at)
        frame = self.frame_at(at.x()) if marker is None else marker.frame
        lane = self._lane_at(at) if marker is None else self.lane(marker.object_id)
        if lane is None and at.y() >= self._curves_top():
            lane = self.lane(self._selected)
        text = f"Frame {frame + self._first_number}"
        if lane is not None:
            names = {mark: name for mark, name, _ in LEGEND} | {Mark.PREVIEWED: "Preview"}
            text += f", {lane.name}: {names[Mark(int(lane.marks[frame]))].lower()}"
            quality, area = float(lane.findings.quality[frame]), float(lane.findings.area[frame])
            if lane.findings.listed[frame]:
                text += f"\nEstimated J {quality:.2f}"
            if np.isfinite(area):
                text += f"\nCovers {area:.1%} of the frame"
        if self._changed[frame]:
            text += "\nChanged by the last run"
        return text + ("\nClick to go there" if marker is not None else "")

    # --- painting ---------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Blit the lanes, draw the playhead."""
        painter = QPainter(self)
        if self._blit is None or self._blit.devicePixelRatio() != self.devicePixelRatioF():
            self._blit = self._drawn()
        painter.drawPixmap(0, 0, self._blit)
        if self._axis.frame_count:
            self._draw_playhead(painter)

    def changeEvent(self, event: QEvent) -> None:
        """Draw anew in other colours."""
        if event.type() == QEvent.Type.PaletteChange:
            self.refresh()
        super().changeEvent(event)

    def _drawn(self) -> QPixmap:
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap(self.size() * ratio)
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(QColor(theme.colours().window))
        self._markers = []
        if self._axis.frame_count:
            painter = QPainter(pixmap)
            painter.setFont(self.font())
            columns = self._axis.columns
            self._draw_ruler(painter, columns)
            for row in range(self._shown_lanes()):
                if row + self._scroll_lanes < len(self._lanes):
                    top = RULER + row * (LANE + LANE_GAP)
                    self._draw_lane(painter, self._lanes[row + self._scroll_lanes], top, columns)
            self._draw_curves(painter, columns)
            painter.end()
        return pixmap

    def _draw_ruler(self, painter: QPainter, columns: Columns) -> None:
        edge = self._axis.edge
        bar = QRectF(edge(0), RULER - 8, edge(self._axis.frame_count) - edge(0), 3)
        painter.fillRect(bar, QColor(theme.colours().raised))
        bar.setRight(edge(self._cached))
        painter.fillRect(bar, QColor(theme.colours().tick))
        if self._has_range():
            bar.setLeft(edge(self._span.start))
            bar.setRight(edge(self._span.stop))
            painter.fillRect(bar, QColor(theme.colours().in_out))
            for frame in (self._span.start, self._span.stop):
                painter.fillRect(QRectF(edge(frame) - 1.5, RULER - 15, 3, 12), QColor(theme.colours().in_out))
        accent = QColor(theme.colours().accent)
        for start, stop, changed in runs(columns.any(self._changed).view(np.uint8)):
            if changed:
                left, right = columns.edges[start], columns.edges[stop]
                painter.fillRect(QRectF(left, RULER - 4, max(right - left, 2), 2), accent)
        self._draw_numbers(painter)

    def _draw_numbers(self, painter: QPainter) -> None:
        last = str(self._axis.frame_count + self._first_number)
        label_width = painter.fontMetrics().horizontalAdvance(last) + 18
        step = next((s for s in TICK_STEPS if s * self._axis.scale >= label_width), TICK_STEPS[-1])
        visible, first = self._axis.visible, self._first_number
        ticks = list(range(visible.start + (-(visible.start + first)) % step, visible.stop, step))
        if visible.start == 0 and step > 1 and 0 < first % step < step / 2:
            ticks.insert(0, 0)
        for frame in ticks:
            x = self._axis.edge(frame)
            painter.setPen(QColor(theme.colours().muted))
            painter.drawText(QPointF(x + 3, RULER - 11), str(frame + first))
            painter.setPen(QColor(theme.colours().tick))
            painter.drawLine(QPointF(x, 4), QPointF(x, RULER - 9))

    def _draw_lane(self, painter: QPainter, lane: Lane, top: int, columns: Columns) -> None:
        if lane.object_id == self._selected:
            painter.fillRect(QRectF(0, top - 1, self.width(), LANE + 2), QColor(theme.colours().raised))
        painter.fillRect(QRectF(8, top + 4, 4, LANE - 8), lane.colour)
        painter.setPen(QColor(theme.colours().text if lane.visible else theme.colours().disabled))
        names = QRectF(18, top, NAMES - 26, LANE)
        name = painter.fontMetrics().elidedText(lane.name, Qt.TextElideMode.ElideRight, int(names.width()))
        painter.drawText(names, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)
        painter.fillRect(self._body(top + 2, LANE - 4), QColor(theme.colours().canvas))
        marks = columns.largest(lane.marks)
        for start, stop, mark in runs(marks):
            left, right = columns.edges[start], columns.edges[stop]
            draw_run(painter, QRectF(left, top + 2, max(right - left, 1.5), LANE - 4), mark, lane.colour)
        if self._axis.scale >= 5:
            painter.setPen(QColor(0, 0, 0, 70))
            for x in columns.edges[1:-1]:
                painter.drawLine(QPointF(x, top + 2), QPointF(x, top + LANE - 3))
        self._draw_signs(painter, lane, top, columns, marks)
        self._shade_outside(painter, top, LANE)

    def _draw_signs(
        self, painter: QPainter, lane: Lane, top: int, columns: Columns, marks: NDArray[np.uint8]
    ) -> None:
        """What a person vouched for, as far as there is room."""
        size, last = min(10.0, max(self._axis.scale + 3, 6.0)), -np.inf
        apart = size if self._axis.scale < 1 else self._axis.scale
        for place in np.flatnonzero(marks >= Mark.APPROVED).tolist():
            if columns.edges[place + 1] - last < apart:
                continue
            frames = columns.frames_of(place)
            frame = frames.start + int(np.argmax(lane.marks[frames.start : frames.stop] == marks[place]))
            marker = Marker(self._axis.middle(frame), top + LANE / 2, lane.object_id, frame)
            draw_sign(painter, QPointF(marker.x, marker.y), Mark(int(marks[place])), size)
            self._markers.append(marker)
            last = marker.x

    def _draw_curves(self, painter: QPainter, columns: Columns) -> None:
        lane, top = self.lane(self._selected), self._curves_top()
        if lane is None:
            return
        body = self._body(top, CURVES)
        draw_curves(painter, body, columns, lane.findings, lane.colour)
        found = worst_markers(self._axis, top + 6, lane.object_id, lane.findings)
        for marker in found:
            draw_marker(painter, marker)
        self._markers += found
        self._shade_outside(painter, top, CURVES)
        names = ((lane.colour.lighter(115), "Estimated J"), (QColor(theme.colours().muted), "Area"))
        for row, (colour, name) in enumerate(names):
            middle = top + CURVES * (0.27 + 0.46 * row)
            painter.setPen(QPen(colour, 2))
            painter.drawLine(QPointF(18, middle), QPointF(30, middle))
            painter.setPen(QColor(theme.colours().muted))
            place = QRectF(36, middle - 10, NAMES - 40, 20)
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)

    def _curves_top(self) -> int:
        return self.height() - CURVES - PADDING

    def _body(self, top: float, height: float) -> QRectF:
        left = self._axis.edge(0)
        return QRectF(left, top, self._axis.edge(self._axis.frame_count) - left, height)

    def _shade_outside(self, painter: QPainter, top: int, height: int) -> None:
        shade, edge = QColor(theme.colours().window), self._axis.edge
        shade.setAlphaF(0.6)
        for start, stop in ((0, self._span.start), (self._span.stop, self._axis.frame_count)):
            painter.fillRect(QRectF(edge(start), top, edge(stop) - edge(start), height), shade)

    def _draw_playhead(self, painter: QPainter) -> None:
        x = self.x_of(self._frame)
        if not NAMES <= x <= self.width():
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme.colours().playhead), 1.5))
        painter.drawLine(QPointF(x, 8), QPointF(x, self.height() - 2))
        painter.setBrush(QColor(theme.colours().playhead))
        painter.setPen(Qt.PenStyle.NoPen)
        head = ((-6, 0), (6, 0), (6, 5), (0, 11), (-6, 5))
        painter.drawPolygon(QPolygonF([QPointF(x + dx, dy) for dx, dy in head]))
