"""Small dialogs: an error that helps, questions."""

from __future__ import annotations

import json
import platform
from html import escape
from importlib.metadata import PackageNotFoundError, version

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.language import tr
from app.widgets import muted
from resources import resource


class ErrorDialog(QDialog):
    """One sentence, and behind it the details to copy."""

    def __init__(self, message: str, trace: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Rotoshot")
        self.setMinimumWidth(460)
        text = QLabel(message if not trace else tr("Something went wrong that Rotoshot did not expect."))
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
        buttons.addButton(tr("Close"), QDialogButtonBox.ButtonRole.RejectRole)
        buttons.rejected.connect(self.reject)
        if trace:
            self.details = f"{message}\n\n{versions()}\n\n{trace}"
            self._add_details(layout, buttons)
        layout.addWidget(buttons)

    def _add_details(self, layout: QVBoxLayout, buttons: QDialogButtonBox) -> None:
        layout.addWidget(muted(tr("These details help to find the mistake:")))
        box = QPlainTextEdit(self.details)
        box.setReadOnly(True)
        box.setAccessibleName(tr("Details"))
        box.setToolTip(tr("The mistake as Rotoshot saw it, with the editions involved"))
        box.setTabChangesFocus(True)
        box.setMinimumSize(560, 220)
        layout.addWidget(box)
        copy = QPushButton(tr("Copy details"))
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
        f"<p><b>{tr('Weights')} {escape(name)}</b>: {escape(card['data'])}. {escape(card['licence'])}</p>"
        for name, card in cards.items()
    )


def confirm(parent: QWidget, question: str, remark: str, yes: str) -> bool:
    """Ask before something that cannot be taken back lightly; Cancel is the default."""
    box = QMessageBox(QMessageBox.Icon.Question, "Rotoshot", question, parent=parent)
    box.setInformativeText(remark)
    accept = box.addButton(yes, QMessageBox.ButtonRole.AcceptRole)
    box.setDefaultButton(box.addButton(tr("Cancel"), QMessageBox.ButtonRole.RejectRole))
    box.exec()
    return box.clickedButton() is accept
