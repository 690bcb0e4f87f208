"""Shared by all tests: few threads, and the sample footage where it lies."""

from __future__ import annotations

import os
from pathlib import Path

# Before NumPy, OpenCV and torch are imported: tests share small machines with other work.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import pytest

cv2.setNumThreads(1)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with the data sets: $ROTOSHOT_DATA, by default `../shared/data` beside the repository."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("ROTOSHOT_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no sample footage at {folder}; set ROTOSHOT_DATA to the folder that holds davis-dev")
    return folder
