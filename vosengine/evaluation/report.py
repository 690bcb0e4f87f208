"""What an evaluation found, as figures by sequence: for JSON, for Markdown, and for the HTML page."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import fmean
from typing import Any

from vosengine import atomic
from vosengine.config import Config
from vosengine.evaluation.analysis import Table, mean, text
from vosengine.evaluation.protocol import SequenceResult

SCORES = ("J", "J_recall", "J_decay", "F", "F_recall", "F_decay", "T")
HEADINGS = [
    "sequence", "J", "J recall", "J decay", "F", "F recall", "F decay", "T",
    "s/frame", "fine-tuning s", "propagation s/frame", "peak MB",
]  # fmt: skip


@dataclass(frozen=True)
class Measures:
    """The figures of one sequence or of all, named as in the JSON file; None where not measured.

    `seconds_per_frame` is fine-tuning and propagation over all frames of the sequence,
    `peak_memory_mb` the most its process held until then, in MiB.
    """

    J: float
    J_recall: float
    J_decay: float
    F: float
    F_recall: float
    F_decay: float
    T: float | None
    seconds_per_frame: float | None
    fine_tune_seconds: float | None
    peak_memory_mb: float | None


@dataclass(frozen=True)
class FrameMeasure:
    """J and F of one frame, the mean over the objects scored there."""

    frame: int
    J: float
    F: float


@dataclass(frozen=True)
class Report:
    """The results of an evaluation, all of them scored.

    `title` names what was measured; `config` is None for given results; `tables` are further analyses;
    `boxes` tells that boxes were given in place of the first masks.
    """

    dataset: str
    title: str
    results: tuple[SequenceResult, ...]
    config: Config | None = None
    tables: tuple[Table, ...] = ()
    boxes: bool = False

    @property
    def heading(self) -> str:
        """The title, what was given, and the data set."""
        return f"{self.title}{' from boxes' if self.boxes else ''} on {self.dataset}"

    @property
    def sequences(self) -> dict[str, Measures]:
        """The figures by sequence."""
        return {result.sequence.name: sequence_measures(result) for result in self.results}

    @property
    def mean(self) -> Measures:
        """The mean over what has a value; of peak memory the largest.

        Scores are averaged over the objects of all sequences, as in DAVIS-2017, times over the sequences.
        """
        each = list(self.sequences.values())
        values: dict[str, Any] = {f.name: mean(getattr(m, f.name) for m in each) for f in fields(Measures)}
        objects = [scores for result in self.results for scores in result.scores.values()]
        values |= {name: mean(getattr(scores, name) for scores in objects) for name in SCORES}
        peaks = [m.peak_memory_mb for m in each if m.peak_memory_mb is not None]
        return Measures(**(values | {"peak_memory_mb": max(peaks, default=None)}))


def sequence_measures(result: SequenceResult) -> Measures:
    """The figures of one sequence; with several objects their mean, as in DAVIS-2017."""
    values: dict[str, Any] = {
        name: mean(getattr(scores, name) for scores in result.scores.values()) for name in SCORES
    }
    timing = result.timing
    if timing is None:
        return Measures(**values, seconds_per_frame=None, fine_tune_seconds=None, peak_memory_mb=None)
    seconds = timing.fine_tune_seconds + timing.propagate_seconds
    return Measures(
        **values,
        seconds_per_frame=seconds / len(result.sequence.frame_files),
        fine_tune_seconds=timing.fine_tune_seconds,
        peak_memory_mb=timing.peak_memory_mb,
    )


def frame_measures(result: SequenceResult) -> list[FrameMeasure]:
    """J and F of every scored frame, in order."""
    J: dict[int, list[float]] = {}
    F: dict[int, list[float]] = {}
    for scores in result.scores.values():
        for frame, j, f in zip(scores.frames, scores.J_by_frame, scores.F_by_frame, strict=True):
            J.setdefault(frame, []).append(j)
            F.setdefault(frame, []).append(f)
    return [FrameMeasure(frame, fmean(J[frame]), fmean(F[frame])) for frame in sorted(J)]


def to_json(report: Report) -> dict[str, Any]:
    """`{"mean": figures, "sequences": {NAME: figures}}`, a figure that was not measured being null.

    Further tables stand beside them under their own keys.
    """
    return {
        "mean": asdict(report.mean),
        "sequences": {name: asdict(measures) for name, measures in report.sequences.items()},
        **{table.key: table.figures for table in report.tables},
    }


def write_json(report: Report, file: Path) -> None:
    """Write `to_json`. Raises EngineError when the file cannot be written."""
    atomic.write_bytes(file, (json.dumps(to_json(report), indent=2) + "\n").encode())


def table(report: Report) -> tuple[list[str], list[list[str]]]:
    """Headings and rows of text: one row a sequence, the mean last."""
    rows = [
        [result.sequence.name, *_cells(sequence_measures(result), _propagation(result))]
        for result in report.results
    ]
    propagation = mean(_propagation(result) for result in report.results)
    return HEADINGS, [*rows, ["mean", *_cells(report.mean, propagation)]]


def markdown(report: Report) -> str:
    """Markdown tables, each under a line that says what it measures."""
    headings, rows = table(report)
    rows[-1] = [f"**{cell}**" for cell in rows[-1]]
    first = (report.heading, headings, rows)
    further = ((t.title, t.headings, t.rows) for t in report.tables)
    return "\n\n".join(
        f"{title}\n\n{markdown_table(headings, rows)}" for title, headings, rows in (first, *further)
    )


def markdown_table(headings: list[str], rows: list[list[str]]) -> str:
    """Cells of text as a Markdown table, the first column to the left, all others to the right."""
    rules = ["---", *["---:"] * (len(headings) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (headings, rules, *rows))


def _cells(measures: Measures, propagation: float | None) -> list[str]:
    return [
        *(text(getattr(measures, name)) for name in SCORES),
        text(measures.seconds_per_frame),
        text(measures.fine_tune_seconds, "{:.1f}"),
        text(propagation),
        text(measures.peak_memory_mb, "{:.0f}"),
    ]


def _propagation(result: SequenceResult) -> float | None:
    """Seconds a frame without the fine-tuning."""
    if result.timing is None:
        return None
    return result.timing.propagate_seconds / len(result.sequence.frame_files)
