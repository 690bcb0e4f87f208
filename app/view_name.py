"""The name of the view in the canvas's corner, wherever it is not the plain overlay."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QLabel

from app.canvas import Canvas
from app.compositing import View
from app.language import tr
from app.widgets import joined

MARGIN = 10  # widget units
# Over pictures, whatever the theme; as the wipe's.
GROUND = "background: rgba(0, 0, 0, 170); color: white; border-radius: 5px; padding: 3px 8px;"

NAMES: dict[View, str] = {
    View.OVERLAY: tr("Overlay"),
    View.OUTLINE: tr("Outline"),
    View.MATTE: tr("Matte"),
    View.CONFIDENCE: tr("Edge confidence"),
    View.DIFFERENCE: tr("Difference from the last run"),
    View.CHECKER: tr("On a checkerboard"),
    View.BLACK: tr("On black"),
    View.BACKDROP: tr("On a colour"),
    View.PICTURE: tr("On a picture"),
    View.BLURRED: tr("On the blurred clip"),
    View.GREY: tr("On the clip in grey"),
}


class ViewName(QLabel):
    """Lies over the canvas and lets the pointer through."""

    def __init__(self, canvas: Canvas) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAccessibleName(tr("View"))
        self.setStyleSheet(GROUND)
        canvas.installEventFilter(self)
        self.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The canvas has another size."""
        if event.type() == QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        """At the lower left: above are the wipe's labels."""
        self.move(MARGIN, self._canvas.height() - self.height() - MARGIN)

    def show_view(self, view: View, steady_on: str = "") -> None:
        """The view, and the name of the object it is steady on."""
        parts = [NAMES[view]] if view is not View.OVERLAY else []
        if steady_on:
            parts.append(tr("Steady on {name}").format(name=steady_on))
        self.setText(joined(*parts))
        self.adjustSize()
        self._place()
        self.setVisible(bool(parts))
