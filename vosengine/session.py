"""The only code that knows of threads: commands in, events out, one engine thread.

Two lanes. Background commands run one after the other in the order of submission. Interactive commands
(`messages.INTERACTIVE`) are served between two steps of the running background job, so that a stroke answers
while a fine-tune runs. The engine is a generator per job; a step is what lies between two of its yields.
"""

from __future__ import annotations

import itertools
import logging
import threading
import traceback
from collections.abc import Callable, Generator, Hashable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from vosengine.errors import EngineError
from vosengine.messages import (
    INTERACTIVE,
    Command,
    Correct,
    DeviceUsed,
    EngineLike,
    Event,
    GrabCut,
    JobCancelled,
    JobFailed,
    JobFinished,
    JobProgressed,
    JobQueued,
    JobStarted,
    MaskPreviewed,
    Segment,
    Snap,
)

_log = logging.getLogger(__name__)


class Session:
    """A queue of jobs for one engine on one thread of its own.

    All methods may be called from any thread and return at once, except `close`. Every accepted command
    answers `JobQueued`, then `JobStarted` when it is taken up, and ends in exactly one of `JobFinished`,
    `JobCancelled`, `JobFailed`, which is the job's last event.
    """

    def __init__(
        self,
        make_engine: Callable[[], EngineLike] | None = None,
        on_wake: Callable[[], None] | None = None,
    ) -> None:
        """Start the engine thread.

        make_engine: builds the engine, in the engine's thread; None takes `vosengine.engine.Engine`, whose
            import (torch) then costs the caller nothing. Should it raise, every job fails with its error.
        on_wake: called, in any thread, when events begin to wait for `poll`; it should only schedule a poll.
        """
        self._make_engine = make_engine or _default_engine
        self._on_wake = on_wake
        self._changed = threading.Condition()  # guards everything below
        self._job_ids = itertools.count(1)
        self._interactive: list[_Job] = []
        self._background: list[_Job] = []
        self._running: list[_Job] = []  # a background job, and the interactive one served inside it
        self._outbox: dict[Hashable, Event] = {}
        self._woken = False
        self._closed = False
        self._thread = threading.Thread(target=self._serve_all, name="rotoshot-engine", daemon=True)
        self._thread.start()

    def submit(self, command: Command) -> int:
        """Queue a command and return its job id (1, 2, ...).

        An interactive command supersedes those of its type and object that still wait (of scribbles: those
        on its frame): they are cancelled.
        Raises RuntimeError after `close`.
        """
        with self._changed:
            if self._closed:
                raise RuntimeError("the session is closed")
            job = _Job(next(self._job_ids), command)
            for waiting in [j for j in self._interactive if job.supersedes(j)]:
                self._withdraw(waiting)
            self._lane(job).append(job)
            self._post(JobQueued(job.job_id))
            self._changed.notify()
        self._wake()
        return job.job_id

    def cancel(self, job_id: int) -> None:
        """End a job: at once while it waits, within one step while it runs; unknown or ended: no effect."""
        self._cancel_where(lambda job: job.job_id == job_id)

    def cancel_all(self) -> None:
        """Cancel every waiting and running job."""
        self._cancel_where(lambda job: True)

    def poll(self) -> list[Event]:
        """Take the events that wait, oldest first; never blocks.

        Of a job's progress, of its device, and of its previews of one frame and object, only the latest is
        kept; results are never dropped.
        """
        with self._changed:
            events = list(self._outbox.values())
            self._outbox.clear()
            self._woken = False
        return events

    def close(self) -> None:
        """Cancel everything and wait for the engine thread to end; the last events can still be polled."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self.cancel_all()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- any thread -------------------------------------------------------------------------------------

    def _lane(self, job: _Job) -> list[_Job]:
        return self._interactive if job.is_interactive else self._background

    def _cancel_where(self, wanted: Callable[[_Job], bool]) -> None:
        with self._changed:
            for job in filter(wanted, [*self._interactive, *self._background]):
                self._withdraw(job)
            for job in filter(wanted, self._running):
                job.cancelled = True
        self._wake()

    def _withdraw(self, job: _Job) -> None:
        self._lane(job).remove(job)
        self._post(JobCancelled(job.job_id))

    def _post(self, event: Event) -> None:
        """Append to the outbox in place of what the event makes obsolete; the caller holds the lock."""
        key = _conflation_key(event)
        self._outbox.pop(key, None)
        self._outbox[key] = event

    def _wake(self) -> None:
        """Call `on_wake` once per filling of the outbox; without the lock, so that it may call back."""
        with self._changed:
            due = bool(self._outbox) and not self._woken
            self._woken = self._woken or due
        if due and self._on_wake is not None:
            try:
                self._on_wake()
            except Exception:
                _log.exception("on_wake raised; the events wait for the next poll")

    # --- the engine's thread ----------------------------------------------------------------------------

    def _serve_all(self) -> None:
        try:
            engine = self._make_engine()
        except BaseException as error:  # nothing may end this thread: every job has to be answered
            engine = _BrokenEngine(error)
        while (job := self._wait_for_job()) is not None:
            self._serve(engine, job)

    def _wait_for_job(self) -> _Job | None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._interactive or self._background)
            return self._take(self._interactive) or self._take(self._background)

    def _take(self, lane: list[_Job]) -> _Job | None:
        """The lane's oldest job, now running; None from an empty lane or once closed. Needs the lock."""
        if self._closed or not lane:
            return None
        job = lane.pop(0)
        self._running.append(job)
        self._post(JobStarted(job.job_id))
        return job

    def _serve(self, engine: EngineLike, job: _Job) -> None:
        end: Event
        try:
            end = JobFinished(job.job_id) if self._step_through(engine, job) else JobCancelled(job.job_id)
        except EngineError as error:
            end = JobFailed(job.job_id, str(error), expected=True)
        except BaseException as error:  # as above: the engine lives on
            message = f"{type(error).__name__}: {error}"
            end = JobFailed(job.job_id, message, expected=False, traceback=traceback.format_exc())
        with self._changed:
            self._running.remove(job)
            self._post(end)
        self._wake()

    def _step_through(self, engine: EngineLike, job: _Job) -> bool:
        """Run the job to its end; False when it was cancelled on the way."""
        self._wake()
        if job.cancelled:
            return False
        steps = engine.run(job.job_id, job.command)
        try:
            for event in steps:
                with self._changed:
                    self._post(event)
                self._wake()
                if not (job.is_interactive or job.cancelled):
                    self._serve_interactive(engine)
                if job.cancelled:
                    return False
            return True
        finally:
            if isinstance(steps, Generator):
                steps.close()

    def _serve_interactive(self, engine: EngineLike) -> None:
        while True:
            with self._changed:
                job = self._take(self._interactive)
            if job is None:
                return
            self._serve(engine, job)


@dataclass(eq=False)
class _Job:
    job_id: int
    command: Command
    cancelled: bool = False

    @property
    def is_interactive(self) -> bool:
        return isinstance(self.command, INTERACTIVE)

    def supersedes(self, waiting: _Job) -> bool:
        """Whether `waiting` asks the same of the same object, and so is out of date.

        Marks on another frame are an annotation of their own, whose mask is still wanted.
        """
        match self.command, waiting.command:
            case (GrabCut() | Correct() as mine, GrabCut() | Correct() as other):
                return mine.object_id == other.object_id and mine.frame == other.frame
            case (Segment() as mine, Segment() as other) | (Snap() as mine, Snap() as other):
                return mine.object_id == other.object_id
            case _:
                return False


class _BrokenEngine:
    """Stands in for an engine that could not be built: each job fails with the reason."""

    def __init__(self, error: BaseException) -> None:
        self._error = error
        self._trace = error.__traceback__

    def run(self, job_id: int, command: Command) -> Iterator[Event]:
        raise self._error.with_traceback(self._trace)  # each raise would otherwise lengthen the traceback


def _default_engine() -> EngineLike:
    from vosengine.engine import Engine  # noqa: PLC0415  # imports torch

    return Engine()


def _conflation_key(event: Event) -> Hashable:
    """Equal for events of which only the latest matters, unique for all others."""
    match event:
        case JobProgressed(job_id=job_id):
            return ("progress", job_id)
        case DeviceUsed(job_id=job_id):
            return ("device", job_id)
        case MaskPreviewed(job_id=job_id, frame=frame, object_id=object_id):
            return ("preview", job_id, frame, object_id)
        case _:
            return object()
