"""How a stroke under the pen looks, so that it shows its effect before any pixel is computed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from PySide6.QtGui import QBrush, QColor, QImage, QPixmap, QTransform

from app.compositing import (
    BACKDROP,
    CHECKER_DARK,
    CHECKER_LIGHT,
    CHECKER_SIDE,
    MARK_COLOURS,
    MARK_OPACITY,
    OVERLAY_OPACITY,
    Colour,
    View,
)
from app.tools import BACKGROUND, FOREGROUND

UNKNOWN_GROUND: Colour = (128, 128, 128)


class Ground(Enum):
    """What lies under a live stroke."""

    FRAME = "frame"  # the bare frame
    CHECKER = "checker"
    PLAIN = "plain"  # nothing but the stroke's colour


@dataclass(frozen=True)
class LiveLook:
    """A stroke repaints its ground, then covers it with `colour` at `opacity` in [0, 1]."""

    ground: Ground
    colour: Colour = (0, 0, 0)
    opacity: float = 0.0


def paint_look(
    view: View,
    colour: Colour,
    inside: bool,
    backdrop: Colour = BACKDROP,
    opacity: float = OVERLAY_OPACITY,
) -> LiveLook:
    """The look of pixels that become object (`inside`) or background in `view`."""
    if view in (View.OVERLAY, View.OUTLINE, View.DIFFERENCE, View.CONFIDENCE):
        return LiveLook(Ground.FRAME, colour, opacity if inside else 0.0)
    if view is View.MATTE:
        return LiveLook(Ground.PLAIN, (255, 255, 255) if inside else (0, 0, 0), 1.0)
    if inside:
        return LiveLook(Ground.FRAME)
    if view is View.CHECKER:
        return LiveLook(Ground.CHECKER)
    if view in (View.BLURRED, View.GREY, View.PICTURE):  # the true ground comes with the picture
        return LiveLook(Ground.FRAME, UNKNOWN_GROUND, OVERLAY_OPACITY)
    return LiveLook(Ground.PLAIN, backdrop if view is View.BACKDROP else (0, 0, 0), 1.0)


def scribble_look(inside: bool) -> LiveLook:
    """Scribbles look the same in every view: cyan marks the object, magenta what is not."""
    return LiveLook(Ground.PLAIN, MARK_COLOURS[FOREGROUND if inside else BACKGROUND], MARK_OPACITY)


def stroke_brush(look: LiveLook, bare: QImage, clip_size: tuple[int, int]) -> list[QBrush]:
    """The brushes to draw one over the other, in clip coordinates."""
    brushes = []
    if look.ground is Ground.FRAME and not bare.isNull():
        brush = QBrush(bare)
        brush.setTransform(QTransform.fromScale(clip_size[0] / bare.width(), clip_size[1] / bare.height()))
        brushes.append(brush)
    elif look.ground is Ground.CHECKER and not bare.isNull():
        brush = QBrush(_checker_tile())
        scale = clip_size[0] / bare.width()  # the squares are as large as those of the picture
        brush.setTransform(QTransform.fromScale(scale, scale))
        brushes.append(brush)
    if look.opacity > 0:
        colour = QColor(*look.colour)
        colour.setAlphaF(look.opacity)
        brushes.append(QBrush(colour))
    return brushes


def _checker_tile() -> QPixmap:
    tile = QImage(2, 2, QImage.Format.Format_RGB32)
    for x in range(2):
        for y in range(2):
            grey = CHECKER_LIGHT if (x + y) % 2 == 0 else CHECKER_DARK
            tile.setPixelColor(x, y, QColor(grey, grey, grey))
    return QPixmap.fromImage(tile.scaled(2 * CHECKER_SIDE, 2 * CHECKER_SIDE))
