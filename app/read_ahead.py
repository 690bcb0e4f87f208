"""Reads the mattes of the frames to come while nothing else is asked for, so that they play at their rate."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer

from app.document import Change, Kind
from app.viewer import Viewer, rgb
from app.workspace import Workspace

REST = 1000  # milliseconds without a change before reading begins
CHUNK = 40  # frames asked for at once
FURTHEST = 4000  # frames: their mattes still fit the display worker's memory
CHANGES_MATTES = (Kind.ANNOTATION, Kind.PREDICTION, Kind.OBJECTS, Kind.CLIP, Kind.EDGES)


class ReadAhead(QObject):
    """From the playhead to the out point, then from the in point on; a change or playing begins it anew."""

    def __init__(self, workspace: Workspace, viewer: Viewer) -> None:
        super().__init__(viewer)
        self._workspace, self._viewer = workspace, viewer
        self._waiting: list[int] = []  # frames, in the order they will be played
        self._rest = QTimer(self, singleShot=True, interval=REST)
        self._rest.timeout.connect(self._begin)
        workspace.document_changed.connect(self._again)
        workspace.changed.connect(self._changed)
        workspace.player.playing_changed.connect(self._playing_changed)
        workspace.renderer.read.connect(self._go_on)

    def _changed(self, change: Change) -> None:
        if change.kind in CHANGES_MATTES:
            self._again()

    def _playing_changed(self, playing: bool) -> None:
        self._again()
        if playing:
            self._rest.stop()

    def _again(self) -> None:
        if self._waiting:
            self._waiting = []
            self._workspace.renderer.read_ahead(())
        if self._workspace.document is not None:
            self._rest.start()

    def _begin(self) -> None:
        document = self._workspace.document
        if document is not None and not self._workspace.player.is_playing:
            span, at = document.span, document.frame
            self._waiting = [*range(max(at, span.start), span.stop), *range(span.start, min(at, span.stop))]
            self._waiting = self._waiting[:FURTHEST]
            self._go_on()

    def _go_on(self) -> None:
        document = self._workspace.document
        chunk, self._waiting = self._waiting[:CHUNK], self._waiting[CHUNK:]
        if document is not None and chunk:
            shown = self._viewer.shown_objects(document)
            layers = [
                self._viewer.finished_layer_of(document, each.object_id, frame, rgb(each.colour))
                for frame in chunk
                for each in shown
            ]
            self._workspace.renderer.read_ahead(layers)
