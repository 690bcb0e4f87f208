from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image as PillowImage

from vosengine.errors import AnnotationError, EngineError, ProjectError
from vosengine.png import (
    davis_palette,
    read_mask,
    read_matte,
    read_palette_ids,
    write_mask,
    write_matte,
    write_palette,
)

SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 9))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("画像 ü")


@given(matte=arrays.arrays(np.uint16, SHAPES))
def test_mattes_come_back_as_written(folder: Path, matte: np.ndarray) -> None:
    write_matte(folder / "matte.png", matte)
    assert np.array_equal(read_matte(folder / "matte.png"), matte)


@given(ids=arrays.arrays(np.uint8, SHAPES))
def test_ids_come_back_as_written(folder: Path, ids: np.ndarray) -> None:
    write_palette(folder / "ids.png", ids)
    assert np.array_equal(read_palette_ids(folder / "ids.png"), ids)


@given(mask=arrays.arrays(np.uint8, SHAPES))
def test_masks_come_back_hard(folder: Path, mask: np.ndarray) -> None:
    write_mask(folder / "mask.png", mask)
    assert np.array_equal(read_mask(folder / "mask.png"), np.where(mask >= 128, 255, 0))


def test_another_decoder_sees_sixteen_bits(tmp_path: Path) -> None:
    matte = np.array([[0, 1, 255], [256, 32768, 65535]], np.uint16)
    write_matte(tmp_path / "matte.png", matte)
    with av.open(str(tmp_path / "matte.png")) as file:
        picture = next(file.decode(video=0))
    assert picture.format.name == "gray16be"
    assert np.array_equal(picture.to_ndarray(), matte)


def test_a_matte_of_another_type_is_a_mistake_of_the_caller(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="uint16"):
        write_matte(tmp_path / "matte.png", np.zeros((2, 2), np.uint8))  # type: ignore[arg-type]


def test_eight_bit_mattes_reach_both_ends(tmp_path: Path) -> None:
    PillowImage.fromarray(np.array([[0, 1, 255]], np.uint8)).save(tmp_path / "matte.png")
    assert read_matte(tmp_path / "matte.png").tolist() == [[0, 257, 65535]]


def test_one_bit_mattes_reach_both_ends(tmp_path: Path) -> None:
    PillowImage.fromarray(np.array([[False, True]])).save(tmp_path / "matte.png")
    assert read_matte(tmp_path / "matte.png").tolist() == [[0, 65535]]


def test_the_palette_is_that_of_pascal_voc() -> None:
    # The VOC development kit's table: background, aeroplane, bicycle, bird ... tvmonitor, and "void".
    palette = davis_palette()
    assert palette[:4].tolist() == [[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0]]
    assert palette[7:9].tolist() == [[128, 128, 128], [64, 0, 0]]
    assert palette[20].tolist() == [0, 64, 128]
    assert palette[255].tolist() == [224, 224, 192]


def test_another_decoder_sees_ids_and_colours(tmp_path: Path) -> None:
    ids = np.arange(256, dtype=np.uint8).reshape(16, 16)
    write_palette(tmp_path / "ids.png", ids)
    with av.open(str(tmp_path / "ids.png")) as file:
        picture = next(file.decode(video=0))
    indices, argb = picture.to_ndarray()
    assert picture.format.name == "pal8"
    assert np.array_equal(indices, ids)
    assert np.array_equal(argb[:, 1:], davis_palette())


def test_ids_from_a_palette_of_few_bits(tmp_path: Path) -> None:
    picture = PillowImage.fromarray(np.array([[0, 1, 2, 3]], np.uint8))
    picture.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0])
    picture.save(tmp_path / "ids.png", bits=2)
    assert read_palette_ids(tmp_path / "ids.png").tolist() == [[0, 1, 2, 3]]


def saved(path: Path, picture: PillowImage.Image) -> Path:
    picture.save(path)
    return path


def test_a_dark_palette_colour_is_still_an_object(tmp_path: Path) -> None:
    write_palette(tmp_path / "ids.png", np.array([[0, 1, 8]], np.uint8))
    assert read_mask(tmp_path / "ids.png").tolist() == [[0, 255, 255]]


def test_a_grey_palette_is_read_by_its_greys(tmp_path: Path) -> None:
    picture = PillowImage.fromarray(np.array([[0, 1]], np.uint8))
    picture.putpalette([255, 255, 255, 0, 0, 0])  # white comes first
    assert read_mask(saved(tmp_path / "m.png", picture)).tolist() == [[255, 0]]


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (np.array([[0, 1]], np.uint8), [[0, 255]]),
        (np.array([[0, 127, 128]], np.uint8), [[0, 0, 255]]),
        (np.array([[32767, 32768]], np.uint16), [[0, 255]]),
        (np.array([[False, True]]), [[0, 255]]),
        (np.array([[[250, 250, 250], [20, 0, 0]]], np.uint8), [[255, 0]]),
        (np.array([[0, 0]], np.uint8), [[0, 0]]),
    ],
    ids=["ids", "greys", "16 bits", "1 bit", "colours", "empty"],
)
def test_masks_of_other_programs(tmp_path: Path, values: np.ndarray, wanted: list[list[int]]) -> None:
    assert read_mask(saved(tmp_path / "m.png", PillowImage.fromarray(values))).tolist() == wanted


@pytest.mark.parametrize(
    ("read", "failure"),
    [(read_mask, AnnotationError), (read_matte, ProjectError), (read_palette_ids, AnnotationError)],
)
def test_missing_and_damaged_files_name_a_remedy(
    tmp_path: Path, read: object, failure: type[EngineError]
) -> None:
    assert callable(read)
    with pytest.raises(failure, match="does not exist; "):
        read(tmp_path / "none.png")
    rng = np.random.default_rng(0)
    write_matte(tmp_path / "whole.png", rng.integers(0, 65536, (40, 40)).astype(np.uint16))
    content = (tmp_path / "whole.png").read_bytes()
    for damaged in (content[: len(content) // 2], b"", b"no picture", content[:40]):
        (tmp_path / "part.png").write_bytes(damaged)
        with pytest.raises(failure, match="cannot be read as a picture"):
            read(tmp_path / "part.png")


def test_pictures_of_the_wrong_kind_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "rgb.png", PillowImage.fromarray(np.zeros((2, 2, 3), np.uint8)))
    with pytest.raises(ProjectError, match="not a greyscale PNG"):
        read_matte(path)
    with pytest.raises(AnnotationError, match="holds no object ids"):
        read_palette_ids(path)
