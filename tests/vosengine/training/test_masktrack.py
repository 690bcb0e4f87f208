"""MaskTrack's offline training on a handful of tiny stills."""

import argparse
import csv

import cv2
import numpy as np
import pytest
import torch
from torch.optim.lr_scheduler import PolynomialLR

from vosengine.deformation import Deformation
from vosengine.errors import DatasetError
from vosengine.finetune import Shot
from vosengine.guided_training import new_optimizer
from vosengine.networks.masktrack import MaskTrackVgg16
from vosengine.training import masktrack
from vosengine.training.datasets import HELD_OUT
from vosengine.training.masktrack import GuidedStills, guide_of, mean_j, name_of, validation_views
from vosengine.weights import describe, load_network


def still(number, height=48, width=64):
    rng = np.random.default_rng(number)
    image = rng.integers(0, 120, (height, width, 3), np.uint8)
    y, x = np.mgrid[0:height, 0:width]
    mask = (np.hypot(x - rng.integers(24, 40), y - rng.integers(18, 30)) < 12).astype(np.float32)
    image[mask > 0] = (230, 60, 40)
    return Shot(number, image, mask)


@pytest.fixture
def stills():
    return [still(n) for n in range(6)]


def options(*words):
    parser = argparse.ArgumentParser()
    masktrack.add_arguments(parser)
    return parser.parse_args(["--data", "d", "--out", "o", *words])


@pytest.fixture
def footage(tmp_path):
    """Stills, one training clip that must not be trained on, and one held-out clip."""
    data = tmp_path / "data"
    shots = {f"images/{n}.jpg": still(n) for n in range(4)}
    for clip in (HELD_OUT[0], "bear"):
        shots |= {f"JPEGImages/360p/{clip}/{n:05}.jpg": still(n) for n in range(3)}
    for name, shot in shots.items():
        mask = name.replace("JPEGImages", "Annotations").replace("images", "masks").replace("jpg", "png")
        for path, content in ((name, shot.image[..., ::-1]), (mask, shot.mask * 255)):
            (data / path).parent.mkdir(parents=True, exist_ok=True)
            assert cv2.imwrite(str(data / path), content.astype(np.uint8))
    return data


def test_the_same_number_and_seed_give_the_same_batch_wherever_a_run_resumes(stills):
    whole = GuidedStills(stills, Deformation(), 2, 5, shapes=((32, 64),))
    resumed = GuidedStills(stills, Deformation(), 2, 5, first=3, shapes=((32, 64),))
    other = GuidedStills(stills, Deformation(), 2, 5, seed=1, shapes=((32, 64),))
    assert (len(whole), len(resumed)) == (5, 2)
    assert all(torch.equal(a, b) for a, b in zip(whole[3], resumed[0], strict=True))
    assert not torch.equal(whole[3][0], other[3][0])
    images, masks, guidance = whole[3]
    assert (images.dtype, images.shape) == (torch.uint8, (2, 3, 32, 64))
    assert masks.shape == guidance.shape == (2, 1, 32, 64)


def test_the_network_is_given_the_deformed_mask_or_nothing(stills):
    def guidance(*switches):
        view = GuidedStills(stills, guide_of(options(*switches)), 1, 1).sample(4, 48, 64)
        return view.guidance, 2 * view.mask - 1

    deformed, truth = guidance()
    assert set(np.unique(deformed)) == {-1, 1}
    assert not np.array_equal(deformed, truth)
    assert np.array_equal(*guidance("--no-deform"))
    assert not guidance("--no-mask")[0].any()
    parts = [guidance(*switches)[0] for switches in ((), ("--no-dilation",), ("--no-non-rigid",))]
    assert not np.array_equal(parts[0], parts[1])
    assert not np.array_equal(parts[0], parts[2])


def test_parts_of_stills_are_zoomed_within_bounds_and_keep_mask_and_image_together():
    shot = still(0)
    shares = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        image, mask = masktrack.random_part(rng, shot.image, shot.mask, 48, 64)
        shares.append(mask.sum() / shot.mask.sum())
        if mask.sum() > 50:
            assert image[mask > 0, 0].mean() > 190, "the red disk"
    assert max(shares) < 2.0**2 * 1.1
    assert np.median(shares) > 0.8**2 * 0.9


def test_validation_is_guided_by_the_frame_before():
    clip = [still(n) for n in range(3)]
    views = validation_views({"a": clip}, Deformation(False, False, False))
    sizes = {view.mask.shape for view in views}
    assert sizes == {(352, 480)}, "480 pixels wide, multiples of 32"
    previous = cv2.resize(clip[0].mask, (480, 352)) > 0.5
    assert np.array_equal(views[0].guidance > 0, previous)
    coarse = validation_views({"a": clip}, Deformation())[0].guidance
    assert (coarse > 0).sum() > previous.sum()
    assert not validation_views({"a": clip}, None)[0].guidance.any()


def test_mean_j_of_a_network_that_copies_its_guidance():
    views = validation_views({"a": [still(n) for n in range(3)]}, Deformation(False, False, False))

    def copying(image, guidance):
        return guidance

    expected = []
    for view in views:
        found, truth = view.guidance > 0, view.mask > 0
        expected.append((found & truth).sum() / (found | truth).sum())
    assert mean_j(copying, views) == pytest.approx(np.mean(expected))
    assert mean_j(copying, []) == 0


def test_vgg16_follows_the_papers_polynomial_policy():
    network = MaskTrackVgg16()
    state = masktrack.new_state(network, 1e-3, 20)
    theirs = new_optimizer(network, 1e-3)
    schedule = PolynomialLR(theirs, 20, 0.9)
    for step in range(19):
        state.step = step
        state.set_rate()
        rates = [group["lr"] for group in state.optimizer.param_groups]
        assert rates == pytest.approx([group["lr"] for group in theirs.param_groups])
        theirs.step()
        schedule.step()


def test_vgg16s_optimizer_is_the_papers():
    network = MaskTrackVgg16()
    groups = new_optimizer(network, 1e-3).param_groups
    assert all(group["momentum"] == 0.9 for group in groups)
    by_parameter = {id(p): group for group in groups for p in group["params"]}
    assert len(by_parameter) == len(list(network.parameters())), "all layers are trained"
    weight, bias, score = (
        by_parameter[id(p)] for p in (network.fc6.weight, network.fc6.bias, network.fc8.weight)
    )
    assert (weight["lr"], weight["weight_decay"]) == (1e-3, 0.0005)
    assert (bias["lr"], bias["weight_decay"]) == (2e-3, 0)
    assert score["lr"] == pytest.approx(1e-2)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("", "masktrack_lite"),
        ("--boxes", "masktrack_box_lite"),
        ("--no-deform", "masktrack_lite_no_deform"),
        ("--trunk vgg16 --no-dilation", "masktrack_vgg16_no_dilation"),
    ],
)
def test_checkpoints_are_named_after_what_they_were_trained_on(words, name):
    assert name_of(options(*words.split())) == name


def test_the_command_trains_on_stills_resumes_and_exports(footage, tmp_path, monkeypatch):
    monkeypatch.setitem(masktrack.SHAPES, "lite", ((32, 64),))
    monkeypatch.setattr(masktrack, "VALIDATION_SIDE", 64)
    given = []
    stills = masktrack.GuidedStills
    monkeypatch.setattr(masktrack, "GuidedStills", lambda *a: given.append(a[0]) or stills(*a))

    def train(out, *words):
        common = ["--data", str(footage), "--out", str(out), "--batch-size", "2", "--log-every", "2"]
        assert masktrack.main(options(*common, "--workers", "0", *words)) == 0
        return load_network("masktrack_lite", str(out / "masktrack_lite.safetensors")).state_dict()

    whole = train(tmp_path / "whole", "--steps", "4")
    assert len(given[0]) == 4, "stills only: no clip is trained on"
    rows = list(csv.DictReader((tmp_path / "whole" / "log.csv").open()))
    assert [row["step"] for row in rows] == ["2", "4"]
    assert 0 <= float(rows[-1]["J"]) <= 1
    assert (tmp_path / "whole" / "curve.svg").is_file()
    card = describe(tmp_path / "whole" / "masktrack_lite.safetensors").card
    assert card["architecture"] == "masktrack_lite"
    assert "rotoshot train masktrack" in card["command"]
    start = load_network("masktrack_lite", "imagenet").state_dict()
    assert not torch.equal(start["mask_stem.weight"], whole["mask_stem.weight"])
    assert torch.equal(start["trunk.features.0.0.weight"].half().float(), whole["trunk.features.0.0.weight"])

    with monkeypatch.context() as patch:
        original = masktrack.export_weights

        def killed(*arguments):
            original(*arguments)
            raise InterruptedError

        patch.setattr(masktrack, "export_weights", killed)
        with pytest.raises(InterruptedError):
            train(tmp_path / "cut", "--steps", "4")
    again = train(tmp_path / "cut", "--steps", "4", "--resume")
    assert all(torch.equal(whole[key], again[key]) for key in whole)


def test_boxes_are_learned_on_crops_of_stills_and_of_the_training_clips(footage, tmp_path, monkeypatch):
    monkeypatch.setitem(masktrack.BOX_SHAPES, "lite", ((32, 64),))
    given = []
    crops = masktrack.BoxedCrops
    monkeypatch.setattr(masktrack, "BoxedCrops", lambda *a: given.append(a[:2]) or crops(*a))
    common = ["--data", str(footage), "--out", str(tmp_path), "--batch-size", "2", "--workers", "0"]
    assert masktrack.main(options(*common, "--boxes", "--steps", "1")) == 0
    stills, clips = given[0]
    assert (len(stills), [len(frames) for frames in clips]) == (4, [3]), "not the held-out clip"
    card = describe(tmp_path / "masktrack_box_lite.safetensors").card
    assert "--boxes" in card["command"]
    assert "training clips" in card["recipe"]
    assert 0 <= card["scores"]["J"] <= 1


def test_clips_alone_are_refused(footage, tmp_path):
    for path in (footage / "images").iterdir():
        path.unlink()
    with pytest.raises(DatasetError, match="No still images under"):
        masktrack.main(options("--data", str(footage), "--out", str(tmp_path / "out")))
