"""Training from a small folder: it learns, it resumes to the same weights, and it writes what it promises."""

import argparse
import io
import json
import tarfile

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from vosengine.errors import DatasetError
from vosengine.training import lite
from vosengine.training.datasets import load_training_data
from vosengine.training.loop import TrainingState
from vosengine.weights import load_network


def write_stills(folder, count=3):
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True)
    for number in range(count):
        rng = np.random.default_rng(number)
        image = rng.integers(0, 256, (60, 80, 3), np.uint8)
        mask = np.zeros((60, 80), np.uint8)
        cv2.circle(mask, (40, 30), 15 + number, 255, -1)
        cv2.imwrite(str(folder / "images" / f"{number}.jpg"), image)
        cv2.imwrite(str(folder / "masks" / f"{number}.png"), mask)
    return folder


def write_clip(folder, name, count=3):
    for kind in ("JPEGImages", "Annotations"):
        (folder / kind / "360p" / name).mkdir(parents=True)
    for number in range(count):
        image = np.full((60, 80, 3), 50 * number, np.uint8)
        mask = np.zeros((60, 80), np.uint8)
        mask[20:40, 10 + number : 40 + number] = 255
        cv2.imwrite(str(folder / "JPEGImages" / "360p" / name / f"{number:05d}.jpg"), image)
        cv2.imwrite(str(folder / "Annotations" / "360p" / name / f"{number:05d}.png"), mask)
    return folder


def arguments(data, out, *more):
    parser = argparse.ArgumentParser()
    lite.add_arguments(parser)
    fixed = ["--data", str(data), "--out", str(out), "--pairs", "1", "--workers", "0", "--threads", "1"]
    return parser.parse_args([*fixed, *more])


@pytest.fixture(autouse=True)
def small_crops(monkeypatch):
    monkeypatch.setattr(lite, "SHAPES", ((32, 64), (64, 32)))


def test_stills_and_clips_are_read_from_folders_and_tars_alike(tmp_path):
    folder = write_clip(write_stills(tmp_path / "data"), "bear")
    stills, clips = load_training_data(folder)
    assert len(stills) == 3
    assert {name: len(frames) for name, frames in clips.items()} == {"bear": 3}
    packed = tmp_path / "packed"
    packed.mkdir()
    with tarfile.open(packed / "all.tar", "w") as tar:
        for path in sorted(folder.rglob("*.*")):
            content = path.read_bytes()
            member = tarfile.TarInfo(path.relative_to(folder).as_posix())
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    assert load_training_data(packed) == (stills, clips)
    image, mask = stills[0].decode()
    assert image.shape == (60, 80, 3)
    assert np.isclose(mask.sum(), np.pi * 15**2, rtol=0.05)


def test_the_measuring_set_is_never_trained_on(tmp_path):
    write_clip(write_stills(tmp_path / "data"), "blackswan")
    with tarfile.open(tmp_path / "davis-dev-480p.tar", "w") as tar:
        tar.add(tmp_path / "data" / "JPEGImages", "JPEGImages")
        tar.add(tmp_path / "data" / "Annotations", "Annotations")
    (tmp_path / "data").rename(tmp_path.parent / f"{tmp_path.name}-aside")
    with pytest.raises(DatasetError, match="No image and mask pairs"):
        load_training_data(tmp_path)


def test_training_resumes_to_the_weights_of_an_uninterrupted_run(tmp_path):
    data = write_clip(write_stills(tmp_path / "data"), "bear")
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    lite.main(arguments(data, whole, "--steps", "4", "--log-every", "2"))

    stopped = TrainingState.update

    def stop_after_two(self, loss):
        if self.step == 2:
            raise KeyboardInterrupt
        stopped(self, loss)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrainingState, "update", stop_after_two)
        with pytest.raises(KeyboardInterrupt):
            lite.main(arguments(data, parts, "--steps", "4", "--log-every", "2"))
    lite.main(arguments(data, parts, "--steps", "4", "--log-every", "2", "--resume"))
    a, b = (load_file(folder / "lite.safetensors") for folder in (whole, parts))
    assert a.keys() == b.keys()
    for key, value in a.items():
        assert torch.equal(value, b[key]), key


def test_a_run_leaves_weights_a_card_and_a_log(tmp_path):
    data = write_stills(tmp_path / "data")
    lite.main(arguments(data, tmp_path / "out", "--steps", "2", "--log-every", "1"))
    load_network("lite", str(tmp_path / "out" / "lite.safetensors"))
    card = json.loads((tmp_path / "out" / "lite.json").read_text("utf-8"))
    assert card["architecture"] == "lite"
    assert card["seed"] == 0
    rows = (tmp_path / "out" / "log.csv").read_text("utf-8").splitlines()
    assert rows[0].startswith("step,loss,J_guided")
    assert [row.split(",")[0] for row in rows[1:]] == ["1", "2"]
    assert (tmp_path / "out" / "curve.svg").read_text("utf-8").count("<polyline") == 3


def test_the_rate_warms_up_stays_and_falls_to_0():
    network = torch.nn.Linear(1, 1)
    state = TrainingState(network, torch.optim.SGD(network.parameters(), lr=1.0), steps=1000, decay=0.3)
    rates = []
    for step in (0, 199, 500, 700, 850, 1000):
        state.step = step
        state.set_rate()
        rates.append(state.optimizer.param_groups[0]["lr"])
    assert np.allclose(rates, [1 / 200, 1, 1, 1, 0.5, 0])


def test_written_weights_keep_a_share_of_those_the_training_began_with(tmp_path):
    network = torch.nn.Linear(2, 1)
    begun = network.weight.detach().clone()
    state = TrainingState(
        network, torch.optim.SGD(network.parameters(), lr=1.0), 1, warm_up=1, start_share=0.25
    )
    state.update(network(torch.ones(1, 2)).sum())
    expected = 0.75 * state.average["weight"] + 0.25 * begun
    torch.testing.assert_close(state.averaged().weight.data, expected)
    assert not torch.equal(state.average["weight"], begun)


def test_own_results_guide_about_as_often_as_asked_and_always_on_the_same_steps():
    chosen = argparse.Namespace(seed=3, own=0.4)
    guided = [lite.own_guidance(step, chosen) is not None for step in range(500)]
    assert 0.33 < np.mean(guided) < 0.47
    assert guided == [lite.own_guidance(step, chosen) is not None for step in range(500)]


def test_own_results_are_carried_a_little_way():
    logits = torch.full((2, 1, 64, 96), -20.0)
    logits[:, :, 20:40, 30:60] = 20.0
    found = lite.carried(logits, np.random.default_rng(0))
    assert found.abs().amax() <= 1
    before, after = logits > 0, found > 0
    overlap = (before & after).sum((1, 2, 3)) / (before | after).sum((1, 2, 3))
    assert (overlap > 0.6).all()
    assert (overlap < 1).all()
