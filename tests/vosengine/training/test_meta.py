"""Meta-learning: its derivatives against finite differences and by hand, and what it buys on toy tasks."""

import argparse
import json

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from vosengine.config import preset
from vosengine.errors import EngineError, WeightsError
from vosengine.finetune import Shot
from vosengine.methods import new_method, weights_of
from vosengine.networks.lite import LiteNet
from vosengine.neuron_rates import NeuronRates
from vosengine.training import learners, meta
from vosengine.training.learners import LiteLearner, MaskRcnnLearner, PairBatch, Task, TaskBatches
from vosengine.training.loop import TrainingState, export_weights
from vosengine.training.meta import MetaLearner, meta_loss, new_optimizer
from vosengine.weights import load_network, load_rates


class Regression:
    """Tasks of fitting y to x with the mean squared error."""

    architecture = "toy"

    def loss(self, network, batch):
        x, y = batch
        return (network(x) - y).square().mean()

    def score(self, network, batch):
        return -self.loss(network, batch)


TOY = Regression()


def small_learner(rate=0.1):
    torch.manual_seed(0)
    return MetaLearner(nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)), rate).double()


def small_task(seed=1, steps=3):
    torch.manual_seed(seed)
    batches = [(torch.randn(5, 2).double(), torch.randn(5, 1).double()) for _ in range(steps + 1)]
    return Task(batches[:-1], batches[-1])


def loss_after(learned, task, order="first"):
    parameters = learned.fine_tuned(TOY.loss, task.train, order)
    return learned.with_parameters(parameters, TOY.loss, task.test)


@pytest.mark.parametrize("part", ["network.0.weight", "neuron_rates.0.weight", "neuron_rates.2.bias"])
def test_second_order_agrees_with_finite_differences(part):
    learned, task = small_learner(), small_task()
    parameter = learned.get_parameter(part)
    (found,) = torch.autograd.grad(loss_after(learned, task, "second"), [parameter])
    expected = torch.zeros_like(parameter)
    for place in np.ndindex(parameter.shape):
        sides = []
        for move in (1e-5, -1e-5):
            with torch.no_grad():
                parameter[place] += move
            sides.append(loss_after(learned, task).item())
            with torch.no_grad():
                parameter[place] -= move
        expected[place] = (sides[0] - sides[1]) / 2e-5
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-9)


def test_first_order_is_its_formula():
    learned, task = small_learner(), small_task()
    by_hand = {name: p.detach().clone() for name, p in learned.network.named_parameters()}
    total = {name: torch.zeros_like(p) for name, p in by_hand.items()}
    network = small_learner().network
    for batch in task.train:
        network.load_state_dict(by_hand)
        network.zero_grad()
        TOY.loss(network, batch).backward()
        for name, p in network.named_parameters():
            total[name] += p.grad
            by_hand[name] = by_hand[name] - 0.1 * p.grad
    network.load_state_dict(by_hand)
    network.zero_grad()
    TOY.loss(network, task.test).backward()
    wanted = list(learned.parameters())
    found = dict(
        zip(
            [name for name, _ in learned.named_parameters()],
            torch.autograd.grad(loss_after(learned, task), wanted),
            strict=True,
        )
    )
    for name, p in network.named_parameters():
        torch.testing.assert_close(found[f"network.{name}"], p.grad)
        product = -(p.grad * total[name])
        a_neuron = product.sum(1, keepdim=True) if product.dim() == 2 else product
        torch.testing.assert_close(found[f"neuron_rates.{name}"], a_neuron)


def test_the_orders_differ_where_the_loss_bends():
    learned, task = small_learner(), small_task()
    grads = [
        torch.autograd.grad(loss_after(learned, task, order), [learned.get_parameter("network.0.weight")])[0]
        for order in ("first", "second")
    ]
    assert not torch.allclose(*grads, rtol=1e-2)


def test_the_meta_loss_has_the_mean_gradient_of_its_tasks_clipped():
    learned, tasks = small_learner(), [small_task(1), small_task(2)]
    groups = [list(learned.network.parameters()), list(learned.neuron_rates.parameters())]
    value = meta_loss(TOY, learned, tasks, groups)
    value.backward()
    mean = torch.stack([loss_after(learned, task) for task in tasks]).mean()
    torch.testing.assert_close(value, mean)
    for group in groups:
        expected = torch.autograd.grad(mean, group, retain_graph=True)
        norm = torch.cat([g.flatten() for g in expected]).norm()
        factor = min(1.0, meta.LARGEST_GRADIENT / norm.item())
        for parameter, gradient in zip(group, expected, strict=True):
            torch.testing.assert_close(parameter.grad, gradient * factor)


def trained(learned, tasks, steps, rate_of_rates, frozen=False):
    """Meta-training over `tasks`, four a step, as the command does it."""
    optimizer = new_optimizer(learned, 1e-2, rate_of_rates, frozen)
    state = TrainingState(learned, optimizer, steps, decay=0.0, warm_up=1)
    groups = [group["params"] for group in optimizer.param_groups]
    for step in range(steps):
        batch = [tasks[(4 * step + n) % len(tasks)] for n in range(4)]
        state.update(meta_loss(TOY, learned, batch, groups))
    return state


def test_rates_never_become_negative():
    learned = small_learner(rate=0.01)
    state = trained(learned, [small_task(n) for n in range(4)], 10, rate_of_rates=0.1)
    every = torch.cat([rates.flatten() for rates in learned.neuron_rates.parameters()])
    assert every.min() == 0
    assert every.max() > 0.01
    assert all((v >= 0).all() for k, v in state.average.items() if k.startswith("neuron_rates."))


def test_a_frozen_initialisation_stays():
    learned = small_learner()
    before = learned.get_parameter("network.0.weight").clone()
    trained(learned, [small_task(n) for n in range(4)], 3, rate_of_rates=0.01, frozen=True)
    assert torch.equal(learned.get_parameter("network.0.weight"), before)
    assert not torch.equal(
        learned.get_parameter("neuron_rates.0.weight"), torch.full((3, 1), 0.1, dtype=torch.float64)
    )


class Scaled(nn.Module):
    """Three neurons, each with an input of its own, of very different magnitudes: one rate cannot fit all."""

    def __init__(self):
        super().__init__()
        self.neurons = nn.ModuleList(nn.Linear(1, 1) for _ in range(3))

    def forward(self, x):
        return torch.cat([neuron(x[:, n : n + 1]) for n, neuron in enumerate(self.neurons)], 1)


def scaled_tasks(count, seed, steps=3):
    """Lines through scattered points: each task has slopes and offsets of its own."""
    generator = torch.Generator().manual_seed(seed)
    scales = torch.tensor([3.0, 1.5, 0.75])
    tasks = []
    for _ in range(count):
        slopes, offsets = torch.randn(2, 3, generator=generator)
        xs = [torch.randn(32, 3, generator=generator) * scales for _ in range(steps + 1)]
        batches = [(x, x / scales * slopes + offsets) for x in xs]
        tasks.append(Task(batches[:-1], batches[-1]))
    return tasks


def test_learned_rates_beat_the_best_single_rate_in_as_many_steps():
    torch.manual_seed(0)
    network = Scaled()
    unseen = scaled_tasks(10, seed=1)

    def mean_loss(learned):
        return np.mean([loss_after(learned, task).item() for task in unseen])

    single = min(mean_loss(MetaLearner(network, rate)) for rate in np.geomspace(0.05, 0.8, 12))
    learned = MetaLearner(network, 0.1)
    trained(learned, scaled_tasks(40, seed=2), 30, rate_of_rates=0.15, frozen=True)
    assert mean_loss(learned) < 0.7 * single
    slopes = [float(learned.neuron_rates.by_name()[f"neurons.{n}.weight"].detach()) for n in range(3)]
    assert slopes[0] < min(slopes[1:]), "the larger a neuron's input, the smaller its rate"


def frame(number=0):
    """A striped disk on texture."""
    rng = np.random.default_rng(number)
    image = rng.integers(0, 120, (64, 96, 3), np.uint8)
    mask = np.zeros((64, 96), np.uint8)
    cv2.circle(mask, (40 + number, 32), 16, 255, -1)
    image[mask > 0] += 100
    return image, mask


@pytest.fixture
def data(tmp_path):
    for kind in ("images", "masks"):
        (tmp_path / "data" / kind).mkdir(parents=True)
    for name in ("JPEGImages", "Annotations"):
        (tmp_path / "data" / name / "bear").mkdir(parents=True)
    for number in range(3):
        image, mask = frame(number)
        cv2.imwrite(str(tmp_path / "data" / "images" / f"{number}.jpg"), image)
        cv2.imwrite(str(tmp_path / "data" / "masks" / f"{number}.png"), mask)
        cv2.imwrite(str(tmp_path / "data" / "JPEGImages" / "bear" / f"{number:05d}.jpg"), image)
        cv2.imwrite(str(tmp_path / "data" / "Annotations" / "bear" / f"{number:05d}.png"), mask)
    return tmp_path / "data"


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(learners, "SHAPES", ((32, 64), (64, 32)))
    monkeypatch.setattr(meta, "VALIDATION_TASKS", 1)


def train(data, out, *more):
    parser = argparse.ArgumentParser()
    meta.add_arguments(parser)
    fixed = ["--data", data, "--out", out, "--tasks", 1, "--inner-steps", 1, "--workers", 0, "--threads", 1]
    return meta.main(parser.parse_args([str(value) for value in (*fixed, *more)]))


def test_training_resumes_to_the_weights_of_an_uninterrupted_run(data, small, tmp_path):
    fast = ("--rate", 1)  # RAdam's first steps are small
    train(data, tmp_path / "whole", "--steps", 2, "--log-every", 2, *fast)
    train(data, tmp_path / "parts", "--steps", 1, "--log-every", 1, *fast)
    train(data, tmp_path / "parts", "--steps", 2, "--log-every", 1, "--resume", *fast)
    a, b = (load_file(tmp_path / name / "lite_meta.safetensors") for name in ("whole", "parts"))
    assert a.keys() == b.keys()
    for key, value in a.items():
        assert torch.equal(value, b[key]), key
    card = json.loads((tmp_path / "parts" / "lite_meta.json").read_text("utf-8"))
    assert card["architecture"] == "lite"
    assert set(card["scores"]) == {"J_initialisation", "J_fine_tuned"}
    path = str(tmp_path / "parts" / "lite_meta.safetensors")
    network, bundled = load_network("lite", path), load_network("lite", "lite")
    assert not torch.equal(network.head.weight, bundled.head.weight)
    assert load_rates(path).keys() == NeuronRates(network, 0.0).by_name().keys()


def test_tasks_are_reproducible_and_their_sets_disjoint(data, small):
    image, mask = frame()
    stills = [Shot(0, image, (mask > 0).astype(np.float32))]
    source = LiteLearner(pairs=2).tasks(stills, [], seed=3, steps=3)
    task, again, other = source.task(5), source.task(5), source.task(6)
    assert len(task.train) == 3
    assert task.train[0].images.shape == (4, 3, 64, 32)
    assert task.test.images.shape == (2, 3, 64, 32)
    assert torch.equal(task.test.images, again.test.images)
    assert torch.equal(task.train[2].guidance, again.train[2].guidance)
    assert not torch.equal(task.train[0].images, task.train[1].images)
    assert other.test.images.shape == (2, 3, 32, 64)
    batches = TaskBatches(source, size=2, steps=10, first=7)
    assert len(batches) == 3
    assert torch.equal(batches[1][1].test.images, source.task(17).test.images)


def test_the_lite_test_set_is_the_second_view_with_the_first_as_memory():
    torch.manual_seed(0)
    network, learner = LiteNet(), LiteLearner()
    images = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    masks = torch.zeros(2, 1, 64, 64)
    masks[:, :, 16:48, 16:48] = 1
    batch = PairBatch(images, masks, torch.zeros_like(masks), test=True)
    loss = learner.loss(network, batch)
    masks[1] = 1 - masks[1]
    assert learner.loss(network, batch) != loss
    masks[1] = 1 - masks[1]
    batch.guidance[0] = 1  # of the annotated frame: not asked for
    torch.testing.assert_close(learner.loss(network, batch), loss)
    network.head.bias.data.fill_(100)
    torch.testing.assert_close(learner.score(network, batch), torch.tensor(32 * 32 / 64**2))


def test_mask_rcnn_learns_from_a_task(small, monkeypatch):
    torch.manual_seed(0)
    monkeypatch.setattr(learners.whole_frames, "SHAPES", ((64, 96),))
    learner = MaskRcnnLearner()
    frames = [Shot(n, image, (mask > 0).astype(np.float32)) for n in range(2) for image, mask in [frame(n)]]
    for stills, clips in ((frames, []), ([], [frames])):
        source = learner.tasks(stills, clips, seed=0, steps=2)
        task, again = source.task(1), source.task(1)
        assert [batch.images.shape for batch in task.train] == [(1, 3, 64, 96)] * 2
        assert all(batch.masks.any() for batch in (*task.train, task.test))
        assert torch.equal(task.test.images, again.test.images)
        assert torch.equal(task.train[1].images, again.train[1].images)
    learned = MetaLearner(load_network("mask_rcnn_lite", "random"), 1e-3)
    groups = [list(learned.neuron_rates.parameters())]
    value = meta_loss(learner, learned, [task], groups)
    assert value == meta_loss(learner, learned, [task], groups), "the proposals sampled are the task's own"
    value.backward()
    moved = {name for name, rates in learned.neuron_rates.by_name().items() if rates.grad.any()}
    for part in ("backbone.fpn", "rpn.head", "roi_heads.box_predictor", "roi_heads.mask_predictor"):
        assert any(name.startswith(part) for name in moved), part
    with torch.no_grad():
        assert 0 <= learner.score(learned.network, task.test) <= 1


def test_mask_rcnn_has_no_second_order(data, small, tmp_path):
    with pytest.raises(EngineError, match="no second derivatives; take --order first"):
        train(data, tmp_path / "out", "--network", "mask_rcnn_lite", "--order", "second")


def test_the_guided_method_takes_learned_rates(tmp_path):
    network = LiteNet()
    rates = NeuronRates(network, 0.0)
    rates.get_parameter("head.bias").data.fill_(0.1)
    state = {f"network.{k}": v for k, v in network.state_dict().items()}
    state |= {f"neuron_rates.{k}": v for k, v in rates.state_dict().items()}
    path = tmp_path / "mine.safetensors"
    export_weights(meta.checkpoint_state(state), path, {"architecture": "lite"})
    config = preset("draft", rates="neuron", weights=str(path), crop_area=64 * 64, batch_size=2)
    parent = load_network("lite", weights_of(config))
    method = new_method(parent, config)
    image, mask = frame()
    losses = list(method.fine_tune([Shot(0, image, (mask > 0).astype(np.float32))], 2))
    assert len(losses) == 2
    moved = {n for n, p in method.network.named_parameters() if not torch.equal(p, parent.get_parameter(n))}
    assert moved == {"head.bias"}


def test_learned_rates_bring_their_own_weights():
    assert weights_of(preset("balanced")) == "lite"
    assert weights_of(preset("balanced", rates="neuron")) == "lite_meta"
    assert weights_of(preset("balanced", rates="neuron", weights="mine")) == "mine"
    with pytest.raises(WeightsError, match="no learned rates"):
        new_method(LiteNet(), preset("balanced", rates="neuron", weights="lite"))
    with pytest.raises(EngineError, match="no kind of rates 'best'"):
        preset("balanced", rates="best")
