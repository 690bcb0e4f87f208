"""`rotoshot train`: train the networks that ship with Rotoshot."""

from __future__ import annotations

import argparse
from importlib import import_module

# The modules of `vosengine.training`, each with `add_arguments` and `main`.
NETWORKS = {
    "lite": "the default method's network, on stills and clips with masks",
    "parent": "OSVOS's parent network, or the box-filtered paper's",
    "detector": "the lite Mask R-CNN that e-OSVOS's meta-learning starts from",
    "meta": "e-OSVOS's initialisation and neuron-level learning rates",
    "masktrack": "MaskTrack's network, or MaskTrackBox's, on stills",
    "contours": "OSVOS's contour branch, on the boundaries of masks or region maps",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One subcommand a network, with the options of its own module."""
    networks = parser.add_subparsers(dest="trained", required=True, metavar="NETWORK")
    for name, what in NETWORKS.items():
        module = import_module(f"vosengine.training.{name}")  # imports torch
        chosen = networks.add_parser(name, help=what)
        module.add_arguments(chosen)
        chosen.set_defaults(main=module.main)


def run(arguments: argparse.Namespace) -> int:
    """Train; checkpoints are kept at every interruption, `--resume` goes on from them."""
    code: int = arguments.main(arguments)
    return code
