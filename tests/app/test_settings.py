"""Settings round trip, damage and nonsense."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.settings import Settings, load_settings, save_settings, settings_path
from vosengine.errors import EngineError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "Einstellungen ü" / "settings.json"


def test_missing_file_gives_the_defaults_and_writes_nothing(path: Path):
    assert load_settings(path) == (Settings(), "")
    assert not path.parent.exists()


def test_round_trip_with_keys_of_other_editions(path: Path):
    settings = Settings(["/a", "/ü"], 3.5, "matte", "draft", "png16", "/x", {"play": "K"}, "AA==")
    save_settings(settings, path)
    values = json.loads(path.read_text())
    path.write_text(json.dumps({**values, "future": [1]}))
    loaded, message = load_settings(path)
    assert message == ""
    assert loaded.extra == {"future": [1]}
    save_settings(loaded, path)
    assert json.loads(path.read_text())["future"] == [1]
    loaded.extra = {}
    assert loaded == settings


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", b"null", b"[" * 100_000])
def test_damaged_file_gives_the_defaults_and_is_kept(path: Path, content: bytes):
    path.parent.mkdir()
    path.write_bytes(content)
    settings, message = load_settings(path)
    assert settings == Settings()
    assert "damaged" in message
    aside = path.with_name("settings.json.damaged")
    assert aside.read_bytes() == content
    assert aside.name in message
    save_settings(settings, path)
    path.write_bytes(content)
    load_settings(path)
    assert sorted(each.name for each in path.parent.iterdir()) == [
        "settings.json-2.damaged",
        "settings.json.damaged",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("brush_radius", "12"),
        ("brush_radius", True),
        ("brush_radius", -1),
        ("brush_radius", 1e9),
        ("view", "upside down"),
        ("backdrop", "green"),
        ("one_per_stretch", 1),
        ("preset", "no such"),
        ("recent_projects", [1]),
        ("recent_projects", "x"),
        ("shortcuts", {"play": 3}),
        ("shortcuts", []),
        ("last_folder", None),
    ],
)
def test_values_without_sense_become_their_defaults(path: Path, name: str, value: object):
    path.parent.mkdir()
    path.write_text(json.dumps({"export_template": "png16", name: value}))
    loaded, message = load_settings(path)
    assert message == ""
    assert getattr(loaded, name) == getattr(Settings(), name)
    assert loaded.export_template == "png16"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
names = st.sampled_from(list(Settings.__dataclass_fields__)) | st.text(max_size=5)


@given(st.dictionaries(names, json_values, max_size=6))
def test_no_json_makes_the_settings_unusable(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("settings") / "settings.json"
    path.write_text(json.dumps(values))
    loaded, message = load_settings(path)
    assert message == ""
    save_settings(loaded, path)
    assert load_settings(path)[0] == loaded


def test_recent_projects_newest_first_without_repeats():
    settings = Settings()
    for number in range(15):
        settings.add_recent(Path(f"/p/{number}"))
    settings.add_recent(Path("/p/9"))
    assert settings.recent_projects[:3] == [str(Path("/p/9")), str(Path("/p/14")), str(Path("/p/13"))]
    assert len(settings.recent_projects) == 12


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EngineError, match="could not be written"):
        save_settings(Settings(), tmp_path / "file" / "settings.json")


def test_the_file_is_in_the_users_configuration(monkeypatch, tmp_path: Path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert settings_path().name == "settings.json"
    assert "rotoshot" in settings_path().parts
