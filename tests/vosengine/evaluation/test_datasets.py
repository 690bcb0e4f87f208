from __future__ import annotations

import os
import shutil
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.vosengine.evaluation.conftest import FRAMES, square, write_frame
from vosengine import png
from vosengine.errors import DatasetError
from vosengine.evaluation.datasets import MaskFiles, Sequence, find_sequences


def packed(root: Path, tar: Path) -> Path:
    tar.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(tar, "w") as archive:
        for child in ("JPEGImages", "Annotations"):
            archive.add(root / child, child)
    return tar


def content(sequences: list[Sequence]) -> list[object]:
    """All that a reader of the sequences can see, places aside."""
    return [
        (
            sequence.name,
            sequence.evaluate_t,
            [file.name for file in sequence.frame_files],
            sequence.object_ids,
            {frame: mask.tobytes() for frame, mask in sequence.masks(1).items()},
        )
        for sequence in sequences
    ]


def test_a_folder_is_read(davis: Path) -> None:
    slide, still = find_sequences(davis)
    assert (slide.name, still.name) == ("slide", "still")
    assert (slide.evaluate_t, still.evaluate_t) == (True, False)
    assert slide.frames_folder == davis / "JPEGImages" / "480p" / "slide"
    assert sorted(slide.mask_files) == list(range(FRAMES))
    assert np.array_equal(slide.masks(1)[4], square(7))


def test_a_tar_and_a_folder_holding_one_read_like_the_folder(davis: Path, tmp_path: Path) -> None:
    tar = packed(davis, tmp_path / "packed" / "tiny-480p.tar")
    shutil.copy(davis / "db_info.yml", tar.parent)
    expected = content(find_sequences(davis))
    assert content(find_sequences(tar, cache_folder=tmp_path / "cache")) == expected
    assert content(find_sequences(tar.parent, cache_folder=tmp_path / "cache")) == expected


def test_a_tar_is_unpacked_once_and_again_when_it_changes(davis: Path, tmp_path: Path) -> None:
    tar, cache = packed(davis, tmp_path / "tiny.tar"), tmp_path / "cache"
    first = find_sequences(tar, ["slide"], cache_folder=cache)[0]
    mark = first.frames_folder / "mark"
    mark.touch()
    assert find_sequences(tar, ["slide"], cache_folder=cache)[0].frames_folder == first.frames_folder
    assert mark.exists()
    os.utime(tar, ns=(1, 1))
    again = find_sequences(tar, ["slide"], cache_folder=cache)[0]
    assert again.frames_folder != first.frames_folder
    assert {child.name[0] for child in cache.iterdir()} == {"t"}  # nothing half unpacked stays


@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.75])
def test_a_tar_cut_off_leaves_nothing_behind(davis: Path, tmp_path: Path, share: float) -> None:
    tar, cache = packed(davis, tmp_path / "tiny.tar"), tmp_path / "cache"
    with tarfile.open(tar) as archive:
        starts = [member.offset for member in archive]
    middle = starts[int(share * len(starts))]
    whole = tar.read_bytes()
    for length in (middle, middle + 300, middle + 900):  # between two files, in a header, in a file
        tar.write_bytes(whole[:length])
        with pytest.raises(DatasetError, match="cannot be unpacked"):
            find_sequences(tar, cache_folder=cache)
        assert list(cache.iterdir()) == []


def test_what_is_no_tar_is_refused(davis: Path, tmp_path: Path) -> None:
    with pytest.raises(
        DatasetError, match=r"db_info.yml cannot be unpacked .*\(it is no tar, or cut off\); get"
    ):
        find_sequences(davis / "db_info.yml", cache_folder=tmp_path / "cache")


def test_a_cache_that_cannot_be_written_is_named(davis: Path, tmp_path: Path) -> None:
    tar, file = packed(davis, tmp_path / "tiny.tar"), tmp_path / "file"
    file.touch()
    for cache in (file, file / "below"):
        with pytest.raises(DatasetError, match=f"cannot be unpacked into {cache} .*make room in that folder"):
            find_sequences(tar, cache_folder=cache)


def test_a_compressed_tar_is_read(davis: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "tiny.tar.gz", "w:gz") as archive:
        archive.add(davis, "DAVIS")
    found = find_sequences(tmp_path / "tiny.tar.gz", cache_folder=tmp_path / "cache")
    assert content(found) == content(find_sequences(davis))


@pytest.mark.parametrize("name", ["../outside.png", "/tmp/outside.png", "JPEGImages/../../outside.png"])
def test_a_tar_cannot_write_outside_its_folder(tmp_path: Path, name: str) -> None:
    tar = tmp_path / "evil.tar"
    with tarfile.open(tar, "w") as archive:
        archive.addfile(tarfile.TarInfo(name))
    with pytest.raises(DatasetError, match="outside its folder"):
        find_sequences(tar, cache_folder=tmp_path / "a" / "cache")
    assert not list(tmp_path.rglob("outside.png"))


def test_sequences_by_name_keep_their_order(davis: Path) -> None:
    assert [s.name for s in find_sequences(davis, ["still", "slide"])] == ["still", "slide"]
    with pytest.raises(DatasetError, match="no sequence walk; it holds slide, still"):
        find_sequences(davis, ["slide", "walk"])


def test_a_root_one_folder_down_and_its_info_beside(davis: Path, tmp_path: Path) -> None:
    download = tmp_path / "download"
    download.mkdir()
    davis.rename(download / "DAVIS")
    assert [s.evaluate_t for s in find_sequences(download)] == [True, False]


def test_480p_is_preferred_and_any_other_resolution_taken(tmp_path: Path) -> None:
    root = tmp_path / "set"
    write_frame(root, "walk", "00000", square(3), "1080p")
    assert find_sequences(root)[0].frames_folder.parent.name == "1080p"
    write_frame(root, "walk", "00000", square(3), "480p")
    assert find_sequences(root)[0].frames_folder.parent.name == "480p"


def test_sequences_without_a_resolution_folder(davis: Path) -> None:
    for kind in ("JPEGImages", "Annotations"):
        for child in (davis / kind / "480p").iterdir():
            child.rename(davis / kind / child.name)
        (davis / kind / "480p").rmdir()
    assert [s.name for s in find_sequences(davis)] == ["slide", "still"]


def test_frames_are_counted_however_their_files_are_numbered(tmp_path: Path) -> None:
    for number in (2, 4, 6, 8):
        write_frame(tmp_path, "walk", f"{number:05d}", square(number))
    (tmp_path / "Annotations" / "480p" / "walk" / "00006.png").unlink()
    walk = find_sequences(tmp_path)[0]
    assert [file.stem for file in walk.frame_files] == ["00002", "00004", "00006", "00008"]
    assert list(walk.mask_files) == [0, 1, 3]
    assert walk.evaluate_t


def test_the_first_frame_needs_an_annotation(davis: Path) -> None:
    (davis / "Annotations" / "480p" / "slide" / "00000.png").unlink()
    with pytest.raises(DatasetError, match="annotation of the first frame"):
        find_sequences(davis)


def test_object_ids_of_a_palette(tmp_path: Path) -> None:
    for number in range(3):
        ids = square(2, side=4) // 255 + square(9, side=5) // 255 * 3
        ids[0] = 255  # void
        write_frame(tmp_path, "pair", f"{number:05d}", ids)
    pair = find_sequences(tmp_path, single_object=False)[0]
    assert pair.object_ids == (1, 3)
    assert np.array_equal(pair.masks(1)[2], square(2, side=4))
    assert np.array_equal(pair.masks(3)[2], square(9, side=5))
    as_one = find_sequences(tmp_path, single_object=True)[0]
    assert as_one.object_ids == (1,)
    assert np.count_nonzero(as_one.masks(1)[2]) == 16 + 25 + 32


def test_several_objects_are_seen_in_a_palette_and_not_in_greys(tmp_path: Path) -> None:
    ids = square(2, side=4) // 255 + square(9, side=5) // 255 * 3
    write_frame(tmp_path, "pair", "00000", ids)
    write_frame(tmp_path, "single", "00000", square(3) // 255)
    assert [s.single_object for s in find_sequences(tmp_path)] == [False, False]
    assert [s.single_object for s in find_sequences(tmp_path, ["single"])] == [True]
    assert find_sequences(tmp_path, single_object=True)[0].object_ids == (1,)
    cv2.imwrite(str(tmp_path / "Annotations" / "480p" / "pair" / "00000.png"), ids * 40)  # soft edges, say
    assert find_sequences(tmp_path)[0].single_object


def test_black_and_white_annotations_are_object_one(davis: Path) -> None:
    file = davis / "Annotations" / "480p" / "slide" / "00000.png"
    cv2.imwrite(str(file), square(3))
    slide = find_sequences(davis, ["slide"])[0]
    assert slide.object_ids == (1,)
    assert np.array_equal(slide.masks(1)[0], square(3))


def test_an_empty_first_annotation_is_refused(davis: Path) -> None:
    png.write_palette(davis / "Annotations" / "480p" / "slide" / "00000.png", np.zeros((24, 32), np.uint8))
    with pytest.raises(DatasetError, match="first annotation of slide is empty"):
        _ = find_sequences(davis)[0].object_ids


def test_damaged_annotations_are_named(davis: Path) -> None:
    file = davis / "Annotations" / "480p" / "slide" / "00002.png"
    file.write_bytes(file.read_bytes()[:60])
    with pytest.raises(DatasetError, match=r"00002.png cannot be read"):
        find_sequences(davis)[0].masks(1)[2]


def test_mask_files_read_only_when_asked(tmp_path: Path) -> None:
    masks = MaskFiles({0: tmp_path / "missing.png"})
    assert 0 in masks
    assert list(masks) == [0]
    with pytest.raises(DatasetError, match="does not exist"):
        _ = masks[0]


@pytest.mark.parametrize("text", ["sequences: [", "[]", "sequences: [walk]"])
def test_a_malformed_info_file_is_named(davis: Path, text: str) -> None:
    (davis / "db_info.yml").write_text(text)
    with pytest.raises(DatasetError, match=r"db_info.yml does not list sequences"):
        find_sequences(davis)


def test_what_is_no_data_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="does not exist"):
        find_sequences(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match="must hold the folders JPEGImages and Annotations"):
        find_sequences(tmp_path)
    for kind in ("JPEGImages", "Annotations"):
        (tmp_path / kind).mkdir()
    with pytest.raises(DatasetError, match="no sequence with annotations"):
        find_sequences(tmp_path)
