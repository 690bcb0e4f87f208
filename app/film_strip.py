"""Small pictures along the timeline: which frames there is room for, and those made already."""

from __future__ import annotations

import math
from bisect import bisect

from PySide6.QtCore import QObject, QSize, QTimer, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPixmap

from app import theme
from app.lane import STRIP
from app.thumbnails import Thumbnails
from app.time_axis import TimeAxis

ASK_DELAY = 60  # milliseconds: while the timeline is zoomed or scrolled nothing is made
NARROWEST, WIDEST = 0.6, 2.4  # width / height of a picture, whatever the clip's shape


class FilmStrip(QObject):
    """Pictures of bare frames side by side, the first of them at frame 0's edge.

    Where a picture is not made yet the nearest one stands for it. What is in sight and missing is asked for
    once the strip rests.
    """

    wanted = Signal(list, tuple)  # frames, (width, height) in device pixels

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pictures = Thumbnails()
        self._frames: list[int] = []  # of the pictures, sorted
        self._width = STRIP
        self._ratio = 1.0
        self._missing: list[int] = []
        self._asked: list[int] = []
        self._film = QPixmap()
        self._key: tuple[float | str, ...] = ()  # what the film was drawn for
        self._soon = QTimer(self, singleShot=True, interval=ASK_DELAY)
        self._soon.timeout.connect(self._ask)

    def set_clip(self, size: tuple[int, int]) -> None:
        """Another clip of this (width, height)."""
        shape = min(max(size[0] / max(size[1], 1), NARROWEST), WIDEST)
        self._width = round(STRIP * shape)
        self._clear()

    def _clear(self) -> None:
        self._pictures.clear()
        self._frames, self._missing, self._asked, self._key = [], [], [], ()

    def put(self, frame: int, picture: QImage) -> None:
        """A picture that was asked for."""
        self._key = ()
        picture.setDevicePixelRatio(self._ratio)
        self._pictures.put(frame, picture)
        self._frames = sorted(key for key in self._pictures if isinstance(key, int))

    def ask_again(self) -> None:
        """More frames can be shown than when they were asked for."""
        if self._missing:
            self._asked = []
            self._soon.start()

    def cells(self, axis: TimeAxis) -> list[tuple[float, int]]:
        """The pictures in sight: their left edges in widget units, and their frames."""
        if not axis.frame_count:
            return []
        scrolled, length = axis.left * axis.scale, axis.frame_count * axis.scale
        first = int(scrolled // self._width)
        last = math.ceil(min(scrolled + axis.room, length) / self._width)
        return [
            (axis.origin + place * self._width - scrolled, int(place * self._width / axis.scale))
            for place in range(first, last)
        ]

    def draw(self, painter: QPainter, axis: TimeAxis, top: int, ratio: float) -> None:
        """The strip at a height of the widget; `ratio`: device pixels a widget unit."""
        if ratio != self._ratio:
            self._ratio = ratio
            self._clear()
        key = axis.left, axis.scale, axis.room, theme.colours().canvas
        if key != self._key:
            self._key, self._film = key, self._drawn(axis)
        painter.drawPixmap(round(axis.origin), top, self._film)

    def _drawn(self, axis: TimeAxis) -> QPixmap:
        """The strip as it lies now; the playhead passes over it many times."""
        cells = self.cells(axis)
        self._missing = [frame for _, frame in cells if frame not in self._pictures]
        if self._missing != self._asked:
            self._soon.start()
        length = axis.edge(axis.frame_count) - axis.origin
        film = QPixmap(max(round(length * self._ratio), 1), round(STRIP * self._ratio))
        film.setDevicePixelRatio(self._ratio)
        film.fill(QColor(theme.colours().canvas))
        painter = QPainter(film)
        for left, frame in cells:
            picture = self._nearest(frame)
            if picture is not None:
                painter.drawImage(round(left - axis.origin), 0, picture)
        painter.end()
        return film

    def _nearest(self, frame: int) -> QImage | None:
        place = bisect(self._frames, frame)
        beside = self._frames[max(place - 1, 0) : place + 1]
        if not beside:
            return None
        return self._pictures.get(min(beside, key=lambda each: abs(each - frame)))

    def _ask(self) -> None:
        self._asked = self._missing
        size = QSize(self._width - 1, STRIP) * self._ratio
        self.wanted.emit(self._missing, (size.width(), size.height()))
