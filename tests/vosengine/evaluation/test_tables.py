from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.vosengine.evaluation.fake_engine import FakeEngine, NearestEngine
from vosengine.config import Config, changed
from vosengine.errors import EngineError, WeightsError
from vosengine.evaluation.datasets import find_sequences
from vosengine.evaluation.operators import EveryFrame, Refining
from vosengine.evaluation.tables import Comparison, Runner, slug


@pytest.fixture
def made() -> list[FakeEngine]:
    return []


@pytest.fixture
def runner(davis: Path, tmp_path: Path, made: list[FakeEngine]) -> Runner:
    """Notes the engines it makes, one for each sequence it runs."""

    def make() -> FakeEngine:
        made.append(NearestEngine())
        return made[-1]

    return Runner(find_sequences(davis), tmp_path / "rows", engine_factory=make, fingerprint=lambda c: "w")


def test_a_finished_row_is_not_run_again(runner: Runner, made: list[FakeEngine]) -> None:
    first = runner.run("IT+LB", Config(), EveryFrame(4))
    assert [result.sequence.name for result in first] == ["slide", "still"]
    assert sorted(path.name for path in (runner.folder / "it-lb").glob("*.json")) == [
        "slide.json",
        "still.json",
    ]
    assert runner.run("IT+LB", Config(), EveryFrame(4)) == first
    assert len(made) == 2


def test_an_interrupted_row_goes_on_with_the_sequences_that_are_missing(
    runner: Runner, made: list[FakeEngine]
) -> None:
    whole = runner.run("row", Config())
    (runner.folder / "row" / "slide.json").unlink()
    again = runner.run("row", Config())
    assert len(made) == 3
    assert [result.scores for result in again] == [result.scores for result in whole]


@pytest.mark.parametrize(
    "change",
    [
        lambda run: run("row", changed(Config(), {"steps": 3})),
        lambda run: run("row", Config(), EveryFrame(2)),
        lambda run: run("row", Config(), Refining(1, "estimate")),
        lambda run: run("another row", Config()),
    ],
)
def test_another_row_is_run(
    runner: Runner, made: list[FakeEngine], change: Callable[[Callable[..., object]], object]
) -> None:
    runner.run("row", Config())
    change(runner.run)
    assert len(made) == 4


def test_a_row_interrupted_by_an_error_keeps_what_was_done(runner: Runner, made: list[FakeEngine]) -> None:
    broken = runner.sequences[1].frames_folder / "extra.txt"
    broken.touch()  # the fake engine counts every file
    with pytest.raises(EngineError, match="does not open as 9 frames"):
        runner.run("row", Config())
    broken.unlink()
    runner.run("row", Config())
    assert [len(engine.commands) for engine in made] == [3, 1, 3]


def test_missing_weights_stop_a_row_before_it_runs(runner: Runner, made: list[FakeEngine]) -> None:
    def missing(config: Config) -> str:
        raise WeightsError("There are no weights.")

    with pytest.raises(WeightsError):
        Runner(
            runner.sequences, runner.folder, engine_factory=runner.engine_factory, fingerprint=missing
        ).run("row", Config())
    assert not made


def test_labels_become_names_of_folders() -> None:
    assert slug("-PN-OS-BS") == "pn-os-bs"
    assert slug("+ temporal + ConnComp filter") == "temporal-conncomp-filter"


def test_a_comparison_shows_the_columns_that_have_values(tmp_path: Path) -> None:
    rows = (
        {"row": "a", "J": 0.5, "T": None, "steps": 3, "note": None, "sequences": {"dog": 0.5}},
        {"row": "b", "J": None, "T": None, "steps": 30, "note": "not measured"},
    )
    table = Comparison("A title", rows, ("A note.",))
    assert table.markdown().splitlines() == [
        "A title",
        "",
        "| row | J | steps | note |",
        "| --- | ---: | ---: | ---: |",
        "| a | 0.500 | 3 | – |",
        "| b | – | 30 | not measured |",
        "",
        "A note.",
    ]
    table.write_json(tmp_path / "deep" / "table.json")
    content = json.loads((tmp_path / "deep" / "table.json").read_text("utf-8"))
    assert content == {"title": "A title", "rows": list(rows), "notes": ["A note."]}
