from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.vosengine.evaluation.conftest import FRAMES, square, write_frame
from tests.vosengine.evaluation.fake_engine import NearestEngine
from vosengine.config import Config, preset
from vosengine.evaluation.curves import annotation_curve, copied_j, refinement, time_curve
from vosengine.evaluation.datasets import find_sequences
from vosengine.evaluation.operators import EveryFrame, Refining
from vosengine.evaluation.tables import Runner
from vosengine.messages import FineTune


@pytest.fixture
def runner(davis: Path, tmp_path: Path) -> Runner:
    return Runner(
        find_sequences(davis), tmp_path / "rows", engine_factory=NearestEngine, fingerprint=lambda c: "w"
    )


def test_time_curve_has_a_row_for_each_number_of_steps(runner: Runner) -> None:
    engines: list[NearestEngine] = []

    def make() -> NearestEngine:
        engines.append(NearestEngine())
        return engines[-1]

    table, chart = time_curve(replace(runner, engine_factory=make), Config(seed=4), [0, 30], False, "draft")
    steps = [c.config.steps for engine in engines for c in engine.commands if isinstance(c, FineTune)]
    assert steps == [0, 0, 30, 30]
    assert {c.config.seed for e in engines for c in e.commands if isinstance(c, FineTune)} == {4}
    assert [row["steps"] for row in table.rows] == [0, 30]
    assert [point[1] for point in chart.lines["ours"]] == [row["J"] for row in table.rows]
    assert all(row["s/frame"] > 0 for row in table.rows)
    assert table.title == "draft: J by time"


def test_annotation_curve_by_hand(runner: Runner) -> None:
    slide_only = replace(runner, sequences=runner.sequences[:1])
    table, chart = annotation_curve(slide_only, Config(), [0, 4, 1], False, "draft")
    first, fourth, each = table.rows
    shifts = [1, 2, 1, 0, 1, 2, 1]  # frames 1 to 7 from annotations on 0, 4 and 8
    values = [(12 - n) / (12 + n) for n in shifts]
    assert fourth["J"] == pytest.approx(sum(values) / 7)
    assert fourth["20 %"] == pytest.approx(np.quantile(values, 0.2))
    assert fourth["95 %"] == pytest.approx(np.quantile(values, 0.95))
    assert fourth["J elsewhere"] < fourth["J"]
    assert [row["% annotated"] for row in table.rows] == pytest.approx([100 / 9, 100 / 3, 100])
    assert (each["J"], each["J elsewhere"]) == (1.0, None)
    # The engine of this test copies the nearest annotation, which is the paper's baseline.
    assert [row["copied J"] for row in table.rows] == pytest.approx([row["J"] for row in table.rows])
    assert (first["annotated"], first["MaskTrack J"]) == ("first", 0.748)
    assert len(chart.lines["J"]) == 3
    assert len(chart.lines["MaskTrack J"]) == 1


def test_the_baseline_fills_boxes(tmp_path: Path) -> None:
    for frame in range(4):
        mask = square(4, 4, 10)
        mask[4:9, 4:9] = 0  # 75 of the box's 100 pixels
        write_frame(tmp_path / "set", "notch", f"{frame:05d}", mask)
    notch = find_sequences(tmp_path / "set")[0]
    assert copied_j(notch, EveryFrame(1, boxes=True)) == pytest.approx(0.75)
    assert copied_j(notch, EveryFrame(0)) == 1.0


def test_boxes_reach_the_engine_and_the_paper_of_boxes_stands_beside(runner: Runner) -> None:
    table, chart = annotation_curve(runner, Config(), [0], True, "draft")
    assert table.rows[0]["MaskTrack J"] == 0.737
    assert "boxes" in table.title
    assert "boxes" in chart.across


def test_refinement_has_a_row_for_each_number_of_annotations(runner: Runner) -> None:
    table, chart = refinement(runner, preset("osvos-lite"), Refining(2), "osvos-lite")
    assert [row["annotations"] for row in table.rows] == [0, 1, 2, 3]
    assert [row["OSVOS J"] for row in table.rows] == [0.585, 0.798, 0.846, 0.859]
    assert table.rows[0]["J"] == table.rows[1]["J"]  # the fake engine does not learn
    J = [row["J"] for row in table.rows[1:]]
    assert sorted(J) == J
    assert table.rows[3]["sequences"]["slide"]["annotated"] == (0, 3, 7)
    assert [x for x, _ in chart.lines["J"]] == [0, 1, 2, 3]
    assert all(row["run s"] >= row["fine-tuning s"] for row in table.rows)
    assert table.rows[1]["of first run"] == 1.0, "the first run is the one with an annotation"


def test_boxes_are_told_apart_from_masks(runner: Runner) -> None:
    by_time, _ = time_curve(runner, Config(), [3], True, "draft")
    corrected, _ = refinement(runner, Config(), Refining(1, boxes=True), "draft")
    assert (by_time.title, corrected.title) == (
        "draft from boxes: J by time",
        "draft from boxes: J by corrections",
    )
    folders = {path.name for path in runner.folder.iterdir()}
    assert folders == {"steps-3-from-boxes", "refine-truth-from-boxes"}


def test_refinement_without_zero_annotations_where_they_make_no_sense(runner: Runner) -> None:
    table, _ = refinement(runner, Config(), Refining(1, "estimate"), "balanced")
    assert [row["annotations"] for row in table.rows] == [1, 2]
    assert "the engine's own estimate" in table.notes[1]
    assert "predicts the frames that are nearest to the new annotation" in table.notes[1]
    assert table.rows[0]["of first run"] == 1.0
    assert table.rows[1]["of first run"] > 0


def test_a_sequence_that_is_all_annotated_keeps_its_last_result(runner: Runner) -> None:
    table, _ = refinement(runner, Config(), Refining(FRAMES + 3), "balanced")
    assert len(table.rows) == FRAMES - 1
    assert table.rows[-1]["J"] == 1.0
