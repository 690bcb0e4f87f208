"""The viewer: shows a finished picture, follows the pointer, and tells in clip pixels what it drew.

Nothing is decoded or composited here. A stroke under the pen is painted live with the same colours its result
will have; what it means is decided by whoever listens.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QEnterEvent,
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPointingDevice,
    QResizeEvent,
    QTabletEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from app import theme
from app.canvas_drawing import (
    GRID_FROM,
    Blit,
    brush_rect,
    draw_boxes,
    draw_brush,
    draw_grid,
    draw_outline,
    draw_stroke,
    widget_rect,
)
from app.language import tr
from app.outlines import Outline
from app.pen import FULL_PRESSURE, Brush, PenStroke
from app.pointer import Gesture, Pointer, box_between, is_space, takes_back
from app.tools import Point
from app.viewport import Viewport, fitted
from vosengine.types import Box

WHEEL_STEP = 1.2  # zoom per notch
SMALLEST_BOX = 3.0  # clip pixels; anything smaller was a click
CLOSING_REACH = 9.0  # widget units from an outline's start within which a press closes it
BUTTONS = (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton)


class Canvas(QWidget):
    """One frame under a zoomable viewport. All positions in signals are in clip pixels."""

    stroke_changed = Signal(object, bool)  # PenStroke so far, subtracts
    stroke_finished = Signal(object, bool)  # the whole PenStroke, subtracts
    box_drawn = Signal(object)  # Box, inside the frame
    outline_changed = Signal(object)  # the Outline, a corner more or less
    area_outlined = Signal(object, bool)  # points of the closed path, subtracts
    colour_picked = Signal(tuple, float, bool)  # where, widget units dragged away from it, subtracts
    pick_finished = Signal()  # what the last `colour_picked` said is meant
    abandoned = Signal()  # Esc took what is under the pen away
    hovered = Signal(object)  # (x, y), or None when the pointer leaves the frame
    scale_changed = Signal(float)  # screen pixels a clip pixel
    space_tapped = Signal()
    radius_scrolled = Signal(int)  # notches of the wheel with Ctrl or Alt

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setTabletTracking(True)
        self.setMinimumSize(QSize(320, 180))
        self.setObjectName("canvas")
        self.setAccessibleName(tr("Viewer"))
        self._clip_size: tuple[int, int] | None = None
        self._picture = QImage()
        self._bare = QImage()
        self._viewport = Viewport()
        self._fits = True  # keeps fitting until the user zooms or pans
        self._pointer = Pointer()
        self._boxes: list[tuple[Box, QColor]] = []
        self._stroke: PenStroke | None = None
        self._straight = False  # Shift draws a straight line
        self._last_end: Point | None = None  # where the next straight line starts
        self._subtracts = False
        self._button = Qt.MouseButton.NoButton
        self._lingering = False  # the finished stroke stays until its picture arrives
        self._box_start: Point | None = None
        self._picked: QPointF | None = None
        self._pan_from: QPointF | None = None
        self._space_down = self._space_used = False
        self._at: QPointF | None = None
        self._blit = Blit()

    # --- what it shows ----------------------------------------------------------------------------------

    def set_clip_size(self, size: tuple[int, int] | None) -> None:
        """The clip's (width, height); None shows nothing."""
        self._clip_size = size
        self._picture = self._bare = QImage()
        self._boxes, self._stroke, self._last_end = [], None, None
        self.fit()

    def set_picture(self, picture: QImage, bare: QImage) -> None:
        """Show a picture of the frame at any resolution; `bare` is the frame without masks."""
        self._picture, self._bare = picture, bare
        if self._lingering:
            self._stroke, self._lingering = None, False
        self.update()

    def set_pointer(self, pointer: Pointer) -> None:
        """What the pointer does from now on; an outline that is no longer its own is dropped."""
        if pointer == self._pointer:
            return  # while playing this is asked for every frame
        if self._pointer.outline is not None and self._pointer.outline is not pointer.outline:
            self._pointer.outline.clear()
        self._pointer = pointer
        self._update_cursor()
        self.update()

    def set_boxes(self, boxes: list[tuple[Box, QColor]]) -> None:
        """Boxes drawn over the frame."""
        if boxes != self._boxes:
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
        """Whether a stroke, box, outline or colour is under the pen."""
        stroke = self._stroke is not None and not self._lingering
        dragged = self._box_start is not None or self._picked is not None
        return stroke or dragged or self._open_outline is not None

    @property
    def _open_outline(self) -> Outline | None:
        outline = self._pointer.outline
        return outline if outline is not None and outline.is_open else None

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
        self.lay(self._viewport.zoomed(factor, point.x(), point.y()))

    @property
    def fits(self) -> bool:
        """Whether the whole frame is kept in sight."""
        return self._fits

    def lay(self, viewport: Viewport) -> None:
        """Put the frame elsewhere, as far as it stays in sight."""
        self._fits = False
        self._place(viewport)

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
        """Zoom to the pointer; with Ctrl or Alt the brush grows or shrinks."""
        turned = event.angleDelta()
        # Some systems turn the wheel's direction with Alt.
        notches = (turned.y() or turned.x()) / 120 or event.pixelDelta().y() / 60
        sizing = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
        if event.modifiers() & sizing:
            self.radius_scrolled.emit(1 if notches > 0 else -1)
        else:
            self.zoom_by(WHEEL_STEP**notches, event.position())
        event.accept()

    # --- pointer ----------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to pan, to draw, to drag a box or to pick a colour; or set an outline's corner."""
        self._press(event.position(), event.button(), event.modifiers())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go on with what the press began."""
        self._move(event.position(), event.modifiers())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Finish what the press began."""
        self._release(event.position(), event.button())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Close an outline; else a press like any other."""
        outline = self._pointer.outline
        if outline is None or outline.ends_with_release:
            self.mousePressEvent(event)
        elif outline.is_open:  # else the first click closed it
            self._closes(outline)

    def tabletEvent(self, event: QTabletEvent) -> None:
        """The same with a pen: its pressure sets the size, its other end erases."""
        pressure = event.pressure() if self._pointer.feels_pressure else FULL_PRESSURE
        if event.type() == QEvent.Type.TabletPress:
            erases = event.pointerType() == QPointingDevice.PointerType.Eraser
            self._press(event.position(), event.button(), event.modifiers(), pressure, erases)
        elif event.type() == QEvent.Type.TabletMove:
            self._move(event.position(), event.modifiers(), pressure)
        else:
            self._release(event.position(), event.button())
        event.accept()

    def _press(
        self,
        position: QPointF,
        button: Qt.MouseButton,
        modifiers: Qt.KeyboardModifier,
        pressure: float = FULL_PRESSURE,
        erases: bool = False,
    ) -> None:
        if self._clip_size is None or (self.is_drawing and self._open_outline is None):
            return
        if button == Qt.MouseButton.MiddleButton or self._space_down:
            self._pan_from, self._space_used = position, True
            self._update_cursor()
        elif button in BUTTONS and self._pointer.gesture is not Gesture.NONE:
            self._button = button
            if self._open_outline is None:
                alt = bool(modifiers & Qt.KeyboardModifier.AltModifier)
                takes_away = self._pointer.takes_away
                self._subtracts = not takes_away if erases else alt or button == Qt.MouseButton.RightButton
            self._begin(position, bool(modifiers & Qt.KeyboardModifier.ShiftModifier), pressure)

    def _begin(self, position: QPointF, shift: bool, pressure: float) -> None:
        at, pointer = self._clip_position(position), self._pointer
        if pointer.gesture is Gesture.BOX:
            self._box_start = at
        elif pointer.gesture is Gesture.PICK:
            self._picked = position
            self.colour_picked.emit(at, 0.0, self._subtracts)
        elif pointer.outline is not None:
            if pointer.outline.press(at, CLOSING_REACH / self._viewport.scale):
                self._closes(pointer.outline)
            else:
                self.outline_changed.emit(pointer.outline)
        else:
            self._begin_stroke(at, shift, pressure)
        self.update()

    def _begin_stroke(self, at: Point, shift: bool, pressure: float) -> None:
        assert self._clip_size is not None
        brush = Brush(self._pointer.radius, self._pointer.softness)
        self._stroke, self._lingering, self._straight = PenStroke(self._clip_size, brush), False, shift
        self._stroke.to((self._last_end or at) if shift else at, pressure)
        if shift:
            self._stroke.straight_to(at, pressure)
        self.stroke_changed.emit(self._stroke, self._subtracts)

    def _move(
        self, position: QPointF, modifiers: Qt.KeyboardModifier, pressure: float = FULL_PRESSURE
    ) -> None:
        former, self._at = self._at, position
        if self._clip_size is None:
            return
        if self._pan_from is not None:
            step = position - self._pan_from
            self._pan_from = position
            self.lay(self._viewport.panned(step.x(), step.y()))
        elif self._stroke is not None and not self._lingering:
            self._draw_to(self._stroke, position, modifiers, pressure)
        elif self._open_outline is not None:
            self._open_outline.move(self._clip_position(position))
            self.update()
        elif self._box_start is not None:
            self.update()
        elif self._picked is not None:
            dragged = position - self._picked
            at = self._clip_position(self._picked)
            self.colour_picked.emit(at, (dragged.x() ** 2 + dragged.y() ** 2) ** 0.5, self._subtracts)
        self._hover()
        for place in (former, position):
            if place is not None and self._pointer.gesture is Gesture.PAINT:
                self.update(brush_rect(place, self._pointer.radius * self._viewport.scale))

    def _draw_to(
        self, stroke: PenStroke, position: QPointF, modifiers: Qt.KeyboardModifier, pressure: float
    ) -> None:
        at = self._clip_position(position)
        straight = self._straight and bool(modifiers & Qt.KeyboardModifier.ShiftModifier)
        changed = stroke.straight_to(at, pressure) if straight else stroke.to(at, pressure)
        self._straight = straight  # let go of, Shift leaves a line from whose end the hand goes on
        self.update(widget_rect(self._viewport, changed))
        self.stroke_changed.emit(stroke, self._subtracts)

    def _release(self, position: QPointF, button: Qt.MouseButton) -> None:
        if self._pan_from is not None:
            self._pan_from = None
            self._update_cursor()
        elif button != self._button:
            return
        elif self._box_start is not None:
            self._finish_box(position)
        elif self._picked is not None:
            self._picked = None
            self.pick_finished.emit()
        elif self._open_outline is not None:
            self._release_outline(self._open_outline)
        elif self._stroke is not None and not self._lingering:
            self._lingering, self._last_end = True, self._stroke.points[-1]
            self.stroke_finished.emit(self._stroke, self._subtracts)
        self.update()

    def _release_outline(self, outline: Outline) -> None:
        if outline.release():
            self._closes(outline)
        elif outline.ends_with_release:
            outline.clear()

    def _closes(self, outline: Outline) -> bool:
        """Hand a closed outline on; False when it encloses nothing yet."""
        if not outline.finish():
            return False
        path = outline.path()
        outline.clear()
        self.area_outlined.emit(path, self._subtracts)
        self.update()
        return True

    def abandon(self) -> bool:
        """Drop what is under the pen; False when there is nothing."""
        drawing = self.is_drawing
        if drawing or self._lingering:
            self.update()
        if self._pointer.outline is not None:
            self._pointer.outline.clear()
        self._stroke, self._box_start, self._picked, self._lingering = None, None, None, False
        self._last_end = None
        return drawing

    def _finish_box(self, position: QPointF) -> None:
        assert self._clip_size is not None
        box = box_between(self._box_start or (0, 0), self._clip_position(position))
        self._box_start = None
        box = box.clipped(*self._clip_size)
        if box.width < SMALLEST_BOX or box.height < SMALLEST_BOX:
            return
        if self._subtracts:
            right, bottom = box.x + box.width, box.y + box.height
            self.area_outlined.emit([(box.x, box.y), (right, box.y), (right, bottom), (box.x, bottom)], True)
        else:
            self.box_drawn.emit(box)

    def _clip_position(self, position: QPointF) -> Point:
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
        """Claim keys before they become shortcuts: Space, to tell a tap from a drag, and what takes an open
        outline's last corner back.
        """
        if event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
            return super().event(event)
        if is_space(event) or (self._open_outline is not None and takes_back(event)):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc drops what is under the pen, Enter closes an outline, Backspace takes its last corner back,
        Space arms panning.
        """
        if event.key() == Qt.Key.Key_Escape and self.abandon():
            self.abandoned.emit()
            return
        if self._open_outline is not None and self._outline_key(self._open_outline, event):
            return
        if not is_space(event) or self._clip_size is None:
            super().keyPressEvent(event)
        elif not event.isAutoRepeat():
            self._space_down, self._space_used = True, False
            self._update_cursor()

    def _outline_key(self, outline: Outline, event: QKeyEvent) -> bool:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            return self._closes(outline)
        if not takes_back(event) or not outline.take_back():
            return False
        self.outline_changed.emit(outline)
        self.update()
        return True

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Space released without a drag is a tap."""
        if not is_space(event) or self._clip_size is None:
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
        """Blit the picture, as far as it is exposed; draw strokes, boxes, outlines and the brush on top."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.colours().canvas))
        if self._clip_size is None or self._picture.isNull():
            return
        ratio = self.devicePixelRatioF()
        blit = self._blit.scaled(self._picture, self._viewport, self._clip_size, self.size(), ratio)
        painter.drawPixmap(0, 0, blit)
        exposed = event.rect()
        if self._viewport.scale * ratio >= GRID_FROM:
            draw_grid(painter, self._viewport, self._clip_size, exposed)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        look = self._pointer.subtract_look if self._subtracts else self._pointer.look
        if self._stroke is not None and look is not None:
            draw_stroke(painter, self._viewport, self._stroke, look, self._bare, exposed, ratio)
        draw_boxes(painter, self._viewport, self._boxes + self._dragged_box())
        if self._open_outline is not None:
            draw_outline(painter, self._viewport, self._open_outline.path(), self._subtracts)
        if self._at is not None and self._pointer.gesture is Gesture.PAINT and not self._space_down:
            radius = self._pointer.radius * self._viewport.scale
            draw_brush(painter, self._at, radius, self._pointer.softness)

    def _dragged_box(self) -> list[tuple[Box, QColor]]:
        if self._box_start is None or self._at is None:
            return []
        colour = theme.DANGER_ON_PICTURE if self._subtracts else theme.ON_PICTURE
        return [(box_between(self._box_start, self._clip_position(self._at)), QColor(colour))]
