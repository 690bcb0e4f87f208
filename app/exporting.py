"""Exporting, as a part of the window: one dialog a document, which stands beside the window."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.actions import ActionSet
from app.export_dialog import ExportDialog
from app.settings import Settings
from app.workspace import Workspace


class Exporting(QObject):
    """Opens the dialog, and takes it away with its document."""

    def __init__(self, workspace: Workspace, settings: Settings, window: QWidget) -> None:
        super().__init__(window)
        self._workspace, self._settings, self._window = workspace, settings, window
        self.dialog: ExportDialog | None = None
        workspace.document_changed.connect(self._drop)

    def handlers(self) -> dict[str, Callable[[], object]]:
        """What its actions do, by name."""
        return {"export": self.open}

    def build(self, actions: ActionSet) -> None:
        """Nothing of it stands in the window."""

    def facts(self) -> set[str]:
        """It knows nothing that others do not."""
        return set()

    def open(self) -> None:
        """Show the dialog, as it was left where it is still about this document."""
        document = self._workspace.document
        if document is None:
            return
        if self.dialog is None:
            self.dialog = ExportDialog(self._workspace, document, self._settings, self._window)
        self.dialog.show()
        self.dialog.raise_()
        self.dialog.activateWindow()

    def _drop(self) -> None:
        dialog, self.dialog = self.dialog, None
        if dialog is not None:
            dialog.close()
            dialog.deleteLater()
