"""Waking the reader of events, and closing."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from tests.vosengine.session.scripted import (
    BACKGROUND,
    PATIENCE,
    Gate,
    Script,
    collect,
    gated,
    open_session,
    predicted,
    progress,
    quiet,
)
from vosengine.messages import END, Command, Event, JobCancelled, JobFinished, MaskPredicted, ReleaseModel
from vosengine.session import Session


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
