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
    """The place on `frame` as a view should follow it; None where it is not known at all round there.

    `look` tells the place of any frame, None where the object is not; `width`: of the clip.
    """
    places = [_middle(look, each) for each in (frame - 1, frame, frame + 1)]
    own = places[1]
    if own is None or look(frame) is None:
        return None
    near = [each for each in places if each is not None and math.dist(each.point, own.point) <= LEAP * width]
    return _combined(near, fmean)


def _middle(look: Look, frame: int) -> Place | None:
    found = [look(each) for each in range(frame - REACH, frame + REACH + 1)]
    known = [each for each in found if each is not None]
    return _combined(known, median) if known else None


def _combined(places: list[Place], how: Callable[[Iterable[float]], float]) -> Place:
    return Place(
        how([each.x for each in places]),
        how([each.y for each in places]),
        how([each.size for each in places]),
    )
