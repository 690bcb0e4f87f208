"""Measuring a method on a data set, or results that are already there."""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from pathlib import Path
from typing import NoReturn

import cv2
from tqdm import tqdm

from vosengine.config import Config
from vosengine.errors import DatasetError, EngineError
from vosengine.evaluation.analysis import Analysis, Results, Table
from vosengine.evaluation.datasets import Sequence, find_sequences
from vosengine.evaluation.layouts import find_layout
from vosengine.evaluation.operators import EveryFrame
from vosengine.evaluation.page import write_page
from vosengine.evaluation.protocol import (
    ClosableEngine,
    OnEvent,
    Operator,
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
    operator: Operator | None = None,
) -> Iterator[SequenceResult]:
    """Run the sequences, each with a fresh engine, and yield each result as it is ready.

    `operator` says which frames are annotated; None is `protocol.FirstFrame`.
    `jobs` processes share the processor's cores; with more than one, `on_event` is not called and
    `engine_factory` must be a function of a module. The results' masks are written to `results_folder`.
    Raises EngineError for the first sequence that fails.
    """
    if jobs <= 1:
        for sequence in sequences:
            yield _run_with_new_engine(
                sequence, config, engine_factory, results_folder, on_event, operator=operator
            )
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
            pool.submit(
                _run_with_new_engine, sequence, config, engine_factory, results_folder, operator=operator
            )
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
    single_object: bool | None = None,
    cache_folder: Path | None = None,
    engine_factory: EngineFactory = make_engine,
    boxes: bool = False,
    analyses: Collection[Analysis] = (),
) -> Report:
    """Evaluate a data set with a progress bar, write the files asked for and print Markdown tables.

    `boxes` gives boxes in place of the first masks. Sequences whose truth is not with the data are run but
    not scored, for others to score their masks.
    Without a `results_folder` the results' masks are gone when this returns. Raises EngineError.
    """
    found = find_sequences(dataset, sequences, single_object=single_object, cache_folder=cache_folder)
    _check(found, analyses)
    unscored = ", ".join(sequence.name for sequence in found if not sequence.scored_objects)
    if unscored and results_folder is None:
        raise DatasetError(f"The truth of {unscored} is not with the data; name a folder for the masks.")
    with tempfile.TemporaryDirectory(prefix="rotoshot-") as temporary:
        folder = results_folder or Path(temporary)
        operator = EveryFrame(boxes=True) if boxes else None
        shown = evaluate_shown(found, config, folder, jobs, engine_factory=engine_factory, operator=operator)
        results = {result.sequence.name: result for result in shown}
        scored = tuple(results[sequence.name] for sequence in found if results[sequence.name].scores)
        report = Report(dataset.name, preset_name, scored, config, _tables(analyses, scored), boxes)
        if scored:
            write_report(report, json_file, html_file, print)
    if unscored:
        print(f"Not scored, because the truth is not with the data: {unscored}. Masks: {results_folder}.")
    return report


def evaluate_shown(
    sequences: list[Sequence],
    config: Config,
    results_folder: Path,
    jobs: int = 1,
    *,
    engine_factory: EngineFactory = make_engine,
    operator: Operator | None = None,
    title: str = "",
) -> Iterator[SequenceResult]:
    """`evaluate` under a progress bar on stderr, with a line for each sequence that is done."""
    desc = title or None
    with tqdm(total=len(sequences), desc=desc, unit="sequence", file=sys.stderr, disable=None) as bar:
        for result in evaluate(
            sequences,
            config,
            results_folder,
            jobs,
            engine_factory=engine_factory,
            on_event=lambda name, event: _show(bar, name, event),
            operator=operator,
        ):
            bar.update()
            _say(bar, result)
            yield result


def score_folder(
    results: Path,
    dataset: Path,
    sequences: Iterable[str] | None = None,
    *,
    single_object: bool | None = None,
    cache_folder: Path | None = None,
    analyses: Collection[Analysis] = (),
) -> Report:
    """Score masks that are already there, `results`/SEQUENCE/NNNNN.png named like the data set's frames.

    Without `sequences`, all that `results` has a folder of. Raises DatasetError for missing or misfitting
    results.
    """
    if not results.is_dir():
        raise DatasetError(f"{results} does not exist; name a folder that holds one folder a sequence.")
    if sequences is None:
        there = find_layout(dataset, cache_folder).found
        sequences = [name for name in there if (results / name).is_dir()]
        if not sequences:
            raise DatasetError(f"{results} holds no folder named like a sequence of {dataset}.")
    found = find_sequences(dataset, sequences, single_object=single_object, cache_folder=cache_folder)
    _check(found, analyses)
    unscored = ", ".join(sequence.name for sequence in found if not sequence.scored_objects)
    if unscored:
        raise DatasetError(f"The truth of {unscored} is not with the data; choose other sequences.")
    scored = tuple(score_sequence(sequence, _result_files(results, sequence)) for sequence in found)
    return Report(dataset.name, results.name, scored, tables=_tables(analyses, scored))


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
    operator: Operator | None = None,
) -> SequenceResult:
    with closing(engine_factory()) as engine:
        return run_sequence(sequence, config, engine, results_folder, on_event, operator)


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


def _check(sequences: list[Sequence], analyses: Iterable[Analysis]) -> None:
    for analysis in analyses:
        analysis.check(sequences)


def _tables(analyses: Iterable[Analysis], results: Results) -> tuple[Table, ...]:
    return tuple(analysis.table(results) for analysis in analyses) if results else ()


def _show(bar: tqdm[NoReturn], name: str, event: Event) -> None:
    if isinstance(event, JobProgressed):
        bar.set_postfix_str(f"{name}: {event.what} {event.done}/{event.total}")


def _say(bar: tqdm[NoReturn], result: SequenceResult) -> None:
    if not result.scores:
        bar.write(f"{result.sequence.name}: not scored", file=sys.stderr)
        return
    measures = sequence_measures(result)
    seconds = measures.seconds_per_frame or 0.0
    line = f"{result.sequence.name}: J {measures.J:.3f}, F {measures.F:.3f}, {seconds:.2f} s a frame"
    bar.write(line, file=sys.stderr)
