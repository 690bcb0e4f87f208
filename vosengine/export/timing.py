"""When each exported frame is shown: exact rates, variable frame rate and timecode."""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import dataclass
from fractions import Fraction

from vosengine.types import ClipInfo, Span

# Matroska stores whole milliseconds, so that footage of a constant rate seems to jitter by up to one.
JITTER = Fraction(1, 1000)
# Containers and encoders hold time bases as signed 32-bit integers.
LARGEST_TIME_SCALE = 2**31 - 1
# The video clock of MPEG: the choice when no common time base of the timestamps fits.
FALLBACK_TIME_SCALE = 90_000


@dataclass(frozen=True)
class Timing:
    """The times of an export's frames, as integers `starts` and `durations` in units of `time_base` seconds.

    The first start is 0. `rate` is exact where `constant`, else the average.
    """

    rate: Fraction
    constant: bool
    time_base: Fraction
    starts: tuple[int, ...]
    durations: tuple[int, ...]

    @property
    def seconds(self) -> tuple[Fraction, ...]:
        """When each frame is shown first."""
        return tuple(start * self.time_base for start in self.starts)


def timing_of(info: ClipInfo, span: Span) -> Timing:
    """The timing of the frames of `span`, a non-empty part of the clip, moved to start at 0."""
    first = info.timestamps[span.start]
    times = [info.timestamps[frame] - first for frame in span]
    if all(abs(time - place / info.rate) <= JITTER for place, time in enumerate(times)):
        count = len(times)
        return Timing(info.rate, True, 1 / info.rate, tuple(range(count)), (1,) * count)
    after = info.timestamps[span.stop] - first if span.stop < info.frame_count else times[-1] + 1 / info.rate
    return _variable(info.rate, [*times, after])


def timecode_after(timecode: str, rate: Fraction, frames: int) -> str:
    """The SMPTE timecode `frames` frames later; drop-frame where `timecode` has a semicolon or point.

    "" for a text that is no timecode.
    """
    match = re.fullmatch(r"(\d\d):(\d\d):(\d\d)([:;.])(\d\d)", timecode)
    if match is None:
        return ""
    hours, minutes, seconds, number = (int(match[group]) for group in (1, 2, 3, 5))
    base = round(rate)
    # SMPTE ST 12-1: two numbers of each minute are skipped at 29.97, four at 59.94, none in whole tens.
    dropped = base // 15 if match[4] in ";." else 0
    minute = 60 * hours + minutes
    count = (60 * minute + seconds) * base + number - dropped * (minute - minute // 10) + frames
    tens, rest = divmod(count, 600 * base - 9 * dropped)
    skipped = (rest - dropped) // (60 * base - dropped) if rest >= dropped else 0
    count += dropped * (9 * tens + max(skipped, 0))
    seconds, number = divmod(count, base)
    hours = seconds // 3600 % 24
    return f"{hours:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{match[4]}{number:02}"


def _variable(rate: Fraction, times: list[Fraction]) -> Timing:
    """`times` holds the start of every frame and the end of the last."""
    scale = math.lcm(*(time.denominator for time in times))
    if scale > LARGEST_TIME_SCALE:
        scale = FALLBACK_TIME_SCALE
    ticks = [round(time * scale) for time in times]
    durations = tuple(later - start for start, later in itertools.pairwise(ticks))
    return Timing(rate.limit_denominator(100_000), False, Fraction(1, scale), tuple(ticks[:-1]), durations)
