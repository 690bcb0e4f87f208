"""The viewer: shows a finished picture, follows the pointer, and tells in clip pixels what it drew.

Nothing is decoded or composited here. A stroke under the pen is painted live with the same colours its result
will have; what it means is decided by whoever listens.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QEnterEvent,
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
    QResizeEvent,
    QTransform,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from app import theme
from app.live_stroke import LiveLook, stroke_brush
from app.viewport import Viewport, fitted
from vosengine.types import Box

WHEEL_STEP = 1.2  # zoom per notch
SMOOTH_BELOW = 3.0  # image pixels larger than this many screen pixels are shown as squares
SMALLEST_BOX = 3.0  # clip pixels; anything smaller was a click


class Gesture(Enum):
    """What dragging on the canvas does."""

    NONE = "none"
    PAINT = "paint"
    BOX = "box"


@dataclass(frozen=True)
class Pointer:
    """How the pointer acts. `radius` in clip pixels; `look` and `subtract_look` paint the live stroke."""

    gesture: Gesture = Gesture.NONE
    radius: float = 0.0
    look: LiveLook | None = None
    subtract_look: LiveLook | None = None


class Canvas(QWidget):
    """One frame under a zoomable viewport. All positions in signals are in clip pixels."""

    stroke_changed = Signal(tuple, bool)  # points so far, subtracts
    stroke_finished = Signal(tuple, bool)  # all points, subtracts
    box_drawn = Signal(object)  # Box, inside the frame
    abandoned = Signal()  # Esc took the stroke or box under the pen away
    hovered = Signal(object)  # (x, y), or None when the pointer leaves the frame
    scale_changed = Signal(float)  # screen pixels a clip pixel
    space_tapped = Signal()
    radius_scrolled = Signal(int)  # Ctrl+wheel notches

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(QSize(320, 180))
        self.setAccessibleName("Viewer")
        self._clip_size: tuple[int, int] | None = None
        self._picture = QImage()
        self._bare = QImage()
        self._viewport = Viewport()
        self._fits = True  # keeps fitting until the user zooms or pans
        self._pointer = Pointer()
        self._boxes: list[tuple[Box, QColor]] = []
        self._stroke: list[tuple[float, float]] = []
        self._subtracts = False
        self._button = Qt.MouseButton.NoButton
        self._lingering = False  # the finished stroke stays until its picture arrives
        self._box_start: tuple[float, float] | None = None
        self._pan_from: QPointF | None = None
        self._space_down = self._space_used = False
        self._at: QPointF | None = None
        self._blit = QPixmap()
        self._blit_key: tuple[object, ...] = ()

    # --- what it shows ----------------------------------------------------------------------------------

    def set_clip_size(self, size: tuple[int, int] | None) -> None:
        """The clip's (width, height); None shows nothing."""
        self._clip_size = size
        self._picture = self._bare = QImage()
        self._boxes, self._stroke = [], []
        self.fit()

    def set_picture(self, picture: QImage, bare: QImage) -> None:
        """Show a picture of the frame at any resolution; `bare` is the frame without masks."""
        self._picture, self._bare = picture, bare
        if self._lingering:
            self._stroke, self._lingering = [], False
        self.update()

    def set_pointer(self, pointer: Pointer) -> None:
        """What the pointer does from now on."""
        self._pointer = pointer
        self._update_cursor()
        self.update()

    def set_boxes(self, boxes: list[tuple[Box, QColor]]) -> None:
        """Boxes drawn over the frame."""
        self._boxes = boxes
        self.update()

    @property
    def picture(self) -> QImage:
        """What is shown now."""
        return self._picture

    @property
    def viewport(self) -> Viewport:
        """Where the frame lies."""
        return self._viewport

    @property
    def is_drawing(self) -> bool:
        """Whether a stroke or box is under the pen."""
        return self._box_start is not None or (bool(self._stroke) and not self._lingering)

    # --- zoom and pan -----------------------------------------------------------------------------------

    def fit(self) -> None:
        """Show the whole frame, also after the widget is resized."""
        self._fits = True
        if self._clip_size is not None:
            self._place(fitted(self._clip_size, self._size()))
        self.update()

    def actual_size(self) -> None:
        """One clip pixel to one screen pixel, round the widget's centre."""
        scale = 1 / self.devicePixelRatioF()
        self.zoom_by(scale / self._viewport.scale, QPointF(self.rect().center()))

    def zoom_by(self, factor: float, at: QPointF | None = None) -> None:
        """Zoom about a widget position, by default the pointer or else the centre."""
        if self._clip_size is None:
            return
        point = at or self._at or QPointF(self.rect().center())
        self._fits = False
        self._place(self._viewport.zoomed(factor, point.x(), point.y()))

    def _place(self, viewport: Viewport) -> None:
        if self._clip_size is not None:
            viewport = viewport.kept_in_sight(self._clip_size, self._size())
        self._viewport = viewport
        self.scale_changed.emit(viewport.scale * self.devicePixelRatioF())
        self.update()

    def _size(self) -> tuple[int, int]:
        return self.width(), self.height()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit again, or keep the centre where it was."""
        if self._clip_size is not None and self._fits:
            self.fit()
        elif self._clip_size is not None and event.oldSize().isValid():
            grown = event.size() - event.oldSize()
            self._place(self._viewport.panned(grown.width() / 2, grown.height() / 2))

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom to the pointer; with Ctrl the brush grows or shrinks."""
        notches = event.angleDelta().y() / 120 or event.pixelDelta().y() / 60
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.radius_scrolled.emit(1 if notches > 0 else -1)
        else:
            self.zoom_by(WHEEL_STEP**notches, event.position())
        event.accept()

    # --- pointer ----------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to pan, to draw or to drag a box."""
        if self._clip_size is None or self.is_drawing:
            return
        if event.button() == Qt.MouseButton.MiddleButton or self._space_down:
            self._pan_from, self._space_used = event.position(), True
            self._update_cursor()
            return
        if event.button() not in (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton):
            return
        self._button = event.button()
        at = self._clip_position(event.position())
        if self._pointer.gesture is Gesture.BOX:
            self._box_start = at
        elif self._pointer.gesture is Gesture.PAINT:
            alt = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
            self._subtracts = alt or event.button() == Qt.MouseButton.RightButton
            self._stroke, self._lingering = [at], False
            self.stroke_changed.emit(tuple(self._stroke), self._subtracts)
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go on with what the press began."""
        self._at = event.position()
        if self._clip_size is None:
            return
        if self._pan_from is not None:
            step = event.position() - self._pan_from
            self._pan_from, self._fits = event.position(), False
            self._place(self._viewport.panned(step.x(), step.y()))
        elif self.is_drawing and self._box_start is None:
            self._stroke.append(self._clip_position(event.position()))
            self.stroke_changed.emit(tuple(self._stroke), self._subtracts)
        self._hover()
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Finish what the press began."""
        if self._pan_from is not None:
            self._pan_from = None
            self._update_cursor()
        elif event.button() != self._button:
            return
        elif self._box_start is not None:
            self._finish_box(event.position())
        elif self.is_drawing:
            self._lingering = True
            self.stroke_finished.emit(tuple(self._stroke), self._subtracts)
        self.update()

    def abandon(self) -> bool:
        """Drop the stroke or box under the pen; False when there is none."""
        drawing = self.is_drawing
        self._stroke, self._box_start, self._lingering = [], None, False
        self.update()
        return drawing

    def _finish_box(self, position: QPointF) -> None:
        assert self._clip_size is not None
        box = _box_between(self._box_start or (0, 0), self._clip_position(position))
        self._box_start = None
        box = box.clipped(*self._clip_size)
        if box.width >= SMALLEST_BOX and box.height >= SMALLEST_BOX:
            self.box_drawn.emit(box)

    def _clip_position(self, position: QPointF) -> tuple[float, float]:
        return self._viewport.to_clip(position.x(), position.y())

    def _hover(self) -> None:
        inside = None
        if self._at is not None and self._clip_size is not None:
            x, y = self._clip_position(self._at)
            if 0 <= x < self._clip_size[0] and 0 <= y < self._clip_size[1]:
                inside = (x, y)
        self.hovered.emit(inside)

    def enterEvent(self, event: QEnterEvent) -> None:
        """Show the brush."""
        self._at = event.position()
        self._hover()
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Hide the brush."""
        self._at = None
        self._hover()
        self.update()

    # --- Space: a tap plays, a drag pans -----------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        """Claim Space before it becomes a shortcut, to tell a tap from a drag."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and _is_space(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc drops what is under the pen, Space arms panning."""
        if event.key() == Qt.Key.Key_Escape and self.abandon():
            self.abandoned.emit()
            return
        if not _is_space(event) or self._clip_size is None:
            super().keyPressEvent(event)
        elif not event.isAutoRepeat():
            self._space_down, self._space_used = True, False
            self._update_cursor()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Space released without a drag is a tap."""
        if not _is_space(event) or self._clip_size is None:
            super().keyReleaseEvent(event)
        elif not event.isAutoRepeat() and self._space_down:
            self._space_down = False
            self._update_cursor()
            if not self._space_used:
                self.space_tapped.emit()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """A key released elsewhere is not heard of."""
        self._space_down = False
        self._update_cursor()
        super().focusOutEvent(event)

    def _update_cursor(self) -> None:
        if self._pan_from is not None:
            shape = Qt.CursorShape.ClosedHandCursor
        elif self._space_down:
            shape = Qt.CursorShape.OpenHandCursor
        elif self._pointer.gesture is Gesture.NONE or self._clip_size is None:
            shape = Qt.CursorShape.ArrowCursor
        else:
            shape = Qt.CursorShape.CrossCursor
        self.setCursor(shape)

    # --- painting ---------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Blit the picture; draw strokes, boxes and the brush as vectors on top."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.CANVAS))
        if self._clip_size is None or self._picture.isNull():
            return
        painter.drawPixmap(0, 0, self._scaled())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.save()
        painter.setTransform(QTransform(self._viewport.scale, 0, 0, self._viewport.scale,
                                        self._viewport.left, self._viewport.top))  # fmt: skip
        painter.setClipRect(QRectF(0, 0, *self._clip_size))
        look = self._pointer.subtract_look if self._subtracts else self._pointer.look
        if self._stroke and look is not None:
            self._draw_stroke(painter, look)
        painter.restore()
        self._draw_boxes(painter)
        self._draw_brush(painter)

    def _scaled(self) -> QPixmap:
        """The picture as it lies in the widget, kept until picture, viewport or size change."""
        ratio = self.devicePixelRatioF()
        key = (self._picture.cacheKey(), self._viewport, self._size(), ratio)
        if key != self._blit_key:
            assert self._clip_size is not None
            blit = QPixmap(self.size() * ratio)
            blit.setDevicePixelRatio(ratio)
            blit.fill(QColor(theme.CANVAS))
            width, height = (side * self._viewport.scale for side in self._clip_size)
            painter = QPainter(blit)
            smooth = width * ratio < self._picture.width() * SMOOTH_BELOW
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
            painter.drawImage(
                QRectF(self._viewport.left, self._viewport.top, width, height), self._shrunk(width * ratio)
            )
            painter.end()
            self._blit, self._blit_key = blit, key
        return self._blit

    def _shrunk(self, width: float) -> QImage:
        """The picture averaged down when it is shown much smaller, where bilinear sampling would shimmer."""
        if width > self._picture.width() / 2:
            return self._picture
        return self._picture.scaledToWidth(max(round(width), 1), Qt.TransformationMode.SmoothTransformation)

    def _draw_stroke(self, painter: QPainter, look: LiveLook) -> None:
        assert self._clip_size is not None
        for brush in stroke_brush(look, self._bare, self._clip_size):
            pen = QPen(brush, 2 * self._pointer.radius, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
            pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
            painter.setPen(pen)
            points = [QPointF(x, y) for x, y in self._stroke]
            if len(points) == 1:
                painter.drawPoint(points[0])
            else:
                painter.drawPolyline(QPolygonF(points))

    def _draw_boxes(self, painter: QPainter) -> None:
        boxes = list(self._boxes)
        if self._box_start is not None and self._at is not None:
            dragged = _box_between(self._box_start, self._clip_position(self._at))
            boxes.append((dragged, QColor(theme.TEXT)))
        for box, colour in boxes:
            left, top = self._viewport.to_widget(box.x, box.y)
            rect = QRectF(left, top, box.width * self._viewport.scale, box.height * self._viewport.scale)
            painter.setPen(QPen(QColor(0, 0, 0, 160), 3))
            painter.drawRect(rect)
            painter.setPen(QPen(colour, 1.5, Qt.PenStyle.DashLine))
            painter.drawRect(rect)

    def _draw_brush(self, painter: QPainter) -> None:
        if self._at is None or self._pointer.gesture is not Gesture.PAINT or self._space_down:
            return
        radius = max(self._pointer.radius * self._viewport.scale, 1.5)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, width in ((QColor(0, 0, 0, 150), 3.0), (QColor(255, 255, 255, 230), 1.2)):
            painter.setPen(QPen(colour, width))
            painter.drawEllipse(self._at, radius, radius)


def _box_between(one: tuple[float, float], other: tuple[float, float]) -> Box:
    x, y = min(one[0], other[0]), min(one[1], other[1])
    return Box(x, y, abs(one[0] - other[0]), abs(one[1] - other[1]))


def _is_space(event: QKeyEvent) -> bool:
    return event.key() == Qt.Key.Key_Space and not event.modifiers()
