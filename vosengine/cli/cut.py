"""`rotoshot cut`: marks in, a project folder and an export out."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from vosengine.cli import console, marks, options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `run` reads."""
    parser.add_argument(
        "clip", type=Path, help="a movie, or an image sequence (its folder or one of its files)"
    )
    marks.add_arguments(parser)
    options.add_preset_arguments(parser)
    options.add_range_argument(parser)
    options.add_export_arguments(parser)
    options.add_edge_arguments(parser)
    parser.add_argument("--overwrite", action="store_true", help="replace an export of the same name")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        help="folder for the project (project/) and the export (export/)",
    )
    console.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Cut and say where everything is."""
    objects = marks.marked_objects(arguments.marks)
    config = options.config_of(arguments)
    from vosengine.cli.cutting import PROJECT, Request, cut  # noqa: PLC0415  # OpenCV and PyAV
    from vosengine.cli.jobs import Jobs, make_engine  # noqa: PLC0415

    request = Request(
        arguments.clip,
        objects,
        config,
        arguments.output,
        (arguments.template,),
        arguments.range,
        arguments.overwrite,
        arguments.combined,
        arguments.name,
        dict(arguments.edges),
    )
    with console.Console(arguments.json, arguments.quiet) as shown:
        try:
            result = cut(request, Jobs(make_engine(), shown))
        except KeyboardInterrupt:
            kept = arguments.output / PROJECT
            if kept.exists():
                finish = f"rotoshot export {kept} -o {arguments.output / 'export'}"
                print(f"What was finished is kept in {kept}; open it, or run: {finish}", file=sys.stderr)
            raise
        values = {
            "project": str(result.project),
            "objects": list(result.objects),
            "frames": [result.span.start, result.span.stop],
            "files": [str(file) for file in result.files],
            "report": list(result.report),
        }
        lines = [*result.report, f"Project: {result.project}", *(f"Export: {file}" for file in result.files)]
        shown.result(values, "\n".join(lines))
    return 0
