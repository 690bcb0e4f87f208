"""What the benchmark measures and names; that its figures are right no test can say."""

import argparse
import json
import math

import cv2
import pytest

from vosengine import bench, bench_answers
from vosengine import messages as m
from vosengine.config import preset
from vosengine.grabcut import FOREGROUND


def test_a_preset_s_figures_fit_together():
    config = preset("balanced", steps=2, batch_size=2, crop_area=128 * 96, snap="none")
    found = bench.measure(config, 3)
    assert 0 < found["first_preview_seconds"] < found["fine_tune_seconds"] < found["first_mask_seconds"]
    assert found["seconds_per_step"] == found["fine_tune_seconds"] / 2
    propagation = 3 * found["seconds_per_frame"] - found["fine_tune_seconds"]
    assert propagation == pytest.approx(2 * found["propagate_seconds_per_frame"])
    assert propagation > found["first_mask_seconds"] - found["fine_tune_seconds"]
    assert found["peak_memory_mb"] > 100


class Clock:
    """Time that passes only when something says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def perf_counter(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    monkeypatch.setattr(bench, "time", Clock())
    return bench.time


def test_seconds_until_the_first_event_of_a_kind_and_until_the_last(clock):
    def events():
        clock.now += 1
        yield m.JobProgressed(1, 0, 0, "")
        for _ in range(2):
            clock.now += 2
            yield m.JobFinished(1)
        clock.now += 4

    assert bench._seconds(events(), m.JobFinished) == (3, 9)
    assert math.isnan(bench._seconds(iter(()), m.JobFinished)[0])


def test_ratios_name_their_baseline():
    fast = {"seconds_per_step": 1.0, "propagate_seconds_per_frame": 0.5, "peak_memory_mb": 100.0}
    figures = {
        "balanced": fast,
        "balanced, 10 times as long": fast | {"peak_memory_mb": 110.0},
        "balanced on whole frames": {"seconds_per_step": 4.0, "propagate_seconds_per_frame": 1.0},
        "instant": fast | {"seconds_per_step": 2.0},
        "osvos vgg16": {"seconds_per_step": 6.0, "propagate_seconds_per_frame": 2.0},
    }
    assert bench.ratios(figures, ["balanced", "instant"]) == {
        "peak_memory_mb: balanced, 10 times as long / balanced": pytest.approx(1.1),
        "seconds_per_step: balanced on whole frames / balanced": 4,
        "propagate_seconds_per_frame: balanced on whole frames / balanced": 2,
        "seconds_per_step: osvos vgg16 / balanced": 6,
        "propagate_seconds_per_frame: osvos vgg16 / balanced": 4,
        "seconds_per_step: osvos vgg16 / instant": 3,
        "propagate_seconds_per_frame: osvos vgg16 / instant": 4,
    }


def test_each_preset_has_a_row_for_the_short_clip_and_the_long_one(monkeypatch, tmp_path, capsys):
    asked = []
    figures = {"seconds_per_step": 1.0, "propagate_seconds_per_frame": 1.0, "peak_memory_mb": 1.0}
    monkeypatch.setattr(bench, "_apart", lambda name, frames: asked.append((name, frames)) or figures)
    parser = argparse.ArgumentParser()
    bench.add_arguments(parser)
    file = tmp_path / "bench.json"
    words = ["--frames", "6", "--skip-osvos", "--skip-whole", "--skip-answers", "--json", str(file)]
    assert bench.main(parser.parse_args(words)) == 0
    assert asked == [("balanced", 6), ("balanced", 60), ("instant", 6), ("instant", 60)]
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads(file.read_text())
    assert set(printed) == {
        "balanced", "balanced, 10 times as long", "instant", "instant, 10 times as long", "ratios",
    }  # fmt: skip


def test_a_method_s_rates_are_those_after_the_first_step_and_frame(clock):
    class Method:
        slow = 100.0  # whatever comes first loads and allocates

        def fine_tune(self, shots, steps):
            for _ in range(steps):
                clock.now += 2 + self.slow
                yield 0.0
            self.slow = 0

        def begin(self, shots, start):
            self.slow = 100
            return self

        def segment(self, image):
            clock.now += 0.5 + self.slow
            self.slow = 0

    assert bench.baseline(Method()) == {"seconds_per_step": 2, "propagate_seconds_per_frame": 0.5}


def test_an_answer_s_ratio_is_the_baseline_over_it():
    seconds = {"live_seconds": 0.05, "second_look_seconds": 0.5, bench_answers.BASELINE: 5.0}
    assert bench_answers.answer_ratios(seconds) == {
        "live_seconds: whole frame / answer": pytest.approx(100),
        "second_look_seconds: whole frame / answer": pytest.approx(10),
    }


def test_the_stroke_that_is_answered_lies_on_what_the_mask_misses():
    truth = next(bench.moving_object(1))[1]
    previous, scribbles = bench_answers._stroke_on(truth)
    assert (truth[scribbles == FOREGROUND] > 0).mean() > 0.95
    assert (previous[scribbles == FOREGROUND] == 0).mean() > 0.8
    assert 0.7 < (previous > 0).sum() / (truth > 0).sum() < 0.99


def test_the_long_stroke_at_4k_runs_along_the_missing_half():
    image, truth = next(bench.moving_object(1))
    large, previous, scribbles = bench_answers._long_stroke_on(image, truth)
    assert large.shape[:2] == previous.shape == scribbles.shape == (2 * truth.shape[0], 2 * truth.shape[1])
    width = cv2.boundingRect(truth)[2]
    assert (scribbles == FOREGROUND).any(axis=0).sum() > width / 2, "long"
    assert not previous[scribbles == FOREGROUND].any()
