"""`cut` and `export` from their command lines to files, on an engine that answers at once."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.vosengine.cli.fakes import FRAMES, HEIGHT, WIDTH, square
from vosengine import cli
from vosengine.config import PRESETS
from vosengine.edge_controls import EdgeControls
from vosengine.messages import Export, FineTune, Propagate
from vosengine.project_file import open_project
from vosengine.types import Span


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    path = tmp_path / "first.png"
    cv2.imwrite(str(path), square(0))
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def cut(clip: Path, out: Path, *words: object) -> int:
    return cli.main(["cut", str(clip), "-o", str(out), "--quiet", *map(str, words)])


def mattes(folder: Path) -> dict[str, np.ndarray]:
    return {file.name: cv2.imread(str(file), cv2.IMREAD_UNCHANGED) for file in sorted(folder.rglob("*.png"))}


def test_a_mask_becomes_a_project_and_an_export(clip, engine, mask, out, capsys):
    assert cut(clip, out, "--mask", f"0={mask}") == 0
    written = mattes(out / "export")
    assert len(written) == FRAMES
    for frame, matte in enumerate(written.values()):
        assert matte.dtype == np.uint16
        assert np.array_equal(matte, square(frame).astype(np.uint16) * 257)
    assert [name[-8:-4] for name in written] == ["1001", "1002", "1003", "1004"]  # the clip's own numbers
    printed = capsys.readouterr()
    assert str(out / "project") in printed.out
    assert printed.err == ""


def test_the_project_can_be_opened_and_holds_everything(clip, engine, mask, out):
    assert (
        cut(clip, out, "--object", "cow", "--mask", f"0={mask}", "--preset", "draft", "--set", "steps=3") == 0
    )
    with open_project(out / "project") as project:
        assert [each.name for each in project.manifest.objects] == ["cow"]
        assert project.manifest.config.steps == 3
        assert project.manifest.config.snap == PRESETS["draft"].snap
        assert project.manifest.span == Span(0, FRAMES)
        assert np.array_equal(project.read_annotation(1, 0), square(0))
        assert [each.frame for each in project.stored_predictions()] == [1, 2, 3]
        assert not project.messages


def test_what_the_engine_is_asked(clip, engine, mask, out):
    assert cut(clip, out, "--mask", f"0={mask}", "--range", "1:3", "--template", "davis") == 0
    fine_tune, propagate, export = engine.commands
    assert isinstance(fine_tune, FineTune)
    assert isinstance(propagate, Propagate)
    assert isinstance(export, Export)
    assert fine_tune.config == PRESETS["balanced"]
    assert np.array_equal(fine_tune.annotations[0].mask, square(0))
    assert propagate.span == export.span == Span(1, 3)
    assert export.template == "davis"


def test_edges_are_finished_as_asked_and_the_project_remembers(clip, engine, mask, out):
    assert cut(clip, out, "--mask", f"0={mask}", "--edge", "grow=-1", "--edge", "contrast=1") == 0
    with open_project(out / "project") as project:
        assert project.manifest.edges[1].at(2) == EdgeControls(grow=-1, contrast=1)
        (source,) = project.export_sources()
        assert source.drawn == {0}
    for frame, matte in enumerate(mattes(out / "export").values()):
        smaller = cv2.erode(square(frame), np.ones((3, 3), np.uint8), borderValue=255)
        assert np.count_nonzero(matte != smaller.astype(np.uint16) * 257) <= 4  # at the corners
    unfinished = out / "unfinished"
    words = ["--edge", "grow=0", "--edge", "contrast=0"]
    assert cli.main(["export", str(out / "project"), "-o", str(unfinished), *words]) == 0
    for frame, matte in enumerate(mattes(unfinished).values()):
        assert np.array_equal(matte, square(frame).astype(np.uint16) * 257)


def test_several_objects(clip, engine, mask, out):
    marks = np.zeros((HEIGHT, WIDTH), np.uint8)
    marks[2:6, 2:6] = 2
    scribbles = out.parent / "s.png"
    cv2.imwrite(str(scribbles), marks)
    words = ["--object", "cow", "--mask", f"0={mask}", "--object", "dog", "--scribbles", f"1={scribbles}"]
    assert cut(clip, out, *words) == 0
    with open_project(out / "project") as project:
        assert [(each.object_id, each.name) for each in project.manifest.objects] == [(1, "cow"), (2, "dog")]
        assert len({each.colour for each in project.manifest.objects}) == 2
        assert np.array_equal(project.read_scribbles(2, 1), marks)
        assert project.read_annotation(2, 1).any()
    assert len(mattes(out / "export")) > 0


def test_json_names_the_files(clip, engine, mask, out, capsys):
    assert cut(clip, out, "--mask", f"0={mask}", "--json", "--template", "ffv1-luma") == 0
    values = json.loads(capsys.readouterr().out)
    assert values["frames"] == [0, FRAMES]
    assert values["objects"] == ["object"]
    assert values["project"] == str(out / "project")
    assert values["report"]
    for file in values["files"]:
        assert Path(file).stat().st_size > 0


def test_nothing_is_written_for_wrong_marks(clip, engine, out, capsys):
    assert cut(clip, out, "--mask", f"0={out}/missing.png") == 1
    assert "does not exist" in capsys.readouterr().err
    assert not out.exists()


def test_a_missing_clip_and_an_empty_range_are_expected_failures(clip, engine, mask, out, capsys):
    assert cut(clip.with_name("other.mov"), out, "--mask", f"0={mask}") == 1
    assert cut(clip, out, "--mask", f"0={mask}", "--range", "4:") == 1
    for line in capsys.readouterr().err.splitlines():
        assert line.startswith("rotoshot: ")
    assert not out.exists()


def test_a_second_run_into_the_same_folder_loses_nothing(clip, engine, mask, out, capsys):
    assert cut(clip, out, "--mask", f"0={mask}") == 0
    before = {file: file.read_bytes() for file in out.rglob("*.png")}
    assert cut(clip, out, "--mask", f"0={mask}", "--overwrite") == 1
    assert "holds a project already" in capsys.readouterr().err
    assert {file: file.read_bytes() for file in out.rglob("*.png")} == before


def test_an_interruption_keeps_what_was_finished(clip, engine, mask, out, capsys):
    engine.interrupt_at = 2
    assert cut(clip, out, "--mask", f"0={mask}") == 130
    printed = capsys.readouterr().err
    assert f"rotoshot export {out / 'project'}" in printed
    assert "Traceback" not in printed
    assert not (out / "export").exists()
    with open_project(out / "project") as project:
        assert [each.frame for each in project.stored_predictions()] == [1]


def test_export_finishes_a_project(clip, engine, mask, out, capsys):
    engine.interrupt_at = 2
    cut(clip, out, "--mask", f"0={mask}")
    capsys.readouterr()
    words = ["export", str(out / "project"), "-o", str(out / "again"), "--quiet"]
    assert cli.main([*words, "--range", "0:3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["frames"] == [0, 3]
    written = list(mattes(out / "again").values())
    assert [bool(matte.any()) for matte in written] == [True, True, False]  # frame 2 was never predicted
    assert np.array_equal(written[0], square(0).astype(np.uint16) * 257)


def test_export_refuses_an_occupied_place_unless_told(clip, engine, mask, out, capsys):
    cut(clip, out, "--mask", f"0={mask}")
    words = ["export", str(out / "project"), "-o", str(out / "export"), "--quiet"]
    assert cli.main(words) == 1
    assert "rotoshot: " in capsys.readouterr().err
    assert cli.main([*words, "--overwrite"]) == 0


@pytest.mark.parametrize("template", ["png16", "prores4444", "ffv1-luma", "davis"])
def test_every_template_of_the_help_text_exists(template, clip, engine, mask, out):
    assert cut(clip, out, "--mask", f"0={mask}", "--template", template) == 0


def test_an_unknown_template_and_a_missing_project_name_the_remedy(clip, engine, mask, out, capsys):
    cut(clip, out, "--mask", f"0={mask}")
    capsys.readouterr()
    assert cli.main(["export", str(out / "project"), "-o", str(out / "x"), "--template", "gif"]) == 1
    assert "png16" in capsys.readouterr().err
    assert cli.main(["export", str(out / "nowhere"), "-o", str(out / "x")]) == 1
    assert "is no project" in capsys.readouterr().err
