"""The list of named steps: what was done, what is undone, and where one stands between them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from PySide6.QtCore import (
    QAbstractListModel,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFont
from PySide6.QtWidgets import QAbstractItemView, QHBoxLayout, QListView, QVBoxLayout, QWidget

from app import theme
from app.actions import ActionSet
from app.language import tr, trn
from app.undo import Step
from app.widgets import action_button, muted

BUTTONS = ("undo", "redo")

Index = QModelIndex | QPersistentModelIndex


class HistoryModel(QAbstractListModel):
    """Row 0 is what was there before all steps, row n the n-th step. Texts are made when looked at."""

    def __init__(self) -> None:
        super().__init__()
        self._steps: list[Step] = []
        self.position = 0
        self._first_number = 0

    def show_steps(self, steps: Sequence[Step], position: int, first_number: int) -> None:
        """Other steps, or another number of them done. first_number: of the clip's first frame."""
        same = _common(self._steps, steps)
        if same < len(self._steps):
            self.beginRemoveRows(QModelIndex(), same + 1, len(self._steps))
            del self._steps[same:]
            self.endRemoveRows()
        if same < len(steps):
            self.beginInsertRows(QModelIndex(), same + 1, len(steps))
            self._steps += steps[same:]
            self.endInsertRows()
        self.position, self._first_number = position, first_number
        self.tell_changed()

    def tell_changed(self) -> None:
        """What rows say may have changed: a step grows while a run is on."""
        self.dataChanged.emit(self.index(0), self.index(len(self._steps)))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  (Qt's own default)
        """Rows of the list; a row has none."""
        return 0 if parent.isValid() else len(self._steps) + 1

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """A row in words, greyed where it is undone, bold where one stands."""
        row = index.row()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._words(row)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._words(row) + (", " + tr("undone")) * (row > self.position)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(row)
        if role == Qt.ItemDataRole.ForegroundRole and row > self.position:
            return QColor(theme.colours().disabled)
        if role == Qt.ItemDataRole.FontRole and row == self.position:
            font = QFont()
            font.setWeight(QFont.Weight.DemiBold)
            return font
        return None

    def _words(self, row: int) -> str:
        return words(self._steps[row - 1], self._first_number) if row else tr("Before these steps")

    def _tip(self, row: int) -> str:
        what = tr("Click to go back to here") if row <= self.position else tr("Click to redo up to here")
        if row == self.position:
            what = tr("This is what you see")
        return f"{_moment(self._steps[row - 1].time)}\n{what}" if row else what


class HistoryPanel(QWidget):
    """The list, newest at the bottom, and what it counts."""

    chosen = Signal(int)  # how many steps are to be done

    def __init__(self, actions: ActionSet, model: HistoryModel) -> None:
        super().__init__()
        self.model = model
        self.list = QListView()
        self.list.setModel(model)
        self.list.setUniformItemSizes(True)
        self.list.setAccessibleName(tr("History"))
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.clicked.connect(self._choose)
        self.list.activated.connect(self._choose)
        self._count = muted()
        heading = QHBoxLayout()
        heading.setSpacing(2)
        for name in BUTTONS:
            heading.addWidget(action_button(actions[name]))
        heading.addSpacing(6)
        heading.addWidget(self._count, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 6, 8, 8)
        layout.setSpacing(6)
        layout.addLayout(heading)
        layout.addWidget(self.list, 1)

    def show_steps(self, steps: Sequence[Step], position: int, first_number: int) -> None:
        """Other steps; the one at hand is brought into sight."""
        self.model.show_steps(steps, position, first_number)
        self._count.setText(_count(len(steps), len(steps) - position))
        index = self.model.index(position)
        self.list.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self.list.scrollTo(index)

    def _choose(self, index: QModelIndex) -> None:
        if index.row() != self.model.position:
            self.chosen.emit(index.row())


def words(step: Step, first_number: int) -> str:
    """`Brush · Object 1 · frame 23` or `Run · 48 masks`. first_number: of the clip's first frame."""
    parts = [step.name, step.subject]
    if step.predictions or step.growing:
        parts.append(trn("{} mask", "{} masks", step.predictions).format(step.predictions))
    elif step.frame is not None:
        parts.append(tr("frame {}").format(step.frame + first_number))
    return " · ".join(filter(None, parts))


def _count(steps: int, undone: int) -> str:
    text = trn("{} step", "{} steps", steps).format(steps) if steps else tr("Nothing to undo yet")
    return text + (", " + trn("{} undone", "{} undone", undone).format(undone) if undone else "")


def _moment(seconds: float) -> str:
    """The time of day, with the day where it is not today."""
    moment = datetime.fromtimestamp(seconds)
    return f"{moment:%H:%M:%S}" if moment.date() == datetime.now().date() else f"{moment:%Y-%m-%d, %H:%M:%S}"


def _common(one: Sequence[Step], two: Sequence[Step]) -> int:
    """How many steps both begin with."""
    for place, (left, right) in enumerate(zip(one, two, strict=False)):
        if left is not right:
            return place
    return min(len(one), len(two))
