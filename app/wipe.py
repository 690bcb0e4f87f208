"""The line on the canvas between the result before the last run and the present one."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
    QRegion,
)
from PySide6.QtWidgets import QWidget

from app import theme
from app.canvas import Canvas
from app.language import tr

STRIP = 17  # width of what can be grabbed, widget units
PILL = QSize(60, 20)
STEP = 0.02  # of the frame's width, with the arrow keys
BEFORE, NOW = tr("Before"), tr("Now")


class WipeHandle(QWidget):
    """Lies over the canvas and keeps its place in the frame when that is zoomed or panned."""

    moved = Signal(float)  # share of the frame's width left of the line

    def __init__(self, canvas: Canvas) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self._clip_width = 0
        self._grabbed: float | None = None  # where in the line the pointer took hold of it
        self.share = 0.5
        self.setAccessibleName(tr("Wipe between the former and the present result"))
        self.setToolTip(tr("Drag to compare: left of the line is the result before the last run"))
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a drag leaves the keys to the canvas
        canvas.installEventFilter(self)
        canvas.scale_changed.connect(self._place)
        self.hide()

    def start(self, clip_width: int) -> None:
        """Appear."""
        self._clip_width = clip_width
        self._place()
        self.show()
        self.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The canvas has another size."""
        if event.type() == QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        x, _ = self._canvas.viewport.to_widget(self.share * self._clip_width, 0)
        width = 2 * PILL.width() + STRIP
        self.setGeometry(round(x - width / 2), 0, width, self._canvas.height())
        strip = QRect(PILL.width(), 0, STRIP, self.height())
        self.setMask(QRegion(strip).united(QRect(0, 8, width, PILL.height())))

    def _move_to(self, x: float) -> None:
        """`x`: the line's place on the canvas."""
        at, _ = self._canvas.viewport.to_clip(x, 0)
        self.share = min(max(at / max(self._clip_width, 1), 0.0), 1.0)
        self._place()
        self.moved.emit(self.share)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of the line."""
        self._grabbed = event.position().x() - self.width() / 2

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag it."""
        if self._grabbed is not None:
            self._move_to(self.mapToParent(event.position()).x() - self._grabbed)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let it go."""
        self._grabbed = None

    def event(self, event: QEvent) -> bool:
        """With the focus here the arrow keys move the line, not the playhead."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and _side(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the line a little."""
        if _side(event):
            self.share = min(max(self.share + STEP * _side(event), 0.0), 1.0)
            self._place()
            self.moved.emit(self.share)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Stand out."""
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """And no more."""
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The line, its grip and what lies on either side."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle, ground = QPointF(self.width() / 2, self.height() / 2), QColor(0, 0, 0, 170)
        for colour, width in ((ground, 4.0), (QColor(theme.ON_PICTURE), 1.6)):
            painter.setPen(QPen(colour, width))
            painter.drawLine(QPointF(middle.x(), 0), QPointF(middle.x(), self.height()))
        painter.setPen(QPen(ground, 1.5))
        painter.setBrush(QColor(theme.colours().accent if self.hasFocus() else theme.ON_PICTURE))
        for side in (-1, 1):
            corners = ((side * 2, -6), (side * 8, 0), (side * 2, 6))
            painter.drawPolygon(QPolygonF([middle + QPointF(x, y) for x, y in corners]))
        left, right = QRectF(0, 8, PILL.width(), PILL.height()), QRectF(0, 8, PILL.width(), PILL.height())
        left.moveRight(middle.x() - STRIP / 2 + 2)
        right.moveLeft(middle.x() + STRIP / 2 - 2)
        for rect, text in ((left, BEFORE), (right, NOW)):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(ground)
            painter.drawRoundedRect(rect, 5, 5)
            painter.setPen(QColor(theme.ON_PICTURE))
            painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, text)


def _side(event: QKeyEvent) -> int:
    """-1 for the left arrow key, 1 for the right one, 0 for others."""
    if event.modifiers() not in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier):
        return 0
    return {Qt.Key.Key_Left.value: -1, Qt.Key.Key_Right.value: 1}.get(event.key(), 0)
