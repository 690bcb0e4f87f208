"""Engines that follow a script and wait at a gate, for the session's tests."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from vosengine.config import Config
from vosengine.messages import (
    END,
    Command,
    Correct,
    Event,
    GrabCut,
    JobProgressed,
    MaskPredicted,
    MaskPreviewed,
    OpenClip,
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


def correct_command(object_id: int = 1) -> Correct:
    image, clip = np.zeros((2, 2, 3), np.uint8), Path("clip.mov")
    return Correct(clip, 0, object_id, image, MASK, MASK, (), Config())


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


def open_session(script: Script, on_wake: Callable[[], None] | None = None) -> tuple[Session, ScriptedEngine]:
    engine = ScriptedEngine(script)
    return Session(lambda: engine, on_wake), engine


def gated(gate: Gate, steps: int = 3) -> Script:
    """Background jobs pass the gate before each step; interactive ones predict their frame 100 at once."""

    def script(job_id: int, command: Command) -> Iterator[Event]:
        if isinstance(command, Snap | GrabCut | Correct | Segment):
            yield predicted(job_id, 100)
            return
        for step in range(steps):
            gate.wait()
            yield predicted(job_id, step)

    return script


def quiet(job_id: int, command: Command) -> Iterator[Event]:
    yield from ()
