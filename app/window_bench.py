"""How long the timeline takes to draw itself, on a long clip beside a short one in the same run."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import numpy as np
from PySide6.QtGui import QColor, QImage, QPainter

from app.findings import Findings, Mark
from app.lane import Lane
from app.timeline import Timeline
from vosengine.manifest import colour_of
from vosengine.types import Span

WIDTH, HEIGHT = 1600, 220  # widget units
LANES = 3
ROUNDS = 15
ZOOMED = 12.0  # notches of the wheel at which scrolling is measured
FRAME_BUDGET = 16.0  # milliseconds: what a screen of 60 pictures a second allows


@dataclass(frozen=True)
class TimelineFigures:
    """Milliseconds a picture on the long clip: all of it, scrolled by a tenth, zoomed by a notch, only the
    playhead moved. `ratios`: the same, in the same order, by those on the short clip.
    """

    paint: float
    scroll: float
    zoom: float
    playhead: float
    ratios: tuple[float, float, float, float]

    @property
    def is_fluid(self) -> bool:
        """Whether every one of them fits between two pictures of a screen."""
        return max(self.paint, self.scroll, self.zoom, self.playhead) < FRAME_BUDGET


def timeline_figures(frames: int = 20_000, short: int = 200) -> TimelineFigures:
    """Draw the timelines of two clips into pictures; needs a QApplication on any platform, shows nothing."""
    measured = np.array([_measured(count) for count in (frames, short)])
    long_clip, short_clip = measured
    return TimelineFigures(*long_clip.tolist(), ratios=tuple((long_clip / short_clip).tolist()))


def _measured(count: int) -> list[float]:
    """Milliseconds of painting, scrolling, zooming and moving the playhead."""
    timeline = Timeline()
    timeline.resize(WIDTH, HEIGHT)
    timeline.set_clip(count, 1001, (1920, 1080))
    timeline.set_span(Span(count // 10, count - count // 10))
    timeline.set_cached(count // 2)
    timeline.set_changed(set(range(0, count, 7)))
    timeline.set_lanes([_lane(number, count) for number in range(1, LANES + 1)], 1)
    picture = QImage(WIDTH, HEIGHT, QImage.Format.Format_RGB32)
    paint = _time(timeline, picture, lambda _: timeline.refresh())
    zoom = _time(timeline, picture, lambda turn: timeline.zoom_by(1 if turn % 16 < 8 else -1))
    timeline.show_all()
    timeline.zoom_by(ZOOMED)
    scroll = _time(timeline, picture, lambda turn: timeline.scroll_by(0.1 if turn % 16 < 8 else -0.1))
    timeline.follows = False
    playhead = _time(timeline, picture, timeline.set_frame)
    timeline.deleteLater()
    return [paint, scroll, zoom, playhead]


def _time(timeline: Timeline, picture: QImage, change: Callable[[int], object]) -> float:
    taken = []
    for turn in range(ROUNDS + 1):
        start = time.perf_counter()
        change(turn)
        painter = QPainter(picture)
        timeline.paint(painter)
        painter.end()
        taken.append(time.perf_counter() - start)
    return 1000 * median(taken[1:])


def _lane(number: int, count: int) -> Lane:
    """Every state, suspicious frames here and there, an estimate that goes up and down."""
    chance, findings = np.random.default_rng(number), Findings(count)
    at = np.arange(count)
    quality = 0.8 + 0.15 * np.sin(at / 9 + number) + chance.normal(0, 0.03, count)
    findings.quality[:] = quality.clip(0, 1)
    findings.area[:] = 0.2 + 0.1 * np.sin(at / 40)
    findings.marks[:] = np.where(findings.quality < 0.75, Mark.SUSPICIOUS, Mark.PREDICTED)
    for mark, share in (
        (Mark.STALE, 0.02),
        (Mark.ANNOTATED, 0.01),
        (Mark.APPROVED, 0.01),
        (Mark.EMPTY, 0.01),
    ):
        findings.marks[chance.random(count) < share] = mark
    findings.listed[:] = np.isin(findings.marks, (Mark.SUSPICIOUS, Mark.PREDICTED, Mark.STALE))
    return Lane(number, f"Object {number}", QColor(colour_of(number)), findings)
