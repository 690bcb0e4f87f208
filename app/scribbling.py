"""Scribbles and boxes to masks: asks the engine for GrabCut while the pen moves, keeps the last answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from app.document import Document, Scribbles
from app.engine_bridge import EngineBridge
from app.pen import PenStroke
from app.renderer import Renderer
from app.tools import BACKGROUND, FOREGROUND
from vosengine.messages import END, Event, GrabCut, JobFailed, MaskDrawn, read_only
from vosengine.project_file import without_soft_edges
from vosengine.types import Box, Image, Mask

LIVE_INTERVAL = 60  # milliseconds between two questions while the pen moves
CHAINS = 4  # frames of which it is known what their marks corrected

Key = tuple[int, int]  # object id, frame


@dataclass(frozen=True)
class Chain:
    """Marks on one frame: the mask before the first of them, and the last answer to them all.

    The answer to a box is what the marks after it correct: `before` is that answer then.
    """

    before: Mask | None
    answer: Mask | None


class Scribbler(QObject):
    """Of each object's frame the newest question counts, and the answers to older ones are dropped."""

    live_changed = Signal()  # `live_mask` is another
    working_changed = Signal()  # `is_working` may have changed
    failed = Signal(str, str)

    def __init__(self, bridge: EngineBridge, renderer: Renderer, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._renderer = renderer
        self._document: Document | None = None
        self._image: tuple[int, Image] | None = None
        self._asked: dict[int, Key] = {}  # jobs whose answers will be kept
        self._due: list[Key] = []  # marks whose frame's picture has not come yet
        self._live_job = 0
        self._live: tuple[Key, Mask] | None = None
        self._stroke: tuple[Key, PenStroke, int] | None = None
        self._chains: dict[Key, Chain] = {}
        self._timer = QTimer(self, singleShot=True, interval=LIVE_INTERVAL)
        self._timer.timeout.connect(self._ask_live)
        bridge.received.connect(self._take)
        renderer.full_ready.connect(self._keep_image)

    def set_document(self, document: Document | None) -> None:
        """Another document, or none."""
        self.cancel()
        self._document, self._image = document, None
        self._chains.clear()

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
        name = "Foreground scribble" if foreground else "Background scribble"
        marks = document.begin_scribble(*key, name)
        document.stroke_painted(stroke.mark(marks, FOREGROUND if foreground else BACKGROUND))
        document.end_stroke()
        self._ask(key)

    def draw_box(self, box: Box) -> None:
        """A box was dragged: it is the annotation until its mask comes."""
        if self._document is not None:
            key = self._document.object_id, self._document.frame
            self._document.set_box(*key, box)
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
            here = self._document.object_id, self._document.frame
            self._cancel_where(lambda key: key == here)

    def cancel(self) -> None:
        """Forget all questions and their answers."""
        self._cancel_where(lambda key: True)

    def _cancel_where(self, wanted: Callable[[Key], bool]) -> None:
        was_working = self.is_working
        self._end_stroke()
        self._cancel_live()
        for job in [job for job, key in self._asked.items() if wanted(key)]:
            self._bridge.cancel(job)
            del self._asked[job]
        self._due = [key for key in self._due if not wanted(key)]
        self._set_live(None)
        if was_working:
            self.working_changed.emit()

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
        self._due = [each for each in self._due if each != key]
        if self._image is None or self._image[0] != key[1]:
            self._due.append(key)
            self._renderer.fetch_full(self._due[0][1])
            self.working_changed.emit()
            return
        self._cancel_live()
        for job in [job for job, asked in self._asked.items() if asked == key]:
            self._bridge.cancel(job)
            del self._asked[job]
        self._asked[self._submit(key, self._marks(key), live=False)] = key
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
        stroke.mark(marks, value)
        self._live_job = self._submit(key, marks, live=True)

    def _marks(self, key: Key) -> Scribbles:
        """A copy of the marks so far."""
        document, image = self._document, self._image
        assert document is not None
        assert image is not None
        drawn = document.scribbles(*key)
        return np.zeros(image[1].shape[:2], np.uint8) if drawn is None else drawn.copy()

    def _submit(self, key: Key, marks: Scribbles, live: bool) -> int:
        document, image = self._document, self._image
        assert document is not None
        assert image is not None
        read_only(marks)
        object_id, frame = key
        box, before = document.box(*key), self._before_scribbling(document, key)
        return self._bridge.submit(
            GrabCut(image[1], marks, frame, object_id, box, before, document.revision, live)
        )

    def _before_scribbling(self, document: Document, key: Key) -> Mask | None:
        """The mask that the marks correct: drawn, imported or predicted, but not their own last answer.

        GrabCut holds on to the mask it is given; given its own answer to the first marks, it would keep the
        mistakes that the next marks are there to mend. A box is no mark: its answer stays.
        """
        shown = document.shown_mask(*key)
        mask = None if shown is None else without_soft_edges(shown)
        chain = self._chains.get(key)
        if chain is not None and _same(mask, chain.answer):
            return chain.before
        self._keep_chain(key, Chain(mask, mask))
        return mask

    def _keep_chain(self, key: Key, chain: Chain) -> None:
        self._chains.pop(key, None)
        self._chains[key] = chain
        while len(self._chains) > CHAINS:
            del self._chains[next(iter(self._chains))]

    def _keep_image(self, frame: int, image: Image) -> None:
        self._image = (frame, image)
        for key in [key for key in self._due if key[1] == frame]:
            self._ask(key)
        if self._due:
            self._renderer.fetch_full(self._due[0][1])
            return
        self.prepare()
        self._ask_live_soon()

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
            self.working_changed.emit()
            if isinstance(event, JobFailed) and not live:
                self._set_live(None)
                self.failed.emit(event.message, "" if event.expected else event.traceback)
            self._ask_live_soon()

    def _use(self, event: MaskDrawn, live: bool) -> None:
        document, key = self._document, (event.object_id, event.frame)
        assert document is not None
        if live:
            self._set_live((key, event.mask))
            return
        if self._live is not None and self._live[0] == key:
            self._set_live(None)
        if key in self._chains:
            before = self._chains[key].before if document.box(*key) is None else event.mask
            self._keep_chain(key, Chain(before, event.mask))
        known = any(o.object_id == event.object_id and not o.locked for o in document.objects)
        if known and event.mask.any():
            document.set_mask(*key, event.mask, "Scribble", join_last=True)

    def _set_live(self, live: tuple[Key, Mask] | None) -> None:
        if live is not self._live:
            self._live = live
            self.live_changed.emit()


def _same(a: Mask | None, b: Mask | None) -> bool:
    if a is None or b is None:
        return a is b
    return np.array_equal(a, b)
