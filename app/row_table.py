"""A list of painted rows that stays quick with thousands of them."""

from __future__ import annotations

from PySide6.QtCore import QAbstractItemModel, Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QStyledItemDelegate, QTableView


class RowTable(QTableView):
    """A table of one column: Qt's list lays out every row after each change, its table only those in sight.

    painter: the class of what paints the rows. Their height is the vertical header's default section size.
    """

    def __init__(self, model: QAbstractItemModel, painter: type[QStyledItemDelegate]) -> None:
        super().__init__()
        self.setModel(model)
        self.setItemDelegate(painter(self))
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setMouseTracking(True)
        self.horizontalHeader().hide()
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
