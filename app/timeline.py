"""The timeline: a ruler, a lane an object with the state of every frame, curves, in and out, the playhead."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QHelpEvent,
    QImage,
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
from app.film_strip import FilmStrip
from app.findings import Mark
from app.key_painting import draw_keys, key_markers
from app.lane import CURVES, LANES, PADDING, RULER, STRIP, Lane, Rows
from app.lane_painting import LEGEND, draw_lane, draw_sign
from app.language import tr
from app.ruler_painting import draw_numbers, draw_ruler
from app.time_axis import TimeAxis
from vosengine.types import Span

NAMES = 128  # width of the names' column
HANDLE_TOP = 8  # above, the ruler scrubs at the in and out points too
ZOOM_STEP = 1.25
PLAYHEAD = 8  # half of its width at most


class Timeline(QWidget):
    """Shows lanes and lets the playhead be dragged. Frames in signals are 0-based.

    `follows`: whether the view is scrolled when the playhead would leave it.
    """

    scrubbed = Signal(int)
    lane_clicked = Signal(int)  # object id
    span_changed = Signal(object)  # Span, from dragging an in or out handle
    lanes_scaled = Signal(int)  # a lane's new height, from the wheel

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMouseTracking(True)
        self.setAccessibleName(tr("Timeline"))
        self._axis = TimeAxis(NAMES)
        self._rows = Rows()
        self.strip = FilmStrip(self)
        self.follows = True
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
        self._pressed = QPointF()
        self._moved = False  # since the press, far enough to mean it
        self._pan_from = 0.0
        self._blit: QPixmap | None = None

    # --- what it shows ----------------------------------------------------------------------------------

    def set_clip(self, frame_count: int, first_number: int = 0, size: tuple[int, int] = (16, 9)) -> None:
        """A new clip; 0 frames for none. `first_number` is the source's own number of frame 0, `size` its
        (width, height).
        """
        self.strip.set_clip(size)
        self._axis.frame_count, self._first_number = frame_count, first_number
        self._lanes, self._frame, self._span, self._cached = [], 0, Span(0, frame_count), 0
        self._changed = np.zeros(frame_count, np.bool_)
        self._scroll_lanes = 0
        self.show_all()

    def set_lanes(self, lanes: list[Lane], selected: int) -> None:
        """All rows anew, the top one first."""
        self._lanes, self._selected = lanes, selected
        self._show_selected()
        self.refresh()

    def set_rows(self, strip: bool, lane: int) -> None:
        """Whether the film strip is shown, and the height of a lane, clipped to what makes sense."""
        self._rows.strip, self._rows.lane = strip, min(max(lane, LANES.start), LANES[-1])
        self._scroll_lanes = min(self._scroll_lanes, self._last_scroll())
        self.updateGeometry()
        self.refresh()

    def show_picture(self, frame: int, picture: QImage) -> None:
        """A picture for the film strip."""
        self.strip.put(frame, picture)
        self.update(0, RULER, self.width(), STRIP + 1)

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
        former, self._frame = self._frame, frame
        if self.follows and self._drag != "pan" and self._axis.follow(frame):
            self.refresh()
        for each in (former, frame):
            self.update(round(self.x_of(each)) - PLAYHEAD, 0, 2 * PLAYHEAD, self.height())

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
            self._show_selected()
            self.refresh()

    def set_span(self, span: Span) -> None:
        """The range between in and out."""
        if span != self._span:
            self._span = span
            self.refresh()

    def set_cached(self, count: int) -> None:
        """How many frames play from the cache."""
        edge, former = self._axis.edge, self._cached
        self._cached = count
        if round(edge(count)) != round(edge(former)):  # thousands of frames may take a pixel
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

    @property
    def lane_height(self) -> int:
        """In widget units."""
        return self._rows.lane

    def sizeHint(self) -> QSize:
        """Room for two lanes and the curves."""
        return QSize(600, self._rows.needed(2))

    def minimumSizeHint(self) -> QSize:
        """Room for one lane and the curves."""
        return QSize(320, self._rows.needed(1))

    # --- zoom and scroll --------------------------------------------------------------------------------

    def show_all(self) -> None:
        """Fit the whole clip into the width."""
        self._axis.resize(self.width() - NAMES - PADDING)
        self._axis.show_all()
        self.refresh()

    def zoom_by(self, notches: float, x: float | None = None) -> None:
        """Zoom about a widget position, by default the playhead, or the middle where that is out of sight."""
        if x is None:
            x = self.x_of(self._frame)
            x = x if NAMES <= x <= self.width() else (NAMES + self.width()) / 2
        self._axis.zoom(ZOOM_STEP**notches, x)
        self.refresh()

    def scroll_by(self, share: float) -> None:
        """Scroll on by a share of what is shown; back if negative."""
        self._axis.scroll_to(self._axis.left + share * self._axis.shown)
        self.refresh()

    def _last_scroll(self) -> int:
        return max(len(self._lanes) - self._rows.shown, 0)

    def _show_selected(self) -> None:
        """Scroll the lanes as little as brings the selected one into sight."""
        row = next((r for r, lane in enumerate(self._lanes) if lane.object_id == self._selected), 0)
        scrolled = max(self._scroll_lanes, row - self._rows.shown + 1)
        self._scroll_lanes = min(scrolled, row, self._last_scroll())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Stay fitted, or keep the left frame."""
        self._rows.height = self.height()
        self._show_selected()
        self._axis.resize(self.width() - NAMES - PADDING)
        self.refresh()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the pointer; Shift (or a sideways wheel) scrolls. Over the names, lanes scroll, and with
        Ctrl become taller or lower.
        """
        turned = event.angleDelta()
        notches = turned.y() / 120
        sideways = turned.x() / 120 or (
            notches if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 0
        )
        if sideways:
            self.scroll_by(-sideways / 10)
        elif event.position().x() < NAMES:
            step = -1 if notches > 0 else 1
            if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
                self.lanes_scaled.emit(self._rows.lane - step * LANES.step)
                return
            self._scroll_lanes = min(max(self._scroll_lanes + step, 0), self._last_scroll())
        else:
            self._axis.zoom(ZOOM_STEP**notches, event.position().x())
        self.refresh()
        event.accept()

    # --- pointer ----------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go to a marker, scrub, drag in or out, pan with the middle button, or pick a lane by its name."""
        if self._axis.frame_count == 0:
            return
        x = event.position().x()
        self._pressed, self._moved = event.position(), False
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
                if self._drag == "scrub":
                    self._follow(x)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go on dragging."""
        x = event.position().x()
        if self._drag == "pan":
            self._axis.scroll_to(self._axis.left - (x - self._pan_from) / self._axis.scale)
            self._pan_from = x
            self.refresh()
        elif self._drag:
            self._moved = self._moved or abs(x - self._pressed.x()) >= 2
            if self._moved:
                self._follow(x)
        elif self._handle_at(event.position()):
            self.setCursor(Qt.CursorShape.SizeHorCursor)
        elif self._marker_at(event.position()) is not None:
            self.setCursor(Qt.CursorShape.PointingHandCursor)
        else:
            self.unsetCursor()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Stop dragging; a click on a handle goes there like any other."""
        if self._drag in ("in", "out") and not self._moved:
            self.scrubbed.emit(self.frame_at(event.position().x()))
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
        if not HANDLE_TOP <= position.y() <= RULER:
            return ""
        for name, frame in (("in", self._span.start), ("out", self._span.stop)):
            if abs(self._axis.place(frame) - position.x()) <= 5:
                return name
        return ""

    def _lane_at(self, position: QPointF) -> Lane | None:
        row = self._rows.at(position.y())
        if row is None or row + self._scroll_lanes >= len(self._lanes):
            return None
        return self._lanes[row + self._scroll_lanes]

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
        if lane is None and at.y() >= self._rows.curves_top:
            lane = self.lane(self._selected)
        text = tr("Frame {number}").format(number=frame + self._first_number)
        if lane is not None:
            names = {mark: name for mark, name, _ in LEGEND} | {Mark.PREVIEWED: tr("Preview")}
            text += f", {lane.name}: {names[Mark(int(lane.marks[frame]))].lower()}"
            quality, area = float(lane.findings.quality[frame]), float(lane.findings.area[frame])
            if lane.findings.listed[frame]:
                text += "\n" + tr("Estimated J {quality:.2f}").format(quality=quality)
            if np.isfinite(area):
                text += "\n" + tr("Covers {area:.1%} of the frame").format(area=area)
        if self._changed[frame]:
            text += "\n" + tr("Changed by the last run")
        return text + ("\n" + tr("Click to go there") if marker is not None else "")

    # --- painting ---------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Everything."""
        self.paint(QPainter(self))

    def paint(self, painter: QPainter) -> None:
        """Blit the lanes, draw the film strip and the playhead."""
        if self._blit is None or self._blit.devicePixelRatio() != self.devicePixelRatioF():
            self._blit = self._drawn()
        painter.drawPixmap(0, 0, self._blit)
        if self._axis.frame_count:
            if self._rows.strip:
                self.strip.draw(painter, self._axis, RULER, self.devicePixelRatioF())
                self._shade_outside(painter, RULER, STRIP)
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
            draw_ruler(painter, self._axis, columns, self._span, self._cached, self._changed)
            draw_numbers(painter, self._axis, self._first_number)
            shown = self._lanes[self._scroll_lanes : self._scroll_lanes + self._rows.shown]
            for row, lane in enumerate(shown):
                self._draw_lane(painter, lane, self._rows.top(row), columns)
            self._draw_curves(painter, columns)
            painter.end()
        return pixmap

    def _draw_lane(self, painter: QPainter, lane: Lane, top: int, columns: Columns) -> None:
        height = self._rows.lane
        if lane.object_id == self._selected:
            painter.fillRect(QRectF(0, top - 1, self.width(), height + 2), QColor(theme.colours().raised))
        painter.fillRect(QRectF(8, top + 4, 4, height - 8), lane.colour)
        painter.setPen(QColor(theme.colours().text if lane.visible else theme.colours().disabled))
        names = QRectF(18, top, NAMES - 26, height)
        name = painter.fontMetrics().elidedText(lane.name, Qt.TextElideMode.ElideRight, int(names.width()))
        painter.drawText(names, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)
        painter.fillRect(self._body(top + 2, height - 4), QColor(theme.colours().canvas))
        marks = columns.largest(lane.marks)
        draw_lane(painter, columns, marks, top + 2, height - 4, lane.colour)
        if self._axis.scale >= 5:
            painter.setPen(QColor(theme.colours().seam))
            for x in columns.edges[1:-1]:
                painter.drawLine(QPointF(x, top + 2), QPointF(x, top + height - 3))
        self._draw_signs(painter, lane, top, columns, marks)
        keys = key_markers(self._axis, top + height - 4, lane.object_id, lane.keys)
        draw_keys(painter, keys, self.palette())
        self._markers += keys
        self._shade_outside(painter, top, height)

    def _draw_signs(
        self, painter: QPainter, lane: Lane, top: int, columns: Columns, marks: NDArray[np.uint8]
    ) -> None:
        """What a person vouched for, as far as there is room."""
        size, last = min(10.0, max(self._axis.scale + 3, 6.0)), -np.inf
        apart = size if self._axis.scale < 1 else self._axis.scale
        places = np.flatnonzero(marks >= Mark.APPROVED)
        rights = columns.edges[places + 1].tolist()
        for place, right in zip(places.tolist(), rights, strict=True):
            if right - last < apart:
                continue
            frames = columns.frames_of(place)
            frame = frames.start + int(np.argmax(lane.marks[frames.start : frames.stop] == marks[place]))
            marker = Marker(self._axis.middle(frame), top + self._rows.lane / 2, lane.object_id, frame)
            draw_sign(painter, QPointF(marker.x, marker.y), Mark(int(marks[place])), size)
            self._markers.append(marker)
            last = marker.x

    def _draw_curves(self, painter: QPainter, columns: Columns) -> None:
        lane, top = self.lane(self._selected), self._rows.curves_top
        if lane is None:
            return
        body = self._body(top, CURVES)
        draw_curves(painter, body, columns, lane.findings, lane.colour)
        found = worst_markers(self._axis, top + 6, lane.object_id, lane.findings)
        for marker in found:
            draw_marker(painter, marker)
        self._markers += found
        self._shade_outside(painter, top, CURVES)
        names = ((lane.colour.lighter(115), tr("Estimated J")), (QColor(theme.colours().muted), tr("Area")))
        for row, (colour, name) in enumerate(names):
            middle = top + CURVES * (0.27 + 0.46 * row)
            painter.setPen(QPen(colour, 2))
            painter.drawLine(QPointF(18, middle), QPointF(30, middle))
            painter.setPen(QColor(theme.colours().muted))
            place = QRectF(36, middle - 10, NAMES - 40, 20)
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)

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
