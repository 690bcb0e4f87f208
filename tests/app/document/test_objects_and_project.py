"""Objects, what the engine is given, and the project on disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from app.document import Change, Document, Kind
from app.tools import FOREGROUND
from tests.app.document.edited import (
    FRAMES,
    content,
    make_clip,
    matte_of,
    on_disk,
    paint_stroke,
    propagate,
    stroke,
)
from vosengine import project_io
from vosengine.errors import ProjectError
from vosengine.types import Box, Span

# --- objects -------------------------------------------------------------------------------------------


def test_objects_are_added_named_and_never_share_an_id(document: Document):
    hat = document.add_object("Hat")
    assert (document.object_id, document.object(hat).name) == (hat, "Hat")
    assert document.object(hat).colour != document.object(1).colour
    document.change_object(hat, name="Cap", visible=False)
    assert document.undo_name == "Rename object"
    document.remove_object(hat)
    assert document.object_id == 1
    assert document.add_object() == hat + 1
    for _ in range(4):
        document.undo()
    assert [each.name for each in document.objects] == ["Object 1"]
    assert document.undo_name == ""
    assert document.add_object() == hat + 2
    with pytest.raises(KeyError):
        document.select(99)


def test_a_removed_object_comes_back_whole(document: Document):
    stroke(document, 0)
    propagate(document, [1, 2])
    document.approve(1, 2)
    marks = document.begin_scribble(1, 0)
    document.stroke_painted(paint_stroke(marks, [(5, 5)], 2, FOREGROUND))
    document.end_stroke()
    before = content(document)
    document.remove_object(1)
    assert document.objects == ()
    assert document.object_id == 0
    assert on_disk(document) == {"objects": ()}
    document.undo()
    assert content(document) == before == on_disk(document)
    assert document.object_id == 1


# --- for the engine ------------------------------------------------------------------------------------


def test_drawn_frames_are_exported_bit_identical(document: Document):
    stroke(document, 2)
    drawn = document.mask(1, 2).copy()
    propagate(document, range(FRAMES), seed=3)
    (source,) = document.export_sources()
    assert sorted(source.matte_files) == list(range(FRAMES))
    read = {frame: cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for frame, path in source.matte_files.items()}
    assert (read[2] == np.where(drawn > 0, 65535, 0)).all()
    assert read[2].dtype == np.uint16
    assert (document.matte(1, 2) == read[2]).all()
    assert (read[5] == matte_of(8)).all()


def test_annotations_for_commands(document: Document):
    hat = document.add_object("Hat")
    stroke(document, 2)
    document.set_box(1, 1, Box(1, 2, 3, 4))
    stroke(document, 0, object_id=hat)
    found = document.annotations()
    assert [(each.object_id, each.frame) for each in found] == [(1, 1), (1, 2), (hat, 0)]
    assert found[0].box == Box(1, 2, 3, 4)
    assert (found[1].mask == document.mask(1, 2)).all()
    assert not found[1].mask.flags.writeable
    assert [each.object_id for each in document.annotations([hat])] == [hat]
    assert document.annotated_frames() == [0, 1, 2]
    assert document.annotated_frames(hat) == [0]


# --- the project ---------------------------------------------------------------------------------------


def test_relink(tmp_path: Path, document: Document):
    document.close()
    moved = (tmp_path / "clip.mov").rename(tmp_path / "moved.mov")
    again = Document.open(document.folder)
    assert again.clip_missing
    with pytest.raises(ProjectError, match="not the clip"):
        again.relink(replace(make_clip(moved), fingerprint="other"))
    heard: list[Change] = []
    again.subscribe(heard.append)
    again.relink(make_clip(moved))
    assert heard == [Change(Kind.CLIP)]
    assert not again.clip_missing
    again.close()
    again = Document.open(document.folder)
    assert again.clip.path == moved
    again.close()


def test_selection_is_clipped_and_told_once(document: Document):
    heard: list[Change] = []
    document.subscribe(heard.append)
    document.go_to(99)
    document.go_to(99)
    assert document.frame == FRAMES - 1
    assert heard == [Change(Kind.SELECTION, 1, FRAMES - 1)]
    document.set_span(Span(4, 99))
    assert document.span == Span(4, FRAMES)
    document.set_span(Span(50, 60))
    assert document.span == Span(0, FRAMES)


def test_a_full_disk_is_told_loses_nothing_and_heals(tmp_path: Path, monkeypatch):
    errors: list[str] = []
    document = Document.create(tmp_path / "full", make_clip(tmp_path / "x.mov"), errors.append)
    real = project_io.atomic.write_bytes

    def full(path, content, durable=False):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(project_io.atomic, "write_bytes", full)
    stroke(document, 0)
    with pytest.raises(ProjectError, match="No space left"):
        document.flush()
    with pytest.raises(ProjectError, match="No space left"):
        document.close()
    stroke(document, 1)
    assert len(set(errors)) == 1
    monkeypatch.setattr(project_io.atomic, "write_bytes", real)
    document.flush()
    assert errors[-1] == ""
    drawn = content(document)
    document.close()
    again = Document.open(document.folder)
    assert content(again) == drawn
    again.close()
