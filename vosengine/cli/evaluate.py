"""`rotoshot evaluate`: J, F and T of a preset on a data set, after the protocol of DAVIS."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vosengine.cli import comparisons, options

if TYPE_CHECKING:
    from vosengine.evaluation.analysis import Analysis

DEFAULT_PRESET = "balanced"
SINGLE_OBJECT = {"single": True, "multi": False, None: None}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `run` reads."""
    parser.add_argument(
        "dataset",
        type=Path,
        help="a folder in the layout of DAVIS or YouTube-VOS, a tar of one, or a folder that holds one tar",
    )
    options.add_preset_arguments(parser)
    parser.set_defaults(preset=None)  # tells a preset that was asked for from none
    parser.add_argument("--method", help="take another method than the preset's")
    parser.add_argument("--sequences", metavar="A,B", type=names, help="only these sequences")
    parser.add_argument("--jobs", type=positive, help="sequences at a time, each in a process (default 1)")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the measures as JSON")
    parser.add_argument(
        "--html", metavar="FILE", type=Path, help="write a page with curves and the worst frames"
    )
    parser.add_argument("--results", metavar="FOLDER", type=Path, help="keep the masks in this folder")
    parser.add_argument(
        "--score", metavar="FOLDER", type=Path, help="run nothing, score the masks in FOLDER/SEQUENCE"
    )
    parser.add_argument(
        "--objects",
        choices=("single", "multi"),
        help="one object a sequence (DAVIS-2016) or several by id (DAVIS-2017, YouTube-VOS); else several "
        "where ImageSets/2017 or meta.json lie with the data or a first annotation's palette shows several",
    )
    add_analysis_arguments(parser)
    comparisons.add_arguments(parser)


def add_analysis_arguments(parser: argparse.ArgumentParser) -> None:
    """The further tables."""
    parser.add_argument(
        "--errors", action="store_true", help="split the error: false positives close and far, negatives"
    )
    parser.add_argument(
        "--errors-against",
        metavar="FILE",
        type=Path,
        help="the same relative to the error of an evaluation written with --errors --json FILE",
    )
    parser.add_argument("--attributes", action="store_true", help="J by DAVIS attribute (db_info.yml)")
    parser.add_argument("--tracker", action="store_true", help="overlap of the boxes round them")
    parser.add_argument(
        "--quality", action="store_true", help="whether the estimate of J puts the worst frames first"
    )


def run(arguments: argparse.Namespace) -> int:
    """Evaluate; the Markdown table goes to stdout, progress to stderr."""
    table = comparisons.asked(arguments)
    if arguments.score is not None:
        return score(arguments)
    arguments.preset = arguments.preset or DEFAULT_PRESET
    if table:
        return comparisons.run(arguments, table, SINGLE_OBJECT[arguments.objects])
    changes: dict[str, Any] = {"method": arguments.method} if arguments.method else {}
    config = options.config_of(arguments, **changes)
    from vosengine.evaluation.evaluate import run_evaluation  # noqa: PLC0415  # OpenCV, and then torch
    from vosengine.runtime import prepare_process  # noqa: PLC0415

    prepare_process()
    run_evaluation(
        arguments.dataset,
        config,
        options.title_of(arguments, **changes),
        arguments.sequences,
        arguments.jobs or 1,
        arguments.json,
        arguments.html,
        results_folder=arguments.results,
        single_object=SINGLE_OBJECT[arguments.objects],
        analyses=analyses(arguments),
        boxes=arguments.boxes,
    )
    return 0


def score(arguments: argparse.Namespace) -> int:
    """Score masks that are already there."""
    from vosengine.evaluation.evaluate import score_folder, write_report  # noqa: PLC0415  # OpenCV

    report = score_folder(
        arguments.score,
        arguments.dataset,
        arguments.sequences,
        single_object=SINGLE_OBJECT[arguments.objects],
        analyses=analyses(arguments),
    )
    write_report(report, arguments.json, arguments.html)
    return 0


def analyses(arguments: argparse.Namespace) -> list[Analysis]:
    """The further tables asked for. Raises DatasetError for a file without errors."""
    from vosengine.evaluation.attributes import ByAttribute  # noqa: PLC0415  # OpenCV
    from vosengine.evaluation.errors import ErrorSplit, read_reference  # noqa: PLC0415
    from vosengine.evaluation.ranking import WorstFirst  # noqa: PLC0415
    from vosengine.evaluation.tracking import AsTracker  # noqa: PLC0415

    asked: list[Analysis] = []
    if arguments.errors_against is not None:
        asked.append(read_reference(arguments.errors_against))
    elif arguments.errors:
        asked.append(ErrorSplit())
    if arguments.attributes:
        asked.append(ByAttribute())
    if arguments.tracker:
        asked.append(AsTracker())
    if arguments.quality:
        asked.append(WorstFirst())
    return asked


def names(text: str) -> list[str]:
    """Names separated by commas."""
    found = [name.strip() for name in text.split(",") if name.strip()]
    if not found:
        raise argparse.ArgumentTypeError("name at least one sequence")
    return found


def positive(text: str) -> int:
    """A whole number above 0."""
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)
