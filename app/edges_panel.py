"""The edges panel: the edge controls of the selected object, its keys, and the finished picture on or off."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.actions import ActionSet
from app.edge_row import EdgeRow
from app.edge_scales import SCALES
from app.language import tr
from app.widgets import ElidedLabel, action_button
from vosengine.edge_controls import EdgeControls

KEYS = ("previous_edge_key", "edge_key", "next_edge_key")


class EdgesPanel(QScrollArea):
    """Shows controls and tells what is done to them; it keeps nothing. Small windows scroll it."""

    pulled = Signal(str, float)  # a control's name and value while its slider is being dragged
    chosen = Signal(str, float)  # the value to keep
    given_up = Signal()  # a pull that is not to count
    left = Signal()  # the keys belong to the canvas again

    def __init__(self, actions: ActionSet) -> None:
        super().__init__()
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._name, self._state = ElidedLabel(), ElidedLabel()
        self._name.setProperty("heading", True)
        self._state.setProperty("muted", True)
        self._inside = QWidget()
        layout = QVBoxLayout(self._inside)
        layout.setContentsMargins(10, 6, 8, 8)
        layout.setSpacing(7)
        layout.addWidget(self._name)
        layout.addLayout(self._key_bar(actions))
        self.rows = self._rows(layout)
        layout.addSpacing(2)
        layout.addWidget(_check_box(actions["finished_edges"], tr("Show finished edges")))
        layout.addLayout(
            _buttons(actions, ("copy_edges", tr("Copy to all")), ("reset_edges", tr("Reset all")))
        )
        layout.addStretch(1)
        self.setWidget(self._inside)

    def _key_bar(self, actions: ActionSet) -> QHBoxLayout:
        bar = QHBoxLayout()
        bar.setSpacing(2)
        for name in KEYS:
            bar.addWidget(action_button(actions[name]))
        bar.addSpacing(6)
        bar.addWidget(self._state, 1)
        return bar

    def _rows(self, layout: QVBoxLayout) -> dict[str, EdgeRow]:
        grid = QGridLayout()
        layout.addLayout(grid)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(5)
        grid.setColumnStretch(1, 1)
        rows = {scale.name: EdgeRow(scale, grid, number) for number, scale in enumerate(SCALES)}
        for row in rows.values():
            row.pulled.connect(self.pulled)
            row.chosen.connect(self.chosen)
            row.given_up.connect(self.given_up)
            row.figure.left.connect(self.left)
        return rows

    def sizeHint(self) -> QSize:
        """Room for all rows side by side with the canvas."""
        return QSize(self._inside.sizeHint().width() + 14, 300)

    def minimumSizeHint(self) -> QSize:
        """As narrow as the rows can be; the height scrolls."""
        return QSize(self._inside.minimumSizeHint().width() + 12, 120)

    def show_controls(self, controls: EdgeControls, name: str, state: str, enabled: bool) -> None:
        """The values of the object `name` on the frame shown; `state` says how far they reach."""
        self._name.show_text(name)
        self._state.show_text(state)
        for scale in SCALES:
            self.rows[scale.name].show_value(scale.of(controls))
            self.rows[scale.name].set_enabled(enabled)


def _check_box(action: QAction, text: str) -> QCheckBox:
    """A box that follows a checkable action, and triggers it."""
    box = QCheckBox(text)
    box.setToolTip(action.toolTip())
    box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    box.clicked.connect(action.trigger)
    action.toggled.connect(box.setChecked)
    action.changed.connect(lambda: box.setToolTip(action.toolTip()))
    return box


def _buttons(actions: ActionSet, *named: tuple[str, str]) -> QHBoxLayout:
    bar = QHBoxLayout()
    bar.setSpacing(4)
    for name, text in named:
        bar.addWidget(action_button(actions[name], text))
    bar.addStretch(1)
    return bar
