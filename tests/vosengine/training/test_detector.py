"""Base training of the lite Mask R-CNN: the scenes it sees, resuming, and a disk it learns to find."""

import argparse
import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.vosengine.methods.scene import HEIGHT, WIDTH, frame
from vosengine.finetune import Shot
from vosengine.networks import mask_rcnn
from vosengine.networks.mask_rcnn import Detections
from vosengine.training import detector
from vosengine.training.detector import Scenes, placed_at_random, scores_of
from vosengine.training.loop import TrainingState
from vosengine.weights import load_network


@pytest.fixture(autouse=True)
def small_views(monkeypatch):
    monkeypatch.setattr(detector, "SHAPES", ((96, 160), (128, 128)))
    monkeypatch.setattr(detector, "VALIDATION_BATCHES", 1)
    monkeypatch.setattr(mask_rcnn, "FEW", replace(mask_rcnn.FEW, boxes=16))


@pytest.fixture
def data(tmp_path):
    """Stills of one object, the red disk, at several places."""
    for kind in ("images", "masks"):
        (tmp_path / "data" / kind).mkdir(parents=True)
    for number in range(4):
        image, mask = frame(2 * number)
        cv2.imwrite(str(tmp_path / "data" / "images" / f"{number}.jpg"), image[..., ::-1])
        cv2.imwrite(str(tmp_path / "data" / "masks" / f"{number}.png"), mask * 255)
    (tmp_path / "data" / "JPEGImages" / "360p" / "swing").mkdir(parents=True)
    (tmp_path / "data" / "Annotations" / "360p" / "swing").mkdir(parents=True)
    image, mask = frame(3)
    cv2.imwrite(str(tmp_path / "data" / "JPEGImages" / "360p" / "swing" / "00000.jpg"), image[..., ::-1])
    cv2.imwrite(str(tmp_path / "data" / "Annotations" / "360p" / "swing" / "00000.png"), mask * 255)
    return tmp_path / "data"


def trained(data, out, *more):
    parser = argparse.ArgumentParser()
    detector.add_arguments(parser)
    fixed = ["--data", str(data), "--out", str(out), "--workers", "0", "--threads", "1", "--batch-size", "2"]
    return detector.main(parser.parse_args([*fixed, *more]))


def test_an_object_learned_from_stills_is_found_on_a_held_out_clip(data, tmp_path):
    trained(data, tmp_path / "out", "--steps", "20", "--rate", "2e-2", "--log-every", "20")
    card = json.loads((tmp_path / "out" / "mask_rcnn_lite.json").read_text())
    assert card["command"].startswith("rotoshot train detector --batch-size 2 --rate 0.02")
    assert card["scores"]["recall"] > 0.7
    assert card["scores"]["J"] > 0.6
    assert (tmp_path / "out" / "curve.svg").read_text().startswith("<svg")
    network = load_network("mask_rcnn_lite", str(tmp_path / "out" / "mask_rcnn_lite.safetensors"))
    imagenet = load_network("mask_rcnn_lite", "imagenet").backbone.trunk.features
    own = network.backbone.trunk.features
    assert torch.allclose(own[0][0].weight, imagenet[0][0].weight, atol=1e-3), "the early blocks are frozen"
    assert not torch.allclose(own[9].conv[0].weight, imagenet[9].conv[0].weight, atol=1e-3)


def test_training_resumes_to_the_weights_of_an_uninterrupted_run(data, tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    trained(data, whole, "--steps", "2", "--log-every", "1")
    stopped = TrainingState.update

    def stop_after_one(self, loss):
        if self.step == 1:
            raise KeyboardInterrupt
        stopped(self, loss)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrainingState, "update", stop_after_one)
        with pytest.raises(KeyboardInterrupt):
            trained(data, parts, "--steps", "2", "--log-every", "1")
    trained(data, parts, "--steps", "2", "--log-every", "1", "--resume")
    a, b = (load_file(folder / "mask_rcnn_lite.safetensors") for folder in (whole, parts))
    assert a.keys() == b.keys()
    for key, value in a.items():
        assert torch.equal(value, b[key]), key


def sources(count=4):
    return [Shot(n, *frame(n)) for n in range(count)]


def test_scenes_are_repeatable_and_hold_up_to_three_objects_that_do_not_overlap():
    scenes = Scenes(sources(), [], size=3, steps=8, seed=5)
    seen = set()
    for number in range(8):
        images, masks = scenes[number]
        again, same = Scenes(sources(), [], size=3, steps=8, first=number, seed=5)[0]
        assert torch.equal(images, again)
        assert all(torch.equal(a, b) for a, b in zip(masks, same, strict=True))
        assert images.dtype == torch.uint8
        assert images.shape == (3, 3, *detector.SHAPES[number % 2])
        for objects in masks:
            seen.add(len(objects))
            assert objects.shape[1:] == images.shape[2:]
            assert objects.sum(0).max() <= 1, "what lies behind another object is not seen"
            assert set(objects.unique().tolist()) <= {0.0, 1.0}
    assert seen == {1, 2, 3}
    assert not torch.equal(scenes[0][0], Scenes(sources(), [], size=3, steps=8, seed=6)[0][0])
    assert {
        len(m) for _, masks in (Scenes(sources(), [], 3, 2, pasted=0)[n] for n in (0, 1)) for m in masks
    } == {1}


def test_stills_and_clips_are_drawn_from_alike_often():
    black, white = (
        Shot(0, np.full((40, 60, 3), v, np.uint8), np.ones((40, 60), np.float32)) for v in (0, 255)
    )
    scenes = Scenes([black] * 9, [[white], [white]], size=40, steps=1, pasted=0)
    bright = (scenes[0][0].float().mean((1, 2, 3)) > 127).sum().item()
    assert 12 <= bright <= 28


def test_pasted_objects_have_the_asked_size_and_look_like_their_mask():
    image, mask = frame(0)
    sizes = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        over, shape = placed_at_random(rng, image, mask, 200, 300)
        assert over.shape == (200, 300, 3)
        inside = cv2.erode(shape, np.ones((5, 5), np.uint8)) > 0.99
        if inside.sum() > 50:
            assert over[inside][:, 0].mean() > 180, "the disk is red and yellow"
        if not (shape[[0, -1]].any() or shape[:, [0, -1]].any()):
            sizes.append(np.sqrt(shape.sum() / (np.pi / 4) / shape.size))
    assert len(sizes) > 5
    assert min(sizes) > 0.11
    assert max(sizes) < 0.61
    nothing = placed_at_random(np.random.default_rng(0), image, np.zeros_like(mask), 20, 30)[1]
    assert nothing.shape == (20, 30)
    assert not nothing.any()


def test_recall_and_j_are_those_of_the_best_detection():
    truth = torch.zeros(2, HEIGHT, WIDTH)
    truth[0, 20:40, 20:60] = 1
    truth[1, 60:80, 100:140] = 1

    class Found:
        def detect(self, image):
            # J 3/4 with the first object; less; 4 columns of the second object: J 4 / 50
            boxes = torch.tensor([[20.0, 20, 50, 40], [20, 20, 30, 40], [136, 60, 150, 80]])
            return Detections(boxes, torch.tensor([0.5, 0.9, 0.7]), torch.full((3, 1, 56, 56), 0.9))

    scores = scores_of(Found(), [(torch.zeros(1, 3, HEIGHT, WIDTH, dtype=torch.uint8), [truth])])
    assert scores["recall"] == 0.5
    assert np.isclose(scores["J"], (0.75 + 4 / 50) / 2)
