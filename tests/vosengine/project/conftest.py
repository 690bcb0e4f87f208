"""A new project with one object, in a folder with a name that is not ASCII."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.vosengine.project.made import make_clip
from vosengine.project_file import create_project
from vosengine.types import ClipInfo


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "Ünïcode — съёмка" / "shot.rotoshot"


@pytest.fixture
def clip(folder: Path) -> ClipInfo:
    folder.parent.mkdir()
    footage = folder.parent / "кадр 01.mov"
    footage.write_bytes(b"footage")
    return make_clip(footage)


@pytest.fixture
def project(folder: Path, clip: ClipInfo):
    with create_project(folder, clip) as made:
        made.add_object("Dancer")
        yield made
