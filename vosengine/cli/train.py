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
    "quality": "the estimate of J, no network but a regression, on clips with masks",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The network. Its options are those of its own module, which is imported, and torch, by `run`."""
    networks = "; ".join(f"{name}: {what}" for name, what in NETWORKS.items())
    parser.add_argument("network", metavar="NETWORK", choices=list(NETWORKS), help=networks)
    text = f"the network's own options ({parser.prog} NETWORK --help lists them)"
    parser.add_argument("options", metavar="...", nargs=argparse.REMAINDER, help=text)
    parser.set_defaults(program=parser.prog)


def run(arguments: argparse.Namespace) -> int:
    """Train; checkpoints are kept at every interruption, `--resume` goes on from them."""
    module = import_module(f"vosengine.training.{arguments.network}")
    what = NETWORKS[arguments.network]
    parser = argparse.ArgumentParser(f"{arguments.program} {arguments.network}", description=f"Train {what}.")
    module.add_arguments(parser)
    code: int = module.main(parser.parse_args(arguments.options))
    return code
