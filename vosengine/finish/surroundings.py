"""What finishing a frame needs of the frames round it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from vosengine.edge_controls import EdgeControls
from vosengine.finish.sampling import Numbers
from vosengine.guides.flow import Flow
from vosengine.types import Matte


class Motion(NamedTuple):
    """Where one frame's pixels are on another.

    flow: as `dis_flow(other, this)` says it, float32 (height, width, 2) in pixels of the clip.
    trust: how far that is to be believed, float32 (height, width) in [0, 1].
    Both lie on one grid that covers the frame, as fine as the clip or coarser.
    """

    flow: Flow
    trust: Numbers


@dataclass(frozen=True)
class Surroundings:
    """What lies round a frame in time: see `surroundings`.

    mattes: the object's mattes on neighbouring frames by offset (-5..5 without 0), those that there are.
    motions: where this frame's pixels are on those frames, by offset.
    drawn: a person drew or approved this frame, so temporal smoothing leaves it alone.
    """

    mattes: Mapping[int, Matte] = field(default_factory=dict)
    motions: Mapping[int, Motion] = field(default_factory=dict)
    drawn: bool = False

    @property
    def both(self) -> frozenset[int]:
        """The offsets of which matte and motion are known."""
        return frozenset(self.mattes.keys() & self.motions.keys())


class MotionsLike(Protocol):
    """`vosengine.finish.Motions`, or what a test makes of it."""

    def around(self, frame: int, reach: int) -> Mapping[int, Motion]:
        """By offset, the motions to the frames that are at most `reach` frames away."""


def reach_of(controls: EdgeControls, drawn: bool = False) -> int:
    """How many frames to either side the controls look at."""
    smoothing = 0 if drawn else controls.smoothing
    return max(smoothing, 1 if controls.motion_blur > 0 else 0)


def surroundings(
    frame: int,
    controls: EdgeControls,
    matte_of: Callable[[int], Matte | None],
    motions: MotionsLike,
    drawn: bool = False,
) -> Surroundings:
    """What `finished` needs for a frame; `matte_of` gives a frame's matte, None where there is none.

    Reads and computes no more than the controls ask for.
    """
    reach = reach_of(controls, drawn)
    ways = motions.around(frame, reach) if reach else {}
    mattes = {offset: matte for offset in ways if (matte := matte_of(frame + offset)) is not None}
    return Surroundings(mattes, ways, drawn)
