"""A small clip and pictures made up for the project's tests."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from vosengine.project_file import Project, open_project
from vosengine.types import ClipInfo

FIXTURES = Path(__file__).parents[1] / "fixtures"
WIDTH, HEIGHT = 16, 12


def make_clip(path: Path, **changes) -> ClipInfo:
    rate = Fraction(24000, 1001)
    times = tuple(frame / rate for frame in range(10))
    return replace(ClipInfo(path, WIDTH, HEIGHT, rate, times, "c0ffee"), **changes)


def a_mask(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).choice(np.array([0, 255], np.uint8), (HEIGHT, WIDTH))


def a_matte(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 65536, (HEIGHT, WIDTH), dtype=np.uint16)


def reopened(project: Project) -> Project:
    project.close()
    return open_project(project.folder)
