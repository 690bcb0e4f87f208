"""The pages of the export dialog that only show: files to come, progress, results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal, SignalInstance
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLayout,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.export_orders import Outcome, in_all
from app.language import tr, trn
from app.progress import Progress, rate_text, time_left_text
from app.reveal import reveal
from app.widgets import joined, muted
from vosengine.export import Announced, Forecast
from vosengine.export.forecasting import in_units


class FilesPreview(QWidget):
    """The outputs by the names they will have, their size and the room there is."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: tuple[Announced, ...] = ()
        self.tree = _table(tr("Will be written"), tr("Frames"), tr("a queued export writes it too"))
        self.tree.headerItem().setText(2, "")
        self.tree.setAccessibleName(tr("Files that will be written"))
        self.tree.setFixedHeight(6 * (self.fontMetrics().lineSpacing() + 6) + 8)
        self.summary = muted()
        column = _column(self, self.tree, self.summary)
        column.setSpacing(4)

    def show_forecast(self, found: Forecast | None) -> None:
        """List what an export would write; nothing where it cannot be."""
        outputs = () if found is None else found.outputs
        if outputs != self._shown:  # else it is looked at, scrolled and read
            self._shown = outputs
            self._list(outputs)
        self.summary.setText("" if found is None else _room(found))

    def _list(self, outputs: Sequence[Announced]) -> None:
        self.tree.clear()
        for each in outputs:
            item = QTreeWidgetItem([_as_written(each), f"{each.count}", _remark(each)])
            item.setToolTip(0, str(each.target))
            self.tree.addTopLevelItem(item)


class ProgressPage(QWidget):
    """What is being exported, how far it is, how long it still takes."""

    cancelled, hidden, another, resumed = Signal(), Signal(), Signal(), Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.heading = QLabel()
        self.heading.setProperty("heading", True)
        self.stage, self.figures, self.queue = QLabel(), muted(), muted()
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(tr("Progress of the export"))
        remark = muted(tr("Go on working: the export takes the masks as they were when it started."))
        self.cancel = _button(tr("Cancel export"), self.cancelled)
        self.cancel.setToolTip(tr("End the export shown here; nothing of it is written"))
        self.go_on = _button(tr("Go on"), self.resumed)
        self.go_on.setToolTip(tr("Carry out the jobs that are held back"))
        self.go_on.setVisible(False)
        more = _button(tr("Queue another…"), self.another)
        more.setToolTip(tr("Choose the next export; this one goes on"))
        self.hide_button = _button(tr("Hide"), self.hidden)
        self.hide_button.setToolTip(tr("The export goes on; this window comes back with the Export command"))
        parts = (self.heading, self.stage, self.bar, self.figures, self.queue)
        column = _column(self, *parts)
        column.addStretch(1)
        column.addWidget(remark)
        column.addLayout(_buttons(more, self.cancel, self.hide_button, first=self.go_on))

    def show_progress(self, title: str, progress: Progress, waiting: int, held: bool = False) -> None:
        """`waiting`: how many exports of this dialog come after it; `held`: it waits for a person."""
        self.heading.setText(title)
        waits = tr("Held back until you go on") if held else tr("Waits for the jobs before it")
        self.stage.setText(progress.what or waits)
        self.bar.setRange(0, 1 if held else progress.total)  # one without a range is in motion
        self.bar.setValue(progress.done)
        self.go_on.setVisible(held)
        figures = progress.detail, rate_text(progress.rate, "frame"), time_left_text(progress.seconds_left)
        self.figures.setText(joined(*figures))
        more = trn("{count} more export waits.", "{count} more exports wait.", waiting).format(count=waiting)
        self.queue.setText(more if waiting else "")


class ResultPage(QWidget):
    """What was written and checked, where it is."""

    closed, again = Signal(), Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.heading = QLabel()
        self.heading.setProperty("heading", True)
        self.heading.setWordWrap(True)
        self.tree = _table(tr("Written"), tr("Frames"), tr("Size"))
        self.tree.setAccessibleName(tr("Files written"))
        self.tree.itemSelectionChanged.connect(self._enable)
        self.tree.itemActivated.connect(lambda _item, _column: self._reveal())
        self.report = QPlainTextEdit()
        self.report.setReadOnly(True)
        self.report.setAccessibleName(tr("What was checked"))
        self.show_button = QPushButton(tr("Show in folder"))
        self.show_button.clicked.connect(self._reveal)
        self.copy_button = QPushButton(tr("Copy path"))
        self.copy_button.clicked.connect(self._copy)
        again, close = _button(tr("Export again"), self.again), _button(tr("Close"), self.closed)
        column = _column(self, self.heading, self.tree, muted(tr("Read back and checked:")), self.report)
        column.setStretchFactor(self.tree, 2)
        column.setStretchFactor(self.report, 3)
        column.addLayout(_buttons(again, self.copy_button, self.show_button, close))

    def show_outcomes(self, outcomes: Sequence[Outcome]) -> None:
        """List the files of all exports; the first is chosen, for the buttons."""
        self.tree.clear()
        for outcome in outcomes:
            for file in outcome.files:
                item = QTreeWidgetItem([file.path.name, f"{file.count}", in_units(file.size)])
                item.setData(0, Qt.ItemDataRole.UserRole, str(file.path))
                item.setToolTip(0, str(file.path))
                self.tree.addTopLevelItem(item)
        first = self.tree.topLevelItem(0)
        if first is not None:
            self.tree.setCurrentItem(first)
        self.heading.setText(in_all(outcomes))
        self.report.setPlainText("\n".join(_report_lines(outcomes, len(outcomes) > 1)))
        self._enable()

    @property
    def chosen(self) -> Path | None:
        """The file that the buttons are about."""
        item = self.tree.currentItem()
        return None if item is None else Path(item.data(0, Qt.ItemDataRole.UserRole))

    def _enable(self) -> None:
        for button in (self.show_button, self.copy_button):
            button.setEnabled(self.chosen is not None)
            button.setToolTip("" if self.chosen is not None else tr("Choose a file in the list first."))

    def _reveal(self) -> None:
        if self.chosen is not None:
            reveal(self.chosen)

    def _copy(self) -> None:
        if self.chosen is not None:
            QGuiApplication.clipboard().setText(str(self.chosen))


def _as_written(each: Announced) -> str:
    name = each.target.name
    if not each.first:
        return name
    return f"{name}/{each.first}" if each.count == 1 else f"{name}/{each.first} … {each.last}"


def _remark(each: Announced) -> str:
    if each.promised:
        return tr("a queued export writes it too")
    return tr("exists already: will be replaced") if each.replaces else tr("new")


def _room(found: Forecast) -> str:
    if found.size is None:
        size = tr("Its size depends on the footage")
    else:
        size = tr("At most {size}") if found.joined else tr("About {size}")
        size = size.format(size=in_units(found.size))
    free = "" if found.free is None else tr("{free} free there").format(free=in_units(found.free))
    return joined(size, free)


def _report_lines(outcomes: Sequence[Outcome], several: bool) -> list[str]:
    lines: list[str] = []
    for each in outcomes:
        lines += [f"{each.title}: {each.sentence}"] if several else []
        lines += [*each.report, ""]
    return lines[:-1]


def _table(*headings: str) -> QTreeWidget:
    """Rows of a name and short columns, as wide as their headings."""
    table = QTreeWidget()
    table.setHeaderLabels(headings)
    table.setRootIsDecorated(False)
    table.setUniformRowHeights(True)
    table.setColumnCount(len(headings))
    header = table.header()
    header.setStretchLastSection(False)
    header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    for column, text in enumerate(headings[1:], 1):  # by width: nothing moves when the texts change
        header.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
        header.resizeSection(column, max(table.fontMetrics().horizontalAdvance(text) + 24, 80))
    return table


def _column(page: QWidget, *parts: QWidget) -> QVBoxLayout:
    column = QVBoxLayout(page)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(10)
    for part in parts:
        column.addWidget(part)
    return column


def _button(text: str, clicked: SignalInstance) -> QPushButton:
    button = QPushButton(text)
    button.clicked.connect(clicked)
    return button


def _buttons(*buttons: QPushButton, first: QPushButton | None = None) -> QLayout:
    """At the right; `first` alone at the left."""
    line = QHBoxLayout()
    if first is not None:
        line.addWidget(first)
    line.addStretch(1)
    for button in buttons:
        line.addWidget(button)
    return line
