"""Detectors behind one interface: torchvision's, the bundled one, and any a caller brings along."""

import cv2
import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models import get_model

from tests.vosengine.test_downloads import cache, published  # noqa: F401 - a fixture
from vosengine.errors import EngineError, WeightsError
from vosengine.guides import detector as module
from vosengine.guides.detector import (
    DETECTORS,
    Detection,
    LiteDetector,
    RememberingDetector,
    coco_detector,
    detections,
    detector,
)
from vosengine.networks.mask_rcnn import Detections, mask_rcnn_lite
from vosengine.types import Box

SMALL = "fasterrcnn_mobilenet_v3_large_320_fpn"
CLASSES = ["__background__", "person", "camel"]


def test_torchvisions_answer_in_plain_values():
    found = {
        "boxes": torch.tensor([[1.0, 2.0, 11.0, 7.0], [3.0, 3.0, 3.0, 9.0]]),
        "labels": torch.tensor([2, 1]),
        "scores": torch.tensor([0.75, 0.9]),
    }
    assert detections(found, CLASSES) == [Detection(Box(1, 2, 10, 5), "camel", 0.75)], "no box without area"


def site(tmp_path, monkeypatch, state, cut=None):
    """torchvision's weights of SMALL, published in a folder, of three classes."""
    weights = published(tmp_path / "site", state, cut)
    weights.value.meta["categories"] = CLASSES
    monkeypatch.setattr("torchvision.models.get_model_weights", lambda name: type(weights))
    return weights


def test_a_coco_network_is_downloaded_and_detects(tmp_path, monkeypatch):
    torch.manual_seed(0)
    network = get_model(SMALL, weights=None, weights_backbone=None, num_classes=3)
    predictor = network.roi_heads.box_predictor
    with torch.no_grad():
        predictor.cls_score.weight.zero_()
        predictor.cls_score.bias.copy_(torch.tensor([0.0, 0.0, 4.0]))  # whatever it proposes is a camel
    site(tmp_path, monkeypatch, network.state_dict())
    found = coco_detector(SMALL).detect(np.zeros((64, 96, 3), np.uint8))
    assert {d.class_name for d in found} == {"camel"}
    expected = float(torch.tensor([0.0, 0.0, 4.0]).softmax(0)[2])
    for one in found:
        assert one.score == pytest.approx(expected, abs=1e-4)
        assert one.box.clipped(96, 64).area == pytest.approx(one.box.area, rel=1e-3)


def test_weights_of_another_network_and_truncated_ones_are_one_sentence(tmp_path, monkeypatch):
    site(tmp_path, monkeypatch, {"weight": torch.zeros(3)})
    with pytest.raises(WeightsError, match="does not fit this network; choose weights made for it"):
        coco_detector(SMALL)
    site(tmp_path, monkeypatch, {"weight": torch.zeros(400)}, cut=900)
    with pytest.raises(WeightsError, match=r"connect to the network.*box_filtered\.detector=lite"):
        coco_detector(SMALL)


class BrightBox(nn.Module):
    """Detects the box round the bright pixels of its input."""

    def __init__(self):
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))

    def detect(self, image):
        assert image.shape[-1] % 32 == image.shape[-2] % 32 == 0
        y, x = torch.where(image[0, 0] > 0)
        box = torch.stack((x.min(), y.min(), x.max() + 1, y.max() + 1)).float()[None]
        return Detections(box, torch.tensor([0.6]), torch.zeros(1, 1, 56, 56))


@pytest.mark.parametrize(("height", "width"), [(96, 160), (400, 700)])
def test_the_lite_detector_answers_in_the_frames_pixels(height, width):
    image = np.zeros((height, width, 3), np.uint8)
    image[30:80, 20:120] = 255
    (found,) = LiteDetector(BrightBox()).detect(image)
    assert (found.class_name, round(found.score, 4)) == ("object", 0.6)
    assert [found.box.x, found.box.y, found.box.width, found.box.height] == pytest.approx(
        [20, 30, 100, 50], abs=3
    )


def test_the_lite_network_serves_as_detector():
    image = np.random.default_rng(0).integers(0, 255, (96, 160, 3), np.uint8)
    answers = LiteDetector(mask_rcnn_lite()).detect(image)
    assert answers
    for found in answers:
        assert found.box.clipped(160, 96).area == pytest.approx(found.box.area, rel=1e-3)
        assert 0 <= found.score <= 1


def test_the_bundled_detector_finds_what_stands_out():
    image = np.full((192, 320, 3), (60, 130, 60), np.uint8)
    cv2.circle(image, (150, 90), 50, (210, 40, 40), -1)
    answers = detector("lite").detect(image)
    assert answers
    best = max(answers, key=lambda found: found.score)
    assert best.score > 0.5
    assert [best.box.x, best.box.y, best.box.width, best.box.height] == pytest.approx(
        [100, 40, 100, 100], abs=20
    )


class Counting:
    """Numbers its answers."""

    def __init__(self):
        self.asked = 0

    def detect(self, image):
        self.asked += 1
        return [Detection(Box(0, 0, 1, 1), "answer", self.asked)]


def test_the_latest_frames_are_detected_once():
    remembering = RememberingDetector(Counting())
    images = [np.full((2, 3, 3), n, np.uint8) for n in range(5)]
    scores = [remembering.detect(image)[0].score for image in [*images, images[4], images[1], images[0]]]
    assert scores == [1, 2, 3, 4, 5, 5, 2, 6], "the fifth frame pushed the first one out"
    same_bytes = images[0].reshape(3, 2, 3)
    assert remembering.detect(same_bytes)[0].score == 7


def test_a_detector_is_made_once_on_first_use_and_others_may_be_added(monkeypatch):
    made = []
    monkeypatch.setitem(DETECTORS, "mine", lambda: made.append(1) or Counting())
    assert detector("mine") is detector("mine")
    assert made == [1]
    monkeypatch.setenv("ROTOSHOT_DEVICE", "cuda")  # its network stays where it was made
    assert detector("mine") is detector("mine")
    assert made == [1, 1]
    assert detector("none").detect(np.zeros((4, 4, 3), np.uint8)) == []
    with pytest.raises(EngineError, match=r"no detector 'yours'; choose one of none, lite, .*mine"):
        detector("yours")
    assert set(module.COCO_NETWORKS) < set(DETECTORS)
