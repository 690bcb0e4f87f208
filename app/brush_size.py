"""The brush size: a slider on a logarithmic scale and its figure."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QSlider, QWidget

from app.widgets import muted

SMALLEST, LARGEST = 1.0, 400.0  # radius in clip pixels
STEPS = 200


class BrushSize(QWidget):
    """Shows and sets the brush's radius; the figure is its diameter, as in other tools."""

    changed = Signal(float)

    def __init__(self, radius: float, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(0, STEPS)
        self._slider.setFixedWidth(110)
        self._slider.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._slider.setAccessibleName("Brush size")
        self._slider.setToolTip("Brush size  ([ and ])")
        self._slider.valueChanged.connect(self._moved)
        self._figure = QLabel()
        self._figure.setFixedWidth(self.fontMetrics().horizontalAdvance("8888 px") + 4)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(6, 0, 6, 0)
        layout.addWidget(muted("Brush"))
        layout.addWidget(self._slider)
        layout.addWidget(self._figure)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        self.show_radius(radius)

    def show_radius(self, radius: float) -> None:
        """Follow a radius set elsewhere."""
        share = math.log(max(radius, SMALLEST) / SMALLEST) / math.log(LARGEST / SMALLEST)
        self._slider.blockSignals(True)
        self._slider.setValue(round(share * STEPS))
        self._slider.blockSignals(False)
        self._figure.setText(f"{max(round(2 * radius), 1)} px")

    def _moved(self, value: int) -> None:
        radius = SMALLEST * (LARGEST / SMALLEST) ** (value / STEPS)
        self._figure.setText(f"{round(2 * radius)} px")
        self.changed.emit(radius)
