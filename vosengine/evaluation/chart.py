"""Lines of J over something, as an SVG picture that needs nothing else."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from vosengine import atomic

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 44, 150, 14, 46  # room round the plot; the lines' names stand to the right
TICK_ROOM = 34  # pixels between two figures of the lower axis
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")  # Okabe and Ito's

Point = tuple[float, float]


@dataclass(frozen=True)
class Chart:
    """Lines of points (x, J) by name, J in [0, 1].

    `across` names x; `logarithmic` gives each power of it the same room (x must be above 0). Lines in
    `dashed` are somebody else's figures.
    """

    lines: Mapping[str, Sequence[Point]]
    across: str
    logarithmic: bool = False
    dashed: frozenset[str] = frozenset()

    def svg(self) -> str:
        """The picture as text."""
        grid = "".join(_level(value) for value in (0.0, 0.25, 0.5, 0.75, 1.0))
        lines = "".join(self._line(number, name) for number, name in enumerate(self.lines))
        middle = (LEFT + WIDTH - RIGHT) / 2
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            'font-family="sans-serif" font-size="12">'
            f'<rect width="100%" height="100%" fill="white"/>{grid}{self._ticks()}{lines}'
            f'<text x="{middle:.1f}" y="{HEIGHT - 8}" text-anchor="middle">{escape(self.across)}</text>'
            "</svg>\n"
        )

    def write(self, file: Path) -> None:
        """Write `svg`. Raises EngineError when the file cannot be written."""
        atomic.write_bytes(file, self.svg().encode())

    def _line(self, number: int, name: str) -> str:
        colour = COLOURS[number % len(COLOURS)]
        places = [(self._x(x), _y(y)) for x, y in sorted(self.lines[name])]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        dashes = ' stroke-dasharray="5 4"' if name in self.dashed else ""
        dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places)
        down = TOP + 10 + 18 * number
        return (
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>{dots}'
            f'<text x="{WIDTH - RIGHT + 12}" y="{down}" fill="{colour}">{escape(name)}</text>'
        )

    def _ticks(self) -> str:
        """The points' own x, where there is room for the figure."""
        ticks, last = "", -math.inf
        for value in sorted({x for points in self.lines.values() for x, _ in points}):
            x = self._x(value)
            if x - last >= TICK_ROOM:
                ticks += (
                    f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{value:.3g}</text>'
                )
                last = x
        return ticks

    def _x(self, value: float) -> float:
        scale = math.log if self.logarithmic else float
        every = [scale(x) for points in self.lines.values() for x, _ in points]
        low, high = min(every), max(every)
        return LEFT + (WIDTH - LEFT - RIGHT) * (scale(value) - low) / (high - low or 1)


def _y(value: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - min(max(value, 0.0), 1.0))


def _level(value: float) -> str:
    y = _y(value)
    return (
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#dddddd"/>'
        f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:.2f}</text>'
    )
