"""Neuron-level rates: one a neuron for weights and biases, and the step they take, against plain SGD."""

import pytest
import torch
from torch import nn

from vosengine.errors import EngineError, WeightsError
from vosengine.networks.lite import LiteNet
from vosengine.neuron_rates import PREFIX, NeuronRates, NeuronSgd, sgd_step
from vosengine.training.loop import export_weights
from vosengine.weights import load_network, load_rates


def small_network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.GroupNorm(2, 4),
        nn.ConvTranspose2d(4, 2, 2, stride=2),
        nn.Conv2d(2, 1, 1),
    )


def with_gradients(network):
    torch.manual_seed(1)
    network.zero_grad()
    network(torch.randn(2, 3, 8, 8)).square().mean().backward()
    return {name: p.grad.clone() for name, p in network.named_parameters()}


def test_each_neuron_has_a_rate_for_its_weights_and_one_for_its_bias():
    rates = NeuronRates(small_network(), 0.1).by_name()
    shapes = {name: tuple(value.shape) for name, value in rates.items()}
    assert shapes == {
        "0.weight": (4, 1, 1, 1),
        "0.bias": (4,),
        "1.weight": (4,),
        "1.bias": (4,),
        "2.weight": (1, 2, 1, 1),  # a transposed convolution's outputs are its second axis
        "2.bias": (2,),
        "3.weight": (1, 1, 1, 1),
        "3.bias": (1,),
    }
    assert all((value == 0.1).all() for value in rates.values())


@pytest.mark.parametrize(("level", "count"), [("single", 1), ("layer", 4), ("neuron", 22)])
def test_the_levels_of_the_hierarchy(level, count):
    rates = NeuronRates(small_network(), 0.1, level)
    assert sum(p.numel() for p in rates.parameters()) == count
    assert rates.by_name().keys() == dict(small_network().named_parameters()).keys()


def test_another_level_is_refused():
    with pytest.raises(EngineError, match="no 'weight' rates; choose one of single, layer, neuron"):
        NeuronRates(small_network(), 0.1, "weight")


def test_frozen_parameters_have_no_rates():
    network = small_network()
    network[0].requires_grad_(False)
    assert "0.weight" not in NeuronRates(network, 0.1).by_name()


def test_a_step_moves_each_neuron_at_its_own_rate():
    parameters = {"weight": torch.ones(2, 3), "bias": torch.zeros(2), "idle": torch.ones(1)}
    gradients = {"weight": torch.tensor([[1.0, 2, 3], [4, 5, 6]]), "bias": torch.tensor([1.0, -1])}
    rates = {"weight": torch.tensor([[0.1], [0.0]]), "bias": torch.tensor([0.0, 0.5]), "idle": torch.ones(1)}
    moved = sgd_step(parameters, gradients, rates)
    torch.testing.assert_close(moved["weight"], torch.tensor([[0.9, 0.8, 0.7], [1, 1, 1]]))
    torch.testing.assert_close(moved["bias"], torch.tensor([0.0, 0.5]))
    assert moved["idle"] is parameters["idle"]


def test_equal_rates_are_torchs_sgd():
    ours, theirs = small_network(), small_network()
    optimizer = NeuronSgd(ours, NeuronRates(ours, 0.05).by_name())
    reference = torch.optim.SGD(theirs.parameters(), lr=0.05)
    for _ in range(3):
        with_gradients(ours)
        with_gradients(theirs)
        optimizer.step()
        reference.step()
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b)


def test_the_step_in_place_is_the_functional_one():
    network = small_network()
    rates = NeuronRates(network, 0.0)
    torch.manual_seed(2)
    for value in rates.parameters():
        value.data.uniform_(0, 0.1)
    gradients = with_gradients(network)
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    NeuronSgd(network, rates.by_name()).step()
    expected = sgd_step(before, gradients, rates.by_name())
    for name, p in network.named_parameters():
        torch.testing.assert_close(p, expected[name])
        assert not torch.equal(p, before[name])


def test_rates_of_another_network_are_refused():
    network = small_network()
    rates = NeuronRates(network, 0.1).by_name()
    rates.pop("2.bias")
    with pytest.raises(WeightsError, match="do not fit this network"):
        NeuronSgd(network, rates)


def test_clamping_leaves_no_negative_rate():
    rates = NeuronRates(small_network(), -0.5)
    rates.clamp()
    assert all((value == 0).all() for value in rates.parameters())


def test_a_checkpoint_holds_network_and_rates(tmp_path):
    network = LiteNet()
    rates = NeuronRates(network, 1e-7)  # halves would make it 1.2e-7
    state = network.state_dict() | {PREFIX + key: value for key, value in rates.state_dict().items()}
    export_weights(state, tmp_path / "both.safetensors", {"architecture": "lite"})
    loaded = load_network("lite", str(tmp_path / "both.safetensors"))
    torch.testing.assert_close(loaded.head.weight, network.head.weight.half().float())
    found = load_rates(str(tmp_path / "both.safetensors"))
    assert found.keys() == rates.by_name().keys()
    assert all(torch.equal(found[name], value) for name, value in rates.by_name().items())
    NeuronSgd(loaded, found)


def test_a_checkpoint_without_rates_says_how_to_get_them():
    with pytest.raises(WeightsError, match=r"lite.safetensors holds no learned rates; choose weights of"):
        load_rates("lite")
