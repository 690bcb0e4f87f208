"""DAVIS-2017 and YouTube-VOS in miniature, and objects that start on frames of their own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.vosengine.evaluation.conftest import square, write_frame
from tests.vosengine.evaluation.fake_engine import FakeEngine, make_fake_engine
from vosengine import png
from vosengine.config import Config
from vosengine.errors import DatasetError
from vosengine.evaluation.contact_sheet import worst_frames
from vosengine.evaluation.datasets import Sequence, find_sequences
from vosengine.evaluation.evaluate import run_evaluation, score_folder
from vosengine.evaluation.protocol import run_sequence
from vosengine.evaluation.report import Report, frame_measures
from vosengine.messages import FineTune, Propagate
from vosengine.types import Direction, Mask

LATE = 3  # the frame object 2 starts on
COUNT = 8


def ids_on(frame: int) -> Mask:
    """Object 1 from the start, object 2 from `LATE` on."""
    late = square(20, 10, 6) // 255 * 2 if frame >= LATE else 0
    return np.asarray(square(2 + frame, 2, 6) // 255 + late, np.uint8)


@pytest.fixture
def late(tmp_path: Path) -> Sequence:
    """A clip with the truth of all frames, its second object starting late."""
    for frame in range(COUNT):
        write_frame(tmp_path / "late", "pair", f"{frame:05d}", ids_on(frame))
    return find_sequences(tmp_path / "late", single_object=False)[0]


@pytest.fixture
def youtube(tmp_path: Path) -> Path:
    """Two clips of every fifth frame; only the first mask of each object is there."""
    root = tmp_path / "ytvos"
    names = [f"{5 * frame:05d}" for frame in range(COUNT)]
    for clip in ("0062f687f1", "0070461469"):
        for frame, name in enumerate(names):
            write_frame(root / "valid", clip, name, ids_on(frame), "")
            if frame not in (0, LATE):
                (root / "valid" / "Annotations" / clip / f"{name}.png").unlink()
        # As in YouTube-VOS, a later annotation shows none but the new object.
        png.write_palette(
            root / "valid" / "Annotations" / clip / f"{names[LATE]}.png", square(20, 10, 6) // 255 * 2
        )
    objects = {
        "1": {"category": "penguin", "frames": names},
        "2": {"category": "ape", "frames": names[LATE:]},
    }
    meta = {"videos": {clip: {"objects": objects} for clip in ("0062f687f1", "0070461469")}}
    (root / "valid" / "meta.json").write_text(json.dumps(meta))
    shutil.copytree(root / "valid" / "JPEGImages", root / "train" / "JPEGImages")
    (root / "train" / "Annotations").mkdir()
    return root


def listed(root: Path, year: str, *lines: str) -> None:
    file = root / "ImageSets" / year / "val.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{line}\n" for line in lines))


# --- lists ----------------------------------------------------------------------------------------------


def test_the_list_of_2017_chooses_sequences_and_means_several_objects(davis: Path) -> None:
    listed(davis, "2017", "still")
    (still,) = find_sequences(davis)
    assert (still.name, still.single_object) == ("still", False)
    assert [s.name for s in find_sequences(davis, ["slide"])] == ["slide"]
    assert [s.name for s in find_sequences(davis, single_object=True)] == ["slide", "still"]


def test_each_way_of_measuring_has_its_list(davis: Path) -> None:
    listed(davis, "2017", "still", "slide")
    listed(davis, "2016", "slide")
    assert [s.name for s in find_sequences(davis, single_object=True)] == ["slide"]
    assert [s.name for s in find_sequences(davis)] == ["still", "slide"]


def test_the_list_of_2016_names_files(davis: Path) -> None:
    pairs = [f"/JPEGImages/480p/still/{n:05d}.jpg /Annotations/480p/still/{n:05d}.png" for n in range(3)]
    listed(davis, "480p", *pairs)
    assert [(s.name, s.single_object) for s in find_sequences(davis)] == [("still", True)]


def test_a_list_of_what_is_not_there_is_refused(davis: Path) -> None:
    listed(davis, "2017", "still", "walk")
    with pytest.raises(DatasetError, match="no sequence walk; it holds slide, still"):
        find_sequences(davis)


# --- objects that start late ----------------------------------------------------------------------------


def test_objects_start_on_frames_of_their_own(late: Sequence) -> None:
    assert late.first_frames == {1: 0, 2: LATE}
    assert late.object_ids == late.scored_objects == (1, 2)
    assert sorted(late.masks(1)) == list(range(COUNT))
    assert sorted(late.masks(2)) == list(range(LATE, COUNT))


def test_each_object_is_given_on_its_first_frame_and_scored_from_there(
    late: Sequence, tmp_path: Path
) -> None:
    engine = FakeEngine()
    result = run_sequence(late, Config(), engine, tmp_path / "out")
    fine_tuning, propagating = engine.commands[1:]
    assert isinstance(fine_tuning, FineTune)
    assert isinstance(propagating, Propagate)
    for command in (fine_tuning, propagating):
        given = {a.object_id: (a.frame, a.mask.tobytes()) for a in command.annotations if a.mask is not None}
        assert given == {1: (0, square(2, 2, 6).tobytes()), 2: (LATE, square(20, 10, 6).tobytes())}
    assert propagating.direction is Direction.FORWARD
    assert result.scores[1].frames == tuple(range(1, COUNT - 1))
    assert result.scores[2].frames == tuple(range(LATE + 1, COUNT - 1))
    assert result.scores[1].J < result.scores[2].J == 1.0


def test_a_frame_counts_the_objects_scored_there(late: Sequence, tmp_path: Path) -> None:
    """Object 1 is left behind by k pixels on frame k, object 2 is perfect."""
    result = run_sequence(late, Config(), FakeEngine(), tmp_path / "out")
    by_frame = {measure.frame: measure.J for measure in frame_measures(result)}
    assert by_frame[LATE] == pytest.approx((6 - LATE) / (6 + LATE))
    assert by_frame[LATE + 1] == pytest.approx(((5 - LATE) / (7 + LATE) + 1) / 2)
    assert sorted(by_frame) == list(range(1, COUNT - 1))


def test_the_mean_is_over_objects_as_in_davis_2017(late: Sequence, davis: Path, tmp_path: Path) -> None:
    pair = run_sequence(late, Config(), FakeEngine(), tmp_path / "out")
    still = run_sequence(find_sequences(davis, ["still"])[0], Config(), FakeEngine(), tmp_path / "out")
    report = Report("both", "fake", (pair, still))
    assert pytest.approx((pair.scores[1].J + 1.0 + 1.0) / 3) == report.mean.J
    assert worst_frames(report)[0].result is pair


def test_an_object_too_short_to_score_is_left_out(late: Sequence) -> None:
    file = late.mask_files[COUNT - 2]
    png.write_palette(file, ids_on(COUNT - 2) + square(0, 20, 2) // 255 * 3)
    again = find_sequences(file.parents[3], single_object=False)[0]
    assert again.first_frames == {1: 0, 2: LATE, 3: COUNT - 2}
    assert again.scored_objects == (1, 2)


# --- YouTube-VOS ----------------------------------------------------------------------------------------


def test_youtube_vos_is_read(youtube: Path) -> None:
    first, second = find_sequences(youtube)
    assert (first.name, second.name) == ("0062f687f1", "0070461469")
    assert [file.name for file in first.frame_files[:3]] == ["00000.jpg", "00005.jpg", "00010.jpg"]
    assert not first.single_object
    assert first.first_frames == {1: 0, 2: LATE}
    assert np.array_equal(first.masks(2)[LATE], square(20, 10, 6))
    assert first.scored_objects == ()
    assert [s.name for s in find_sequences(youtube / "valid")] == [first.name, second.name]


def test_without_meta_json_the_annotations_tell_the_same(youtube: Path) -> None:
    (youtube / "valid" / "meta.json").unlink()
    assert find_sequences(youtube, single_object=False)[0].first_frames == {1: 0, 2: LATE}


def test_meta_json_and_annotations_must_agree(youtube: Path) -> None:
    (youtube / "valid" / "Annotations" / "0070461469" / "00015.png").unlink()
    with pytest.raises(DatasetError, match="first frame of object 2; add it"):
        find_sequences(youtube)


@pytest.mark.parametrize("text", ["{", "[]", '{"videos": {"0062f687f1": {"objects": {"x": {}}}}}'])
def test_a_malformed_meta_json_is_named(youtube: Path, text: str) -> None:
    (youtube / "valid" / "meta.json").write_text(text)
    with pytest.raises(DatasetError, match=r"meta.json does not list objects"):
        find_sequences(youtube)


def test_masks_of_a_withheld_truth_are_kept_and_not_scored(youtube: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="not with the data; name a folder for the masks"):
        run_evaluation(youtube, Config(), "fake", engine_factory=make_fake_engine)
    printed: list[str] = []
    out = tmp_path / "out"
    report = run_evaluation(
        youtube, Config(), "fake", results_folder=out, engine_factory=make_fake_engine, print=printed.append
    )
    assert report.results == ()
    assert len(printed) == 1
    assert printed[0].startswith("Not scored, because the truth is not with the data: 0062f687f1, 0070461469")
    shown = [png.read_palette_ids(out / "0062f687f1" / f"{5 * n:05d}.png") for n in range(COUNT)]
    assert [set(np.unique(ids)) - {0} for ids in shown] == [{1}] * LATE + [{1, 2}] * (COUNT - LATE)
    with pytest.raises(DatasetError, match="not with the data; choose other sequences"):
        score_folder(out, youtube)


def test_the_pictures_of_a_youtube_clip_open(youtube: Path) -> None:
    image = cv2.imread(str(find_sequences(youtube)[0].frame_files[1]))
    assert image is not None
    assert image.shape == (24, 32, 3)
