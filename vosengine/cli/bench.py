"""`rotoshot bench`: seconds and memory on this machine."""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `vosengine.bench`."""
    from vosengine import bench  # noqa: PLC0415  # torch

    bench.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Measure."""
    from vosengine import bench  # noqa: PLC0415
    from vosengine.runtime import prepare_process  # noqa: PLC0415

    prepare_process()
    return bench.main(arguments)
