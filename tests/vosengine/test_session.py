"""The session with fake engines: every rule of the protocol, and no thread left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vosengine.config import Config
from vosengine.errors import AnnotationError, ClipError
from vosengine.messages import (
    END,
    Command,
    EngineLike,
    Event,
    GrabCut,
    JobCancelled,
    JobFailed,
    JobFinished,
    JobProgressed,
    JobQueued,
    JobStarted,
    MaskPredicted,
    MaskPreviewed,
    OpenClip,
    ReleaseModel,
    Segment,
    Snap,
)
from vosengine.session import Session

PATIENCE = 20.0
MATTE = np.zeros((2, 2), np.uint16)
MASK = np.zeros((2, 2), np.uint8)
BACKGROUND = OpenClip(Path("clip.mov"))

Script = Callable[[int, Command], Iterator[Event]]


class ScriptedEngine:
    """Runs the given generator function for each job and notes what it was asked, in order."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.seen: list[tuple[int, Command]] = []
        self.threads: set[str] = set()

    def run(self, job_id: int, command: Command) -> Iterator[Event]:
        self.seen.append((job_id, command))
        self.threads.add(threading.current_thread().name)
        return self.script(job_id, command)


class Gate:
    """Lets a test decide when the engine takes its next step."""

    def __init__(self) -> None:
        self.reached = threading.Semaphore(0)
        self.allowed = threading.Semaphore(0)

    def wait(self) -> None:
        """In the engine: report the step and wait for leave."""
        self.reached.release()
        assert self.allowed.acquire(timeout=PATIENCE), "the test never opened the gate"

    def await_step(self) -> None:
        """In the test: wait until the engine stands at its next step."""
        assert self.reached.acquire(timeout=PATIENCE), "the engine never came to the gate"

    def open(self, steps: int = 1) -> None:
        """In the test: let the engine go on."""
        self.allowed.release(steps)


def progress(job_id: int, done: int, total: int = 9) -> JobProgressed:
    return JobProgressed(job_id, done, total, "working")


def predicted(job_id: int, frame: int) -> MaskPredicted:
    return MaskPredicted(job_id, frame, 1, MATTE, 1.0, 0)


def previewed(job_id: int, frame: int, object_id: int = 1) -> MaskPreviewed:
    return MaskPreviewed(job_id, frame, object_id, MATTE)


def snap_command(object_id: int = 1, frame: int = 0) -> Snap:
    return Snap(Path("clip.mov"), frame, object_id, MASK)


def grabcut_command(object_id: int = 1) -> GrabCut:
    return GrabCut(np.zeros((2, 2, 3), np.uint8), MASK, 0, object_id)


def segment_command(object_id: int = 1) -> Segment:
    return Segment(Path("clip.mov"), 0, object_id, (), Config())


def collect(session: Session, *job_ids: int) -> list[Event]:
    """Poll until all the jobs have ended."""
    events: list[Event] = []
    limit = time.monotonic() + PATIENCE
    open_jobs = set(job_ids)
    while open_jobs:
        assert time.monotonic() < limit, f"jobs {open_jobs} did not end; events so far: {events}"
        fresh = session.poll()
        events += fresh
        open_jobs -= {event.job_id for event in fresh if isinstance(event, END)}
        time.sleep(0.001)
    return events


def of_job(events: list[Event], job_id: int) -> list[Event]:
    return [event for event in events if event.job_id == job_id]


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before, "a session left its thread running"


def open_session(script: Script, on_wake: Callable[[], None] | None = None) -> tuple[Session, ScriptedEngine]:
    engine = ScriptedEngine(script)
    return Session(lambda: engine, on_wake), engine


def gated(gate: Gate, steps: int = 3) -> Script:
    """Background jobs pass the gate before each step; interactive ones predict their frame 100 at once."""

    def script(job_id: int, command: Command) -> Iterator[Event]:
        if isinstance(command, Snap | GrabCut | Segment):
            yield predicted(job_id, 100)
            return
        for step in range(steps):
            gate.wait()
            yield predicted(job_id, step)

    return script


def quiet(job_id: int, command: Command) -> Iterator[Event]:
    yield from ()


# --- the life of a job ----------------------------------------------------------------------------------


def test_a_job_is_queued_started_does_its_steps_and_finishes() -> None:
    def script(job_id: int, command: Command) -> Iterator[Event]:
        yield predicted(job_id, 0)
        yield predicted(job_id, 1)

    session, engine = open_session(script)
    with session:
        job_id = session.submit(BACKGROUND)
        events = collect(session, job_id)
    assert events == [
        JobQueued(job_id),
        JobStarted(job_id),
        predicted(job_id, 0),
        predicted(job_id, 1),
        JobFinished(job_id),
    ]
    assert engine.seen == [(job_id, BACKGROUND)]
    assert engine.threads == {"rotoshot-engine"}


def test_an_engine_may_return_any_iterator() -> None:
    session, _ = open_session(lambda job_id, command: iter([predicted(job_id, 0)]))
    with session:
        job_id = session.submit(BACKGROUND)
        assert collect(session, job_id)[-2:] == [predicted(job_id, 0), JobFinished(job_id)]


def test_background_jobs_run_one_after_the_other_in_order() -> None:
    session, engine = open_session(lambda job_id, command: iter([predicted(job_id, 0), predicted(job_id, 1)]))
    with session:
        job_ids = [session.submit(BACKGROUND) for _ in range(5)]
        events = collect(session, *job_ids)
    assert [job_id for job_id, _ in engine.seen] == job_ids == sorted(set(job_ids))
    started_or_ended = [e for e in events if isinstance(e, JobStarted | JobFinished)]
    assert started_or_ended == [kind(job_id) for job_id in job_ids for kind in (JobStarted, JobFinished)]


def test_the_engine_is_built_in_the_engine_thread() -> None:
    names: list[str] = []

    def make_engine() -> EngineLike:
        names.append(threading.current_thread().name)
        return ScriptedEngine(quiet)

    with Session(make_engine) as session:
        collect(session, session.submit(BACKGROUND), session.submit(BACKGROUND))
    assert names == ["rotoshot-engine"]


# --- lanes ----------------------------------------------------------------------------------------------


def test_an_interactive_job_is_served_between_two_steps_of_a_background_job() -> None:
    gate = Gate()
    session, _ = open_session(gated(gate))
    with session:
        slow = session.submit(BACKGROUND)
        gate.await_step()
        quick = session.submit(snap_command())
        gate.open()
        events = collect(session, quick)
        gate.open(2)
        events += collect(session, slow)
    results = [e for e in events if not isinstance(e, JobQueued)]
    assert results == [
        JobStarted(slow),
        predicted(slow, 0),
        JobStarted(quick),
        predicted(quick, 100),
        JobFinished(quick),
        predicted(slow, 1),
        predicted(slow, 2),
        JobFinished(slow),
    ]


def test_interactive_jobs_pass_waiting_background_jobs() -> None:
    gate = Gate()
    session, engine = open_session(gated(gate, steps=1))
    with session:
        first = session.submit(BACKGROUND)
        gate.await_step()
        second = session.submit(BACKGROUND)
        quick = session.submit(grabcut_command())
        gate.open(2)
        collect(session, first, second, quick)
    assert [job_id for job_id, _ in engine.seen] == [first, quick, second]


def test_an_interactive_job_is_not_interrupted_by_another() -> None:
    gate = Gate()

    def script(job_id: int, command: Command) -> Iterator[Event]:
        for step in range(2):
            gate.wait()
            yield predicted(job_id, step)

    session, _ = open_session(script)
    with session:
        first = session.submit(snap_command(object_id=1))
        gate.await_step()
        second = session.submit(snap_command(object_id=2))
        gate.open(4)
        events = collect(session, first, second)
    assert [e.job_id for e in events if isinstance(e, MaskPredicted)] == [first, first, second, second]


def test_a_newer_interactive_command_supersedes_those_of_its_type_and_object_that_wait() -> None:
    gate = Gate()
    session, engine = open_session(gated(gate, steps=1))
    with session:
        slow = session.submit(BACKGROUND)
        gate.await_step()
        stale = session.submit(snap_command(object_id=1, frame=3))
        other_object = session.submit(snap_command(object_id=2))
        other_type = session.submit(segment_command(object_id=1))
        fresh = session.submit(snap_command(object_id=1, frame=4))
        waiting = session.poll()
        gate.open()
        collect(session, slow, other_object, other_type, fresh)
    assert of_job(waiting, stale) == [JobQueued(stale), JobCancelled(stale)]
    assert [job_id for job_id, _ in engine.seen] == [slow, other_object, other_type, fresh]


def test_a_running_interactive_job_is_not_superseded() -> None:
    gate = Gate()

    def script(job_id: int, command: Command) -> Iterator[Event]:
        gate.wait()
        yield predicted(job_id, 0)

    session, _ = open_session(script)
    with session:
        running = session.submit(snap_command())
        gate.await_step()
        newer = session.submit(snap_command())
        gate.open(2)
        events = collect(session, running, newer)
    assert JobFinished(running) in events
    assert JobFinished(newer) in events


def test_background_commands_never_supersede() -> None:
    gate = Gate()
    session, _ = open_session(gated(gate, steps=1))
    with session:
        job_ids = [session.submit(BACKGROUND), session.submit(ReleaseModel()), session.submit(ReleaseModel())]
        gate.open(3)
        events = collect(session, *job_ids)
    assert [e for e in events if isinstance(e, END)] == [JobFinished(job_id) for job_id in job_ids]


# --- conflation -----------------------------------------------------------------------------------------


def test_progress_and_previews_are_conflated_and_results_are_not() -> None:
    done = threading.Event()

    def script(job_id: int, command: Command) -> Iterator[Event]:
        for step in range(50):
            yield progress(job_id, step)
            yield previewed(job_id, frame=7, object_id=1)
            yield previewed(job_id, frame=7, object_id=2)
            yield previewed(job_id, frame=8, object_id=1)
            yield predicted(job_id, step)
        done.set()

    session, _ = open_session(script)
    with session:
        job_id = session.submit(BACKGROUND)
        assert done.wait(PATIENCE)
        events = collect(session, job_id)
    assert [e for e in events if isinstance(e, MaskPredicted)] == [predicted(job_id, n) for n in range(50)]
    assert [e for e in events if isinstance(e, JobProgressed)] == [progress(job_id, 49)]
    previews = [(e.frame, e.object_id) for e in events if isinstance(e, MaskPreviewed)]
    assert previews == [(7, 1), (7, 2), (8, 1)]


def test_progress_of_two_jobs_is_kept_apart() -> None:
    done = threading.Event()

    def script(job_id: int, command: Command) -> Iterator[Event]:
        yield progress(job_id, 1)
        yield progress(job_id, 2)
        if isinstance(command, ReleaseModel):
            done.set()

    session, _ = open_session(script)
    with session:
        first, second = session.submit(BACKGROUND), session.submit(ReleaseModel())
        assert done.wait(PATIENCE)
        events = collect(session, first, second)
    assert [e for e in events if isinstance(e, JobProgressed)] == [progress(first, 2), progress(second, 2)]


def test_the_kept_progress_takes_the_place_of_the_latest() -> None:
    done = threading.Event()

    def script(job_id: int, command: Command) -> Iterator[Event]:
        yield progress(job_id, 1)
        yield predicted(job_id, 0)
        yield progress(job_id, 2)
        done.set()

    session, _ = open_session(script)
    with session:
        job_id = session.submit(BACKGROUND)
        assert done.wait(PATIENCE)
        events = collect(session, job_id)
    assert events[2:] == [predicted(job_id, 0), progress(job_id, 2), JobFinished(job_id)]


# --- cancelling -----------------------------------------------------------------------------------------


def test_a_waiting_job_is_cancelled_at_once_and_never_reaches_the_engine() -> None:
    gate = Gate()
    session, engine = open_session(gated(gate, steps=1))
    with session:
        running = session.submit(BACKGROUND)
        gate.await_step()
        waiting = session.submit(BACKGROUND)
        session.cancel(waiting)
        assert of_job(session.poll(), waiting) == [JobQueued(waiting), JobCancelled(waiting)]
        gate.open()
        collect(session, running)
    assert [job_id for job_id, _ in engine.seen] == [running]


def test_a_running_job_is_cancelled_within_one_step_and_cleans_up_first() -> None:
    gate = Gate()
    cleaned: list[str] = []

    def script(job_id: int, command: Command) -> Iterator[Event]:
        try:
            for step in range(1000):
                gate.wait()
                yield predicted(job_id, step)
        finally:
            cleaned.append(threading.current_thread().name)

    session, _ = open_session(script)
    with session:
        job_id = session.submit(BACKGROUND)
        gate.await_step()
        session.cancel(job_id)
        gate.open()
        events = collect(session, job_id)
        assert cleaned == ["rotoshot-engine"]
    assert events == [JobQueued(job_id), JobStarted(job_id), predicted(job_id, 0), JobCancelled(job_id)]


def test_the_engine_takes_the_next_job_after_a_cancelled_one() -> None:
    gate = Gate()
    session, _ = open_session(gated(gate))
    with session:
        first = session.submit(BACKGROUND)
        gate.await_step()
        second = session.submit(snap_command())
        session.cancel(first)
        gate.open()
        events = collect(session, first, second)
    assert events.index(JobCancelled(first)) < events.index(JobStarted(second))
    assert events[-1] == JobFinished(second)


def test_a_background_job_is_cancelled_from_within_its_interactive_guest() -> None:
    gate = Gate()
    sessions: list[Session] = []

    def script(job_id: int, command: Command) -> Iterator[Event]:
        if isinstance(command, Snap):
            sessions[0].cancel(1)
            yield predicted(job_id, 100)
            return
        gate.wait()
        yield predicted(job_id, 0)
        raise AssertionError("the cancelled job went on")

    session, _ = open_session(script)
    sessions.append(session)
    with session:
        slow = session.submit(BACKGROUND)
        gate.await_step()
        quick = session.submit(snap_command())
        gate.open()
        events = collect(session, slow, quick)
    assert events[-2:] == [JobFinished(quick), JobCancelled(slow)]


def test_cancel_all_ends_the_running_and_the_waiting_of_both_lanes() -> None:
    gate = Gate()
    session, _ = open_session(gated(gate))
    with session:
        running = session.submit(BACKGROUND)
        gate.await_step()
        waiting = [session.submit(BACKGROUND), session.submit(snap_command())]
        session.cancel_all()
        gate.open()
        events = collect(session, running, *waiting)
    assert {e for e in events if isinstance(e, END)} == {JobCancelled(j) for j in [running, *waiting]}


def test_cancelling_an_unknown_or_ended_job_does_nothing() -> None:
    session, _ = open_session(quiet)
    with session:
        job_id = session.submit(BACKGROUND)
        collect(session, job_id)
        session.cancel(job_id)
        session.cancel(999)
        assert session.poll() == []


# --- failures -------------------------------------------------------------------------------------------


def test_an_expected_failure_carries_its_sentence_and_no_traceback() -> None:
    def script(job_id: int, command: Command) -> Iterator[Event]:
        yield predicted(job_id, 0)
        raise ClipError("The clip is gone; choose it again.")

    session, _ = open_session(script)
    with session:
        job_id = session.submit(BACKGROUND)
        events = collect(session, job_id)
    assert events[-2:] == [
        predicted(job_id, 0),
        JobFailed(job_id, "The clip is gone; choose it again.", expected=True),
    ]


@pytest.mark.parametrize("error", [ZeroDivisionError("oh"), SystemExit(3), KeyboardInterrupt()])
def test_an_unexpected_failure_carries_the_traceback_and_the_engine_lives_on(error: BaseException) -> None:
    def script(job_id: int, command: Command) -> Iterator[Event]:
        if isinstance(command, OpenClip):
            raise error
        yield predicted(job_id, 0)

    session, _ = open_session(script)
    with session:
        failing, following = session.submit(BACKGROUND), session.submit(ReleaseModel())
        events = collect(session, failing, following)
    (failure,) = [e for e in events if isinstance(e, JobFailed)]
    assert failure.job_id == failing
    assert not failure.expected
    assert type(error).__name__ in failure.message
    assert "in script" in failure.traceback
    assert events[-1] == JobFinished(following)


def test_a_failing_interactive_job_leaves_the_background_job_alone() -> None:
    gate = Gate()

    def script(job_id: int, command: Command) -> Iterator[Event]:
        if isinstance(command, GrabCut):
            raise AnnotationError("Mark the object first.")
        for step in range(2):
            gate.wait()
            yield predicted(job_id, step)

    session, _ = open_session(script)
    with session:
        slow = session.submit(BACKGROUND)
        gate.await_step()
        quick = session.submit(grabcut_command())
        gate.open(2)
        events = collect(session, slow, quick)
    assert JobFailed(quick, "Mark the object first.", expected=True) in events
    assert events[-2:] == [predicted(slow, 1), JobFinished(slow)]


def test_a_failing_clean_up_is_reported_and_the_engine_lives_on() -> None:
    gate = Gate()

    def script(job_id: int, command: Command) -> Iterator[Event]:
        try:
            gate.wait()
            yield predicted(job_id, 0)
        finally:
            if isinstance(command, OpenClip):
                raise OSError("disk full")

    session, _ = open_session(script)
    with session:
        job_id = session.submit(BACKGROUND)
        gate.await_step()
        session.cancel(job_id)
        following = session.submit(ReleaseModel())
        gate.open(2)
        events = collect(session, job_id, following)
    (failure,) = [e for e in events if isinstance(e, JobFailed)]
    assert failure.message == "OSError: disk full"
    assert events[-1] == JobFinished(following)


@pytest.mark.parametrize(
    ("error", "expected", "message"),
    [
        (ClipError("Install the codec."), True, "Install the codec."),
        (ImportError("no torch"), False, "ImportError: no torch"),
    ],
)
def test_an_engine_that_cannot_be_built_fails_every_job(
    error: Exception, expected: bool, message: str
) -> None:
    def make_engine() -> EngineLike:
        raise error

    with Session(make_engine) as session:
        job_ids = [session.submit(BACKGROUND) for _ in range(3)]
        failures = [e for e in collect(session, *job_ids) if isinstance(e, JobFailed)]
    assert [(f.job_id, f.message, f.expected) for f in failures] == [(j, message, expected) for j in job_ids]
    assert all(("in make_engine" in f.traceback) is not expected for f in failures)
    assert len({f.traceback for f in failures}) == 1, "the traceback grew from job to job"


# --- waking and closing ---------------------------------------------------------------------------------


def test_on_wake_is_called_once_until_the_events_are_taken() -> None:
    gate = Gate()
    wakes: list[str] = []
    session, _ = open_session(gated(gate, steps=3), on_wake=lambda: wakes.append("wake"))
    with session:
        job_id = session.submit(BACKGROUND)
        gate.await_step()
        gate.open()
        gate.await_step()
        assert len(wakes) == 1
        session.poll()
        assert len(wakes) == 1
        gate.open()
        gate.await_step()
        assert len(wakes) == 2
        gate.open()
        collect(session, job_id)


def test_on_wake_alone_is_enough_to_receive_everything() -> None:
    woken = threading.Event()
    script: Script = lambda job_id, command: iter([progress(job_id, 1), predicted(job_id, 0)])  # noqa: E731
    session, _ = open_session(script, on_wake=woken.set)
    events: list[Event] = []
    with session:
        last = [session.submit(BACKGROUND) for _ in range(20)][-1]
        while JobFinished(last) not in events:
            assert woken.wait(PATIENCE), "events waited without a wake"
            woken.clear()
            events += session.poll()
    assert sum(isinstance(e, MaskPredicted) for e in events) == 20


def test_on_wake_may_call_back_and_may_fail() -> None:
    sessions: list[Session] = []
    polled: list[Event] = []

    def on_wake() -> None:
        polled.extend(sessions[0].poll())
        raise RuntimeError("the window is gone")

    session, _ = open_session(lambda job_id, command: iter([predicted(job_id, 0)]), on_wake)
    sessions.append(session)
    with session:
        first, second = session.submit(BACKGROUND), session.submit(BACKGROUND)
        limit = time.monotonic() + PATIENCE
        while not {JobFinished(first), JobFinished(second)} <= set(filter(_ended, polled)):
            assert time.monotonic() < limit
            time.sleep(0.001)


def _ended(event: Event) -> bool:
    return isinstance(event, END)


def test_close_cancels_the_running_job_and_the_waiting_ones() -> None:
    gate = Gate()
    cleaned: list[bool] = []

    def script(job_id: int, command: Command) -> Iterator[Event]:
        try:
            gate.wait()
            while True:
                yield progress(job_id, 0)
        finally:
            cleaned.append(True)

    session, _ = open_session(script)
    running = session.submit(BACKGROUND)
    gate.await_step()
    waiting = [session.submit(BACKGROUND), session.submit(ReleaseModel())]
    closer = threading.Thread(target=session.close)
    closer.start()
    gate.open()
    closer.join(PATIENCE)
    assert not closer.is_alive()
    assert cleaned == [True]
    ends = [e for e in session.poll() if isinstance(e, END)]
    assert sorted(e.job_id for e in ends) == [running, *waiting]
    assert all(isinstance(e, JobCancelled) for e in ends)


def test_close_twice_is_harmless_and_closed_sessions_take_no_commands() -> None:
    session, _ = open_session(quiet)
    session.close()
    session.close()
    session.cancel_all()
    with pytest.raises(RuntimeError, match="closed"):
        session.submit(BACKGROUND)


def test_leaving_the_context_by_an_exception_closes_the_session() -> None:
    session, _ = open_session(quiet)
    with pytest.raises(KeyError), session:
        raise KeyError
    with pytest.raises(RuntimeError, match="closed"):
        session.submit(BACKGROUND)


# --- any order of things --------------------------------------------------------------------------------

COMMANDS: list[Command] = [
    BACKGROUND,
    ReleaseModel(),
    snap_command(1),
    snap_command(2),
    grabcut_command(1),
    segment_command(1),
]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(COMMANDS), st.sampled_from(["run", "raise", "cancel"]), st.booleans()))
)
def test_every_job_ends_exactly_once_and_last_and_loses_no_result(
    plan: list[tuple[Command, str, bool]],
) -> None:
    def script(job_id: int, command: Command) -> Iterator[Event]:
        for step in range(3):
            yield progress(job_id, step)
            yield predicted(job_id, step)
        if plan[job_id - 1][1] == "raise":
            raise ValueError("planned")

    session, _ = open_session(script)
    events: list[Event] = []
    with session:
        for command, fate, poll in plan:
            job_id = session.submit(command)
            if fate == "cancel":
                session.cancel(job_id)
            if poll:
                events += session.poll()
        ended = {e.job_id for e in events if isinstance(e, END)}
        events += collect(session, *(set(range(1, len(plan) + 1)) - ended))
    for job_id, (_, fate, _) in enumerate(plan, start=1):
        own = of_job(events, job_id)
        assert own[0] == JobQueued(job_id)
        assert [isinstance(e, END) for e in own] == [False] * (len(own) - 1) + [True]
        frames = [e.frame for e in own if isinstance(e, MaskPredicted)]
        assert frames == list(range(len(frames)))
        if not isinstance(own[-1], JobCancelled):
            assert len(frames) == 3
            assert isinstance(own[-1], JobFailed if fate == "raise" else JobFinished)
