"""Opening, relinking, leaving: what the user is asked on the way to a document and away from it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QStandardPaths, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QWidget

from app.dialogs import confirm
from app.language import tr
from app.settings import Settings
from app.workspace import Workspace
from vosengine.errors import EngineError

PATTERNS = (
    "*.mov *.mp4 *.mkv *.avi *.webm *.m4v *.mxf *.mts *.mpg *.mpeg *.ts *.wmv *.y4m "
    "*.png *.jpg *.jpeg *.tif *.tiff *.exr *.dpx"
)
VIDEO_FILTER = tr("Footage ({patterns});;All files (*)").format(patterns=PATTERNS)


class Opening(QObject):
    """The questions about footage and projects, asked over `window`."""

    def __init__(self, workspace: Workspace, settings: Settings, window: QWidget) -> None:
        super().__init__(window)
        self._workspace, self._settings, self._window = workspace, settings, window
        workspace.accepts_change = self._accepts_change
        workspace.clip_missing.connect(self._clip_missing)

    def handlers(self) -> dict[str, Callable[[], object]]:
        """What the actions do, by name."""
        return {
            "open_clip": self._ask_clip,
            "open_sequence": partial(self._ask_folder, tr("Open image sequence")),
            "open_project": partial(self._ask_folder, tr("Open project")),
            "show_folder": self._show_folder,
            "close_project": self._close_project,
        }

    def open(self, path: Path) -> None:
        """Open a clip or project, after asking when a run would be lost."""
        if self.may_leave(tr("Open another clip")) and self.leave():
            self._settings.last_folder = str(path.parent)
            self._workspace.open(path)

    def may_leave(self, verb: str) -> bool:
        """Whether nothing runs, or the user gives it up: the button that does so says `verb`."""
        jobs = self._workspace.jobs
        if jobs.is_empty:
            return True
        return confirm(self._window, jobs.summary, jobs.consequence, verb)

    def leave(self, close: Callable[[bool], None] | None = None) -> bool:
        """Close the document, by default nothing else; False when it stays because it cannot be saved."""
        close = close or self._workspace.close_document
        try:
            close(False)
        except EngineError as error:
            remark = tr("The last changes are not on disk yet.")
            if not confirm(self._window, str(error), remark, tr("Discard them")):
                return False
            close(True)
        return True

    @property
    def _folder(self) -> str:
        """Where the last clip was; at first the desktop's folder for films."""
        films = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.MoviesLocation)
        return self._settings.last_folder or films

    def _ask_clip(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self._window, tr("Open clip"), self._folder, VIDEO_FILTER)
        if name:
            self.open(Path(name))

    def _ask_folder(self, title: str) -> None:
        name = QFileDialog.getExistingDirectory(self._window, title, self._folder)
        if name:
            self.open(Path(name))

    def _clip_missing(self, path: Path) -> None:
        question = tr("The footage of this project is not at {path}.").format(path=path)
        remark = tr("Choose where it is now; nothing you drew is lost.")
        if confirm(self._window, question, remark, tr("Find footage…")):
            name, _ = QFileDialog.getOpenFileName(
                self._window, tr("Find footage"), str(path.parent), VIDEO_FILTER
            )
            if name:
                chosen = Path(name)
                is_sequence = path.is_dir() or not path.suffix
                self._workspace.relink(chosen.parent if is_sequence else chosen)
                return
        self._workspace.close_document()

    def _accepts_change(self, name: str) -> bool:
        question = tr("{name} has changed since this project was made.").format(name=name)
        return confirm(self._window, question, tr("Masks stay on their frame numbers."), tr("Use it"))

    def _close_project(self) -> None:
        if self.may_leave(tr("Close anyway")):
            self.leave()

    def _show_folder(self) -> None:
        if self._workspace.document is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._workspace.document.folder)))
