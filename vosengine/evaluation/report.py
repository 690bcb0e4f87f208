"""What an evaluation found, as figures by sequence: for JSON, for Markdown, and for the HTML page."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import fmean
from typing import Any

from vosengine import atomic
from vosengine.config import Config
from vosengine.evaluation.protocol import SequenceResult

NO_VALUE = "–"
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
    """J and F of one frame, the mean over its objects."""

    frame: int
    J: float
    F: float


@dataclass(frozen=True)
class Report:
    """The results of an evaluation. `title` names what was measured; `config` is None for given results."""

    dataset: str
    title: str
    results: tuple[SequenceResult, ...]
    config: Config | None = None

    @property
    def sequences(self) -> dict[str, Measures]:
        """The figures by sequence."""
        return {result.sequence.name: sequence_measures(result) for result in self.results}

    @property
    def mean(self) -> Measures:
        """The mean over the sequences that have a value; of peak memory the largest."""
        each = list(self.sequences.values())
        values: dict[str, Any] = {f.name: _mean(getattr(m, f.name) for m in each) for f in fields(Measures)}
        peaks = [m.peak_memory_mb for m in each if m.peak_memory_mb is not None]
        return Measures(**(values | {"peak_memory_mb": max(peaks, default=None)}))


def sequence_measures(result: SequenceResult) -> Measures:
    """The figures of one sequence; with several objects their mean, as in DAVIS-2017."""
    names = ("J", "J_recall", "J_decay", "F", "F_recall", "F_decay", "T")
    values: dict[str, Any] = {
        name: _mean(getattr(scores, name) for scores in result.scores.values()) for name in names
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
    objects = list(result.scores.values())
    J = zip(*(scores.J_by_frame for scores in objects), strict=True)
    F = zip(*(scores.F_by_frame for scores in objects), strict=True)
    return [
        FrameMeasure(frame, fmean(j), fmean(f)) for frame, j, f in zip(objects[0].frames, J, F, strict=True)
    ]


def to_json(report: Report) -> dict[str, Any]:
    """`{"mean": figures, "sequences": {NAME: figures}}`, a figure that was not measured being null."""
    return {
        "mean": asdict(report.mean),
        "sequences": {name: asdict(measures) for name, measures in report.sequences.items()},
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
    propagation = _mean(_propagation(result) for result in report.results)
    return HEADINGS, [*rows, ["mean", *_cells(report.mean, propagation)]]


def markdown(report: Report) -> str:
    """A Markdown table under a line that says what was measured."""
    headings, rows = table(report)
    rules = ["---", *["---:"] * (len(headings) - 1)]
    rows[-1] = [f"**{cell}**" for cell in rows[-1]]
    lines = [" | ".join(cells) for cells in (headings, rules, *rows)]
    return "\n".join([f"{report.title} on {report.dataset}", "", *(f"| {line} |" for line in lines)])


def _cells(measures: Measures, propagation: float | None) -> list[str]:
    scores = [getattr(measures, f.name) for f in fields(Measures)[:7]]
    return [
        *(_text(value, "{:.3f}".format) for value in scores),
        _text(measures.seconds_per_frame, "{:.3f}".format),
        _text(measures.fine_tune_seconds, "{:.1f}".format),
        _text(propagation, "{:.3f}".format),
        _text(measures.peak_memory_mb, "{:.0f}".format),
    ]


def _propagation(result: SequenceResult) -> float | None:
    """Seconds a frame without the fine-tuning."""
    if result.timing is None:
        return None
    return result.timing.propagate_seconds / len(result.sequence.frame_files)


def _text(value: float | None, form: Callable[[float], str]) -> str:
    return NO_VALUE if value is None else form(value)


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
