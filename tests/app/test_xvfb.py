"""The window on a real X display: what the screen shows is what the mask says."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from app.compositing import Layer, View, composite
from app.theme import DARK
from app.viewer import rgb
from tests.app.conftest import HEIGHT, WIDTH, write_footage

pytestmark = [
    pytest.mark.xvfb,
    pytest.mark.skipif(shutil.which("xvfb-run") is None, reason="xvfb-run is not installed"),
]
REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass
class Screen:
    """`pixels` uint8 RGB, the document's `mask`, and where the frame lies in the pixels."""

    pixels: np.ndarray
    mask: np.ndarray
    facts: dict[str, Any]


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Screen:
    folder = tmp_path_factory.mktemp("x")
    footage = write_footage(folder / "shot")
    display = ["xvfb-run", "-a", "-s", "-screen 0 1280x720x24"]
    session = [sys.executable, "-m", "tests.app.x_session", str(footage), str(folder)]
    subprocess.run(
        [*display, *session],
        env={**os.environ, "QT_QPA_PLATFORM": "xcb", "QT_SCALE_FACTOR": "1"},
        cwd=REPOSITORY,
        check=True,
        timeout=120,
    )
    pixels = cv2.cvtColor(cv2.imread(str(folder / "screen.png")), cv2.COLOR_BGR2RGB)
    mask = cv2.imread(str(folder / "mask.png"), cv2.IMREAD_UNCHANGED)
    return Screen(pixels, mask, json.loads((folder / "facts.json").read_text()))


def test_the_window_fits_a_small_screen(screen: Screen):
    assert screen.facts["window"] == [1280, 720]
    assert screen.pixels.shape == (720, 1280, 3)


def test_the_canvas_shows_the_frame_and_its_mask(screen: Screen):
    frame = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
    frame[16:32, 8:24] = (230, 90, 40)
    layer = Layer("mask", rgb(screen.facts["colour"]), lambda: None, selected=True)
    expected = composite(frame, View.OVERLAY, [(layer, screen.mask)])
    difference = np.abs(shown(screen).astype(int) - expected).max(axis=2)
    assert 0.1 < (screen.mask > 0).mean() < 0.5
    assert (difference > 12).mean() < 0.01
    assert difference.mean() < 2


def test_the_frame_lies_on_a_dark_ground(screen: Screen):
    left, top = int(screen.facts["left"]), int(screen.facts["top"])
    beside = screen.pixels[top : top + 300, left - 40 : left - 4]
    assert beside.max() < 40


def test_the_side_panels_are_dark(screen: Screen):
    panel = tuple(int(DARK.panel[i : i + 2], 16) for i in (1, 3, 5))
    side = screen.pixels[90:540, 1020:1270].reshape(-1, 3)
    assert (np.abs(side.astype(int) - panel).max(axis=1) <= 3).mean() > 0.3
    assert screen.pixels[560:700].mean() < 80


def shown(screen: Screen) -> np.ndarray:
    """The screen's pixel at the middle of each clip pixel."""
    left, top, scale = (screen.facts[name] for name in ("left", "top", "scale"))
    xs = (left + (np.arange(WIDTH) + 0.5) * scale).astype(int)
    ys = (top + (np.arange(HEIGHT) + 0.5) * scale).astype(int)
    return screen.pixels[np.ix_(ys, xs)]
