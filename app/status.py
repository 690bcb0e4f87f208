"""The status bar: what the pointer will do, then saving, memory, zoom and the frame."""

from __future__ import annotations

from datetime import datetime

import psutil
from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtGui import QStatusTipEvent
from PySide6.QtWidgets import QLabel, QStatusBar

from app.document import Document
from app.language import tr
from app.tools import Tool
from app.widgets import set_tone

MESSAGE_TIME = 8000  # milliseconds
MEMORY_INTERVAL = 2000
MEMORY_SHORT = 92  # percent of the machine's in use
SAVING_INTERVAL = 300

HINTS: dict[Tool, str] = {
    Tool.BRUSH: tr("Paint the mask; right button or Alt erases, Shift draws straight lines"),
    Tool.ERASER: tr("Erase from the mask; right button or Alt paints, Shift draws straight lines"),
    Tool.FOREGROUND: tr("Scribble on the object; right button or Alt marks background"),
    Tool.BACKGROUND: tr("Scribble on what is not the object; right button or Alt marks the object"),
    Tool.BOX: tr("Drag a box round the object; right button or Alt takes the rectangle away"),
    Tool.LASSO: tr("Draw round an area; right button or Alt takes it away"),
    Tool.POLYGON: tr(
        "Click corners; Enter or a double click closes, Backspace takes one back, Alt subtracts"
    ),
    Tool.MAGNETIC: tr(
        "Click along an edge; Enter or a double click closes, Backspace goes back, Alt subtracts"
    ),
    Tool.COLOUR: tr("Click a colour, drag away for more of it; right button or Alt takes it away"),
}


class Status(QObject):
    """Fills a status bar; its parts keep their places and widths.

    Over a button, menu or panel its status tip stands in place of the hint; messages stay in sight.
    """

    def __init__(self, bar: QStatusBar) -> None:
        super().__init__(bar)
        self._bar, self._tool_hint, self._tip = bar, "", ""
        bar.window().installEventFilter(self)
        bar.setSizeGripEnabled(False)
        self._hint = QLabel()
        bar.addWidget(self._hint, 1)
        self._saved, self._memory = _part(bar, tr("All changes saved")), _part(bar, _memory_text(88.8))
        self._pixel, self._zoom = _part(bar, "8888, 8888"), _part(bar, "6400 %")
        self._frame = _part(bar, _frame_text(888888, 888, 888))
        self._document: Document | None = None
        self._trouble = ""
        self._saving = QTimer(bar, interval=SAVING_INTERVAL)
        self._saving.timeout.connect(self._show_saving)
        self._process = psutil.Process()
        self._timer = QTimer(bar, interval=MEMORY_INTERVAL)
        self._timer.timeout.connect(self._show_memory)
        self._timer.start()
        self._show_memory()

    def say(self, sentence: str) -> None:
        """A passing message in place of the hint."""
        self._bar.showMessage(sentence, MESSAGE_TIME)

    def show_trouble(self, sentence: str) -> None:
        """Why changes cannot be saved, until they can again ("")."""
        self._trouble = sentence
        if sentence:
            self.say(sentence)
        self._show_saving()

    def show_zoom(self, scale: float) -> None:
        """Screen pixels a clip pixel."""
        self._zoom.setText(f"{scale * 100:.0f} %")

    def show_hint(self, tool: Tool, document: Document | None) -> None:
        """What the pointer will do."""
        self._tool_hint = _hint(tool, document)
        self._tell()

    def _tell(self) -> None:
        text = self._tip or self._tool_hint
        self._hint.setText(text)
        self._hint.setToolTip(text)  # a narrow window cuts it off

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """What lies under the pointer tells of itself, "" when the pointer leaves it."""
        if event.type() != QEvent.Type.StatusTip or not isinstance(event, QStatusTipEvent):
            return super().eventFilter(watched, event)
        self._tip = event.tip()
        self._tell()
        return True

    def show_pointer(
        self, tool: Tool, position: tuple[float, float] | None, document: Document | None
    ) -> None:
        """What the pointer will do, and the clip pixel under it."""
        self.show_hint(tool, document)
        self._pixel.setText("" if position is None else f"{int(position[0])}, {int(position[1])}")

    def show_document(self, document: Document | None) -> None:
        """Saving and the frame's own number."""
        for part in (self._saved, self._frame, self._zoom, self._pixel):
            part.setVisible(document is not None)
        if document is None:
            self._document, self._trouble = None, ""
            self._saving.stop()
            for part in (self._saved, self._frame, self._zoom, self._pixel, self._hint):
                part.setText("")
            return
        info = document.clip
        self._follow_saving(document)
        number = document.frame + info.first_number
        self._frame.setText(_frame_text(number, document.frame + 1, info.frame_count))

    def _follow_saving(self, document: Document) -> None:
        self._document = document
        self._saving.start()
        self._show_saving()

    def _show_saving(self) -> None:
        if self._document is None:
            return
        saving = self._document.saving
        text = tr("Saving…") if saving else tr("All changes saved")
        self._saved.setText(tr("Not saved") if self._trouble else text)
        self._saved.setToolTip(self._trouble or _last_save(self._document.saved_at))
        set_tone(self._saved, "danger" if self._trouble else "")
        if not saving:
            self._saving.stop()

    def _show_memory(self) -> None:
        used = self._process.memory_info().rss / 2**30
        self._memory.setText(_memory_text(used))
        set_tone(self._memory, "warning" if psutil.virtual_memory().percent > MEMORY_SHORT else "")


def _last_save(seconds: float) -> str:
    if not seconds:
        return tr("Every change is saved by itself")
    text = tr("Every change is saved by itself, the last one at {time}")
    return text.format(time=f"{datetime.fromtimestamp(seconds):%H:%M:%S}")


def _part(bar: QStatusBar, widest: str) -> QLabel:
    label = QLabel()
    label.setMinimumWidth(label.fontMetrics().horizontalAdvance(widest) + 14)
    bar.addPermanentWidget(label)
    return label


def _hint(tool: Tool, document: Document | None) -> str:
    if document is None:
        return ""
    if document.object_id == 0:
        return tr("Add an object to begin")
    item = document.object(document.object_id)
    if item.locked:
        return tr("{name} is locked").format(name=item.name)
    return f"{item.name}: {HINTS[tool]}"


def _frame_text(number: int, place: int, count: int) -> str:
    return tr("Frame {number} ({place} of {count})").format(number=number, place=place, count=count)


def _memory_text(used: float) -> str:
    return tr("Memory {used:.1f} GB").format(used=used)
