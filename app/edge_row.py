"""One row of the edges panel: a label, a slider and an exact figure that agree."""

from __future__ import annotations

import math

from PySide6.QtCore import QEvent, QObject, QRect, Qt, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QMouseEvent, QValidator
from PySide6.QtWidgets import (
    QGridLayout,
    QLabel,
    QSlider,
    QSpinBox,
    QStyle,
    QStyleOptionSlider,
)

from app.edge_scales import STEPS, Scale
from app.language import tr
from app.widgets import WheelGuard

WIDEST, ROOM = "-88.8 px", 20  # of the figures, all as wide
FROM_THE_MIDDLE = "QSlider::sub-page:horizontal { background: transparent; }"


class PullSlider(QSlider):
    """A slider whose handle comes to the pointer: pressing and dragging anywhere on it is one pull.

    While it lasts the slider has the keys: Esc gives it up.
    """

    given_up = Signal()

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setRange(0, STEPS)
        self.setMinimumWidth(56)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the figure beside it takes the keys
        self._start = 0.0, 0  # where the pointer took hold of the handle, and the position then

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of the handle, or bring it here."""
        if event.button() == Qt.MouseButton.LeftButton:
            handle, x = self._handle(), event.position().x()
            self.setSliderDown(True)
            self.grabKeyboard()
            if not handle.left() <= x <= handle.right():
                place = round(x - handle.width() / 2)
                self.setValue(QStyle.sliderValueFromPosition(0, STEPS, place, self._room()))
            self._start = x, self.value()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Pull the handle along."""
        if self.isSliderDown():
            x, position = self._start
            self.setValue(position + round((event.position().x() - x) / self._room() * STEPS))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let it go."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.releaseKeyboard()
            self.setSliderDown(False)

    def event(self, event: QEvent) -> bool:
        """Esc is not a shortcut of the window's meanwhile."""
        if event.type() == QEvent.Type.ShortcutOverride and self.isSliderDown():
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc gives the pull up; other keys wait for its end."""
        if event.key() == Qt.Key.Key_Escape:
            self._give_up()

    def changeEvent(self, event: QEvent) -> None:
        """What must not be changed any more is not being pulled any more."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.EnabledChange and not self.isEnabled():
            self._give_up()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nor is what is out of sight."""
        super().hideEvent(event)
        self._give_up()

    def _give_up(self) -> None:
        if self.isSliderDown():
            self.releaseKeyboard()
            self.blockSignals(True)
            self.setSliderDown(False)
            self.blockSignals(False)
            self.given_up.emit()

    def _room(self) -> int:
        return max(self.width() - self._handle().width(), 1)

    def _handle(self) -> QRect:
        option = QStyleOptionSlider()
        self.initStyleOption(option)
        part = QStyle.SubControl.SC_SliderHandle
        return self.style().subControlRect(QStyle.ComplexControl.CC_Slider, option, part, self)


class Figure(QSpinBox):
    """The exact figure with its unit. Typing counts when it ends: with Return, Tab or a click elsewhere."""

    left = Signal()  # Return or Esc gave the keys back

    def __init__(self, scale: Scale) -> None:
        super().__init__()
        self._decimals = scale.decimals
        self._whole_of_one: int = 10**scale.decimals
        least, most = scale.figures
        self.setRange(self._whole(least), self._whole(most))
        self.setSingleStep(5 if scale.decimals else 1)
        self.setSuffix(scale.unit)
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setKeyboardTracking(False)
        self.setAccelerated(True)
        self.setProperty("tight", True)
        self.setFixedWidth(self.fontMetrics().horizontalAdvance(WIDEST) + ROOM)

    @property
    def figure(self) -> float:
        """What it shows."""
        return self.value() / self._whole_of_one

    def show_figure(self, figure: float) -> None:
        """Show another figure, unless one is just being typed."""
        if not (self.hasFocus() and self.lineEdit().isModified()):
            self.blockSignals(True)
            self.setValue(self._whole(figure))
            self.blockSignals(False)

    def textFromValue(self, value: int) -> str:
        """With its decimals."""
        return f"{value / self._whole_of_one:.{self._decimals}f}"

    def valueFromText(self, text: str) -> int:
        """A point or a comma, with or without the unit; brought into the range."""
        number = _number(self._bare(text)) or 0.0
        return min(max(self._whole(number), self.minimum()), self.maximum())

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        """Any number will do; the beginning of one may become one."""
        bare = self._bare(text)
        if _number(bare) is not None:
            return QValidator.State.Acceptable, text, position
        begins = bare in ("", "-", "+", ".", ",", "-.", "-,")
        state = QValidator.State.Intermediate if begins else QValidator.State.Invalid
        return state, text, position

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return takes the figure, Esc the former one; both give the keys back."""
        if event.key() == Qt.Key.Key_Escape:
            self.setValue(self.value())
        else:
            super().keyPressEvent(event)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape):
            self.left.emit()

    def _bare(self, text: str) -> str:
        return text.removesuffix(self.suffix()).removesuffix(self.suffix().strip()).strip()

    def _whole(self, figure: float) -> int:
        return round(figure * self._whole_of_one)


class EdgeRow(QObject):
    """A control's label, slider and figure in one row of a grid; values are the control's own."""

    pulled = Signal(str, float)  # the control's name and value: shown, not yet to be kept
    chosen = Signal(str, float)  # to be kept
    given_up = Signal()  # what was pulled is not to be kept

    def __init__(self, scale: Scale, grid: QGridLayout, row: int) -> None:
        super().__init__(grid.parentWidget())
        self._scale, self._moved = scale, False
        self.label, self.slider, self.figure = QLabel(tr(scale.label)), PullSlider(), Figure(scale)
        self.label.setToolTip("{}\n{}".format(scale.help, tr("Double-click to reset")))
        for control in (self.slider, self.figure):
            control.setToolTip(scale.help)
        if scale.position(scale.default) not in (0, STEPS):
            self.slider.setStyleSheet(FROM_THE_MIDDLE)
        for widget in (self.slider, self.figure):
            widget.setAccessibleName(tr(scale.label))
            widget.installEventFilter(WheelGuard(widget))
        self.label.installEventFilter(self)
        for column, part in enumerate((self.label, self.slider, self.figure)):
            grid.addWidget(part, row, column)
        self.slider.valueChanged.connect(self._slid)
        self.slider.sliderReleased.connect(self._released)
        self.slider.given_up.connect(self._give_up)
        self.figure.valueChanged.connect(lambda _: self._choose(self.figure.figure / scale.factor))

    def show_value(self, value: float) -> None:
        """Follow a value set elsewhere; what the pointer holds stays with it."""
        if not self.slider.isSliderDown():
            self.slider.blockSignals(True)
            self.slider.setValue(self._scale.position(value))
            self.slider.blockSignals(False)
            self.figure.show_figure(value * self._scale.factor)

    def set_enabled(self, enabled: bool) -> None:
        """Whether the value may be changed."""
        for widget in (self.label, self.slider, self.figure):
            widget.setEnabled(enabled)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A double click on the label resets."""
        if event.type() == QEvent.Type.MouseButtonDblClick and self.label.isEnabled():
            self._choose(self._scale.default)
            return True
        return super().eventFilter(watched, event)

    def _slid(self, position: int) -> None:
        value = self._scale.value(position)
        self.figure.show_figure(value * self._scale.factor)
        if self.slider.isSliderDown():
            self._moved = True
            self.pulled.emit(self._scale.name, value)
        else:
            self._choose(value)

    def _released(self) -> None:
        if self._moved:
            self._moved = False
            self._choose(self._scale.value(self.slider.value()))

    def _give_up(self) -> None:
        self._moved = False
        self.given_up.emit()

    def _choose(self, value: float) -> None:
        self.chosen.emit(self._scale.name, value)


def _number(text: str) -> float | None:
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        return None
    return number if math.isfinite(number) else None
