"""The panel of the worst frames: ranked, each with a thumbnail, the estimated J and the reason."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import (
    QAbstractListModel,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QSignalBlocker,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFocusEvent, QImage, QKeyEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QVBoxLayout,
    QWidget,
)

from app.actions import ActionSet
from app.findings import SUSPICIOUS_BELOW, Ranking
from app.language import tr, trn
from app.row_table import RowTable
from app.widgets import action_button, muted
from app.worst_row import ROW, Row, RowPainter

ROW_DATA = Qt.ItemDataRole.UserRole
BUTTONS = ("previous_worst", "next_worst", "approve", "mute", "correct")

Index = QModelIndex | QPersistentModelIndex
EMPTY = Ranking(np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0, np.float32))


@dataclass(frozen=True)
class Details:
    """What a row shows beside its place in the ranking; looked up only for rows in sight."""

    key: Hashable  # of its thumbnail
    number: int  # the frame's own
    name: str
    colour: str
    reason: str
    stale: bool


class WorstModel(QAbstractListModel):
    """A ranking as rows that are made when they are looked at."""

    def __init__(
        self,
        details: Callable[[int, int], Details | None],
        thumbnail: Callable[[Hashable, int, int], QImage | None],
    ) -> None:
        """`details` of a frame and object; `thumbnail` of a key, frame and object, None while it is made."""
        super().__init__()
        self._details, self._thumbnail = details, thumbnail
        self.ranking = EMPTY

    def set_ranking(self, ranking: Ranking) -> None:
        """Other rows."""
        self.beginResetModel()
        self.ranking = ranking
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  (Qt's own default)
        """Rows of the list; a row has none."""
        return 0 if parent.isValid() else len(self.ranking)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """A row as `worst_row.Row`, or in words."""
        if role not in (ROW_DATA, Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            return None
        row = self.row(index.row())
        if row is None or role == ROW_DATA:
            return row
        return row.words + ("\n" + tr("Click to go there")) * (role == Qt.ItemDataRole.ToolTipRole)

    def row(self, number: int) -> Row | None:
        """What a row shows; None when its prediction is gone meanwhile."""
        ranking = self.ranking
        frame, own = int(ranking.frames[number]), int(ranking.object_ids[number])
        found = self._details(frame, own)
        if found is None:
            return None
        return Row(
            found.number,
            float(ranking.quality[number]),
            found.name,
            QColor(found.colour),
            found.reason,
            found.stale,
            self._thumbnail(found.key, frame, own),
        )


class WorstList(RowTable):
    """The rows; the arrow keys walk through them, Return takes up the scribble."""

    confirmed = Signal()

    def __init__(self, model: WorstModel) -> None:
        super().__init__(model, RowPainter)
        self.verticalHeader().setDefaultSectionSize(ROW.height())
        self.setAccessibleName(tr("Worst frames"))
        self.setStatusTip(tr("Click a frame to go there; Return takes up the scribble to correct it"))
        self.verticalScrollBar().setSingleStep(ROW.height() // 3)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Taking the keys goes nowhere: Qt would make the first row the current one."""
        current = self.currentIndex()
        with QSignalBlocker(self.selectionModel()):
            super().focusInEvent(event)
            self.selectionModel().setCurrentIndex(current, QItemSelectionModel.SelectionFlag.NoUpdate)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return works on the frame; Up and Down walk."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.confirmed.emit()
        else:
            super().keyPressEvent(event)


class WorstPanel(QWidget):
    """The list, how many frames are suspicious, and what to do about the one at hand."""

    chosen = Signal(int, int)  # frame, object id
    corrected = Signal()  # Return was pressed on a row
    thinned = Signal(bool)  # whether only one frame a stretch is listed

    def __init__(self, actions: ActionSet, model: WorstModel) -> None:
        super().__init__()
        self.model = model
        self.list = WorstList(model)
        self._count = muted()
        self._count.setWordWrap(True)
        self._count.setToolTip(tr("J: how much of the mask and the object is common to both, as estimated"))
        self.thin = QCheckBox(tr("One per stretch"))
        self.thin.setStatusTip(tr("List only the worst of neighbouring frames"))
        self.thin.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the keys to the canvas
        self.thin.setToolTip(
            tr(
                "List only the worst of neighbouring frames, and none beside a frame that you corrected:\n"
                "the next run will change them"
            )
        )
        buttons = QHBoxLayout()
        buttons.setSpacing(2)
        for name in BUTTONS:
            buttons.addWidget(action_button(actions[name]))
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 6, 8, 8)
        layout.setSpacing(6)
        layout.addLayout(buttons)
        layout.addWidget(self._count)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.thin)
        self._telling = True
        self.list.selectionModel().currentChanged.connect(self._current_changed)
        self.list.clicked.connect(self._chosen)
        self.list.confirmed.connect(self.corrected)
        self.thin.toggled.connect(self.thinned)

    def sizeHint(self) -> QSize:
        """Wide enough for a thumbnail and its words."""
        return QSize(ROW.width() + 34, 300)

    def show_ranking(self, ranking: Ranking, frame: int, suspicious: int) -> None:
        """Other rows; `suspicious` frames in all, listed or not."""
        top = self.list.verticalScrollBar().value()
        self.model.set_ranking(ranking)
        self.list.verticalScrollBar().setValue(top)
        self._count.setText(_count(suspicious, len(ranking)))
        self.select(frame, scroll=False)

    def select(self, frame: int, scroll: bool = True) -> None:
        """Mark the row of the frame that is shown, if it is listed."""
        row = self.model.ranking.row_of(frame)
        index = QModelIndex() if row is None else self.model.index(row)
        self._telling = False
        self.list.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self._telling = True
        if row is not None and scroll:
            self.list.scrollTo(index)

    def repaint_rows(self) -> None:
        """A thumbnail came."""
        self.list.viewport().update()

    def _current_changed(self, index: QModelIndex, _: QModelIndex) -> None:
        if self._telling and index.isValid():
            self._chosen(index)

    def _chosen(self, index: QModelIndex) -> None:
        ranking = self.model.ranking
        self.chosen.emit(int(ranking.frames[index.row()]), int(ranking.object_ids[index.row()]))


def _count(suspicious: int, listed: int) -> str:
    if not listed and not suspicious:
        return tr("Nothing to judge: after a run, its worst frames are listed here.")
    if not suspicious:
        return tr("No suspicious frames (J below {limit:g})").format(limit=SUSPICIOUS_BELOW)
    some = trn(
        "{count} suspicious frame (J below {limit:g})",
        "{count} suspicious frames (J below {limit:g})",
        suspicious,
    )
    return some.format(count=suspicious, limit=SUSPICIOUS_BELOW)
