"""J against what it costs: seconds, annotations given beforehand, corrections; each a table and a chart."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import fmean

import numpy as np

from vosengine.config import Config, changed
from vosengine.evaluation.analysis import mean
from vosengine.evaluation.chart import Chart, Point
from vosengine.evaluation.datasets import Sequence
from vosengine.evaluation.metrics import region_similarity
from vosengine.evaluation.operators import EveryFrame, Refining, j_elsewhere, zero_shot
from vosengine.evaluation.protocol import SequenceResult, annotations_on
from vosengine.evaluation.report import Measures, Report, frame_measures, sequence_measures
from vosengine.evaluation.tables import ON_THIS_MACHINE, Comparison, Runner, Values
from vosengine.types import Annotation, Mask

# OSVOS's section 1, figure 8 and section 4, "Timing": seconds a frame (on a Titan X) and J.
OSVOS_BY_TIME: tuple[Point, ...] = ((0.102, 0.525), (0.181, 0.715), (0.4, 0.747), (7.83, 0.797))
# OSVOS's table 4: J by the number of annotated frames.
OSVOS_BY_ANNOTATIONS = {0: 0.585, 1: 0.798, 2: 0.846, 3: 0.859, 4: 0.869, 5: 0.875}
# MaskTrack's section 5.4 and table 2: J with every n-th frame annotated, 0 the first alone.
MASKTRACK_BY_MASKS = {0: 0.748, 10: 0.86}
MASKTRACK_BY_BOXES = {0: 0.737, 10: 0.8}
QUANTILES = (5, 10, 20, 30, 70, 80, 90, 95)  # percent of the frames, the worst first: MaskTrack's figure 7
DRAWN_QUANTILES = (5, 10, 20, 30)

COUNTED = (
    "Annotated frames count as what an editor gets there: a drawn mask as it is, a box as the mask made of "
    "it. `J elsewhere` leaves them out. The first and last frames are not scored."
)


def time_curve(
    runner: Runner, config: Config, steps: Iterable[int], boxes: bool, title: str
) -> tuple[Comparison, Chart]:
    """J by the time spent on one-shot training (OSVOS, figure 8): one row for each number of steps."""
    rows: list[Values] = []
    for count in steps:
        one = changed(config, {"steps": count})
        found = _measures(runner.run(f"steps {count}{_from(boxes)}", one, EveryFrame(boxes=boxes)))
        rows.append(
            {
                "steps": count,
                "J": found.J,
                "F": found.F,
                "s/frame": found.seconds_per_frame,
                "fine-tuning s": found.fine_tune_seconds,
            }
        )
    points = [(row["s/frame"], row["J"]) for row in rows]
    lines: dict[str, list[Point]] = {"ours": points, "OSVOS (its GPU)": list(OSVOS_BY_TIME)}
    note = f"Seconds a frame count fine-tuning and propagation {ON_THIS_MACHINE}"
    chart = Chart(lines, "seconds a frame", logarithmic=True, dashed=frozenset(["OSVOS (its GPU)"]))
    return Comparison(f"{title}{_from(boxes)}: J by time", tuple(rows), (note,)), chart


def annotation_curve(
    runner: Runner, config: Config, every: Iterable[int], boxes: bool, title: str
) -> tuple[Comparison, Chart]:
    """J by the share of annotated frames (MaskTrack, figure 7): one row for each distance between them."""
    rows = [_annotation_row(runner, config, EveryFrame(number, boxes)) for number in every]
    drawn = ["J", "copied J", "MaskTrack J", *(f"{percent} %" for percent in DRAWN_QUANTILES)]
    lines = {
        name: [(row["% annotated"], row[name]) for row in rows if row[name] is not None] for name in drawn
    }
    lines = {name: points for name, points in lines.items() if points}
    what = "boxes" if boxes else "masks"
    notes = (
        COUNTED,
        "`copied J` takes each frame's mask from the nearest annotation. `5 %` to `95 %` are quantiles of J "
        "over all scored frames. `MaskTrack J` is the paper's (section 5.4), on all of DAVIS-2016.",
    )
    chart = Chart(lines, f"percent of frames annotated with {what}", dashed=frozenset(["MaskTrack J"]))
    return Comparison(f"{title}: J by annotated frames ({what})", tuple(rows), notes), chart


def refinement(runner: Runner, config: Config, operator: Refining, title: str) -> tuple[Comparison, Chart]:
    """J after each correction of the worst frame (OSVOS, table 4)."""
    results = runner.run(f"refine {operator.judge}{_from(operator.boxes)}", config, operator)
    first = 0 if zero_shot(config) else 1
    count = max(len(result.rounds) for result in results)
    firsts = [result.rounds[1 - first] for result in results]
    rows = [
        # A sequence whose frames are all annotated stays as it is.
        _refinement_row(first + n, [r.rounds[min(n, len(r.rounds) - 1)] for r in results], firsts)
        for n in range(count)
    ]
    names = ("J", "J elsewhere", "OSVOS J")
    lines = {
        name: [(row["annotations"], row[name]) for row in rows if row[name] is not None] for name in names
    }
    judged = "its J" if operator.judge == "truth" else "the engine's own estimate"
    notes = (
        COUNTED,
        f"Each round annotates the frame that is worst by {judged}, continues from the models before it with "
        "fewer steps, and predicts the frames that are nearest to the new annotation. Seconds are those of "
        "the round, on this machine; `of first run` is their share of the run with one annotation.",
        "`OSVOS J` is the paper's table 4, where annotated frames count as the network sees them.",
    )
    chart = Chart(lines, "annotated frames", dashed=frozenset(["OSVOS J"]))
    return Comparison(f"{title}{_from(operator.boxes)}: J by corrections", tuple(rows), notes), chart


def copied_j(sequence: Sequence, operator: EveryFrame) -> float:
    """J of masks that are copies of the nearest annotation (earlier wins a tie), a box being filled."""
    annotations = annotations_on(sequence, operator.frames(sequence), operator.boxes)
    values = []
    for object_id in sequence.scored_objects:
        truths = sequence.masks(object_id)
        copies = {a.frame: _filled(a, truths[a.frame]) for a in annotations if a.object_id == object_id}
        for frame in sorted(truths)[1:-1]:
            nearest = min(copies, key=lambda known: (abs(known - frame), known))
            values.append(region_similarity(copies[nearest], truths[frame]))
    return fmean(values)


def _annotation_row(runner: Runner, config: Config, operator: EveryFrame) -> Values:
    label = f"{'boxes' if operator.boxes else 'masks'} {_which(operator)}"
    results = runner.run(label, config, operator)
    frames = sum(len(sequence.frame_files) for sequence in runner.sequences)
    given = sum(len(operator.frames(sequence)) for sequence in runner.sequences)
    each = [measure.J for result in results for measure in frame_measures(result)]
    paper = MASKTRACK_BY_BOXES if operator.boxes else MASKTRACK_BY_MASKS
    quantiles = zip(QUANTILES, np.quantile(each, [percent / 100 for percent in QUANTILES]), strict=True)
    return {
        "annotated": _which(operator),
        "% annotated": 100 * given / frames,
        "J": _measures(results).J,
        "J elsewhere": mean(j_elsewhere(result) for result in results),
        "copied J": fmean(copied_j(sequence, operator) for sequence in runner.sequences),
        "MaskTrack J": paper.get(operator.every),
        **{f"{percent} %": float(value) for percent, value in quantiles},
    }


def _which(operator: EveryFrame) -> str:
    return f"every {operator.every}" if operator.every else "first"


def _from(boxes: bool) -> str:
    return " from boxes" if boxes else ""


def _refinement_row(annotations: int, results: list[SequenceResult], firsts: list[SequenceResult]) -> Values:
    measures = [sequence_measures(result) for result in results]
    timings = [result.timing for result in results if result.timing is not None]
    return {
        "annotations": annotations,
        "J": fmean(m.J for m in measures),
        "J elsewhere": mean(j_elsewhere(result) for result in results),
        "F": fmean(m.F for m in measures),
        "fine-tuning s": mean(timing.fine_tune_seconds for timing in timings),
        "propagation s": mean(timing.propagate_seconds for timing in timings),
        "run s": mean(timing.run_seconds for timing in timings),
        "of first run": mean(
            one.timing.run_seconds / first.timing.run_seconds
            for one, first in zip(results, firsts, strict=True)
            if one.timing is not None and first.timing is not None and first.timing.run_seconds > 0
        ),
        "OSVOS J": OSVOS_BY_ANNOTATIONS.get(annotations),
        "sequences": {
            r.sequence.name: {"J": m.J, "annotated": r.annotated}
            for r, m in zip(results, measures, strict=True)
        },
    }


def _measures(results: list[SequenceResult]) -> Measures:
    return Report("", "", tuple(results)).mean


def _filled(annotation: Annotation, truth: Mask) -> Mask:
    if annotation.box is None:
        return truth
    mask, box = np.zeros_like(truth), annotation.box
    mask[round(box.y) : round(box.y + box.height), round(box.x) : round(box.x + box.width)] = 255
    return mask
