"""Finishing: the edge controls of `vosengine.edge_controls` applied to mattes. No Qt, no torch.

The order: temporal smoothing steadies what was predicted; threshold says where its edge lies and contrast how
soft it is; grow moves that edge; feather softens it; motion blur comes last, as in a camera.
"""

from __future__ import annotations

from vosengine.finish.finishing import Surroundings, finished

__all__ = ["Surroundings", "finished"]
