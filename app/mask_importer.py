"""Masks from files into the document: read on the worker, one frame at a time, as one undo step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from PySide6.QtCore import QObject, QTimer, Signal

from app.document import Document, RotoObject
from app.language import mark, trn
from app.packed import Packed
from app.reading import eight_bits
from app.worker import Worker
from vosengine.errors import EngineError
from vosengine.mask_import import MaskSource, read_masks
from vosengine.messages import MaskPredicted, read_only
from vosengine.types import Matte

CERTAIN = 1.0  # the quality of an imported prediction
ROOM_DELAY = 30  # milliseconds

Masks = dict[int, Matte]


@dataclass(frozen=True)
class ImportPlan:
    """What to do with a source: add `offset` to its numbers for the clip's frames.

    target: the object that takes the masks, 0 for a new one; sources with several ids take as many empty
    objects as there are and new ones. as_predictions: what runs may replace, instead of annotations.
    """

    source: MaskSource
    offset: int
    target: int = 0
    as_predictions: bool = False


class MaskImporter(QObject):
    """Carries one plan out. Frames outside the clip are passed over."""

    progressed = Signal(int, int)  # frames done, in all
    ended = Signal(str)  # how it went, in a sentence; "" when it was cancelled

    def __init__(self, worker: Worker, document: Document, plan: ImportPlan, parent: QObject) -> None:
        super().__init__(parent)
        self._worker, self._document, self._plan = worker, document, plan
        self._masks: Iterator[tuple[int, Masks]] = read_masks(plan.source)
        self._read = 0
        self._taken: set[int] = set()  # frames
        self._left: set[int] = set()  # frames on which a mask was not taken
        self._packed: dict[tuple[int, int], Packed] = {}
        self._step: int | None = None
        self._targets, self._added = _targets(document, plan)
        self._over = False

    def start(self) -> None:
        """Begin; `ended` tells the end."""
        if self._plan.as_predictions:
            self._step = self._document.begin_predictions(mark("Import predictions"), self._added)
        self._next()

    def cancel(self) -> None:
        """Stop, leaving the document as it was."""
        if not self._over:
            self._end("")
            if self._step is not None and (self._taken or self._added):  # else it disappeared
                try:
                    self._document.undo()
                except EngineError as error:
                    self.ended.emit(str(error))

    def _next(self) -> None:
        """Read on when the disk keeps up: the thread of the window must not wait for it."""
        if self._over:
            return
        if self._document.has_room:
            self._worker.submit(self._read_one, self._take)
        else:
            QTimer.singleShot(ROOM_DELAY, self, self._next)

    def _read_one(self) -> tuple[int, dict[int, Matte | Packed]] | EngineError | None:
        """On the worker's thread: the next frame, packed where it becomes an annotation."""
        try:
            number, mattes = next(self._masks)
        except StopIteration:
            return None
        except EngineError as error:
            return error
        if self._plan.as_predictions:
            return number, {own: read_only(matte) for own, matte in mattes.items()}
        return number, {own: Packed.pack(eight_bits(matte)) for own, matte in mattes.items()}

    def _take(self, item: tuple[int, dict[int, Matte | Packed]] | EngineError | None) -> None:
        if self._over:
            return
        if isinstance(item, EngineError):
            self.cancel()
            self.ended.emit(str(item))
        elif item is None:
            self._finish()
        else:
            self._read += 1
            frame = item[0] + self._plan.offset
            if frame in self._document.clip.span:
                for own, mask in item[1].items():
                    taken = self._keep(self._targets[own], frame, mask)
                    (self._taken if taken else self._left).add(frame)
            self.progressed.emit(self._read, len(self._plan.source.numbers))
            self._next()

    def _keep(self, object_id: int, frame: int, mask: Matte | Packed) -> bool:
        """False where a prediction is not taken: the frame was drawn or approved."""
        if isinstance(mask, Packed):
            self._packed[object_id, frame] = mask
            return True
        assert self._step is not None
        event = MaskPredicted(0, frame, object_id, mask, CERTAIN, self._document.revision)
        return self._document.add_prediction(self._step, event)

    def _finish(self) -> None:
        try:
            if self._step is None and self._packed:
                self._document.set_masks(self._packed, self._added)
        except EngineError as error:
            self._end(str(error))
            return
        taken, left = len(self._taken), len(self._left)
        text = trn("Masks on {taken} frame imported", "Masks on {taken} frames imported", taken)
        if left:
            text = trn(
                "Masks on {taken} frame imported, {left} left as they are (drawn or approved)",
                "Masks on {taken} frames imported, {left} left as they are (drawn or approved)",
                taken,
            )
        self._end(text.format(taken=taken, left=left) + ".")

    def _end(self, sentence: str) -> None:
        self._over = True
        if self._step is not None:
            self._document.end_predictions(self._step)
        if sentence:
            self.ended.emit(sentence)


def _targets(document: Document, plan: ImportPlan) -> tuple[dict[int, int], tuple[RotoObject, ...]]:
    """The object of each id of the source, and the objects to be added for it."""
    ids = plan.source.object_ids
    if len(ids) == 1 and plan.target:
        return {ids[0]: plan.target}, ()
    empty = [o.object_id for o in document.objects if not o.locked and not document.has_result(o.object_id)]
    free = empty if len(ids) > 1 else []
    added = document.new_objects(max(len(ids) - len(free), 0))
    return dict(zip(ids, free + [each.object_id for each in added], strict=False)), added
