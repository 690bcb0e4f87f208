"""`rotoshot train quality`: the weights of the estimate of J, fitted on runs over clips with a mask a frame.

Each clip is run with each preset from frames spread over it, outward both ways; every predicted frame gives
the evidence the engine would see, and its true J. A logistic regression of J on the evidence is fitted, its
weights at least 0, with a ridge penalty. Each run has an intercept of its own, so that the weights tell good
frames from bad ones of a clip and not easy clips from hard ones; the estimator's is their mean. Each clip
weighs the same. What the estimate is worth is measured on clips left out of the fit, one
after the other.

The bundled network knows its training clips too well: only the clips it has not seen (`datasets.HELD_OUT`)
are taken where there are any.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_expit

from vosengine import atomic
from vosengine.config import Config, preset
from vosengine.errors import DatasetError
from vosengine.evaluation.analysis import mean
from vosengine.evaluation.metrics import region_similarity
from vosengine.evaluation.ranking import rank_correlation, worst_precision
from vosengine.evidence import after_snapping
from vosengine.finetune import Shot
from vosengine.methods import architecture_of, new_method, weights_of
from vosengine.propagate import FrameResult, propagate
from vosengine.quality import FILE, KINDS, Estimator, Evidence, scaled
from vosengine.snap import snap
from vosengine.sweeps import plan
from vosengine.training.datasets import HELD_OUT, Still, load_training_data
from vosengine.training.options import begin, command_of
from vosengine.types import Direction, Image, Span
from vosengine.weights import load_network

PRESETS = ("instant", "draft")  # quick, and unlike in crop, steps and snapping
STARTS = 2  # the first and the last frame
RIDGE = 0.02  # of the squared weights of standardised evidence, beside the mean cross-entropy
SMALLEST_WEIGHT = 1e-3  # kinds of evidence with less are left out
CHANGES: dict[str, Any] = {}  # of the presets' settings
OBJECT = 1
FEWEST = 3  # frames of a clip
RUNS = "runs.json"
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Run:
    """The predicted frames of a clip from one annotated frame: their evidence and true J, in [0, 1].

    distances: of the frames from the annotated one, which the estimate does not know.
    """

    clip: str
    preset: str
    start: int
    distances: tuple[int, ...]
    evidence: tuple[Evidence, ...]
    J: tuple[float, ...]


@dataclass
class Frames:
    """A clip's stills as `propagate` reads them."""

    stills: Sequence[Still]
    width: int
    height: int

    def image(self, frame: int) -> Image:
        """uint8 RGB (height, width, 3)."""
        return self.stills[frame].decode()[0]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    names, least = ",".join(PRESETS), f"(default {RIDGE:g})"
    parser.add_argument(
        "--data", type=Path, required=True, help="folder or tars of clips with a mask a frame"
    )
    parser.add_argument("--out", type=Path, required=True, help=f"where {FILE} and {RUNS} go")
    parser.add_argument("--presets", default=names, help=f"what to run the clips with (default {names})")
    parser.add_argument("--starts", type=int, default=STARTS, help=f"annotated frames tried ({STARTS})")
    parser.add_argument("--ridge", type=float, default=RIDGE, help=f"penalty of large weights {least}")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--licence", default="that of the training data", help="for the card")
    parser.add_argument("--data-note", default="", help="what the data are, for the card")
    parser.add_argument("--resume", action="store_true", help=f"take what is in {RUNS} already, run the rest")
    parser.add_argument("--threads", type=int, help="torch threads (default: all cores)")


def main(arguments: argparse.Namespace) -> int:
    """Run, fit, cross-validate; write `quality.json` and the table of all runs."""
    begin(arguments)
    conclude(arguments, all_runs(arguments))
    return 0


def conclude(arguments: argparse.Namespace, runs: Sequence[Run]) -> None:
    """Fit, cross-validate, write and print."""
    scores = {"left_out": left_out(runs, arguments.ridge), **rivals(runs)}
    card = {
        "licence": arguments.licence,
        "data": arguments.data_note or arguments.data.name,
        "recipe": "runs: " + ", ".join(f"{run.clip} {run.preset} from frame {run.start}" for run in runs),
        "command": command_of(arguments, "quality"),
        "seed": arguments.seed,
        "scores": scores,
    }
    write(arguments.out / FILE, fitted(runs, arguments.ridge), card)
    for name, each in scores.items():
        print(name, *(f"{figure} {value:.3f}" for figure, value in each.items() if value is not None))


def all_runs(arguments: argparse.Namespace) -> list[Run]:
    """The runs of all clips, presets and starts; kept in `runs.json`, to resume from."""
    file = arguments.out / RUNS
    runs = read_runs(file) if arguments.resume and file.exists() else []
    known = {(run.clip, run.preset, run.start) for run in runs}
    for name, stills in clips_of(arguments.data).items():
        for chosen in arguments.presets.split(","):
            for start in starts_of(len(stills), arguments.starts):
                if (name, chosen, start) not in known and stills[start].decode()[1].any():
                    runs.append(run_of(name, stills, chosen, start, arguments.seed))
                    print(name, chosen, f"from frame {start}: mean J {np.mean(runs[-1].J):.3f}", flush=True)
                    plain = [asdict(run) for run in runs]
                    atomic.write_bytes(file, (json.dumps(plain) + "\n").encode())
    return runs


def clips_of(data: Path) -> dict[str, list[Still]]:
    """The clips that the bundled network has not seen, else all. Raises DatasetError for too few."""
    clips = {name: stills for name, stills in load_training_data(data)[1].items() if len(stills) >= FEWEST}
    chosen = {name: clips[name] for name in HELD_OUT if name in clips} or clips
    if len(chosen) < 2:
        raise DatasetError(f"{data} needs two clips or more: what is fitted on one is judged on another.")
    return chosen


def starts_of(frames: int, count: int) -> list[int]:
    """The frames to annotate, one a run: spread from the first to the last."""
    return sorted({round(at) for at in np.linspace(0, frames - 1, count)})


def run_of(name: str, stills: Sequence[Still], chosen: str, start: int, seed: int) -> Run:
    """One clip from one annotated frame, both ways."""
    config = preset(chosen, seed=seed, **CHANGES)
    image, mask = stills[start].decode()
    shots = {OBJECT: [Shot(start, image, mask)]}
    method = new_method(load_network(architecture_of(config), weights_of(config)), config)
    for _ in method.fine_tune(shots[OBJECT], config.steps):
        pass
    span, frames = Span(0, len(stills)), Frames(stills, mask.shape[1], mask.shape[0])
    sweeps = plan({OBJECT: [start]}, span, Direction.BOTH)
    steps = propagate(sweeps, {OBJECT: method}, shots, frames, span)
    results = [step for step in steps if isinstance(step, FrameResult)]
    evidence, J = zip(*(_judged(result, stills, config) for result in results), strict=True)
    return Run(name, chosen, start, tuple(abs(result.frame - start) for result in results), evidence, J)


def _judged(result: FrameResult, stills: Sequence[Still], config: Config) -> tuple[Evidence, float]:
    image, truth = stills[result.frame].decode()
    evidence, found = result.evidence[OBJECT], result.probabilities[OBJECT]
    snapped = snap(image, found, config.snap)
    if config.snap != "none":
        evidence = after_snapping(evidence, found, snapped)
    result_mask, true_mask = ((mask >= 0.5).astype(np.uint8) for mask in (snapped, truth))
    return evidence, region_similarity(result_mask, true_mask)


def read_runs(file: Path) -> list[Run]:
    """What a former run kept."""
    return [
        Run(
            each["clip"],
            each["preset"],
            each["start"],
            tuple(each["distances"]),
            tuple(Evidence(**seen) for seen in each["evidence"]),
            tuple(each["J"]),
        )
        for each in json.loads(file.read_text("utf-8"))
    ]


# --- the fit ----------------------------------------------------------------------------------------------


def fitted(runs: Sequence[Run], ridge: float) -> Estimator:
    """The estimator of the runs' J; kinds of evidence that do not help are left out."""
    J = np.concatenate([run.J for run in runs])
    typical = _typical(runs, J)
    values = np.concatenate([_matrix(run.evidence, typical) for run in runs])
    share = _share_of_each(runs)
    middle = share @ values
    spread = np.sqrt(share @ (values - middle) ** 2)
    spread[spread < 1e-6] = np.inf  # never seen, or always the same: says nothing
    number = np.repeat(np.arange(len(runs)), [len(run.J) for run in runs])
    weights, intercepts = _within_runs((values - middle) / spread, J, share, number, ridge)
    weights = weights / spread
    kept = {kind: float(w) for kind, w in zip(KINDS, weights, strict=True) if w > SMALLEST_WEIGHT}
    return Estimator(
        float(share @ intercepts[number] + middle @ weights), kept, {kind: typical[kind] for kind in kept}
    )


def _typical(runs: Sequence[Run], J: Array) -> dict[str, float]:
    """The median of each kind over the better half of the frames; 0 of a kind that was never seen."""
    seen = [scaled(evidence) for run in runs for evidence in run.evidence]
    good = [each for each, j in zip(seen, J, strict=True) if j >= np.median(J)]
    found = {kind: [each[kind] for each in good if kind in each] for kind in KINDS}
    return {kind: float(np.median(values)) if values else 0.0 for kind, values in found.items()}


def _matrix(evidence: Sequence[Evidence], typical: dict[str, float]) -> Array:
    """The scaled evidence (frames, kinds); what was not seen is typical."""
    seen = [scaled(each) for each in evidence]
    return np.array([[each.get(kind, typical[kind]) for kind in KINDS] for each in seen], np.float64)


def _share_of_each(runs: Sequence[Run]) -> Array:
    """The weights of the frames, 1 in sum, those of each clip the same."""
    counts = {clip: sum(len(run.J) for run in runs if run.clip == clip) for clip in {r.clip for r in runs}}
    return np.concatenate([np.full(len(run.J), 1 / counts[run.clip] / len(counts)) for run in runs])


def _within_runs(
    values: Array, J: Array, share: Array, number: NDArray[np.intp], ridge: float
) -> tuple[Array, Array]:
    """Weights (kinds,), at least 0, and intercepts (runs,) of a logistic regression of J."""
    kinds, runs = values.shape[1], int(number[-1]) + 1

    def loss(point: Array) -> tuple[float, Array]:
        weights, intercepts = point[:kinds], point[kinds:]
        cost, slope = _cross_entropy(intercepts[number] - values @ weights, J, share)
        falling = np.bincount(number, slope, runs)
        return cost + ridge * float(weights @ weights), np.r_[2 * ridge * weights - slope @ values, falling]

    bounds = [(0, None)] * kinds + [(-10, 10)] * runs
    found = minimize(loss, np.zeros(kinds + runs), jac=True, method="L-BFGS-B", bounds=bounds)
    return found.x[:kinds], found.x[kinds:]


def _cross_entropy(logits: Array, J: Array, share: Array) -> tuple[float, Array]:
    """The weighted mean cross-entropy of J, and its slope by the logits."""
    cost = -share @ (J * log_expit(logits) + (1 - J) * log_expit(-logits))
    return float(cost), share * (expit(logits) - J)


# --- what it is worth -------------------------------------------------------------------------------------


def left_out(runs: Sequence[Run], ridge: float) -> dict[str, float | None]:
    """The figures over clips that the estimator was not fitted on, each left out in turn."""
    clips = dict.fromkeys(run.clip for run in runs)
    models = {clip: fitted([run for run in runs if run.clip != clip], ridge) for clip in clips}
    estimates = [[models[run.clip].estimate(each).j for each in run.evidence] for run in runs]
    error = mean(float(np.abs(np.subtract(e, r.J)).mean()) for r, e in zip(runs, estimates, strict=True))
    return {**_figures(runs, estimates), "mean_absolute_error": error}


def rivals(runs: Sequence[Run]) -> dict[str, dict[str, float | None]]:
    """The figures of what needs no fit: the network's own doubt, the distance, and chance."""
    values = {
        "expected_j": [[-each.unsure for each in run.evidence] for run in runs],
        "farthest": [[-float(distance) for distance in run.distances] for run in runs],
        "random": [[0.0] * len(run.J) for run in runs],
    }
    return {name: _figures(runs, each) for name, each in values.items()}


def _figures(runs: Sequence[Run], values: Sequence[Sequence[float]]) -> dict[str, float | None]:
    pairs = list(zip(runs, values, strict=True))
    return {
        "rank": _mean_of_clips(runs, [rank_correlation(each, run.J) for run, each in pairs]),
        "worst": _mean_of_clips(runs, [worst_precision(each, run.J) for run, each in pairs]),
    }


def _mean_of_clips(runs: Sequence[Run], values: Sequence[float | None]) -> float | None:
    """The mean over the clips of the mean over their runs."""
    clips = dict.fromkeys(run.clip for run in runs)
    return mean(mean(v for run, v in zip(runs, values, strict=True) if run.clip == clip) for clip in clips)


def write(path: Path, estimator: Estimator, card: dict[str, Any]) -> None:
    """The estimator with its card, for `read_estimator`. Raises EngineError when it cannot be written."""
    evidence = {k: {"weight": w, "typical": estimator.typical[k]} for k, w in estimator.weights.items()}
    content = {**card, "intercept": estimator.intercept, "evidence": evidence}
    atomic.write_bytes(path, (json.dumps(content, indent=2) + "\n").encode())
