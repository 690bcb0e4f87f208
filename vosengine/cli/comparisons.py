"""The tables of `rotoshot evaluate`: ablations, and J against time, annotations and corrections."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from vosengine.cli import options
from vosengine.errors import DatasetError, EngineError

if TYPE_CHECKING:
    from vosengine.evaluation.chart import Chart
    from vosengine.evaluation.tables import Comparison, Runner

PAPERS = ("osvos", "iterative", "box_filtered", "masktrack", "e_osvos")
JUDGES = ("truth", "estimate")
SCALES = ("lite", "paper")
EVERY = "0,40,30,20,10,5,3,2"  # MaskTrack, section 5.4
STEPS = "0,5,15,60,180"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One of the tables, and what shapes it."""
    parser.add_argument("--ablation", choices=PAPERS, help="a paper's ablation table beside ours")
    parser.add_argument(
        "--scale", choices=SCALES, default="lite", help="--ablation with the lite presets or the papers'"
    )
    parser.add_argument(
        "--refine", metavar="N", type=whole, help="annotate the worst frame N times, running again each time"
    )
    parser.add_argument(
        "--operator", choices=JUDGES, default="truth", help="--refine by the true J or the engine's estimate"
    )
    text = f"J with every K-th frame annotated, 0 the first alone (default {EVERY})"
    parser.add_argument("--annotate-every", metavar="K,..", type=wholes, nargs="?", const=EVERY, help=text)
    parser.add_argument(
        "--annotate-percent", metavar="P,..", type=percents, help="J with P percent of the frames annotated"
    )
    text = f"J by seconds a frame, for these fine-tuning steps (default {STEPS})"
    parser.add_argument("--curve", metavar="STEPS,..", type=wholes, nargs="?", const=STEPS, help=text)
    parser.add_argument(
        "--box", "--boxes", dest="boxes", action="store_true", help="annotate with boxes instead of masks"
    )
    parser.add_argument("--svg", metavar="FILE", type=Path, help="draw --curve, --annotate-.. or --refine")


def asked(arguments: argparse.Namespace) -> str:
    """The table asked for, "" for a plain evaluation. Raises EngineError for what does not go together."""
    names = ("ablation", "refine", "annotate_every", "annotate_percent", "curve")
    chosen = [name for name in names if getattr(arguments, name) is not None]
    others = [name for name in ("html", "score", "errors_against") if getattr(arguments, name) is not None]
    others += [name for name in ("errors", "attributes", "tracker") if getattr(arguments, name)]
    if len(chosen) > 1:
        raise EngineError(f"{_options(chosen)} are tables of their own; ask for one at a time.")
    if chosen and others:
        raise EngineError(f"{_options(others)} is for one evaluation; leave it out with {_options(chosen)}.")
    if arguments.svg is not None and (not chosen or chosen == ["ablation"]):
        raise EngineError("--svg draws --curve, --annotate-every, --annotate-percent or --refine; add one.")
    if chosen == ["ablation"] and (arguments.preset or arguments.method or arguments.boxes):
        raise EngineError("--ablation takes the paper's presets; leave out --preset, --method and --box.")
    return chosen[0] if chosen else ""


def _options(names: list[str]) -> str:
    return " and ".join(f"--{name.replace('_', '-')}" for name in names)


def run(arguments: argparse.Namespace, table: str, single_object: bool | None) -> int:
    """Measure and print the table; finished rows stay in --results and are not measured again."""
    from vosengine.evaluation.datasets import find_sequences  # noqa: PLC0415  # OpenCV, and then torch
    from vosengine.evaluation.tables import Runner  # noqa: PLC0415
    from vosengine.runtime import prepare_process  # noqa: PLC0415

    prepare_process()
    sequences = find_sequences(arguments.dataset, arguments.sequences, single_object=single_object)
    if not all(sequence.scored_objects for sequence in sequences):
        raise DatasetError(f"{arguments.dataset} keeps its truth to itself; tables need one that shows it.")
    with _kept_in(arguments.results) as folder:
        comparison, chart = _measured(arguments, table, Runner(sequences, folder, arguments.jobs))
    print(comparison.markdown())
    if arguments.json is not None:
        comparison.write_json(arguments.json)
    if arguments.svg is not None and chart is not None:
        chart.write(arguments.svg)
    return 0


def _measured(arguments: argparse.Namespace, table: str, runner: Runner) -> tuple[Comparison, Chart | None]:
    from vosengine.evaluation import ablation_table, curves, operators  # noqa: PLC0415

    if table == "ablation":
        changes = dict(arguments.changes)
        return ablation_table.ablation_table(runner, arguments.ablation, changes, arguments.scale), None
    method = {"method": arguments.method} if arguments.method else {}
    config = options.config_of(arguments, **method)
    title = f"{options.title_of(arguments, **method)} on {arguments.dataset.name}"
    if table == "curve":
        return curves.time_curve(runner, config, arguments.curve, arguments.boxes, title)
    if table == "refine":
        operator = operators.Refining(arguments.refine, arguments.operator, arguments.boxes)
        return curves.refinement(runner, config, operator, title)
    every = arguments.annotate_every or [round(100 / percent) for percent in arguments.annotate_percent]
    return curves.annotation_curve(runner, config, every, arguments.boxes, title)


@contextmanager
def _kept_in(results: Path | None) -> Iterator[Path]:
    if results is not None:
        yield results
        return
    with tempfile.TemporaryDirectory(prefix="rotoshot-") as temporary:
        yield Path(temporary)


def whole(text: str) -> int:
    """A whole number, 0 or more."""
    if not text.strip().isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


def wholes(text: str) -> list[int]:
    """Whole numbers separated by commas."""
    return [whole(part) for part in text.split(",")]


def percents(text: str) -> list[float]:
    """Percentages above 0, at most 100, separated by commas."""
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or not all(0 < percent <= 100 for percent in found):
        raise argparse.ArgumentTypeError(f"{text!r} are not percentages such as 1,5,10")
    return found
