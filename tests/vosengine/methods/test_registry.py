"""The registry: every method is named with networks that exist, and mistakes get one sentence."""

import pytest

from vosengine.config import PRESETS, preset
from vosengine.errors import EngineError
from vosengine.methods import architecture_of, new_method, registry, weights_of
from vosengine.networks.osvos import OsvosNet
from vosengine.weights import ARCHITECTURES, bundled_folder, find


def test_every_method_works_with_architectures_that_exist():
    for entry in registry.values():
        assert set(entry.networks) == set(entry.weights)
        assert set(entry.networks.values()) <= set(ARCHITECTURES)


@pytest.mark.parametrize("name", [name for name in PRESETS if not name.endswith("-paper")])
def test_presets_for_everybody_need_nothing_that_is_not_bundled(name):
    config = PRESETS[name]
    for weights in (weights_of(config), config.masktrack.box_weights):
        assert not weights or find(weights).parent == bundled_folder()


@pytest.mark.parametrize("name", list(PRESETS))
def test_every_preset_names_a_method_and_a_trunk_it_works_with(name):
    assert architecture_of(PRESETS[name]) in ARCHITECTURES
    assert weights_of(PRESETS[name])


def test_a_configs_own_weights_come_first():
    assert weights_of(preset("osvos-lite", weights="mine.safetensors")) == "mine.safetensors"
    assert weights_of(preset("osvos-lite")) == "osvos_lite"


def test_learned_rates_are_refused_where_there_are_none():
    assert weights_of(preset("balanced", rates="neuron")) == "lite_meta"
    with pytest.raises(EngineError, match="'osvos' has no learned rates; set rates to hand"):
        architecture_of(preset("osvos-lite", rates="neuron"))


def test_unknown_methods_and_unfitting_trunks_are_refused():
    with pytest.raises(EngineError, match="no method 'magic'; choose one of guided, osvos"):
        new_method(OsvosNet(), preset("balanced", method="magic"))
    with pytest.raises(
        EngineError, match="'guided' does not work with the trunk 'vgg16'; choose one of lite"
    ):
        new_method(OsvosNet(), preset("balanced", trunk="vgg16"))
