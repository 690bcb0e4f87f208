"""e-OSVOS on a small scene, with the bundled networks: each component changes results."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tests.vosengine.methods.scene import HEIGHT, WIDTH, frame, j, shots
from vosengine.config import PRESETS, preset
from vosengine.errors import EngineError, WeightsError
from vosengine.finetune import Shot
from vosengine.methods import new_method, registry, weights_of
from vosengine.methods.e_osvos import EOsvos, EOsvosTrack, corners, moved_boxes, plain_view, rates_of
from vosengine.networks.mask_rcnn import Detections
from vosengine.neuron_rates import PREFIX, NeuronRates
from vosengine.types import Box
from vosengine.weights import load_network


def two_disks(number):
    """The scene with a blue twin of the disk, and both masks."""
    image, mask = frame(number)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    twin = np.hypot(x - 128, y - 36 - number) < 20
    image[twin] = (60, 60, 220)
    return image, mask * ~twin, twin.astype(np.float32)


@pytest.fixture(scope="module")
def parent():
    """The bundled detector, which finds both disks and knows neither."""
    network = load_network("mask_rcnn_lite", "mask_rcnn_lite")
    network.roi_heads.fg_bg_sampler.batch_size_per_image = 16  # half of the time
    return network


def config(**changes):
    return preset("e-osvos-lite", **{"rates": "hand", "rate": 0.01, **changes})


def twin_shot(number=0):
    image, _, twin = two_disks(number)
    return Shot(number, image, twin)


@pytest.mark.parametrize("wanted", [1, 2])
def test_a_few_steps_teach_which_of_two_objects_to_follow(parent, wanted):
    views = [two_disks(n) for n in range(3)]
    annotated = [Shot(0, views[0][0], views[0][wanted])]
    method = new_method(parent, config(**{"e_osvos.augment": False}))
    losses = list(method.fine_tune(annotated, 8))
    assert len(losses) == 8
    assert np.mean(losses[-2:]) < np.mean(losses[:2])
    track = method.begin(annotated, 0)
    for image, *masks in views[1:]:
        probability = track.segment(image)
        assert probability.shape == (HEIGHT, WIDTH)
        assert probability.dtype == np.float32
        assert j(probability, masks[wanted - 1]) > 0.7


def test_the_bundled_initialisation_and_rates_learn_one_of_two_objects():
    settings = preset("e-osvos-lite")
    method = new_method(load_network("mask_rcnn_lite", weights_of(settings)), settings)
    list(method.fine_tune([twin_shot()], settings.steps))
    image, _, twin = two_disks(1)
    assert j(method.begin([twin_shot()], 0).segment(image), twin) > 0.7


def test_the_same_seed_gives_the_same_masks_and_another_seed_others(parent):
    def masks(seed):
        method = new_method(parent, config(seed=seed, **{"e_osvos.adapt_every": 1, "e_osvos.adapt_steps": 1}))
        list(method.fine_tune([twin_shot()], 1))
        track = method.begin([twin_shot()], 0)
        first = track.segment(two_disks(1)[0])
        list(track.adapt())
        return np.stack((first, track.segment(two_disks(2)[0])))

    assert np.array_equal(masks(0), masks(0))
    assert not np.array_equal(masks(0), masks(1))


def test_fine_tuning_changes_its_own_copy_only(parent):
    before = {key: value.clone() for key, value in parent.state_dict().items()}
    method = new_method(parent, config())
    other = method.copied()
    list(method.fine_tune([twin_shot()], 1))
    assert all(torch.equal(before[key], value) for key, value in parent.state_dict().items())
    name = "roi_heads.box_predictor.cls_score.weight"
    assert torch.equal(other.network.state_dict()[name], before[name])
    assert not torch.equal(method.network.state_dict()[name], before[name])


def test_an_absent_object_is_not_trained_on(parent):
    method = new_method(parent, config())
    empty = Shot(0, frame(0)[0], np.zeros((HEIGHT, WIDTH), np.float32))
    assert list(method.fine_tune([empty], 5)) == []


@pytest.mark.parametrize("switch", ["lovasz", "augment"])
def test_each_switch_of_fine_tuning_changes_the_loss(parent, switch):
    losses = []
    for on in (True, False):
        method = new_method(parent, config(**{f"e_osvos.{switch}": on}))
        losses.append(list(method.fine_tune([twin_shot()], 1)))
    assert losses[0] != losses[1]


def test_learned_rates_move_each_neuron_at_its_own_rate(parent, tmp_path):
    rates = NeuronRates(parent, 0.0)
    chosen = "roi_heads.mask_predictor.mask_fcn_logits.weight"
    with torch.no_grad():
        rates.by_name()[chosen][1] = 0.1
    path = tmp_path / "learned.safetensors"
    state = {key: value.contiguous() for key, value in parent.state_dict().items()}
    learned = {PREFIX + key: value.contiguous() for key, value in rates.by_name().items()}
    save_file({**state, **learned}, path, {"architecture": "mask_rcnn_lite"})
    settings = preset("e-osvos-lite", weights=str(path))
    assert settings.rates == "neuron"
    method = new_method(load_network("mask_rcnn_lite", str(path)), settings)
    list(method.fine_tune([twin_shot()], 1))
    after = method.network.state_dict()
    assert {key for key in state if not torch.equal(after[key], state[key])} == {chosen}
    assert torch.equal(after[chosen][0], state[chosen][0]), "the background's neuron has rate 0"
    copy = method.copied()
    list(copy.fine_tune([twin_shot()], 1))
    assert torch.equal(copy.network.state_dict()[chosen][0], state[chosen][0])


def test_weights_without_learned_rates_are_refused():
    with pytest.raises(WeightsError, match=r"'coco' hold no learned rates; choose weights of .* to hand"):
        rates_of(preset("e-osvos-paper", rates="neuron", weights="coco"))


class FakeNetwork(torch.nn.Module):
    """Finds what it is told to, and remembers the proposals it got."""

    def __init__(self, *results):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.results, self.proposals = list(results), []

    def detect(self, image, extra):
        self.proposals.append(extra)
        return self.results.pop(0)


def detections(*scored_boxes):
    """Boxes (left, top, right, bottom) with scores, their masks filling them."""
    masks = torch.full((len(scored_boxes), 1, 56, 56), 0.9)
    boxes = torch.tensor([box for _, box in scored_boxes], dtype=torch.float32).reshape(-1, 4)
    return Detections(boxes, torch.tensor([score for score, _ in scored_boxes]), masks)


def track_of(*results, **changes):
    method = new_method(FakeNetwork(*results), config(**changes))
    return EOsvosTrack(method, shots(0)[0]), method.network


def test_the_best_scoring_detection_is_the_object():
    track, _ = track_of(detections((0.4, (0, 0, 20, 20)), (0.8, (40, 30, 90, 60))))
    probability = track.segment(frame(1)[0])
    expected = np.zeros((HEIGHT, WIDTH), np.float32)
    expected[30:60, 40:90] = 0.9
    np.testing.assert_allclose(probability, expected, atol=1e-6)


def test_the_previous_box_and_copies_around_it_are_the_next_proposals():
    track, network = track_of(detections((0.8, (40, 30, 90, 60))), detections(), detections())
    for number in (1, 2, 3):
        probability = track.segment(frame(number)[0])
    assert not probability.any(), "nothing found, nothing there"
    first, second, third = (boxes.numpy() for boxes in network.proposals)
    # the disk has its middle at (50, 46) and radius 22
    assert np.allclose(first[0], (29, 25, 72, 68))
    assert np.allclose(second[0], (40, 30, 90, 60))
    assert np.allclose(third[0], (40, 30, 90, 60)), "the last box known stays when the object is lost"
    assert not np.array_equal(second[1:], third[1:])
    without, network = track_of(detections(), **{"e_osvos.propagate_boxes": False})
    without.segment(frame(1)[0])
    assert network.proposals == [None]


def test_moved_boxes_stay_near_and_keep_about_their_size():
    box = corners(Box(40, 30, 50, 30))
    assert box.tolist() == [40, 30, 90, 60]
    moved = moved_boxes(np.random.default_rng(0), box, 200)
    centres, sides = (moved[:, :2] + moved[:, 2:]) / 2, moved[:, 2:] - moved[:, :2]
    shifts = np.abs(centres - (65, 45)) / (50, 30)
    assert 0.15 < shifts.max() <= 0.2001
    assert np.all(np.abs(np.log(sides / (50, 30))) <= 0.2001)
    assert np.std(moved, axis=0).min() > 1
    assert corners(None) is None


def test_online_adaptation_runs_every_few_frames_from_the_first_frames_weights(parent):
    changes = {"e_osvos.adapt_every": 2, "e_osvos.adapt_steps": 2}
    method = new_method(parent, config(**changes))
    list(method.fine_tune([twin_shot()], 1))
    tuned = {key: value.clone() for key, value in method.network.state_dict().items()}
    track = method.begin([twin_shot()], 0)
    counts, states = [], []
    assert track.adapted is None, "a sweep has no weights of its own until there is something to learn"
    for number in range(1, 4):
        assert track.segment(two_disks(number)[0]).max() > 0.5
        counts.append(len(list(track.adapt())))
        used = track.adapted or track.method
        states.append({key: value.clone() for key, value in used.network.state_dict().items()})
    assert counts == [0, 2, 0]
    name = "roi_heads.mask_predictor.mask_fcn_logits.weight"
    assert torch.equal(states[0][name], tuned[name])
    assert not torch.equal(states[1][name], tuned[name])
    assert torch.equal(states[1][name], states[2][name])
    assert torch.equal(method.network.state_dict()[name], tuned[name]), "other sweeps start afresh"


@pytest.mark.parametrize("reset", [True, False])
def test_each_adaptation_starts_from_the_first_frames_weights_if_told_so(parent, monkeypatch, reset):
    changes = {"e_osvos.adapt_every": 1, "e_osvos.adapt_steps": 1, "e_osvos.reset": reset}
    method = new_method(parent, config(**changes))
    list(method.fine_tune([twin_shot()], 1))
    name = "roi_heads.box_predictor.cls_score.weight"
    tuned = method.network.state_dict()[name].clone()
    track = method.begin([twin_shot()], 0)
    starts, frames = [], []
    step = EOsvos.step

    def watched(adapted, views):
        starts.append(adapted.network.state_dict()[name].clone())
        frames.append(views)
        return step(adapted, views)

    monkeypatch.setattr(EOsvos, "step", watched)
    for number in (1, 2):
        probability = track.segment(two_disks(number)[0])
        list(track.adapt())
    assert torch.equal(starts[0], tuned)
    assert torch.equal(starts[1], tuned) == reset
    first, latest = frames[1]
    assert np.array_equal(first.mask, twin_shot().mask), "the annotated frame supports the own result"
    assert np.array_equal(latest.mask, probability >= 0.5)
    assert np.array_equal(latest.image, two_disks(2)[0])


def test_a_frame_without_the_object_is_not_adapted_to():
    track, _ = track_of(detections(), **{"e_osvos.adapt_every": 1})
    track.segment(frame(1)[0])
    assert list(track.adapt()) == []


def test_views_have_sides_of_multiples_of_32():
    view = plain_view(np.zeros((100, 150, 3), np.uint8), np.full((100, 150), 0.6, np.float32))
    assert view.image.shape == (96, 160, 3)
    assert view.mask.shape == (96, 160)
    assert np.all(view.mask == 1)


def test_presets_are_the_papers_variants():
    # section 4.2: I_OnA = 5, T_OnA = 10; T = 10, 50, 100 in section 4.3
    assert {
        name: (c.steps, c.e_osvos.adapt_every) for name, c in PRESETS.items() if c.method == "e_osvos"
    } == {
        "e-osvos-lite": (10, 0),
        "e-osvos-lite-50-ona": (50, 5),
        "e-osvos-paper": (100, 5),
    }
    entry = registry["e_osvos"]
    assert entry.networks == {"lite": "mask_rcnn_lite", "resnet50": "mask_rcnn_resnet50"}
    assert entry.learned == {"lite": "e_osvos_lite", "resnet50": "e_osvos_resnet50"}
    with pytest.raises(EngineError, match=r"adapt_every and .* must be at least 0"):
        config(**{"e_osvos.adapt_every": -1})
