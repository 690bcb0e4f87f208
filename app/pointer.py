"""How the canvas's pointer acts, and the keys beside it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QKeySequence

from app.live_stroke import LiveLook
from app.outlines import Outline
from app.tools import Point
from vosengine.types import Box


class Gesture(Enum):
    """What dragging on the canvas does."""

    NONE = "none"
    PAINT = "paint"
    BOX = "box"
    OUTLINE = "outline"
    PICK = "pick"  # press on a colour; dragging away takes in more of it


@dataclass(frozen=True)
class Pointer:
    """How the pointer acts. `radius` in clip pixels; `look` and `subtract_look` paint the live stroke.

    `softness`: share of the radius over which the brush fades. `feels_pressure`: a pen's pressure sets the
    size. `outline`: what an OUTLINE gesture draws. `takes_away`: `look` is one that erases.
    """

    gesture: Gesture = Gesture.NONE
    radius: float = 0.0
    look: LiveLook | None = None
    subtract_look: LiveLook | None = None
    softness: float = 0.0
    feels_pressure: bool = True
    outline: Outline | None = None
    takes_away: bool = False


def box_between(one: Point, other: Point) -> Box:
    """The box with these two corners."""
    x, y = min(one[0], other[0]), min(one[1], other[1])
    return Box(x, y, abs(one[0] - other[0]), abs(one[1] - other[1]))


def takes_back(event: QKeyEvent) -> bool:
    """Whether a key takes an open outline's last corner back."""
    keys = (Qt.Key.Key_Backspace, Qt.Key.Key_Delete)
    return event.key() in keys or event.matches(QKeySequence.StandardKey.Undo)


def is_space(event: QKeyEvent) -> bool:
    """Whether it is Space alone."""
    return event.key() == Qt.Key.Key_Space and not event.modifiers()
