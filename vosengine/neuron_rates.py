"""Neuron-level learning rates: which neurons a few steps of vanilla SGD move, and how far.

Meinhardt and Leal-Taixé, "Make One-Shot Video Object Segmentation Efficient Again" (e-OSVOS), NeurIPS 2020,
section 3.2.4: each neuron, or kernel of a convolution, has a pair of learned rates, one for its weight tensor
and one for its bias. They are learned together with the initialisation (`vosengine.training.meta`), never
negative, and replace the one hand-set rate of one-shot fine-tuning.

Each rate tensor has a shape that broadcasts against its parameter: (outputs, 1, 1, 1) beside the weights of a
convolution, (outputs,) beside its biases. A channel of a normalisation layer counts as a neuron with a gain
and an offset. Checkpoints hold the rates under the parameters' names after `PREFIX`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from vosengine.errors import EngineError, WeightsError
from vosengine.language import tr

PREFIX = "neuron_rates."
LEVELS = ("single", "layer", "neuron")  # the hierarchy of section 3.2.4
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


class NeuronRates(nn.Module):
    """The rates of a network's trained parameters, as parameters of the same names.

    level: "neuron" gives each neuron a pair of rates, "layer" each layer one rate, "single" all one rate (of
    one element, shared). Raises EngineError for another level.
    """

    def __init__(self, network: nn.Module, initial: float, level: str = "neuron") -> None:
        super().__init__()
        if level not in LEVELS:
            raise EngineError(
                tr("There are no {level!r} rates; choose one of {names}.").format(
                    level=level, names=", ".join(LEVELS)
                )
            )
        single = _constant((), initial)
        for path, layer in network.named_modules():
            shared = single if level == "single" else _constant((), initial)
            for name, parameter in layer.named_parameters(path, recurse=False):
                if parameter.requires_grad:
                    shape = neuron_shape(layer, parameter)
                    self._register(name, _constant(shape, initial) if level == "neuron" else shared)

    def _register(self, name: str, rates: nn.Parameter) -> None:
        """Under the parameter's own dotted name, so that both state dicts have the same keys."""
        *path, last = name.split(".")
        holder: nn.Module = self
        for part in path:
            if part not in dict(holder.named_children()):
                holder.add_module(part, nn.Module())
            holder = holder.get_submodule(part)
        holder.register_parameter(last, rates)

    def by_name(self) -> dict[str, Tensor]:
        """The rates by the name of the parameter they belong to."""
        return dict(self.named_parameters(remove_duplicate=False))

    def clamp(self) -> None:
        """Rates are clamped to be non-negative after each meta update (section 4.2)."""
        with torch.no_grad():
            for rates in self.parameters():
                rates.clamp_(min=0)


def neuron_shape(layer: nn.Module, parameter: Tensor) -> tuple[int, ...]:
    """One element a neuron of `layer`, of a shape that broadcasts against the parameter."""
    axis = 1 if isinstance(layer, _TRANSPOSED) and parameter.dim() > 1 else 0
    return tuple(size if number == axis else 1 for number, size in enumerate(parameter.shape))


def _constant(shape: tuple[int, ...], value: float) -> nn.Parameter:
    return nn.Parameter(torch.full(shape, value))


def sgd_step(
    parameters: Mapping[str, Tensor], gradients: Mapping[str, Tensor], rates: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """One step of vanilla SGD (equation 5) as new tensors, for back-propagation through it.

    Parameters without a gradient stay as they are.
    """
    moved = {name: parameters[name] - rates[name] * gradient for name, gradient in gradients.items()}
    return {**parameters, **moved}


class NeuronSgd(torch.optim.Optimizer):
    """The same step in place: vanilla SGD of a network's trained parameters, each neuron at its own rate.

    `lr` of the parameter group scales all rates (1 takes them as learned). Raises WeightsError where a
    trained parameter has no rate.
    """

    def __init__(self, network: nn.Module, rates: Mapping[str, Tensor]) -> None:
        trained = {name: p for name, p in network.named_parameters() if p.requires_grad}
        if not trained.keys() <= rates.keys():
            raise WeightsError(tr("The learned rates do not fit this network; choose weights made for it."))
        super().__init__(list(trained.values()), {"lr": 1.0})
        self.pairs = [(p, rates[name].detach().to(p)) for name, p in trained.items()]

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """Move each parameter that has a gradient; `closure` is not used."""
        scale = self.param_groups[0]["lr"]
        for parameter, rates in self.pairs:
            if parameter.grad is not None:
                parameter.sub_(scale * rates * parameter.grad)
