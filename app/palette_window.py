"""The command palette: type, look, Return."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    QTimer,
)
from PySide6.QtGui import QCloseEvent, QFont, QKeyEvent, QPainter, QPalette
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.language import tr
from app.palette import Entry
from app.widgets import joined

WIDTH, ROWS, ROW = 620, 8, 46
PAD = 12
WALKING = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)
Index = QModelIndex | QPersistentModelIndex
Find = Callable[[str], Sequence[Entry]]


class EntryModel(QAbstractListModel):
    """The entries found."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.entries: Sequence[Entry] = ()

    def set_entries(self, entries: Sequence[Entry]) -> None:
        """Other entries."""
        self.beginResetModel()
        self.entries = entries
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:
        """One a row."""
        return 0 if parent is not None and parent.isValid() else len(self.entries)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """The entry for the painter, words for others."""
        entry = self.entries[index.row()]
        if role == Qt.ItemDataRole.UserRole:
            return entry
        if role == Qt.ItemDataRole.DisplayRole:
            return ", ".join(filter(None, (entry.title, entry.section, entry.keys, entry.reason)))
        return None


class EntryPainter(QStyledItemDelegate):
    """Name and keys; below, what it does or why it cannot be done now."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """All rows alike."""
        return QSize(WIDTH, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """In the palette's colours, so that it follows the theme."""
        entry = index.data(Qt.ItemDataRole.UserRole)
        rect: QRect = option.rect
        palette: QPalette = option.palette
        state: QStyle.StateFlag = option.state
        painter.save()
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, palette.color(QPalette.ColorRole.AlternateBase))
            painter.fillRect(
                rect.x(), rect.y(), 3, rect.height(), palette.color(QPalette.ColorRole.Highlight)
            )
        group = QPalette.ColorGroup.Disabled if entry.reason else QPalette.ColorGroup.Active
        strong = palette.color(group, QPalette.ColorRole.Text)
        quiet = palette.color(QPalette.ColorRole.PlaceholderText)
        inside = rect.adjusted(PAD, 5, -PAD, -5)
        keys_width = painter.fontMetrics().horizontalAdvance(entry.keys)
        right, left = Qt.AlignmentFlag.AlignRight, Qt.AlignmentFlag.AlignLeft
        painter.setPen(quiet)
        painter.drawText(inside, right | Qt.AlignmentFlag.AlignTop, entry.keys)
        below = entry.reason or joined(entry.section, entry.hint)
        below = painter.fontMetrics().elidedText(below, Qt.TextElideMode.ElideRight, inside.width())
        painter.drawText(inside, left | Qt.AlignmentFlag.AlignBottom, below)
        font = QFont(painter.font())
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(strong)
        room = inside.width() - keys_width - PAD
        title = painter.fontMetrics().elidedText(entry.title, Qt.TextElideMode.ElideRight, room)
        painter.drawText(inside, left | Qt.AlignmentFlag.AlignTop, title)
        painter.restore()


class Palette(QFrame):
    """Lies over its window until something is chosen, Esc is pressed or another place is clicked."""

    def __init__(self, find: Find, chosen: Callable[[Entry], object], window: QWidget) -> None:
        super().__init__(window, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAccessibleName(tr("Find a command"))
        self.setProperty("card", True)
        self._find, self._chosen, self._window = find, chosen, window
        self.model = EntryModel(self)
        self.line = QLineEdit()
        self.line.setPlaceholderText(tr("A command, an object, a preset, or a frame's number"))
        self.line.setAccessibleName(tr("Command"))
        self.line.setToolTip(tr("A few letters are enough; Return does what is marked"))
        self.list = QListView()
        self.list.setModel(self.model)
        self.list.setItemDelegate(EntryPainter(self.list))
        self.list.setAccessibleName(tr("Commands found"))
        self.list.setToolTip(tr("Up and Down walk, Return chooses"))
        self.list.setFrameShape(QListView.Shape.NoFrame)
        self.list.setUniformItemSizes(True)
        self.list.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setFixedHeight(ROWS * ROW)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 10, 10, 10)
        column.setSpacing(8)
        column.addWidget(self.line)
        column.addWidget(self.list)
        self.setFixedWidth(WIDTH)
        self.line.textChanged.connect(self._look)
        self.list.clicked.connect(self._choose)
        for widget in (self.line, self.list):
            widget.installEventFilter(self)
        self._look("")

    def open(self) -> None:
        """Appear in the upper part of the window, ready to be typed into."""
        window = self._window
        self.adjustSize()
        left = (window.width() - self.width()) // 2
        top = min(max(window.height() // 9, 0), max(window.height() - self.height(), 0))
        self.move(window.mapToGlobal(QPoint(left, top)))
        self.show()
        self.line.setFocus(Qt.FocusReason.PopupFocusReason)

    def closeEvent(self, event: QCloseEvent) -> None:
        """The keys go to the window again."""
        super().closeEvent(event)
        self._window.activateWindow()

    def _look(self, query: str) -> None:
        self.model.set_entries(self._find(query))
        self.list.setCurrentIndex(self.model.index(0))
        self.list.scrollToTop()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Whichever has the focus: arrows walk in the list, Return chooses, letters go into the line."""
        if event.type() != QEvent.Type.KeyPress or not isinstance(event, QKeyEvent):
            return super().eventFilter(watched, event)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._choose(self.list.currentIndex())
            return True
        if event.key() in WALKING and watched is self.line:
            self._walk(event)
            return True
        types = event.text() and event.text().isprintable()
        if watched is self.list and (types or event.key() == Qt.Key.Key_Backspace):
            self.line.setFocus()
            QApplication.sendEvent(self.line, event)
            return True
        return super().eventFilter(watched, event)

    def _walk(self, event: QKeyEvent) -> None:
        step = {WALKING[0]: -1, WALKING[1]: 1, WALKING[2]: 1 - ROWS, WALKING[3]: ROWS - 1}
        last = self.model.rowCount() - 1
        row = self.list.currentIndex().row() + step[Qt.Key(event.key())]
        self.list.setCurrentIndex(self.model.index(min(max(row, 0), last)))

    def _choose(self, index: QModelIndex) -> None:
        """What cannot be done now stays where it is, with its reason."""
        entry = self.model.entries[index.row()] if index.isValid() else None
        if entry is not None and not entry.reason:
            self.close()
            # From the event loop: a dialog must not open inside a popup that closes.
            QTimer.singleShot(0, self._window, lambda: self._chosen(entry))
