"""Cancelling a job, waiting or running, and closing the session."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from tests.vosengine.session.scripted import (
    BACKGROUND,
    Gate,
    collect,
    gated,
    of_job,
    open_session,
    predicted,
    quiet,
    snap_command,
)
from vosengine.messages import END, Command, Event, JobCancelled, JobFinished, JobQueued, JobStarted, Snap
from vosengine.session import Session


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
