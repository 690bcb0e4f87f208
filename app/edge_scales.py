"""Edge controls as a person reads and sets them: names, units, and slider scales fine near zero. No Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass

from app.language import mark, tr
from vosengine.edge_controls import NEUTRAL, RANGES, EdgeControls

STEPS = 1000  # of a slider


@dataclass(frozen=True)
class Scale:
    """How one control is shown: `factor` units of the figure to one of the value, with so many `decimals`.

    label: in English, as the undo steps that it makes. bend: the power of the slider's scale; from 1 on the
    finer near zero.
    """

    name: str
    label: str
    help: str
    unit: str
    factor: float = 1.0
    decimals: int = 0
    bend: float = 1.0

    @property
    def default(self) -> float:
        """The value that changes nothing."""
        return float(getattr(NEUTRAL, self.name))

    @property
    def figures(self) -> tuple[float, float]:
        """The least and the greatest figure."""
        least, most = RANGES[self.name]
        return least * self.factor, most * self.factor

    def of(self, controls: EdgeControls) -> float:
        """The control's value."""
        return float(getattr(controls, self.name))

    def rounded(self, value: float) -> float:
        """The nearest value that its figure shows exactly."""
        return round(value * self.factor, self.decimals) / self.factor

    def position(self, value: float) -> int:
        """The slider's place for a value, in [0, STEPS]."""
        least, most = RANGES[self.name]
        if least < 0:
            side = math.pow(abs(value / most), 1 / self.bend)
            return round((1 + (side if value >= 0 else -side)) / 2 * STEPS)
        return round(math.pow((value - least) / (most - least), 1 / self.bend) * STEPS)

    def value(self, position: int) -> float:
        """The value at a slider's place."""
        least, most = RANGES[self.name]
        share = position / STEPS
        if least < 0:
            side = 2 * share - 1
            return self.rounded(most * abs(side) ** self.bend * (1 if side >= 0 else -1))
        return self.rounded(least + (most - least) * share**self.bend)


SCALES = (
    Scale(
        "threshold",
        mark("Threshold"),
        tr("Where in a soft edge the object ends: more makes it smaller"),
        tr(" %"),
        factor=100,
    ),
    Scale(
        "grow",
        mark("Grow / choke"),
        tr("Moves the edge outwards, or inwards below zero, in pixels of the clip"),
        tr(" px"),
        decimals=1,
        bend=2,
    ),
    Scale(
        "feather",
        mark("Feather"),
        tr("Softens the edge over so many pixels of the clip"),
        tr(" px"),
        decimals=1,
        bend=2,
    ),
    Scale(
        "contrast",
        mark("Contrast"),
        tr("Hardens a soft edge; at 100 % it is hard"),
        tr(" %"),
        factor=100,
    ),
    Scale(
        "smoothing",
        mark("Reduce chatter"),
        tr("Steadies an edge that flickers, by so many frames on either side"),
        tr(" fr"),
    ),
    Scale(
        "motion_blur",
        mark("Motion blur"),
        tr("Softens edges along their motion, by the camera's shutter angle: 180° is usual"),
        "°",
        factor=360,
    ),
    Scale(
        "decontaminate",
        mark("Decontaminate"),
        tr("Takes the background's colour out of the edge; see it on a checkerboard or on a colour"),
        tr(" %"),
        factor=100,
    ),
)
