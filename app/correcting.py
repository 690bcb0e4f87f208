"""After a correction: what it did, which other frames may change now, and on request their update at once."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QKeySequence

from app.actions import ActionSet
from app.document import Change, Document, Kind
from app.language import tr, trn
from app.settings import Settings
from app.workspace import Workspace

REST = 500  # milliseconds without another stroke before the update begins


class Correcting(QObject):
    """Tells of each drawing that takes a prediction's place. `build` it once the actions exist."""

    actions: ActionSet

    def __init__(self, workspace: Workspace, settings: Settings) -> None:
        super().__init__(workspace)
        self._workspace, self._settings = workspace, settings
        self._drawn: set[tuple[int, int]] = set()  # objects and frames drawn on since the last undo step
        self._update_soon = QTimer(self, singleShot=True, interval=REST)
        self._update_soon.timeout.connect(self._update)
        self._is_due = False
        workspace.document_changed.connect(self._document_changed)
        workspace.changed.connect(self._changed)
        workspace.runner.changed.connect(self._run_changed)

    def handlers(self) -> dict[str, Callable[[], object]]:
        """What its actions do, by name."""
        return {"update_at_once": self._toggle_update}

    def build(self, actions: ActionSet) -> None:
        """The actions exist."""
        self.actions = actions
        actions["update_at_once"].setChecked(self._settings.update_at_once)

    def facts(self) -> set[str]:
        """No need is known to it alone."""
        return set()

    def _toggle_update(self) -> None:
        self._settings.update_at_once = self.actions["update_at_once"].isChecked()
        self._is_due = False

    def _document_changed(self) -> None:
        self._drawn.clear()
        self._is_due = False

    def _changed(self, change: Change) -> None:
        """An edit tells first what it changed, then that there is one more undo step."""
        document = self._workspace.document
        if document is None:
            return
        if change.kind is Kind.ANNOTATION and change.object_id is not None and change.frame is not None:
            self._drawn.add((change.object_id, change.frame))
        elif change.kind is Kind.UNDO:
            self._is_due &= not document.redo_name  # else something was undone: a run would end its redoing
            drawn = [key for key in self._drawn if _is_corrected(document, *key)]
            self._drawn.clear()
            if len(drawn) == 1 and not document.redo_name:
                self._corrected(document, drawn[0][1])

    def _corrected(self, document: Document, frame: int) -> None:
        count = len(document.outdated(document.span))
        self._workspace.message.emit(self._sentence(frame + document.clip.first_number, count))
        if self._settings.update_at_once and count:
            self._is_due = True
            self._update_soon.start()

    def _sentence(self, number: int, count: int) -> str:
        if not count:
            return tr("Frame {number} corrected; no other frame depends on it.").format(number=number)
        if self._workspace.runner.is_running:
            text = trn(
                "Frame {number} corrected; one frame may change: run again when this run has ended.",
                "Frame {number} corrected; {count} frames may change: run again when this run has ended.",
                count,
            )
        elif self._settings.update_at_once:
            text = trn(
                "Frame {number} corrected; one frame is being brought up to date.",
                "Frame {number} corrected; {count} frames are being brought up to date.",
                count,
            )
        else:
            text = trn(
                "Frame {number} corrected; one frame may change: {keys} brings it up to date.",
                "Frame {number} corrected; {count} frames may change: {keys} brings them up to date.",
                count,
            )
        shortcut = self.actions["run"].shortcut()
        keys = shortcut.toString(QKeySequence.SequenceFormat.NativeText) or tr("Run")
        return text.format(number=number, count=count, keys=keys)

    def _run_changed(self) -> None:
        if self._is_due and not self._workspace.runner.is_running:
            self._update_soon.start()

    def _update(self) -> None:
        """Run, once no other run is on and no stroke waits for its answer; where nothing is outdated any more
        it would make all frames again.
        """
        document = self._workspace.document
        if document is None or not document.outdated(document.span):
            self._is_due = False
        elif self._workspace.scribbler.is_working:
            self._update_soon.start()
        elif self._is_due and self.actions["run"].isEnabled():
            self._is_due = False
            self.actions["run"].trigger()


def _is_corrected(document: Document, object_id: int, frame: int) -> bool:
    """Whether a drawn mask has taken a prediction's place."""
    known = any(each.object_id == object_id for each in document.objects)
    drawn = known and document.mask(object_id, frame) is not None
    return drawn and document.prediction(object_id, frame) is not None
