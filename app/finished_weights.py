"""Finished mattes at display size: what counts in pixels of the clip is scaled with the picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from app.compositing import Finish, Layer, Weighted, to_weights
from vosengine.edge_controls import EdgeControls
from vosengine.finish import Cover, Motion, decontaminated, finished, surroundings
from vosengine.finish.surroundings import MotionsLike
from vosengine.project_file import soften
from vosengine.types import Image, Matte

Weights = NDArray[np.uint8]


def finished_weights(
    weights: Weights,
    finish: Finish,
    scale: float,
    neighbour: Callable[[int], Weights | None],
    motions: MotionsLike,
) -> Weights:
    """Weights (height, width) as `to_weights` gives them, finished, at `scale` times the clip's size.

    neighbour: the unfinished weights so many frames on, None where there are none; motions: the clip's.
    """

    def matte_of(frame: int) -> Matte | None:
        found = neighbour(frame - finish.frame)
        return None if found is None else soften(found)

    controls = _scaled(finish.controls, scale)
    around = surroundings(finish.frame, controls, matte_of, _Scaled(motions, scale), finish.drawn)
    matte = finished(soften(weights), controls, around)
    return to_weights(matte, weights.shape[1], weights.shape[0])


def takes_colour_out(layer: Layer) -> bool:
    """Whether the background's colour is to be taken out of a layer's edge."""
    return layer.finish is not None and layer.finish.controls.decontaminate > 0


def straight(image: Image, weights: Weighted) -> Image:
    """The frame without the background's colour in the edges of the objects whose controls ask for that."""
    amounts = [layer.finish.controls.decontaminate if layer.finish else 0.0 for layer, _ in weights]
    return decontaminated(image, [Cover(soften(w), a) for (_, w), a in zip(weights, amounts, strict=True)])


def _scaled(controls: EdgeControls, scale: float) -> EdgeControls:
    return replace(controls, grow=controls.grow * scale, feather=controls.feather * scale)


@dataclass(frozen=True)
class _Scaled:
    """The clip's motions in pixels of a picture `scale` times its size."""

    motions: MotionsLike
    scale: float

    def around(self, frame: int, reach: int) -> Mapping[int, Motion]:
        """See `MotionsLike`."""
        found = self.motions.around(frame, reach)
        return {
            offset: Motion(flow * np.float32(self.scale), trust) for offset, (flow, trust) in found.items()
        }
