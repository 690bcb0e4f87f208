"""Jobs one after the other: runs and exports wait here until those before them have ended."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.document import Change, Document, Kind
from app.exporter import Exporter
from app.jobs import Ending, Job, JobKind, JobList, JobState
from app.language import tr, trn
from app.orders import Order, detail_of, title_of
from app.progress import Progress
from app.runner import Runner
from vosengine.messages import Export

EDITS = (Kind.UNDO, Kind.PREDICTION)  # told after each step, done or taken back, and after each mask


class JobQueue(QObject):
    """The jobs of the open document. A job takes the document as it is when the job starts.

    `stop` cancels the job under way and holds the others back; the next job that is added runs at once, and
    then they follow. A run that fails holds them back as well: they may build on it.
    """

    changed = Signal()  # the jobs, their order or their states
    progressed = Signal()  # the progress of the job under way
    export_written = Signal(int, object)  # job, ExportWritten
    failed = Signal(int, str, str)  # job, message, traceback ("" for an expected failure)
    message = Signal(str)  # one sentence for the status bar

    def __init__(self, runner: Runner, exporter: Exporter, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner, self._exporter = runner, exporter
        self._list = JobList()
        self._document: Document | None = None
        self._unsubscribe: Callable[[], None] = lambda: None
        self._edition = 0  # of the document: another one after each change
        self.held = False
        for carrier in (runner, exporter):
            carrier.changed.connect(self.progressed)
            carrier.over.connect(self._over)
        exporter.written.connect(self._written)

    # --- what there is ------------------------------------------------------------------------------------

    @property
    def jobs(self) -> tuple[Job, ...]:
        """Ended ones first, then the one under way, then those that wait, the next one first."""
        return self._list.all

    @property
    def running(self) -> Job | None:
        """The job under way."""
        return self._list.running

    @property
    def waiting(self) -> tuple[Job, ...]:
        """Those to come, the next one first."""
        return self._list.waiting

    @property
    def is_empty(self) -> bool:
        """Nothing runs and nothing waits."""
        return self.running is None and not self.waiting

    @property
    def progress(self) -> Progress:
        """Of the job under way."""
        job = self.running
        return Progress("") if job is None else self._carrier(job).progress

    @property
    def summary(self) -> str:
        """What would be lost by leaving now, in a sentence; "" for nothing."""
        running, count = self.running, len(self.waiting)
        waiting = trn("{count} job waits.", "{count} jobs wait.", count).format(count=count) if count else ""
        under_way = {
            None: "",
            JobKind.RUN: tr("A run is in progress."),
            JobKind.EXPORT: tr("An export is in progress."),
        }
        return f"{under_way[running.kind if running else None]} {waiting}".strip()

    @property
    def consequence(self) -> str:
        """What leaving now does to the job under way and those that wait, in a sentence or two."""
        running, count = self.running, len(self.waiting)
        dropped = trn("The job that waits is dropped.", "The jobs that wait are dropped.", count)
        fate = {
            None: "",
            JobKind.RUN: tr("The masks that are finished are kept."),
            JobKind.EXPORT: tr("The export is lost: nothing of it is kept."),
        }
        return f"{fate[running.kind if running else None]} {dropped if count else ''}".strip()

    def job(self, number: int) -> Job | None:
        """By number."""
        return self._list.find(number)

    # --- adding -------------------------------------------------------------------------------------------

    def set_document(self, document: Document | None) -> None:
        """The document of the jobs from now on; all others are forgotten, the one under way aborted."""
        self._abort_carriers()
        self._list.clear()
        self.held = False
        self._unsubscribe()
        self._document = document
        self._unsubscribe = (lambda: None) if document is None else document.subscribe(self._note_change)
        self.changed.emit()

    def abort(self) -> None:
        """The document is about to close: end the job under way at once and hold back those that wait."""
        job = self.running
        self._abort_carriers()
        if job is not None:
            job.state, job.sentence = JobState.CANCELLED, tr("Cancelled.")
            self.held = bool(self.waiting)
            self.changed.emit()

    def _abort_carriers(self) -> None:
        self._runner.abort()
        self._exporter.abort()

    def _note_change(self, change: Change) -> None:
        if change.kind in EDITS:
            self._edition += 1

    def add_run(self, order: Order) -> int:
        """Learn and propagate as ordered; the job's number."""
        document = self._opened()
        title = title_of(order, document.clip.first_number)
        detail = detail_of(order, document)
        return self._add(JobKind.RUN, title, detail, lambda: self._runner.begin(document, order))

    def add_export(self, title: str, make: Callable[[], Export], detail: str = "") -> int:
        """Export what `make` gives when its turn comes; the job's number.

        `make` is called on a worker thread: it may wait for the disk and encode, but must not touch strokes
        (see `Document.stored_sources`). Where it raises EngineError the job fails with that sentence.
        """
        folder = self._opened().cache_folder / "export" / "jobs"
        return self._add(JobKind.EXPORT, title, detail, lambda: self._start_export(make, folder))

    def _opened(self) -> Document:
        assert self._document is not None, "jobs need an open document"
        return self._document

    def _start_export(self, make: Callable[[], Export], folder: Path) -> None:
        self._exporter.start(make, folder, lambda: self._edition)

    def _add(self, kind: JobKind, title: str, detail: str, start: Callable[[], None]) -> int:
        held, self.held = self.held, False
        job = self._list.add(kind, title, detail, start, first=held)
        if self.running is not None:
            ahead = self.waiting.index(job) + 1
            sentence = trn("{title}: waits behind {count} job.", "{title}: waits behind {count} jobs.", ahead)
            self.message.emit(sentence.format(title=title, count=ahead))
            self.changed.emit()
        self._start_next()
        return job.number

    # --- changing -----------------------------------------------------------------------------------------

    def cancel(self, number: int) -> None:
        """Cancel a job: one that waits at once, the one under way within a step. The others go on."""
        job = self.job(number)
        if job is not None and job is self.running:
            self._cancel_running(job)
        elif job is not None and not job.is_over:
            self.remove(number)

    def remove(self, number: int) -> None:
        """Take a job off the list; the one under way is cancelled instead."""
        if self._list.remove(number):
            self.held = self.held and bool(self.waiting)
            self.changed.emit()
        else:
            self.cancel(number)

    def move(self, number: int, places: int) -> None:
        """Move a job that waits down by so many places (up: negative)."""
        if self._list.move(number, places):
            self.changed.emit()

    def clear_ended(self) -> None:
        """Take what has ended off the list."""
        self._list.clear_ended()
        self.changed.emit()

    def stop(self) -> None:
        """Cancel the job under way and hold back those that wait."""
        job = self.running
        if job is not None:
            self.held = bool(self.waiting)
            self._cancel_running(job)
            self.changed.emit()

    def resume(self) -> None:
        """Go on with those that were held back."""
        self.held = False
        self.changed.emit()
        self._start_next()

    def _cancel_running(self, job: Job) -> None:
        self._carrier(job).cancel()

    def _carrier(self, job: Job) -> Runner | Exporter:
        return self._runner if job.kind is JobKind.RUN else self._exporter

    # --- going on -----------------------------------------------------------------------------------------

    def _start_next(self) -> None:
        if self.running is None and self.waiting and not self.held:
            job = self.waiting[0]
            job.state = JobState.RUNNING
            self.changed.emit()
            try:
                job.start()
            except Exception as error:
                self._carrier(job).fail(Ending.of_error(error))

    def _written(self, event: object) -> None:
        job = self.running
        if job is not None:
            self.export_written.emit(job.number, event)

    def _over(self, ending: Ending) -> None:
        job = self.running
        if job is None:
            return
        job.state, job.sentence = ending.state, ending.sentence
        if ending.state is JobState.FAILED:
            self.held = self.held or (job.kind is JobKind.RUN and bool(self.waiting))
            self.failed.emit(job.number, ending.sentence, ending.trace)
        self.changed.emit()
        self._tell(job)
        self._start_next()

    def _tell(self, job: Job) -> None:
        """How an export ended, and what becomes of the others; of a run alone the runner told it."""
        count = len(self.waiting) if self.held else 0
        sentence = job.sentence if job.kind is JobKind.RUN else f"{job.title}: {job.sentence}"
        if job.kind is JobKind.RUN and not count:
            return
        if count:
            held = trn(
                "{count} job is held back: go on in the Jobs panel.",
                "{count} jobs are held back: go on in the Jobs panel.",
                count,
            )
            sentence = f"{sentence} {held.format(count=count)}"
        self.message.emit(sentence)
