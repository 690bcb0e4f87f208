"""How good a predicted mask probably is, without knowing the truth, and why it may not be.

What a run sees of a frame (`Evidence`, gathered by `vosengine.evidence`) is weighed by a logistic regression
whose weights are none below 0: worse evidence never raises the estimate. `rotoshot train quality` fits the
weights and writes them to `resources/weights/quality.json`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from vosengine.errors import WeightsError
from vosengine.language import tr
from vosengine.types import Probability, Reason
from vosengine.weights import bundled_folder

FILE = "quality.json"


@dataclass(frozen=True)
class Evidence:
    """What a run sees of one object on one frame: each at least 0, larger is worse, None where unseen.

    unsure: 1 - `expected_j` of the method's probability.
    lost: nothing was found; the shares are then 1.
    surroundings: share of the surroundings whose colours were the object's, not its surroundings', then.
    moved: what snapping changed, 1 - IoU.
    """

    unsure: float
    lost: bool = False
    surroundings: float | None = None
    moved: float | None = None


@dataclass(frozen=True)
class Kind:
    """One kind of evidence: on what scale it counts, and what it gives as the reason."""

    reason: Reason
    scale: Callable[[float], float]


def _share(value: float) -> float:
    """The logarithm of a share of wrong pixels: twice as many are as much worse wherever one starts."""
    return math.log(value + SMALLEST)


SMALLEST = 0.01  # a share below this is as good as none
KINDS: dict[str, Kind] = {
    "unsure": Kind(Reason.UNSURE, _share),
    "moved": Kind(Reason.EDGE, _share),
    "surroundings": Kind(Reason.COLOURS, float),
}


@dataclass(frozen=True)
class Estimate:
    """`j` in (0, 1); `reason`: what pulls it down most against a typical good frame, None where nothing."""

    j: float
    reason: Reason | None = None


@dataclass(frozen=True)
class Estimator:
    """J = 1 / (1 + exp(sum of weight * scaled evidence - intercept)).

    weights: by kind, at least 0. typical: the scaled evidence of a good frame, which also stands for what
    was not seen.
    """

    intercept: float
    weights: Mapping[str, float]
    typical: Mapping[str, float]

    def estimate(self, evidence: Evidence) -> Estimate:
        """The estimate of one frame. Worse evidence of any kind never raises it."""
        known = scaled(evidence)
        worse = {k: w * (known.get(k, self.typical[k]) - self.typical[k]) for k, w in self.weights.items()}
        usual = sum(weight * self.typical[kind] for kind, weight in self.weights.items())
        j = 1 / (1 + math.exp(usual + sum(worse.values()) - self.intercept))
        return Estimate(j, Reason.LOST if evidence.lost else _main_reason(worse))


def scaled(evidence: Evidence) -> dict[str, float]:
    """What was seen, by kind, on its scale."""
    values = {kind: getattr(evidence, kind) for kind in KINDS}
    return {kind: KINDS[kind].scale(value) for kind, value in values.items() if value is not None}


def _main_reason(worse: Mapping[str, float]) -> Reason | None:
    main = max(worse, key=lambda kind: worse[kind], default=None)
    return KINDS[main].reason if main is not None and worse[main] > 0 else None


@cache
def bundled_estimator() -> Estimator:
    """The estimator that ships with Rotoshot. Raises WeightsError for a damaged file."""
    return read_estimator(bundled_folder() / FILE)


def read_estimator(path: Path) -> Estimator:
    """What `rotoshot train quality` wrote. Raises WeightsError for anything else."""
    try:
        content: dict[str, Any] = json.loads(path.read_text("utf-8"))
        weights = {kind: float(each["weight"]) for kind, each in content["evidence"].items()}
        typical = {kind: float(each["typical"]) for kind, each in content["evidence"].items()}
        intercept = float(content["intercept"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(
            tr("{name} is missing or damaged; copy or train it again.").format(name=path.name)
        ) from error
    if not weights.keys() <= KINDS.keys() or min(weights.values(), default=0) < 0:
        raise WeightsError(tr("{name} is of another edition; train it again.").format(name=path.name))
    return Estimator(intercept, weights, typical)


def expected_j(probability: Probability) -> float:
    """The J one can expect of the thresholded mask if the probabilities mean what they say; in [0, 1].

    E[intersection] / E[union] with pixels independent: inside the mask each counts as right with its
    probability, outside each as missed with its probability. An empty mask without doubt scores 1.
    """
    inside = probability >= 0.5
    right = float(probability[inside].sum(dtype=np.float64))
    union = float(inside.sum()) + float(probability[~inside].sum(dtype=np.float64))
    return right / union if union > 0.5 else 1.0
