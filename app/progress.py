"""How far a job is, how fast it goes and how long it still takes. No Qt."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from app.language import tr

MEMORY = 10.0  # seconds that the pace is taken over: a stage's first units are often slower
LEAST_UNITS, LEAST_SECONDS = 3, 0.5  # for a unit's time to be told
SETTLED = 1.0  # seconds before a pace is told


@dataclass(frozen=True)
class Progress:
    """`done` of `total` units (0 of 0 while unknown); `seconds_left` None until it can be told.

    rate: units a second, None until it can be told; `unit`: "step" of learning, else "frame".
    """

    what: str
    detail: str = ""
    done: int = 0
    total: int = 0
    seconds_left: float | None = None
    rate: float | None = None
    unit: str = "frame"


@dataclass
class Pace:
    """Units a second over the last seconds, in each stage anew."""

    _total: int = 0
    _seen: deque[tuple[float, int]] = field(default_factory=deque)

    def note(self, done: int, total: int, now: float) -> tuple[float | None, float | None]:
        """`done` of `total` units at the time `now`, in seconds.

        Returns the units a second and the seconds left, None while they cannot be told.
        """
        if total != self._total or (self._seen and done < self._seen[-1][1]):
            self._total = total
            self._seen.clear()
        self._seen.append((now, done))
        while len(self._seen) > 2 and now - self._seen[1][0] > MEMORY:
            self._seen.popleft()
        since, before = self._seen[0]
        if now - since < SETTLED or done == before:
            return None, None
        rate = (done - before) / (now - since)
        return rate, (total - done) / rate


@dataclass
class UnitTimer:
    """Seconds a unit of one stage, from its first unit on: what comes before is preparation."""

    _first: tuple[float, int] = (0.0, 0)
    _last: tuple[float, int] = (0.0, 0)

    def note(self, done: int, now: float) -> None:
        """`done` units at the time `now`, in seconds."""
        if done > 0 and self._first[1] == 0:
            self._first = now, done
        if done > self._last[1]:
            self._last = now, done

    @property
    def seconds(self) -> float | None:
        """None where too few units were done to tell."""
        (began, first), (ended, last) = self._first, self._last
        enough = last - first >= LEAST_UNITS and ended - began >= LEAST_SECONDS
        return (ended - began) / (last - first) if enough else None


def time_left_text(seconds: float | None) -> str:
    """`about 40 s left` in the coarsest words that help."""
    return "" if seconds is None else tr("about {time} left").format(time=duration_text(seconds))


def duration_text(seconds: float) -> str:
    """`40 s`, `2 min 05 s`, `12 min`, `1 h 20 min`: the coarsest that helps."""
    if seconds < 60:
        return tr("{seconds} s").format(seconds=max(round(seconds), 1))
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 10:
        return tr("{minutes} min {seconds:02d} s").format(minutes=minutes, seconds=rest)
    if minutes < 120:
        return tr("{minutes} min").format(minutes=minutes)
    return tr("{hours} h {minutes:02d} min").format(hours=minutes // 60, minutes=minutes % 60)


def rate_text(rate: float | None, unit: str) -> str:
    """`2.4 frames/s`; slow ones the other way round: `3.1 s a frame`. `unit`: "frame" or "step"."""
    if rate is None or rate <= 0:
        return ""
    if rate >= 0.5:
        many = tr("{rate:.1f} steps/s") if unit == "step" else tr("{rate:.1f} frames/s")
        return many.format(rate=rate)
    slow = tr("{seconds:.1f} s a step") if unit == "step" else tr("{seconds:.1f} s a frame")
    return slow.format(seconds=1 / rate)
