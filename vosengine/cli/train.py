"""`rotoshot train parent`: train the networks that ship with Rotoshot."""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One subcommand a network, with the options of its own module."""
    from vosengine.training import parent  # noqa: PLC0415  # torch

    networks = parser.add_subparsers(dest="network", required=True, metavar="NETWORK")
    chosen = networks.add_parser("parent", help="the lite network, on stills and clips with masks")
    parent.add_arguments(chosen)
    chosen.set_defaults(main=parent.main)


def run(arguments: argparse.Namespace) -> int:
    """Train; checkpoints are kept at every interruption, `--resume` goes on from them."""
    code: int = arguments.main(arguments)
    return code
