"""Image sequences: which files, which numbers, and their pixels as OpenImageIO wrote them."""

from __future__ import annotations

import os
import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.vosengine.clip.conftest import write_still
from vosengine.clip import open_clip
from vosengine.errors import ClipError


def noise(kind: type[np.unsignedinteger] = np.uint8, channels: int = 3, seed: int = 0) -> NDArray[np.generic]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, np.iinfo(kind).max + 1, (18, 25, channels)).astype(kind)


def write_numbers(folder: Path, names: list[str]) -> list[NDArray[np.generic]]:
    """One PNG a name, all different."""
    folder.mkdir(exist_ok=True)
    pictures = [noise(seed=seed) for seed in range(len(names))]
    for name, picture in zip(names, pictures, strict=True):
        write_still(folder / name, picture, "uint8")
    return pictures


def test_a_folder_opens_in_natural_order_from_its_own_number(tmp_path: Path) -> None:
    names = [f"shot_v2.{number}.png" for number in range(998, 1003)]  # 999 -> 1000 sorts wrongly as text
    pictures = write_numbers(tmp_path / "füße", names)
    (tmp_path / "füße" / "notes.txt").touch()
    (tmp_path / "füße" / ".shot_v2.1003.png").touch()
    with open_clip(tmp_path / "füße") as clip:
        info = clip.info
        assert (info.first_number, info.frame_count, info.is_sequence, info.damage) == (998, 5, True, "")
        assert (info.width, info.height, info.bit_depth, info.has_alpha) == (25, 18, 8, False)
        assert info.rate == 24
        assert info.timestamps == tuple(Fraction(n, 24) for n in range(5))
        for frame in (4, 0, 2, 1, 3):
            np.testing.assert_array_equal(clip.image(frame), pictures[frame])
            assert clip.alpha(frame) is None


def test_one_file_stands_for_its_sequence(tmp_path: Path) -> None:
    write_numbers(tmp_path, ["a.1001.png", "a.1002.png", "b.1.png", "single.png", "a_2.1001.png"])
    for name, count, first in [("a.1002.png", 2, 1001), ("b.1.png", 1, 1), ("single.png", 1, 0)]:
        with open_clip(tmp_path / name) as clip:
            assert (clip.info.frame_count, clip.info.first_number) == (count, first)


def test_several_sequences_in_a_folder_are_refused(tmp_path: Path) -> None:
    write_numbers(tmp_path, ["a.1.png", "b.1.png"])
    with pytest.raises(ClipError, match=r"several sequences \(a\.1\.png, b\.1\.png, .* open one file"):
        open_clip(tmp_path)


def test_two_files_with_one_number_are_refused(tmp_path: Path) -> None:
    write_numbers(tmp_path, ["a.01.png", "a.1.png"])
    with pytest.raises(ClipError, match="same frame number; move one"):
        open_clip(tmp_path)


def test_a_gap_ends_the_clip_and_the_rest_opens_from_its_own_file(tmp_path: Path) -> None:
    write_numbers(tmp_path, [f"a.{number}.png" for number in (1001, 1002, 1004, 1005, 1006)])
    with open_clip(tmp_path) as clip:
        assert (clip.info.first_number, clip.info.frame_count) == (1001, 2)
        assert "ends at frame number 1002 because number 1003 is missing" in clip.info.damage
    with open_clip(tmp_path / "a.1005.png") as clip:
        assert (clip.info.first_number, clip.info.frame_count, clip.info.damage) == (1004, 3, "")


@pytest.mark.parametrize("kind", ["png", "jpg", "tif", "exr", "dpx"])
def test_a_truncated_picture_ends_the_clip(tmp_path: Path, kind: str) -> None:
    for number in range(1, 5):
        write_still(tmp_path / f"f{number}.{kind}", noise(seed=number), "float" if kind == "exr" else "uint8")
    torn = tmp_path / f"f3.{kind}"
    torn.write_bytes(torn.read_bytes()[:-40])
    with open_clip(tmp_path) as clip:
        assert clip.info.frame_count == 2
        assert f"ends at frame number 2: f3.{kind} is damaged" in clip.info.damage
    torn.write_bytes(b"")
    with open_clip(tmp_path) as clip:
        assert clip.info.frame_count == 2
    (tmp_path / f"f1.{kind}").write_bytes(b"")
    with pytest.raises(ClipError, match=f"f1.{kind} is damaged or not a picture; render"):
        open_clip(tmp_path)


def test_damage_inside_a_picture_is_told_when_it_is_read(tmp_path: Path) -> None:
    write_numbers(tmp_path, ["a1.png", "a2.png"])
    content = bytearray((tmp_path / "a2.png").read_bytes())
    content[len(content) // 2 :][:60] = bytes(60)
    content[len(content) // 2 : len(content) // 2 + 60] = bytes(60)
    (tmp_path / "a2.png").write_bytes(content)
    with open_clip(tmp_path) as clip, pytest.raises(ClipError, match=r"a2\.png is damaged"):
        clip.image(1)


def test_mixed_sizes_and_empty_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ClipError, match="holds no pictures; choose a folder with a sequence of"):
        open_clip(tmp_path)
    write_still(tmp_path / "a1.png", noise(), "uint8")
    write_still(tmp_path / "a2.png", noise()[:10].copy(), "uint8")
    with pytest.raises(ClipError, match=r"a2\.png has 25 x 10 pixels but a1\.png has 25 x 18"):
        open_clip(tmp_path)


@pytest.mark.parametrize("kind", ["png", "tif"])
def test_sixteen_bits_and_straight_alpha_come_back_bit_for_bit(tmp_path: Path, kind: str) -> None:
    pixels = noise(np.uint16, 4)
    path = write_still(tmp_path / f"a.{kind}", pixels, "uint16", oiio__UnassociatedAlpha=1)
    with open_clip(path) as clip:
        assert clip.info.has_alpha
        assert clip.info.bit_depth == 16
        np.testing.assert_array_equal(clip.image16(0), pixels[..., :3])
        np.testing.assert_array_equal(clip.alpha(0), pixels[..., 3])
        np.testing.assert_allclose(clip.image(0), pixels[..., :3] / 257, atol=0.5)


def test_ten_bit_dpx(tmp_path: Path) -> None:
    levels = np.arange(18 * 25 * 3).reshape(18, 25, 3) % 1024
    stored = np.rint(levels * (65535 / 1023)).astype(np.uint16)
    path = write_still(tmp_path / "a.0101.dpx", stored, "uint16", oiio__BitsPerSample=10)
    with open_clip(path) as clip:
        assert (clip.info.bit_depth, clip.info.first_number) == (10, 101)
        np.testing.assert_allclose(clip.image16(0), stored, atol=32)
        assert len(np.unique(clip.image16(0))) == 1024


def test_grey_and_grey_with_alpha(tmp_path: Path) -> None:
    pixels = noise(channels=2)
    write_still(tmp_path / "one.png", pixels[..., :1].copy(), "uint8")
    write_still(tmp_path / "two.png", pixels, "uint8", oiio__UnassociatedAlpha=1, spec_alpha_channel=1)
    for name in ("one.png", "two.png"):
        with open_clip(tmp_path / name) as clip:
            np.testing.assert_array_equal(clip.image(0), np.repeat(pixels[..., :1], 3, axis=2))
            assert clip.info.has_alpha == (name == "two.png")


def test_exr_is_shown_through_the_srgb_curve(tmp_path: Path) -> None:
    linear = np.zeros((4, 6, 4), np.float32)
    linear[0] = (0.5029, 0.1812, 7.0, 0.5)
    path = write_still(tmp_path / "a.exr", linear, "float")
    with open_clip(path) as clip:
        assert clip.image(0)[0, 0].tolist() == [188, 118, 255]
        assert clip.image(0)[1, 0].tolist() == [0, 0, 0]
        alpha = clip.alpha(0)
        assert alpha is not None
        assert alpha[0, 0] == 32768
        assert clip.info.bit_depth == 32
        assert clip.info.colour.transfer == "linear"


def test_exr_data_window_is_placed_in_the_display_window(tmp_path: Path) -> None:
    linear = np.ones((4, 6, 3), np.float32)
    fields = {"spec_x": 7, "spec_y": -1, "spec_full_width": 10, "spec_full_height": 8}
    with open_clip(write_still(tmp_path / "a.exr", linear, "half", **fields)) as clip:
        expected = np.zeros((8, 10, 3), np.uint8)
        expected[:3, 7:] = 255
        np.testing.assert_array_equal(clip.image(0), expected)


def test_exr_layers_show_the_first_colour_layer(tmp_path: Path) -> None:
    linear = np.zeros((4, 6, 5), np.float32)
    linear[..., 1:4] = (1.0, 0.5029, 0.0)
    names = ("depth.Z", "beauty.R", "beauty.G", "beauty.B", "beauty.A")
    path = write_still(tmp_path / "a.exr", linear, "float", spec_channelnames=names)
    with open_clip(path) as clip:
        assert clip.image(0)[0, 0].tolist() == [255, 188, 0]
        assert clip.info.has_alpha


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    pixels = np.zeros((16, 32, 3), np.uint8)
    pixels[:8, :8] = 255
    with open_clip(write_still(tmp_path / "a.jpg", pixels, "uint8", Orientation=6)) as clip:
        assert (clip.info.width, clip.info.height) == (16, 32)
        assert clip.image(0)[2, -3].tolist() == [255, 255, 255]
        assert clip.image(0)[2, 2].tolist() == [0, 0, 0]


def test_fingerprint_follows_names_sizes_and_times(tmp_path: Path) -> None:
    write_numbers(tmp_path / "one", ["a1.png", "a2.png"])
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    first = open_clip(tmp_path / "one").info.fingerprint
    assert open_clip(tmp_path / "two").info.fingerprint == first
    os.utime(tmp_path / "two" / "a2.png", ns=(0, 1))
    assert open_clip(tmp_path / "two").info.fingerprint != first


def test_progress_closed_and_changed(tmp_path: Path) -> None:
    write_numbers(tmp_path, ["a1.png", "a2.png"])
    told: list[tuple[int, int]] = []
    clip = open_clip(tmp_path, lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)]
    write_still(tmp_path / "a2.png", noise()[:10].copy(), "uint8")
    with pytest.raises(ClipError, match="changed since it was opened"):
        clip.image(1)
    (tmp_path / "a1.png").unlink()
    with pytest.raises(ClipError, match=r"a1\.png"):
        clip.image16(0)
    clip.close()
    with pytest.raises(ClipError, match="closed"):
        clip.image(0)
