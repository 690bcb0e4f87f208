"""How many frames a second are really shown while playing, beside how many should be."""

from __future__ import annotations

import time
from collections import deque
from fractions import Fraction

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QLabel

from app import theme
from app.compositing import Scene
from app.language import tr
from app.workspace import Workspace

WINDOW = 2.0  # seconds that are counted
UPDATE = 500  # milliseconds
NEAR = 0.95  # of the wanted rate: below, frames are being dropped


class RateMeter:
    """Counts frames over the last seconds. No Qt."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()
        self._frame = -1
        self._start = 0.0

    def start(self, now: float) -> None:
        """Playing begins; times are in seconds."""
        self._times.clear()
        self._frame, self._start = -1, now

    def shown(self, frame: int, now: float) -> None:
        """A picture arrived; one of the same frame again does not count."""
        if frame != self._frame:
            self._frame = frame
            self._times.append(now)

    def rate(self, now: float) -> float | None:
        """Frames a second; None in the first half second."""
        seconds = min(now - self._start, WINDOW)
        if seconds < 0.5:
            return None
        while self._times and self._times[0] <= now - seconds:
            self._times.popleft()
        return len(self._times) / seconds


class PlaybackRate(QLabel):
    """Empty while nothing plays; in warning colour when frames are dropped."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self._workspace = workspace
        self._meter = RateMeter()
        self._timer = QTimer(self, interval=UPDATE)
        self._timer.timeout.connect(self._update)
        self.setMinimumWidth(self.fontMetrics().horizontalAdvance(_text(88.8, 88.88)) + 10)
        self.setAccessibleName(tr("Playback rate"))
        self.setToolTip(
            tr("Frames a second shown, and the clip's own.\nWith fewer shown, frames are dropped to keep up.")
        )
        workspace.player.playing_changed.connect(self._playing_changed)
        workspace.renderer.rendered.connect(self._rendered)

    def _playing_changed(self, playing: bool) -> None:
        if playing:
            self._meter.start(time.monotonic())
            self._timer.start()
        else:
            self._timer.stop()
        self.clear()

    def _rendered(self, scene: Scene) -> None:
        if self._workspace.player.is_playing:
            self._meter.shown(scene.frame, time.monotonic())

    def _update(self) -> None:
        rate, document = self._meter.rate(time.monotonic()), self._workspace.document
        if rate is not None and document is not None:
            self.show_rate(rate, document.clip.rate or Fraction(25))

    def show_rate(self, shown: float, wanted: Fraction) -> None:
        """Frames a second shown and wanted."""
        dropping = shown < NEAR * wanted
        self.setStyleSheet(f"color: {theme.colours().warning if dropping else theme.colours().muted};")
        self.setText(_text(shown if dropping else float(wanted), float(wanted)))


def _text(shown: float, wanted: float) -> str:
    return tr("{shown:.3g} of {wanted:.4g} fps").format(shown=shown, wanted=wanted)
