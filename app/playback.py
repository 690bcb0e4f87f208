"""Plays at the clip's own rate: shows the frame that is due, drops frames when the display is late."""

from __future__ import annotations

from bisect import bisect_right
from fractions import Fraction

from PySide6.QtCore import QElapsedTimer, QObject, Qt, QTimer, Signal

from vosengine.types import Span

TICK = 8  # milliseconds between looks at the clock


class Player(QObject):
    """Tells which frame is due; it neither decodes nor draws."""

    frame_due = Signal(int)
    playing_changed = Signal(bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.loops = False
        self._timestamps: tuple[Fraction, ...] = ()
        self._span = Span(0, 0)
        self._rate = Fraction(25)
        self._start_time = Fraction(0)
        self._shown = -1
        self._clock = QElapsedTimer()
        self._timer = QTimer(self, interval=TICK, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    @property
    def is_playing(self) -> bool:
        """Whether the clock runs."""
        return self._timer.isActive()

    def play(self, timestamps: tuple[Fraction, ...], rate: Fraction, span: Span, frame: int) -> None:
        """Play `span` from `frame`, from its start when `frame` is its last one or outside."""
        if len(span) < 2:
            return
        if frame not in span or frame == span.stop - 1:
            frame = span.start
        self._timestamps, self._rate, self._span = timestamps, rate or Fraction(25), span
        self._start_time, self._shown = timestamps[frame], -1
        self._clock.start()
        self._timer.start()
        self.playing_changed.emit(True)

    def stop(self) -> None:
        """Stay on the frame shown."""
        if self.is_playing:
            self._timer.stop()
            self.playing_changed.emit(False)

    def _tick(self) -> None:
        frame, ended = self.due(Fraction(self._clock.elapsed(), 1000))
        if frame != self._shown:
            self._shown = frame
            self.frame_due.emit(frame)
        if ended:
            self.stop()

    def due(self, elapsed: Fraction) -> tuple[int, bool]:
        """The frame due `elapsed` seconds after the start, and whether playing is over."""
        first, last = self._span.start, self._span.stop - 1
        begin, end = self._timestamps[first], self._timestamps[last] + 1 / self._rate
        now = self._start_time + elapsed
        if now >= end:
            if not self.loops:
                return last, True
            now = begin + (now - begin) % (end - begin)
        return min(bisect_right(self._timestamps, now) - 1, last), False
