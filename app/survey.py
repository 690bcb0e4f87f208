"""Keeps the findings of all objects in step with the document, a slice at a time: no clip is too long."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QObject, QTimer, Signal

from app.document import Change, Document, Kind
from app.findings import Findings
from vosengine.types import Span

SLICE = 250  # frames looked at in one go: some milliseconds
OF_A_FRAME = (Kind.ANNOTATION, Kind.PREDICTION, Kind.APPROVED, Kind.MUTED)


class Survey(QObject):
    """Findings by object. The first slice is looked at at once, the others when the event loop is idle."""

    found = Signal(int, object)  # object id, Span: findings that may be new
    objects_changed = Signal()  # objects came, went or changed their order

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document: Document | None = None
        self._findings: dict[int, Findings] = {}
        self._waiting: dict[int, int] = {}  # the next frame to look at, by object
        self._timer = QTimer(self, interval=0)
        self._timer.timeout.connect(self._look_on)

    @property
    def findings(self) -> dict[int, Findings]:
        """By object id, in the document's order."""
        return self._findings

    @property
    def is_complete(self) -> bool:
        """Whether every frame has been looked at since it changed."""
        return not self._waiting

    def set_document(self, document: Document | None) -> None:
        """Look at another document, or at none."""
        self._document = document
        self._findings, self._waiting = {}, {}
        self._match_objects()

    def follow(self, change: Change) -> None:
        """Take over one change."""
        if change.kind is Kind.OBJECTS:
            self._match_objects()
        elif change.kind is Kind.CLIP:
            self.set_document(self._document)
        elif change.kind is Kind.STATES:  # of one object's marks others may hang
            self._look_again(self._findings)
        elif change.kind in OF_A_FRAME and change.object_id in self._findings and change.frame is None:
            self._look_again([change.object_id])  # many frames at once
        elif change.kind in OF_A_FRAME and change.object_id is not None and change.frame is not None:
            self._look(change.object_id, Span(change.frame, change.frame + 1))

    def _match_objects(self) -> None:
        document = self._document
        known, self._findings = self._findings, {}
        objects = () if document is None else document.objects
        for each in objects:
            own = each.object_id
            self._findings[own] = known.get(own) or Findings(document.clip.frame_count if document else 0)
        self._waiting = {own: frame for own, frame in self._waiting.items() if own in self._findings}
        self.objects_changed.emit()
        self._look_again(self._findings.keys() - known.keys())

    def _look_again(self, object_ids: Iterable[int]) -> None:
        self._waiting.update(dict.fromkeys(object_ids, 0))
        self._look_on()

    def _look_on(self) -> None:
        """The next slice."""
        room = SLICE
        for object_id, start in list(self._waiting.items()):
            count = len(self._findings[object_id].marks)
            stop = min(start + room, count)
            self._look(object_id, Span(start, stop))
            room -= stop - start
            if stop < count:
                self._waiting[object_id] = stop
            else:
                del self._waiting[object_id]
            if room <= 0:
                break
        if not self._waiting:
            self._timer.stop()
        elif not self._timer.isActive():
            self._timer.start()

    def _look(self, object_id: int, span: Span) -> None:
        findings = self._findings.get(object_id)
        if findings is None or self._document is None:
            return
        count = len(findings.marks)
        span = Span(min(span.start, count), min(span.stop, count))  # the footage may have become shorter
        findings.look(self._document, object_id, span)
        self.found.emit(object_id, span)
