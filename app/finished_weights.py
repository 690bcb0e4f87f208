"""Finished mattes at display size: the controls that count pixels are scaled with the picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from app.compositing import Finish, to_weights
from vosengine.edge_controls import EdgeControls
from vosengine.finish import Surroundings, finished
from vosengine.guides.flow import Flow
from vosengine.project_file import soften

Weights = NDArray[np.uint8]


def scaled(controls: EdgeControls, scale: float) -> EdgeControls:
    """The same look on pictures `scale` times the clip's size."""
    return replace(controls, grow=controls.grow * scale, feather=controls.feather * scale)


def finished_weights(
    weights: Weights,
    finish: Finish,
    scale: float,
    neighbours: Mapping[int, Weights],
    motions: Mapping[int, Flow],
) -> Weights:
    """Weights (height, width) as `to_weights` gives them, finished; all at `scale` times the clip's size.

    neighbours, motions: by offset, see `vosengine.finish.Surroundings`; motions in pixels of this size.
    """
    mattes = {offset: soften(other) for offset, other in neighbours.items()}
    around = Surroundings(mattes, motions, finish.drawn)
    matte = finished(soften(weights), scaled(finish.controls, scale), around)
    return to_weights(matte, weights.shape[1], weights.shape[0])
