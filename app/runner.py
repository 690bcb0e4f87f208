"""A run as the user knows it: learn from the marks, then propagate; one progress, one cancel, one undo."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from app.costs import FRAME, STEP
from app.document import Document, FrameState
from app.engine_bridge import EngineBridge
from app.foresight import work_of
from app.jobs import Ending, JobState
from app.language import tr, trn
from app.orders import Order, Way
from app.progress import Pace, Progress, UnitTimer
from vosengine.config import Config
from vosengine.messages import (
    END,
    DeviceUsed,
    Event,
    FineTune,
    JobCancelled,
    JobFailed,
    JobProgressed,
    MaskPredicted,
    MaskPreviewed,
    ModelReady,
    Propagate,
)


class Runner(QObject):
    """Drives FineTune and Propagate for one document at a time. All signals come on the GUI thread."""

    changed = Signal()  # running, cancelling or progress
    previewed = Signal(object)  # MaskPreviewed
    ended = Signal(str)  # a sentence on how it went, unless it failed
    failed = Signal(str, str)  # message, traceback ("" for an expected failure)
    measured = Signal(object, str, float)  # Config, unit (see `app.costs`), seconds it takes of one object
    over = Signal(object)  # Ending, however it went; after the others

    def __init__(self, bridge: EngineBridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        # Seconds that an order's frames will take once it has learned, None where nobody knows.
        self.foresee: Callable[[Document, Order], float | None] = lambda _document, _order: 0.0
        self._after: float | None = 0.0
        self._document: Document | None = None
        self._order: Order | None = None
        self._job = 0
        self._step: int | None = None
        self._stored = 0
        self._command: FineTune | None = None  # what is being learned
        self._timer = UnitTimer()
        self._objects = 1.0  # found on each frame, on average
        self.device: DeviceUsed | None = None  # of the last run
        self._learned: frozenset[int] = frozenset()
        self._config: Config | None = None  # what it was learned with
        self._pace = Pace()
        self._cancelling = False
        self._progress = Progress("")
        bridge.received.connect(self._take)

    @property
    def is_running(self) -> bool:
        """From start to the last job's end."""
        return self._job != 0

    @property
    def is_learning(self) -> bool:
        """Fine-tuning is on."""
        return self.is_running and self._step is None

    @property
    def progress(self) -> Progress:
        """What to show."""
        return self._progress

    def begin(self, document: Document, order: Order) -> None:
        """Carry an order out, unless a run is on, with the annotations that the document has now.

        A run predicts only the frames without an up-to-date mask between in and out. The other ways predict
        all the frames that the order names. What no model has learned yet is learned first.
        """
        if self.is_running:
            return
        self._document, self._order, self._step, self._stored = document, order, None, 0
        self._cancelling, self._pace = False, Pace()
        marked = {each.object_id for each in document.objects if document.annotated_frames(each.object_id)}
        if not marked:
            self._end(Ending(JobState.FAILED, tr("Nothing is marked any more; mark an object, then run.")))
        elif order.learns or not (marked <= self._learned and self._config == order.config):
            self._submit_learning(document, order)
        else:
            self._submit_propagation(document, order, frames_of(order, document))

    def abort(self) -> None:
        """The document is about to close: cancel, and hear no more of the job."""
        if self._document is not None:
            self._leave()
            self._come_to_rest()
        self._learned = frozenset()

    def fail(self, ending: Ending) -> None:
        """What was started cannot be carried out."""
        self._leave()
        self._end(ending)

    def _leave(self) -> None:
        if self.is_running:
            self._bridge.cancel(self._job)
        if self._step is not None and self._document is not None:
            self._document.end_predictions(self._step)

    def cancel(self) -> None:
        """End it soon; the masks that have come stay."""
        if self.is_running and not self._cancelling:
            self._cancelling = True
            self._progress = Progress(tr("Cancelling…"))
            self._bridge.cancel(self._job)
            self.changed.emit()

    def _submit_learning(self, document: Document, order: Order) -> None:
        self._command = FineTune(
            document.clip.path,
            document.annotations(),
            order.config,
            document.runs.begin_learning(),
            warm_start=True,
            cache_folder=document.cache_folder,
            models_folder=document.models_folder,
        )
        self._timer, self._objects = UnitTimer(), 1.0
        self._after = self.foresee(document, order)
        self._job = self._bridge.submit(self._command)
        self._show(Progress(tr("Starting the engine…")))

    def _submit_propagation(self, document: Document, order: Order, wanted: frozenset[int] | None) -> None:
        work = work_of(order, document, wanted)
        self._timer, self._objects = UnitTimer(), work.object_frames / max(work.frames, 1)
        self._after = 0.0
        self._step = document.begin_predictions(order.undo_name)
        self._job = self._bridge.submit(
            Propagate(
                document.clip.path,
                document.annotations(),
                order.span,
                order.config,
                order.direction,
                document.revision,
                cache_folder=document.cache_folder,
                models_folder=document.models_folder,
                frames=wanted,
            )
        )
        self._show(Progress(tr("Cutting out…")))

    def _show(self, progress: Progress) -> None:
        self._progress = progress
        self.changed.emit()

    # --- events -------------------------------------------------------------------------------------------

    def _take(self, event: Event) -> None:
        if event.job_id != self._job or self._document is None or self._order is None:
            return
        if isinstance(event, JobProgressed):
            self._note_progress(event)
        elif isinstance(event, MaskPreviewed):
            self.previewed.emit(event)
        elif isinstance(event, MaskPredicted):
            self._store(self._document, event)
        elif isinstance(event, ModelReady):
            self._learned, self._config = frozenset(event.object_ids), self._order.config
            if self._command is not None:
                self._document.runs.learned(self._command, event.cold)
        elif isinstance(event, DeviceUsed):
            self.device = event
        elif isinstance(event, END):
            self._end_job(self._document, self._order, event)

    def _note_progress(self, event: JobProgressed) -> None:
        if not self._cancelling:
            now = time.monotonic()
            self._timer.note(event.done, now)
            rate, left = self._pace.note(event.done, event.total, now)
            left = None if left is None or self._after is None else left + self._after
            unit = STEP if self._step is None else FRAME
            self._show(Progress(event.what, event.detail, event.done, event.total, left, rate, unit))

    def _store(self, document: Document, event: MaskPredicted) -> None:
        assert self._step is not None
        if document.add_prediction(self._step, event):
            self._stored += 1
        elif self._was_undone(document, event):
            self._stored = 0
            self.cancel()

    def _was_undone(self, document: Document, event: MaskPredicted) -> bool:
        """Whether a dropped prediction has no other reason than that its undo step is gone."""
        known = {o.object_id: o for o in document.objects}
        target = known.get(event.object_id)
        if target is None or target.locked:
            return False
        state = document.state(event.object_id, event.frame)
        return state not in (FrameState.ANNOTATED, FrameState.APPROVED)

    def _end_job(self, document: Document, order: Order, event: Event) -> None:
        learned = self._step is None
        propagates = learned and order.way is not Way.LEARN
        self._tell_measured(order.config, STEP if learned else FRAME)
        if self._step is not None:
            document.end_predictions(self._step)
            self._step = None
        if isinstance(event, JobFailed):
            self._end(Ending(JobState.FAILED, event.message, "" if event.expected else event.traceback))
        elif isinstance(event, JobCancelled) or (propagates and self._cancelling):
            self._end(
                Ending(JobState.CANCELLED, tr("Cancelled; {masks} kept.").format(masks=_masks(self._stored)))
            )
        elif propagates:
            self._go_on(document, order)
        elif order.way is Way.LEARN:
            self._end(Ending(JobState.DONE, tr("Done: learned; the masks are as they were.")))
        else:
            self._end(Ending(JobState.DONE, tr("Done: {masks} cut out.").format(masks=_masks(self._stored))))

    def _go_on(self, document: Document, order: Order) -> None:
        """Propagate what was learned, where anything is out of date."""
        try:
            wanted = frames_of(order, document)
            if wanted is None or wanted:
                self._submit_propagation(document, order, wanted)
            else:
                self._end(Ending(JobState.DONE, tr("Every mask between in and out is up to date.")))
        except Exception as error:
            self.fail(Ending.of_error(error))

    def _tell_measured(self, config: Config, unit: str) -> None:
        seconds = self._timer.seconds
        if seconds is not None and self.device is not None:
            self.measured.emit(config, unit, seconds / (self._objects or 1.0))

    def _end(self, ending: Ending) -> None:
        self._come_to_rest()
        if ending.state is JobState.FAILED:
            self.failed.emit(ending.sentence, ending.trace)
        else:
            self.ended.emit(ending.sentence)
        self.over.emit(ending)

    def _come_to_rest(self) -> None:
        self._job, self._document, self._order, self._step = 0, None, None, None
        self._cancelling = False
        self._show(Progress(""))


def frames_of(order: Order, document: Document) -> frozenset[int] | None:
    """The frames to predict; None for all of the order's."""
    return document.outdated(order.span) if order.way is Way.RUN else None


def _masks(count: int) -> str:
    if count == 0:
        return tr("no masks")
    return trn("one mask", "{count} masks", count).format(count=count)
