"""Operators beside the protocol's own: boxes, annotations on every K-th frame, corrections of the worst."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean

from vosengine.config import Config, changed
from vosengine.evaluation.datasets import Sequence
from vosengine.evaluation.protocol import Round, SequenceResult, annotations_on
from vosengine.evaluation.report import frame_measures


@dataclass(frozen=True)
class EveryFrame:
    """Annotates frames 0, `every`, 2 x `every` ... once; 0 the first one alone (MaskTrack, section 5.4).

    `boxes` gives boxes round the objects in place of their masks.
    """

    every: int = 0
    boxes: bool = False

    def next_round(self, sequence: Sequence, config: Config, done: list[SequenceResult]) -> Round | None:
        """One round."""
        return None if done else Round(annotations_on(sequence, self.frames(sequence), self.boxes), config)

    def frames(self, sequence: Sequence) -> list[int]:
        """Those of the frames that have a truth."""
        known = sorted(sequence.mask_files)
        return [frame for frame in known if frame % self.every == 0] if self.every else known[:1]


@dataclass(frozen=True)
class Refining:
    """Annotates the first frame, then `times` times the one where the result is worst, and runs again.

    OSVOS, section 4, "Refinement of results": "select the frame in which OSVOS performs worse, similarly to
    what an operator would do, and add the ground-truth annotation into the fine-tuning". `judge` "truth"
    takes the frame of the smallest J, as there; "estimate" that of the smallest quality the engine itself
    estimates, which is what a real operator has to go by. Where `zero_shot` is sensible, a round with the
    parent network alone comes first.
    """

    times: int
    judge: str = "truth"
    boxes: bool = False

    def next_round(self, sequence: Sequence, config: Config, done: list[SequenceResult]) -> Round | None:
        """Each round knows all annotations so far and starts from the models of the one before."""
        before = int(zero_shot(config))
        if len(done) < before:
            return Round(annotations_on(sequence, (), self.boxes), changed(config, {"steps": 0}))
        if len(done) == before:
            return Round(annotations_on(sequence, (), self.boxes), config)
        frame = self._worst(done[-1])
        if len(done) > before + self.times or frame is None:
            return None
        frames = sorted([*done[-1].annotated, frame])
        return Round(annotations_on(sequence, frames, self.boxes), config, warm_start=True)

    def _worst(self, result: SequenceResult) -> int | None:
        """The frame to annotate next, None when every frame that could be has an annotation."""
        values = j_by_frame(result) if self.judge == "truth" else result.qualities
        known = result.sequence.mask_files.keys() - set(result.annotated)
        return min((frame for frame in values if frame in known), key=lambda f: (values[f], f), default=None)


def zero_shot(config: Config) -> bool:
    """Whether "0 annotations" (OSVOS's table 4) can be measured: the network alone, without fine-tuning.

    Methods whose sweeps begin at an annotation depend on it even so.
    """
    return config.method == "osvos"


def j_by_frame(result: SequenceResult) -> dict[int, float]:
    """J of the scored frames, the mean over the objects."""
    return {measure.frame: measure.J for measure in frame_measures(result)}


def j_elsewhere(result: SequenceResult) -> float | None:
    """Mean J over the scored frames without an annotation; None when there are none."""
    values = [J for frame, J in j_by_frame(result).items() if frame not in result.annotated]
    return fmean(values) if values else None
