"""The timeline with its transport buttons and legend; turns the document's states into marks."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app import theme
from app.actions import ActionSet
from app.document import Change, Document, Kind
from app.lane_painting import LEGEND, MARKS, Mark, draw_run, draw_sign
from app.timeline import Lane, Timeline
from app.widgets import action_button, muted
from vosengine.messages import MaskPreviewed

TRANSPORT = ("first", "previous_annotation", "previous", "play", "next", "next_annotation", "last")
RANGE = ("mark_in", "mark_out", "loop")


class TimelinePanel(QWidget):
    """Follows one document at a time."""

    def __init__(self, actions: ActionSet, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.timeline = Timeline()
        self._previews: set[tuple[int, int]] = set()
        self._number = QLabel()
        self._number.setToolTip("Time in the clip")
        self._number.setMinimumWidth(self.fontMetrics().horizontalAdvance("00:00:00.000") + 10)
        bar = QHBoxLayout()
        bar.setContentsMargins(8, 2, 8, 0)
        bar.setSpacing(1)
        bar.addWidget(self._number)
        bar.addSpacing(10)
        for name in TRANSPORT:
            bar.addWidget(action_button(actions[name]))
        bar.addSpacing(14)
        for name in RANGE:
            bar.addWidget(action_button(actions[name]))
        bar.addStretch(1)
        for mark, name, meaning in LEGEND:
            bar.addWidget(_LegendSign(mark))
            label = muted(name)
            label.setToolTip(meaning)
            bar.addSpacing(5)
            bar.addWidget(label)
            bar.addSpacing(12)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 2, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(bar)
        layout.addWidget(self.timeline, 1)

    def set_document(self, document: Document | None) -> None:
        """Show a document, or nothing."""
        self._previews.clear()
        if document is None:
            self.timeline.set_clip(0)
            return
        self.timeline.set_clip(document.clip.frame_count, document.clip.first_number)
        self._fill(document)
        self._select(document)

    def follow(self, document: Document, change: Change) -> None:
        """Take over one change."""
        if change.kind is Kind.SELECTION:
            self._select(document)
        elif change.kind in (Kind.OBJECTS, Kind.CLIP) or change.object_id is None:
            if change.kind not in (Kind.UNDO, Kind.CONFIG):
                self._fill(document)
        elif change.frame is None:
            self._fill(document)
        else:
            self._previews.discard((change.object_id, change.frame))
            if change.frame >= document.clip.frame_count:
                return
            mark = MARKS[document.state(change.object_id, change.frame)]
            self.timeline.set_mark(change.object_id, change.frame, mark)

    def show_preview(self, event: MaskPreviewed) -> None:
        """A frame that the model under training was tried on."""
        lane_shows_nothing = self.timeline.has_lane(event.object_id) and (
            self.timeline.mark_at(event.object_id, event.frame) in (Mark.EMPTY, Mark.STALE)
        )
        if lane_shows_nothing:
            self._previews.add((event.object_id, event.frame))
            self.timeline.set_mark(event.object_id, event.frame, Mark.PREVIEWED)

    def drop_previews(self, document: Document) -> None:
        """The run ended: what was only a preview is empty or stale again."""
        if self._previews:
            self._previews.clear()
            self._fill(document)

    def _select(self, document: Document) -> None:
        self.timeline.set_span(document.span)
        self.timeline.set_selected(document.object_id)
        self.timeline.set_frame(document.frame)
        self._number.setText(_clock(float(document.clip.timestamps[document.frame])))

    def _fill(self, document: Document) -> None:
        lanes = []
        for item in document.objects:
            marks = np.zeros(document.clip.frame_count, np.uint8)
            for frame, state in document.states(item.object_id).items():
                if frame < len(marks):  # the footage may have become shorter
                    marks[frame] = MARKS[state]
            for object_id, frame in self._previews:
                if object_id == item.object_id and marks[frame] in (Mark.EMPTY, Mark.STALE):
                    marks[frame] = Mark.PREVIEWED
            lanes.append(Lane(item.object_id, item.name, QColor(item.colour), marks, item.visible))
        self.timeline.set_lanes(lanes, document.object_id)


class _LegendSign(QWidget):
    """One state as the lanes draw it."""

    def __init__(self, mark: Mark) -> None:
        super().__init__()
        self._mark = mark
        self.setFixedSize(QSize(22, 14))

    def paintEvent(self, event: QPaintEvent) -> None:
        """A short piece of lane."""
        painter = QPainter(self)
        rect = QRectF(0, 0, 22, 14)
        painter.fillRect(rect, QColor(theme.CANVAS))
        draw_run(painter, rect, self._mark, QColor(theme.ACCENT))
        draw_sign(painter, rect.center(), self._mark, 9)
        painter.setPen(QColor(theme.LINE))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(rect.adjusted(0, 0, -1, -1))


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours:02d}:{minutes:02d}:{rest:06.3f}"
