"""What the start screen offers when the last session ended without closing its project."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from app.aside import Aside
from app.language import tr
from app.settings import Settings
from app.widgets import card
from app.workspace import MANIFEST, Workspace
from vosengine.project_lock import holder


@dataclass(frozen=True)
class Left:
    """A project whose last session ended unexpectedly; `saved`: when it was last written."""

    folder: Path
    saved: datetime


def left_open(folders: Iterable[str]) -> Left | None:
    """The first of these projects that was left so. Reads files: not for the GUI thread."""
    for folder in map(Path, folders):
        try:
            if _was_left(folder):
                files = [folder / MANIFEST, *(folder / "history").glob("*")]
                saved = max(path.stat().st_mtime for path in files)
                return Left(folder, datetime.fromtimestamp(saved))
        except OSError:  # a drive that does not answer
            continue
    return None


def _was_left(folder: Path) -> bool:
    """Whether the process that had the project open is no more. Its lock is not touched: it may be wanted."""
    found = holder(folder)
    return found is not None and found.is_gone


class Recovery(QObject):
    """Keeps the notice true while nothing is open."""

    chosen = Signal(str)  # a project's folder

    def __init__(self, workspace: Workspace, settings: Settings) -> None:
        super().__init__(workspace)
        self._settings = settings
        self._left: Left | None = None
        self._declined: set[Path] = set()
        self._aside = Aside(self)
        self.notice = self._made()
        workspace.document_changed.connect(self.look)

    def look(self) -> None:
        """See what the last session left; the notice follows soon."""
        folders = list(self._settings.recent_projects)
        self._aside.look(lambda: left_open(folders), self._show)

    def _made(self) -> QWidget:
        notice, body, _ = card(tr("Rotoshot ended unexpectedly"))
        self._text = QLabel()
        self._text.setWordWrap(True)
        self._open, later = QPushButton(tr("Open")), QPushButton(tr("Not now"))
        self._open.setToolTip(tr("Go on where you were"))
        later.setToolTip(tr("Leave the project as it is; it stays among the recent ones"))
        self._open.setProperty("primary", True)
        self._open.clicked.connect(self._choose)
        later.clicked.connect(self._decline)
        row = QHBoxLayout()
        row.addWidget(self._open)
        row.addWidget(later)
        row.addStretch(1)
        body.addWidget(self._text)
        body.addLayout(row)
        notice.hide()
        return notice

    def _show(self, left: Left | None) -> None:
        self._left = left if left is not None and left.folder not in self._declined else None
        self.notice.setVisible(self._left is not None)
        if self._left is not None:
            saved = tr("Everything up to {time} is saved.").format(time=_moment(self._left.saved))
            self._text.setText(saved)
            self._open.setText(tr("Open “{name}”").format(name=self._left.folder.stem))
            self._open.setToolTip(str(self._left.folder))
            if self.notice.isVisible():
                self._open.setFocus()

    def _choose(self) -> None:
        if self._left is not None:
            self.chosen.emit(str(self._left.folder))

    def _decline(self) -> None:
        if self._left is not None:
            self._declined.add(self._left.folder)
        self.look()


def _moment(saved: datetime) -> str:
    """The time of day, with the day where it is not today."""
    return f"{saved:%H:%M:%S}" if saved.date() == datetime.now().date() else f"{saved:%Y-%m-%d, %H:%M:%S}"
