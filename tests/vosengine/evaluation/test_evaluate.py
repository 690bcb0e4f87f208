from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.vosengine.evaluation.fake_engine import FakeEngine, NearestEngine, make_fake_engine
from vosengine import png
from vosengine.config import Config, preset
from vosengine.errors import DatasetError
from vosengine.evaluation.attributes import ByAttribute
from vosengine.evaluation.datasets import find_sequences
from vosengine.evaluation.errors import ErrorSplit
from vosengine.evaluation.evaluate import evaluate, run_evaluation, score_folder
from vosengine.evaluation.protocol import Timing
from vosengine.evaluation.report import Report, to_json
from vosengine.evaluation.tracking import AsTracker
from vosengine.messages import FineTune


def test_run_evaluation_prints_a_table_and_writes_the_files(davis: Path, tmp_path: Path) -> None:
    printed: list[str] = []
    files = tmp_path / "out.json", tmp_path / "out.html"
    report = run_evaluation(
        davis,
        preset("balanced"),
        "balanced",
        ["still", "slide"],
        json_file=files[0],
        html_file=files[1],
        print=printed.append,
        engine_factory=make_fake_engine,
    )
    assert printed[0].startswith("balanced on tiny\n")
    assert list(report.sequences) == ["still", "slide"]
    assert json.loads(files[0].read_text("utf-8")) == to_json(report)
    assert "<svg" in files[1].read_text("utf-8")
    assert not any(file.exists() for result in report.results for file in result.result_files.values())


def test_boxes_are_given_in_place_of_masks(davis: Path) -> None:
    engines: list[NearestEngine] = []

    def make() -> NearestEngine:
        engines.append(NearestEngine())
        return engines[-1]

    printed: list[str] = []
    run_evaluation(davis, Config(), "fake", boxes=True, print=printed.append, engine_factory=make)
    given = [a for e in engines for c in e.commands if isinstance(c, FineTune) for a in c.annotations]
    assert [(a.frame, a.mask) for a in given] == [(0, None)] * 2
    assert printed[0].startswith("fake from boxes on tiny\n")


def test_further_tables_are_printed_kept_in_json_and_shown_on_the_page(davis: Path, tmp_path: Path) -> None:
    printed: list[str] = []
    files = tmp_path / "out.json", tmp_path / "out.html"
    run_evaluation(
        davis,
        Config(),
        "fake",
        json_file=files[0],
        html_file=files[1],
        print=printed.append,
        engine_factory=make_fake_engine,
        analyses=[ErrorSplit(), AsTracker()],
    )
    assert "| all pixels | 50.0 | 0.0 | 50.0 | 100.0 |" in printed[0]
    values = json.loads(files[0].read_text("utf-8"))
    assert list(values) == ["mean", "sequences", "errors", "tracker"]
    assert "<td>all boxes</td>" in files[1].read_text("utf-8")


def test_attributes_nobody_knows_are_missed_before_anything_runs(davis: Path) -> None:
    made: list[FakeEngine] = []

    def make() -> FakeEngine:
        made.append(FakeEngine())
        return made[-1]

    with pytest.raises(DatasetError, match="Nothing is known of the sequences' attributes"):
        run_evaluation(davis, Config(), "fake", engine_factory=make, analyses=[ByAttribute()])
    assert not made


def test_each_sequence_gets_a_fresh_engine(davis: Path, tmp_path: Path) -> None:
    made: list[FakeEngine] = []

    def make() -> FakeEngine:
        made.append(FakeEngine())
        return made[-1]

    sequences = find_sequences(davis)
    results = list(evaluate(sequences, Config(), tmp_path, engine_factory=make))
    assert [result.sequence.name for result in results] == ["slide", "still"]
    assert [len(engine.commands) for engine in made] == [3, 3]
    assert all(engine.closed for engine in made)


def without_timing(report: Report) -> dict[str, object]:
    timeless = Timing(0, 0, 0, 0)
    return to_json(replace(report, results=tuple(replace(r, timing=timeless) for r in report.results)))


def test_two_processes_find_what_one_finds(davis: Path) -> None:
    def run(jobs: int) -> Report:
        return run_evaluation(
            davis,
            Config(),
            "fake",
            jobs=jobs,
            print=lambda text: None,
            engine_factory=make_fake_engine,
        )

    alone, together = run(1), run(2)
    assert without_timing(together) == without_timing(alone)
    assert all(result.timing is not None for result in together.results)


def test_errors_reach_the_caller_from_another_process(davis: Path, tmp_path: Path) -> None:
    (davis / "JPEGImages" / "480p" / "still" / "extra.txt").touch()
    with pytest.raises(DatasetError, match="does not open as 9 frames"):
        list(evaluate(find_sequences(davis), Config(), tmp_path, 2, engine_factory=make_fake_engine))


def test_kept_results_score_the_same_again(davis: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    report = run_evaluation(
        davis,
        Config(),
        "fake",
        results_folder=kept,
        print=lambda text: None,
        engine_factory=make_fake_engine,
    )
    again = score_folder(kept, davis)
    assert [result.scores for result in again.results] == [result.scores for result in report.results]
    assert (again.title, again.config, again.mean.seconds_per_frame) == ("kept", None, None)


def test_score_folder_takes_the_sequences_it_finds(davis: Path, tmp_path: Path) -> None:
    annotations = davis / "Annotations" / "480p"
    shutil.copytree(annotations / "slide", tmp_path / "results" / "slide")
    report = score_folder(tmp_path / "results", davis)
    assert list(report.sequences) == ["slide"]
    assert (report.mean.J, report.mean.F, report.mean.T) == (1.0, 1.0, 0.0)


def test_score_folder_names_what_is_wrong(davis: Path, tmp_path: Path) -> None:
    results = tmp_path / "results"
    with pytest.raises(DatasetError, match="does not exist"):
        score_folder(results, davis)
    results.mkdir()
    with pytest.raises(DatasetError, match="no folder named like a sequence"):
        score_folder(results, davis)
    shutil.copytree(davis / "Annotations" / "480p" / "slide", results / "slide")
    (results / "slide" / "00004.png").unlink()
    with pytest.raises(DatasetError, match="slide: There is no result for frame 4"):
        score_folder(results, davis)
    png.write_palette(results / "slide" / "00004.png", np.zeros((12, 16), np.uint8))
    with pytest.raises(DatasetError, match="slide: The result for frame 4 is 16x12"):
        score_folder(results, davis)


def test_scoring_imports_no_torch() -> None:
    code = "import sys, vosengine.evaluation.evaluate; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_annotations_of_davis_score_one_against_themselves(shared_data: Path, tmp_path: Path) -> None:
    dataset = shared_data / "davis-dev"
    sequences = find_sequences(dataset, cache_folder=tmp_path)
    assert len(sequences) == 8
    without_t = {sequence.name for sequence in sequences if not sequence.evaluate_t}
    assert without_t == {"bmx-trees", "breakdance", "dog", "drift-chicane"}
    chosen = next(sequence for sequence in sequences if sequence.name == "car-shadow")
    assert len(chosen.frame_files) == len(chosen.mask_files) == 40
    results = chosen.mask_files[0].parents[1]
    report = score_folder(results, dataset, ["car-shadow"], cache_folder=tmp_path)
    measures = report.mean
    assert (measures.J, measures.F, measures.J_decay) == (1.0, 1.0, 0.0)
    assert measures.T is not None
    assert 0 < measures.T < 0.2  # a rigid car's own contour hardly changes
