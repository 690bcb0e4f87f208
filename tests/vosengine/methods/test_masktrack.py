"""MaskTrack on a small moving object; each switch of the paper must change the result."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.vosengine.methods.scene import HEIGHT, WIDTH, frame, j, shots
from vosengine.annotations import grab_cut_box, shots_by_object
from vosengine.boxes import object_in_box
from vosengine.config import preset
from vosengine.deformation import Deformation
from vosengine.finetune import Shot, stacked
from vosengine.guided_training import guided_loss
from vosengine.methods import box_to_mask_of, masktrack, new_method
from vosengine.methods.masktrack import SAMPLES, flow_magnitude
from vosengine.pairs import View
from vosengine.propagate import propagate
from vosengine.sweeps import plan
from vosengine.types import Annotation, Box, ClipInfo, Direction, Span
from vosengine.weights import load_network


def shot(number):
    """An annotated frame with the frame beside it."""
    return replace(shots(number)[0], neighbour=frame(number + 1)[0])


@pytest.fixture(scope="module")
def parent():
    return load_network("masktrack_lite", "imagenet")


def config_with(**changes):
    changes = {f"masktrack.{name}": value for name, value in changes.items()}
    return preset("masktrack-lite", steps=2, rate=1e-3, **changes)


def follow(method, count=3):
    track = method.begin([shot(0)], 0)
    return [track.segment(frame(n)[0]) for n in range(1, count)]


def trained(parent, config):
    method = new_method(parent, config)
    list(method.fine_tune([shot(0)], config.steps))
    return method


def test_online_training_learns_the_object_and_follows_it(parent):
    method = new_method(parent, preset("masktrack-lite", rate=2e-3))
    losses = list(method.fine_tune([shot(0)], 16))
    assert len(losses) == 16
    assert np.mean(losses[-3:]) < 0.7 * np.mean(losses[:3])
    found = follow(method, 5)
    assert min(j(p, frame(n)[1]) for n, p in enumerate(found, 1)) > 0.6
    assert all(p.shape == (HEIGHT, WIDTH) and p.dtype == np.float32 for p in found)
    assert all(p.min() >= 0 and p.max() <= 1 for p in found)


@pytest.mark.parametrize(
    "change", ["flow", "crf", "mask_input", "deform", "non_rigid", "dilation"], ids=lambda name: name
)
def test_each_switch_changes_the_masks(parent, change):
    usual = config_with()
    other = config_with(**{change: not getattr(usual.masktrack, change)})
    one, two = (follow(trained(parent, config)) for config in (usual, other))
    assert not np.array_equal(one[-1], two[-1])


def test_the_same_seed_gives_the_same_masks(parent):
    results = [follow(trained(parent, config_with(flow=True))) for _ in range(2)]
    assert all(np.array_equal(a, b) for a, b in zip(*results, strict=True))


def test_vgg16s_dropout_is_decided_by_the_seed_and_the_step():
    network = load_network("masktrack_vgg16", "random")
    small = Shot(0, *(np.ascontiguousarray(part[16:80, 18:82]) for part in frame(0)))
    losses = []
    for _ in range(2):
        method = new_method(network, preset("masktrack-paper", steps=2, batch_size=1))
        losses.append(list(method.fine_tune([small], 2)))
        torch.rand(7)
    assert losses[0] == losses[1]
    network.train()
    batch = stacked([View(small.image, small.mask, small.mask)])
    with torch.no_grad():
        one, other = (guided_loss(network, *batch, seed=seed) for seed in (1, 2))
    assert one != other


def test_without_online_training_the_parent_is_used_as_it_is(parent):
    method = new_method(parent, config_with())
    assert list(method.fine_tune([shot(0)], 0)) == []
    state = method.streams["rgb"].state_dict()
    assert all(torch.equal(value, state[key]) for key, value in parent.state_dict().items())


def test_copies_keep_all_streams_and_leave_the_original_alone(parent):
    method = trained(parent, config_with(flow=True))
    before = {key: value.clone() for key, value in method.network.state_dict().items()}
    assert any(not torch.equal(before[f"rgb.{key}"], before[f"flow.{key}"]) for key in parent.state_dict())
    copy = method.copied()
    assert all(torch.equal(before[key], value) for key, value in copy.network.state_dict().items())
    list(copy.fine_tune([shot(0)], 1))
    assert all(torch.equal(before[key], value) for key, value in method.network.state_dict().items())
    assert not torch.equal(before["flow.head.bias"], copy.network["flow"].head.bias)


def test_the_learning_rate_falls_to_nothing_by_the_papers_policy(parent, monkeypatch):
    rates = []
    step = masktrack.optimizer_step

    def spied(optimizer, loss):
        rates.append(optimizer.param_groups[0]["lr"])
        return step(optimizer, loss)

    monkeypatch.setattr(masktrack, "optimizer_step", spied)
    list(new_method(parent, config_with()).fine_tune([shot(0)], 4))
    assert rates == pytest.approx([1e-3 * (1 - n / 4) ** 0.9 for n in range(4)])


def test_samples_come_from_a_set_of_a_thousand_mirrored_and_rotated(parent, monkeypatch):
    method = new_method(parent, preset("masktrack-lite", batch_size=12))
    numbers = []
    whole = method.sample
    monkeypatch.setattr(method, "sample", lambda n, *seen: numbers.append(n) or whole(n, *seen))
    next(method.fine_tune([shot(0)], 1))
    assert (min(numbers) >= 0, max(numbers) < SAMPLES, len(set(numbers)) > 8) == (True, True, True)
    mask = frame(0)[1]
    views = [whole(n, [shot(0)], {})["rgb"] for n in range(12)]
    again = whole(3, [shot(0)], {})["rgb"]
    assert np.array_equal(views[3].image, again.image)
    assert np.array_equal(views[3].guidance, again.guidance)
    left = [view.mask[:, : WIDTH // 2].sum() > view.mask[:, WIDTH // 2 :].sum() for view in views]
    assert 2 <= sum(left) <= 10, "half of them mirrored"
    for view in views:
        assert view.mask.sum() == pytest.approx(mask.sum(), rel=0.05), "rotation keeps the size"
        assert view.image[view.mask > 0, 0].mean() > 180, "the disk moved with its mask"
        assert set(np.unique(view.guidance)) == {-1, 1}


def test_without_deformation_online_samples_have_the_true_mask(parent):
    method = new_method(parent, config_with(deform=False))
    view = method.sample(0, [shot(0)], {})["rgb"]
    assert np.array_equal(view.guidance, 2 * view.mask - 1)
    assert method.deformation == Deformation(False, False, False)


def test_all_annotated_frames_are_trained_on(parent):
    method = new_method(parent, config_with())
    annotated = [Shot(n, frame(0)[0], np.full((HEIGHT, WIDTH), n, np.float32)) for n in (0, 1)]
    shares = {method.sample(n, annotated, {})["rgb"].mask.mean() > 0.5 for n in range(12)}
    assert shares == {True, False}


def test_the_previous_mask_is_coarsened_before_the_network_sees_it(parent, monkeypatch):
    given = []
    monkeypatch.setattr(
        masktrack, "guided_probability", lambda network, image, guidance: given.append(guidance) or guidance
    )
    mask = frame(0)[1]
    for config, expected in (
        (config_with(), 2 * Deformation().coarsened(mask) - 1),
        (config_with(dilation=False), 2 * mask - 1),
        (config_with(mask_input=False), np.zeros_like(mask)),
    ):
        new_method(parent, config).begin([shot(0)], 0).segment(frame(1)[0])
        assert np.array_equal(given[-1], expected)


def test_the_scores_of_both_streams_are_averaged(parent):
    method = trained(parent, config_with(flow=True))
    pictures, mask = method.pictures(frame(0)[0], frame(1)[0]), frame(0)[1]
    alone = [method.probability({name: picture}, mask) for name, picture in pictures.items()]
    np.testing.assert_allclose(method.probability(pictures, mask), (alone[0] + alone[1]) / 2, atol=1e-6)
    assert not np.allclose(alone[0], alone[1], atol=1e-3)


def test_flow_magnitude_is_bright_where_the_object_moves():
    picture, mask = flow_magnitude(frame(0)[0], frame(2)[0]), frame(2)[1] > 0
    assert (picture.shape, picture.dtype) == ((HEIGHT, WIDTH, 3), np.uint8)
    assert (picture[..., 0] == picture[..., 2]).all()
    assert picture[mask].mean() > 3 * picture[~mask].mean()
    assert not flow_magnitude(frame(0)[0], frame(0)[0]).any(), (
        "a still frame is black, its noise not enlarged"
    )


def test_the_flow_stream_is_trained_on_the_annotated_frames_own_motion(parent):
    method = new_method(parent, config_with(flow=True))
    moving = method.pictures(frame(1)[0], frame(0)[0])
    assert np.array_equal(moving["rgb"], frame(0)[0])
    assert np.array_equal(moving["flow"], flow_magnitude(frame(1)[0], frame(0)[0]))
    assert not method.pictures(None, frame(0)[0])["flow"].any()


def test_flow_is_computed_once_for_each_frame_drawn_when_it_is_drawn(parent, monkeypatch):
    asked = []
    monkeypatch.setattr(masktrack, "flow_magnitude", lambda previous, image: asked.append(1) or image)
    method = new_method(parent, config_with(flow=True))
    annotated, pictures = [shot(0), shot(5)], {}
    first = method.sample(0, annotated, pictures)
    assert (len(asked), len(pictures), set(first)) == (1, 1, {"rgb", "flow"})
    for number in range(1, 12):
        method.sample(number, annotated, pictures)
    assert len(asked) == 2
    assert set(pictures) == {0, 5}


def test_the_crf_sees_three_frames_and_does_not_guide_the_next(parent, monkeypatch):
    windows, guided = [], []

    def crf(images, probabilities):
        windows.append((list(images), list(probabilities)))
        return [np.full_like(p, len(windows)) for p in probabilities]

    monkeypatch.setattr(masktrack, "dense_crf", crf)
    method = new_method(parent, config_with(crf=True))
    original = method.probability
    monkeypatch.setattr(
        method,
        "probability",
        lambda pictures, previous: guided.append(previous) or original(pictures, previous),
    )
    found = follow(method, 4)
    assert [p.flat[0] for p in found] == [1, 2, 3], "the CRF's result is the track's"
    assert [len(images) for images, _ in windows] == [2, 3, 3], "the annotated frame stands at its beginning"
    assert np.array_equal(windows[2][0][-1], frame(3)[0])
    assert np.array_equal(guided[2], windows[1][1][-1])


class Footage:
    width, height = WIDTH, HEIGHT

    def image(self, number):
        return frame(number)[0]


@pytest.mark.parametrize(
    ("direction", "starts"),
    [(Direction.BOTH, [0, 0, 0, 6, 6, 6]), (Direction.FORWARD, [0, 0, 0, 0, 0, 6])],
)
def test_each_frame_comes_from_the_nearest_annotation_forward_or_backward(
    parent, monkeypatch, direction, starts
):
    """With a network that copies its input this is the paper's baseline (section 5.4)."""
    monkeypatch.setattr(masktrack, "guided_probability", lambda network, image, guidance: (guidance + 1) / 2)
    method = new_method(parent, config_with(dilation=False))
    shots, span = {1: [shot(0), shot(6)]}, Span(0, 8)
    results = list(propagate(plan({1: [0, 6]}, span, direction), {1: method}, shots, Footage(), span))
    found = {r.frame: r.probabilities[1] for r in results if r is not None}
    assert sorted(found) == [1, 2, 3, 4, 5, 7]
    for number, start in zip(sorted(found), starts, strict=True):
        assert np.array_equal(found[number], frame(start)[1])


def test_the_config_chooses_between_the_methods_own_box_network_all_networks_and_grabcut(parent):
    asked = []

    def load(*names):
        asked.append(names)
        return parent

    convert = box_to_mask_of(preset("masktrack-lite"), load)
    assert asked == [], "loaded when there is a box"
    found = convert(frame(0)[0], Box(18, 14, 32, 32))
    assert asked == [("masktrack_lite", "masktrack_box_lite")]
    assert found.shape == (HEIGHT, WIDTH)
    assert box_to_mask_of(config_with(box_weights=""), load) is grab_cut_box
    for config in (preset("balanced"), preset("osvos-lite", **{"masktrack.box_weights": "x"})):
        convert = box_to_mask_of(config, load)
        assert (convert.func, convert.args) == (object_in_box, (load,)), "the method has no such network"


def test_shots_take_the_boxes_mask_and_the_frame_beside(tmp_path):
    info = ClipInfo(tmp_path, WIDTH * 2, HEIGHT * 2, 25, tuple(range(4)), "")
    boxes = []

    def convert(image, box):
        boxes.append(box)
        return np.full(image.shape[:2], 0.25, np.float32)

    annotations = [Annotation(0, 1, box=Box(20, 10, 40, 30)), Annotation(3, 1, box=Box(0, 0, 9, 9))]
    first, last = shots_by_object(annotations, info, Footage(), convert, neighbours=True)[1]
    assert boxes[0] == Box(10, 5, 20, 15), "at working resolution"
    assert (first.mask == 0.25).all()
    assert np.array_equal(first.neighbour, frame(1)[0])
    assert np.array_equal(last.neighbour, frame(2)[0]), "the one before at the clip's end"
    assert shots_by_object(annotations, info, Footage(), convert)[1][0].neighbour is None


def test_presets_carry_the_papers_constants():
    paper = preset("masktrack-paper")
    assert (paper.steps, paper.batch_size, paper.rate) == (200, 10, 1e-3), "section 4"
    assert (paper.trunk, paper.crop_area, paper.snap) == ("vgg16", 0, "none")
    assert preset("masktrack-lite").method == paper.method == "masktrack"
