"""The brush: sliders for its size, on a logarithmic scale, and for the softness of its edge."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QSlider, QWidget

from app.language import tr
from app.widgets import muted

SMALLEST, LARGEST = 1.0, 400.0  # radius in clip pixels
STEPS = 200


class BrushSize(QWidget):
    """Shows and sets the brush's radius and softness; the figure is its diameter, as in other tools."""

    changed = Signal(float)
    softened = Signal(float)

    def __init__(self, radius: float, softness: float, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._size = _slider(
            tr("Brush size"),
            tr("Size of the brush; over the picture, Ctrl or Alt and the wheel do the same"),
            STEPS,
            100,
        )
        self._softness = _slider(tr("Brush softness"), tr("How softly the brush's edge fades out"), 100, 60)
        self._size.valueChanged.connect(self._resized)
        self._softness.valueChanged.connect(lambda value: self.softened.emit(value / 100))
        self._figure = QLabel()
        self._figure.setFixedWidth(self.fontMetrics().horizontalAdvance(_pixels(8888)) + 4)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(6, 0, 6, 0)
        for widget in (muted(tr("Brush")), self._size, self._figure, muted(tr("Soft")), self._softness):
            layout.addWidget(widget)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        self.show_radius(radius)
        self.show_softness(softness)

    def show_radius(self, radius: float) -> None:
        """Follow a radius set elsewhere."""
        share = math.log(max(radius, SMALLEST) / SMALLEST) / math.log(LARGEST / SMALLEST)
        _show(self._size, round(share * STEPS))
        self._figure.setText(_pixels(max(round(2 * radius), 1)))

    def show_softness(self, softness: float) -> None:
        """Follow a softness set elsewhere."""
        _show(self._softness, round(100 * softness))

    def _resized(self, value: int) -> None:
        radius = SMALLEST * (LARGEST / SMALLEST) ** (value / STEPS)
        self._figure.setText(_pixels(round(2 * radius)))
        self.changed.emit(radius)


def _slider(name: str, tip: str, steps: int, width: int) -> QSlider:
    slider = QSlider(Qt.Orientation.Horizontal)
    slider.setRange(0, steps)
    slider.setFixedWidth(width)
    slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    slider.setAccessibleName(name)
    slider.setToolTip(tip)
    slider.setStatusTip(tip)
    return slider


def _show(slider: QSlider, value: int) -> None:
    slider.blockSignals(True)
    slider.setValue(value)
    slider.blockSignals(False)


def _pixels(size: int) -> str:
    return tr("{size} px").format(size=size)
