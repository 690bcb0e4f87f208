"""What the window shows before anything is open."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from app import theme
from app.actions import ActionSet
from app.widgets import ActionPushButton, muted


class StartScreen(QWidget):
    """Open buttons, a hint that files can be dropped, and the recent projects."""

    chosen = Signal(str)

    def __init__(self, actions: ActionSet, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        title = QLabel("Rotoshot")
        font = title.font()
        font.setPointSizeF(font.pointSizeF() * 2.2)
        font.setWeight(font.Weight.DemiBold)
        title.setFont(font)
        self._text = muted()
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        opening = ActionPushButton(actions["open_clip"], "Open clip…")
        opening.setProperty("primary", True)
        opening.setIcon(theme.icon("open", "accent_text"))
        buttons.addWidget(opening)
        buttons.addWidget(ActionPushButton(actions["open_sequence"], "Image sequence…"))
        buttons.addWidget(ActionPushButton(actions["open_project"], "Project…"))
        buttons.addStretch(1)
        self._heading = muted("Recent projects")
        self.recent = QListWidget()
        self.recent.setAccessibleName("Recent projects")
        self.recent.setIconSize(QSize(20, 20))
        self.recent.itemActivated.connect(self._activated)
        self.recent.itemClicked.connect(self._activated)
        inner = QVBoxLayout()
        inner.setSpacing(10)
        inner.addWidget(title)
        inner.addWidget(self._text)
        inner.addSpacing(8)
        inner.addLayout(buttons)
        self.notices = QVBoxLayout()  # lines about the last session go in here
        inner.addLayout(self.notices)
        inner.addSpacing(18)
        inner.addWidget(self._heading)
        inner.addWidget(self.recent)
        column = QWidget()
        column.setLayout(inner)
        column.setFixedWidth(560)
        self.recent.setFixedHeight(220)
        outer = QVBoxLayout(self)
        outer.addStretch(2)
        outer.addWidget(column, 0, Qt.AlignmentFlag.AlignHCenter)
        outer.addStretch(3)
        self.set_opening("")

    def set_recent(self, folders: list[str]) -> None:
        """The recent projects, newest first; those gone since are left out."""
        self.recent.clear()
        for folder in filter(lambda f: Path(f).is_dir(), folders):
            path = Path(folder)
            item = QListWidgetItem(theme.icon("project", "muted"), f"{path.stem}\n{path.parent}")
            item.setData(Qt.ItemDataRole.UserRole, folder)
            item.setToolTip(folder)
            item.setSizeHint(QSize(0, 46))
            self.recent.addItem(item)
        for widget in (self._heading, self.recent):
            widget.setVisible(self.recent.count() > 0)

    def set_opening(self, text: str) -> None:
        """What is being opened, or "" for the usual hint."""
        self._text.setText(
            text or "Open a shot, or drop a video, an image sequence's folder or a project here."
        )
        self.setEnabled(not text)

    def _activated(self, item: QListWidgetItem) -> None:
        self.chosen.emit(item.data(Qt.ItemDataRole.UserRole))
