"""`rotoshot export`: the mattes of a project as files for an editing or compositing program."""

from __future__ import annotations

import argparse
from pathlib import Path

from vosengine.cli import console, options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `run` reads."""
    parser.add_argument("project", type=Path, help="a project folder, or the project.roto in it")
    options.add_export_arguments(parser)
    options.add_edge_arguments(parser)
    options.add_range_argument(parser)
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder (or file) for the export")
    parser.add_argument("--overwrite", action="store_true", help="replace an export of the same name")
    console.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Export the project's range, or the one given, and say where."""
    from vosengine.cli.cutting import checked_span, export  # noqa: PLC0415  # OpenCV and PyAV
    from vosengine.cli.jobs import Jobs, make_engine  # noqa: PLC0415
    from vosengine.project_file import open_project  # noqa: PLC0415

    with (
        console.Console(arguments.json, arguments.quiet) as shown,
        open_project(arguments.project) as project,
    ):
        manifest = project.manifest
        span = checked_span(
            manifest.span if arguments.range is None else arguments.range, manifest.clip.frame_count
        )
        jobs = Jobs(make_engine(), shown)
        wanted = arguments.template, arguments.output, arguments.overwrite
        how = arguments.combined, arguments.name, dict(arguments.edges)
        written = export(project, span, *wanted, jobs, *how)
        files = [str(file) for file in written.files]
        values = {"frames": [span.start, span.stop], "files": files, "report": list(written.report)}
        shown.result(values, "\n".join([*written.report, *(f"Export: {file}" for file in files)]))
    return 0
