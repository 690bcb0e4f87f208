"""Fitting the estimate of J: on evidence whose worth is known, and end to end on a tiny data set."""

import argparse
import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from tests.vosengine.methods.scene import frame
from vosengine.errors import DatasetError
from vosengine.quality import Evidence, read_estimator
from vosengine.training import quality
from vosengine.training.quality import Run, fitted, left_out, rivals, starts_of

FRAMES = 7


def made_up(clip, rng, ease=0.0, frames=60):
    """A run whose J falls with the surroundings' likeness and with what snapping moved, with nothing else."""
    surroundings, moved, unsure = rng.uniform(0, 1, (3, frames))
    J = 1 / (1 + np.exp(3 * surroundings + 1.5 * np.log(moved + 0.01) - ease))
    seen = [Evidence(u, surroundings=s, moved=v) for s, v, u in zip(surroundings, moved, unsure, strict=True)]
    return Run(clip, "draft", 0, tuple(range(1, frames + 1)), tuple(seen), tuple(float(j) for j in J))


def test_the_fit_finds_what_j_depends_on_and_leaves_out_the_rest():
    rng = np.random.default_rng(0)
    model = fitted([made_up("one", rng), made_up("two", rng)], ridge=1e-7)
    assert model.weights["surroundings"] == pytest.approx(3, abs=0.1)
    assert model.weights["moved"] == pytest.approx(1.5, abs=0.1)
    assert all(
        weight < 0.1 for kind, weight in model.weights.items() if kind not in ("surroundings", "moved")
    )
    run = made_up("three", rng)
    assert [model.estimate(each).j for each in run.evidence] == pytest.approx(list(run.J), abs=0.02)


def test_hard_clips_do_not_pass_for_bad_evidence():
    """The hard clip has the smaller likeness: across clips a larger one goes with larger J."""
    rng = np.random.default_rng(1)
    easy, hard = made_up("easy", rng, ease=3.0), made_up("hard", rng, ease=-1.0)
    shifted = tuple(replace(each, surroundings=each.surroundings + 1) for each in easy.evidence)
    model = fitted([replace(easy, evidence=shifted), hard], ridge=1e-7)
    assert model.weights["surroundings"] > 0.3


def test_what_it_is_worth_is_measured_on_clips_left_out():
    rng = np.random.default_rng(2)
    runs = [made_up(name, rng) for name in ("one", "two", "three")]
    lying = replace(runs[0], clip="liar", J=tuple(1 - j for j in runs[0].J))
    honest = left_out(runs, 1e-4)
    assert honest["rank"] > 0.98
    assert honest["worst"] == 1
    assert honest["mean_absolute_error"] < 0.05
    ranks = [*[1] * 3, -1]
    assert left_out([*runs, lying], 1e-4)["rank"] < np.mean(ranks) + 0.1
    others = rivals(runs)
    assert others["random"] == {"rank": None, "worst": pytest.approx(12 / 60)}
    assert abs(others["expected_j"]["rank"]) < 0.3
    assert abs(others["farthest"]["rank"]) < 0.3


@pytest.mark.parametrize(("frames", "count", "starts"), [(7, 3, [0, 3, 6]), (2, 3, [0, 1]), (9, 1, [0])])
def test_starts_are_spread_over_the_clip(frames, count, starts):
    assert starts_of(frames, count) == starts


def data_set(root, clips):
    for number, clip in enumerate(clips):
        for kind in ("JPEGImages", "Annotations"):
            (root / kind / "480p" / clip).mkdir(parents=True)
        for n in range(FRAMES):
            image, mask = frame(n + 2 * number)
            cv2.imwrite(str(root / "JPEGImages" / "480p" / clip / f"{n:05d}.jpg"), image[..., ::-1])
            cv2.imwrite(str(root / "Annotations" / "480p" / clip / f"{n:05d}.png"), mask * 255)
    return root


def trained(data, out, *more):
    parser = argparse.ArgumentParser()
    quality.add_arguments(parser)
    fixed = ["--data", str(data), "--out", str(out), "--threads", "1", "--starts", "1"]
    return quality.main(parser.parse_args([*fixed, *more]))


def test_end_to_end_and_on_from_what_was_kept(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(quality.CHANGES, "steps", 1)
    monkeypatch.setitem(quality.CHANGES, "crop_area", 128 * 96)
    data, out = data_set(tmp_path / "data", ["one", "two"]), tmp_path / "out"
    trained(data, out, "--presets", "draft")
    first = json.loads((out / "quality.json").read_text())
    (one, two) = quality.read_runs(out / "runs.json")
    assert (one.clip, two.clip, one.start) == ("one", "two", 0)
    assert len(one.J) == len(one.evidence) == FRAMES - 1
    assert one.distances == (1, 2, 3, 4, 5, 6)
    assert all(each.moved is None and each.surroundings is not None for each in one.evidence)
    assert read_estimator(out / "quality.json").weights.keys() == first["evidence"].keys()
    assert first["command"].startswith("rotoshot train quality --presets draft")
    capsys.readouterr()
    trained(data, out, "--presets", "draft", "--resume")
    assert "mean J" not in capsys.readouterr().out
    assert json.loads((out / "quality.json").read_text()) == first


def test_one_clip_is_not_enough(tmp_path):
    with pytest.raises(DatasetError, match="needs two clips"):
        trained(data_set(tmp_path / "data", ["alone"]), tmp_path / "out")
