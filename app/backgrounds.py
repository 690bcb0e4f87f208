"""What the objects are shown before: a colour or a picture, chosen by the user and remembered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QColorDialog, QFileDialog, QWidget

from app.actions import ActionSet
from app.compositing import View
from app.effects import Picture
from app.language import tr
from app.settings import Settings
from app.viewer import Viewer, rgb
from app.workspace import Workspace
from vosengine.errors import EngineError

PICTURES = "*.png *.jpg *.jpeg *.tif *.tiff *.exr *.dpx *.bmp *.webp"


class Backgrounds(QObject):
    """Asks for them over `window`; pictures are read off the GUI thread."""

    actions: ActionSet

    def __init__(self, workspace: Workspace, viewer: Viewer, settings: Settings, window: QWidget) -> None:
        super().__init__(viewer)
        self._workspace, self._viewer, self._settings, self._window = workspace, viewer, settings, window
        self._former = View.OVERLAY  # to go back to where no picture is chosen
        viewer.view_changed.connect(self._view_changed)
        workspace.document_changed.connect(self._document_changed)

    def handlers(self) -> dict[str, Callable[[], object]]:
        """What the actions do, by name."""
        return {"choose_backdrop": self._choose_colour, "choose_picture": self._choose_picture}

    def build(self, actions: ActionSet) -> None:
        """Take up what was chosen last."""
        self.actions = actions
        self._viewer.set_backdrop(rgb(self._settings.backdrop))

    def facts(self) -> set[str]:
        """Nothing hangs on the background."""
        return set()

    def _view_changed(self) -> None:
        """The picture is read, or asked for, when it is looked at first."""
        if self._viewer.view is not View.PICTURE:
            self._former = self._viewer.view
        elif self._viewer.picture is None:
            self._get_picture(asks=self._workspace.document is not None)

    def _document_changed(self) -> None:
        """The view may be the one of the last session."""
        if self._lacks_picture():
            self._get_picture(asks=False)

    def _get_picture(self, asks: bool) -> None:
        """Read what was chosen last, once a clip is open; `asks`: let the user choose where nothing was."""
        chosen = self._settings.background_picture
        if not chosen:
            if not (asks and self._choose_picture()):
                self._go_back()
        elif self._workspace.document is not None:
            self._read(Path(chosen))

    def _lacks_picture(self) -> bool:
        return self._viewer.view is View.PICTURE and self._viewer.picture is None

    def _go_back(self) -> None:
        """Directly: its action may not be possible just now."""
        self.actions[self._former.value].setChecked(True)
        self._settings.view = self._former.value
        self._viewer.set_view(self._former)

    def _choose_colour(self) -> None:
        now = QColor(self._settings.backdrop)
        colour = QColorDialog.getColor(now, self._window, tr("Background colour"))
        if colour.isValid():
            self._settings.backdrop = colour.name()
            self._viewer.set_backdrop(rgb(colour.name()))
            self.actions[View.BACKDROP.value].trigger()

    def _choose_picture(self) -> bool:
        """Whether the user chose a file."""
        start = self._settings.background_picture or self._settings.last_folder
        kinds = f"{tr('Pictures')} ({PICTURES});;{tr('All files')} (*)"
        name, _ = QFileDialog.getOpenFileName(self._window, tr("Background picture"), start, kinds)
        if name:
            self._read(Path(name))
        return bool(name)

    def _read(self, path: Path) -> None:
        self._workspace.worker.submit(lambda: _loaded(path), self._show, "background picture")

    def _show(self, loaded: Picture | str) -> None:
        """The picture, or why there is none: then the former one stays."""
        if isinstance(loaded, str):
            self._workspace.message.emit(loaded)
            if self._lacks_picture():
                self._go_back()
            return
        self._settings.background_picture = str(loaded.path)
        self._viewer.set_picture(loaded)
        if self._viewer.view is not View.PICTURE:
            self.actions[View.PICTURE.value].trigger()


def _loaded(path: Path) -> Picture | str:
    try:
        return Picture.load(path)
    except EngineError as error:
        return tr("{reason} Choose another background picture in the View menu.").format(reason=error)
