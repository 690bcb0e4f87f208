"""OSVOS on a small moving object."""

import numpy as np
import pytest
import torch

from tests.vosengine.methods.scene import HEIGHT, WIDTH, follow, frame, j, shots
from vosengine.config import preset
from vosengine.methods import new_method
from vosengine.networks.osvos import OsvosNet
from vosengine.oneshot import augmented
from vosengine.weights import load_network


@pytest.fixture(scope="module")
def parent():
    torch.manual_seed(0)
    return load_network("osvos_lite", "imagenet")


@pytest.fixture
def config():
    return preset("osvos-lite", steps=40, rate=1e-3)


def test_one_shot_training_learns_the_object_and_finds_it_again(parent, config):
    method = new_method(parent, config)
    losses = list(method.fine_tune(shots(0), config.steps))
    assert len(losses) == config.steps
    assert np.mean(losses[-3:]) < 0.5 * np.mean(losses[:3])
    found = follow(method)
    assert min(j(p, frame(n)[1]) for n, p in enumerate(found, 1)) > 0.7
    assert all(p.shape == (HEIGHT, WIDTH) and p.dtype == np.float32 for p in found)
    assert all(p.min() >= 0 and p.max() <= 1 for p in found)


def test_without_one_shot_training_the_parent_does_not_know_the_object(parent, config):
    found = follow(new_method(parent, config))
    assert max(j(p, frame(n)[1]) for n, p in enumerate(found, 1)) < 0.5
    assert list(new_method(parent, config).fine_tune(shots(0), 0)) == []


def test_the_same_seed_gives_the_same_masks(parent, config):
    results = []
    for _ in range(2):
        method = new_method(parent, config)
        list(method.fine_tune(shots(0), 3))
        results.append(follow(method, 3))
    for a, b in zip(*results, strict=True):
        assert np.array_equal(a, b)


def test_fine_tuning_changes_its_own_copy_only(parent, config):
    before = {key: value.clone() for key, value in parent.state_dict().items()}
    method = new_method(parent, config)
    other = method.copied()
    list(method.fine_tune(shots(0), 2))
    assert all(torch.equal(before[key], value) for key, value in parent.state_dict().items())
    assert torch.equal(other.network.outputs.fuse.weight, parent.outputs.fuse.weight)
    assert not torch.equal(method.network.outputs.fuse.weight, parent.outputs.fuse.weight)


def test_all_annotated_frames_are_trained_on():
    rng = np.random.default_rng(0)
    areas = {round(float(augmented(rng, shots(0, 20)).mask.mean()), 3) for _ in range(40)}
    red = [augmented(np.random.default_rng(n), shots(0, 20)).image[..., 0].max() for n in range(8)]
    assert len(areas) > 10
    assert min(red) > 150
    whole, cut = shots(0, 24)
    assert cut.mask.sum() < 0.9 * whole.mask.sum(), "the object leaves the frame at the right"
    views = [augmented(np.random.default_rng(n), (whole, cut)).mask.sum() for n in range(30)]
    assert max(views) > 1.5 * min(views)


def test_frames_are_independent(parent, config):
    method = new_method(parent, config)
    first, second = method.begin(shots(0), 0), method.begin(shots(0), 0)
    first.segment(frame(1)[0])
    assert list(first.adapt()) == []
    assert np.array_equal(first.segment(frame(3)[0]), second.segment(frame(3)[0]))


def test_vgg16_osvos_learns_one_frame():
    torch.manual_seed(0)
    # Random weights need another rate than the paper's, which is for ImageNet weights and summed losses.
    config = preset("osvos-paper", rate=1e-7, steps=4)
    method = new_method(OsvosNet(), config)
    losses = list(method.fine_tune(shots(0), 4))
    assert all(np.isfinite(losses))
    assert len(losses) == 4
    assert method.begin(shots(0), 0).segment(frame(1)[0]).shape == (HEIGHT, WIDTH)
