"""The tables of `rotoshot evaluate`: ablations, and J against time, annotations and corrections."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from vosengine.cli import options
from vosengine.errors import DatasetError, UsageError

if TYPE_CHECKING:
    from vosengine.evaluation.chart import Chart
    from vosengine.evaluation.tables import Comparison, Runner

PAPERS = ("osvos", "iterative", "box_filtered", "masktrack", "e_osvos")
JUDGES = ("truth", "estimate")
SCALES = ("lite", "paper")
EVERY = "0,40,30,20,10,5,3,2"  # MaskTrack, section 5.4
STEPS = "0,5,15,60,180"
TABLES = ("ablation", "refine", "annotate_every", "annotate_percent", "curve")
FOR_ONE_EVALUATION = ("html", "score", "errors_against", "errors", "attributes", "tracker", "quality")
FOR_A_RUN = ("preset", "changes", "method", "boxes", "results", "jobs", "quality")
OPTIONS = {"changes": "--set", "boxes": "--box"}  # where they are not the names of the values


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One of the tables, and what shapes it."""
    parser.add_argument("--ablation", choices=PAPERS, help="a paper's ablation table beside ours")
    parser.add_argument(
        "--scale", choices=SCALES, help="--ablation with the lite presets (the default) or the papers'"
    )
    parser.add_argument(
        "--refine", metavar="N", type=whole, help="annotate the worst frame N times, running again each time"
    )
    parser.add_argument(
        "--operator", choices=JUDGES, help="--refine by the true J (the default) or the engine's estimate"
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
    """The table asked for, "" for a plain evaluation. Raises UsageError for what does not go together."""
    chosen, others, of_a_run = (_given(arguments, names) for names in (TABLES, FOR_ONE_EVALUATION, FOR_A_RUN))
    table = chosen[0] if chosen else ""
    fixed = [f"--set {name}" for name, _ in arguments.changes if name in ("method", "trunk")]
    wrong = {
        f"{_options(chosen)} are tables of their own; ask for one at a time.": len(chosen) > 1,
        f"{_options(others)} is for one evaluation; leave it out with {_options(chosen)}.": chosen and others,
        f"--score runs nothing; leave out {_options(of_a_run)}.": arguments.score and of_a_run,
        "--svg draws --curve, --annotate-every, --annotate-percent or --refine; add one.": (
            arguments.svg and table in ("", "ablation")
        ),
        "--operator says how --refine judges; add --refine N.": arguments.operator and table != "refine",
        "--scale says which presets --ablation takes; add --ablation.": (
            arguments.scale and table != "ablation"
        ),
        "--ablation takes the paper's presets; leave out --preset, --method and --box.": (
            table == "ablation" and (arguments.preset or arguments.method or arguments.boxes)
        ),
        f"--ablation takes the paper's method and networks; leave out {' and '.join(fixed)}.": (
            table == "ablation" and fixed
        ),
    }
    for sentence, found in wrong.items():
        if found:
            raise UsageError(sentence)
    return table


def _given(arguments: argparse.Namespace, names: tuple[str, ...]) -> list[str]:
    """Those of the options that were asked for; 0 is a value."""
    values = {name: getattr(arguments, name) for name in names}
    return [name for name, value in values.items() if not (value is None or value is False or value == [])]


def _options(names: list[str]) -> str:
    return " and ".join(OPTIONS.get(name, f"--{name.replace('_', '-')}") for name in names)


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
        comparison, chart = _measured(arguments, table, Runner(sequences, folder, arguments.jobs or 1))
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
        scale = arguments.scale or SCALES[0]
        return ablation_table.ablation_table(runner, arguments.ablation, changes, scale), None
    method = {"method": arguments.method} if arguments.method else {}
    config = options.config_of(arguments, **method)
    title = f"{options.title_of(arguments, **method)} on {arguments.dataset.name}"
    if table == "curve":
        return curves.time_curve(runner, config, arguments.curve, arguments.boxes, title)
    if table == "refine":
        judge = arguments.operator or JUDGES[0]
        operator = operators.Refining(arguments.refine, judge, arguments.boxes)
        return curves.refinement(runner, config, operator, title)
    every = arguments.annotate_every or distances(arguments.annotate_percent)
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
    """Whole numbers separated by commas. Their options need no value, and may take the next word for one."""
    if not all(part.strip().isdigit() for part in text.split(",")):
        remedy = "put the data set before this option"
        raise argparse.ArgumentTypeError(f"{text!r} are not whole numbers such as 0,5,15; {remedy}")
    return [int(part) for part in text.split(",")]


def percents(text: str) -> list[float]:
    """Percentages above 0, at most 100, separated by commas."""
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or not all(0 < percent <= 100 for percent in found):
        raise argparse.ArgumentTypeError(f"{text!r} are not percentages such as 1,5,10")
    return found


def distances(percentages: Iterable[float]) -> list[int]:
    """Every how many frames one is annotated, each distance once; less than 100 percent is 2 or more."""
    return list(dict.fromkeys(1 if p == 100 else max(2, round(100 / p)) for p in percentages))
