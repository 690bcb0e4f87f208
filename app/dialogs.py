"""Small dialogs: an error that helps, the shortcut sheet, questions."""

from __future__ import annotations

import json
import platform
from html import escape
from importlib.metadata import PackageNotFoundError, version

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.actions import MENUS, ActionSet, plain
from app.widgets import muted
from resources import resource

POINTER_KEYS: tuple[tuple[str, str], ...] = (
    ("Draw or add", "Left button"),
    ("Subtract", "Right button or Alt"),
    ("Zoom to the pointer", "Wheel"),
    ("Brush size", "Ctrl + wheel"),
    ("Pan", "Space + drag or middle button"),
    ("Pick an object", "1 … 9"),
    ("Timeline: zoom", "Wheel"),
    ("Timeline: scroll", "Shift + wheel"),
)


class ErrorDialog(QDialog):
    """One sentence, and behind it the details to copy."""

    def __init__(self, message: str, trace: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Rotoshot")
        self.setMinimumWidth(460)
        text = QLabel(message if not trace else "Something went wrong that Rotoshot did not expect.")
        text.setWordWrap(True)
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        sign = QLabel()
        sign.setPixmap(theme.icon("warning", "warning").pixmap(QSize(32, 32)))
        top = QHBoxLayout()
        top.setSpacing(14)
        top.addWidget(sign, 0, Qt.AlignmentFlag.AlignTop)
        top.addWidget(text, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 14)
        layout.setSpacing(12)
        layout.addLayout(top)
        buttons = QDialogButtonBox()
        buttons.addButton("Close", QDialogButtonBox.ButtonRole.RejectRole)
        buttons.rejected.connect(self.reject)
        if trace:
            self.details = f"{message}\n\n{versions()}\n\n{trace}"
            self._add_details(layout, buttons)
        layout.addWidget(buttons)

    def _add_details(self, layout: QVBoxLayout, buttons: QDialogButtonBox) -> None:
        layout.addWidget(muted("These details help to find the mistake:"))
        box = QPlainTextEdit(self.details)
        box.setReadOnly(True)
        box.setMinimumSize(560, 220)
        layout.addWidget(box)
        copy = QPushButton("Copy details")
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.details))
        buttons.addButton(copy, QDialogButtonBox.ButtonRole.ActionRole)


def versions() -> str:
    """What a report of a mistake needs to say."""
    try:
        own = version("rotoshot")
    except PackageNotFoundError:  # run from a source folder
        own = "source"
    return f"Rotoshot {own}, Python {platform.python_version()}, {platform.platform()}"


def network_notes() -> str:
    """What the bundled weights were trained on and may be used for, from their model cards (HTML)."""
    paths = sorted(resource("weights").glob("*.json"))
    cards = {path.stem: json.loads(path.read_text("utf-8")) for path in paths}
    return "".join(
        f"<p><b>Weights {escape(name)}</b>: {escape(card['data'])}. {escape(card['licence'])}</p>"
        for name, card in cards.items()
    )


class ShortcutSheet(QDialog):
    """All keys, by menu, as bound now."""

    def __init__(self, actions: ActionSet, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        columns = QHBoxLayout()
        columns.setSpacing(34)
        sections = [("Pointer", list(POINTER_KEYS))]
        sections += [(menu.replace("&", ""), keys) for menu in MENUS if (keys := _keys(actions, menu))]
        for group in _balanced(sections, 4):
            columns.addLayout(_column(group))
        content = QWidget()
        content.setLayout(columns)
        area = QScrollArea()
        area.setWidget(content)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setMinimumSize(content.sizeHint() + QSize(16, 4))
        area.setMaximumHeight(620)
        layout = QVBoxLayout(self)
        layout.addWidget(area)
        buttons = QDialogButtonBox()
        buttons.addButton("Close", QDialogButtonBox.ButtonRole.RejectRole)
        buttons.rejected.connect(self.reject)
        layout.addWidget(buttons)


def _keys(actions: ActionSet, menu: str) -> list[tuple[str, str]]:
    form = QKeySequence.SequenceFormat.NativeText
    return [
        (plain(spec.text), " or ".join(keys.toString(form) for keys in action.shortcuts()))
        for spec, action in actions
        if spec.menu == menu and action.shortcuts()
    ]


Section = tuple[str, list[tuple[str, str]]]


def _balanced(sections: list[Section], count: int) -> list[list[Section]]:
    """The sections in order, cut into `count` columns of about equal height."""
    total = sum(len(keys) + 2 for _, keys in sections)
    columns: list[list[Section]] = [[] for _ in range(count)]
    height = 0
    for section in sections:
        middle = height + (len(section[1]) + 2) / 2
        columns[min(int(middle * count / total), count - 1)].append(section)
        height += len(section[1]) + 2
    return columns


def _column(sections: list[Section]) -> QVBoxLayout:
    layout = QVBoxLayout()
    layout.setSpacing(3)
    for title, keys in sections:
        heading = QLabel(title)
        heading.setProperty("heading", True)
        layout.addWidget(heading)
        for what, key in keys:
            line = QHBoxLayout()
            line.setSpacing(18)
            line.addWidget(QLabel(what))
            line.addStretch(1)
            line.addWidget(muted(key))
            layout.addLayout(line)
        layout.addSpacing(10)
    layout.addStretch(1)
    return layout


def confirm(parent: QWidget, question: str, remark: str, yes: str) -> bool:
    """Ask before something that cannot be taken back lightly; Cancel is the default."""
    box = QMessageBox(QMessageBox.Icon.Question, "Rotoshot", question, parent=parent)
    box.setInformativeText(remark)
    accept = box.addButton(yes, QMessageBox.ButtonRole.AcceptRole)
    box.setDefaultButton(box.addButton("Cancel", QMessageBox.ButtonRole.RejectRole))
    box.exec()
    return box.clickedButton() is accept
