"""`rotoshot train meta`: the initialisation and the learning rates of one-shot fine-tuning, meta-learned.

Meinhardt and Leal-Taixé, "Make One-Shot Video Object Segmentation Efficient Again" (e-OSVOS), NeurIPS 2020,
sections 3.2 and 4.2, and Algorithm 1 of its supplement. For each task the network is fine-tuned by T steps of
vanilla SGD on the task's training set; the loss on its test set is back-propagated through these steps (BPTT)
to the initialisation and to the rates.

First order ("to reduce the computational effort", section 3.2.2) takes the inner gradients g_t as constants.
Then theta_T = theta_0 - rate * sum_t g_t, so that with the test gradient G = dL/dtheta_T

    dL/dtheta_0 = G        dL/drate = - sum over the neuron's weights of G * sum_t g_t :

a rate grows where the training steps and the test loss want the same direction. Second order lets autograd
differentiate the inner gradients as well.

Differences from the paper: it does not give the meta rate beta; ours suits some hundred steps, in which
RAdam's warm-up reaches a fifth of it. The rates have one of their own, a share of their initial value: they
are of another magnitude than weights. Each group's gradient is clipped. The exported weights and rates
are the running average of the training.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from vosengine.errors import EngineError
from vosengine.neuron_rates import LEVELS, PREFIX, NeuronRates, sgd_step
from vosengine.runtime import placed
from vosengine.training.datasets import HELD_OUT, load_training_data
from vosengine.training.learners import Learner, LiteLearner, MaskRcnnLearner, Task, TaskBatches
from vosengine.training.loop import TrainingState, export_weights, run
from vosengine.training.options import add_common_arguments, begin, model_card
from vosengine.weights import load_network

LEARNERS: dict[str, Callable[[], Learner]] = {
    "lite": LiteLearner,
    "mask_rcnn_lite": MaskRcnnLearner,
    "mask_rcnn_resnet50": partial(MaskRcnnLearner, "mask_rcnn_resnet50", "coco", "e_osvos_resnet50"),
}
STEPS = 5  # T, section 4.2
TASKS = 4  # training tasks a batch, section 4.2
LARGEST_GRADIENT = 0.7  # of each group, so that both together stay below the loop's own limit of 1
VALIDATION_TASKS = 16


class MetaLearner(nn.Module):
    """A network and the rates of its trained parameters: theta_g of the paper."""

    def __init__(self, network: nn.Module, initial_rate: float, level: str = "neuron") -> None:
        super().__init__()
        self.network = network
        self.neuron_rates = NeuronRates(network, initial_rate, level)

    def forward(self, function: Callable[[nn.Module, Any], Tensor], batch: Any) -> Tensor:
        """`function` of the network and a batch: what `with_parameters` calls."""
        return function(self.network, batch)

    def with_parameters(
        self, parameters: Mapping[str, Tensor], function: Callable[[nn.Module, Any], Tensor], batch: Any
    ) -> Tensor:
        """`function` of the network with other parameters in place of its own, differentiable in them."""
        named = {f"network.{name}": value for name, value in parameters.items()}
        value: Tensor = functional_call(self, named, (function, batch))
        return value

    def fine_tuned(
        self, loss: Callable[[nn.Module, Any], Tensor], batches: Sequence[Any], order: str = "first"
    ) -> dict[str, Tensor]:
        """The parameters after one SGD step a batch (equation 5), with their graph back to the
        initialisation and the rates."""
        rates = self.neuron_rates.by_name()
        parameters: dict[str, Tensor] = {n: p for n, p in self.network.named_parameters() if p.requires_grad}
        for batch in batches:
            value = self.with_parameters(parameters, loss, batch)
            found = torch.autograd.grad(
                value, list(parameters.values()), create_graph=order == "second", allow_unused=True
            )
            gradients = {n: g for n, g in zip(parameters, found, strict=True) if g is not None}
            parameters = sgd_step(parameters, gradients, rates)
        return parameters


def meta_loss(
    learner: Learner,
    learned: MetaLearner,
    tasks: Sequence[Task[Any]],
    groups: Sequence[Sequence[Tensor]],
    order: str = "first",
) -> Tensor:
    """The mean test loss of the tasks (equation 4), with its gradient in the parameters of `groups`.

    The gradient is accumulated task by task, so that only one task's graph is in memory; the result is a
    linear function of the parameters that has that value and that gradient, each group's clipped.
    """
    wanted = [parameter for group in groups for parameter in group]
    gradients = {id(parameter): torch.zeros_like(parameter) for parameter in wanted}
    losses = []
    for task in tasks:
        parameters = learned.fine_tuned(learner.loss, task.train, order)
        loss = learned.with_parameters(parameters, learner.loss, task.test)
        found = torch.autograd.grad(loss, wanted, allow_unused=True)
        for parameter, gradient in zip(wanted, found, strict=True):
            if gradient is not None:
                gradients[id(parameter)] += gradient / len(tasks)
        losses.append(loss.detach())
    linear = torch.stack([_linear(group, gradients) for group in groups]).sum()
    return torch.stack(losses).mean() + linear - linear.detach()


def _linear(group: Sequence[Tensor], gradients: Mapping[int, Tensor]) -> Tensor:
    """A linear function of a group's parameters with the clipped gradients."""
    found = [gradients[id(parameter)] for parameter in group]
    norm = torch.stack([gradient.norm() for gradient in found]).norm()
    factor = (LARGEST_GRADIENT / norm.clamp(min=1e-12)).clamp(max=1.0)
    total: Tensor = torch.stack([(p * g).sum() for p, g in zip(group, found, strict=True)]).sum() * factor
    return total


def new_optimizer(
    learned: MetaLearner, rate: float, rate_of_rates: float, frozen: bool = False
) -> torch.optim.Optimizer:
    """RAdam (section 4.2) of the initialisation, unless it is frozen, and of the rates; clamps these."""
    initialisation = [p for p in learned.network.parameters() if p.requires_grad]
    groups = [] if frozen else [{"params": initialisation, "lr": rate}]
    groups.append({"params": list(learned.neuron_rates.parameters()), "lr": rate_of_rates})
    optimizer = torch.optim.RAdam(groups)
    optimizer.register_step_post_hook(lambda *_: learned.neuron_rates.clamp())
    return optimizer


def validate(learner: Learner, learned: MetaLearner, tasks: Sequence[Task[Any]]) -> dict[str, float]:
    """Mean J of the tasks' test sets with the initialisation alone and after fine-tuning."""
    before, after = [], []
    own = dict(learned.network.named_parameters())
    for task in tasks:
        parameters = learned.fine_tuned(learner.loss, task.train)
        with torch.no_grad():
            before.append(float(learned.with_parameters(own, learner.score, task.test)))
            after.append(float(learned.with_parameters(parameters, learner.score, task.test)))
    count = max(1, len(tasks))
    return {"J_initialisation": sum(before) / count, "J_fine_tuned": sum(after) / count}


def checkpoint_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state of a `MetaLearner` as a checkpoint has it: the network's own keys, and `neuron_rates.*`."""
    return {key.removeprefix("network."): value for key, value in state.items()}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    add_common_arguments(parser, steps=150, rate=1e-4)
    parser.add_argument("--network", choices=tuple(LEARNERS), default="lite")
    parser.add_argument("--weights", default="", help="what to start from (default: the network's own)")
    parser.add_argument("--order", choices=("first", "second"), default="first", help="of the derivatives")
    parser.add_argument("--rates", choices=LEVELS, default="neuron", help="how fine the learned rates are")
    parser.add_argument(
        "--initial-rate", type=float, help="of every neuron, to start from (default: the network's own)"
    )
    parser.add_argument(
        "--rate-share", type=float, default=0.2, help="meta rate of the rates, a share of --initial-rate"
    )
    parser.add_argument("--freeze-initialisation", action="store_true", help="learn the rates alone")
    parser.add_argument("--inner-steps", type=int, default=STEPS, help="SGD steps a task (default 5)")
    parser.add_argument("--tasks", type=int, default=TASKS, help="tasks a meta step (default 4)")


def main(arguments: argparse.Namespace) -> int:
    """Train, log, checkpoint; export the averaged weights and rates at every checkpoint."""
    begin(arguments)
    learner = LEARNERS[arguments.network]()
    if arguments.order == "second" and not learner.second_order:
        raise EngineError(f"{arguments.network} has no second derivatives; take --order first.")
    arguments.weights = arguments.weights or learner.weights
    arguments.initial_rate = learner.rate if arguments.initial_rate is None else arguments.initial_rate
    network = load_network(learner.architecture, arguments.weights)
    learned = placed(MetaLearner(network, arguments.initial_rate, arguments.rates))
    rate_of_rates = arguments.rate_share * arguments.initial_rate
    optimizer = new_optimizer(learned, arguments.rate, rate_of_rates, arguments.freeze_initialisation)
    state = TrainingState(
        learned, optimizer, arguments.steps, decay=0.0, warm_up=1
    )  # a fixed rate, section 4.2
    if arguments.resume:
        state.resume(arguments.out)
    _train(arguments, learner, state)
    return 0


def _train(arguments: argparse.Namespace, learner: Learner, state: TrainingState[MetaLearner]) -> None:
    stills, clips = load_training_data(arguments.data)
    held_out = {name: clips.pop(name) for name in HELD_OUT if name in clips}
    source = learner.tasks(stills, list(clips.values()), arguments.seed, arguments.inner_steps)
    apart = learner.tasks([], list((held_out or clips).values()), 10_007, arguments.inner_steps)
    validation = [apart.task(n) for n in range(VALIDATION_TASKS)] if clips or held_out else []
    batches = TaskBatches(source, arguments.tasks, arguments.steps, state.step)
    groups = [group["params"] for group in state.optimizer.param_groups]

    def scores() -> dict[str, float]:
        return validate(learner, state.averaged(), validation)

    def export(found: dict[str, float]) -> None:
        card = model_card(arguments, "meta", learner.architecture, _recipe(arguments, state.step), found)
        level = "" if arguments.rates == "neuron" else f"_{arguments.rates}"
        path = arguments.out / f"{learner.learned}{level}.safetensors"
        export_weights(checkpoint_state(state.average), path, card)

    run(
        state,
        batches,
        lambda tasks: meta_loss(learner, state.network, tasks, groups, arguments.order),
        scores,
        export,
        arguments,
    )


def _recipe(arguments: argparse.Namespace, steps: int) -> str:
    learned = "rates" if arguments.freeze_initialisation else "initialisation and rates"
    return (
        f"{learned} ({arguments.rates} level, `{PREFIX}*`) meta-learned from "
        f"{arguments.weights}: {steps} RAdam steps of {arguments.tasks} tasks, "
        f"back-propagation ({arguments.order} order) through {arguments.inner_steps} SGD steps, averaged; "
        "scores: mean J of another frame of held-out training sequences, before and after these steps"
    )
