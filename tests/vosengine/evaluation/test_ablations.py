from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.vosengine.evaluation.fake_engine import NearestEngine
from vosengine.cli import comparisons
from vosengine.config import Config, preset
from vosengine.errors import WeightsError
from vosengine.evaluation.ablation_table import ablation_table
from vosengine.evaluation.ablations import ABLATIONS, SCALES, Row
from vosengine.evaluation.datasets import find_sequences
from vosengine.evaluation.tables import Runner, slug
from vosengine.methods import architecture_of, weights_of

ROWS = [(paper, row) for paper, ablation in ABLATIONS.items() for row in ablation.rows]


@pytest.fixture
def runner(davis: Path, tmp_path: Path) -> Runner:
    return Runner(
        find_sequences(davis), tmp_path / "rows", engine_factory=NearestEngine, fingerprint=lambda c: "w"
    )


@pytest.mark.parametrize(("paper", "row"), ROWS, ids=[f"{paper} {row.label}" for paper, row in ROWS])
@pytest.mark.parametrize("scale", SCALES)
def test_every_row_is_a_config_that_names_a_network(paper: str, row: Row, scale: str) -> None:
    config = row.config(scale)
    assert architecture_of(config)
    commands = "".join(row.training_commands(config))
    assert "{" not in weights_of(config) + config.masktrack.box_weights + commands
    assert all(0 < figure < 1 for figure in row.paper.values())


@pytest.mark.parametrize("paper", ABLATIONS)
def test_no_two_rows_of_a_table_are_the_same(paper: str) -> None:
    rows = ABLATIONS[paper].rows
    assert len({slug(row.label) for row in rows}) == len(rows)
    for scale in SCALES:
        configs = [
            (replace(c, weights=weights_of(c)), row.boxes) for row in rows for c in [row.config(scale)]
        ]
        assert all(configs.count(config) == 1 for config in configs)


def test_the_papers_best_rows_are_the_published_ones() -> None:
    best = {p: max(row.paper.get("J", 0) for row in ablation.rows) for p, ablation in ABLATIONS.items()}
    assert best == {
        "osvos": 0.798, "iterative": 0.804, "box_filtered": 0.801, "masktrack": 0.803, "e_osvos": 0.866,
    }  # fmt: skip


def test_the_command_line_knows_all_tables() -> None:
    assert tuple(ABLATIONS) == comparisons.PAPERS
    assert comparisons.SCALES == SCALES


def test_a_rows_own_settings_win_over_those_for_all_rows() -> None:
    row = Row("-OS", {}, "osvos", {"steps": 0})
    assert row.config(changes={"steps": 9, "seed": 3}) == preset("osvos-lite", steps=0, seed=3)
    trained = Row("x", {}, "osvos", {"weights": "parent_{trunk}"}, training="parent --trunk {trunk}")
    assert trained.config("paper").weights == "parent_vgg16"
    assert trained.training_commands(trained.config()) == [
        "rotoshot train parent --trunk lite --data DATA --out OUT"
    ]
    assert row.training_commands(row.config()) == []


@pytest.mark.parametrize(
    ("paper", "label", "weights", "commands"),
    [
        ("osvos", "-BS", "osvos_vgg16", ["parent --trunk vgg16"]),
        ("osvos", "-PN-BS", "imagenet", []),
        ("iterative", "IT", "osvos_vgg16", ["parent --trunk vgg16"]),
        ("box_filtered", "appearance map", "depth1_vgg16", ["parent --trunk vgg16 --side-channels 1"]),
        ("masktrack", "MaskTrack", "masktrack_vgg16", ["masktrack --trunk vgg16"]),
        ("masktrack", "No offline training", "imagenet", []),
        ("masktrack", "No input", "masktrack_vgg16_no_mask", ["masktrack --trunk vgg16 --no-mask"]),
        (
            "masktrack",
            "MaskTrackBox",
            "masktrack_vgg16",
            ["masktrack --trunk vgg16", "masktrack --trunk vgg16 --boxes"],
        ),
        ("e_osvos", "e-OSVOS-10", "", ["meta --network mask_rcnn_resnet50"]),
        (
            "e_osvos",
            "+ learn model initialization and single LR",
            "e_osvos_resnet50_single",
            ["meta --network mask_rcnn_resnet50 --rates single"],
        ),
        ("e_osvos", "the same, 50 iterations", "", []),
    ],
)
def test_rows_at_the_papers_scale_start_from_trained_parents(
    paper: str, label: str, weights: str, commands: list[str]
) -> None:
    row = next(row for row in ABLATIONS[paper].rows if row.label == label)
    config = row.config("paper")
    assert config.weights == weights
    assert row.training_commands(config) == [f"rotoshot train {o} --data DATA --out OUT" for o in commands]


def test_weights_asked_for_stay() -> None:
    row = ABLATIONS["osvos"].rows[0]
    assert row.config("paper", {"weights": "mine"}).weights == "mine"
    assert row.config("lite").weights == ""


def test_iterative_training_is_compared_with_osvos_and_snapped_to_its_contours() -> None:
    configs = [row.config("paper", ABLATIONS["iterative"].settings) for row in ABLATIONS["iterative"].rows]
    assert configs[0] == preset("osvos-paper", weights="osvos_vgg16")
    assert {config.snap for config in configs} == {"superpixels"}


def test_the_table_has_the_papers_figures_and_ours(runner: Runner) -> None:
    table = ablation_table(runner, "osvos", {"steps": 3}, "lite")
    assert [row["row"] for row in table.rows][:3] == ["OSVOS", "-BS", "-PN-BS"]
    assert [row["paper J"] for row in table.rows] == [0.798, 0.774, 0.646, 0.525, 0.176, None]
    assert {row["J"] for row in table.rows} == {table.rows[0]["J"]}  # the fake engine takes no settings
    assert [row["config"]["steps"] for row in table.rows] == [3, 3, 3, 0, 0, 3]
    assert table.rows[4]["settings"] == "osvos-lite snap=none, weights=imagenet, steps=0"
    assert table.rows[4]["network"] == "osvos_lite from imagenet"
    assert table.rows[0]["sequences"]["still"] == 1.0
    heading = table.markdown().splitlines()[2]
    assert heading == "| row | paper J | paper F | settings | J | J decay | F | s/frame | network | note |"
    assert "Ours: slide, still." in table.notes[0]
    assert (
        table.notes[1]
        == "s/frame counts fine-tuning and propagation over all frames of a sequence, on this machine."
    )
    assert table.notes[2] == "In all rows: steps=3."
    assert sorted(path.name for path in runner.folder.iterdir())[:2] == [
        "osvos-lite-bilateral-solver-instead-of-contours",
        "osvos-lite-bs",
    ]
    json.dumps(table.rows)


def test_settings_of_a_table_give_way_to_those_asked_for(runner: Runner) -> None:
    plain = ablation_table(runner, "box_filtered", {}, "lite")
    snapped = ablation_table(runner, "box_filtered", {"snap": "bilateral"}, "lite")
    assert {row["config"]["snap"] for row in plain.rows} == {"none"}
    assert {row["config"]["snap"] for row in snapped.rows} == {"bilateral"}


def test_a_row_without_weights_says_how_they_are_trained(runner: Runner) -> None:
    def fingerprint(config: Config) -> str:
        if config.weights == "masktrack_lite_no_deform":
            raise WeightsError("There are no weights 'masktrack_lite_no_deform'.")
        return "w"

    table = ablation_table(replace(runner, fingerprint=fingerprint), "masktrack", {}, "lite")
    absent = {row["row"]: row["note"] for row in table.rows if row.get("J") is None}
    command = "rotoshot train masktrack --trunk lite --no-deform --data DATA --out OUT"
    assert list(absent) == ["No deformation"]
    assert absent["No deformation"].startswith("not measured: There are no weights")
    assert f"Train with `{command}`; put the weights into" in absent["No deformation"]
    assert absent["No deformation"].endswith("ROTOSHOT_WEIGHTS names.")


def test_rows_of_one_folder_are_told_apart_by_scale(runner: Runner) -> None:
    ablation_table(runner, "iterative", {}, "lite")
    ablation_table(runner, "iterative", {}, "paper")
    assert {"iterative-lite-it", "iterative-paper-it"} <= {path.name for path in runner.folder.iterdir()}


def test_the_mean_of_j_and_f_stands_beside_the_papers(runner: Runner) -> None:
    one = replace(ABLATIONS["e_osvos"], rows=ABLATIONS["e_osvos"].rows[-1:])
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ABLATIONS, "e_osvos", one)
        (row,) = ablation_table(runner, "e_osvos", {}, "lite").rows
    assert (row["paper J"], row["paper J&F"]) == (0.866, 0.772)
    assert row["J&F"] == pytest.approx((row["J"] + row["F"]) / 2)
