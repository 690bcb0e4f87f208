"""The export dialog: what, which frames, where to; then progress, then what was written and checked.

It stands beside the window, which stays usable. The exports themselves are jobs of the workspace's queue.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from app.dialogs import confirm
from app.document import Change, Document, Kind
from app.export_choice import ExportChoice
from app.export_form import ExportForm
from app.export_orders import ExportOrders, OrderedExport, Outcome, reasons, told
from app.export_pages import FilesPreview, ProgressPage, ResultPage
from app.language import tr, trn
from app.progress import Progress
from app.settings import Settings
from app.workspace import Workspace
from vosengine.errors import EngineError
from vosengine.export import TEMPLATES, Announced, Forecast, forecast
from vosengine.messages import Export, ExportSource, ExportWritten
from vosengine.types import Span

FORM, PROGRESS, RESULT = range(3)
LOOK_DELAY = 200  # milliseconds: a person is typing
WORD = 70  # characters that fit a line
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
        self._orders = ExportOrders()  # those whose outcome was not shown yet
        self._ordering = False  # an order looks at the disk
        self._pressed: QPushButton | None = None  # the button that had the keyboard before
        self._cancelled = 0  # the job that was cancelled last
        self._hindrance = self._news = ""  # why it cannot be exported; else what has happened
        self._look_soon, self._refresh_soon = (
            QTimer(self, singleShot=True, interval=LOOK_DELAY) for _ in range(2)
        )
        self._look_soon.timeout.connect(self._look)
        self._refresh_soon.timeout.connect(self._catch_up)
        self._build()
        self._connect()
        self._show_state()
        self._edited()

    def _build(self) -> None:
        self.form = ExportForm(self._document, self._settings)
        self.preview, self.progress, self.results = FilesPreview(), ProgressPage(), ResultPage()
        self.problem = QLabel()
        self.problem.setWordWrap(True)
        self.problem.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.problem.setFixedHeight(3 * self.fontMetrics().lineSpacing() + 4)  # nothing moves by its text
        self.export_button, self.queue_button = QPushButton(tr("Export")), QPushButton(tr("Add to queue"))
        self._buttons = self.export_button, self.queue_button
        self.export_button.setProperty("primary", True)
        self.export_button.setDefault(True)
        close = QPushButton(tr("Close"))
        close.clicked.connect(self.reject)
        self.results_button = QPushButton(tr("Results"))
        self.results_button.setAutoDefault(False)
        self.results_button.setEnabled(False)
        self.results_button.setToolTip(tr("Nothing was exported since the project was opened."))
        self._pages = QStackedWidget()
        first = QWidget()
        column = QVBoxLayout(first)
        column.setContentsMargins(0, 0, 0, 0)
        for part in (self.form, self.preview, self.problem):
            column.addWidget(part)
        column.addStretch(1)
        line = QHBoxLayout()
        line.addWidget(self.results_button)
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
        self.export_button.clicked.connect(lambda: self.order(stay=False))
        self.queue_button.clicked.connect(lambda: self.order(stay=True))
        self.progress.cancelled.connect(self._cancel)
        self.progress.hidden.connect(self.reject)
        self.progress.another.connect(lambda: self._turn_to(FORM))
        self.progress.resumed.connect(self._workspace.jobs.resume)
        self.results_button.clicked.connect(lambda: self._turn_to(RESULT))
        self.results.closed.connect(self.reject)
        self.results.again.connect(lambda: self._turn_to(FORM))
        self._workspace.changed.connect(self._document_changed)
        jobs = self._workspace.jobs
        jobs.changed.connect(self._follow)
        jobs.progressed.connect(self._show_progress)
        jobs.export_written.connect(self._note_written)
        self._workspace.worker.failed.connect(self._end_ordering)

    def showEvent(self, event: QShowEvent) -> None:
        """The document and what is on the disk may have changed meanwhile."""
        super().showEvent(event)
        if self.page == FORM:
            self._catch_up()

    def hideEvent(self, event: QHideEvent) -> None:
        """What happened was read; what happens from now on is told when it comes back."""
        super().hideEvent(event)
        if not event.spontaneous():
            self._tell("")

    @property
    def page(self) -> int:
        """FORM, PROGRESS or RESULT."""
        return self._pages.currentIndex()

    # --- what would be written ------------------------------------------------------------------------------

    def _edited(self) -> None:
        problem = self.form.problem()
        if problem:
            self._look_soon.stop()
            self._refuse(problem)
        else:
            self._look_soon.start()

    def _document_changed(self, change: Change) -> None:
        moved = change.kind is Kind.SELECTION and self._document.span == self._span  # only to another frame
        if change.kind in FOLLOWED and not moved and self.isVisible() and self.page == FORM:
            self._span = self._document.span
            if not self._refresh_soon.isActive():  # during a run this never ends
                self._refresh_soon.start()

    def _catch_up(self) -> None:
        if not self._is_left:
            self.form.refresh()
            self._look_soon.stop()
            self._look()

    def _look(self) -> None:
        request = self._request()
        if request is not None:
            self._foresee(request, lambda found: self._looked(request, found), "export names")

    def _looked(self, request: Request, found: Forecast | str) -> None:
        if self._is_left or self.form.choice() != request.choice:
            return  # edited since
        if isinstance(found, str):
            self._refuse(found)
        else:
            self._allow()
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
            self._refuse(tr("{reason}: choose another folder.").format(reason=str(error).rstrip(".")))
            return None

    def _foresee(
        self, request: Request, then: Callable[[Forecast | str], None], key: Hashable = None
    ) -> None:
        """Look at the disk on the worker's thread; a newer look with the same `key` takes its place."""
        document, choice = self._document, request.choice
        info, place, promised = document.clip, document.matte_file, self._orders.promised
        objects = [(each, document.matte_frames(each.object_id, request.span)) for each in document.objects]

        def look() -> Forecast | str:
            how = choice.template, request.destination, choice.combined or None, choice.name, promised
            try:
                sources = tuple(
                    ExportSource(
                        own.object_id, own.name, {frame: place(own.object_id, frame) for frame in frames}
                    )
                    for own, frames in objects
                )
                return forecast(info, choice.chosen(sources), request.span, *how)
            except EngineError as error:
                return str(error)

        self._workspace.worker.submit(look, then, key)

    @property
    def _is_left(self) -> bool:
        """The document was closed, and the dialog goes with it."""
        return self._workspace.document is not self._document

    def _refuse(self, problem: str) -> None:
        self._hindrance = problem
        self.preview.show_forecast(None)
        self._show_state()

    def _allow(self) -> None:
        self._hindrance = ""
        self._show_state()

    def _tell(self, news: str) -> None:
        """What has happened: shown until something else happens, where nothing is wrong."""
        self._news = news
        self._show_state()

    def _show_state(self) -> None:
        problem = self._hindrance
        self.problem.setText(with_short_words(problem or self._news))
        self.problem.setToolTip(problem or self._news)
        tips = (
            tr("Export this and show how far it is"),
            tr("Export this when its turn comes, and choose the next"),
        )
        for button, tip in zip(self._buttons, tips, strict=True):
            button.setEnabled(not problem and not self._ordering)
            button.setToolTip(problem or tip)

    # --- ordering -------------------------------------------------------------------------------------------

    def order(self, stay: bool) -> None:
        """Put the export into the queue, after asking about files that it would replace.

        `stay`: on this page, for the next one; else its progress is shown.
        """
        request = self._request()
        if request is not None and not self._ordering:
            self._ordering = True
            self._pressed = next((each for each in self._buttons if each.hasFocus()), None)
            self._tell("")
            self._foresee(request, lambda found: self._foreseen(request, found, stay))

    def _foreseen(self, request: Request, found: Forecast | str, stay: bool) -> None:
        if self._is_left:
            return
        self._end_ordering()
        if isinstance(found, str):
            self._refuse(found)
        else:
            self._order(request, found, stay)

    def _end_ordering(self) -> None:
        if self._ordering:
            self._ordering = False
            self._show_state()
            if self._pressed is not None:  # a button that is disabled hands the keyboard on
                self._pressed.setFocus()

    def _order(self, request: Request, found: Forecast, stay: bool) -> None:
        replaced = [each for each in found.outputs if each.replaces or each.promised]
        if replaced and not self._may_replace(replaced):
            return
        self._remember(request.choice)
        self._document.end_stroke()
        command = self._command(request, bool(replaced))
        label, count = TEMPLATES[request.choice.template].label, len(request.span)
        frames = trn("{count} frame", "{count} frames", count).format(count=count)
        names = ", ".join(each.target.name for each in found.outputs)
        title = tr("Export {format}").format(format=label)
        number = self._workspace.jobs.add_export(title, command, f"{names}  ·  {frames}")
        targets = tuple(each.target for each in found.outputs)
        self._orders.add(OrderedExport(number, title, count, targets))
        if stay:
            self._tell(tr("In the queue: {title} ({names}).").format(title=label, names=names))
            self._look_soon.start()
        else:
            self._turn_to(PROGRESS)
        self._follow()

    def _command(self, request: Request, overwrite: bool) -> Callable[[], Export]:
        document, choice = self._document, request.choice
        how = request.span, request.destination, overwrite
        return lambda: choice.command(
            document.clip.path, document.stored_sources(request.span, choice.left_out), *how
        )

    def _remember(self, choice: ExportChoice) -> None:
        self._document.set_export_choice(choice.without_empty(self._document).values)
        self._settings.export_template = choice.template

    def _may_replace(self, replaced: list[Announced]) -> bool:
        names = ", ".join(each.target.name for each in replaced)
        question = tr("Replace {names}?").format(names=names)
        queued = any(each.promised for each in replaced)
        there = tr("A queued export writes to {folder} too.") if queued else tr("There already in {folder}.")
        return confirm(self, question, there.format(folder=replaced[0].target.parent), tr("Replace"))

    # --- following ------------------------------------------------------------------------------------------

    def _cancel(self) -> None:
        for first in self._orders.under_way[:1]:
            self._cancelled = first.number
            self._workspace.jobs.cancel(first.number)
        self._show_progress()

    def _note_written(self, number: int, event: ExportWritten) -> None:
        self._orders.note_written(number, event)

    def _follow(self) -> None:
        """A job of the queue changed: go on to the next of ours, or to what they came to."""
        promised = self._orders.promised
        self._orders.note(self._workspace.jobs.job)
        self._show_progress()
        ended = self._orders.take_ended()
        if ended:
            self._end(ended)
        if promised != self._orders.promised and self.page == FORM and self.isVisible():
            self._look()

    def _show_progress(self) -> None:
        jobs, own = self._workspace.jobs, self._orders.under_way
        if own:
            first = own[0]
            running = jobs.running is not None and jobs.running.number == first.number
            held = jobs.held and jobs.running is None
            progress = jobs.progress if running else Progress("")
            self.progress.show_progress(first.title, progress, len(own) - 1, held)
            self.progress.cancel.setEnabled(first.number != self._cancelled)

    def _end(self, ended: list[OrderedExport]) -> None:
        if any(each.written for each in ended):
            self._workspace.worker.submit(lambda: [each.outcome() for each in ended], self._show_outcomes)
            return
        if self.page == PROGRESS:
            self._turn_to(FORM)
        self._tell(reasons(ended))

    def _show_outcomes(self, outcomes: list[Outcome]) -> None:
        """A person who is at the next export meanwhile is told, not interrupted."""
        if self._is_left:
            return
        self.results.show_outcomes(outcomes)
        self.results_button.setEnabled(True)
        self.results_button.setToolTip(tr("The files that were exported last, and what was checked"))
        if self.page == PROGRESS and not self._orders.under_way:
            self._turn_to(RESULT)
        else:
            self._tell(told(outcomes))

    def _turn_to(self, page: int) -> None:
        self._pages.setCurrentIndex(page)
        if page == FORM:
            self.form.refresh()
        focused = {PROGRESS: self.progress.hide_button, RESULT: self.results.show_button}
        focused.get(page, self.export_button).setFocus()


def with_short_words(sentence: str) -> str:
    """What has no place to be broken at, as a long path, is cut in its middle."""
    words = (
        each if len(each) <= WORD else f"{each[: WORD // 2]}…{each[-WORD // 2 :]}"
        for each in sentence.split(" ")
    )
    return " ".join(words)
