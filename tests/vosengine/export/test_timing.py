from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vosengine.export.conftest import clip_info
from vosengine.export.timing import timecode_after, timing_of
from vosengine.types import Span

NTSC = Fraction(30000, 1001)


@given(st.integers(1, 240), st.sampled_from([1, 1001]), st.integers(1, 40), st.integers(0, 9))
def test_constant_rates_stay_exact(number: int, divisor: int, count: int, start: int) -> None:
    rate = Fraction(number * (1000 if divisor == 1001 else 1), divisor)
    timing = timing_of(clip_info(start + count, rate), Span(start, start + count))
    assert timing.constant
    assert timing.rate == rate
    assert timing.seconds == tuple(place / rate for place in range(count))


@given(st.integers(1, 60), st.sampled_from([1, 1001]))
def test_rounding_to_milliseconds_is_not_a_variable_rate(number: int, divisor: int) -> None:
    rate = Fraction(number * 1000, divisor)
    rounded = tuple(Fraction(round(place / rate * 1000), 1000) for place in range(30))
    timing = timing_of(clip_info(30, rate, timestamps=rounded), Span(0, 30))
    assert timing.seconds == tuple(place / rate for place in range(30))


@given(st.lists(st.integers(1, 5000), min_size=3, max_size=30), st.sampled_from([600, 15360, 90000]))
def test_variable_rates_keep_every_timestamp(steps: list[int], scale: int) -> None:
    times = [Fraction(0)]
    for step in steps:
        times.append(times[-1] + Fraction(step, scale))
    rate = Fraction(len(steps)) / times[-1]
    info = clip_info(len(times), rate, timestamps=tuple(times))
    timing = timing_of(info, Span(1, len(times)))
    if not timing.constant:
        assert timing.seconds == tuple(time - times[1] for time in times[1:])
        ends = [start + length for start, length in zip(timing.starts, timing.durations, strict=True)]
        assert tuple(ends[:-1]) == timing.starts[1:]


def test_the_last_frame_lasts_until_the_next_one_of_the_clip() -> None:
    times = (Fraction(0), Fraction(1, 10), Fraction(1), Fraction(3))
    timing = timing_of(clip_info(4, Fraction(1), timestamps=times), Span(0, 3))
    assert timing.durations[-1] * timing.time_base == 2


def test_the_clips_last_frame_lasts_as_long_as_the_average() -> None:
    times = (Fraction(0), Fraction(1, 10), Fraction(1))
    timing = timing_of(clip_info(3, Fraction(4), timestamps=times), Span(0, 3))
    assert timing.durations[-1] * timing.time_base == Fraction(1, 4)


def test_time_bases_too_fine_for_containers_are_rounded_to_the_mpeg_clock() -> None:
    times = (Fraction(0), Fraction(1, 10007), Fraction(1, 10) + Fraction(1, 1000003), Fraction(7, 10))
    timing = timing_of(clip_info(4, Fraction(5), timestamps=times), Span(0, 4))
    assert timing.time_base == Fraction(1, 90000)
    for found, wanted in zip(timing.seconds, times, strict=True):
        assert abs(found - wanted) <= Fraction(1, 180000)


def drop_frame_labels(minutes: int) -> list[str]:
    """By the definition in SMPTE ST 12-1: 00 and 01 are no labels in minutes that are no whole tens."""
    return [
        f"00:{minute:02}:{second:02};{number:02}"
        for minute in range(minutes)
        for second in range(60)
        for number in range(30)
        if not (second == 0 and number < 2 and minute % 10)
    ]


def test_drop_frame_timecode_skips_what_the_standard_skips() -> None:
    labels = drop_frame_labels(23)
    for frame in [*range(0, len(labels), 97), *range(1790, 1810), *range(17970, 17995)]:
        assert timecode_after("00:00:00;00", NTSC, frame) == labels[frame]
        assert timecode_after(labels[frame], NTSC, len(labels) - 1 - frame) == labels[-1]


@pytest.mark.parametrize(
    ("timecode", "rate", "frames", "wanted"),
    [
        ("01:00:00:00", Fraction(24000, 1001), 24, "01:00:01:00"),
        ("23:59:59:24", Fraction(25), 1, "00:00:00:00"),
        ("00:00:59;59", Fraction(60000, 1001), 1, "00:01:00;04"),
        ("00:09:59.29", NTSC, 1, "00:10:00.00"),
        ("10:11:12:13", Fraction(30), 0, "10:11:12:13"),
        ("soon", Fraction(25), 3, ""),
    ],
)
def test_timecodes(timecode: str, rate: Fraction, frames: int, wanted: str) -> None:
    assert timecode_after(timecode, rate, frames) == wanted
