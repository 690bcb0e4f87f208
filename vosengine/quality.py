"""How good a predicted mask probably is, without knowing the truth."""

from __future__ import annotations

import numpy as np

from vosengine.types import Probability


def expected_j(probability: Probability) -> float:
    """The J one can expect of the thresholded mask if the probabilities mean what they say; in [0, 1].

    E[intersection] / E[union] with pixels independent: inside the mask each counts as right with its
    probability, outside each as missed with its probability. An empty mask without doubt scores 1.
    """
    inside = probability >= 0.5
    right = float(probability[inside].sum(dtype=np.float64))
    union = float(inside.sum()) + float(probability[~inside].sum(dtype=np.float64))
    return right / union if union > 0.5 else 1.0
