"""The dialog that imports masks: what was found, and what to do with it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QLabel,
    QProgressBar,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.document import Document
from app.language import tr, trn
from app.mask_importer import ImportPlan, MaskImporter
from app.settings import Settings
from app.worker import Worker
from app.workspace import Workspace
from vosengine.errors import EngineError
from vosengine.mask_import import MaskKind, MaskSource, find_masks, require_size, suggested_offset

PATTERNS = "*.png *.exr *.tif *.tiff *.jpg *.jpeg *.dpx *.mov *.mp4 *.mkv *.avi *.webm"
FILTER = tr("Masks ({patterns});;All files (*)").format(patterns=PATTERNS)
KINDS = {
    MaskKind.GREY: tr("white is the object"),
    MaskKind.ALPHA: tr("taken from the alpha channel"),
    MaskKind.IDS: tr("one object a colour"),
}


def import_masks(workspace: Workspace, settings: Settings, window: QWidget) -> None:
    """Ask for a file, then show the dialog; its result goes to the status bar."""
    document = workspace.document
    if document is None:
        return
    name, _ = QFileDialog.getOpenFileName(
        window, tr("Import masks: any picture of the sequence, or a clip"), settings.last_folder, FILTER
    )
    if name:
        settings.last_folder = str(Path(name).parent)
        workspace.player.stop()
        workspace.scribbler.cancel()
        workspace.shaping.cancel()
        dialog = ImportDialog(Path(name), document, workspace.worker, window)
        dialog.exec()
        if dialog.sentence:
            workspace.message.emit(dialog.sentence)
        dialog.deleteLater()


class ImportDialog(QDialog):
    """Looks at the masks at once; imports them when asked to."""

    def __init__(self, path: Path, document: Document, worker: Worker, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Import masks"))
        self.setMinimumWidth(460)
        self.sentence = ""  # how it went
        self._path, self._document, self._worker = path, document, worker
        self._source: MaskSource | None = None
        self._importer: MaskImporter | None = None
        self._closed = False
        self._build()
        self._look()

    def _build(self) -> None:
        self.found = QLabel(tr("Looking at the masks…"))
        self.found.setWordWrap(True)
        self.found.setMinimumHeight(3 * self.fontMetrics().lineSpacing())
        self.found.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._alone = QCheckBox(tr("Only the chosen picture, not its sequence"))
        self._alone.toggled.connect(self._look)
        self.target, self.frame, self.use = QComboBox(), QSpinBox(), QComboBox()
        self.use.addItem(tr("Annotations: kept exactly, runs learn from them"), False)
        self.use.addItem(tr("Predictions: what a run would have made, and may replace"), True)
        self._alone.setToolTip(tr("Else all pictures of its numbered sequence are taken"))
        self.target.setToolTip(tr("The object that gets the masks"))
        self.frame.setToolTip(tr("The frame, in the clip's own numbers, that gets the first mask"))
        self.use.setToolTip(tr("Whether the masks are the truth or only a first guess"))
        clip = self._document.clip
        self.frame.setRange(clip.first_number, clip.first_number + max(clip.frame_count - 1, 0))
        form = QFormLayout()
        form.addRow(tr("Into"), self.target)
        form.addRow(tr("First mask on frame"), self.frame)
        form.addRow(tr("As"), self.use)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(tr("Progress of the import"))
        self.buttons = QDialogButtonBox()
        self.go = self.buttons.addButton(tr("Import"), QDialogButtonBox.ButtonRole.ActionRole)
        self.go.setProperty("primary", True)
        self.go.clicked.connect(self._start)
        self.buttons.addButton(tr("Cancel"), QDialogButtonBox.ButtonRole.RejectRole)
        self.buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setSpacing(10)
        column.addWidget(self.found)
        column.addWidget(self._alone)
        column.addLayout(form)
        column.addWidget(self.bar)
        column.addWidget(self.buttons)

    # --- looking ------------------------------------------------------------------------------------------

    def _look(self) -> None:
        alone, path, clip = self._alone.isChecked(), self._path, self._document.clip
        self._source = None
        self._enable(False)
        self.bar.setRange(0, 0)

        def look() -> MaskSource | str:
            try:
                source = find_masks(path, alone)
                require_size(source, clip)
            except EngineError as error:
                return str(error)
            return source

        self._worker.submit(look, lambda found: self._show(found, alone), "masks")

    def _show(self, found: MaskSource | str, alone: bool) -> None:
        if self._closed or alone != self._alone.isChecked():
            return
        self.bar.setRange(0, 1)
        if isinstance(found, str):
            self.found.setText(found)
            return
        self._source = found
        self.found.setText(f"{described(found)}.\n{self._path.name}")
        clip = self._document.clip
        first = found.numbers[0] + suggested_offset(found, clip)
        self.frame.setValue((self._document.frame if alone else first) + clip.first_number)
        self._fill_targets(found)
        self._enable(True)

    def _fill_targets(self, found: MaskSource) -> None:
        self.target.clear()
        if len(found.object_ids) > 1:
            self.target.addItem(tr("Empty objects, then new ones"), 0)
            return
        for each in self._document.objects:
            if not each.locked:
                self.target.addItem(each.name, each.object_id)
        self.target.addItem(tr("A new object"), 0)
        self.target.setCurrentIndex(max(self.target.findData(self._document.object_id), 0))

    def _enable(self, ready: bool) -> None:
        for widget in (self.target, self.frame, self.use, self.go):
            widget.setEnabled(ready)
        self._alone.setEnabled(self._importer is None)

    # --- importing ----------------------------------------------------------------------------------------

    def _start(self) -> None:
        if self._source is None:
            return
        first = self.frame.value() - self._document.clip.first_number
        offset = first - self._source.numbers[0]
        plan = ImportPlan(self._source, offset, self.target.currentData(), self.use.currentData())
        self._importer = MaskImporter(self._worker, self._document, plan, self)
        self._importer.progressed.connect(self._progressed)
        self._importer.ended.connect(self._ended)
        self._enable(False)
        self._importer.start()

    def _progressed(self, done: int, total: int) -> None:
        self.bar.setRange(0, total)
        self.bar.setValue(done)

    def _ended(self, sentence: str) -> None:
        self._importer, self.sentence = None, sentence
        self.accept()

    def reject(self) -> None:
        """Cancel what is under way, and close."""
        if self._importer is not None:
            self._importer.cancel()
        super().reject()

    def done(self, result: int) -> None:
        """Closed: what the worker still finds is for nobody."""
        self._closed = True
        super().done(result)


def described(found: MaskSource) -> str:
    """How many masks, of what numbers and size, and what in them is the object."""
    count, objects = len(found.numbers), len(found.object_ids)
    parts = [trn("One mask", "{count} masks", count).format(count=count)]
    if count > 1:
        parts.append(tr("numbers {first} to {last}").format(first=found.numbers[0], last=found.numbers[-1]))
    kind = KINDS[found.kind]
    if found.kind is MaskKind.IDS:
        kind += " " + trn("({count} object)", "({count} objects)", objects).format(count=objects)
    return ", ".join([*parts, f"{found.width} x {found.height}", kind])
