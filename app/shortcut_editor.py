"""The dialog that gives actions other keys: find the action, press the keys, settle what is in the way."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QFont, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QKeySequenceEdit,
    QLabel,
    QLineEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.actions import ACTIONS, MENUS, ActionSpec, plain
from app.keymap import Keymap, native
from app.language import tr
from app.widgets import card, muted

SPECS = {spec.name: spec for spec in ACTIONS}
NAME = Qt.ItemDataRole.UserRole


class KeysEdit(QKeySequenceEdit):
    """Takes one combination; Tab and Esc lead out of it, as everywhere."""

    left = Signal()  # Esc

    def __init__(self) -> None:
        super().__init__()
        self.setMaximumSequenceLength(1)
        inner = self.findChild(QLineEdit)
        assert inner is not None
        self._inner = inner
        for widget in (self, inner):
            widget.setAccessibleName(tr("New keys"))
            widget.setToolTip(tr("Click here and press the keys; Esc leaves"))
        self.editingFinished.connect(self._invite)
        self._invite()

    def _invite(self) -> None:
        self._inner.setPlaceholderText(tr("Press new keys"))

    def wait(self) -> None:
        """Empty, for the next keys."""
        self.clear()
        self._invite()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Record, or leave."""
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        elif event.key() in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab):
            self.focusNextPrevChild(event.key() == Qt.Key.Key_Tab)
        else:
            super().keyPressEvent(event)


class ActionCard(QFrame):
    """One action's keys: each with a button that takes it away, and a field for new ones."""

    changed = Signal()
    left = Signal()

    def __init__(self, keymap: Keymap) -> None:
        super().__init__()
        self._keymap, self._name, self._asked = keymap, "", ""
        frame, body, heading = card("")
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(frame)
        self._title, self._tip = QLabel(), muted()
        self._title.setProperty("heading", True)
        self.reset = QPushButton(tr("Reset"))
        self.reset.setAccessibleName(tr("Reset this action's keys"))
        self.reset.clicked.connect(self._reset)
        heading.insertWidget(0, self._title)
        heading.addWidget(self.reset)
        self._keys_row = QHBoxLayout()
        self.edit = KeysEdit()
        self.edit.setFixedWidth(170)
        self.edit.keySequenceChanged.connect(self._pressed)
        self.edit.left.connect(self.left)
        self._said = QLabel()
        self._said.setWordWrap(True)
        self._said.setMinimumHeight(2 * self.fontMetrics().lineSpacing())
        self.take = QPushButton(tr("Take it from there"))
        self.take.clicked.connect(self._take)
        keys = QHBoxLayout()
        keys.addLayout(self._keys_row)
        keys.addWidget(self.edit)
        keys.addStretch(1)
        below = QHBoxLayout()
        below.addWidget(self._said, 1)
        below.addWidget(self.take)
        body.addWidget(self._tip)
        body.addLayout(keys)
        body.addLayout(below)
        # Its room stays when it is not needed: nothing moves.
        policy = self.take.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.take.setSizePolicy(policy)
        self.take.hide()
        for button in (self.reset, self.take):
            button.setAutoDefault(False)

    def show_action(self, spec: ActionSpec) -> None:
        """Another action."""
        self._name = spec.name
        self._title.setText(plain(spec.text))
        self._tip.setText(spec.tip)
        self._say("")
        self._fill()

    def _fill(self) -> None:
        while (item := self._keys_row.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        permanent = self._keymap.permanent(self._name)
        for keys in self._keymap[self._name]:
            button = QPushButton(native(keys) if keys in permanent else f"{native(keys)}  ✕")
            button.setAutoDefault(False)
            button.setEnabled(keys not in permanent)
            text = tr("{keys} stays") if keys in permanent else tr("Remove {keys}")
            button.setAccessibleName(text.format(keys=native(keys)))
            button.setToolTip(text.format(keys=native(keys)))
            button.clicked.connect(lambda _=False, keys=keys: self._remove(keys))
            self._keys_row.addWidget(button)
        self.reset.setEnabled(self._keymap.is_changed(self._name))
        default = [native(keys) for keys in SPECS[self._name].shortcuts]
        wanted = tr(" or ").join(default) or tr("no keys")
        self.reset.setToolTip(tr("Back to {keys}").format(keys=wanted))

    def _say(self, sentence: str, asked: str = "") -> None:
        """A sentence; with `asked`, keys that another action has, the button to take them from it."""
        self._said.setText(sentence)
        self._asked = asked
        self.take.setVisible(bool(asked))

    def _pressed(self, sequence: QKeySequence) -> None:
        keys = sequence.toString()
        if not keys:
            return
        self.edit.wait()
        holder, fixed = self._keymap.holder(keys), self._keymap.fixed.get(keys)
        shown = native(keys)
        if fixed is not None:
            self._say(tr("{keys} {does}: that stays.").format(keys=shown, does=fixed))
        elif holder == self._name:
            self._say(tr("{keys} is among its keys already.").format(keys=shown))
        elif holder:
            other = plain(SPECS[holder].text)
            self._say(tr("{keys} is “{other}”. Take it from there?").format(keys=shown, other=other), keys)
            self.take.setFocus()
        else:
            self._add(keys)

    def _take(self) -> None:
        self._add(self._asked)
        self.edit.setFocus()

    def _add(self, keys: str) -> None:
        self._keymap.add(self._name, keys)
        self._say(tr("Done: {keys} works from now on.").format(keys=native(keys)))
        self._change()

    def _remove(self, keys: str) -> None:
        self._keymap.remove(self._name, keys)
        holder, shown = self._keymap.holder(keys), native(keys)
        if holder:  # by default it is that one's
            self._say(tr("{keys} is “{other}” again.").format(keys=shown, other=plain(SPECS[holder].text)))
        else:
            self._say(tr("{keys} is free now.").format(keys=shown))
        self._change()
        self.edit.setFocus()

    def _reset(self) -> None:
        self._keymap.reset(self._name)
        self._say(tr("As on the first day."))
        self._change()
        self.edit.setFocus()

    def _change(self) -> None:
        self._fill()
        self.changed.emit()


class ShortcutEditor(QDialog):
    """All actions by menu with their keys. What is changed holds at once."""

    changed = Signal()

    def __init__(self, keymap: Keymap, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Change shortcuts"))
        self._keymap, self._name = keymap, ACTIONS[0].name
        self.search = QLineEdit()
        self.search.setPlaceholderText(tr("Find an action by name or by key"))
        self.search.setAccessibleName(tr("Find an action"))
        self.search.setToolTip(tr("Down goes into the list, Return there to the new keys"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._filter)
        self.tree = QTreeWidget()
        self.tree.setColumnCount(2)
        self.tree.setHeaderLabels([tr("Action"), tr("Keys")])
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.tree.header().setSectionResizeMode(1, QHeaderView.ResizeMode.Fixed)
        self.tree.header().resizeSection(1, 210)
        self.tree.header().setStretchLastSection(False)
        self.tree.setRootIsDecorated(False)
        self.tree.setAccessibleName(tr("Actions"))
        self.tree.setToolTip(tr("Return goes to the field for new keys"))
        self.tree.setMinimumSize(600, 300)
        self.tree.currentItemChanged.connect(self._show)
        self.card = ActionCard(keymap)
        self.card.changed.connect(self._changed)
        self.card.left.connect(self.tree.setFocus)
        self._fill()
        self._build()
        for widget in (self.search, self.tree):
            widget.installEventFilter(self)

    def _build(self) -> None:
        self.reset_all, close = QPushButton(tr("Reset all")), QPushButton(tr("Close"))
        self.reset_all.setToolTip(tr("Give all actions their first keys again"))
        self.reset_all.clicked.connect(self._reset_all)
        close.clicked.connect(self.accept)
        buttons = QHBoxLayout()
        buttons.addWidget(self.reset_all)
        buttons.addStretch(1)
        buttons.addWidget(close)
        for button in (self.reset_all, close):
            button.setAutoDefault(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 14, 18, 14)
        layout.setSpacing(10)
        layout.addWidget(self.search)
        layout.addWidget(self.tree, 1)
        layout.addWidget(self.card)
        layout.addLayout(buttons)
        self._show_keys()
        self.choose(self._name)

    def _fill(self) -> None:
        bold = QFont(self.font())
        bold.setWeight(QFont.Weight.DemiBold)
        self._items: dict[str, QTreeWidgetItem] = {}
        self._sections: dict[str, QTreeWidgetItem] = {}
        for menu in MENUS:
            section = self._sections[menu] = QTreeWidgetItem(self.tree, [menu.replace("&", "")])
            section.setFirstColumnSpanned(True)
            section.setFont(0, bold)
            section.setFlags(Qt.ItemFlag.ItemIsEnabled)
            for spec in ACTIONS:
                if spec.menu == menu:
                    item = QTreeWidgetItem(section, [plain(spec.text)])
                    item.setData(0, NAME, spec.name)
                    self._items[spec.name] = item
        self.tree.expandAll()

    def choose(self, name: str) -> None:
        """Show an action's keys."""
        self.tree.setCurrentItem(self._items[name])

    def keys_shown(self, name: str) -> str:
        """What the list says of an action's keys."""
        return self._items[name].text(1)

    def _show_keys(self) -> None:
        bold = QFont(self.font())
        bold.setWeight(QFont.Weight.DemiBold)
        for name, item in self._items.items():
            item.setText(1, tr(" or ").join(map(native, self._keymap[name])))
            item.setFont(1, bold if self._keymap.is_changed(name) else self.font())
        self.reset_all.setEnabled(any(map(self._keymap.is_changed, self._items)))

    def _show(self, item: QTreeWidgetItem | None) -> None:
        name = item.data(0, NAME) if item is not None else None
        if name:
            self._name = name
            self.card.show_action(SPECS[name])

    def _filter(self, query: str) -> None:
        words = query.casefold().split()
        keys = "".join(words)
        for item in self._items.values():
            said = item.text(0).casefold()
            bound = item.text(1).casefold().split(tr(" or "))
            item.setHidden(not (all(word in said for word in words) or keys in bound))
        shown = [name for name, item in self._items.items() if not item.isHidden()]
        for menu, section in self._sections.items():
            section.setHidden(all(SPECS[name].menu != menu for name in shown))
        if shown and self._name not in shown:
            self.choose(shown[0])

    def _changed(self) -> None:
        self._show_keys()
        self.changed.emit()

    def _reset_all(self) -> None:
        self._keymap.reset_all()
        self.card.show_action(SPECS[self._name])
        self._changed()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Down leads from the search into the list, Return from there to the new keys."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            confirms = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
            if watched is self.search and (confirms or event.key() == Qt.Key.Key_Down):
                self.tree.setFocus()
                return True
            if watched is self.tree and confirms:
                self.card.edit.setFocus()
                return True
        return super().eventFilter(watched, event)
