"""`rotoshot evaluate`: J, F and T of a preset on a data set, after the DAVIS-2016 protocol."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from vosengine.cli import options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `run` reads."""
    parser.add_argument(
        "dataset", type=Path, help="a DAVIS folder, a tar of one, or a folder that holds one tar"
    )
    options.add_preset_arguments(parser)
    parser.add_argument("--method", help="take another method than the preset's")
    parser.add_argument("--sequences", metavar="A,B", type=names, help="only these sequences")
    parser.add_argument("--jobs", type=positive, default=1, help="sequences at a time, each in a process")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the measures as JSON")
    parser.add_argument(
        "--html", metavar="FILE", type=Path, help="write a page with curves and the worst frames"
    )
    parser.add_argument("--results", metavar="FOLDER", type=Path, help="keep the masks in this folder")


def run(arguments: argparse.Namespace) -> int:
    """Evaluate; the Markdown table goes to stdout, progress to stderr."""
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
        arguments.jobs,
        arguments.json,
        arguments.html,
        results_folder=arguments.results,
    )
    return 0


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
