"""Marks as files: what becomes an annotation, and what is refused."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as PillowImage

from tests.vosengine.cli.fakes import HEIGHT, WIDTH, FakeEngine, square
from vosengine.cli.console import Console
from vosengine.cli.drawing import Drawing, drawings, split_ids
from vosengine.cli.jobs import Jobs
from vosengine.cli.marks import Mark, MarkedObject
from vosengine.clip import open_clip
from vosengine.errors import AnnotationError
from vosengine.messages import GrabCut
from vosengine.png import davis_palette
from vosengine.types import Box


def drawn(clip: Path, *marks: Mark, engine: FakeEngine | None = None) -> list[Drawing]:
    with open_clip(clip) as opened:
        return drawings(
            [MarkedObject("cow", marks)], opened, Jobs(engine or FakeEngine(), Console(quiet=True))
        )


def palette_png(path: Path, ids: np.ndarray) -> Path:
    picture = PillowImage.fromarray(ids, "P")
    picture.putpalette(davis_palette().tobytes())
    picture.save(path)
    return path


def grey_png(path: Path, values: np.ndarray) -> Path:
    cv2.imwrite(str(path), values)
    return path


def two_squares() -> np.ndarray:
    ids = np.zeros((HEIGHT, WIDTH), np.uint8)
    ids[4:12, 4:12], ids[30:40, 30:50] = 3, 7
    return ids


def test_a_grey_mask_is_taken_as_it_is(clip, tmp_path):
    (found,) = drawn(clip, Mark(0, mask=grey_png(tmp_path / "m.png", square(0))))
    assert found.name == "cow"
    assert np.array_equal(found.masks[0], square(0))


def test_soft_grey_values_are_one_object_not_many(clip, tmp_path):
    soft = cv2.GaussianBlur(square(0), (9, 9), 0)
    (found,) = drawn(clip, Mark(0, mask=grey_png(tmp_path / "m.png", soft)))
    assert np.array_equal(found.masks[0] > 0, soft > 127)


def test_a_palette_with_one_id_keeps_the_name(clip, tmp_path):
    (found,) = drawn(clip, Mark(2, mask=palette_png(tmp_path / "m.png", square(2) // 85)))
    assert found.name == "cow"
    assert np.array_equal(found.masks[2], square(2))


def test_a_palette_with_several_ids_gives_several_objects(clip, tmp_path):
    found = drawn(clip, Mark(0, mask=palette_png(tmp_path / "m.png", two_squares())))
    assert [each.name for each in found] == ["cow 3", "cow 7"]
    assert np.array_equal(found[0].masks[0] > 0, two_squares() == 3)
    assert np.array_equal(found[1].masks[0] > 0, two_squares() == 7)


def test_an_object_missing_from_one_of_its_frames_is_marked_absent_there():
    found = split_ids("cow", {0: two_squares(), 9: np.where(two_squares() == 3, np.uint8(3), np.uint8(0))})
    assert found[1].name == "cow 7"
    assert not found[1].masks[9].any()
    assert found[0].masks[9].any()


def test_scribbles_go_through_grabcut_and_are_kept(clip, tmp_path):
    marks = np.zeros((HEIGHT, WIDTH), np.uint8)
    marks[20:24, 10:20], marks[2:4] = 2, 1
    engine = FakeEngine()
    (found,) = drawn(clip, Mark(1, scribbles=grey_png(tmp_path / "s.png", marks)), engine=engine)
    assert np.array_equal(found.scribbles[1], marks)
    assert np.array_equal(found.masks[1] > 0, marks == 2)
    (command,) = engine.commands
    assert isinstance(command, GrabCut)
    assert command.frame == 1
    assert command.image.shape == (HEIGHT, WIDTH, 3)


def test_a_box_goes_through_the_real_grabcut_and_finds_the_square(clip):
    from vosengine.grabcut import scribbles_to_mask

    class Cutting(FakeEngine):
        def run(self, job_id, command):
            from vosengine.messages import MaskDrawn

            mask = scribbles_to_mask(command.image, command.scribbles, command.box)
            yield MaskDrawn(job_id, command.frame, command.object_id, mask, 0)

    (found,) = drawn(clip, Mark(0, box=Box(4, 12, 24, 24)), engine=Cutting())
    inside, truth = found.masks[0] > 0, square(0) > 0
    assert (inside & truth).sum() / (inside | truth).sum() > 0.9


def test_wrong_marks_are_refused_with_the_remedy(clip, tmp_path):
    empty = grey_png(tmp_path / "empty.png", np.zeros((HEIGHT, WIDTH), np.uint8))
    small = grey_png(tmp_path / "small.png", np.full((8, 8), 255, np.uint8))
    mask = grey_png(tmp_path / "mask.png", square(0))
    several = palette_png(tmp_path / "several.png", two_squares())
    text = tmp_path / "text.png"
    text.write_text("no picture")
    cases = [
        ((Mark(4, mask=mask),), "last is 3"),
        ((Mark(0, mask=empty),), "mark nothing"),
        ((Mark(0, mask=small),), "8 x 8, the clip 64 x 48"),
        ((Mark(0, mask=tmp_path / "missing.png"),), "does not exist"),
        ((Mark(0, mask=text),), "cannot be read as a picture"),
        ((Mark(0, scribbles=mask),), "holds no scribbles"),
        ((Mark(0, scribbles=empty),), "holds no scribbles"),
        ((Mark(0, mask=mask), Mark(0, box=Box(0, 0, 9, 9))), "marked twice"),
        ((Mark(0, mask=several), Mark(1, box=Box(0, 0, 9, 9))), "several objects"),
    ]
    for marks, sentence in cases:
        with pytest.raises(AnnotationError, match=sentence):
            drawn(clip, *marks)
