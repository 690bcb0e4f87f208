"""Damaged files are set aside, old versions upgraded, newer ones refused."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.vosengine.project.made import FIXTURES, a_mask, a_matte, reopened
from vosengine.errors import ProjectError
from vosengine.project_file import MANIFEST, Project, open_project

# --- damage --------------------------------------------------------------------------------------------


def test_a_damaged_picture_is_set_aside_and_the_rest_opens(project: Project):
    project.write_annotation(1, 0, a_mask(1))
    project.write_annotation(1, 1, a_mask(2))
    project.write_prediction(1, 2, a_matte(1), 0.5, 0)
    for path in (project.annotation_file(1, 0), project.matte_file(1, 2)):
        path.write_bytes(path.read_bytes()[:-30])
    with reopened(project) as again:
        assert [each.frame for each in again.stored_masks()] == [1]
        assert again.read_prediction(1, 2) is None
        assert len(again.messages) == 2
        assert "annotations/1/000000.png was set aside as 000000.png.damaged" in again.messages[0]
        assert again.annotation_file(1, 0).with_name("000000.png.damaged").exists()


def test_a_picture_of_another_size_is_set_aside(project: Project):
    cv2.imencode(".png", np.zeros((3, 4), np.uint8))[1].tofile(project.folder / "x.png")
    path = project.annotation_file(1, 0)
    path.parent.mkdir(parents=True)
    (project.folder / "x.png").rename(path)
    assert project.read_annotation(1, 0) is None
    assert "4 x 3" in project.messages[0]


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[]", b'{"schema": "rotoshot-project", "version": 2}', b"\xff"]
)
def test_a_damaged_manifest_is_replaced_by_its_backup(project: Project, damage: bytes):
    reopened(project).close()
    (project.folder / MANIFEST).write_bytes(damage)
    with open_project(project.folder) as again:
        assert [each.name for each in again.manifest.objects] == ["Dancer"]
        assert "was damaged" in again.messages[0]


def test_a_damaged_manifest_without_backup_is_refused_and_left_alone(project: Project):
    project.close()
    path = project.folder / MANIFEST
    path.write_text("{")
    with pytest.raises(ProjectError, match=r"is damaged .* restore it from a backup"):
        open_project(project.folder)
    assert path.read_text() == "{"
    with pytest.raises(ProjectError, match="is damaged"):  # and not "is open in another"
        open_project(project.folder)


def test_a_newer_project_is_refused_and_left_alone(project: Project):
    project.close()
    path = project.folder / MANIFEST
    newer = json.dumps({**json.loads(path.read_text()), "version": 4})
    path.write_text(newer)
    with pytest.raises(ProjectError, match=r"newer Rotoshot \(project version 4, this one reads up to 3\)"):
        open_project(path)
    assert path.read_text() == newer


def test_a_folder_that_is_no_project(tmp_path: Path):
    with pytest.raises(ProjectError, match=r"holds no project.roto"):
        open_project(tmp_path)
    assert list(tmp_path.iterdir()) == []


# --- upgrade -------------------------------------------------------------------------------------------


def test_version_1_opens_and_is_written_as_version_3(tmp_path: Path):
    folder = tmp_path / "old"
    shutil.copytree(FIXTURES / "project_v1", folder)
    old = (folder / MANIFEST).read_bytes()
    with open_project(folder) as project:
        dancer, hat = project.manifest.objects
        assert (dancer.object_id, dancer.name, hat.object_id, hat.name) == (1, "Dancer", 2, "Hat")
        assert dancer.colour != hat.colour
        assert project.manifest.approved == {(1, 1)}
        assert project.manifest.next_object_id == 3
        assert project.manifest.clip.rate == Fraction(24000, 1001)
        assert project.clip_missing
        masks = {(each.object_id, each.frame): each.mask for each in project.stored_masks()}
        assert sorted(masks) == [(1, 0), (2, 2)]
        assert (masks[1, 0][3:9, 4:12] == 255).all()
        assert np.count_nonzero(masks[1, 0]) == 48
        (prediction,) = project.stored_predictions()
        assert prediction.revision == -1  # made before revisions were stored: never up to date
        project.write_manifest()
    values = json.loads((folder / MANIFEST).read_text())
    assert values["version"] == 3
    assert values["note_of_the_editor"] == "hand-held"
    assert (folder / "project.roto.version1").read_bytes() == old
    open_project(folder).close()


def test_version_2_opens_with_all_its_mattes_in_force(tmp_path: Path):
    folder = tmp_path / "old"
    shutil.copytree(FIXTURES / "project_v2", folder)
    with open_project(folder) as project:
        assert (project.manifest.approved, project.manifest.muted) == ({(1, 4)}, {(2, 5)})
        found = [(each.object_id, each.frame, each.quality) for each in project.stored_predictions()]
        assert found == [(1, 4, 0.75), (2, 5, 0.5)]
        assert (project.read_prediction(2, 5) == 2000).all()
        project.write_prediction(1, 4, a_matte(1), 0.5, 4)
        project.write_manifest()
    assert json.loads((folder / MANIFEST).read_text())["version"] == 3
    with open_project(folder) as project:
        assert [sorted(each.matte_files) for each in project.export_sources()] == [[0, 4], [5]]
        assert (project.read_prediction(1, 4) == a_matte(1)).all()


# --- which matte is in force ---------------------------------------------------------------------------


def test_the_manifest_says_which_matte_is_in_force_and_newer_ones_go_before_it(project: Project):
    def shown() -> dict[int, int]:
        return {each.frame: int(project.read_prediction(1, each.frame)[0, 0]) for each in seen()}

    def seen():
        return list(project.stored_predictions())

    for frame, batch in [(0, 0), (1, 0), (1, 1), (2, 1), (2, 2), (3, 2)]:
        project.write_prediction(1, frame, np.full((12, 16), 10 * frame + batch, np.uint16), 0.5, 0, batch)
    assert shown() == {0: 0, 1: 11, 2: 22, 3: 32}  # a manifest that knows of none
    known = replace(project.manifest, next_batch=3, mattes={1: ((0, 2, 0), (2, 3, 1), (7, 9, 2))})
    project.write_manifest(known)
    assert shown() == {0: 0, 1: 10, 2: 21}
    assert {batch for _, _, batch in project.stored_mattes()} == {0, 1, 2}
    assert len(list(project.stored_predictions())) == 3
    project.write_manifest(replace(known, open_batches=frozenset({2})))  # killed while batch 2 grew
    assert shown() == {0: 0, 1: 10, 2: 22, 3: 32}
    project.write_prediction(1, 0, np.full((12, 16), 99, np.uint16), 0.5, 0)
    assert shown() == {0: 99, 1: 10, 2: 22, 3: 32}
    assert [path.name for path in project.export_sources()[0].matte_files.values()] == [
        "000000.3.png",
        "000001.png",
        "000002.2.png",
        "000003.2.png",
    ]
