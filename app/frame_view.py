"""A widget that one frame lies in, zoomed and panned."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from app.tools import Point
from app.viewport import Viewport, fitted


class FrameView(QWidget):
    """Keeps the whole frame in sight until the user zooms or pans, and some of it ever after."""

    scale_changed = Signal(float)  # screen pixels a clip pixel

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._clip_size: tuple[int, int] | None = None
        self._viewport = Viewport()
        self._fits = True
        self._at: QPointF | None = None  # the pointer, while it is over the widget

    @property
    def viewport(self) -> Viewport:
        """Where the frame lies."""
        return self._viewport

    @property
    def fits(self) -> bool:
        """Whether the whole frame is kept in sight."""
        return self._fits

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

    def _clip_position(self, position: QPointF) -> Point:
        return self._viewport.to_clip(position.x(), position.y())
