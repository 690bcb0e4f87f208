"""Reads the mattes of the frames to come while nothing else is asked for, so that they play at their rate."""

from __future__ import annotations

from collections import deque

from PySide6.QtCore import QObject, QTimer

from app.compositing import Layer
from app.document import Change, Document, Kind
from app.viewer import Viewer, rgb
from app.workspace import Workspace

REST = 1000  # milliseconds without a change before the whole clip is read
SOON = 100  # milliseconds before a new prediction is read: while it is still in memory
CHUNK = 40  # frames asked for at once
MOST = 6000  # mattes: so many still fit the display worker's memory
STARTS_ANEW = (Kind.ANNOTATION, Kind.OBJECTS, Kind.CLIP, Kind.EDGES)


class ReadAhead(QObject):
    """From the playhead to the out point, then from the in point on; predictions as they come. Not while
    playing.

    During a run mattes are read as they are cut out: finished edges hang on the frames round them, which are
    still to come. With the run's end reading begins anew.
    """

    def __init__(self, workspace: Workspace, viewer: Viewer) -> None:
        super().__init__(viewer)
        self._workspace, self._viewer = workspace, viewer
        self._waiting: deque[int] = deque()  # frames, in the order they will be read
        self._busy = False  # a chunk was asked for
        self._rest = QTimer(self, singleShot=True, interval=REST)
        self._rest.timeout.connect(self._begin)
        self._soon = QTimer(self, singleShot=True, interval=SOON)
        self._soon.timeout.connect(self._go_on)
        workspace.document_changed.connect(self._again)
        workspace.changed.connect(self._changed)
        workspace.player.playing_changed.connect(self._again)
        workspace.runner.over.connect(self._again)
        workspace.renderer.read.connect(self._was_read)

    def _changed(self, change: Change) -> None:
        document = self._workspace.document
        predicted = change.kind is Kind.PREDICTION
        if change.kind in STARTS_ANEW or (predicted and change.frame is None):  # of many frames at once
            self._again()
        elif predicted and change.frame is not None and document is not None:
            if not self._waiting or self._waiting[0] != change.frame:  # one object's after the other's
                self._waiting.appendleft(change.frame)
            if len(self._waiting) > self._room(document):
                self._waiting.pop()
            if not self._soon.isActive():
                self._soon.start()

    def _again(self) -> None:
        self._waiting.clear()
        self._busy = False
        self._workspace.renderer.read_ahead(())
        self._soon.stop()
        self._rest.start()

    def _begin(self) -> None:
        document = self._workspace.document
        if document is not None:
            span, at = document.span, document.frame
            frames = [*range(max(at, span.start), span.stop), *range(span.start, min(at, span.stop))]
            self._waiting = deque(frames[: self._room(document)])
            self._go_on()

    def _room(self, document: Document) -> int:
        """How many frames may be kept: of an object that is finished, the raw matte is kept too."""
        shown, edges = self._viewer.shown_objects(document), self._viewer.edges
        mattes = sum(2 if edges.finishes(document, each.object_id, document.frame) else 1 for each in shown)
        return MOST // max(mattes, 1)

    def _was_read(self) -> None:
        self._busy = False
        self._go_on()

    def _go_on(self) -> None:
        document = self._workspace.document
        if document is None or self._busy or not self._waiting or self._workspace.player.is_playing:
            return
        chunk = [self._waiting.popleft() for _ in range(min(CHUNK, len(self._waiting)))]
        layers = [layer for frame in chunk for layer in self._layers(document, frame)]
        self._busy = bool(layers)
        if layers:
            self._workspace.renderer.read_ahead(layers)

    def _layers(self, document: Document, frame: int) -> list[Layer]:
        viewer = self._viewer
        look = viewer.layer_of if self._workspace.runner.is_running else viewer.finished_layer_of
        shown = viewer.shown_objects(document)
        return [look(document, each.object_id, frame, rgb(each.colour)) for each in shown]
