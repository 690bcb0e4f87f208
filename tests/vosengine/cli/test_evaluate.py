"""What `evaluate` hands to the evaluation."""

from __future__ import annotations

from pathlib import Path

import pytest

from vosengine import cli
from vosengine.config import preset
from vosengine.evaluation import evaluate


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
    assert asked == [
        (Path("davis"), config, title, ["cows", "dog"], 2, *files, {"results_folder": Path("masks")})
    ]


def test_the_defaults(asked):
    assert cli.main(["evaluate", "davis"]) == 0
    assert asked == [
        (Path("davis"), preset("balanced"), "balanced", None, 1, None, None, {"results_folder": None})
    ]


@pytest.mark.parametrize(
    "words", [["--jobs", "0"], ["--jobs", "two"], ["--sequences", " ,"], ["--preset", "fastest"]]
)
def test_wrong_usage(words, asked):
    assert cli.main(["evaluate", "davis", *words]) == 2
    assert not asked


def test_a_missing_data_set_is_an_expected_failure(tmp_path, capsys):
    assert cli.main(["evaluate", str(tmp_path / "nowhere")]) == 1
    assert "rotoshot: " in capsys.readouterr().err
