"""The tables of `evaluate`: what is asked of them, with an engine that is not there."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from tests.vosengine.evaluation.conftest import davis  # noqa: F401 - a fixture
from tests.vosengine.evaluation.fake_engine import NearestEngine
from vosengine import cli
from vosengine.cli import comparisons
from vosengine.evaluation import evaluate, tables


@pytest.fixture(autouse=True)
def _fake_engine(monkeypatch):
    monkeypatch.setattr(
        tables, "Runner", partial(tables.Runner, engine_factory=NearestEngine, fingerprint=lambda config: "w")
    )


def run(davis: Path, *words: str, file: Path) -> list[dict]:  # noqa: F811
    """The rows of a table."""
    assert cli.main(["evaluate", str(davis), *words, "--json", str(file)]) == 0
    return json.loads(file.read_text("utf-8"))["rows"]


def test_an_ablation_with_settings_for_all_rows(davis, tmp_path, capsys):  # noqa: F811
    words = ["--ablation", "osvos", "--set", "steps=2", "--set", "seed=5", "--sequences", "slide"]
    rows = run(davis, *words, file=tmp_path / "a.json")
    assert [row["row"] for row in rows][:2] == ["OSVOS", "-BS"]
    assert [row["config"]["steps"] for row in rows] == [2, 2, 2, 0, 0, 2]
    assert {row["config"]["seed"] for row in rows} == {5}
    assert list(rows[0]["sequences"]) == ["slide"]
    printed = capsys.readouterr()
    assert printed.out.startswith("OSVOS, table 1")
    assert "osvos lite -PN-OS-BS: 1 of 1 sequences to run" in printed.err


def test_the_papers_scale(davis, tmp_path):  # noqa: F811
    rows = run(davis, "--ablation", "iterative", "--scale", "paper", file=tmp_path / "a.json")
    assert {row["config"]["trunk"] for row in rows} == {"vgg16"}


def test_kept_rows_are_not_run_again(davis, tmp_path, capsys):  # noqa: F811
    words = ["--curve", "3,9", "--results", str(tmp_path / "kept"), "--svg", str(tmp_path / "a.svg")]
    first = run(davis, *words, file=tmp_path / "a.json")
    assert "2 of 2 sequences to run" in capsys.readouterr().err
    assert run(davis, *words, file=tmp_path / "b.json") == first
    assert "0 of 2 sequences to run" in capsys.readouterr().err
    assert [row["steps"] for row in first] == [3, 9]
    assert (tmp_path / "a.svg").read_text("utf-8").startswith("<svg")


def test_annotations_by_distance_and_by_percent(davis, tmp_path):  # noqa: F811
    by_distance = run(davis, "--annotate-every", "0,4", file=tmp_path / "a.json")
    by_percent = run(davis, "--annotate-percent", "25,50", "--boxes", file=tmp_path / "b.json")
    assert [row["annotated"] for row in by_distance] == ["first", "every 4"]
    assert [row["annotated"] for row in by_percent] == ["every 4", "every 2"]
    assert by_distance[0]["MaskTrack J"] == 0.748
    assert len(run(davis, "--annotate-every", file=tmp_path / "c.json")) == 8


def test_corrections(davis, tmp_path, capsys):  # noqa: F811
    words = ["--refine", "2", "--operator", "estimate", "--preset", "draft", "--method", "osvos"]
    rows = run(davis, *words, file=tmp_path / "a.json")
    assert [row["annotations"] for row in rows] == [0, 1, 2, 3]
    assert capsys.readouterr().out.startswith("draft method=osvos on tiny: J by corrections")


def test_one_evaluation_from_a_box(monkeypatch):
    calls: list[dict] = []
    monkeypatch.setattr(evaluate, "run_evaluation", lambda *arguments, **named: calls.append(named))
    assert cli.main(["evaluate", "davis", "--box"]) == 0
    assert cli.main(["evaluate", "davis"]) == 0
    assert [call["boxes"] for call in calls] == [True, False]


def test_percentages_become_distances_each_once():
    assert comparisons.distances([1, 10, 50, 60, 99, 100]) == [100, 10, 2, 1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--ablation", "osvos", "--curve", "3"], "--ablation and --curve are tables of their own"),
        (["--curve", "3", "--html", "a.html"], "--html is for one evaluation"),
        (["--refine", "2", "--errors"], "--errors is for one evaluation"),
        (["--svg", "a.svg"], "--svg draws"),
        (["--ablation", "osvos", "--svg", "a.svg"], "--svg draws"),
        (["--ablation", "osvos", "--preset", "balanced"], "leave out --preset"),
        (["--ablation", "osvos", "--box"], "leave out --preset, --method and --box"),
        (["--ablation", "osvos", "--set", "method=guided"], "leave out --set method."),
        (
            ["--ablation", "osvos", "--set", "trunk=lite", "--set", "method=osvos"],
            "leave out --set trunk and --set method.",
        ),
        (["--operator", "estimate"], "add --refine N"),
        (["--curve", "3", "--operator", "truth"], "add --refine N"),
        (["--scale", "paper"], "add --ablation"),
        (["--refine", "0", "--scale", "lite"], "add --ablation"),
        (["--refine", "0", "--curve", "3"], "--refine and --curve are tables of their own"),
        (["--score", "masks", "--preset", "draft"], "--score runs nothing; leave out --preset."),
        (["--score", "masks", "--set", "steps=3", "--box"], "leave out --set and --box."),
        (["--score", "masks", "--method", "osvos", "--jobs", "2"], "leave out --method and --jobs."),
        (["--score", "masks", "--results", "others", "--quality"], "leave out --results and --quality."),
        (["--score", "masks", "--refine", "2"], "--score is for one evaluation"),
    ],
)
def test_what_does_not_go_together(words, message, capsys):
    assert cli.main(["evaluate", "davis", *words]) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize("option", ["--curve", "--annotate-every"])
def test_an_option_that_took_the_data_set_for_its_value_says_so(option, capsys):
    assert cli.main(["evaluate", option, "davis"]) == 2
    assert "'davis' are not whole numbers such as 0,5,15; put the data set before" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["--ablation", "sam"],
        ["--refine", "-1"],
        ["--refine", "two"],
        ["--annotate-every", "3,,4"],
        ["--annotate-percent", "0"],
        ["--annotate-percent", "101"],
        ["--annotate-percent", "half"],
        ["--curve", "1.5"],
        ["--operator", "someone"],
    ],
)
def test_wrong_usage(words):
    assert cli.main(["evaluate", "davis", *words]) == 2
