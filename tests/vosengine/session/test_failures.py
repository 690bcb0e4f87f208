"""Failures, expected and not, leave the engine alive."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.vosengine.session.scripted import (
    BACKGROUND,
    Gate,
    collect,
    grabcut_command,
    open_session,
    predicted,
)
from vosengine.errors import AnnotationError, ClipError
from vosengine.messages import (
    Command,
    EngineLike,
    Event,
    GrabCut,
    JobFailed,
    JobFinished,
    OpenClip,
    ReleaseModel,
)
from vosengine.session import Session


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
