"""Training the contour branch: its targets, its score by hand, and a run that learns, resumes and exports."""

import argparse
import csv
import json

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from scipy import ndimage

from tests.vosengine.methods.scene import frame
from vosengine.augment import affine_map
from vosengine.errors import DatasetError, WeightsError
from vosengine.training import contours, stills
from vosengine.training.contours import Regions, boundary_f, matches, region_boundaries
from vosengine.training.datasets import HELD_OUT, Still
from vosengine.training.loop import TrainingState
from vosengine.weights import load_network


@pytest.fixture
def small_views(monkeypatch):
    monkeypatch.setattr(stills, "SHAPES", ((64, 96), (96, 64)))
    monkeypatch.setattr(contours, "VALIDATION_BATCHES", 1)


@pytest.fixture
def data(tmp_path):
    """Stills of the red disk at several places."""
    for kind in ("images", "masks"):
        (tmp_path / "data" / kind).mkdir(parents=True)
    for number in range(6):
        write(
            tmp_path / "data" / "images" / f"{number}.jpg",
            tmp_path / "data" / "masks" / f"{number}.png",
            number,
        )
    return tmp_path / "data"


def write(image_path, mask_path, number):
    image, mask = frame(2 * number)
    cv2.imwrite(str(image_path), image[..., ::-1])
    cv2.imwrite(str(mask_path), (mask * 255).astype(np.uint8))


def trained(data, out, *more):
    parser = argparse.ArgumentParser()
    contours.add_arguments(parser)
    fixed = ["--data", str(data), "--out", str(out), "--workers", "0", "--threads", "1", "--batch-size", "2"]
    return contours.main(parser.parse_args([*fixed, *more]))


def still_of(mask):
    image = np.zeros((*mask.shape[:2], 3), np.uint8)
    return Still(*(cv2.imencode(".png", array)[1].tobytes() for array in (image, mask)))


def unchanged(height, width):
    return affine_map(np.array([[1.0, 0, 0], [0, 1, 0]]), height, width)


# --- targets --------------------------------------------------------------------------------------------


def test_the_boundary_is_one_pixel_on_each_side():
    regions = np.zeros((4, 6), np.float32)
    regions[2:, 3:] = 7
    expected = [[0, 0, 0, 0, 0, 0], [0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 1, 1], [0, 0, 1, 1, 0, 0]]
    assert region_boundaries(regions, unchanged(4, 6)).tolist() == expected


def test_the_boundary_is_morphologys_gradient_whatever_the_regions_numbers():
    regions = np.random.default_rng(0).integers(0, 3, (12, 15)).astype(np.float32) * 100_000
    cross = ndimage.generate_binary_structure(2, 1)
    gradient = ndimage.morphological_gradient(regions, footprint=cross, mode="nearest")
    assert (region_boundaries(regions, unchanged(12, 15)) == (gradient > 0)).all()


def test_boundaries_stay_thin_when_magnified_and_the_frame_is_none():
    regions = np.zeros((20, 20), np.float32)
    regions[:, 10:] = 1
    twice = affine_map(np.array([[0.5, 0, 0], [0, 0.5, -5]]), 60, 40)
    assert (region_boundaries(regions, twice).sum(1) == 2).all()
    assert not region_boundaries(np.ones((20, 20), np.float32), twice).any()


def test_regions_are_the_greys_or_the_colours_of_the_mask():
    greys = np.uint8([[0, 0, 3], [0, 5, 3]])
    assert Regions(still_of(greys)).decode()[1].tolist() == greys.tolist()
    colours = np.zeros((2, 3, 3), np.uint8)
    colours[0, 0], colours[1, 0] = (255, 255, 255), (255, 255, 254)
    _, regions = Regions(still_of(colours)).decode()
    assert len(np.unique(regions)) == 3
    many = np.uint16([[300, 300, 301]])
    assert Regions(still_of(many)).decode()[1].tolist() == many.tolist()


def test_a_damaged_mask_is_one_sentence():
    whole = still_of(np.zeros((4, 4), np.uint8))
    with pytest.raises(DatasetError, match="damaged"):
        Regions(Still(whole.image_bytes, b"no image")).decode()


# --- the score ------------------------------------------------------------------------------------------


def line_at(row):
    found = torch.zeros(1, 1, 60, 80)  # diagonal 100: a tolerance of 1 pixel
    found[0, 0, row] = 1
    return found


@pytest.mark.parametrize(("row", "near"), [(30, 1), (31, 1), (32, 0)])
def test_boundaries_match_within_the_tolerance(row, near):
    counted = matches(0.45 * line_at(row), line_at(30))
    assert counted[:, 0].tolist() == [80 * near, 80, 80 * near, 80]
    assert counted[:, 3].tolist() == [80 * near, 80, 80 * near, 80]
    assert counted[:, 4].tolist() == [0, 0, 0, 80], "nothing is found above 0.5"


class Lines(torch.nn.Module):
    """Finds the line at row 30 weakly and one more, far away, more weakly still."""

    def forward(self, image):
        return torch.logit(0.65 * line_at(30) + 0.25 * line_at(10), eps=1e-4).expand(len(image), -1, -1, -1)


def test_f_is_that_of_the_best_threshold():
    images = torch.zeros(2, 3, 60, 80, dtype=torch.uint8)
    lines = torch.cat([line_at(30), line_at(50)])
    # Above 0.3 one line of one pixel is found in each image: right in one, precision and recall are 1/2.
    assert boundary_f(Lines(), [(images, lines)]) == pytest.approx(0.5)
    assert boundary_f(Lines(), [(images[:1], lines[:1])]) == pytest.approx(1.0)
    both = line_at(30) + line_at(10)
    assert boundary_f(Lines(), [(images[:1], both)]) == pytest.approx(1.0)
    # At the best threshold of the two: precision 2/3 and recall 1 at 0.1.
    assert boundary_f(Lines(), [(images[:1], lines[:1]), (images[:1], both)]) == pytest.approx(6 / 7)


# --- a run ----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("small_views")
def test_contours_are_learned_and_exported_for_the_superpixels(data, tmp_path):
    trained(data, tmp_path / "out", "--steps", "30", "--rate", "4e-3", "--log-every", "10")
    with (tmp_path / "out" / "log.csv").open() as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file)]
    assert losses[-1] < 0.8 * losses[0]
    network = load_network("contours_lite", str(tmp_path / "out" / "contours_lite.safetensors"))
    image, mask = frame(5)
    target = region_boundaries(mask.astype(np.float32), unchanged(*mask.shape))
    window = np.s_[: mask.shape[0] // 32 * 32, : mask.shape[1] // 32 * 32]
    with torch.no_grad():
        inputs = torch.from_numpy(image[window].copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
        found = network(inputs)[0, 0].numpy()
    assert found[target[window] > 0].mean() > found[target[window] == 0].mean() + 1
    card = json.loads((tmp_path / "out" / "contours_lite.json").read_text())
    assert card["architecture"] == "contours_lite"
    assert card["command"].startswith("rotoshot train contours --batch-size 2 --rate 0.004")
    assert 0 < card["scores"]["F"] <= 1
    assert (tmp_path / "out" / "curve.svg").read_text().startswith("<svg")


@pytest.mark.usefixtures("small_views")
def test_training_resumes_to_the_weights_of_an_uninterrupted_run(data, tmp_path):
    schedule = ["--steps", "4", "--log-every", "2"]
    trained(data, tmp_path / "whole", *schedule)
    update = TrainingState.update

    def stop_after_two(self, loss):
        if self.step == 2:
            raise KeyboardInterrupt
        update(self, loss)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrainingState, "update", stop_after_two)
        with pytest.raises(KeyboardInterrupt):
            trained(data, tmp_path / "parts", *schedule)
    trained(data, tmp_path / "parts", *schedule, "--resume")
    one, other = (load_file(tmp_path / name / "contours_lite.safetensors") for name in ("whole", "parts"))
    assert one.keys() == other.keys()
    for key, value in one.items():
        torch.testing.assert_close(value, other[key], msg=key)


@pytest.mark.usefixtures("small_views")
def test_held_out_clips_are_for_validation_only(data):
    for name in (HELD_OUT[0], "bear"):
        images, masks = (data / kind / "360p" / name for kind in ("JPEGImages", "Annotations"))
        images.mkdir(parents=True)
        masks.mkdir(parents=True)
        write(images / "00000.jpg", masks / "00000.png", 8)
    options = argparse.Namespace(data=data, batch_size=2, steps=3, seed=0)
    training, validation = contours._batches(options, first=1)
    assert len(training.stills) == 6
    assert len(training.clips) == 1
    assert len(training) == 2
    ((images, targets),) = validation
    assert images.shape == (2, 3, 64, 96)
    assert targets.any()


def test_it_starts_from_a_parent_network_if_asked(tmp_path):
    from vosengine.training.loop import export_weights

    torch.manual_seed(0)
    parent = load_network("osvos_lite", "random")
    path = tmp_path / "mine.safetensors"
    export_weights(parent.state_dict(), path, {"architecture": "osvos_lite"})
    options = argparse.Namespace(trunk="lite", weights=str(path), rate=1e-3, steps=1)
    start = contours._new_state(options).network.state_dict()
    for key, value in parent.state_dict().items():
        assert torch.equal(start[key].cpu(), value.half().float()), key
    with pytest.raises(WeightsError, match="holds a 'osvos_lite' network"):
        contours._new_state(argparse.Namespace(**{**vars(options), "trunk": "vgg16"}))
