"""Measuring a method on a data set, or results that are already there."""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from pathlib import Path
from typing import NoReturn

import cv2
from tqdm import tqdm

from vosengine.config import Config
from vosengine.errors import DatasetError, EngineError
from vosengine.evaluation.datasets import Sequence, find_sequences
from vosengine.evaluation.page import write_page
from vosengine.evaluation.protocol import (
    ClosableEngine,
    OnEvent,
    SequenceResult,
    run_sequence,
    score_sequence,
)
from vosengine.evaluation.report import Report, markdown, sequence_measures, write_json
from vosengine.messages import Event, JobProgressed

EngineFactory = Callable[[], ClosableEngine]


def make_engine() -> ClosableEngine:
    """The engine of the application. Imports torch."""
    from vosengine.engine import Engine  # noqa: PLC0415 - scoring alone needs no torch

    return Engine()


def evaluate(
    sequences: list[Sequence],
    config: Config,
    results_folder: Path,
    jobs: int = 1,
    *,
    engine_factory: EngineFactory = make_engine,
    on_event: OnEvent | None = None,
) -> Iterator[SequenceResult]:
    """Run the sequences, each with a fresh engine, and yield each result as it is ready.

    `jobs` processes share the processor's cores; with more than one, `on_event` is not called and
    `engine_factory` must be a function of a module. The results' masks are written to `results_folder`.
    Raises EngineError for the first sequence that fails.
    """
    if jobs <= 1:
        for sequence in sequences:
            yield _run_with_new_engine(sequence, config, engine_factory, results_folder, on_event)
        return
    # Spawned, not forked: a forked process inherits the parent's threads half-way through their work.
    pool = ProcessPoolExecutor(
        min(jobs, len(sequences)),
        multiprocessing.get_context("spawn"),
        _limit_threads,
        (max(1, (os.cpu_count() or 1) // jobs),),
    )
    try:
        yield from _finished(
            pool.submit(_run_with_new_engine, sequence, config, engine_factory, results_folder)
            for sequence in sequences
        )
    finally:
        pool.shutdown(cancel_futures=True)


def run_evaluation(
    dataset: Path,
    config: Config,
    preset_name: str,
    sequences: list[str] | None = None,
    jobs: int = 1,
    json_file: Path | None = None,
    html_file: Path | None = None,
    print: Callable[[str], object] = print,
    *,
    results_folder: Path | None = None,
    single_object: bool = True,
    cache_folder: Path | None = None,
    engine_factory: EngineFactory = make_engine,
) -> Report:
    """Evaluate a data set with a progress bar, write the files asked for and print a Markdown table.

    Without a `results_folder` the results' masks are gone when this returns. Raises EngineError.
    """
    found = find_sequences(dataset, sequences, single_object=single_object, cache_folder=cache_folder)
    with tempfile.TemporaryDirectory(prefix="rotoshot-") as temporary:
        results: dict[str, SequenceResult] = {}
        with tqdm(total=len(found), unit="sequence", file=sys.stderr, disable=None) as bar:
            for result in evaluate(
                found,
                config,
                results_folder or Path(temporary),
                jobs,
                engine_factory=engine_factory,
                on_event=lambda name, event: _show(bar, name, event),
            ):
                results[result.sequence.name] = result
                bar.update()
                _say(bar, result)
        in_order = tuple(results[sequence.name] for sequence in found)
        report = Report(dataset.name, preset_name, in_order, config)
        write_report(report, json_file, html_file, print)
    return report


def score_folder(
    results: Path,
    dataset: Path,
    sequences: Iterable[str] | None = None,
    *,
    single_object: bool = True,
    cache_folder: Path | None = None,
) -> Report:
    """Score masks that are already there, `results`/SEQUENCE/NNNNN.png named like the data set's frames.

    Without `sequences`, all that `results` has a folder of. Raises DatasetError for missing or misfitting
    results.
    """
    if not results.is_dir():
        raise DatasetError(f"{results} does not exist; name a folder that holds one folder a sequence.")
    found = find_sequences(dataset, sequences, single_object=single_object, cache_folder=cache_folder)
    if sequences is None:
        found = [sequence for sequence in found if (results / sequence.name).is_dir()]
    if not found:
        raise DatasetError(f"{results} holds no folder named like a sequence of {dataset}.")
    scored = tuple(score_sequence(sequence, _result_files(results, sequence)) for sequence in found)
    return Report(dataset.name, results.name, scored)


def write_report(
    report: Report,
    json_file: Path | None,
    html_file: Path | None,
    print: Callable[[str], object] = print,
) -> None:
    """Print the Markdown table and write the files asked for. Raises EngineError."""
    print(markdown(report))
    if json_file is not None:
        write_json(report, json_file)
    if html_file is not None:
        write_page(report, html_file)


def _finished(futures: Iterable[Future[SequenceResult]]) -> Iterator[SequenceResult]:
    try:
        for future in as_completed(list(futures)):
            yield future.result()
    except BrokenProcessPool as error:
        raise EngineError(
            "A process of the evaluation died, most likely for want of memory; use fewer jobs."
        ) from error


def _run_with_new_engine(
    sequence: Sequence,
    config: Config,
    engine_factory: EngineFactory,
    results_folder: Path,
    on_event: OnEvent | None = None,
) -> SequenceResult:
    with closing(engine_factory()) as engine:
        return run_sequence(sequence, config, engine, results_folder, on_event)


def _limit_threads(threads: int) -> None:
    """Give a new process its share of the cores."""
    os.environ["OMP_NUM_THREADS"] = str(threads)  # read when torch is imported
    cv2.setNumThreads(threads)
    from vosengine.runtime import prepare_process  # noqa: PLC0415 - imports torch

    prepare_process(threads)


def _result_files(results: Path, sequence: Sequence) -> dict[int, Path]:
    files = {
        frame: results / sequence.name / f"{file.stem}.png" for frame, file in enumerate(sequence.frame_files)
    }
    return {frame: file for frame, file in files.items() if file.is_file()}


def _show(bar: tqdm[NoReturn], name: str, event: Event) -> None:
    if isinstance(event, JobProgressed):
        bar.set_postfix_str(f"{name}: {event.what} {event.done}/{event.total}")


def _say(bar: tqdm[NoReturn], result: SequenceResult) -> None:
    measures = sequence_measures(result)
    seconds = measures.seconds_per_frame or 0.0
    line = f"{result.sequence.name}: J {measures.J:.3f}, F {measures.F:.3f}, {seconds:.2f} s a frame"
    bar.write(line, file=sys.stderr)
