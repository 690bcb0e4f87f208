"""Where an object is on each frame, steadied a little: for a view that goes along with it. No Qt."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import fmean, median

REACH = 2  # frames on either side whose median is taken: one bad matte must not throw the view about
LEAP = 0.06  # of the frame between two neighbours: a cut, or a matte that went elsewhere


@dataclass(frozen=True)
class Place:
    """x, y: the object's middle; size: the square root of its area. All in clip pixels."""

    x: float
    y: float
    size: float

    @property
    def point(self) -> tuple[float, float]:
        """The middle."""
        return self.x, self.y


Look = Callable[[int], Place | None]


def steadied(look: Look, frame: int, width: int) -> Place | None:
    """The place on `frame` as a view should follow it; None where the object is not there.

    `look` tells the place of any frame, None where the object is not; `width`: of the clip. Steady motion is
    kept as it is.
    """
    own = _middle(look, frame)
    if own is None:
        return None
    beside = [_middle(look, frame - 1), _middle(look, frame + 1)]
    near = [each for each in beside if each is not None and math.dist(each.point, own.point) <= LEAP * width]
    return _combined([own, *near], fmean) if len(near) == 2 else own


def _middle(look: Look, frame: int) -> Place | None:
    """The median of as many frames before as after, so that an object that moves is not held back."""
    own = look(frame)
    if own is None:
        return None
    known = [own]
    for step in range(1, REACH + 1):
        before, after = look(frame - step), look(frame + step)
        if before is None or after is None:
            break
        known += [before, after]
    return _combined(known, median)


def _combined(places: list[Place], how: Callable[[Iterable[float]], float]) -> Place:
    return Place(
        how([each.x for each in places]),
        how([each.y for each in places]),
        how([each.size for each in places]),
    )
