"""The default method on a small moving object, with the bundled weights."""

import numpy as np
import pytest
import torch

from tests.vosengine.methods.scene import HEIGHT, WIDTH, follow, frame, j, shots
from vosengine.config import changed, preset
from vosengine.methods import new_method
from vosengine.methods.guided import without_strays
from vosengine.weights import load_network


@pytest.fixture(scope="module")
def parent():
    return load_network("lite", "lite")


@pytest.fixture
def config():
    return preset("balanced", steps=12, batch_size=2, crop_area=128 * 96)


def test_fine_tuning_learns_the_object_and_finds_it_again(parent, config):
    torch.manual_seed(0)
    method = new_method(parent, config)
    losses = list(method.fine_tune(shots(0), config.steps))
    assert len(losses) == config.steps
    assert np.mean(losses[-3:]) < np.mean(losses[:3])
    found = follow(method)
    assert min(j(p, frame(n)[1]) for n, p in enumerate(found, 1)) > 0.75
    assert all(p.shape == (HEIGHT, WIDTH) and p.dtype == np.float32 for p in found)
    assert all(p.min() >= 0 and p.max() <= 1 for p in found)


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
    changed = method.network.head.weight
    assert torch.equal(other.network.head.weight, parent.head.weight)
    assert not torch.equal(changed, parent.head.weight)


def test_fine_tuned_weights_are_averaged_with_the_parents(parent, config):
    alone, half = (new_method(parent, changed(config, {"parent_share": share})) for share in (0.0, 0.5))
    for method in (alone, half):
        list(method.fine_tune(shots(0), 2))
    learned, kept = alone.network.head.weight, half.network.head.weight
    torch.testing.assert_close(kept, (learned + parent.head.weight) / 2)
    assert not torch.equal(learned, kept)


def test_a_copy_is_trained_further_at_a_quarter_of_the_rate(parent, config):
    method = new_method(parent, config)
    rates = []
    for one in (method, method.copied(), method.copied().copied()):
        list(one.fine_tune(shots(0), 1))
        rates.append(one.optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([rates[0], rates[0] / 4, rates[0] / 4])


def test_several_annotated_frames_are_all_learned_from(parent, config):
    method = new_method(parent, config)
    list(method.fine_tune(shots(0, 4), 3))
    track = method.begin(shots(0, 4), 4)
    assert j(track.segment(frame(5)[0]), frame(5)[1]) > 0.6


def test_guidance_follows_the_object_and_is_unknown_at_the_frames_edge(parent):
    method = new_method(parent, preset("balanced", crop_area=128 * 96))
    track = method.begin(shots(0), 0)
    guidance = track._guidance(frame(1)[0])
    assert guidance.min() >= -1
    assert guidance.max() <= 1
    assert j(guidance > 0, frame(1)[1]) > 0.85


def test_a_lost_object_is_looked_for_round_its_last_place(parent):
    method = new_method(parent, preset("balanced", steps=12, batch_size=2, crop_area=128 * 96))
    list(method.fine_tune(shots(0), 12))
    track = method.begin(shots(0), 0)
    track.segment(frame(1)[0])
    track.mask = np.zeros_like(track.mask)
    assert j(track.segment(frame(2)[0]), frame(2)[1]) > 0.5


def test_mirrored_averaging_changes_little_and_is_symmetric(parent):
    plain, flipped = (new_method(parent, preset("balanced", flip=f, crop_area=0)) for f in (False, True))
    image, mask = frame(0)
    guidance = (2 * mask - 1).astype(np.float32)
    memory = flipped.remember(image, mask)
    window = flipped.window(None, HEIGHT, WIDTH)
    one = plain.probability(image, guidance, memory, window)
    both = flipped.probability(image, guidance, memory, window)
    mirrored = flipped.probability(
        np.ascontiguousarray(image[:, ::-1]), np.ascontiguousarray(guidance[:, ::-1]), memory, window
    )
    assert not np.array_equal(one, both)
    assert np.abs(both - mirrored[:, ::-1]).max() < 0.05


def test_small_components_away_from_the_guidance_are_dropped():
    probability, guidance = np.zeros((40, 60), np.float32), np.full((40, 60), -1, np.float32)
    probability[5:25, 5:25] = 0.9  # the object, 400 pixels
    probability[30:32, 5:8] = 0.8  # small, touches the guidance
    probability[5:8, 50:55] = 0.8  # a stray of 15 pixels
    probability[20:36, 40:56] = 0.7  # apart but large
    probability[12:15, 30:33] = 0.7  # small, where the flow is not trusted: comes out from behind something
    guidance[10:20, 28:38] = -0.25
    probability[0, 0] = 0.4  # doubt is no component
    guidance[8:31, 5:22] = 1
    found = without_strays(probability, guidance)
    expected = probability.copy()
    expected[5:8, 50:55] = 0
    assert np.array_equal(found, expected)
    unknown = without_strays(probability, np.zeros_like(guidance))
    assert np.array_equal(unknown, probability), "a lost object may be anywhere"
