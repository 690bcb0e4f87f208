"""Finishing: the edge controls of `vosengine.edge_controls` applied to mattes. No Qt, no torch.

The order: temporal smoothing steadies what was predicted; threshold says where its edge lies and contrast how
soft it is; grow moves that edge; feather softens it; motion blur comes last, as in a camera.
"""

from __future__ import annotations

from vosengine.finish.colour import Cover, decontaminated
from vosengine.finish.finishing import finished
from vosengine.finish.motions import Motions
from vosengine.finish.surroundings import Motion, Surroundings, reach_of, surroundings

__all__ = [
    "Cover",
    "Motion",
    "Motions",
    "Surroundings",
    "decontaminated",
    "finished",
    "reach_of",
    "surroundings",
]
