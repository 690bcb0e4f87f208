"""A new document with one object."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.document import Document
from tests.app.document.edited import make_clip


@pytest.fixture
def document(tmp_path: Path):
    footage = tmp_path / "clip.mov"
    footage.write_bytes(b"x")
    made = Document.create(tmp_path / "shot", make_clip(footage))
    yield made
    made.close(discard=True)
