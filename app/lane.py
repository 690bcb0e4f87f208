"""One object's row on the timeline, and where rows lie."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor

from app.findings import Findings, Mark

RULER = 24  # heights in widget units
STRIP = 34
CURVES = 44
PADDING = 8
LANE, LANE_GAP = 20, 4
LANES = range(12, 45, 4)  # heights a lane may be given


@dataclass
class Lane:
    """One object's row; `previews`: frames the model under training was tried on; `keys`: of its edges."""

    object_id: int
    name: str
    colour: QColor
    findings: Findings
    visible: bool = True
    previews: set[int] = field(default_factory=set)
    keys: list[int] = field(default_factory=list)

    @property
    def marks(self) -> NDArray[np.uint8]:
        """uint8 (frames,) of `Mark`."""
        if not self.previews:
            return self.findings.marks
        marks = self.findings.marks.copy()
        tried = np.array(sorted(self.previews), np.intp)
        tried = tried[marks[tried] <= Mark.STALE]
        marks[tried] = Mark.PREVIEWED
        return marks


@dataclass
class Rows:
    """From the top: the ruler, the film strip, the lanes, the curves. In widget units."""

    height: int = 0
    strip: bool = True
    lane: int = LANE

    @property
    def lanes_top(self) -> int:
        """Where the first lane begins."""
        return RULER + (STRIP + LANE_GAP if self.strip else 0)

    @property
    def curves_top(self) -> int:
        """Where the curves begin."""
        return self.height - CURVES - PADDING

    @property
    def shown(self) -> int:
        """Lanes there is room for; at least one."""
        return max((self.curves_top - self.lanes_top) // (self.lane + LANE_GAP), 1)

    def top(self, row: int) -> int:
        """Where a lane in sight begins."""
        return self.lanes_top + row * (self.lane + LANE_GAP)

    def at(self, y: float) -> int | None:
        """The lane in sight at a height."""
        row = int((y - self.lanes_top) // (self.lane + LANE_GAP))
        return row if self.lanes_top <= y < self.curves_top and row < self.shown else None

    def needed(self, lanes: int) -> int:
        """The height that shows so many lanes."""
        return self.top(lanes) + CURVES + PADDING
