"""The methods, one paper a file, and the registry that names them and the networks they work with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from vosengine.annotations import BoxToMask, grab_cut_box
from vosengine.boxes import Load, by_box_network, object_in_box
from vosengine.config import Config
from vosengine.errors import EngineError
from vosengine.language import tr
from vosengine.methods import e_osvos
from vosengine.methods.box_filtered import BoxFiltered
from vosengine.methods.guided import LEARNED_RATES, Guided
from vosengine.methods.iterative import Iterative
from vosengine.methods.masktrack import MaskTrack
from vosengine.methods.osvos import Osvos
from vosengine.propagate import Method
from vosengine.types import Box, Image, Probability


@dataclass(frozen=True)
class Entry:
    """How to make one object's method around its own copy of a parent, and what it works with.

    networks: architecture (a name in `weights.ARCHITECTURES`) by trunk. weights: the checkpoint taken where
    the config names none, by trunk. learned: likewise where it asks for learned rates.
    box_to_mask: how a network of its own makes a mask of a box, where the method has one; the others leave
    boxes to `boxes.object_in_box`.
    """

    make: Callable[[Any, Config], Method]
    networks: Mapping[str, str]
    weights: Mapping[str, str]
    learned: Mapping[str, str] = field(default_factory=dict)
    box_to_mask: Callable[[Any, Image, Box], Probability] | None = None


registry: dict[str, Entry] = {
    "guided": Entry(Guided, {"lite": "lite"}, {"lite": "lite"}, {"lite": LEARNED_RATES}),
    "osvos": Entry(
        Osvos,
        {"lite": "osvos_lite", "vgg16": "osvos_vgg16"},
        {"lite": "osvos_lite", "vgg16": "imagenet"},
    ),
    "iterative": Entry(
        Iterative,
        {"lite": "osvos_lite", "vgg16": "osvos_vgg16"},
        {"lite": "osvos_lite", "vgg16": "imagenet"},
    ),
    "masktrack": Entry(
        MaskTrack,
        {"lite": "masktrack_lite", "vgg16": "masktrack_vgg16"},
        {"lite": "masktrack_lite", "vgg16": "imagenet"},
        box_to_mask=by_box_network,
    ),
    "box_filtered": Entry(
        BoxFiltered,
        {"lite": "depth1_lite", "vgg16": "depth1_vgg16"},
        {"lite": "depth1_lite", "vgg16": "imagenet"},
    ),
    "e_osvos": Entry(e_osvos.EOsvos, e_osvos.NETWORKS, e_osvos.PARENTS, e_osvos.LEARNED),
}


def entry_of(config: Config) -> Entry:
    """The config's method. Raises EngineError for an unknown one, or a trunk it cannot work with."""
    if config.method not in registry:
        raise EngineError(
            tr("There is no method {method!r}; choose one of {names}.").format(
                method=config.method, names=", ".join(registry)
            )
        )
    entry = registry[config.method]
    if config.trunk not in entry.networks:
        raise EngineError(
            tr("The method {method!r} does not work with the trunk {trunk!r}; choose one of {names}.").format(
                method=config.method, trunk=config.trunk, names=", ".join(entry.networks)
            )
        )
    if config.rates == "neuron" and not entry.learned:
        raise EngineError(
            tr("The method {method!r} has no learned rates; set rates to hand.").format(method=config.method)
        )
    return entry


def architecture_of(config: Config) -> str:
    """The architecture of the config's parent network."""
    return entry_of(config).networks[config.trunk]


def weights_of(config: Config) -> str:
    """The weights of the config's parent network."""
    entry = entry_of(config)
    known = {**entry.weights, **entry.learned} if config.rates == "neuron" else entry.weights
    return config.weights or known[config.trunk]


def box_to_mask_of(config: Config, load: Load) -> BoxToMask:
    """How the config's method makes masks of boxes: by the bundled network or as the method's paper does.

    load: asked when there is a box. MaskTrack has a network of its own; without weights for it, GrabCut.
    """
    convert, weights = entry_of(config).box_to_mask, config.masktrack.box_weights
    if convert is None:
        return partial(object_in_box, load)
    if not weights:
        return grab_cut_box
    return lambda image, box: convert(load(architecture_of(config), weights), image, box)


def new_method(network: Any, config: Config) -> Method:
    """One object's method around its own copy of the parent `network`. Raises EngineError as `entry_of`."""
    return entry_of(config).make(network, config)
