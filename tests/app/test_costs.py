"""What a run costs: reckoned by hand, kept between sessions, told in two lines."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from app.cost_text import cost_lines, cost_tip
from app.costs import FRAME, STEP, Case, Costs, Work
from app.progress import Pace, UnitTimer, rate_text
from app.settings import Settings, load_settings, save_settings
from vosengine.config import PRESETS
from vosengine.published import FASTER_RCNN, MASK_RCNN, VGG16, missing_for, needed_by

HD, UHD = (1920, 1080), (3840, 2160)
CPU = "CPU, 2 threads"
BALANCED = Case(CPU, PRESETS["balanced"], HD)
WORK = Work(30, 80, 80)


def measured(case: Case = BALANCED, step: float = 0.4, frame: float = 0.35) -> Costs:
    costs = Costs({})
    costs.note(case, STEP, step)
    costs.note(case, FRAME, frame)
    return costs


def test_a_measured_run_costs_its_steps_and_its_frames() -> None:
    cost = measured().cost(BALANCED, WORK)
    assert cost is not None
    assert (cost.learning, cost.a_frame, cost.source) == (pytest.approx(12), 0.35, "")
    assert cost.seconds == pytest.approx(40)
    assert cost_lines(cost, WORK, ()) == (
        "Next run: about 40 s here",
        "12 s learning  +  80 frames at 0.35 s",
    )
    two = measured().cost(BALANCED, Work(60, 80, 160))
    assert two is not None
    assert two.seconds == pytest.approx(80), "two objects on every frame"


def test_the_median_of_the_last_few_counts() -> None:
    costs = measured(step=9.0)
    for seconds in (0.5, 0.4, 7.0, 0.3, 0.45):
        costs.note(BALANCED, STEP, seconds)
    assert costs.unit_times(BALANCED).step == 0.45
    other_seed = replace(BALANCED, config=replace(BALANCED.config, seed=3, steps=99))
    assert costs.unit_times(other_seed).step == 0.45, "neither changes what a step takes"


def test_what_was_never_run_is_reckoned_from_what_is_alike_or_unknown() -> None:
    costs = measured()
    instant = costs.unit_times(replace(BALANCED, config=PRESETS["instant"]))
    assert instant.step == pytest.approx(0.4), "the same crop and batch"
    assert instant.frame == pytest.approx(0.35 / 2), "without the mirror image"
    assert instant.source == "Balanced"
    larger = costs.unit_times(replace(BALANCED, clip=UHD))
    assert (larger.step, larger.frame, larger.source) == (0.4, 4 * 0.35, "1920 × 1080")
    for name in ("best", "draft", "osvos-lite"):  # another alpha, no snapping, another method
        assert costs.cost(replace(BALANCED, config=PRESETS[name]), WORK) is None
    assert costs.cost(replace(BALANCED, device="NVIDIA H100"), WORK) is None
    assert "not measured" in cost_lines(None, WORK, ())[0]


def test_a_run_that_only_learns_or_only_propagates_needs_only_that_time() -> None:
    costs = Costs({})
    costs.note(BALANCED, STEP, 0.4)
    assert costs.cost(BALANCED, WORK) is None
    learning = costs.cost(BALANCED, Work(30, 0, 0))
    assert learning is not None
    assert cost_lines(learning, learning.work, ())[1] == "12 s learning"
    assert "30 learning steps to do" in cost_tip(learning, learning.work, (), CPU)


def test_measurements_survive_a_restart_and_damage(tmp_path: Path) -> None:
    path, settings = tmp_path / "settings.json", Settings()
    costs = Costs(settings.unit_times)
    costs.note(BALANCED, STEP, 0.4)
    costs.note(BALANCED, FRAME, 0.35)
    save_settings(settings, path)
    again, _ = load_settings(path)
    assert Costs(again.unit_times).cost(BALANCED, WORK) == costs.cost(BALANCED, WORK)
    values = json.loads(path.read_text())
    (entry,) = values["unit_times"].values()
    sound = dict(entry)
    for damage in ({"step": "x"}, {"step": [-1]}, {"clip": []}, {"config": {"method": 3, "no": 1}}, None):
        broken = {"a": None if damage is None else {**sound, **damage}, BALANCED.key: sound}
        assert set(Costs(broken).entries) == {BALANCED.key}


def test_a_paper_s_preset_says_what_it_downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    names = {name for name, config in PRESETS.items() if missing_for(config)}
    assert names == {name for name in PRESETS if name.endswith("-paper")}
    config = PRESETS["box-filtered-paper"]
    assert needed_by(config) == (VGG16, FASTER_RCNN)
    first, second = cost_lines(None, WORK, missing_for(config))
    assert first == "Not bundled, downloads 695 MB:"
    assert second == "VGG16, Faster R-CNN"
    assert str(tmp_path) in cost_tip(None, WORK, missing_for(config), CPU)
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    (folder / VGG16.file).touch()
    assert missing_for(config) == (FASTER_RCNN,)


def test_the_published_weights_are_those_that_torchvision_downloads(monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.models import VGG16_Weights, get_model_weights

    from vosengine.downloads import cached_file
    from vosengine.guides.detector import COCO_NETWORKS
    from vosengine.published import cache_folder

    coco = {MASK_RCNN: "maskrcnn_resnet50_fpn", FASTER_RCNN: COCO_NETWORKS["faster_rcnn"]}
    weights = {VGG16: VGG16_Weights.IMAGENET1K_FEATURES}
    weights |= {known: get_model_weights(name).DEFAULT for known, name in coco.items()}
    for known, published in weights.items():
        assert published.url.endswith(f"/{known.file}")
        assert round(published.meta["_file_size"]) == known.megabytes
        assert cached_file(published.url) == cache_folder() / known.file


def test_the_pace_is_that_of_the_last_seconds() -> None:
    pace = Pace()
    assert pace.note(0, 0, 0.0) == (None, None)
    assert pace.note(1, 100, 5.0) == (None, None), "what was before is preparation"
    assert pace.note(2, 100, 7.0) == (0.5, 196.0)
    for second in range(30):
        rate, left = pace.note(2 + 2 * (second + 1), 100, 8.0 + second)
    assert rate == pytest.approx(2.0, rel=0.1)
    assert left == pytest.approx((100 - 62) / 2, rel=0.1)
    assert rate_text(rate, "frame") == "2.0 frames/s"
    assert rate_text(0.25, "step") == "4.0 s a step"
    assert pace.note(0, 100, 40.0) == (None, None), "another stage"


def test_a_unit_is_timed_from_the_first_one_on() -> None:
    timer = UnitTimer()
    for done, now in ((0, 0.0), (1, 10.0), (1, 10.2), (2, 11.0), (3, 12.0)):
        timer.note(done, now)
    assert timer.seconds is None, "two units are too few"
    timer.note(5, 14.0)
    assert timer.seconds == 1.0
