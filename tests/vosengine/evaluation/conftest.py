"""A tiny data set in the layout of DAVIS."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from vosengine import png
from vosengine.types import Mask

FRAMES = 9
DB_INFO = """
sequences:
- {name: slide, num_frames: 9, eval_t: True}
- {name: still, num_frames: 9, eval_t: False}
"""


def square(x: int, y: int = 6, side: int = 12) -> Mask:
    mask = np.zeros((24, 32), np.uint8)
    mask[y : y + side, x : x + side] = 255
    return mask


def write_frame(root: Path, sequence: str, name: str, ids: Mask, resolution: str = "480p") -> None:
    picture = root / "JPEGImages" / resolution / sequence / f"{name}.jpg"
    picture.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(picture), np.dstack([ids // 2 + 60] * 3))
    png.write_palette(root / "Annotations" / resolution / sequence / f"{name}.png", ids)


@pytest.fixture
def davis(tmp_path: Path) -> Path:
    """Two sequences of nine 32x24 frames: a square that slides by a pixel a frame, and one at rest."""
    root = tmp_path / "tiny"
    for frame in range(FRAMES):
        write_frame(root, "slide", f"{frame:05d}", square(3 + frame))
        write_frame(root, "still", f"{frame:05d}", square(8))
    (root / "db_info.yml").write_text(DB_INFO)
    return root
