"""The protocol of DAVIS-2016 for one sequence: the first annotation is given, the engine does the rest."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Protocol

import numpy as np

from vosengine import png
from vosengine.config import Config
from vosengine.errors import DatasetError, EngineError
from vosengine.evaluation.datasets import MaskFiles, Sequence
from vosengine.evaluation.metrics import Scores, score
from vosengine.messages import (
    ClipOpened,
    Command,
    EngineLike,
    Event,
    FineTune,
    JobFailed,
    MaskPredicted,
    OpenClip,
    Propagate,
)
from vosengine.types import Annotation, Direction, Span

HALF = 32768  # a matte's pixel belongs to the hard mask from here on

OnEvent = Callable[[str, Event], None]


class ClosableEngine(EngineLike, Protocol):
    """An engine that can be put away after a sequence."""

    def close(self) -> None:
        """Let go of clips and models."""


@dataclass(frozen=True)
class Timing:
    """Seconds a sequence took, and the most memory its process has held so far, in MiB."""

    open_seconds: float
    fine_tune_seconds: float
    propagate_seconds: float
    peak_memory_mb: float


@dataclass(frozen=True)
class SequenceResult:
    """What became of one sequence: scores by object, and the files of the results by frame.

    `timing` is None for results that were made elsewhere. The first frame's file holds its annotation.
    """

    sequence: Sequence
    scores: Mapping[int, Scores]
    result_files: Mapping[int, Path]
    timing: Timing | None = None


def run_sequence(
    sequence: Sequence,
    config: Config,
    engine: ClosableEngine,
    results_folder: Path,
    on_event: OnEvent | None = None,
) -> SequenceResult:
    """Fine-tune on the first annotation, propagate forward, and score the hard masks.

    The results are written to `results_folder`/SEQUENCE as DAVIS palette PNGs named like the frames;
    writing them is not timed. Raises EngineError when the engine cannot do the sequence.
    """
    clip, annotations = sequence.frames_folder, _first_annotations(sequence)
    files = _first_result(sequence, results_folder)
    run = _TimedEngine(engine, sequence.name, on_event)
    span = _span(run.events(OpenClip(clip)), sequence)
    for _ in run.events(FineTune(clip, annotations, config)):
        pass
    for event in run.events(Propagate(clip, annotations, span, config, Direction.FORWARD)):
        if isinstance(event, MaskPredicted):
            _keep(event, files, sequence, results_folder)
    opening, fine_tuning, propagating = run.seconds
    timing = Timing(opening, fine_tuning, propagating, peak_memory_mb())
    return score_sequence(sequence, files, timing)


def score_sequence(
    sequence: Sequence, result_files: Mapping[int, Path], timing: Timing | None = None
) -> SequenceResult:
    """Score results that lie in files. Raises DatasetError naming the sequence and what is wrong."""
    scores = {}
    for object_id in sequence.object_ids:
        predictions = MaskFiles(result_files, None if sequence.single_object else object_id)
        try:
            scores[object_id] = score(predictions, sequence.masks(object_id), sequence.evaluate_t)
        except DatasetError as error:
            raise DatasetError(f"{sequence.name}: {error}") from error
    return SequenceResult(sequence, scores, dict(result_files), timing)


def peak_memory_mb() -> float:
    """The most memory this process has held since it started, in MiB."""
    if sys.platform == "win32":
        import psutil  # noqa: PLC0415 - Windows alone needs it

        return float(psutil.Process().memory_info().peak_wset) / 2**20
    import resource  # noqa: PLC0415 - Windows has no such module

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)  # macOS counts bytes, Linux KiB


@dataclass
class _TimedEngine:
    """Runs commands one after the other and notes the seconds each spent in the engine."""

    engine: ClosableEngine
    name: str
    on_event: OnEvent | None
    seconds: list[float] = field(default_factory=list)

    def events(self, command: Command) -> Iterator[Event]:
        """The command's events; what the consumer does between two of them is not timed."""
        events = self.engine.run(len(self.seconds) + 1, command)
        self.seconds.append(0.0)
        while (event := self._next(events)) is not None:
            if isinstance(event, JobFailed):
                failure = EngineError if event.expected else RuntimeError
                raise failure(f"{self.name}: {event.message}\n{event.traceback}".rstrip())
            if self.on_event is not None:
                self.on_event(self.name, event)
            yield event

    def _next(self, events: Iterator[Event]) -> Event | None:
        began = perf_counter()
        event = next(events, None)
        self.seconds[-1] += perf_counter() - began
        return event


def _first_annotations(sequence: Sequence) -> tuple[Annotation, ...]:
    return tuple(
        Annotation(0, object_id, mask=sequence.masks(object_id)[0]) for object_id in sequence.object_ids
    )


def _span(events: Iterator[Event], sequence: Sequence) -> Span:
    """The span of the clip that opened, after all its events."""
    infos = [event.info for event in events if isinstance(event, ClipOpened)]
    expected = Span(0, len(sequence.frame_files))
    if not infos or infos[-1].span != expected:
        raise DatasetError(
            f"{sequence.frames_folder} does not open as {len(expected)} frames; get the data set again."
        )
    return expected


def _first_result(sequence: Sequence, results_folder: Path) -> dict[int, Path]:
    file = _result_file(sequence, results_folder, 0)
    ids = np.zeros_like(sequence.masks(sequence.object_ids[0])[0])
    for object_id in sequence.object_ids:
        ids[sequence.masks(object_id)[0] > 0] = object_id
    png.write_palette(file, ids)
    return {0: file}


def _keep(event: MaskPredicted, files: dict[int, Path], sequence: Sequence, results_folder: Path) -> None:
    """Mark the predicted object in the frame's file; the first object of a frame starts the file anew."""
    file = _result_file(sequence, results_folder, event.frame)
    ids = png.read_palette_ids(file) if event.frame in files else np.zeros(event.matte.shape, np.uint8)
    ids[event.matte >= HALF] = event.object_id
    png.write_palette(file, ids)
    files[event.frame] = file


def _result_file(sequence: Sequence, results_folder: Path, frame: int) -> Path:
    return results_folder / sequence.name / f"{sequence.frame_files[frame].stem}.png"
