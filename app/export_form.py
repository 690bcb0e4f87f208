"""What to export: the first page of the export dialog."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSpinBox,
    QWidget,
)

from app.document import Document, FrameState
from app.export_choice import ExportChoice, Frames
from app.language import tr, trn
from app.settings import Settings
from app.widgets import WheelGuard, muted
from vosengine.export import TEMPLATES
from vosengine.project_file import RotoObject
from vosengine.types import Span

ROWS = 3  # objects shown without scrolling
ID, EMPTY = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1  # EMPTY: nothing of it is cut out


class ExportForm(QWidget):
    """The choice as controls. `changed` tells that it is another one."""

    changed = Signal()

    def __init__(self, document: Document, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document, self._settings = document, settings
        self._stale: dict[tuple[int, Span], int] = {}  # looked up once for each change of the document
        self._guard = WheelGuard(self)
        self._build()
        self._fill_presets("")
        usual = ExportChoice.from_values({"template": settings.export_template})
        kept = document.export_choice
        choice = ExportChoice.from_values(kept) if kept else usual
        empty = {each.object_id for each in document.objects if not document.has_result(each.object_id)}
        self._unwanted = choice.left_out - empty  # by a person; the empty ones are left out by themselves
        self.show_choice(replace(choice, left_out=choice.left_out | empty))

    # --- building -----------------------------------------------------------------------------------------

    def _build(self) -> None:
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(8)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow(tr("&Preset"), self._preset_row())
        self.templates = QComboBox()
        _explain(self.templates, tr("Format"), tr("What the files are, and which programs read them well"))
        for name, entry in TEMPLATES.items():
            self.templates.addItem(entry.label, name)
        self.templates.currentIndexChanged.connect(self._edited)
        form.addRow(tr("For&mat"), self.templates)
        self._description = muted()
        self._description.setWordWrap(True)
        self._description.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._description.setMinimumHeight(2 * self.fontMetrics().lineSpacing() + 4)
        form.addRow("", self._description)
        self.objects = QListWidget()
        self.objects.setAccessibleName(tr("Objects to export"))
        self.objects.setFixedHeight(ROWS * (self.fontMetrics().lineSpacing() + 10) + 4)
        self.objects.setToolTip(tr("Tick what is exported; what is not cut out yet is ticked when it is"))
        self.objects.itemChanged.connect(self._ticked)
        form.addRow(tr("&Objects"), self.objects)
        self.together = QComboBox()
        self.together.setAccessibleName(tr("Outputs"))
        self.together.addItem(tr("One for each object"), False)
        self.together.addItem(tr("All objects in one: their mattes added up"), True)
        self.together.currentIndexChanged.connect(self._edited)
        form.addRow(tr("O&utputs"), self.together)
        form.addRow(tr("F&rames"), self._frames_row())
        form.addRow(tr("Fo&lder"), self._folder_row())
        self.name = QLineEdit()
        tip = tr("{object} and {clip} stand for the names of the object and the clip.")
        _explain(self.name, tr("Names of the files"), tip)
        self.name.textChanged.connect(self._edited)
        form.addRow(tr("&Names"), self.name)
        boxes = (self.templates, self.presets, self.together, self.frames, self.first, self.last)
        for control in boxes:
            control.installEventFilter(self._guard)

    def _preset_row(self) -> QWidget:
        self.presets = QComboBox()
        _explain(self.presets, tr("Preset"), tr("Settings that were kept under a name"))
        self.presets.activated.connect(self._apply_preset)
        self.keep, self.drop = QPushButton(tr("Keep as…")), QPushButton(tr("Forget"))
        self.keep.setToolTip(tr("Keep these settings under a name, for any project"))
        self.keep.clicked.connect(self._ask_preset)
        self.drop.clicked.connect(self._forget_preset)
        return _row(self.presets, self.keep, self.drop, wide=self.presets)

    def _frames_row(self) -> QWidget:
        self.frames = QComboBox()
        for each, text in (
            (Frames.ALL, tr("Whole clip")),
            (Frames.RANGE, tr("In to out")),
            (Frames.OWN, tr("Range:")),
        ):
            self.frames.addItem(text, each)
        _explain(
            self.frames, tr("Which frames"), tr("The whole clip, from in to out, or a range of your own")
        )
        self.frames.currentIndexChanged.connect(self._frames_chosen)
        self.first, self.last = QSpinBox(), QSpinBox()
        info = self._document.clip
        for box, name in ((self.first, tr("First frame")), (self.last, tr("Last frame"))):
            _explain(box, name, tr("{which} of a range of your own").format(which=name))
            box.setRange(info.first_number, info.first_number + max(info.frame_count - 1, 0))
            box.setFixedWidth(box.fontMetrics().horizontalAdvance("8888888") + 24)
            box.lineEdit().setTextMargins(8, 0, 8, 0)
            box.valueChanged.connect(self._edited)
        self._count = muted()
        return _row(self.frames, self.first, QLabel(tr("to")), self.last, self._count)

    def _folder_row(self) -> QWidget:
        self.folder = QLineEdit()
        self.folder.setPlaceholderText(str(self._document.folder / "export"))
        tip = tr("Made when missing; one without a root lies in the project's folder")
        _explain(self.folder, tr("Folder"), tip)
        self.folder.textChanged.connect(self._edited)
        choose = QPushButton(tr("Choose…"))
        choose.setAutoDefault(False)
        choose.setToolTip(tr("Look for the folder"))
        choose.clicked.connect(self._choose_folder)
        return _row(self.folder, choose, wide=self.folder)

    # --- the choice ---------------------------------------------------------------------------------------

    def choice(self) -> ExportChoice:
        """As the controls say."""
        number = self._document.clip.first_number
        return ExportChoice(
            template=str(self.templates.currentData()),
            combined=bool(self.together.currentData()) and self.together.isEnabled(),
            left_out=frozenset(
                item.data(ID) for item in self._items() if item.checkState() is Qt.CheckState.Unchecked
            ),
            frames=self.frames.currentData(),
            own=(self.first.value() - number, self.last.value() - number + 1),
            folder=self.folder.text().strip(),
            name=self.name.text().strip(),
        )

    def show_choice(self, choice: ExportChoice) -> None:
        """Set all controls."""
        span = choice.span(self._document) or self._document.span
        number = self._document.clip.first_number
        with QSignalBlocker(self), QSignalBlocker(self.first), QSignalBlocker(self.last):
            self.templates.setCurrentIndex(self.templates.findData(choice.template))
            self.together.setCurrentIndex(self.together.findData(choice.combined))
            self.frames.setCurrentIndex(self.frames.findData(choice.frames))
            self.first.setValue(span.start + number)
            self.last.setValue(span.stop - 1 + number)
            self.folder.setText(choice.folder)
            self.name.setText(choice.name)
            self._unwanted = frozenset(filter(self._document.has_result, choice.left_out))
            self._fill_objects(choice.left_out)
        self._edited()

    def refresh(self) -> None:
        """The document changed: its objects, what they have, in and out."""
        self._stale.clear()
        self._update_objects()
        if self.frames.currentData() is not Frames.OWN:
            self._frames_chosen()
        else:
            self._edited()

    def problem(self) -> str:
        """What is wrong without looking at the disk, "" where nothing is."""
        choice = self.choice()
        if not any(item.checkState() is Qt.CheckState.Checked for item in self._items()):
            return tr("No object is chosen: tick at least one.")
        if choice.span(self._document) is None:
            return tr("The first frame lies behind the last one: swap them.")
        return ""

    def _items(self) -> list[QListWidgetItem]:
        return [self.objects.item(row) for row in range(self.objects.count())]

    # --- keeping up ---------------------------------------------------------------------------------------

    def _edited(self) -> None:
        choice = self.choice()
        entry = TEMPLATES[choice.template]
        self._description.setText(
            tr("{what} Suits {programs}.").format(what=tr(entry.description), programs=tr(entry.suits))
        )
        self.together.setEnabled(not entry.combined)
        reason = tr("This format holds all objects in one picture, told apart by their ids.")
        self.together.setToolTip(reason if entry.combined else tr("A file or folder for each object, or one"))
        self.name.setPlaceholderText(entry.usual_name(choice.together))
        for box in (self.first, self.last):
            box.setEnabled(choice.frames is Frames.OWN)
        self._show_span(choice.span(self._document))
        self._show_preset(choice)
        self.changed.emit()

    def _show_span(self, span: Span | None) -> None:
        count = 0 if span is None else len(span)
        self._count.setText(trn("{count} frame", "{count} frames", count).format(count=count))
        with QSignalBlocker(self.objects):
            for item, each in zip(self._items(), self._document.objects, strict=False):
                item.setText(self._described(each, span))

    def _described(self, each: RotoObject, span: Span | None) -> str:
        if span is None:
            return each.name
        there, count = len(self._document.matte_frames(each.object_id, span)), len(span)
        words = [each.name]
        if there == 0:
            words.append(tr("nothing cut out on these frames"))
        elif there < count:
            words.append(
                tr("{there} of {count} frames, the others are empty").format(there=there, count=count)
            )
        if stale := self._count_stale(each.object_id, span):
            words.append(tr("{count} out of date: run first").format(count=stale))
        if not each.visible:
            words.append(tr("hidden in the window"))
        return "   ·   ".join(words)

    def _count_stale(self, object_id: int, span: Span) -> int:
        key = object_id, span
        if key not in self._stale:
            states = self._document.states(object_id, span).values()
            self._stale[key] = sum(state is FrameState.STALE for state in states)
        return self._stale[key]

    def _fill_objects(self, left_out: frozenset[int]) -> None:
        with QSignalBlocker(self.objects):
            self.objects.clear()
            for each in self._document.objects:
                item = QListWidgetItem(each.name)
                item.setData(ID, each.object_id)
                item.setData(EMPTY, not self._document.has_result(each.object_id))
                _tick(item, each.object_id not in left_out)
                self.objects.addItem(item)

    def _update_objects(self) -> None:
        """Those that got their first mask are ticked, those that lost their last are not."""
        with QSignalBlocker(self.objects):
            for item in self._items():
                empty = not self._document.has_result(item.data(ID))
                if empty != item.data(EMPTY):
                    item.setData(EMPTY, empty)
                    _tick(item, not empty and item.data(ID) not in self._unwanted)
        known, ids = (
            [item.data(ID) for item in self._items()],
            [each.object_id for each in self._document.objects],
        )
        if known != ids:
            added = {each for each in ids if each not in known and not self._document.has_result(each)}
            self._fill_in_place(self.choice().left_out | added)

    def _fill_in_place(self, left_out: frozenset[int]) -> None:
        """Keeps the row that the keyboard is at, and what is scrolled to."""
        current, bar = self.objects.currentItem(), self.objects.verticalScrollBar()
        object_id, scrolled = (current.data(ID) if current is not None else None), bar.value()
        self._fill_objects(left_out)
        for item in self._items():
            if item.data(ID) == object_id:
                self.objects.setCurrentItem(item)
        bar.setValue(scrolled)

    def _ticked(self, item: QListWidgetItem) -> None:
        object_id = item.data(ID)
        out = item.checkState() is Qt.CheckState.Unchecked and not item.data(EMPTY)
        self._unwanted = self._unwanted | {object_id} if out else self._unwanted - {object_id}
        self._edited()

    def _frames_chosen(self) -> None:
        """The boxes show what is chosen; an own range starts from there."""
        span = self.choice().span(self._document) or self._document.span
        number = self._document.clip.first_number
        with QSignalBlocker(self.first), QSignalBlocker(self.last):
            self.first.setValue(span.start + number)
            self.last.setValue(span.stop - 1 + number)
        self._edited()

    def _choose_folder(self) -> None:
        known = self.folder.text() or str(self._document.folder)
        folder = QFileDialog.getExistingDirectory(self, tr("Export to"), known)
        if folder:
            self.folder.setText(folder)

    # --- presets ------------------------------------------------------------------------------------------

    def _fill_presets(self, name: str) -> None:
        self.presets.clear()
        self.presets.addItem(tr("Settings of your own"), "")
        for each in sorted(self._settings.export_presets, key=str.casefold):
            self.presets.addItem(each, each)
        self.presets.setCurrentIndex(max(self.presets.findData(name), 0))

    def _show_preset(self, choice: ExportChoice) -> None:
        """The name that these settings are kept under."""
        kept: Mapping[str, Mapping[str, Any]] = self._settings.export_presets
        name = next((name for name, values in kept.items() if choice.with_preset(values) == choice), "")
        self.presets.setCurrentIndex(max(self.presets.findData(name), 0))
        self.drop.setEnabled(bool(name))
        self.drop.setToolTip(
            tr("Forget this preset") if name else tr("These settings are not kept as a preset.")
        )

    def _apply_preset(self) -> None:
        values = self._settings.export_presets.get(self.presets.currentData())
        if values is not None:
            self.show_choice(self.choice().with_preset(values))
        else:
            self._show_preset(self.choice())

    def _ask_preset(self) -> None:
        name, given = QInputDialog.getText(self, tr("Keep as preset"), tr("Name"))
        if given and name.strip():
            self.keep_preset(name.strip())

    def keep_preset(self, name: str) -> None:
        """Keep these settings under a name, in place of what it meant before."""
        choice = self.choice()
        if choice.frames is Frames.OWN:
            choice = replace(choice, frames=Frames.RANGE)
        self._settings.export_presets[name] = choice.preset
        self._fill_presets(name)
        self._apply_preset()

    def _forget_preset(self) -> None:
        self._settings.export_presets.pop(self.presets.currentData(), None)
        self._fill_presets("")
        self._edited()


def _tick(item: QListWidgetItem, on: bool) -> None:
    item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)


def _explain(control: QWidget, name: str, tip: str) -> None:
    control.setAccessibleName(name)
    control.setToolTip(tip)


def _row(*parts: QWidget, wide: QWidget | None = None) -> QWidget:
    """Widgets side by side, `wide` taking the room, else what is behind them; the first has the row's key."""
    row = QWidget()
    line = QHBoxLayout(row)
    line.setContentsMargins(0, 0, 0, 0)
    line.setSizeConstraint(QLayout.SizeConstraint.SetMinimumSize)
    for part in parts:
        line.addWidget(part, int(part is wide))
        if isinstance(part, QPushButton):
            part.setAutoDefault(False)
    if wide is None:
        line.addStretch(1)
    row.setFocusProxy(parts[0])
    return row
