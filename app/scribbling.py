"""Scribbles and boxes to masks: asks the engine while the pen moves, keeps the last answer.

Marks on a frame that shows a mask correct it (`Correct`); others, and a box, point to the object (`GrabCut`).
While the pen moves it is always GrabCut that answers.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from app.document import Change, Document, Kind, Scribbles
from app.engine_bridge import EngineBridge
from app.language import mark, tr
from app.pen import PenStroke
from app.renderer import Renderer
from app.tools import BACKGROUND, FOREGROUND
from vosengine.closest import closeness
from vosengine.messages import END, Correct, Event, GrabCut, JobFailed, MaskDrawn, read_only
from vosengine.types import Box, Image, Mask
from vosengine.windows import bounding_window

LIVE_INTERVAL = 60  # milliseconds between two questions while the pen moves
REMEMBERED = 3  # annotated frames that a correction looks at
ANSWERS = 4  # frames of which it is known that their mask is made of their marks alone

Key = tuple[int, int]  # object id, frame


class Scribbler(QObject):
    """Of each object's frame the newest question counts, and the answers to older ones are dropped; so is an
    answer when the frame's annotation or marks have changed since.
    """

    live_changed = Signal()  # `live_mask` is another
    working_changed = Signal()  # `is_working` may have changed
    failed = Signal(str, str)
    unanswered = Signal(str)  # why marks have no mask

    def __init__(self, bridge: EngineBridge, renderer: Renderer, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._renderer = renderer
        self._document: Document | None = None
        self._image: tuple[int, Image] | None = None
        self._asked: dict[int, Key] = {}  # jobs whose answers will be kept
        self._steps: dict[Key, int] = {}  # of undo, which made those jobs' marks and boxes
        self._due: list[Key] = []  # marks whose frame's picture has not come yet
        self._live_job = 0
        self._live: tuple[Key, Mask] | None = None
        self._stroke: tuple[Key, PenStroke, int] | None = None
        self._of_marks: dict[Key, Mask] = {}  # the last answers that are made of marks alone
        self._pointing: set[int] = set()  # jobs whose answers will be
        self._unsubscribe: Callable[[], None] = lambda: None
        self._timer = QTimer(self, singleShot=True, interval=LIVE_INTERVAL)
        self._timer.timeout.connect(self._ask_live)
        bridge.received.connect(self._take)
        renderer.full_ready.connect(self._keep_image)
        renderer.full_failed.connect(self._leave_unanswered)

    def set_document(self, document: Document | None) -> None:
        """Another document, or none."""
        self.cancel()
        self._unsubscribe()
        self._document, self._image = document, None
        self._of_marks.clear()
        self._steps.clear()
        self._unsubscribe = document.subscribe(self._changed) if document is not None else lambda: None

    def prepare(self) -> None:
        """Have the current frame at hand at full resolution; one whose mask is due goes first."""
        if self._document is None or self._due:
            return
        if self._image is None or self._image[0] != self._document.frame:
            self._renderer.fetch_full(self._document.frame)

    @property
    def is_working(self) -> bool:
        """Whether an answer that will be kept is on its way."""
        return bool(self._due or self._asked)

    def live_mask(self, object_id: int, frame: int) -> Mask | None:
        """What GrabCut makes of the stroke under the pen."""
        if self._live is not None and self._live[0] == (object_id, frame):
            return self._live[1]
        return None

    def extend(self, stroke: PenStroke, foreground: bool) -> None:
        """The pen moves."""
        if self._document is None:
            return
        key = self._document.object_id, self._document.frame
        self._stroke = key, stroke, FOREGROUND if foreground else BACKGROUND
        self.prepare()
        self._ask_live_soon()

    def finish(self, stroke: PenStroke, foreground: bool) -> None:
        """The pen was lifted: the marks become part of the document, their mask follows."""
        document = self._document
        self._end_stroke()
        if document is None:
            return
        key = document.object_id, document.frame
        is_waiting = key in self._asked.values() or key in self._due
        self._drop(key)
        name = mark("Foreground scribble") if foreground else mark("Background scribble")
        marks = document.begin_scribble(*key, name)
        if not is_waiting:
            _forget_overruled(marks, document.shown_mask(*key))
        document.stroke_painted(stroke.mark(marks, FOREGROUND if foreground else BACKGROUND))
        self._steps[key] = document.end_stroke()
        self._ask(key)

    def draw_box(self, box: Box) -> None:
        """A box was dragged: it is the annotation until its mask comes."""
        if self._document is not None:
            key = self._document.object_id, self._document.frame
            self._steps[key] = self._document.set_box(*key, box)
            self._ask(key)

    def leave_frame(self) -> None:
        """Another frame is shown: forget the stroke under the pen. Answers on their way are kept: they belong
        to the frames left.
        """
        self.abandon()

    def abandon(self) -> None:
        """Forget the stroke under the pen alone."""
        self._end_stroke()
        self._cancel_live()
        self._set_live(None)

    def cancel_current(self) -> None:
        """Forget the question about the current object on this frame, where something else is being done."""
        if self._document is not None:
            self._cancel((self._document.object_id, self._document.frame))

    def cancel(self) -> None:
        """Forget all questions and their answers."""
        self._cancel(*self._asked.values(), *self._due)

    def _cancel(self, *keys: Key) -> None:
        was_working = self.is_working
        self._end_stroke()
        self._cancel_live()
        self._drop(*keys)
        self._set_live(None)
        if was_working:
            self.working_changed.emit()

    def _drop(self, *keys: Key) -> None:
        """Want no answers about these."""
        for job in [job for job, key in self._asked.items() if key in keys]:
            self._bridge.cancel(job)
            del self._asked[job]
        self._pointing.intersection_update(self._asked)
        self._due = [key for key in self._due if key not in keys]

    def _end_stroke(self) -> None:
        self._timer.stop()
        self._stroke = None

    def _cancel_live(self) -> None:
        if self._live_job:
            self._bridge.cancel(self._live_job)
            self._live_job = 0

    # --- asking -------------------------------------------------------------------------------------------

    def _ask(self, key: Key) -> None:
        """Ask for the mask that will be kept, as soon as the frame's picture is here."""
        document = self._document
        assert document is not None
        self._drop(key)
        if self._image is None or self._image[0] != key[1]:
            self._due.append(key)
            self._renderer.fetch_full(self._due[0][1])
            self.working_changed.emit()
            return
        self._cancel_live()
        before = self._corrected_mask(document, key)
        job = self._submit(key, self._marks(key), before, live=False)
        self._asked[job] = key
        if before is None:
            self._pointing.add(job)
        self.working_changed.emit()

    def _changed(self, change: Change) -> None:
        """What is drawn on a frame changed: an answer to what was there before is not wanted any more."""
        if change.kind not in (Kind.ANNOTATION, Kind.SCRIBBLES) or self._document is None:
            return
        for key in {*self._asked.values(), *self._due}:
            if key == (change.object_id, change.frame):
                self._drop(key)
                self._set_live(None)
                self.working_changed.emit()

    def _ask_live_soon(self) -> None:
        """Unless an answer that will be kept is on its way to the same frame: the question would drop it."""
        if self._stroke is None or self._timer.isActive() or self._live_job:
            return
        if self._stroke[0] not in self._asked.values():
            self._timer.start()

    def _ask_live(self) -> None:
        if self._stroke is None or self._image is None or self._image[0] != self._stroke[0][1]:
            return
        key, stroke, value = self._stroke
        marks = self._marks(key)
        assert self._document is not None
        _forget_overruled(marks, self._document.shown_mask(*key))
        stroke.mark(marks, value)
        before = self._corrected_mask(self._document, key)
        self._live_job = self._submit(key, marks, before, live=True)

    def _marks(self, key: Key) -> Scribbles:
        """A copy of the marks so far."""
        document, image = self._document, self._image
        assert document is not None
        assert image is not None
        drawn = document.scribbles(*key)
        return np.zeros(image[1].shape[:2], np.uint8) if drawn is None else drawn.copy()

    def _submit(self, key: Key, marks: Scribbles, before: Mask | None, live: bool) -> int:
        document, image = self._document, self._image
        assert document is not None
        assert image is not None
        read_only(marks)
        object_id, frame = key
        box = document.box(*key)
        if before is None or box is not None or live:
            return self._bridge.submit(
                GrabCut(image[1], marks, frame, object_id, box, before, document.revision, live)
            )
        return self._bridge.submit(
            Correct(
                document.clip.path,
                frame,
                object_id,
                image[1],
                marks,
                before,
                document.annotations({object_id}, _closest(document, object_id, frame)),
                document.config,
                document.revision,
                document.cache_folder,
                document.models_folder,
            )
        )

    def _corrected_mask(self, document: Document, key: Key) -> Mask | None:
        """The mask that the marks correct: drawn, imported, predicted, corrected before or made of a box.

        None where it is made of the marks alone: then more of them are to make a better one.
        """
        shown, known = document.shown_mask(*key), self._of_marks.get(key)
        return None if shown is None or (known is not None and np.array_equal(shown, known)) else shown

    def _keep_image(self, frame: int, image: Image) -> None:
        self._image = (frame, image)
        for key in [key for key in self._due if key[1] == frame]:
            self._ask(key)
        if self._due:
            self._renderer.fetch_full(self._due[0][1])
            return
        self.prepare()
        self._ask_live_soon()

    def _leave_unanswered(self, frame: int) -> None:
        """The picture will not come: the marks stay, without the mask they ask for."""
        lost = [key for key in self._due if key[1] == frame]
        if lost and self._document is not None:
            self._drop(*lost)
            self._set_live(None)
            text = tr("Frame {number} cannot be read, so its marks stay without a mask; replace the footage.")
            self.unanswered.emit(text.format(number=frame + self._document.clip.first_number))
            self.working_changed.emit()
        if self._due:
            self._renderer.fetch_full(self._due[0][1])

    # --- answers ------------------------------------------------------------------------------------------

    def _take(self, event: Event) -> None:
        live = event.job_id == self._live_job
        if not live and event.job_id not in self._asked:
            return
        if isinstance(event, MaskDrawn):
            self._use(event, live)
        elif isinstance(event, END):
            self._asked.pop(event.job_id, None)
            if live:
                self._live_job = 0
            if isinstance(event, JobFailed) and not live:
                self._set_live(None)
                self.failed.emit(event.message, "" if event.expected else event.traceback)
            self._rest()

    def _use(self, event: MaskDrawn, live: bool) -> None:
        document, key = self._document, (event.object_id, event.frame)
        assert document is not None
        if live:
            self._set_live((key, event.mask))
            return
        del self._asked[event.job_id]  # before the document changes: this answer is wanted
        if self._live is not None and self._live[0] == key:
            self._set_live(None)
        points, has_box = event.job_id in self._pointing, document.box(*key) is not None
        if points and not has_box:
            self._keep_answer(key, event.mask)
        self._pointing.discard(event.job_id)
        known = any(o.object_id == event.object_id and not o.locked for o in document.objects)
        # Marks that point to nothing leave the frame as it was; those that correct may take all away.
        if known and (event.mask.any() or not (points or has_box)):
            document.set_mask(*key, event.mask, mark("Scribble"), self._steps.get(key, 0))
        self._rest()

    def _keep_answer(self, key: Key, mask: Mask) -> None:
        self._of_marks.pop(key, None)
        self._of_marks[key] = mask
        while len(self._of_marks) > ANSWERS:
            del self._of_marks[next(iter(self._of_marks))]

    def _rest(self) -> None:
        """A question has its answer: another may follow."""
        self.working_changed.emit()
        self._ask_live_soon()

    def _set_live(self, live: tuple[Key, Mask] | None) -> None:
        if live is not self._live:
            self._live = live
            self.live_changed.emit()


def _forget_overruled(marks: Scribbles, mask: Mask | None) -> None:
    """Take away the marks that a mask contradicts: it was drawn since, else they would be true of it."""
    part = bounding_window(marks > 0, margin=0)
    if mask is not None and part is not None:
        inside, own = mask[part] > 127, marks[part]
        own[(own == FOREGROUND) & ~inside | (own == BACKGROUND) & inside] = 0


def _closest(document: Document, object_id: int, frame: int) -> list[int]:
    """The frames that it is compared with; unpacking all of a clip's would keep the pen waiting."""
    others = [each for each in document.annotated_frames(object_id) if each != frame]
    found = sorted(others, key=lambda each: closeness(each, not document.is_drawn(object_id, each), frame))
    return found[:REMEMBERED]
