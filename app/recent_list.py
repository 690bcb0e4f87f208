"""The list of recent projects as the start screen shows it."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QAction, QFont, QKeyEvent, QKeySequence, QPainter, QPalette
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.language import tr
from app.recents import Recent, place, when

PICTURE = QSize(96, 54)  # widget units
ROW, PAD = 66, 6
Index = QModelIndex | QPersistentModelIndex
CONFIRMS = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class RecentList(QListWidget):
    """A click or Return opens a project, Del takes it off the list. Those not found can only be taken off."""

    chosen = Signal(str)
    removed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setItemDelegate(RecentPainter(self))
        self.setAccessibleName(tr("Recent projects"))
        self.setToolTip(tr("A click or Return opens a project, Del takes it off this list"))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.setMouseTracking(True)
        self.itemClicked.connect(self._open)
        self.remove = QAction(tr("Remove from this list"), self)
        self.remove.setShortcut(QKeySequence.StandardKey.Delete)
        self.remove.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        self.remove.setStatusTip(tr("The project itself stays where it is"))
        self.remove.triggered.connect(self._remove)
        self.addAction(self.remove)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)

    def fill(self, recents: list[Recent]) -> None:
        """Show these, the newest first."""
        row = self.currentRow()
        self.clear()
        for recent in recents:
            item = QListWidgetItem(self)
            item.setData(Qt.ItemDataRole.UserRole, recent)
            item.setSizeHint(QSize(0, ROW))
            item.setToolTip(str(recent.folder) if recent.found else _gone(recent))
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{recent.folder.stem}, {_below(recent)}")
        self.setCurrentRow(min(row, self.count() - 1))

    @property
    def current(self) -> Recent | None:
        """The project that is marked."""
        item = self.currentItem()
        return _of(item) if item is not None else None

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return opens."""
        if event.key() in CONFIRMS and self.currentItem() is not None:
            self._open(self.currentItem())
        else:
            super().keyPressEvent(event)

    def _open(self, item: QListWidgetItem) -> None:
        if _of(item).found:
            self.chosen.emit(str(_of(item).folder))

    def _remove(self) -> None:
        if self.current is not None:
            self.removed.emit(str(self.current.folder))


def _of(item: QListWidgetItem) -> Recent:
    recent: Recent = item.data(Qt.ItemDataRole.UserRole)
    return recent


class RecentPainter(QStyledItemDelegate):
    """Picture, name, when it was opened and where it lies, in the palette's colours."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """One project."""
        recent: Recent = index.data(Qt.ItemDataRole.UserRole)
        rect: QRect = option.rect
        palette: QPalette = option.palette
        state: QStyle.StateFlag = option.state
        painter.save()
        marks = QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver
        if state & marks:
            painter.fillRect(rect, palette.color(QPalette.ColorRole.AlternateBase))
        if state & QStyle.StateFlag.State_Selected and state & QStyle.StateFlag.State_HasFocus:
            painter.fillRect(
                rect.x(), rect.y(), 3, rect.height(), palette.color(QPalette.ColorRole.Highlight)
            )
        frame = QRect(rect.topLeft() + QPoint(PAD + 3, (ROW - PICTURE.height()) // 2), PICTURE)
        _draw_picture(painter, frame, recent, palette)
        group = QPalette.ColorGroup.Active if recent.found else QPalette.ColorGroup.Disabled
        text = QRect(frame.right() + 12, rect.top() + 9, rect.right() - frame.right() - 24, ROW - 18)
        moment = when(recent.opened, datetime.now()) if recent.found else tr("not found")
        painter.setPen(palette.color(QPalette.ColorRole.PlaceholderText))
        painter.drawText(text, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop, moment)
        metrics = painter.fontMetrics()
        where = metrics.elidedText(place(recent.folder), Qt.TextElideMode.ElideMiddle, text.width())
        painter.setPen(palette.color(group, QPalette.ColorRole.PlaceholderText))
        painter.drawText(text, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom, where)
        room = text.width() - metrics.horizontalAdvance(moment) - 12
        font = QFont(painter.font())
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(palette.color(group, QPalette.ColorRole.Text))
        name = painter.fontMetrics().elidedText(recent.folder.stem, Qt.TextElideMode.ElideMiddle, room)
        painter.drawText(text, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, name)
        painter.restore()


def _draw_picture(painter: QPainter, frame: QRect, recent: Recent, palette: QPalette) -> None:
    painter.fillRect(frame, palette.color(QPalette.ColorRole.Base))
    if not recent.picture.isNull():
        size = recent.picture.size().scaled(frame.size(), Qt.AspectRatioMode.KeepAspectRatio)
        inside = QRect(QPoint(0, 0), size)
        inside.moveCenter(frame.center())
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(inside, recent.picture)


def _below(recent: Recent) -> str:
    parts = [place(recent.folder), when(recent.opened, datetime.now()) if recent.found else tr("not found")]
    return ", ".join(filter(None, parts))


def _gone(recent: Recent) -> str:
    text = tr("{folder} is not there any more; Del takes it off this list.")
    return text.format(folder=recent.folder)
