import os
from pathlib import Path

import pytest

from vosengine import atomic
from vosengine.errors import EngineError


def test_makes_the_folder_and_replaces_the_content(tmp_path: Path) -> None:
    path = tmp_path / "neu ü" / "a.bin"
    atomic.write_bytes(path, b"one")
    atomic.write_bytes(path, b"two", durable=True)
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
def test_the_file_is_as_readable_as_any_other(tmp_path: Path) -> None:
    atomic.write_bytes(tmp_path / "a", b"")
    (tmp_path / "b").touch()
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_a_failed_write_leaves_the_earlier_content_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.bin"
    atomic.write_bytes(path, b"one")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EngineError, match=r"No space left on device.*free some space"):
        atomic.write_bytes(path, b"two", durable=True)
    assert path.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EngineError, match="choose a place"):
        atomic.write_bytes(tmp_path / "file" / "a", b"")
