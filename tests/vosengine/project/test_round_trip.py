"""What is written to a project comes back, for people and for the engine."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vosengine.project.made import HEIGHT, WIDTH, a_mask, a_matte, make_clip, reopened
from vosengine import manifest as manifests
from vosengine import png_note
from vosengine.config import preset
from vosengine.edge_controls import EdgeControls, EdgeTrack
from vosengine.errors import AnnotationError, ProjectError
from vosengine.project_file import MANIFEST, Project, RotoObject, create_project, harden, soften
from vosengine.types import Box, ClipInfo, ColourTags, Reason, Span

# --- what is written comes back ------------------------------------------------------------------------


def test_a_new_project_holds_the_manifest_and_refuses_a_second_one(project: Project, clip: ClipInfo):
    values = json.loads((project.folder / MANIFEST).read_text())
    assert (values["schema"], values["version"]) == ("rotoshot-project", 3)
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


def test_a_matte_keeps_why_it_may_be_bad(project: Project):
    for frame, reason in ((3, Reason.EDGE), (4, None)):
        project.write_prediction(1, frame, a_matte(1), 0.5, 0, reason=reason)
    with reopened(project) as again:
        assert [each.reason for each in again.stored_predictions()] == [Reason.EDGE, None]
    later = png_note.encode(a_matte(1), {"quality": 0.25, "revision": 2, "reason": "of a later edition"})
    project.matte_file(1, 3).write_bytes(later)
    first, _ = project.stored_predictions()
    assert (first.quality, first.revision, first.reason) == (0.25, 2, None)


def test_soft_edges_come_back_and_are_exported_and_the_engine_sees_them_hard(project: Project):
    soft = np.random.default_rng(5).integers(0, 256, (HEIGHT, WIDTH), dtype=np.uint8)
    faint = np.zeros((HEIGHT, WIDTH), np.uint8)
    faint[2, 3] = 1
    project.write_annotation(1, 3, soft)
    project.write_annotation(1, 4, faint)
    with reopened(project) as again:
        assert (again.read_annotation(1, 3) == soft).all()
        assert (again.read_annotation(1, 4) == faint).all()
        assert (again.annotations()[0].mask == np.where(soft > 127, 255, 0)).all()
        (source,) = again.export_sources()
        exported = cv2.imread(str(source.matte_files[3]), cv2.IMREAD_UNCHANGED)
        assert (exported == soft.astype(np.uint16) * 257).all()


def test_manifest_round_trip(project: Project):
    written = replace(
        project.manifest,
        objects=(RotoObject(2, "Hat", "#123456", visible=False, locked=True), RotoObject(1, "Dancer")),
        boxes={(2, 5): Box(1.5, 2, 3, 4.25)},
        approved=frozenset({(1, 3), (2, 4)}),
        muted=frozenset({(1, 7)}),
        revision=12,
        box_revisions={(2, 5): 11},
        next_object_id=9,
        mattes={2: ((0, 4, 1), (4, 5, 3)), 1: ((2, 9, 0),)},
        next_batch=4,
        open_batches=frozenset({3}),
        span=Span(2, 8),
        frame=4,
        object_id=2,
        config=preset("draft", steps=33),
        edges={2: EdgeTrack({3: EdgeControls(grow=-1.5), 7: EdgeControls(feather=2.25, smoothing=3)})},
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
    values["objects"][0]["edges"] = {"4": {"grow": 2, "despill": "green"}}
    path.write_text(json.dumps(values))
    with reopened(project) as again:
        again.add_object("Hat")
    after = json.loads(path.read_text())
    assert after["plugin"] == {"x": [1, 2]}
    assert after["clip"]["lens"] == "50 mm"
    assert after["objects"][0]["keyer"] == "soft"
    assert after["config"]["future"] == 3
    assert after["objects"][0]["edges"]["4"] == {**asdict(EdgeControls(grow=2)), "despill": "green"}
    assert [each["id"] for each in after["objects"]] == [1, 2]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has file names that are no text")
def test_a_file_name_that_is_no_text_survives(tmp_path: Path):
    footage = tmp_path / os.fsdecode(b"shot\xff.mov")
    footage.write_bytes(b"x")
    with create_project(tmp_path / "p", make_clip(footage)) as project, reopened(project) as again:
        assert again.manifest.clip.path == footage
        assert not again.clip_missing


# --- for the engine ------------------------------------------------------------------------------------


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


def test_an_export_of_a_few_frames_takes_no_more_than_smoothing_can_reach(project: Project):
    hat = project.add_object("Hat")
    for frame in range(30):
        project.write_prediction(1, frame, a_matte(frame), 0.5, 0)
    for frame in (3, 12, 28):
        project.write_annotation(1, frame, a_mask(frame))
    (dancer,) = project.export_sources(Span(10, 11), left_out=[hat.object_id])
    assert sorted(dancer.matte_files) == list(range(5, 16))
    encoded = (project.cache_folder / "export").rglob("*.png")
    assert [path.stem.partition("-")[0] for path in encoded] == ["000012"]


def test_export_sources_say_how_edges_are_finished_and_what_a_person_vouched_for(project: Project):
    hat, edges = project.add_object("Hat"), EdgeTrack({2: EdgeControls(grow=1.5)})
    project.write_annotation(1, 3, a_mask(1))
    project.write_prediction(1, 4, a_matte(2), 0.5, 0)
    project.write_prediction(1, 5, a_matte(2), 0.5, 0)
    approved = frozenset({(1, 4), (hat.object_id, 7)})
    project.write_manifest(replace(project.manifest, approved=approved, edges={1: edges}))
    dancer, other = project.export_sources()
    assert (dancer.edges, dancer.drawn) == (edges, {3, 4})
    assert (other.edges, other.drawn) == (EdgeTrack(), {7})


def test_half_coverage_is_where_masks_begin():
    matte = np.array([[0, 32767, 32768, 65535]], np.uint16)
    assert harden(matte).tolist() == [[0, 0, 255, 255]]
    assert soften(harden(matte)).tolist() == [[0, 0, 65535, 65535]]


def test_pictures_of_another_size_are_refused(project: Project):
    with pytest.raises(AnnotationError, match="8 x 6, the clip 16 x 12"):
        project.write_annotation(1, 0, np.zeros((6, 8), np.uint8))
    assert list(project.stored_masks()) == []


# --- notes in pictures ---------------------------------------------------------------------------------


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
