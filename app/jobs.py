"""The list of jobs: what waits, what runs, what has ended and how. No Qt."""

from __future__ import annotations

import itertools
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from vosengine.errors import EngineError


class JobState(Enum):
    """Where a job is on its way."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


class JobKind(Enum):
    """Who carries a job out."""

    RUN = "run"
    EXPORT = "export"


@dataclass(frozen=True)
class Ending:
    """How a job ended: one of ENDED, a sentence about it, a traceback for a fault of Rotoshot's own."""

    state: JobState
    sentence: str
    trace: str = ""

    @classmethod
    def of_error(cls, error: Exception) -> Ending:
        """The failure that an exception just caught makes of a job."""
        if isinstance(error, EngineError):
            return cls(JobState.FAILED, str(error))
        return cls(JobState.FAILED, f"{type(error).__name__}: {error}", traceback.format_exc())


@dataclass(eq=False)
class Job:
    """One job in the list. `detail`: what it is about, in brief; `sentence`: how it ended, "" before."""

    number: int
    kind: JobKind
    title: str
    detail: str
    start: Callable[[], None] = field(repr=False)
    state: JobState = JobState.WAITING
    sentence: str = ""

    @property
    def is_over(self) -> bool:
        """It has ended, however."""
        return self.state in ENDED


class JobList:
    """Ended jobs first, then the one that runs, then those that wait, in the order they will run in."""

    def __init__(self) -> None:
        self._jobs: list[Job] = []
        self._numbers = itertools.count(1)

    @property
    def all(self) -> tuple[Job, ...]:
        """In order."""
        return tuple(self._jobs)

    @property
    def running(self) -> Job | None:
        """The job under way."""
        return next((job for job in self._jobs if job.state is JobState.RUNNING), None)

    @property
    def waiting(self) -> tuple[Job, ...]:
        """Those to come, the next one first."""
        return tuple(job for job in self._jobs if job.state is JobState.WAITING)

    def find(self, number: int) -> Job | None:
        """By number."""
        return next((job for job in self._jobs if job.number == number), None)

    def add(
        self, kind: JobKind, title: str, detail: str, start: Callable[[], None], first: bool = False
    ) -> Job:
        """A job that waits, behind all others or `first` of those that wait."""
        job = Job(next(self._numbers), kind, title, detail, start)
        self._jobs.insert(len(self._jobs) - (len(self.waiting) if first else 0), job)
        return job

    def remove(self, number: int) -> bool:
        """Forget a job that does not run. False for one that runs or is unknown."""
        job = self.find(number)
        if job is None or job.state is JobState.RUNNING:
            return False
        self._jobs.remove(job)
        return True

    def move(self, number: int, places: int) -> bool:
        """Move a waiting job down by `places` (up: negative) among those that wait, as far as it goes."""
        job, waiting = self.find(number), list(self.waiting)
        if job is None or job not in waiting:
            return False
        first, place = len(self._jobs) - len(waiting), waiting.index(job)
        waiting.pop(place)
        waiting.insert(min(max(place + places, 0), len(waiting)), job)
        changed = self._jobs[first:] != waiting
        self._jobs[first:] = waiting
        return changed

    def clear_ended(self) -> None:
        """Forget what has ended."""
        self._jobs = [job for job in self._jobs if not job.is_over]

    def clear(self) -> None:
        """Forget everything."""
        self._jobs.clear()
