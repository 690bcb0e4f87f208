"""Two lanes, and what is conflated on the way to the window."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

from tests.vosengine.session.scripted import (
    BACKGROUND,
    PATIENCE,
    Gate,
    collect,
    correct_command,
    gated,
    grabcut_command,
    of_job,
    open_session,
    predicted,
    previewed,
    progress,
    segment_command,
    snap_command,
)
from vosengine.messages import (
    END,
    Command,
    Event,
    JobCancelled,
    JobFinished,
    JobProgressed,
    JobQueued,
    JobStarted,
    MaskPredicted,
    MaskPreviewed,
    ReleaseModel,
)

# --- lanes ---------------------------------------------------------------------------------------------


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


def test_scribbles_on_another_frame_supersede_nothing() -> None:
    gate = Gate()
    session, engine = open_session(gated(gate, steps=1))
    with session:
        slow = session.submit(BACKGROUND)
        gate.await_step()
        stale = session.submit(grabcut_command())
        fresh = session.submit(correct_command())  # of the same marks
        elsewhere = session.submit(replace(grabcut_command(), frame=9))
        gate.open()
        collect(session, slow, fresh, elsewhere)
    assert [job_id for job_id, _ in engine.seen] == [slow, fresh, elsewhere]
    assert stale not in [job_id for job_id, _ in engine.seen]


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


# --- conflation ----------------------------------------------------------------------------------------


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
