"""The project folder: round trips, upgrade, lock, damage, and a process killed while it saves."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vosengine import manifest as manifests
from vosengine import png_note
from vosengine.config import preset
from vosengine.errors import AnnotationError, ProjectError
from vosengine.project_file import (
    MANIFEST,
    Project,
    RotoObject,
    create_project,
    harden,
    open_project,
    soften,
    suggested_folder,
)
from vosengine.types import Box, ClipInfo, ColourTags, Span

FIXTURES = Path(__file__).parent / "fixtures"
WIDTH, HEIGHT = 16, 12


def make_clip(path: Path, **changes) -> ClipInfo:
    rate = Fraction(24000, 1001)
    times = tuple(frame / rate for frame in range(10))
    return replace(ClipInfo(path, WIDTH, HEIGHT, rate, times, "c0ffee"), **changes)


def a_mask(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).choice(np.array([0, 255], np.uint8), (HEIGHT, WIDTH))


def a_matte(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 65536, (HEIGHT, WIDTH), dtype=np.uint16)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "Ünïcode — съёмка" / "shot.rotoshot"


@pytest.fixture
def clip(folder: Path) -> ClipInfo:
    folder.parent.mkdir()
    footage = folder.parent / "кадр 01.mov"
    footage.write_bytes(b"footage")
    return make_clip(footage)


@pytest.fixture
def project(folder: Path, clip: ClipInfo):
    with create_project(folder, clip) as made:
        made.add_object("Dancer")
        yield made


def reopened(project: Project) -> Project:
    project.close()
    return open_project(project.folder)


# --- what is written comes back --------------------------------------------------------------------------


def test_a_new_project_holds_the_manifest_and_refuses_a_second_one(project: Project, clip: ClipInfo):
    values = json.loads((project.folder / MANIFEST).read_text())
    assert (values["schema"], values["version"]) == ("rotoshot-project", 2)
    assert values["clip"]["relative"] == "../кадр 01.mov"
    assert Path(values["clip"]["path"]) == clip.path
    with pytest.raises(ProjectError, match="holds a project already"):
        create_project(project.folder, clip)


def test_pictures_come_back_bit_identical_and_other_programs_read_them(project: Project):
    mask, matte = a_mask(1), a_matte(2)
    marks = (np.arange(HEIGHT * WIDTH) % 3).astype(np.uint8).reshape(HEIGHT, WIDTH)
    project.write_annotation(1, 3, mask, revision=7)
    project.write_scribbles(1, 3, marks)
    project.write_prediction(1, 4, matte, quality=0.875, revision=6)
    with reopened(project) as again:
        (stored,) = again.stored_masks()
        assert (stored.object_id, stored.frame, stored.revision) == (1, 3, 7)
        assert (stored.mask == mask).all()
        assert [(key, (found == marks).all()) for key, found in again.stored_scribbles()] == [((1, 3), True)]
        (prediction,) = again.stored_predictions()
        assert (prediction.frame, prediction.quality, prediction.revision) == (4, 0.875, 6)
        assert (again.read_prediction(1, 4) == matte).all()
        assert not again.read_prediction(1, 4).flags.writeable
    file = np.fromfile(project.folder / "annotations" / "1" / "000003.png", np.uint8)
    assert (cv2.imdecode(file, cv2.IMREAD_UNCHANGED) == mask).all()
    file = np.fromfile(project.folder / "mattes" / "1" / "000004.png", np.uint8)
    assert (cv2.imdecode(file, cv2.IMREAD_UNCHANGED) == matte).all()


def test_manifest_round_trip(project: Project):
    written = replace(
        project.manifest,
        objects=(RotoObject(2, "Hat", "#123456", visible=False, locked=True), RotoObject(1, "Dancer")),
        boxes={(2, 5): Box(1.5, 2, 3, 4.25)},
        approved=frozenset({(1, 3), (2, 4)}),
        revision=12,
        revisions={1: 11, 2: 12},
        next_object_id=9,
        span=Span(2, 8),
        frame=4,
        object_id=2,
        config=preset("draft", steps=33),
    )
    project.write_manifest(written)
    with reopened(project) as again:
        assert again.manifest == written


times = st.lists(st.fractions(0, 100, max_denominator=90000), min_size=1, max_size=12, unique=True).map(
    lambda found: tuple(sorted(found))
)


@settings(max_examples=50, deadline=None)
@given(times, st.fractions(1, 120, max_denominator=1001), st.booleans())
def test_timestamps_stay_exact(stamps, rate, constant):
    if constant:
        stamps = tuple(frame / rate for frame in range(len(stamps)))
    colour = ColourTags("bt709", "bt709", "bt709", True)
    clip = ClipInfo(
        Path("/no/such/clip.mov"), 8, 6, rate, stamps, "f", 10, True, 1001, True, colour, "d", "tc"
    )
    text = manifests.dump(manifests.Manifest(clip, span=clip.span), Path("/no/such"))
    assert manifests.load(text, Path("/no/such")).clip == clip


def test_unknown_keys_survive(project: Project):
    path = project.folder / MANIFEST
    values = json.loads(path.read_text())
    values["plugin"] = {"x": [1, 2]}
    values["clip"]["lens"] = "50 mm"
    values["objects"][0]["keyer"] = "soft"
    values["config"]["future"] = 3
    path.write_text(json.dumps(values))
    with reopened(project) as again:
        again.add_object("Hat")
    after = json.loads(path.read_text())
    assert after["plugin"] == {"x": [1, 2]}
    assert after["clip"]["lens"] == "50 mm"
    assert after["objects"][0]["keyer"] == "soft"
    assert after["config"]["future"] == 3
    assert [each["id"] for each in after["objects"]] == [1, 2]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has file names that are no text")
def test_a_file_name_that_is_no_text_survives(tmp_path: Path):
    footage = tmp_path / os.fsdecode(b"shot\xff.mov")
    footage.write_bytes(b"x")
    with create_project(tmp_path / "p", make_clip(footage)) as project, reopened(project) as again:
        assert again.manifest.clip.path == footage
        assert not again.clip_missing


# --- for the engine --------------------------------------------------------------------------------------


def test_annotations_are_what_was_drawn_or_approved(project: Project):
    mask, matte = a_mask(1), a_matte(2)
    project.write_annotation(1, 3, mask)
    project.write_prediction(1, 4, matte, 0.5, 0)
    project.write_prediction(1, 5, matte, 0.5, 0)
    project.write_box(1, 6, Box(1, 2, 3, 4))
    project.write_manifest(replace(project.manifest, approved=frozenset({(1, 4), (1, 9)})))
    found = {each.frame: each for each in project.annotations()}
    assert sorted(found) == [3, 4, 6]
    assert (found[3].mask == mask).all()
    assert (found[4].mask == np.where(matte / 65535 > 0.5, 255, 0)).all()
    assert found[6].box == Box(1, 2, 3, 4)
    assert not found[4].mask.flags.writeable


def test_export_sources_are_exact(project: Project):
    mask, matte = a_mask(1), a_matte(2)
    hat = project.add_object("Hat")
    project.write_annotation(1, 3, mask)
    project.write_prediction(1, 3, matte, 0.5, 0)
    project.write_prediction(1, 4, matte, 0.5, 0)
    dancer, empty = project.export_sources()
    assert (dancer.name, sorted(dancer.matte_files), empty.object_id) == ("Dancer", [3, 4], hat.object_id)
    assert empty.matte_files == {}
    drawn = cv2.imdecode(np.fromfile(dancer.matte_files[3], np.uint8), cv2.IMREAD_UNCHANGED)
    assert drawn.dtype == np.uint16
    assert (drawn == np.where(mask > 0, 65535, 0)).all()
    assert (cv2.imdecode(np.fromfile(dancer.matte_files[4], np.uint8), cv2.IMREAD_UNCHANGED) == matte).all()
    project.write_annotation(1, 3, 255 - mask)
    redrawn = project.export_sources()[0].matte_files[3]
    assert (cv2.imdecode(np.fromfile(redrawn, np.uint8), cv2.IMREAD_UNCHANGED) == 65535 - drawn).all()


def test_half_coverage_is_where_masks_begin():
    matte = np.array([[0, 32767, 32768, 65535]], np.uint16)
    assert harden(matte).tolist() == [[0, 0, 255, 255]]
    assert soften(harden(matte)).tolist() == [[0, 0, 65535, 65535]]


def test_pictures_of_another_size_are_refused(project: Project):
    with pytest.raises(AnnotationError, match="8 x 6, the clip 16 x 12"):
        project.write_annotation(1, 0, np.zeros((6, 8), np.uint8))
    assert list(project.stored_masks()) == []


# --- the lock --------------------------------------------------------------------------------------------

HOLD = """
import sys, time
from pathlib import Path
from vosengine.project_file import open_project
project = open_project(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def start(code: str, *arguments: object) -> subprocess.Popen:
    root = Path(__file__).parents[2]
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=root,
        stdout=subprocess.PIPE,
        text=True,
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


# --- killed at any moment --------------------------------------------------------------------------------

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
    project.write_prediction(1, 5 + revision % 5, np.full((12, 16), revision, np.uint16), 0.5, revision,
                             keep=project.cache_folder / "undo" / f"{revision}.png")
    project.write_manifest(replace(project.manifest, revision=revision, revisions={1: revision}))
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


def test_a_full_disk_still_opens(project: Project, monkeypatch):
    project.close()

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


# --- damage ----------------------------------------------------------------------------------------------


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
    newer = json.dumps({**json.loads(path.read_text()), "version": 3})
    path.write_text(newer)
    with pytest.raises(ProjectError, match=r"newer Rotoshot \(project version 3, this one reads up to 2\)"):
        open_project(path)
    assert path.read_text() == newer


def test_a_folder_that_is_no_project(tmp_path: Path):
    with pytest.raises(ProjectError, match=r"holds no project.roto"):
        open_project(tmp_path)
    assert list(tmp_path.iterdir()) == []


# --- upgrade ---------------------------------------------------------------------------------------------


def test_version_1_opens_and_is_written_as_version_2(tmp_path: Path):
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
    assert values["version"] == 2
    assert values["note_of_the_editor"] == "hand-held"
    assert (folder / "project.roto.version1").read_bytes() == old
    open_project(folder).close()


# --- the clip --------------------------------------------------------------------------------------------


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


def test_copy_leaves_the_disposable_behind(project: Project, tmp_path: Path):
    project.write_annotation(1, 0, a_mask(1))
    (project.cache_folder / "proxies").mkdir(parents=True)
    with project.copy_to(tmp_path / "copy") as copy:
        assert [each.frame for each in copy.stored_masks()] == [0]
        assert not (copy.cache_folder / "proxies").exists()
        assert not copy.clip_missing
        with pytest.raises(ProjectError, match="holds a project already"):
            project.copy_to(copy.folder)
    with open_project(tmp_path / "copy") as again:
        assert again.manifest.clip.path == project.manifest.clip.path


def test_suggested_folder_is_beside_the_clip_and_free(tmp_path: Path):
    assert suggested_folder(tmp_path / "a.b.mov", tmp_path).name == "a.b.rotoshot"
    (tmp_path / "a.b.rotoshot").mkdir()
    assert suggested_folder(tmp_path / "a.b.mov", tmp_path).name == "a.b-2.rotoshot"
    assert suggested_folder(Path("/no/such/place/x.mov"), tmp_path) == tmp_path / "x.rotoshot"
    assert suggested_folder(tmp_path / "shot_1001.png", tmp_path).name == "shot_1001.rotoshot"


# --- notes in pictures -----------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.text(max_size=8), st.integers() | st.text(max_size=20), max_size=4), st.booleans())
def test_notes_travel_in_the_picture(tmp_path_factory, note, deep):
    values = a_matte(3) if deep else a_mask(3)
    path = tmp_path_factory.mktemp("notes") / "x.png"
    path.write_bytes(png_note.encode(values, note))
    assert png_note.read(path) == note
    assert (cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED) == values).all()


def test_a_picture_without_a_sound_note_has_none(tmp_path: Path):
    path = tmp_path / "x.png"
    assert png_note.read(path) == {}
    content = png_note.encode(a_mask(), {"revision": 5})
    path.write_bytes(content.replace(b'"revision": 5', b'"revision": 6'))
    assert png_note.read(path) == {}
    path.write_bytes(content[:40])
    assert png_note.read(path) == {}
    path.write_bytes(cv2.imencode(".png", a_mask())[1].tobytes())
    assert png_note.read(path) == {}
