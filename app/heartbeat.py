"""How long the GUI thread is away from its events: a timer that should beat, and the pauses between beats."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QEventLoop, QObject, Qt, QTimer

BEAT = 4  # milliseconds


@dataclass(frozen=True)
class Pauses:
    """Milliseconds beyond the beat in which no event was served: the longest, and the 99th of a hundred."""

    longest: float
    usual: float
    beats: int


class Heartbeat(QObject):
    """Beats from its making to `stop`, in the thread that made it."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._gaps: list[float] = []
        self._last = time.perf_counter()
        self._timer = QTimer(self, interval=BEAT, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)
        self._timer.start()

    def stop(self) -> Pauses:
        """End, and tell."""
        self._beat()
        self._timer.stop()
        pauses = 1000 * np.array(self._gaps) - BEAT
        return Pauses(float(pauses.max()), float(np.percentile(pauses, 99)), len(pauses))

    def _beat(self) -> None:
        now = time.perf_counter()
        self._gaps.append(now - self._last)
        self._last = now


def serve_events(condition: Callable[[], bool], seconds: float) -> bool:
    """Run the event loop, as the program does, until `condition` holds; False when it took too long."""
    loop, end = QEventLoop(), time.monotonic() + seconds
    watch = QTimer(loop, interval=50)
    watch.timeout.connect(lambda: loop.quit() if condition() or time.monotonic() > end else None)
    watch.start()
    loop.exec()
    watch.stop()
    return condition()
