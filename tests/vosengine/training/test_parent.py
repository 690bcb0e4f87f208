"""OSVOS's parent training: deep supervision or not, and an object learned from stills of it."""

import argparse
import json

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.vosengine.methods.scene import frame, j
from vosengine.config import preset
from vosengine.losses import class_balanced_cross_entropy
from vosengine.methods import new_method
from vosengine.training import parent, stills
from vosengine.training.loop import TrainingState
from vosengine.training.stills import StillBatches
from vosengine.weights import load_network


@pytest.fixture(autouse=True)
def small_views(monkeypatch):
    monkeypatch.setattr(stills, "SHAPES", ((96, 160), (128, 128)))
    monkeypatch.setattr(parent, "VALIDATION_BATCHES", 1)


@pytest.fixture
def data(tmp_path):
    """Stills of one object, the red disk, at several places."""
    for kind in ("images", "masks"):
        (tmp_path / "data" / kind).mkdir(parents=True)
    for number in range(6):
        image, mask = frame(2 * number)
        cv2.imwrite(str(tmp_path / "data" / "images" / f"{number}.jpg"), image[..., ::-1])
        cv2.imwrite(str(tmp_path / "data" / "masks" / f"{number}.png"), mask * 255)
    return tmp_path / "data"


def trained(data, out, *more):
    parser = argparse.ArgumentParser()
    parent.add_arguments(parser)
    fixed = ["--data", str(data), "--out", str(out), "--workers", "0", "--threads", "1", "--batch-size", "2"]
    return parent.main(parser.parse_args([*fixed, *more]))


def test_an_object_learned_from_stills_of_it_costs_one_forward_pass_a_frame(data, tmp_path):
    trained(data, tmp_path / "out", "--steps", "60", "--rate", "3e-3", "--log-every", "60")
    weights = tmp_path / "out" / "osvos_lite.safetensors"
    config = preset("osvos-lite", weights=str(weights), steps=0)
    method = new_method(load_network("osvos_lite", config.weights), config)
    assert list(method.fine_tune((), config.steps)) == []
    image, mask = frame(5)
    assert j(method.begin((), 0).segment(image), mask) > 0.7
    card = json.loads(weights.with_suffix(".json").read_text())
    assert card["command"].startswith("rotoshot train parent --batch-size 2 --rate 0.003")
    assert card["scores"]["J"] > 0.5
    assert (tmp_path / "out" / "curve.svg").read_text().startswith("<svg")


def test_training_resumes_to_the_weights_of_an_uninterrupted_run(data, tmp_path, monkeypatch):
    trained(data, tmp_path / "whole", "--steps", "4", "--log-every", "2", "--side-channels", "1")
    update = TrainingState.update

    def stop_after_two(self, loss):
        if self.step == 2:
            raise KeyboardInterrupt
        update(self, loss)

    monkeypatch.setattr(TrainingState, "update", stop_after_two)
    parts = ["--steps", "4", "--log-every", "2", "--side-channels", "1"]
    with pytest.raises(KeyboardInterrupt):
        trained(data, tmp_path / "parts", *parts)
    monkeypatch.undo()
    monkeypatch.setattr(stills, "SHAPES", ((96, 160), (128, 128)))
    monkeypatch.setattr(parent, "VALIDATION_BATCHES", 1)
    trained(data, tmp_path / "parts", *parts, "--resume")
    one, other = (load_file(tmp_path / name / "depth1_lite.safetensors") for name in ("whole", "parts"))
    for key, value in one.items():
        torch.testing.assert_close(value, other[key], msg=key)


@pytest.mark.parametrize("architecture", ["osvos_lite", "osvos_vgg16"])
def test_deep_supervision_adds_the_loss_of_each_side_output(architecture):
    torch.manual_seed(0)
    network = load_network(architecture, "random")
    images = torch.randint(0, 255, (1, 3, 64, 96), dtype=torch.uint8)
    masks = torch.zeros(1, 1, 64, 96)
    masks[..., 20:40, 30:60] = 1
    alone = parent.parent_loss(network, images, masks, supervised=False)
    with torch.no_grad():
        fused, sides = network.sides(images.float() / 127.5 - 1)
    how = "sum" if architecture == "osvos_vgg16" else "mean"
    torch.testing.assert_close(alone, class_balanced_cross_entropy(fused, masks, how), rtol=0.05, atol=0)
    whole = sum(class_balanced_cross_entropy(x, masks, how) for x in (fused, *sides))
    torch.testing.assert_close(parent.parent_loss(network, images, masks), whole, rtol=0.05, atol=0)
    assert len(sides) == (5 if architecture == "osvos_lite" else 4)


def test_vgg16_is_trained_by_sgd_with_momentum_on_unclipped_gradients():
    network = load_network("osvos_vgg16", "random")
    state = parent.new_state(network, 1e-8, steps=50_000)
    assert isinstance(state.optimizer, torch.optim.SGD)
    assert state.optimizer.param_groups[0]["momentum"] == 0.9
    state.step = 300  # past the warm-up
    images = torch.randint(0, 255, (1, 3, 64, 64), dtype=torch.uint8)
    masks = torch.zeros(1, 1, 64, 64)
    masks[..., 20:40, 20:40] = 1
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    state.update(parent.parent_loss(network, images, masks))
    for name, parameter in network.named_parameters():
        expected = before[name] - 1e-8 * (parameter.grad + 0.0002 * before[name])
        torch.testing.assert_close(parameter, expected, msg=name)
    norm = torch.stack([p.grad.norm() for p in network.parameters()]).norm()
    assert norm > 10, "clipped to 1 the paper's rate would move nothing"


def test_samples_depend_on_their_number_and_the_seed_alone():
    class Source:
        def decode(self):
            return frame(0)

    def batches(first, seed=3):
        return StillBatches([Source()], [[Source()]], 2, 5, first, seed)

    images, targets = batches(0)[3]
    again = batches(2)[1]
    assert torch.equal(images, again[0])
    assert torch.equal(targets, again[1])
    assert not torch.equal(images, batches(0, seed=4)[3][0])
    assert images.shape == (2, 3, 128, 128)
    assert set(np.unique(targets)) == {0.0, 1.0}
    red = images[:, 0].float() - images[:, 1].float()
    assert red[targets[:, 0] > 0].median() > 60, "the target covers the object"
    assert len(batches(2)) == 3
