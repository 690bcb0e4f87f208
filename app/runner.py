"""A run as the user knows it: learn from the marks, then propagate; one progress, one cancel, one undo."""

from __future__ import annotations

import time
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from app.document import Document, FrameState
from app.engine_bridge import EngineBridge
from vosengine.config import Config
from vosengine.messages import (
    END,
    Event,
    FineTune,
    JobCancelled,
    JobFailed,
    JobFinished,
    JobProgressed,
    MaskPredicted,
    MaskPreviewed,
    ModelReady,
    Propagate,
)
from vosengine.types import Direction, Span


@dataclass(frozen=True)
class Progress:
    """`done` of `total` units (0 of 0 while unknown); `seconds_left` None until it can be told."""

    what: str
    detail: str = ""
    done: int = 0
    total: int = 0
    seconds_left: float | None = None


class Runner(QObject):
    """Drives FineTune and Propagate for one document at a time. All signals come on the GUI thread."""

    changed = Signal()  # running, cancelling or progress
    previewed = Signal(object)  # MaskPreviewed
    ended = Signal(str)  # a sentence on how it went
    failed = Signal(str, str)  # message, traceback ("" for an expected failure)

    def __init__(self, bridge: EngineBridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._document: Document | None = None
        self._job = 0
        self._propagate: tuple[Direction, Span] | None = None
        self._step: int | None = None
        self._stored = 0
        self._learned: frozenset[int] = frozenset()
        self._config: Config | None = None  # what it was learned with
        self._redo: set[int] = set()  # frames whose masks are of a former model: one was learned afresh since
        self._learning: Config | None = None  # what it is being learned with
        self._stage_started = 0.0
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
    def _is_whole(self) -> bool:
        """Both directions: a run, which may bring all masks up to date."""
        return self._propagate is not None and self._propagate[0] is Direction.BOTH

    @property
    def progress(self) -> Progress:
        """What to show."""
        return self._progress

    def run(self, document: Document) -> None:
        """Fine-tune on all annotations, then propagate in both directions between in and out.

        Only the frames without an up-to-date mask are predicted, and those whose mask is of a model that was
        learned afresh since; all, where these are none.
        """
        self._begin(document, Direction.BOTH, document.span, learn=True)

    def propagate(self, document: Document, direction: Direction) -> None:
        """From the current frame to the out (or in) point; learns first what has not been learned yet."""
        span = document.span
        if direction is Direction.FORWARD:
            span = Span(min(document.frame, span.stop), span.stop)
        else:
            span = Span(span.start, max(document.frame + 1, span.start))
        marked = {each.object_id for each in document.objects if document.annotated_frames(each.object_id)}
        known = marked <= self._learned and self._config == document.config
        self._begin(document, direction, span, learn=not known)

    def abort(self) -> None:
        """The document is about to close: cancel, and hear no more of the job."""
        if self.is_running:
            self._bridge.cancel(self._job)
            if self._step is not None and self._document is not None:
                self._document.end_predictions(self._step)
            self._come_to_rest()
        self._learned = frozenset()
        self._redo.clear()

    def cancel(self) -> None:
        """Stop soon; the masks that have come stay."""
        if self.is_running and not self._cancelling:
            self._cancelling = True
            self._progress = Progress("Stopping…")
            self._bridge.cancel(self._job)
            self.changed.emit()

    def _begin(self, document: Document, direction: Direction, span: Span, learn: bool) -> None:
        if self.is_running:
            return
        self._document, self._propagate, self._step, self._stored = document, (direction, span), None, 0
        self._cancelling = False
        if learn:
            self._submit_learning(document)
        else:
            self._submit_propagation(document)
        self.changed.emit()

    def _submit_learning(self, document: Document) -> None:
        self._job = self._bridge.submit(
            FineTune(
                document.clip.path,
                document.annotations(),
                document.config,
                document.revision,
                warm_start=True,
                cache_folder=document.cache_folder,
                models_folder=document.models_folder,
            )
        )
        self._learning = document.config
        self._start_stage("Starting the engine…")

    def _submit_propagation(self, document: Document) -> None:
        assert self._propagate is not None
        direction, span = self._propagate
        self._step = document.begin_predictions("Run" if direction is Direction.BOTH else "Propagate")
        self._job = self._bridge.submit(
            Propagate(
                document.clip.path,
                document.annotations(),
                span,
                document.config,
                direction,
                document.revision,
                cache_folder=document.cache_folder,
                models_folder=document.models_folder,
                frames=self._outdated(document, span),
            )
        )
        self._start_stage("Cutting out…")

    def _outdated(self, document: Document, span: Span) -> frozenset[int] | None:
        """The frames to predict; None for all of them."""
        if not self._is_whole:
            return None
        return document.outdated(span) | self._redo.intersection(span) or None

    def _start_stage(self, what: str) -> None:
        self._stage_started = time.monotonic()
        self._progress = Progress(what)

    # --- events -------------------------------------------------------------------------------------------

    def _take(self, event: Event) -> None:
        if event.job_id != self._job or self._document is None:
            return
        if isinstance(event, JobProgressed):
            self._note_progress(event)
        elif isinstance(event, MaskPreviewed):
            self.previewed.emit(event)
        elif isinstance(event, MaskPredicted):
            self._store(self._document, event)
        elif isinstance(event, ModelReady):
            self._learned, self._config = frozenset(event.object_ids), self._learning
            if event.cold:
                self._redo.update(self._document.clip.span)
        elif isinstance(event, END):
            self._end_job(self._document, event)

    def _note_progress(self, event: JobProgressed) -> None:
        if self._cancelling:
            return
        elapsed = time.monotonic() - self._stage_started
        left = None
        if event.done > 0 and elapsed > 1.0:
            left = elapsed / event.done * (event.total - event.done)
        self._progress = Progress(event.what, event.detail, event.done, event.total, left)
        self.changed.emit()

    def _store(self, document: Document, event: MaskPredicted) -> None:
        assert self._step is not None
        if document.add_prediction(self._step, event):
            self._stored += 1
        elif self._was_undone(document, event):
            self.cancel()

    def _was_undone(self, document: Document, event: MaskPredicted) -> bool:
        """Whether a dropped prediction has no other reason than that its undo step is gone."""
        known = {o.object_id: o for o in document.objects}
        target = known.get(event.object_id)
        if target is None or target.locked:
            return False
        state = document.state(event.object_id, event.frame)
        return state not in (FrameState.ANNOTATED, FrameState.APPROVED)

    def _end_job(self, document: Document, event: Event) -> None:
        learned = self._step is None
        if self._step is not None:
            document.end_predictions(self._step)
            self._step = None
        if learned and not isinstance(event, JobCancelled | JobFailed) and not self._cancelling:
            self._submit_propagation(document)
            self.changed.emit()
            return
        if isinstance(event, JobFinished) and not learned and self._propagate is not None:
            self._redo.difference_update(self._propagate[1])
        self._come_to_rest()
        if isinstance(event, JobFailed):
            self.failed.emit(event.message, "" if event.expected else event.traceback)
        elif isinstance(event, JobCancelled):
            self.ended.emit(f"Stopped; {_masks(self._stored)} kept.")
        else:
            self.ended.emit(f"Done: {_masks(self._stored)} cut out.")

    def _come_to_rest(self) -> None:
        self._job, self._document, self._step, self._cancelling = 0, None, None, False
        self._progress = Progress("")
        self.changed.emit()


def _masks(count: int) -> str:
    return "one mask" if count == 1 else f"{count or 'no'} masks"


def time_left_text(seconds: float | None) -> str:
    """`about 40 s left` in the coarsest words that help."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f"about {max(round(seconds), 1)} s left"
    minutes, rest = divmod(round(seconds), 60)
    return f"about {minutes} min {rest:02d} s left" if minutes < 10 else f"about {minutes} min left"
