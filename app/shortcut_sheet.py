"""The sheet of all keys: type to find one by what it does or by the key itself."""

from __future__ import annotations

from itertools import combinations, pairwise

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QShortcut
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.actions import MENUS, ActionSet, keys_text, plain
from app.language import tr
from app.widgets import muted

POINTER_KEYS: tuple[tuple[str, str], ...] = (
    (tr("Draw or add"), tr("Left button")),
    (tr("Subtract"), tr("Right button or Alt")),
    (tr("Straight lines"), tr("Shift")),
    (tr("Zoom to the pointer"), tr("Wheel")),
    (tr("Brush size"), tr("Ctrl + wheel")),
    (tr("Pan"), tr("Space + drag or middle button")),
    (tr("Close an outline"), tr("Return or double click")),
    (tr("Take its last corner back"), tr("Backspace")),
    (tr("Pick an object"), tr("1 … 9")),
    (tr("Timeline: zoom"), tr("Wheel")),
    (tr("Timeline: scroll"), tr("Shift + wheel")),
)
COLUMNS = 4
LARGEST = QSize(1180, 540)  # fits a screen of 1280 x 720

Section = tuple[str, list[tuple[str, str]]]


class ShortcutSheet(QDialog):
    """All keys, by menu, as bound now. Not modal: it may stay open beside the work."""

    change_asked = Signal()

    def __init__(self, actions: ActionSet, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Keyboard shortcuts"))
        self._actions = actions
        self.search = QLineEdit()
        self.search.setPlaceholderText(tr("Find by name or by key, e.g. “copy” or “Ctrl+D”"))
        self.search.setAccessibleName(tr("Find a shortcut"))
        self.search.setToolTip(tr("Shows only the lines with this name or key"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self.refresh)
        self._area = QScrollArea()
        self._area.setFrameShape(QScrollArea.Shape.NoFrame)
        self._area.setWidgetResizable(True)
        self._area.setAccessibleName(tr("All shortcuts"))
        self._area.setToolTip(tr("Up and Down scroll"))
        change, close = QPushButton(tr("Change shortcuts…")), QPushButton(tr("Close"))
        change.clicked.connect(self.change_asked)
        close.clicked.connect(self.close)
        self._build(change, close)
        self.refresh()

    def _build(self, change: QPushButton, close: QPushButton) -> None:
        buttons = QHBoxLayout()
        buttons.addWidget(change)
        buttons.addStretch(1)
        buttons.addWidget(close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 14, 18, 14)
        layout.setSpacing(12)
        for part in (self.search, self._area):
            layout.addWidget(part)
        layout.addLayout(buttons)
        for button in (change, close):
            button.setAutoDefault(False)  # Return in the search closes nothing
        self._closes = QShortcut(self)
        self._closes.activated.connect(self.close)

    def refresh(self) -> None:
        """Show the lines that are looked for, with their present keys."""
        self._closes.setKeys(self._actions["shortcuts"].shortcuts())
        found = matching(sections(self._actions), self.search.text())
        content = QWidget()
        columns = QHBoxLayout(content)
        columns.setContentsMargins(0, 0, 8, 0)
        columns.setSpacing(34)
        for group in balanced(found, COLUMNS):
            columns.addLayout(_column(group))
        if not found:
            nothing = muted(tr("No shortcut is named like this, and no key is."))
            columns.addWidget(nothing, 0, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        elif sum(len(keys) for _, keys in found) < 2 * COLUMNS:
            columns.addStretch(1)
        self._area.setWidget(content)
        if not self.isVisible():
            self._area.setMinimumSize((content.sizeHint() + QSize(16, 4)).boundedTo(LARGEST))


def sections(actions: ActionSet) -> list[Section]:
    """What the pointer does and, menu by menu, what has a key."""
    listed = [(tr("Pointer"), list(POINTER_KEYS))]
    for menu in MENUS:
        keys = [
            (plain(spec.text), keys_text(action))
            for spec, action in actions
            if spec.menu == menu and action.shortcuts()
        ]
        if keys:
            listed.append((menu.replace("&", ""), keys))
    return listed


def matching(listed: list[Section], query: str) -> list[Section]:
    """The lines whose name has all words of the query, whose section is named so, or whose keys have it."""
    words, whole = query.casefold().split(), "".join(query.casefold().split())

    def fits(title: str, what: str, keys: str) -> bool:
        said = f"{title} {what}".casefold()
        return all(word in said for word in words) or whole in "".join(keys.casefold().split())

    found = [(title, [line for line in lines if fits(title, *line)]) for title, lines in listed]
    return [(title, lines) for title, lines in found if lines]


def balanced(listed: list[Section], count: int) -> list[list[Section]]:
    """The sections in order, in at most `count` columns, as even as can be."""
    cuts = combinations(range(1, len(listed)), min(count, len(listed)) - 1) if listed else ()

    def columns(cut: tuple[int, ...]) -> list[list[Section]]:
        return [listed[start:stop] for start, stop in pairwise((0, *cut, len(listed)))]

    def unevenness(split: list[list[Section]]) -> int:
        return sum(sum(len(keys) + 2 for _, keys in column) ** 2 for column in split)

    return min(map(columns, cuts), key=unevenness, default=[])


def _column(listed: list[Section]) -> QVBoxLayout:
    layout = QVBoxLayout()
    layout.setSpacing(3)
    for title, keys in listed:
        heading = QLabel(title)
        heading.setProperty("heading", True)
        layout.addWidget(heading)
        for what, key in keys:
            line = QHBoxLayout()
            line.setSpacing(18)
            line.addWidget(QLabel(what))
            line.addStretch(1)
            line.addWidget(muted(key))
            layout.addLayout(line)
        layout.addSpacing(10)
    layout.addStretch(1)
    return layout
