"""The clip a project refers to: moved, relinked, copied along."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.vosengine.project.made import make_clip, reopened
from vosengine.errors import ProjectError
from vosengine.project_file import Project, open_project, suggested_folder
from vosengine.types import ClipInfo


def test_moved_footage_is_missed_and_relinked(project: Project, clip: ClipInfo, tmp_path: Path):
    elsewhere = clip.path.rename(tmp_path / "moved.mov")
    with reopened(project) as again:
        assert again.clip_missing
        with pytest.raises(ProjectError, match="not the clip this project was made with"):
            again.relink(make_clip(elsewhere, fingerprint="other"))
        with pytest.raises(ProjectError, match="8 x 12, the project's clip 16 x 12"):
            again.relink(make_clip(elsewhere, width=8), accept_changed=True)
        again.relink(make_clip(elsewhere))
        assert not again.clip_missing
    with open_project(project.folder) as again:
        assert again.manifest.clip.path == elsewhere


def test_a_project_moved_together_with_its_footage_finds_it(project: Project, tmp_path: Path):
    project.close()
    moved = tmp_path / "new place"
    shutil.copytree(project.folder.parent, moved)
    with open_project(moved / "shot.rotoshot") as again:
        assert again.manifest.clip.path == moved / "кадр 01.mov"


def test_suggested_folder_is_beside_the_clip_and_free(tmp_path: Path):
    assert suggested_folder(tmp_path / "a.b.mov", tmp_path).name == "a.b.rotoshot"
    (tmp_path / "a.b.rotoshot").mkdir()
    assert suggested_folder(tmp_path / "a.b.mov", tmp_path).name == "a.b-2.rotoshot"
    assert suggested_folder(Path("/no/such/place/x.mov"), tmp_path) == tmp_path / "x.rotoshot"
    assert suggested_folder(tmp_path / "shot_1001.png", tmp_path).name == "shot_1001.rotoshot"
