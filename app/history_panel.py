"""The list of named steps: what was done, what is undone, and where one stands between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from PySide6.QtCore import (
    QAbstractListModel,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import (
    QHBoxLayout,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.actions import ActionSet
from app.language import tr, trn
from app.row_table import RowTable
from app.step_titles import step_title
from app.undo import Step
from app.widgets import action_button, muted

ROW_DATA = Qt.ItemDataRole.UserRole
BUTTONS = ("undo", "redo")
DOT = " · "
PAD = 5  # widget units

Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class Row:
    """What a row shows: the step's name, its object's, where it was; whether it is undone or the last one
    done.
    """

    name: str
    subject: str
    where: str
    undone: bool
    current: bool


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
        moved = min(position, self.position), max(position, self.position)
        self.position, self._first_number = position, first_number
        self.dataChanged.emit(self.index(moved[0]), self.index(min(moved[1], len(self._steps))))

    def tell_grown(self) -> None:
        """What rows say may have changed: a step grows while a run is on."""
        self.dataChanged.emit(self.index(0), self.index(len(self._steps)))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  (Qt's own default)
        """Rows of the list; a row has none."""
        return 0 if parent.isValid() else len(self._steps) + 1

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """A row in words, for people and for the painter."""
        row = index.row()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._words(row)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._words(row) + (", " + tr("undone")) * (row > self.position)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(row)
        if role == ROW_DATA:
            return Row(*self._parts(row), row > self.position, row == self.position)
        return None

    def _parts(self, row: int) -> tuple[str, str, str]:
        if row == 0:
            return tr("Before these steps"), "", ""
        step = self._steps[row - 1]
        return step_title(step.name), step.subject, where(step, self._first_number)

    def _words(self, row: int) -> str:
        return DOT.join(filter(None, self._parts(row)))

    def _tip(self, row: int) -> str:
        what = tr("Click to go back to here") if row <= self.position else tr("Click to redo up to here")
        if row == self.position:
            what = tr("This is what you see")
        return f"{_moment(self._steps[row - 1].time)}\n{what}" if row else what


class RowPainter(QStyledItemDelegate):
    """Paints `Row`s: all alike in height, the name before the place."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """The row that one stands on is marked at its left; one under the pointer or the keys is lit."""
        row: Row = index.data(ROW_DATA)
        rect, shown = option.rect, theme.colours()
        painter.save()
        lit = QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver
        if row.current or option.state & lit:
            painter.fillRect(rect, QColor(shown.raised))
        if row.current:
            painter.fillRect(QRect(rect.left(), rect.top(), 3, rect.height()), QColor(shown.accent))
        text, middle = rect.adjusted(PAD + 6, 0, -PAD, 0), Qt.AlignmentFlag.AlignVCenter
        painter.setPen(QColor(shown.disabled if row.undone else shown.text))
        painter.drawText(text, middle | Qt.AlignmentFlag.AlignLeft, row.name)
        metrics = painter.fontMetrics()
        text.setLeft(text.left() + metrics.horizontalAdvance(row.name) + 2 * PAD)
        painter.setPen(QColor(shown.disabled if row.undone else shown.muted))
        room = text.width() - metrics.horizontalAdvance(DOT + row.where)
        subject = metrics.elidedText(row.subject, Qt.TextElideMode.ElideRight, room)
        place = DOT.join(filter(None, (subject, row.where)))
        painter.drawText(text, middle | Qt.AlignmentFlag.AlignRight, place)
        painter.restore()


class HistoryList(RowTable):
    """The rows; the arrow keys look at them, Return goes there."""

    def __init__(self, model: HistoryModel) -> None:
        super().__init__(model, RowPainter)
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 2 * PAD)
        self.setAccessibleName(tr("History"))
        self.setStatusTip(tr("Click a step to go back or forward to it; the arrow keys choose, Return goes"))


class HistoryPanel(QWidget):
    """The list, newest at the bottom, and what it counts."""

    chosen = Signal(int)  # how many steps are to be done

    def __init__(self, actions: ActionSet, model: HistoryModel) -> None:
        super().__init__()
        self.model = model
        self.list = HistoryList(model)
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

    def sizeHint(self) -> QSize:
        """Wide enough for most rows."""
        return QSize(270, 300)

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


def where(step: Step, first_number: int) -> str:
    """`frame 23` or `48 masks`; "" for other steps. first_number: of the clip's first frame."""
    if step.predictions or step.growing:
        return trn("{count} mask", "{count} masks", step.predictions).format(count=step.predictions)
    return "" if step.frame is None else tr("frame {number}").format(number=step.frame + first_number)


def _count(steps: int, undone: int) -> str:
    done = trn("{count} step", "{count} steps", steps).format(count=steps)
    back = trn("{count} undone", "{count} undone", undone).format(count=undone)
    return ", ".join((done if steps else tr("Nothing to undo yet"), *([back] if undone else [])))


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
