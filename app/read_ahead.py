"""Reads the mattes of the frames to come while nothing else is asked for, so that they play at their rate."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer

from app.document import Change, Kind
from app.viewer import Viewer, rgb
from app.workspace import Workspace

REST = 1000  # milliseconds without a change before the whole clip is read
SOON = 100  # milliseconds before a new prediction is read: while it is still in memory
CHUNK = 40  # frames asked for at once
FURTHEST = 4000  # frames: their mattes still fit the display worker's memory
STARTS_ANEW = (Kind.ANNOTATION, Kind.OBJECTS, Kind.CLIP, Kind.EDGES)


class ReadAhead(QObject):
    """From the playhead to the out point, then from the in point on; predictions as they come. Not while
    playing.
    """

    def __init__(self, workspace: Workspace, viewer: Viewer) -> None:
        super().__init__(viewer)
        self._workspace, self._viewer = workspace, viewer
        self._waiting: list[int] = []  # frames, in the order they will be read
        self._busy = False  # a chunk was asked for
        self._rest = QTimer(self, singleShot=True, interval=REST)
        self._rest.timeout.connect(self._begin)
        self._soon = QTimer(self, singleShot=True, interval=SOON)
        self._soon.timeout.connect(self._go_on)
        workspace.document_changed.connect(self._again)
        workspace.changed.connect(self._changed)
        workspace.player.playing_changed.connect(self._again)
        workspace.renderer.read.connect(self._was_read)

    def _changed(self, change: Change) -> None:
        if change.kind in STARTS_ANEW:
            self._again()
        elif change.kind is Kind.PREDICTION and change.frame is not None:
            if self._waiting[:1] != [change.frame]:  # one object's after the other's
                self._waiting = [change.frame, *self._waiting][:FURTHEST]
            if not self._soon.isActive():
                self._soon.start()

    def _again(self) -> None:
        self._waiting, self._busy = [], False
        self._workspace.renderer.read_ahead(())
        self._soon.stop()
        self._rest.start()

    def _begin(self) -> None:
        document = self._workspace.document
        if document is not None:
            span, at = document.span, document.frame
            frames = [*range(max(at, span.start), span.stop), *range(span.start, min(at, span.stop))]
            self._waiting = frames[:FURTHEST]
            self._go_on()

    def _was_read(self) -> None:
        self._busy = False
        self._go_on()

    def _go_on(self) -> None:
        document = self._workspace.document
        if document is None or self._busy or not self._waiting or self._workspace.player.is_playing:
            return
        chunk, self._waiting = self._waiting[:CHUNK], self._waiting[CHUNK:]
        shown = self._viewer.shown_objects(document)
        layers = [
            self._viewer.finished_layer_of(document, each.object_id, frame, rgb(each.colour))
            for frame in chunk
            for each in shown
        ]
        self._busy = bool(layers)
        if layers:
            self._workspace.renderer.read_ahead(layers)
