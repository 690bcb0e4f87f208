"""The side panels: objects, and the run."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFont, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.actions import ActionSet
from app.language import tr
from app.presets import preset_label
from app.progress import Progress, rate_text, time_left_text
from app.widgets import KEYBOARD_ACTION, ActionPushButton, WheelGuard, action_button, card, joined, muted
from vosengine.config import PRESET_NOTES, PRESETS
from vosengine.project_file import RotoObject


class ObjectsPanel(QFrame):
    """The list of objects, the topmost first."""

    selected = Signal(int)
    renamed = Signal(int, str)
    visibility_toggled = Signal(int)
    lock_toggled = Signal(int)
    moved = Signal(int)  # the current object was dragged down the list by so many places
    recolour_asked = Signal(int)

    def __init__(self, actions: ActionSet, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        frame, body, heading = card(tr("Objects"))
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(frame)
        for name in ("add_object", "solo", "rename_object", "delete_object"):
            heading.addWidget(action_button(actions[name]))
        self.list = _List()
        self.list.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the keys to the canvas
        self.list.setAccessibleName(tr("Objects"))
        self.list.setStatusTip(tr("Click an object to work on it, double-click to rename, drag to reorder"))
        self.list.setMinimumHeight(72)
        # No wish of its own, else the column beside the picture would rather scroll than let it be low.
        self.list.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Ignored)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.currentItemChanged.connect(self._current_changed)
        self.list.setDragDropMode(QListWidget.DragDropMode.InternalMove)
        self.list.model().rowsMoved.connect(self._rows_moved)
        body.addWidget(self.list)
        self._filling = False

    def fill(self, objects: tuple[RotoObject, ...], selected: int) -> None:
        """Show these objects; digits 1 to 9 pick them in this order."""
        self._filling = True
        self.list.clear()
        for place, item in enumerate(objects, start=1):
            entry = QListWidgetItem(self.list)
            entry.setData(Qt.ItemDataRole.UserRole, item.object_id)
            entry.setFlags(entry.flags() & ~Qt.ItemFlag.ItemIsDropEnabled)  # drop between, not on others
            row = _ObjectRow(item, place)
            row.renamed.connect(self.renamed)
            row.eye_clicked.connect(self.visibility_toggled)
            row.lock_clicked.connect(self.lock_toggled)
            row.swatch_clicked.connect(self.recolour_asked)
            entry.setSizeHint(QSize(0, 34))
            self.list.setItemWidget(entry, row)
            if item.object_id == selected:
                self.list.setCurrentItem(entry)
        self._filling = False

    def select(self, object_id: int) -> None:
        """Move the selection without telling anyone."""
        self._filling = True
        for row in range(self.list.count()):
            if self.list.item(row).data(Qt.ItemDataRole.UserRole) == object_id:
                self.list.setCurrentRow(row)
        self._filling = False

    def start_renaming(self) -> None:
        """Edit the current object's name in place."""
        row = self.list.itemWidget(self.list.currentItem())
        if isinstance(row, _ObjectRow):
            row.start_renaming()

    def _rows_moved(self, _parent: object, start: int, _end: int, _to: object, before: int) -> None:
        places = before - start - (before > start)
        # From the event loop: the list is in the middle of its drop, and will be filled anew.
        QTimer.singleShot(0, self, lambda: self.moved.emit(places))

    def _current_changed(self, item: QListWidgetItem | None) -> None:
        if item is not None and not self._filling:
            self.selected.emit(item.data(Qt.ItemDataRole.UserRole))


class _List(QListWidget):
    """Keeps its rows as wide as itself: Qt lays its items out after a resize, and forgets their widgets."""

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Qt's own, and soon the rows' widgets."""
        super().resizeEvent(event)
        QTimer.singleShot(0, self, self.updateEditorGeometries)


class _ObjectRow(QWidget):
    """Colour and digit, name, lock, eye."""

    renamed = Signal(int, str)
    eye_clicked = Signal(int)
    lock_clicked = Signal(int)
    swatch_clicked = Signal(int)

    def __init__(self, item: RotoObject, place: int) -> None:
        super().__init__()
        self._item = item
        layout = QHBoxLayout(self)
        layout.setContentsMargins(5, 1, 3, 1)
        layout.setSpacing(4)
        swatch = _Swatch(item.colour, str(place) if place <= 9 else "")
        change = tr("Change colour  (select with {key})") if place <= 9 else tr("Change colour")
        swatch.setToolTip(change.format(key=place))
        swatch.clicked.connect(lambda: self.swatch_clicked.emit(item.object_id))
        self._name = _NameEdit(item.name)
        self._name.renamed.connect(lambda name: self.renamed.emit(item.object_id, name))
        lock = _row_button("lock" if item.locked else "unlocked", item.locked)
        lock.setToolTip(tr("Unlock this object") if item.locked else tr("Lock this object against changes"))
        lock.clicked.connect(lambda: self.lock_clicked.emit(item.object_id))
        eye = _row_button("visible" if item.visible else "hidden", item.visible)
        eye.setToolTip(tr("Hide this object") if item.visible else tr("Show this object"))
        eye.clicked.connect(lambda: self.eye_clicked.emit(item.object_id))
        for part, name in (
            (swatch, "recolour_object"),
            (self._name, "rename_object"),
            (lock, "lock_object"),
            (eye, "toggle_object"),
        ):
            part.setProperty(KEYBOARD_ACTION, name)
        layout.addWidget(swatch)
        layout.addWidget(self._name, 1)
        for button in (lock, eye):
            button.setAccessibleName(button.toolTip())
            layout.addWidget(button)

    def start_renaming(self) -> None:
        """Make the name editable."""
        self._name.start()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Rename on a double click."""
        self.start_renaming()


def _row_button(icon: str, on: bool) -> QToolButton:
    button = QToolButton()
    button.setIcon(theme.icon(icon, "text" if on else "disabled"))
    button.setIconSize(QSize(18, 18))
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return button


class _Swatch(QToolButton):
    """The object's colour with its digit."""

    def __init__(self, colour: str, digit: str) -> None:
        super().__init__()
        self._colour, self._digit = QColor(colour), digit
        self.setFixedSize(24, 24)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName(tr("Object colour"))

    def paintEvent(self, event: QPaintEvent) -> None:
        """A rounded square."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(self._colour)
        painter.setPen(self._colour.lighter(140) if self.underMouse() else Qt.PenStyle.NoPen)
        painter.drawRoundedRect(QRectF(2, 2, 20, 20), 5, 5)
        painter.setPen(QColor("black" if self._colour.lightnessF() > 0.45 else "white"))
        font = QFont(self.font())
        font.setBold(True)
        painter.setFont(font)
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._digit)


class _NameEdit(QLineEdit):
    """A name that looks like a label until it is renamed."""

    renamed = Signal(str)

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._name = name
        self.setAccessibleName(tr("Name of the object"))
        self.editingFinished.connect(self._finish)
        self._rest()

    def start(self) -> None:
        """Edit in place."""
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, False)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setReadOnly(False)
        self.setFrame(True)
        self.setStyleSheet("")
        self.setText(self._name)
        self.selectAll()
        self.setFocus()

    def _rest(self) -> None:
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setReadOnly(True)
        self.setFrame(False)
        self.setStyleSheet("background: transparent; border: none; padding: 0;")
        self._elide()

    def _elide(self) -> None:
        room = max(self.width() - 8, 0)
        self.setText(self.fontMetrics().elidedText(self._name, Qt.TextElideMode.ElideRight, room))
        self.setToolTip(self._name)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Cut the name to the room there is."""
        super().resizeEvent(event)
        if self.isReadOnly():
            self._elide()

    def _finish(self) -> None:
        if self.isReadOnly():
            return
        name = self.text().strip()
        self._rest()
        if name and name != self._name:
            self.renamed.emit(name)


class RunPanel(QFrame):
    """Preset, Run, progress and what to do with the frame at hand."""

    preset_chosen = Signal(str)

    def __init__(self, actions: ActionSet, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        frame, body, heading = card(tr("Cut out"))
        for name in ("propagate_backward", "propagate_span", "propagate_forward", "propagate_frame"):
            heading.addWidget(action_button(actions[name]))
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(frame)
        self.presets = QComboBox()
        self.presets.setAccessibleName(tr("Preset"))
        self.presets.setToolTip(tr("How the objects are learned and cut out: quick, good or best"))
        self.presets.setStatusTip(self.presets.toolTip())
        self.presets.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.presets.installEventFilter(WheelGuard(self))
        # The panel's width is not for the longest name to decide; the open list is as wide as it needs.
        self.presets.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.presets.setMinimumContentsLength(16)
        for name, config in PRESETS.items():
            self.presets.addItem(preset_label(config), name)
        self.presets.insertSeparator(list(PRESETS).index("best") + 1)  # below it, one paper's method each
        self.presets.activated.connect(lambda _: self.preset_chosen.emit(self.presets.currentData()))
        self.presets.currentIndexChanged.connect(self._show_note)
        self._note = muted()
        self._note.setWordWrap(True)
        self._note.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.cost = muted(), muted()
        self.run_button = ActionPushButton(actions["run"], tr("Run"))
        self.cancel_button = ActionPushButton(actions["cancel"], tr("Cancel"))
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(tr("Progress"))
        self._what, self._figures = muted(), muted()
        self._figures.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        buttons = QHBoxLayout()
        buttons.addWidget(self.run_button, 2)
        buttons.addWidget(self.cancel_button, 1)
        body.addWidget(self.presets)
        body.addLayout(buttons)
        body.addWidget(self.bar)
        # What only explains comes last: in a low window the panel is cut off there.
        for labels in ((self._what, self._figures), self.cost, (self._note,)):
            body.addLayout(_lines(*labels))
        self._outcome = "", ""
        self._cost = "", "", ""
        self._is_running = False
        self._reserve_room()
        self._show_note()
        self.show_progress(False, Progress(""))

    def _reserve_room(self) -> None:
        """Nothing may move when texts change."""
        line = self.fontMetrics().lineSpacing()
        self._note.setFixedHeight(3 * line + 4)
        for label in (self._what, self._figures, *self.cost):
            label.setFixedHeight(line + 2)
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def set_preset(self, name: str) -> None:
        """Show the preset in use; "" for settings of no preset."""
        self.presets.setCurrentIndex(self.presets.findData(name))

    def _show_note(self) -> None:
        self._note.setText(PRESET_NOTES.get(self.presets.currentData() or "", tr("Settings of your own.")))

    def show_progress(self, running: bool, progress: Progress, device: str = "", waiting: str = "") -> None:
        """The state of the job under way, what it computes on and what waits; an idle bar stays, empty."""
        self._is_running = running
        self.run_button.setText(tr("Queue run") if running else tr("Run"))
        self._show_primary(not running)
        self.bar.setEnabled(running)
        busy = running and progress.total == 0
        self.bar.setRange(0, 0 if busy else max(progress.total, 1))
        self.bar.setValue(progress.done if running else 0)
        done, total = progress.done, progress.total
        count = tr("{done} of {total}").format(done=done, total=total) if total else ""
        figures = rate_text(progress.rate, progress.unit), time_left_text(progress.seconds_left)
        self._what.setText(joined(progress.what, count) if running else self._outcome[0])
        self._figures.setText(joined(*figures) if running else self._outcome[1])
        self._show_cost((device, joined(progress.detail, waiting), device) if running else self._cost)

    def _show_primary(self, primary: bool) -> None:
        """Run is what one comes for, except while it runs."""
        if self.run_button.property("primary") != primary:
            self.run_button.setProperty("primary", primary)
            self.run_button.style().polish(self.run_button)
            self.run_button.setIcon(theme.icon("run", "accent_text" if primary else "text"))

    def set_cost(self, first: str, second: str, tip: str) -> None:
        """What the next run costs: shown while nothing runs."""
        self._cost = first, second, tip
        if not self._is_running:
            self._show_cost(self._cost)

    def _show_cost(self, texts: tuple[str, str, str]) -> None:
        for label, text in zip(self.cost, texts, strict=False):
            label.setText(text)
            label.setToolTip(texts[2])

    def set_outcome(self, what: str, where: str) -> None:
        """What the last run changed: shown while nothing runs."""
        self._outcome = what, where
        for label, text in zip((self._what, self._figures), self._outcome, strict=True):
            label.setToolTip(tr("The last run: {text}").format(text=text) if text else "")
            if not self._is_running:
                label.setText(text)


def _lines(*labels: QLabel) -> QVBoxLayout:
    column = QVBoxLayout()
    column.setSpacing(1)
    for label in labels:
        column.addWidget(label)
    return column
