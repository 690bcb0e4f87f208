"""Masks of every kind, written by other programs' libraries, read as the mattes they stand for."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import OpenImageIO as oiio  # noqa: N813
import pytest
from PIL import Image as PillowImage

from tests.vosengine.clip.conftest import encoded
from vosengine.errors import AnnotationError, ClipError, EngineError
from vosengine.mask_import import MaskKind, find_masks, read_masks, require_size, suggested_offset
from vosengine.png import davis_palette, write_palette
from vosengine.types import ClipInfo

SHAPE = (6, 8)


def clip_of(first_number: int, frames: int, size: tuple[int, int] = (8, 6)) -> ClipInfo:
    timestamps = tuple(Fraction(n, 24) for n in range(frames))
    return ClipInfo(Path("clip"), *size, Fraction(24), timestamps, "c0ffee", first_number=first_number)


def test_grey_pictures_with_gaps_keep_their_numbers_and_soft_edges(tmp_path: Path):
    written = {}
    for number in (1003, 1001, 1010):
        written[number] = np.random.default_rng(number).integers(0, 256, SHAPE, dtype=np.uint8)
        cv2.imwrite(str(tmp_path / f"mask.{number}.png"), written[number])
    source = find_masks(tmp_path / "mask.1003.png")
    assert (source.kind, source.numbers, source.width, source.height) == (
        MaskKind.GREY, (1001, 1003, 1010), 8, 6,
    )  # fmt: skip
    for number, mattes in read_masks(source):
        assert (mattes[1] == written[number].astype(np.uint16) * 257).all()
    assert find_masks(tmp_path / "mask.1003.png", alone=True).numbers == (0,)


def test_ids_in_the_davis_palette(tmp_path: Path):
    ids = np.zeros(SHAPE, np.uint8)
    ids[1:3, 1:3] = 2
    write_palette(tmp_path / "00000.png", ids)
    ids[4, 5] = 7
    picture = PillowImage.fromarray(ids)
    picture.putpalette(davis_palette().tobytes())
    picture.save(tmp_path / "00001.png")
    source = find_masks(tmp_path)
    assert source.kind is MaskKind.IDS
    assert source.object_ids == (2, 7)
    frames = dict(read_masks(source))
    assert sorted(frames[0]) == [2]
    assert sorted(frames[1]) == [2, 7]
    assert ((frames[1][7] == 65535) == (ids == 7)).all()


def test_alpha_of_pictures_and_habitual_alpha(tmp_path: Path):
    alpha = np.random.default_rng(1).integers(0, 65536, SHAPE, dtype=np.uint16)
    grey = np.random.default_rng(2).integers(0, 65536, SHAPE, dtype=np.uint16)
    for name, channel in (("cut", alpha), ("habit", np.full(SHAPE, 65535, np.uint16))):
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / "a.0001.png"), np.dstack([grey, grey, grey, channel]))
    cut, habit = find_masks(tmp_path / "cut"), find_masks(tmp_path / "habit")
    assert (cut.kind, habit.kind) == (MaskKind.ALPHA, MaskKind.GREY)
    assert (next(read_masks(cut))[1][1] == alpha).all()
    assert (next(read_masks(habit))[1][1] == grey).all()


@pytest.mark.parametrize(("codec", "pixels", "kind"), [("qtrle", "argb", "ALPHA"), ("ffv1", "gray", "GREY")])
def test_video_files_by_their_alpha_or_their_light(tmp_path: Path, codec: str, pixels: str, kind: str):
    shape = (3, 6, 8, 4) if pixels == "argb" else (3, 6, 8)
    codes = np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)
    file = encoded(tmp_path / "matte.mov", codes, pixels, "-c:v", codec)
    source = find_masks(file)
    assert (source.kind, source.numbers) == (MaskKind[kind], (0, 1, 2))
    values = codes[..., 0] if pixels == "argb" else codes
    for frame, mattes in read_masks(source):
        assert np.abs(mattes[1] / 257 - values[frame]).max() <= 1


def test_exr_values_are_taken_as_they_are(tmp_path: Path):
    values = np.linspace(-0.5, 1.5, 48, dtype=np.float32).reshape(SHAPE)
    file = tmp_path / "matte.0001.exr"
    output = oiio.ImageOutput.create(str(file))
    output.open(str(file), oiio.ImageSpec(8, 6, 1, "float"))
    output.write_image(values[..., None])
    output.close()
    ((_, mattes),) = read_masks(find_masks(file))
    assert np.abs(mattes[1] / 65535 - np.clip(values, 0, 1)).max() < 1e-5


def test_zeros_and_ones_in_eight_bits_are_ids(tmp_path: Path):
    mask = np.eye(6, 8, dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "m1.png"), mask)
    ((_, mattes),) = read_masks(find_masks(tmp_path))
    assert (mattes[1] == mask.astype(np.uint16) * 65535).all()


@pytest.mark.parametrize(
    ("numbers", "clip", "offset"),
    [
        ((1001, 1003), clip_of(1001, 10), -1001),  # the clip's own numbers
        ((0, 9), clip_of(1001, 10), 0),  # counted from the first frame
        ((1, 10), clip_of(0, 10), -1),  # counted from one
        ((0, 5), clip_of(0, 10), 0),
        ((3, 5), clip_of(0, 10), 0),  # equal numbers, though they begin later
    ],
)
def test_where_the_first_mask_goes(tmp_path: Path, numbers: tuple[int, ...], clip: ClipInfo, offset: int):
    cv2.imwrite(str(tmp_path / "m1.png"), np.zeros(SHAPE, np.uint8))
    source = replace(find_masks(tmp_path), numbers=numbers)
    assert suggested_offset(source, clip) == offset


def test_what_does_not_fit_is_refused_with_a_remedy(tmp_path: Path):
    with pytest.raises(ClipError, match="holds no pictures; choose"):
        find_masks(tmp_path)
    empty = tmp_path / "empty"
    empty.mkdir()
    write_palette(empty / "0.png", np.zeros(SHAPE, np.uint8))
    with pytest.raises(AnnotationError, match="show no object; choose"):
        find_masks(empty)
    cv2.imwrite(str(tmp_path / "m1.png"), np.zeros(SHAPE, np.uint8))
    with pytest.raises(AnnotationError, match=r"8 x 6, the clip 64 x 48; export them at the clip's size"):
        require_size(find_masks(tmp_path / "m1.png"), clip_of(0, 5, (64, 48)))
    cv2.imwrite(str(tmp_path / "m2.png"), np.zeros((7, 8), np.uint8))
    with pytest.raises(AnnotationError, match=r"m2\.png has another size"):
        list(read_masks(find_masks(tmp_path / "m1.png")))
    (tmp_path / "m2.png").write_bytes(b"\x89PNG cut short")
    with pytest.raises(EngineError, match="damaged"):
        list(read_masks(find_masks(tmp_path / "m1.png")))
