"""Scribbles and boxes to masks: asks the engine for GrabCut while the pen moves, keeps the last answer."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from app.document import Document, Scribbles
from app.engine_bridge import EngineBridge
from app.renderer import Renderer
from app.tools import BACKGROUND, FOREGROUND, Point, paint_stroke
from vosengine.messages import END, Event, GrabCut, JobFailed, MaskDrawn, read_only
from vosengine.project_file import harden
from vosengine.types import Box, Image, Mask

LIVE_INTERVAL = 120  # milliseconds between two questions while the pen moves


@dataclass(frozen=True)
class Chain:
    """Marks on one (object id, frame): the mask before the first of them, and the last answer to them all.

    The answer to a box is what the marks after it correct: `before` is that answer then.
    """

    key: tuple[int, int]
    before: Mask | None
    answer: Mask | None


class Scribbler(QObject):
    """One question to the engine at a time counts: the newest. Answers to older ones are dropped."""

    live_changed = Signal()  # `live_mask` is another
    working_changed = Signal()  # `is_working` may have changed
    failed = Signal(str, str)

    def __init__(self, bridge: EngineBridge, renderer: Renderer, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._renderer = renderer
        self._document: Document | None = None
        self._image: tuple[int, Image] | None = None
        self._job = 0
        self._job_is_live = False
        self._after_image: tuple[int, int] | None = None  # object and frame whose mask is due
        self._live: tuple[int, int, Mask] | None = None
        self._stroke: tuple[int, int, tuple[Point, ...], float, int] | None = None
        self._chain: Chain | None = None
        self._timer = QTimer(self, singleShot=True, interval=LIVE_INTERVAL)
        self._timer.timeout.connect(self._ask_live)
        bridge.received.connect(self._take)
        renderer.full_ready.connect(self._keep_image)

    def set_document(self, document: Document | None) -> None:
        """Another document, or none."""
        self.cancel()
        self._document, self._image, self._chain = document, None, None

    def prepare(self) -> None:
        """Have the current frame at hand at full resolution; one whose mask is due goes first."""
        if self._document is None or self._after_image is not None:
            return
        if self._image is None or self._image[0] != self._document.frame:
            self._renderer.fetch_full(self._document.frame)

    @property
    def is_working(self) -> bool:
        """Whether an answer that will be kept is on its way."""
        return self._after_image is not None or (self._job != 0 and not self._job_is_live)

    def live_mask(self, object_id: int, frame: int) -> Mask | None:
        """What GrabCut makes of the stroke under the pen."""
        if self._live is not None and self._live[:2] == (object_id, frame):
            return self._live[2]
        return None

    def extend(self, points: tuple[Point, ...], radius: float, foreground: bool) -> None:
        """The pen moves."""
        if self._document is None:
            return
        value = FOREGROUND if foreground else BACKGROUND
        self._stroke = (self._document.object_id, self._document.frame, points, radius, value)
        self.prepare()
        if not self._timer.isActive() and self._job == 0:
            self._timer.start()

    def finish(self, points: tuple[Point, ...], radius: float, foreground: bool) -> None:
        """The pen was lifted: the marks become part of the document, their mask follows."""
        document = self._document
        self._timer.stop()
        self._stroke = None
        if document is None:
            return
        object_id, frame = document.object_id, document.frame
        name = "Foreground scribble" if foreground else "Background scribble"
        marks = document.begin_scribble(object_id, frame, name)
        document.stroke_painted(paint_stroke(marks, points, radius, FOREGROUND if foreground else BACKGROUND))
        document.end_stroke()
        self._ask(object_id, frame)

    def draw_box(self, box: Box) -> None:
        """A box was dragged: it is the annotation until its mask comes."""
        if self._document is not None:
            object_id, frame = self._document.object_id, self._document.frame
            self._document.set_box(object_id, frame, box)
            self._ask(object_id, frame)

    def leave_frame(self) -> None:
        """Another frame is shown: forget the stroke under the pen. An answer on its way is kept: it belongs
        to the frame left.
        """
        if self.is_working:
            self._timer.stop()
            self._stroke = None
            self._set_live(None)
        else:
            self.cancel()

    def cancel(self) -> None:
        """Forget the question and its answer."""
        self._timer.stop()
        if self._job:
            self._bridge.cancel(self._job)
        was_working = self.is_working
        self._job, self._after_image, self._stroke = 0, None, None
        self._set_live(None)
        if was_working:
            self.working_changed.emit()

    # --- asking -------------------------------------------------------------------------------------------

    def _ask(self, object_id: int, frame: int) -> None:
        document = self._document
        assert document is not None
        if self._image is None or self._image[0] != frame:
            self._after_image = (object_id, frame)
            self._renderer.fetch_full(frame)
            return
        self._after_image = None
        marks = document.scribbles(object_id, frame)
        if marks is None:
            marks = np.zeros(self._image[1].shape[:2], np.uint8)
        self._submit(object_id, frame, marks, live=False)

    def _ask_live(self) -> None:
        document, stroke = self._document, self._stroke
        if document is None or stroke is None or self._image is None or self._image[0] != stroke[1]:
            return
        object_id, frame, points, radius, value = stroke
        drawn = document.scribbles(object_id, frame)
        marks = np.zeros(self._image[1].shape[:2], np.uint8) if drawn is None else drawn.copy()
        paint_stroke(marks, points, radius, value)
        self._submit(object_id, frame, marks, live=True)

    def _submit(self, object_id: int, frame: int, marks: Scribbles, live: bool) -> None:
        document, image = self._document, self._image
        assert document is not None
        assert image is not None
        frozen = marks.copy()
        read_only(frozen)
        command = GrabCut(
            image[1],
            frozen,
            frame,
            object_id,
            document.box(object_id, frame),
            self._before_scribbling(document, object_id, frame),
            document.revision,
        )
        if self._job:
            self._bridge.cancel(self._job)
        self._job, self._job_is_live = self._bridge.submit(command), live
        self.working_changed.emit()

    def _before_scribbling(self, document: Document, object_id: int, frame: int) -> Mask | None:
        """The mask that the marks correct: drawn, imported or predicted, but not their own last answer.

        GrabCut holds on to the mask it is given; given its own answer to the first marks, it would keep the
        mistakes that the next marks are there to mend. A box is no mark: its answer stays.
        """
        shown = document.matte(object_id, frame)
        mask = None if shown is None else harden(shown)
        chain = self._chain
        if chain is not None and chain.key == (object_id, frame) and _same(mask, chain.answer):
            return chain.before
        self._chain = Chain((object_id, frame), mask, mask)
        return mask

    def _keep_image(self, frame: int, image: Image) -> None:
        self._image = (frame, image)
        if self._after_image is not None and self._after_image[1] == frame:
            self._ask(*self._after_image)
            self.prepare()
        elif self._stroke is not None and self._job == 0 and not self._timer.isActive():
            self._timer.start()

    # --- answers ------------------------------------------------------------------------------------------

    def _take(self, event: Event) -> None:
        if event.job_id != self._job:
            return
        if isinstance(event, MaskDrawn):
            self._use(event)
        elif isinstance(event, END):
            self._job = 0
            self.working_changed.emit()
            if isinstance(event, JobFailed) and not self._job_is_live:
                self._set_live(None)
                self.failed.emit(event.message, "" if event.expected else event.traceback)
            elif self._stroke is not None:
                self._timer.start()

    def _use(self, event: MaskDrawn) -> None:
        document = self._document
        assert document is not None
        if self._job_is_live:
            self._set_live((event.object_id, event.frame, event.mask))
            return
        self._set_live(None)
        if self._chain is not None and self._chain.key == (event.object_id, event.frame):
            boxed = document.box(event.object_id, event.frame) is not None
            before = event.mask if boxed else self._chain.before
            self._chain = replace(self._chain, before=before, answer=event.mask)
        known = any(o.object_id == event.object_id and not o.locked for o in document.objects)
        if known and event.mask.any():
            document.set_mask(event.object_id, event.frame, event.mask, "Scribble", join_last=True)

    def _set_live(self, live: tuple[int, int, Mask] | None) -> None:
        if live is not self._live:
            self._live = live
            self.live_changed.emit()


def _same(a: Mask | None, b: Mask | None) -> bool:
    if a is None or b is None:
        return a is b
    return np.array_equal(a, b)
