"""A clip and an engine for the subcommands."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.vosengine.cli.fakes import FakeEngine, write_clip
from vosengine.cli import jobs


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "shot")


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """Stands in for the real engine."""
    fake = FakeEngine()
    monkeypatch.setattr(jobs, "make_engine", lambda: fake)
    return fake
