"""The export dialog: what, which frames, where to; then progress, then what was written and checked."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QCloseEvent, QDesktopServices
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.dialogs import confirm
from app.document import Document
from app.engine_bridge import EngineBridge
from app.language import tr
from app.widgets import muted
from vosengine.errors import EngineError
from vosengine.export import TEMPLATES
from vosengine.export.plan import plan_outputs
from vosengine.messages import (
    END,
    Event,
    Export,
    ExportSource,
    ExportWritten,
    JobFailed,
    JobFinished,
    JobProgressed,
)
from vosengine.types import Span


class ExportDialog(QDialog):
    """Runs one export job at a time; closing it while one runs cancels that job."""

    def __init__(
        self, document: Document, bridge: EngineBridge, template: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export")
        self.setMinimumWidth(560)
        self._document, self._bridge, self._job = document, bridge, 0
        self._written: ExportWritten | None = None
        self._pages = QStackedWidget()
        self._pages.addWidget(self._settings_page(template))
        self._pages.addWidget(self._progress_page())
        self._pages.addWidget(self._result_page())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 14)
        layout.addWidget(self._pages)
        bridge.received.connect(self._take)

    # --- pages --------------------------------------------------------------------------------------------

    def _settings_page(self, template: str) -> QWidget:
        self.templates = QComboBox()
        for name, entry in TEMPLATES.items():
            self.templates.addItem(entry.label, name)
        self.templates.setCurrentIndex(max(self.templates.findData(template), 0))
        self.templates.currentIndexChanged.connect(self._describe)
        self._description = muted()
        self._description.setWordWrap(True)
        self._description.setMinimumHeight(2 * self.fontMetrics().lineSpacing() + 4)
        self._description.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.destination = QLineEdit(str(self._document.folder / "export"))
        self.destination.textChanged.connect(self._describe)
        self.destination.setAccessibleName(tr("Folder"))
        self.destination.setToolTip(tr("Where the files are written"))
        self.templates.setToolTip(tr("Made for editing and compositing software; each says what for"))
        choose = QPushButton("Choose…")
        choose.clicked.connect(self._choose)
        where = QHBoxLayout()
        where.addWidget(self.destination, 1)
        where.addWidget(choose)
        form = QFormLayout()
        form.setVerticalSpacing(10)
        form.addRow("Format", self.templates)
        form.addRow("", self._description)
        form.addRow("Frames", self._range_row())
        form.addRow("Folder", where)
        self._problem = QLabel()
        self._problem.setWordWrap(True)
        self._problem.setMinimumHeight(2 * self.fontMetrics().lineSpacing() + 4)
        self.export_button = QPushButton("Export")
        self.export_button.setProperty("primary", True)
        self.export_button.setDefault(True)
        self.export_button.clicked.connect(self.start)
        cancel = QPushButton("Cancel")
        cancel.clicked.connect(self.reject)
        page = _page(form, self._problem, _buttons(cancel, self.export_button))
        self._describe()
        return page

    def _range_row(self) -> QHBoxLayout:
        info, span = self._document.clip, self._document.span
        self.first, self.last = QSpinBox(), QSpinBox()
        for box, frame in ((self.first, span.start), (self.last, span.stop - 1)):
            box.setRange(info.first_number, info.first_number + info.frame_count - 1)
            box.setFixedWidth(box.fontMetrics().horizontalAdvance("8888888") + 24)
            box.lineEdit().setTextMargins(8, 0, 8, 0)
            box.setValue(info.first_number + frame)
            box.valueChanged.connect(self._describe)
        for box, name in ((self.first, tr("First frame")), (self.last, tr("Last frame"))):
            box.setAccessibleName(name)
            box.setToolTip(name)
        line = QHBoxLayout()
        line.addWidget(self.first)
        line.addWidget(QLabel("to"))
        line.addWidget(self.last)
        line.addWidget(muted("in the source's own numbers"))
        line.addStretch(1)
        return line

    def _progress_page(self) -> QWidget:
        self._what = QLabel()
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self._figures = muted()
        self.cancel_button = QPushButton("Cancel export")
        self.cancel_button.clicked.connect(self._cancel)
        return _page(self._what, self.bar, self._figures, _buttons(self.cancel_button))

    def _result_page(self) -> QWidget:
        self._headline = QLabel()
        self._headline.setProperty("heading", True)
        self._headline.setWordWrap(True)
        self.report = QPlainTextEdit()
        self.report.setReadOnly(True)
        self.report.setTabChangesFocus(True)
        self.report.setAccessibleName(tr("What was written"))
        self.report.setToolTip(tr("The files, and how they were checked"))
        self.show_button = QPushButton("Show in folder")
        self.show_button.clicked.connect(self._show_in_folder)
        again, close = QPushButton("Export another"), QPushButton("Close")
        again.clicked.connect(lambda: self._turn_to(0))
        close.clicked.connect(self.accept)
        return _page(self._headline, self.report, _buttons(again, self.show_button, close))

    def _turn_to(self, page: int) -> None:
        self._pages.setCurrentIndex(page)

    # --- settings -----------------------------------------------------------------------------------------

    @property
    def template(self) -> str:
        """The chosen template's name."""
        return str(self.templates.currentData())

    def span(self) -> Span | None:
        """The chosen frames, None while first lies behind last."""
        number = self._document.clip.first_number
        first, last = self.first.value() - number, self.last.value() - number
        return Span(first, last + 1) if first <= last else None

    def _describe(self) -> None:
        if not hasattr(self, "export_button"):
            return  # the page is being built
        self._description.setText(TEMPLATES[self.template].description)
        problem = ""
        if self.span() is None:
            problem = "The first frame lies behind the last one."
        elif not self.destination.text().strip():
            problem = "Choose a folder to export to."
        self._say(problem)
        self.export_button.setEnabled(not problem)
        self.export_button.setToolTip(problem)

    def _say(self, problem: str) -> None:
        self._problem.setText(problem)

    def _choose(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Export to", self.destination.text())
        if folder:
            self.destination.setText(folder)

    # --- the job ------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Submit the export with the chosen settings, after asking about files that it would replace."""
        span = self.span()
        if span is None or self._job:
            return
        document = self._document
        try:
            destination = Path(self.destination.text().strip()).expanduser()
            sources = document.export_sources()
            occupied = self._occupied(sources, destination)
        except (EngineError, RuntimeError) as error:  # RuntimeError: there is no such user's home
            self._say(str(error))
            return
        if occupied and not self._may_replace(occupied):
            return
        self._written = None
        self._say("")
        command = Export(document.clip.path, sources, span, self.template, destination, bool(occupied))
        self._job = self._bridge.submit(command)
        self._what.setText("Waiting for the engine…")
        self._figures.setText("")
        self.bar.setRange(0, 0)
        self.cancel_button.setEnabled(True)
        self._turn_to(1)

    def _occupied(self, sources: tuple[ExportSource, ...], destination: Path) -> list[Path]:
        """The outputs that exist already."""
        chosen = TEMPLATES[self.template]
        extension = "" if chosen.folder else chosen.extension
        outputs = plan_outputs(self._document.clip, sources, destination, extension, chosen.combined)
        return [output.target for output in outputs if output.target.exists()]

    def _may_replace(self, occupied: list[Path]) -> bool:
        names = ", ".join(path.name for path in occupied)
        return confirm(self, f"Replace {names}?", f"There already in {occupied[0].parent}.", "Replace")

    def _cancel(self) -> None:
        if self._job:
            self.cancel_button.setEnabled(False)
            self._what.setText("Stopping…")
            self._bridge.cancel(self._job)

    def _take(self, event: Event) -> None:
        if event.job_id != self._job:
            return
        if isinstance(event, JobProgressed):
            self._what.setText(event.what)
            self.bar.setRange(0, max(event.total, 1))
            self.bar.setValue(event.done)
            self._figures.setText(f"{event.done} of {event.total}")
        elif isinstance(event, ExportWritten):
            self._written = event
        elif isinstance(event, END):
            self._job = 0
            self._end(event)

    def _end(self, event: Event) -> None:
        if isinstance(event, JobFinished) and self._written is not None:
            files = self._written.files
            self._headline.setText("Written and checked by reading it back.")
            self.report.setPlainText("\n".join([*map(str, files), "", *self._written.report]).strip())
            self.show_button.setEnabled(bool(files))
            self._turn_to(2)
            return
        self._turn_to(0)
        if isinstance(event, JobFailed):
            self._say(event.message)
        else:
            self._say("The export was cancelled; nothing was written.")

    def _show_in_folder(self) -> None:
        if self._written is not None and self._written.files:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._written.files[0].parent)))

    def closeEvent(self, event: QCloseEvent) -> None:
        """Closing cancels."""
        self._cancel()
        super().closeEvent(event)

    def reject(self) -> None:
        """Esc: cancel the export that runs, else close."""
        if self._job:
            self._cancel()
        else:
            super().reject()


def _page(*parts: QWidget | QFormLayout | QHBoxLayout) -> QWidget:
    page = QWidget()
    layout = QVBoxLayout(page)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(10)
    for part in parts:
        if isinstance(part, QWidget):
            layout.addWidget(part)
        else:
            layout.addLayout(part)
    return page


def _buttons(*buttons: QPushButton) -> QHBoxLayout:
    line = QHBoxLayout()
    line.addStretch(1)
    for button in buttons:
        line.addWidget(button)
    return line
