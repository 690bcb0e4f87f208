"""The life of a job, and any order of jobs, with fake engines."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vosengine.session.scripted import (
    BACKGROUND,
    ScriptedEngine,
    collect,
    grabcut_command,
    of_job,
    open_session,
    predicted,
    progress,
    quiet,
    segment_command,
    snap_command,
)
from vosengine.messages import (
    END,
    Command,
    EngineLike,
    Event,
    JobCancelled,
    JobFailed,
    JobFinished,
    JobQueued,
    JobStarted,
    MaskPredicted,
    ReleaseModel,
)
from vosengine.session import Session

# --- the life of a job ---------------------------------------------------------------------------------


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


# --- any order of things -------------------------------------------------------------------------------

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
