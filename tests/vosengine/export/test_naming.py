from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vosengine.export.conftest import clip_info
from vosengine.export.naming import clip_name, frame_digits, frame_file, safe_name, unique_names
from vosengine.types import Span


@given(st.text(max_size=300))
def test_any_text_becomes_a_name_the_system_accepts(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    name = safe_name(text)
    folder = tmp_path_factory.getbasetemp()
    assert (folder / name).parent == folder
    assert len(name.encode()) <= 200
    assert not set(name) & set('<>:"/\\|?*\0')
    assert name == name.strip(". ")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Tänzerin 左", "Tänzerin 左"),
        ("a/b\\c:d", "a_b_c_d"),
        ("..", "object"),
        ("", "object"),
        (" .hidden. ", "hidden"),
        ("CON", "_CON"),
        ("lpt1.old", "_lpt1.old"),
        ("console", "console"),
        ("é", "é"),  # decomposed, as macOS hands names out
    ],
)
def test_names(text: str, name: str) -> None:
    assert safe_name(text) == name


@given(st.lists(st.sampled_from(["a", "A", "a-2", "a/", "a_", "", "object", "ß", "SS"]), max_size=12))
def test_names_are_unique_where_case_does_not_count(names: list[str]) -> None:
    unique = unique_names(names)
    assert len({name.casefold() for name in unique}) == len(names)


def test_repeated_names_are_counted() -> None:
    assert unique_names(["ball", "Ball", "ball", "cup"]) == ["ball", "Ball-2", "ball-3", "cup"]


@pytest.mark.parametrize(
    ("names", "first", "digits"),
    [
        (("plate.001001.exr", "plate.001002.exr"), 1001, 6),
        (("a_v002_0007.png", "a_v002_0008.png"), 7, 4),
        (("7.png", "8.png"), 7, 4),
        (("99999.png", "100000.png"), 99999, 6),
    ],
)
def test_digits_follow_the_footage(tmp_path: Path, names: tuple[str, ...], first: int, digits: int) -> None:
    for name in names:
        (tmp_path / name).touch()
    for path in (tmp_path, tmp_path / names[0]):
        info = clip_info(2, path=path, is_sequence=True, first_number=first)
        assert frame_digits(info, Span(0, 2)) == digits
    assert frame_file(info, 1, digits) == f"{first + 1:0{digits}d}.png"


def test_movies_count_from_zero_with_more_digits_where_needed() -> None:
    assert frame_digits(clip_info(10), Span(0, 10)) == 4
    assert frame_digits(clip_info(), Span(0, 10_001)) == 5
    assert frame_file(clip_info(), 3, 4) == "0003.png"


def test_clips_are_named_without_suffix_and_number(tmp_path: Path) -> None:
    folder = tmp_path / "shot.v2"
    folder.mkdir()
    assert clip_name(clip_info(path=Path("/x/take.3.mov"))) == "take.3"
    assert clip_name(clip_info(path=folder, is_sequence=True)) == "shot.v2"
    assert clip_name(clip_info(path=folder / "plate.1001.exr", is_sequence=True)) == "plate"
    assert clip_name(clip_info(path=folder / "1001.exr", is_sequence=True)) == "shot.v2"
