"""Running: the ways to learn and propagate, the panel of jobs, what is shown while one runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QDockWidget

from app.actions import ActionSet
from app.docks import Docks
from app.document import FrameState
from app.editing import Editing
from app.jobs_panel import JobsPanel
from app.language import tr
from app.orders import Way
from app.workspace import Workspace

WAYS = {
    "run": Way.RUN,
    "learn": Way.LEARN,
    "propagate_forward": Way.FORWARD,
    "propagate_backward": Way.BACKWARD,
    "propagate_span": Way.SPAN,
    "propagate_frame": Way.FRAME,
}


class Running(QObject):
    """Everything about runs and jobs between the workspace and the window."""

    panel: JobsPanel
    dock: QDockWidget

    def __init__(self, workspace: Workspace, editing: Editing, docks: Docks) -> None:
        super().__init__(docks)
        self._workspace, self._editing, self._docks = workspace, editing, docks

    def handlers(self) -> dict[str, Callable[[], object]]:
        """What the actions do, by name."""
        runs = {name: partial(self._editing.run, way) for name, way in WAYS.items()}
        return {**runs, "jobs": self._toggle_panel}

    def build(self, actions: ActionSet) -> None:
        """The panel beside the canvas."""
        self.panel = JobsPanel(self._workspace.jobs)
        self.dock = self._docks.add(self.panel, tr("Jobs"), actions["jobs"])
        self._workspace.jobs.changed.connect(self._jobs_changed)

    def facts(self) -> set[str]:
        """Which needs of `app.actions.REASONS` about runs hold now."""
        document = self._workspace.document
        if document is None:
            return set()
        marked = [each for each in document.objects if document.annotated_frames(each.object_id)]
        kept = (FrameState.ANNOTATED, FrameState.APPROVED)
        states = [document.state(each.object_id, document.frame) for each in marked if not each.locked]
        return {"open_frame"} if any(state not in kept for state in states) else set()

    def _toggle_panel(self) -> None:
        self._docks.toggle("jobs")
        if self.dock.isVisible():
            self.panel.list.setFocus()

    def _jobs_changed(self) -> None:
        """A job that waits must be seen: the panel comes up with the first of them."""
        count = len(self._workspace.jobs.waiting)
        self.dock.setWindowTitle(tr("Jobs ({count})").format(count=count) if count else tr("Jobs"))
        if count and self.dock.isHidden():
            self._docks.toggle("jobs")
