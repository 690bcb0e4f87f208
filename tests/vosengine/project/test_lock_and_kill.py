"""The lock, and a process killed or a disk full while a project is saved."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.vosengine.project.made import a_mask, reopened
from vosengine.errors import ProjectError
from vosengine.project_file import Project, open_project

# --- the lock ------------------------------------------------------------------------------------------

HOLD = """
import sys, time
from pathlib import Path
from vosengine.project_file import open_project
project = open_project(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def start(code: str, *arguments: object) -> subprocess.Popen:
    root = Path(__file__).parents[3]
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], cwd=root, stdout=subprocess.PIPE, text=True
    )


def test_a_second_rotoshot_is_kept_out_and_a_killed_one_is_not(project: Project):
    with pytest.raises(ProjectError, match=rf"another Rotoshot \(process {os.getpid()} on .+\); close it"):
        open_project(project.folder)
    project.close()
    holder = start(HOLD, project.folder)
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(ProjectError, match=f"process {holder.pid} on"):
        open_project(project.folder)
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    open_project(project.folder).close()


# --- killed at any moment ------------------------------------------------------------------------------

SAVE = """
import sys
from dataclasses import replace
from pathlib import Path
import numpy as np
from vosengine.project_file import open_project
project = open_project(Path(sys.argv[1]))
revision = project.manifest.revision
while True:
    revision += 1
    mask = np.full((12, 16), 255 if revision % 2 else 0, np.uint8)
    project.write_annotation(1, revision % 5, mask, revision)
    project.write_prediction(1, 5 + revision % 5, np.full((12, 16), revision, np.uint16), 0.5, revision)
    project.write_manifest(replace(project.manifest, revision=revision))
    print(revision, flush=True)
"""


def check_after_kill(folder: Path, saved: int) -> None:
    """At most the one change under way is lost, and nothing is half there."""
    with open_project(folder) as project:
        assert project.messages == []
        assert project.manifest.revision in (saved, saved + 1)
        masks = {each.frame: each for each in project.stored_masks()}
        for frame, stored in masks.items():
            newest = max(n for n in range(saved - 4, saved + 1) if n % 5 == frame)
            assert stored.revision in (newest, saved + 1)
            assert (stored.mask == (255 if stored.revision % 2 else 0)).all()
        assert len(masks) >= min(saved, 5)
        for each in project.stored_predictions():
            assert (project.read_prediction(1, each.frame) == each.revision).all()
        assert not list(folder.rglob("*.part"))


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_killed_while_saving_loses_at_most_the_last_change(project: Project):
    project.close()
    saved = 0
    rng = np.random.default_rng(0)
    for _ in range(10):
        saver = start(SAVE, project.folder)
        saved = int(saver.stdout.readline())
        time.sleep(rng.uniform(0, 0.05))
        saver.send_signal(signal.SIGKILL)
        saved = max([saved, *map(int, saver.stdout.read().splitlines())])
        saver.wait()
        check_after_kill(project.folder, saved)


def test_a_full_disk_leaves_the_project_whole(project: Project, monkeypatch):
    """The disk is full: what was there stays there."""
    mask = a_mask(1)
    project.write_annotation(1, 0, mask, 1)
    real = Path.replace

    def fail(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(ProjectError, match="No space left on device"):
        project.write_annotation(1, 0, 255 - mask, 2)
    with pytest.raises(ProjectError, match="free some space"):
        project.write_manifest()
    monkeypatch.setattr(Path, "replace", real)
    with reopened(project) as again:
        (stored,) = again.stored_masks()
        assert (stored.mask == mask).all()


@pytest.mark.parametrize("version", [2, 3])
def test_a_full_disk_still_opens(project: Project, monkeypatch, version: int):
    project.close()
    manifest = project.folder / "project.roto"
    manifest.write_text(manifest.read_text().replace('"version": 3', f'"version": {version}'))

    def fail(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with open_project(project.folder) as again:
        assert [each.name for each in again.manifest.objects] == ["Dancer"]


def test_an_object_drawn_just_before_the_end_is_recovered(project: Project):
    project.write_annotation(2, 0, a_mask(3), 5)  # killed before the manifest that names object 2
    with reopened(project) as again:
        assert [each.object_id for each in again.manifest.objects] == [1, 2]
        assert again.manifest.next_object_id == 3
        assert "recovered" in again.messages[0]
        assert [each.object_id for each in again.stored_masks()] == [2]


def test_the_files_of_a_removed_object_stay_forgotten(project: Project):
    project.write_annotation(1, 0, a_mask(3), 5)
    project.write_manifest(replace(project.manifest, objects=()))
    with reopened(project) as again:
        assert again.manifest.objects == ()
        assert list(again.stored_masks()) == []
