"""What `evaluate` hands to the evaluation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.vosengine.evaluation.conftest import square, write_frame
from vosengine import cli
from vosengine.config import preset
from vosengine.evaluation import evaluate
from vosengine.evaluation.attributes import ByAttribute
from vosengine.evaluation.errors import ErrorPixels, ErrorSplit
from vosengine.evaluation.ranking import WorstFirst
from vosengine.evaluation.tracking import AsTracker


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    calls: list[tuple] = []
    monkeypatch.setattr(evaluate, "run_evaluation", lambda *args, **named: calls.append((*args, named)))
    return calls


def test_all_options_arrive(asked):
    words = ["evaluate", "davis", "--preset", "draft", "--method", "osvos", "--set", "steps=9"]
    words += [
        "--sequences",
        "cows, dog,",
        "--jobs",
        "2",
        "--json",
        "a.json",
        "--html",
        "a.html",
        "--results",
        "masks",
    ]
    assert cli.main(words) == 0
    config = preset("draft", method="osvos", steps=9)
    files = (Path("a.json"), Path("a.html"))
    title = "draft steps=9 method=osvos"
    ((*given, named),) = asked
    assert given == [Path("davis"), config, title, ["cows", "dog"], 2, *files]
    assert named["results_folder"] == Path("masks")


def test_the_defaults(asked):
    assert cli.main(["evaluate", "davis"]) == 0
    ((*given, named),) = asked
    assert given == [Path("davis"), preset("balanced"), "balanced", None, 1, None, None]
    assert (named["results_folder"], named["single_object"], named["analyses"]) == (None, None, [])


@pytest.mark.parametrize(("word", "single"), [("single", True), ("multi", False)])
def test_one_object_or_several(word, single, asked):
    assert cli.main(["evaluate", "davis", "--objects", word]) == 0
    assert asked[0][-1]["single_object"] is single


def test_further_tables(tmp_path, asked):
    assert cli.main(["evaluate", "davis", "--quality", "--tracker", "--errors", "--attributes"]) == 0
    assert [type(each) for each in asked[0][-1]["analyses"]] == [
        ErrorSplit,
        ByAttribute,
        AsTracker,
        WorstFirst,
    ]
    reference = tmp_path / "plain.json"
    reference.write_text('{"errors": {"sequences": {"dog": {"pixels": {"fn": 3}}}}}')
    assert cli.main(["evaluate", "davis", "--errors-against", str(reference)]) == 0
    assert asked[1][-1]["analyses"] == [ErrorSplit({"dog": ErrorPixels(fn=3)}, "plain")]


def test_masks_that_are_already_there_are_scored(tmp_path, asked, capsys):
    for frame in range(4):
        write_frame(tmp_path / "set", "walk", f"{frame:05d}", square(3))
    results = tmp_path / "set" / "Annotations" / "480p"
    words = ["--score", str(results), "--json", str(tmp_path / "out.json"), "--tracker"]
    assert cli.main(["evaluate", str(tmp_path / "set"), *words]) == 0
    assert not asked
    assert "| walk | 1.000 | 1.000 |" in capsys.readouterr().out
    assert list(json.loads((tmp_path / "out.json").read_text())) == ["mean", "sequences", "tracker"]


@pytest.mark.parametrize(
    "words",
    [
        ["--jobs", "0"],
        ["--jobs", "two"],
        ["--sequences", " ,"],
        ["--preset", "fastest"],
        ["--objects", "two"],
    ],
)
def test_wrong_usage(words, asked):
    assert cli.main(["evaluate", "davis", *words]) == 2
    assert not asked


def test_a_missing_data_set_is_an_expected_failure(tmp_path, capsys):
    assert cli.main(["evaluate", str(tmp_path / "nowhere")]) == 1
    assert "rotoshot: " in capsys.readouterr().err
