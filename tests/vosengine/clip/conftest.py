"""Little clips made with ffmpeg's command line, and the same decoded by ffmpeg for comparison."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import OpenImageIO as oiio  # noqa: N813  # its own documentation's name
import pytest
from numpy.typing import NDArray

Make = Callable[..., Path]

# The conversion the engine promises; ffmpeg's default takes one chroma sample for two pixels.
_SCALE = "scale=flags=accurate_rnd+full_chroma_int+bicubic"


def ffmpeg(*arguments: str | Path, stdin: bytes | None = None) -> bytes:
    """Run ffmpeg; its standard output."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *map(str, arguments)]
    done = subprocess.run(command, input=stdin, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def decoded_by_ffmpeg(path: Path, width: int, height: int) -> NDArray[np.uint8]:
    """All frames, uint8 RGB, as ffmpeg's command line shows them: rotated, none dropped or doubled."""
    raw = ffmpeg(
        *("-i", path, "-fps_mode", "passthrough", "-vf", _SCALE),
        *("-pix_fmt", "rgb24", "-f", "rawvideo", "-"),
    )
    return np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3)


def encoded(path: Path, pictures: NDArray[np.generic], pixel_format: str, *options: str) -> Path:
    """Encode raw pictures: (frames, height, width[, channels]) packed, or (frames, planes, height, width)."""
    planar = pixel_format.startswith(("yuv", "gbr"))
    height, width = pictures.shape[2:4] if planar else pictures.shape[1:3]
    ffmpeg(
        *("-f", "rawvideo", "-pix_fmt", pixel_format, "-s", f"{width}x{height}", "-r", "25", "-i", "-"),
        *options,
        path,
        stdin=pictures.tobytes(),
    )
    return path


def write_still(path: Path, pixels: NDArray[np.generic], kind: str, **attributes: object) -> Path:
    """Write (height, width, channels) by OpenImageIO; `x__y=` sets attribute `x:y`, `spec_NAME=` a field."""
    spec = oiio.ImageSpec(pixels.shape[1], pixels.shape[0], pixels.shape[2], kind)
    for name, value in attributes.items():
        if name.startswith("spec_"):
            setattr(spec, name.removeprefix("spec_"), value)
        else:
            spec.attribute(name.replace("__", ":"), value)
    output = oiio.ImageOutput.create(str(path))
    assert output.open(str(path), spec), output.geterror()
    assert output.write_image(pixels), output.geterror()
    output.close()
    return path


@pytest.fixture(scope="session")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """`make(name, *encoder_options, size=, frames=)` writes a clip in which no two frames are alike."""

    def write(name: str, *options: str, size: str = "64x48", frames: int = 40) -> Path:
        path = tmp_path_factory.mktemp("clip") / name
        source = f"testsrc2=size={size}:rate=25,noise=alls=12:allf=t"
        ffmpeg("-f", "lavfi", "-i", source, "-frames:v", str(frames), *options, path)
        return path

    return write
