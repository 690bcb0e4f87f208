"""The protocol of DAVIS for one sequence: an operator annotates, the engine does the rest.

Under the protocol the operator gives each object's first mask and nothing else (`FirstFrame`; in DAVIS all
objects start on frame 0, in YouTube-VOS each on its own); others are in `vosengine.evaluation.operators`.
The first and last frame of a sequence are never scored. An annotated frame in between counts as what an
editor gets there: a drawn mask as it is (J is 1), a box as the mask the engine made of it. So counts
MaskTrack (section 5.4); OSVOS counts what the network says on annotated frames ("All" in its table 4 is
88.7), which lies between the mean over all frames and that over the frames without an annotation.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean
from time import perf_counter
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from vosengine import png
from vosengine.config import Config
from vosengine.errors import DatasetError, EngineError
from vosengine.evaluation.datasets import Sequence
from vosengine.evaluation.metrics import Scores, score
from vosengine.messages import (
    ClipOpened,
    Command,
    EngineLike,
    Event,
    FineTune,
    JobFailed,
    MaskPredicted,
    ModelReady,
    OpenClip,
    Propagate,
)
from vosengine.sweeps import affected_frames
from vosengine.types import Annotation, Box, Direction, Mask, Span

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

    @property
    def run_seconds(self) -> float:
        """From pressing Run to the last mask."""
        return self.fine_tune_seconds + self.propagate_seconds


@dataclass(frozen=True)
class SequenceResult:
    """What became of one sequence: scores by object, and the files of the results by frame.

    `timing` is None for results that were made elsewhere. The file of a frame in `annotated` holds its
    annotation. `qualities` is the engine's own estimate of J by predicted frame, the mean over the objects.
    `earlier` are the results of the rounds before, where an operator annotated in several.
    """

    sequence: Sequence
    scores: Mapping[int, Scores]
    result_files: Mapping[int, Path]
    timing: Timing | None = None
    annotated: tuple[int, ...] = (0,)
    qualities: Mapping[int, float] = field(default_factory=dict)
    earlier: tuple[SequenceResult, ...] = ()

    @property
    def rounds(self) -> tuple[SequenceResult, ...]:
        """All rounds, this one last."""
        return (*self.earlier, replace(self, earlier=()))


@dataclass(frozen=True)
class Round:
    """What an operator asks of the engine: all annotations so far, and the config to learn them with.

    `warm_start` continues from the models of the round before, and predicts only the frames that the new
    annotations concern; the others keep that round's results.
    """

    annotations: tuple[Annotation, ...]
    config: Config
    warm_start: bool = False


class Operator(Protocol):
    """Who annotates. A plain value: it travels to other processes, and its text names it in records."""

    def next_round(self, sequence: Sequence, config: Config, done: list[SequenceResult]) -> Round | None:
        """The next round after those `done`; None when the operator is content. The first is never None."""


@dataclass(frozen=True)
class FirstFrame:
    """The protocol: the mask of each object on its first frame, in one round."""

    def next_round(self, sequence: Sequence, config: Config, done: list[SequenceResult]) -> Round | None:
        """One round."""
        return None if done else Round(annotations_on(sequence), config)


def run_sequence(
    sequence: Sequence,
    config: Config,
    engine: ClosableEngine,
    results_folder: Path,
    on_event: OnEvent | None = None,
    operator: Operator | None = None,
) -> SequenceResult:
    """Fine-tune on what the operator annotates, propagate, and score the hard masks; round after round.

    `operator` None is `FirstFrame`. Returns the last round's result with those before it. The results are
    written to `results_folder`/SEQUENCE as DAVIS palette PNGs named like the frames, those of the second
    round and later to `results_folder`/round-N/SEQUENCE; writing them is not timed. Raises EngineError when
    the engine cannot do the sequence.
    """
    operator = operator or FirstFrame()
    run = _TimedEngine(engine, sequence.name, on_event)
    span = _span(run.events(OpenClip(sequence.frames_folder)), sequence)
    done: list[SequenceResult] = []
    former: Round | None = None
    while (asked := operator.next_round(sequence, config, done)) is not None:
        folder = results_folder / f"round-{len(done) + 1}" if done else results_folder
        before = (former, done[-1]) if former is not None else None
        done.append(_run_round(run, sequence, span, asked, folder, before))
        former = asked
    return replace(done[-1], earlier=tuple(done[:-1]))


def annotations_on(
    sequence: Sequence, frames: Iterable[int] = (), boxes: bool = False
) -> tuple[Annotation, ...]:
    """Each object's first annotation and those on some more `frames`: its masks, or boxes round it.

    Frames before an object's first or without a truth are passed over. An object that is absent on a frame
    is annotated with its empty mask even where boxes are asked for.
    """
    further = set(frames)
    annotations = [
        _annotation(frame, object_id, truths[frame], boxes)
        for object_id, first in sequence.first_frames.items()
        for truths in [sequence.masks(object_id)]
        for frame in {first, *further} & truths.keys()
    ]
    return tuple(sorted(annotations, key=lambda a: (a.frame, a.object_id)))


def score_sequence(
    sequence: Sequence, result_files: Mapping[int, Path], timing: Timing | None = None
) -> SequenceResult:
    """Score results that lie in files. Raises DatasetError naming the sequence and what is wrong."""
    scores = {}
    for object_id in sequence.scored_objects:
        predictions = sequence.masks_in(result_files, object_id)
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


def _run_round(
    run: _TimedEngine,
    sequence: Sequence,
    span: Span,
    asked: Round,
    results_folder: Path,
    before: tuple[Round, SequenceResult] | None,
) -> SequenceResult:
    clip, annotations, config = sequence.frames_folder, asked.annotations, asked.config
    annotated = tuple(sorted({annotation.frame for annotation in annotations}))
    learned = list(run.events(FineTune(clip, annotations, config, warm_start=asked.warm_start)))
    starts = sequence.first_frames
    direction = Direction.FORWARD if len(annotations) == len(starts) else Direction.BOTH
    results, frames = _Results(sequence, results_folder), None
    qualities: dict[int, list[float]] = {}
    if before is not None and asked.warm_start and _is_continued(learned):
        former, result = before
        frames = affected_frames(former.annotations, annotations, span, direction)
        results.keep(result.result_files, frames)
        qualities = {f: [quality] for f, quality in result.qualities.items() if f not in frames}
    for annotation in annotations:
        if annotation.mask is not None and (frames is None or annotation.frame in frames):
            results.mark(annotation.frame, annotation.object_id, annotation.mask > 0)
    for event in run.events(Propagate(clip, annotations, span, config, direction, frames=frames)):
        # Going backward from a later annotation leads to frames where the object is not in the data yet.
        if isinstance(event, MaskPredicted) and event.frame >= starts[event.object_id]:
            results.mark(event.frame, event.object_id, event.matte >= HALF)
            qualities.setdefault(event.frame, []).append(event.quality)
    timing = Timing(run.seconds[0], run.seconds[-2], run.seconds[-1], peak_memory_mb())
    result = score_sequence(sequence, results.files, timing)
    means = {frame: fmean(values) for frame, values in qualities.items()}
    return replace(result, annotated=annotated, qualities=means)


def _is_continued(learned: list[Event]) -> bool:
    """Whether all models continue former ones, so that former results may stand."""
    return not any(isinstance(event, ModelReady) and event.cold for event in learned)


def _annotation(frame: int, object_id: int, mask: Mask, as_box: bool) -> Annotation:
    if as_box and mask.any():
        x, y, width, height = cv2.boundingRect(mask)
        return Annotation(frame, object_id, box=Box(x, y, width, height))
    return Annotation(frame, object_id, mask=mask)


def _span(events: Iterator[Event], sequence: Sequence) -> Span:
    """The span of the clip that opened, after all its events."""
    infos = [event.info for event in events if isinstance(event, ClipOpened)]
    expected = Span(0, len(sequence.frame_files))
    if not infos or infos[-1].span != expected:
        raise DatasetError(
            f"{sequence.frames_folder} does not open as {len(expected)} frames; get the data set again."
        )
    return expected


@dataclass
class _Results:
    """The palette files of one round, by frame."""

    sequence: Sequence
    folder: Path
    files: dict[int, Path] = field(default_factory=dict)

    def keep(self, former: Mapping[int, Path], but: Container[int]) -> None:
        """Take over the former files of all frames but some."""
        for frame, file in former.items():
            if frame not in but:
                self.files[frame] = self._file(frame)
                self.files[frame].parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, self.files[frame])

    def mark(self, frame: int, object_id: int, inside: NDArray[np.bool_]) -> None:
        """Mark an object in the frame's file; the first object of a frame starts the file anew."""
        file = self._file(frame)
        ids = png.read_palette_ids(file) if frame in self.files else np.zeros(inside.shape, np.uint8)
        ids[inside] = object_id
        png.write_palette(file, ids)
        self.files[frame] = file

    def _file(self, frame: int) -> Path:
        return self.folder / self.sequence.name / f"{self.sequence.frame_files[frame].stem}.png"
