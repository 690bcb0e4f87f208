from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from vosengine.clip import Clip
from vosengine.export import ExportProgress, ExportResult, export_clip
from vosengine.messages import ExportSource
from vosengine.png import write_matte
from vosengine.types import ClipInfo, Image, Matte, Span

WIDTH, HEIGHT = 95, 64


class DrawnClip(Clip):
    """A clip in memory: saturated colour bars over a ramp that moves, 16 bits deep."""

    def __init__(self, info: ClipInfo) -> None:
        self.info = info
        self.reads = 0

    def image(self, frame: int) -> Image:
        return (self.image16(frame) // 257).astype(np.uint8)

    def image16(self, frame: int) -> NDArray[np.uint16]:
        self.reads += 1
        picture = np.zeros((self.info.height, self.info.width, 3), np.uint16)
        third = self.info.width // 3
        for channel in range(3):
            picture[:32, channel * third : (channel + 1) * third, channel] = 65535
        ramp = np.linspace(0, 60000, self.info.width).astype(np.uint16)
        picture[32:] = np.roll(ramp, frame)[None, :, None]
        return picture

    def alpha(self, frame: int) -> Matte | None:
        return None

    def close(self) -> None:
        pass


def clip_info(count: int = 6, rate: Fraction = Fraction(24000, 1001), **changes: object) -> ClipInfo:
    values: dict[str, object] = {
        "path": Path("/footage/shot.mov"),
        "width": WIDTH,
        "height": HEIGHT,
        "rate": rate,
        "timestamps": tuple(frame / rate for frame in range(count)),
        "fingerprint": "drawn",
    }
    return ClipInfo(**{**values, **changes})  # type: ignore[arg-type]


def soft_matte(frame: int, seed: int = 0) -> Matte:
    """Every kind of value: random 16-bit noise beside a smooth ramp, both ends included."""
    noise = np.random.default_rng(1000 * seed + frame).integers(0, 65536, (HEIGHT, WIDTH)).astype(np.uint16)
    noise[: HEIGHT // 2] = np.linspace(0, 65535, WIDTH).astype(np.uint16)
    return noise


@pytest.fixture
def clip() -> DrawnClip:
    return DrawnClip(clip_info())


MakeSource = Callable[..., ExportSource]


@pytest.fixture
def make_source(tmp_path: Path) -> MakeSource:
    def make(object_id: int = 1, name: str = "dancer", frames: range = range(6)) -> ExportSource:
        folder = tmp_path / "project" / "mattes" / str(object_id)
        files = {frame: folder / f"{frame}.png" for frame in frames}
        for frame, path in files.items():
            write_matte(path, soft_matte(frame, object_id))
        return ExportSource(object_id, name, files)

    return make


def finished(steps: object) -> tuple[list[ExportProgress], ExportResult]:
    """All progress of an export, and its result."""
    progress: list[ExportProgress] = []
    while True:
        try:
            progress.append(next(steps))  # type: ignore[call-overload]
        except StopIteration as end:
            return progress, end.value


def exported(
    clip: Clip, sources: list[ExportSource], template: str, destination: Path, span: Span | None = None
) -> ExportResult:
    span = clip.info.span if span is None else span
    return finished(export_clip(clip, tuple(sources), span, template, destination))[1]
