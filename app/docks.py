"""The canvas with panels docked beside it; their places are remembered."""

from __future__ import annotations

import base64
from contextlib import suppress
from functools import partial

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QDockWidget, QMainWindow, QTabWidget, QWidget

SIDES = Qt.DockWidgetArea.LeftDockWidgetArea | Qt.DockWidgetArea.RightDockWidgetArea


class Docks(QMainWindow):
    """Panels share one place, as tabs, until the user moves them."""

    def __init__(self, canvas: QWidget) -> None:
        super().__init__()
        self.setWindowFlags(Qt.WindowType.Widget)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.setTabPosition(SIDES, QTabWidget.TabPosition.North)
        self.setCentralWidget(canvas)
        self._docks: dict[str, tuple[QDockWidget, QAction]] = {}
        self._plain = ""  # the places on the first day

    def add(self, panel: QWidget, title: str, action: QAction, shown: bool = False) -> QDockWidget:
        """Dock a panel; the checkable `action` shows and hides it and gives it its name.

        The action's handler is `toggle` with that name. `shown`: before the user has decided.
        """
        dock = QDockWidget(title, self)
        dock.setObjectName(action.objectName())
        dock.setWidget(panel)
        # Not to float: the window's keys do not reach into another window.
        features = QDockWidget.DockWidgetFeature
        dock.setFeatures(features.DockWidgetClosable | features.DockWidgetMovable)
        dock.setAllowedAreas(SIDES)
        self.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
        for other, _ in self._docks.values():
            self.tabifyDockWidget(other, dock)
        dock.setVisible(shown)
        self._docks[action.objectName()] = dock, action
        dock.visibilityChanged.connect(partial(self._show_state, dock, action))
        return dock

    def toggle(self, name: str) -> None:
        """Bring a panel to the front, or hide it where it is there already."""
        dock, action = self._docks[name]
        if dock.isHidden() or dock.visibleRegion().isEmpty():
            dock.show()
            dock.raise_()
        else:
            dock.hide()
        self._show_state(dock, action)

    def restore(self, layout: str) -> None:
        """Put all panels, added before, where `saved` found them; damaged text changes nothing."""
        self._plain = self._plain or self.saved()
        with suppress(ValueError):
            self.restoreState(QByteArray(base64.b64decode(layout)))
        for dock, action in self._docks.values():
            self._show_state(dock, action)

    def reset(self) -> None:
        """Put all panels where they were on the first day."""
        self.restore(self._plain)

    def saved(self) -> str:
        """The places of all panels, as text."""
        return base64.b64encode(self.saveState().data()).decode()

    def _show_state(self, dock: QDockWidget, action: QAction, _visible: bool = False) -> None:
        action.setChecked(not dock.isHidden())
