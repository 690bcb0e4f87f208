"""Running: the ways to learn and propagate, the panel of jobs, what a run costs and what it runs on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import psutil
from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QDockWidget

from app.actions import ActionSet
from app.cost_text import cost_lines, cost_tip
from app.costs import Costs, Work, case_of
from app.docks import Docks
from app.document import Document, FrameState
from app.editing import Editing
from app.findings import Mark
from app.foresight import work_of
from app.jobs import JobKind
from app.jobs_panel import JobsPanel
from app.language import tr, trn
from app.orders import Order, Way, order_for
from app.settings import Settings
from app.survey import Survey
from app.workspace import Workspace
from vosengine.config import Config
from vosengine.published import missing_for

WAYS = {
    "run": Way.RUN,
    "learn": Way.LEARN,
    "propagate_forward": Way.FORWARD,
    "propagate_backward": Way.BACKWARD,
    "propagate_span": Way.SPAN,
    "propagate_frame": Way.FRAME,
}
FORESEE_DELAY = 300  # milliseconds: edits and predictions come in a row
GIB = 2**30


class Running(QObject):
    """Everything about runs and jobs between the workspace and the window."""

    cost_changed = Signal(str, str, str)  # of the next run: two lines and the tooltip

    panel: JobsPanel
    dock: QDockWidget

    def __init__(
        self, workspace: Workspace, editing: Editing, docks: Docks, settings: Settings, survey: Survey
    ) -> None:
        super().__init__(docks)
        self._workspace, self._editing, self._docks = workspace, editing, docks
        self._settings, self._survey = settings, survey
        self.costs = Costs(settings.unit_times)
        self._process = psutil.Process()
        self._waited = 0  # jobs that waited at their last change
        self._foresee_soon = QTimer(self, singleShot=True, interval=FORESEE_DELAY)
        self._foresee_soon.timeout.connect(self.foresee)

    def handlers(self) -> dict[str, Callable[[], object]]:
        """What the actions do, by name."""
        runs = {name: partial(self._editing.run, way) for name, way in WAYS.items()}
        return {**runs, "jobs": self._toggle_panel}

    def build(self, actions: ActionSet) -> None:
        """The panel beside the canvas."""
        workspace = self._workspace
        self.panel = JobsPanel(workspace.jobs)
        self.dock = self._docks.add(self.panel, tr("Jobs"), actions["jobs"])
        workspace.jobs.changed.connect(self._jobs_changed)
        workspace.runner.measured.connect(self._measured)
        workspace.runner.foresee = self._seconds_of_frames
        for source in (workspace.changed, workspace.document_changed, workspace.jobs.changed):
            source.connect(self._foresee_later)

    def facts(self) -> set[str]:
        """Which needs of `app.actions.REASONS` about runs hold now."""
        document = self._workspace.document
        if document is None:
            return set()
        found = {"before_out"} if document.frame < document.span.stop else set()
        if document.frame >= document.span.start:
            found.add("after_in")
        marked = [each for each in document.objects if document.annotated_frames(each.object_id)]
        kept = (FrameState.ANNOTATED, FrameState.APPROVED)
        states = [document.state(each.object_id, document.frame) for each in marked if not each.locked]
        return found | ({"open_frame"} if any(state not in kept for state in states) else set())

    # --- what a run costs ---------------------------------------------------------------------------------

    def _foresee_later(self) -> None:
        if not self._foresee_soon.isActive():
            self._foresee_soon.start()

    def foresee(self) -> None:
        """Tell what the next run would cost with the present settings."""
        document = self._workspace.document
        if document is None:
            return
        work, device = self._work_ahead(document), self._settings.device
        cost = self.costs.cost(case_of(device, document.config, document.clip), work)
        missing = missing_for(document.config)
        self.cost_changed.emit(*cost_lines(cost, work, missing), cost_tip(cost, work, missing, device))

    def _work_ahead(self, document: Document) -> Work:
        """Of the next run; while nothing is marked, of one object on every frame between in and out."""
        if not document.annotated_frames():
            frames = len(document.span)
            return Work(document.config.steps, frames, frames)
        return work_of(order_for(document, Way.RUN), document, self._outdated(document))

    def _seconds_of_frames(self, document: Document, order: Order) -> float | None:
        """What an order takes when it has learned, as measured before; None where nothing was."""
        work = work_of(order, document, self._outdated(document))
        cost = self.costs.cost(case_of(self._settings.device, order.config, document.clip), work)
        return None if cost is None else cost.seconds - cost.learning

    def _outdated(self, document: Document) -> list[int] | None:
        """As `Document.outdated`, from what the survey knows already; None where that is none."""
        marks = [
            self._survey.findings[each.object_id].marks
            for each in document.objects
            if each.object_id in self._survey.findings
            and not each.locked
            and document.annotated_frames(each.object_id)
        ]
        if not marks:
            return None
        open_frames = np.logical_or.reduce([(row == Mark.EMPTY) | (row == Mark.STALE) for row in marks])
        span = document.span
        found: list[int] = (np.flatnonzero(open_frames[span.start : span.stop]) + span.start).tolist()
        return found

    def _measured(self, config: Config, unit: str, seconds: float) -> None:
        document, device = self._workspace.document, self._workspace.runner.device
        if document is not None and device is not None:
            self._settings.device = device.device
            self.costs.note(case_of(device.device, config, document.clip), unit, seconds)

    # --- what it runs on ----------------------------------------------------------------------------------

    def device_text(self) -> str:
        """What the job under way computes on, and the memory it takes there."""
        device, job = self._workspace.runner.device, self._workspace.jobs.running
        own = tr("{used:.1f} GB in use").format(used=self._process.memory_info().rss / GIB)
        if job is None or job.kind is not JobKind.RUN or device is None:
            return own
        if device.memory_total:
            figures = tr("{used:.1f} of {total:.0f} GB").format(
                used=device.memory_used / GIB, total=device.memory_total / GIB
            )
            return f"{device.device}  ·  {figures}"
        return f"{device.device}  ·  {own}"

    def waiting_text(self) -> str:
        """How many jobs wait, "" for none."""
        count = len(self._workspace.jobs.waiting)
        return trn("{count} job waits", "{count} jobs wait", count).format(count=count) if count else ""

    # --- the panel of jobs --------------------------------------------------------------------------------

    def cancel(self) -> None:
        """End the run under way and hold back what waits; exports are cancelled in the panel of jobs."""
        job = self._workspace.jobs.running
        if job is not None and job.kind is JobKind.RUN:
            self._workspace.jobs.stop()

    def _toggle_panel(self) -> None:
        self._docks.toggle("jobs")
        if self.dock.isVisible():
            self.panel.list.setFocus()

    def _jobs_changed(self) -> None:
        """A job that waits must be seen: the panel comes up with the first of them."""
        before, self._waited = self._waited, len(self._workspace.jobs.waiting)
        if self._waited and not before and self.dock.isHidden():
            self._docks.toggle("jobs")
