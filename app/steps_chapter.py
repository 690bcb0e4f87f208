"""The history in the window: its panel follows the open document and takes one anywhere in it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QDockWidget

from app.actions import ActionSet
from app.docks import Docks
from app.document import Change, Kind
from app.editing import Editing
from app.history_panel import HistoryModel, HistoryPanel
from app.language import tr
from app.workspace import Workspace

GROWING_INTERVAL = 250  # milliseconds between two looks at a step that grows


class StepsChapter(QObject):
    """Everything about the history between the workspace and the window."""

    panel: HistoryPanel
    dock: QDockWidget

    def __init__(self, workspace: Workspace, editing: Editing, docks: Docks) -> None:
        super().__init__(workspace)
        self._workspace, self._editing, self._docks = workspace, editing, docks
        self._model = HistoryModel()
        self._soon = QTimer(self, singleShot=True, interval=GROWING_INTERVAL)
        self._soon.timeout.connect(self._model.tell_grown)

    def handlers(self) -> dict[str, Callable[[], object]]:
        """What the actions do, by name."""
        return {"history": self._toggle}

    def build(self, actions: ActionSet) -> None:
        """The panel beside the canvas."""
        self.panel = HistoryPanel(actions, self._model)
        self.panel.chosen.connect(self._editing.travel)
        self.dock = self._docks.add(self.panel, tr("History"), actions["history"])
        self._workspace.document_changed.connect(self._follow)
        self._workspace.changed.connect(self._changed)

    def facts(self) -> set[str]:
        """None of its own."""
        return set()

    def _changed(self, change: Change) -> None:
        if change.kind is Kind.UNDO:
            self._follow()
        elif change.kind is Kind.PREDICTION and not self._soon.isActive():
            self._soon.start()

    def _follow(self) -> None:
        document = self._workspace.document
        if document is None:
            self.panel.show_steps([], 0, 0)
        else:
            self.panel.show_steps(document.steps, document.position, document.clip.first_number)

    def _toggle(self) -> None:
        self._docks.toggle("history")
        if self.dock.isVisible():
            self.panel.list.setFocus()
