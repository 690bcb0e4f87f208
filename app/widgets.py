"""Small widgets that several panels share."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QAction, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.language import tr

ICON = QSize(20, 20)
KEYBOARD_ACTION = "keyboard_action"  # property: the action that does the same as a control of the mouse


def card(title: str) -> tuple[QFrame, QVBoxLayout, QHBoxLayout]:
    """A framed group: the frame, its body's layout and its heading's row."""
    frame = QFrame()
    frame.setProperty("card", True)
    body = QVBoxLayout(frame)
    body.setContentsMargins(10, 8, 10, 8)
    body.setSpacing(7)
    heading = QHBoxLayout()
    heading.setSpacing(2)
    label = QLabel(title)
    label.setProperty("heading", True)
    heading.addWidget(label)
    heading.addStretch(1)
    body.addLayout(heading)
    return frame, body, heading


def muted(text: str = "") -> QLabel:
    """A label in the quieter colour."""
    label = QLabel(text)
    label.setProperty("muted", True)
    return label


class ElidedLabel(QLabel):
    """A line that is cut to the room there is, and whole in its tooltip."""

    def __init__(self) -> None:
        super().__init__()
        self._whole = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(self.fontMetrics().lineSpacing() + 2)

    def show_text(self, text: str) -> None:
        """Show this from now on."""
        if text != self._whole:
            self._whole = text
            self.setToolTip(text)
            self._elide()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Cut it anew."""
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        self.setText(self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideRight, self.width()))


def joined(*texts: str) -> str:
    """Short texts in one line; empty ones leave no gap."""
    return "  ·  ".join(text for text in texts if text)


def set_tone(label: QLabel, tone: str) -> None:
    """Colour a label as "accent", "good", "warning" or "danger"; with "" as it was."""
    if label.property("tone") != tone:
        label.setProperty("tone", tone)
        label.style().polish(label)  # style sheets look at a property once


def action_button(action: QAction, with_text: str = "") -> QToolButton:
    """A button for an action, which it follows in everything; `with_text` shows this beside the icon."""
    button = QToolButton()
    button.setDefaultAction(action)
    button.setIconSize(ICON)
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    button.setAccessibleName(action.text().replace("&", ""))
    if with_text:
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        _Caption(button, with_text)
    return button


class _Caption(QObject):
    """Keeps a button's own short text where its default action would put its menu text."""

    def __init__(self, button: QToolButton, text: str) -> None:
        super().__init__(button)
        self._text = text
        button.setText(text)
        button.defaultAction().changed.connect(self._restore)

    def _restore(self) -> None:
        button = self.parent()
        assert isinstance(button, QToolButton)
        button.setText(self._text)


class ActionPushButton(QPushButton):
    """A large button for an action: follows its enabled state and tips."""

    def __init__(self, action: QAction, text: str, parent: QWidget | None = None) -> None:
        super().__init__(action.icon(), text, parent)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._action = action
        self.setProperty(KEYBOARD_ACTION, action.objectName())
        self.clicked.connect(action.trigger)
        action.changed.connect(self._follow)
        self._follow()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """A double click presses once: its second half would press what the button has become."""
        event.accept()

    def _follow(self) -> None:
        self.setEnabled(self._action.isEnabled())
        self.setToolTip(self._action.toolTip())
        self.setStatusTip(self._action.statusTip())


class WheelGuard(QObject):
    """Keeps the wheel from changing a control that it only passes over."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Swallow wheel events."""
        if event.type() == QEvent.Type.Wheel:
            event.ignore()
            return True
        return super().eventFilter(watched, event)


def mark_overflow(bar: QToolBar) -> None:
    """Give the button that opens what does not fit into a toolbar an icon that is seen on its ground."""
    button = bar.findChild(QToolButton, "qt_toolbar_ext_button")
    assert button is not None
    button.setIcon(theme.icon("more"))
    button.setAccessibleName(tr("More buttons"))
    button.setToolTip(tr("The buttons for which the window is too small"))
