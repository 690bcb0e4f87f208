"""The export dialog: what, which frames, where to; then progress, then what was written and checked.

It stands beside the window, which stays usable. The exports themselves are jobs of the workspace's queue.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from app.dialogs import confirm
from app.document import Change, Document, Kind
from app.export_choice import ExportChoice
from app.export_form import ExportForm
from app.export_pages import FilesPreview, Outcome, ProgressPage, ResultPage, WrittenFile
from app.language import tr, trn
from app.progress import Progress
from app.settings import Settings
from app.workspace import Workspace
from vosengine.errors import EngineError
from vosengine.export import TEMPLATES, Announced, Forecast, forecast
from vosengine.export.forecasting import size_of
from vosengine.messages import Export, ExportSource, ExportWritten
from vosengine.types import Span

FORM, PROGRESS, RESULT = range(3)
LOOK_DELAY = 200  # milliseconds: a person is typing
FOLLOWED = (Kind.OBJECTS, Kind.SELECTION, Kind.PREDICTION, Kind.ANNOTATION, Kind.STATES, Kind.UNDO)


@dataclass(frozen=True)
class Request:
    """An export as it is asked for."""

    choice: ExportChoice
    span: Span
    destination: Path


class ExportDialog(QDialog):
    """Asks, orders, and follows what it ordered. Closing it lets an export go on."""

    def __init__(
        self, workspace: Workspace, document: Document, settings: Settings, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Export"))
        self.setMinimumWidth(640)
        self._workspace, self._document, self._settings = workspace, document, settings
        self._span = document.span  # in and out, as the form knows them
        self._ordered: list[int] = []  # jobs of this dialog whose outcome was not shown yet
        self._written: dict[int, ExportWritten] = {}
        self._counts: dict[int, int] = {}  # frames, by job
        self._choice: ExportChoice | None = None  # ordered last
        self._look_soon = QTimer(self, singleShot=True, interval=LOOK_DELAY)
        self._look_soon.timeout.connect(self._look)
        self._follow_soon = QTimer(self, singleShot=True, interval=LOOK_DELAY)
        self._build()
        self._connect()
        self._edited()

    def _build(self) -> None:
        self.form = ExportForm(self._document, self._settings)
        self.preview, self.progress, self.results = FilesPreview(), ProgressPage(), ResultPage()
        self.problem = QLabel()
        self.problem.setWordWrap(True)
        self.problem.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.problem.setMinimumHeight(2 * self.fontMetrics().lineSpacing() + 4)
        self.export_button, self.queue_button = QPushButton(tr("Export")), QPushButton(tr("Add to queue"))
        self.export_button.setProperty("primary", True)
        self.export_button.setDefault(True)
        close = QPushButton(tr("Close"))
        close.clicked.connect(self.reject)
        self._pages = QStackedWidget()
        first = QWidget()
        column = QVBoxLayout(first)
        column.setContentsMargins(0, 0, 0, 0)
        for part in (self.form, self.preview, self.problem):
            column.addWidget(part)
        column.addStretch(1)
        line = QHBoxLayout()
        line.addStretch(1)
        for button in (close, self.queue_button, self.export_button):
            line.addWidget(button)
        column.addLayout(line)
        for page in (first, self.progress, self.results):
            self._pages.addWidget(page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 14, 18, 14)
        layout.addWidget(self._pages)

    def _connect(self) -> None:
        self.form.changed.connect(self._edited)
        self._follow_soon.timeout.connect(self.form.refresh)
        self.export_button.clicked.connect(lambda: self.order(stay=False))
        self.queue_button.clicked.connect(lambda: self.order(stay=True))
        self.progress.cancelled.connect(self._cancel)
        self.progress.hidden.connect(self.reject)
        self.progress.another.connect(lambda: self._turn_to(FORM))
        self.results.closed.connect(self.reject)
        self.results.again.connect(lambda: self._turn_to(FORM))
        self._workspace.changed.connect(self._document_changed)
        jobs = self._workspace.jobs
        jobs.changed.connect(self._follow)
        jobs.progressed.connect(self._show_progress)
        jobs.export_written.connect(self._note_written)

    def showEvent(self, event: QShowEvent) -> None:
        """What is on the disk may have changed meanwhile."""
        super().showEvent(event)
        self._look_soon.start(0)

    @property
    def page(self) -> int:
        """FORM, PROGRESS or RESULT."""
        return self._pages.currentIndex()

    # --- what would be written ------------------------------------------------------------------------------

    def _edited(self) -> None:
        problem = self.form.problem()
        self._say(problem)
        self._enable(problem)
        if problem:
            self._look_soon.stop()
            self.preview.show_forecast(None)
        else:
            self._look_soon.start()

    def _document_changed(self, change: Change) -> None:
        moved = change.kind is Kind.SELECTION and self._document.span == self._span  # only to another frame
        if change.kind in FOLLOWED and not moved and self.isVisible() and self.page == FORM:
            self._span = self._document.span
            if not self._follow_soon.isActive():
                self._follow_soon.start()

    def _look(self) -> None:
        request = self._request()
        if request is not None:
            self._foresee(request, lambda found: self._looked(request, found), "export names")

    def _looked(self, request: Request, found: Forecast | str) -> None:
        if self.form.choice() != request.choice:
            return  # edited since
        if isinstance(found, str):
            self._say(found)
            self._enable(found)
            self.preview.show_forecast(None)
        else:
            self._enable("")
            self.preview.show_forecast(found)

    def _request(self) -> Request | None:
        """What the form asks for; None, and said why, where it cannot be."""
        choice = self.form.choice()
        span = choice.span(self._document)
        if self.form.problem() or span is None:
            return None
        try:
            return Request(choice, span, choice.destination(self._document))
        except RuntimeError as error:  # there is no such user's home
            problem = tr("{reason}: choose another folder.").format(reason=str(error).rstrip("."))
            self._say(problem)
            self._enable(problem)
            return None

    def _foresee(
        self, request: Request, then: Callable[[Forecast | str], None], key: Hashable = None
    ) -> None:
        """Look at the disk on the worker's thread; a newer look with the same `key` takes its place."""
        document, choice = self._document, request.choice
        info, place = document.clip, document.matte_file
        objects = [(each, document.matte_frames(each.object_id, request.span)) for each in document.objects]

        def look() -> Forecast | str:
            how = choice.template, request.destination, choice.combined or None, choice.name
            sources = tuple(
                ExportSource(
                    own.object_id, own.name, {frame: place(own.object_id, frame) for frame in frames}
                )
                for own, frames in objects
            )
            try:
                return forecast(info, choice.chosen(sources), request.span, *how)
            except EngineError as error:
                return str(error)

        self._workspace.worker.submit(look, then, key)

    def _say(self, sentence: str) -> None:
        self.problem.setText(sentence)

    def _enable(self, problem: str) -> None:
        for button in (self.export_button, self.queue_button):
            button.setEnabled(not problem)
            button.setToolTip(problem)
        if not problem:
            self.queue_button.setToolTip(tr("Export this when its turn comes, and choose the next"))

    # --- ordering -------------------------------------------------------------------------------------------

    def order(self, stay: bool) -> None:
        """Put the export into the queue, after asking about files that it would replace.

        `stay`: on this page, for the next one; else its progress is shown.
        """
        request = self._request()
        if request is not None:
            self._say("")
            self._foresee(request, lambda found: self._order(request, found, stay))

    def _order(self, request: Request, found: Forecast | str, stay: bool) -> None:
        if isinstance(found, str):
            self._say(found)
            return
        replaced = [each for each in found.outputs if each.replaces]
        if replaced and not self._may_replace(replaced):
            return
        self._choice = request.choice
        self._remember(request.choice)
        self._document.end_stroke()
        command = self._command(request, bool(replaced))
        label, count = TEMPLATES[request.choice.template].label, len(request.span)
        frames = trn("{count} frame", "{count} frames", count).format(count=count)
        names = ", ".join(each.target.name for each in found.outputs)
        title = tr("Export {format}").format(format=label)
        number = self._workspace.jobs.add_export(title, command, f"{names}  ·  {frames}")
        self._ordered.append(number)
        self._counts[number] = count
        if stay:
            self._say(tr("In the queue: {title} ({names}).").format(title=label, names=names))
        else:
            self._turn_to(PROGRESS)
        self._follow()

    def _command(self, request: Request, overwrite: bool) -> Callable[[], Export]:
        document, choice = self._document, request.choice
        how = request.span, request.destination, overwrite
        return lambda: choice.command(document.clip.path, document.stored_sources(), *how)

    def _remember(self, choice: ExportChoice) -> None:
        self._document.set_export_choice(choice.values)
        self._settings.export_template = choice.template

    def _may_replace(self, replaced: list[Announced]) -> bool:
        names = ", ".join(each.target.name for each in replaced)
        question = tr("Replace {names}?").format(names=names)
        there = tr("There already in {folder}.").format(folder=replaced[0].target.parent)
        return confirm(self, question, there, tr("Replace"))

    # --- following ------------------------------------------------------------------------------------------

    def _cancel(self) -> None:
        for number in self._ordered[:1]:
            self.progress.cancel.setEnabled(False)
            self._workspace.jobs.cancel(number)

    def _note_written(self, number: int, event: ExportWritten) -> None:
        if number in self._ordered:
            self._written[number] = event

    def _follow(self) -> None:
        """A job of the queue changed: go on to the next of ours, or to what they came to."""
        jobs = self._workspace.jobs
        known = [jobs.job(number) for number in self._ordered]
        if known and all(job is None or job.is_over for job in known):
            self._end()
        elif known:
            self._show_progress()

    def _show_progress(self) -> None:
        if not self._ordered:
            return
        jobs = self._workspace.jobs
        own = [job for number in self._ordered if (job := jobs.job(number)) and not job.is_over]
        if own:
            running = jobs.running is own[0]
            progress = jobs.progress if running else Progress("")
            self.progress.show_progress(own[0].title, progress, len(own) - 1)

    def _end(self) -> None:
        jobs, ordered, self._ordered = self._workspace.jobs, self._ordered, []
        self.progress.cancel.setEnabled(True)
        outcomes = []
        for number in ordered:
            job, written = jobs.job(number), self._written.pop(number, None)
            sentence = job.sentence if job is not None and job.sentence else tr("Taken out of the queue.")
            title = job.title if job is not None else tr("Export")
            outcomes.append((title, sentence, written, self._counts.pop(number)))
        if not any(written for _, _, written, _ in outcomes):
            self._turn_to(FORM)
            self._say(outcomes[-1][1])
            return
        self._workspace.worker.submit(lambda: [_outcome(*each) for each in outcomes], self._show_outcomes)

    def _show_outcomes(self, outcomes: list[Outcome]) -> None:
        self.results.show_outcomes(outcomes)
        if self.page == FORM and self.form.choice() != self._choice:  # the next one is being set up
            self._say("\n".join(f"{each.title}: {each.sentence}" for each in outcomes))
        elif not self._ordered:
            self._turn_to(RESULT)

    def _turn_to(self, page: int) -> None:
        self._pages.setCurrentIndex(page)
        if page == FORM:
            self.form.refresh()
        focused = {PROGRESS: self.progress.hide_button, RESULT: self.results.show_button}
        focused.get(page, self.export_button).setFocus()


def _outcome(title: str, sentence: str, written: ExportWritten | None, count: int) -> Outcome:
    """Looks at the disk for the sizes."""
    if written is None:
        return Outcome(title, sentence)
    files = tuple(WrittenFile(path, count, size_of(path)) for path in written.files)
    return Outcome(title, sentence, files, written.report)
