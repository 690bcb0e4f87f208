"""How Rotoshot looks: theme, size of the interface, how masks lie over the clip; chosen, it holds at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from app.actions import ActionSet
from app.compositing import Look
from app.language import tr
from app.settings import RANGES, Settings
from app.theme import Theme, apply_theme
from app.viewer import Viewer
from app.widgets import muted

THEME_NAMES = {
    Theme.DARK: tr("Dark"),
    Theme.LIGHT: tr("Light"),
    Theme.SYSTEM: tr("As the desktop"),
}
SCALES = (0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0)
SMALLEST_WINDOW = 960, 600  # width, height in units of the interface


def fitting_scales(room: tuple[int, int], scale: float) -> tuple[float, ...]:
    """Those at which the window fits a screen that has this room (width, height) at the present scale."""
    larger = min(have * scale / need for have, need in zip(room, SMALLEST_WINDOW, strict=True))
    return tuple(each for each in SCALES if each <= max(larger, 1.0))


class Appearance(QObject):
    """Keeps the look of the window as the settings say."""

    settings_changed = Signal()  # worth keeping at once

    def __init__(self, viewer: Viewer, settings: Settings, window: QWidget) -> None:
        super().__init__(window)
        self._viewer, self._settings, self._window = viewer, settings, window
        self._scale = settings.interface_scale  # in force until the next start
        self._application().styleHints().colorSchemeChanged.connect(self._desktop_changed)

    def handlers(self) -> dict[str, Callable[[], object]]:
        """What the actions do, by name."""
        return {"preferences": self._ask}

    def build(self, actions: ActionSet) -> None:
        """Show masks as they were shown last; the theme was applied before the window was made."""
        self._show_look()

    def facts(self) -> set[str]:
        """Nothing that actions need."""
        return set()

    def _ask(self) -> None:
        room = self._window.screen().availableSize()
        scales = fitting_scales((room.width(), room.height()), self._scale)
        dialog = Preferences(self._settings, self._window, scales)
        dialog.theme_chosen.connect(self._show_theme)
        dialog.look_changed.connect(self._show_look)
        dialog.exec()
        dialog.deleteLater()
        self.settings_changed.emit()

    def _show_look(self) -> None:
        self._viewer.set_look(Look(self._settings.overlay_opacity, self._settings.outline_width))

    def _show_theme(self) -> None:
        apply_theme(self._application(), Theme(self._settings.theme))

    def _desktop_changed(self) -> None:
        if self._settings.theme == Theme.SYSTEM.value:
            self._show_theme()

    @staticmethod
    def _application() -> QApplication:
        return cast(QApplication, QApplication.instance())


class Preferences(QDialog):
    """Writes into the settings; the signals say what became different."""

    theme_chosen = Signal()
    look_changed = Signal()

    def __init__(
        self, settings: Settings, parent: QWidget | None = None, scales: tuple[float, ...] = SCALES
    ) -> None:
        """`scales`: the sizes of the interface to choose from."""
        super().__init__(parent)
        self._settings, self._offered = settings, scales
        self.setWindowTitle(tr("Preferences"))
        self.setMinimumWidth(440)
        form = QFormLayout()
        form.setVerticalSpacing(12)
        form.setHorizontalSpacing(18)
        form.addRow(tr("Theme"), self._themes())
        form.addRow(tr("Size of the interface"), self._scales())
        form.addRow("", muted(tr("The size changes at the next start.")))
        form.addRow(tr("Tint of the overlay"), self._slider("overlay_opacity", tr("Tint of the overlay"), 5))
        form.addRow(tr("Width of outlines"), self._slider("outline_width", tr("Width of outlines"), 25))
        buttons = QDialogButtonBox()
        buttons.addButton(tr("Close"), QDialogButtonBox.ButtonRole.RejectRole)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 14)
        layout.setSpacing(16)
        layout.addLayout(form)
        layout.addWidget(buttons)

    def _themes(self) -> QComboBox:
        self.themes = QComboBox()
        self.themes.setAccessibleName(tr("Theme"))
        self.themes.setToolTip(tr("Dark for the grading room, light for a bright office; changes at once"))
        for theme, name in THEME_NAMES.items():
            self.themes.addItem(name, theme.value)
        self.themes.setCurrentIndex(self.themes.findData(self._settings.theme))
        self.themes.currentIndexChanged.connect(self._choose_theme)
        return self.themes

    def _choose_theme(self) -> None:
        self._settings.theme = self.themes.currentData()
        self.theme_chosen.emit()

    def _scales(self) -> QComboBox:
        self.scales = QComboBox()
        self.scales.setAccessibleName(tr("Size of the interface"))
        self.scales.setToolTip(tr("How large texts, buttons and panels are, from the next start on"))
        for scale in self._offered:
            self.scales.addItem(f"{scale:.0%}", scale)
        nearest = min(self._offered, key=lambda scale: abs(scale - self._settings.interface_scale))
        self.scales.setCurrentIndex(self.scales.findData(nearest))
        self.scales.currentIndexChanged.connect(self._choose_scale)
        return self.scales

    def _choose_scale(self) -> None:
        self._settings.interface_scale = self.scales.currentData()

    def _slider(self, name: str, title: str, step: int) -> QHBoxLayout:
        """A slider of a setting of RANGES, in percent."""
        least, most = RANGES[name]
        slider, figure = QSlider(Qt.Orientation.Horizontal), QLabel()
        slider.setAccessibleName(title)
        slider.setToolTip(tr("Changes at once: watch the picture"))
        slider.setRange(round(100 * least), round(100 * most))
        slider.setSingleStep(step)
        figure.setMinimumWidth(figure.fontMetrics().horizontalAdvance("888 %") + 10)
        figure.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

        def take(percent: int) -> None:
            figure.setText(f"{percent} %")
            setattr(self._settings, name, percent / 100)
            self.look_changed.emit()

        slider.setValue(round(100 * getattr(self._settings, name)))
        take(slider.value())
        slider.valueChanged.connect(take)
        slider.setObjectName(name)
        row = QHBoxLayout()
        row.addWidget(slider, 1)
        row.addWidget(figure)
        return row
