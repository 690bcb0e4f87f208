"""What the window shows before anything is open."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app import theme
from app.actions import ActionSet
from app.language import tr
from app.recent_list import ROW, RecentList
from app.recents import Recent
from app.widgets import ActionPushButton, muted

WIDTH, SHOWN_ROWS = 640, 4


class StartScreen(QWidget):
    """Open buttons, a place to drop files on, and the recent projects."""

    chosen = Signal(str)
    removed = Signal(str)  # a project's folder, off the list

    def __init__(self, actions: ActionSet, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        title = QLabel("Rotoshot")
        font = title.font()
        font.setPointSizeF(font.pointSizeF() * 2.2)
        font.setWeight(font.Weight.DemiBold)
        title.setFont(font)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        self._opening = ActionPushButton(actions["open_clip"], tr("Open clip…"))
        self._opening.setProperty("primary", True)
        self._opening.setIcon(theme.icon("open", "accent_text"))
        sequence = ActionPushButton(actions["open_sequence"], tr("Image sequence…"))
        project = ActionPushButton(actions["open_project"], tr("Project…"))
        demo = ActionPushButton(actions["open_demo"], tr("Try the demo shot"))
        for button in (self._opening, sequence, project, demo):
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # no canvas here that needs the keys
            buttons.addWidget(button)
        buttons.insertStretch(3, 1)
        self._hint = QLabel()
        self._hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._hint.setFixedHeight(74)
        self._hint.setWordWrap(True)
        self.notices = QVBoxLayout()  # lines about the last session go in here
        inner = QVBoxLayout()
        inner.setSpacing(12)
        inner.addWidget(title)
        inner.addLayout(buttons)
        inner.addWidget(self._hint)
        inner.addLayout(self.notices)
        inner.addWidget(self._recents())
        column = QWidget()
        column.setLayout(inner)
        column.setFixedWidth(max(WIDTH, buttons.minimumSize().width()))  # some languages have longer buttons
        outer = QVBoxLayout(self)
        outer.addStretch(2)
        outer.addWidget(column, 0, Qt.AlignmentFlag.AlignHCenter)
        outer.addStretch(3)
        self.set_dropping(False)
        self.set_opening("")

    def _recents(self) -> QWidget:
        """The list with its heading; its room stays when it is empty."""
        self.recent = RecentList()
        self.recent.setFixedHeight(SHOWN_ROWS * ROW + 2)
        self.recent.chosen.connect(self.chosen)
        self.recent.removed.connect(self.removed)
        self.recent.currentRowChanged.connect(self._marked)
        self._remove = QPushButton(tr("Remove from this list"))
        self._remove.setToolTip(tr("The project itself stays where it is"))
        self._remove.clicked.connect(self.recent.remove.trigger)
        heading = QHBoxLayout()
        heading.addWidget(muted(tr("Recent projects")))
        heading.addStretch(1)
        heading.addWidget(self._remove)
        self._group = QWidget()
        column = QVBoxLayout(self._group)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(heading)
        column.addWidget(self.recent)
        policy = self._group.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self._group.setSizePolicy(policy)
        self._group.hide()
        return self._group

    def set_recent(self, recents: list[Recent]) -> None:
        """The recent projects, newest first."""
        self.recent.fill(recents)
        self._group.setVisible(bool(recents))
        self._marked()
        if recents:  # Return goes on with it
            self.recent.setCurrentRow(0)
        held = QApplication.focusWidget()
        if self.isVisible() and (held is None or held is self._opening or not self.isAncestorOf(held)):
            (self.recent if recents else self._opening).setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return presses the button that has the keys, as in a dialog."""
        held = self.focusWidget()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and isinstance(held, QPushButton):
            held.click()
        else:
            super().keyPressEvent(event)

    def set_opening(self, text: str) -> None:
        """What is being opened, or "" for the usual hint."""
        self._hint.setText(text or tr("Drop a video, an image sequence's folder or a project here"))
        self.setEnabled(not text)

    def set_dropping(self, over: bool) -> None:
        """Whether something is being dragged over the window."""
        line, ground = (
            ("palette(highlight)", "palette(alternate-base)")
            if over
            else ("palette(placeholder-text)", "none")
        )
        self._hint.setStyleSheet(
            f"border: 1px dashed {line}; border-radius: 8px; background: {ground};"
            f"color: palette({'text' if over else 'placeholder-text'});"
        )

    def _marked(self) -> None:
        self._remove.setEnabled(self.recent.current is not None)
