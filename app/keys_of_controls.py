"""Which keys a control needs for itself while it has the keyboard, though they are shortcuts elsewhere."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractButton, QAbstractItemView, QAbstractSlider, QComboBox, QWidget

Key = Qt.Key
UP_AND_DOWN = {Key.Key_Up, Key.Key_Down}
ENDS_AND_PAGES = {Key.Key_Home, Key.Key_End, Key.Key_PageUp, Key.Key_PageDown}
PLAIN = (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
TYPING = (*PLAIN, Qt.KeyboardModifier.ShiftModifier)


def is_own_key(control: QWidget | None, event: QKeyEvent) -> bool:
    """Whether the control does something of its own with this key."""
    key, plain = event.key(), event.modifiers() in PLAIN
    match control:
        case QAbstractButton():
            return plain and key == Key.Key_Space
        case QComboBox():  # letters pick the entry that begins so
            types = event.modifiers() in TYPING and event.text().isprintable() and bool(event.text())
            return types or (plain and key in UP_AND_DOWN | ENDS_AND_PAGES)
        case QAbstractSlider():
            return plain and key in UP_AND_DOWN | ENDS_AND_PAGES | {Key.Key_Left, Key.Key_Right}
        case QAbstractItemView():
            return plain and key in UP_AND_DOWN
        case _:
            return False
