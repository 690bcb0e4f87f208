"""The timeline with its transport buttons and legend."""

from __future__ import annotations

from PySide6.QtCore import QSize, QTimer
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.actions import ActionSet
from app.document import Change, Document, Kind
from app.edge_keys import key_frames
from app.lane import Lane
from app.language import tr
from app.legend import Legend
from app.survey import Survey
from app.timeline import Timeline
from app.widgets import action_button
from vosengine.export.timing import timecode_after, timing_of
from vosengine.messages import MaskPreviewed
from vosengine.types import ClipInfo

TRANSPORT = ("first", "previous_annotation", "previous", "play", "next", "next_annotation", "last")
REFRESH_DELAY = 30  # milliseconds
RANGE = ("mark_in", "mark_out", "loop")


class TimelinePanel(QWidget):
    """Follows one document at a time."""

    def __init__(self, actions: ActionSet, survey: Survey, rate: QWidget) -> None:
        """`rate`: shown beside the clock."""
        super().__init__()
        self._steady = False  # whether the clip's rate is constant
        self.wished_height = 0  # in widget units; 0: what the timeline needs
        self.timeline = Timeline()
        self.timeline.setStatusTip(
            tr("Drag to scrub, click a lane to pick its object; the wheel zooms, Shift + wheel scrolls")
        )
        self._survey = survey
        self._soon = QTimer(self, singleShot=True, interval=REFRESH_DELAY)
        self._soon.timeout.connect(self.timeline.refresh)
        survey.found.connect(self._refresh_soon)
        self._number = QLabel()
        self._number.setToolTip(tr("Time in the clip: hours, minutes, seconds, frames"))
        self._number.setMinimumWidth(self.fontMetrics().horizontalAdvance("00:00:00.000") + 10)
        bar = QHBoxLayout()
        bar.setContentsMargins(8, 2, 8, 0)
        bar.setSpacing(1)
        bar.addWidget(self._number)
        bar.addWidget(rate)
        bar.addSpacing(10)
        for name in TRANSPORT:
            bar.addWidget(action_button(actions[name]))
        bar.addSpacing(14)
        for name in RANGE:
            bar.addWidget(action_button(actions[name]))
        bar.addStretch(1)
        bar.addWidget(Legend(actions["next_worst"]))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 2, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(bar)
        layout.addWidget(self.timeline, 1)

    def sizeHint(self) -> QSize:
        """As high as the user left it."""
        hint = super().sizeHint()
        return QSize(hint.width(), self.wished_height or hint.height())

    def set_document(self, document: Document | None) -> None:
        """Show a document, or nothing."""
        if document is None:
            self.timeline.set_clip(0)
            return
        clip = document.clip
        self._steady = clip.rate > 0 and timing_of(clip, clip.span).constant
        self.timeline.set_clip(clip.frame_count, clip.first_number, (clip.width, clip.height))
        self._fill(document)
        self._select(document)

    def follow(self, document: Document, change: Change) -> None:
        """Take over one change; what it means for the frames comes from the survey."""
        if change.kind is Kind.SELECTION:
            self._select(document)
        elif change.kind in (Kind.OBJECTS, Kind.CLIP, Kind.EDGES):
            self._fill(document)
        elif change.kind is Kind.UNDO:
            self.timeline.set_changed(document.runs.outcome.changed)

    def _refresh_soon(self) -> None:
        """A run finds something new many times a second, on a clip of any length."""
        if not self._soon.isActive():
            self._soon.start()

    def show_preview(self, event: MaskPreviewed) -> None:
        """A frame that the model under training was tried on."""
        lane = self.timeline.lane(event.object_id)
        if lane is not None:
            lane.previews.add(event.frame)
            self.timeline.refresh()

    def drop_previews(self) -> None:
        """The run ended: what was only a preview is empty or stale again."""
        for lane in self.timeline.lanes:
            lane.previews.clear()
        self.timeline.refresh()

    def _select(self, document: Document) -> None:
        self.timeline.set_span(document.span)
        self.timeline.set_selected(document.object_id)
        self.timeline.set_frame(document.frame)
        self._number.setText(self._clock(document.clip, document.frame))

    def _clock(self, clip: ClipInfo, frame: int) -> str:
        """The clip's own timecode, from 0 where it has none; seconds where its rate varies."""
        if self._steady:
            own = timecode_after(clip.timecode, clip.rate, frame)
            return own or timecode_after("00:00:00:00", clip.rate, frame)
        minutes, seconds = divmod(float(clip.timestamps[frame]), 60)
        hours, minutes = divmod(int(minutes), 60)
        return f"{hours:02d}:{minutes:02d}:{seconds:06.3f}"

    def _fill(self, document: Document) -> None:
        findings = self._survey.findings
        previews = {lane.object_id: lane.previews for lane in self.timeline.lanes}
        lanes = []
        for item in document.objects:
            own, colour = item.object_id, QColor(item.colour)
            keys, tried = key_frames(document.edges(own)), previews.get(own, set())
            lanes.append(Lane(own, item.name, colour, findings[own], item.visible, tried, keys))
        self.timeline.set_lanes(lanes, document.object_id)
        self.timeline.set_changed(document.runs.outcome.changed)
