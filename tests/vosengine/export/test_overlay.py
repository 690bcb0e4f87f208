from pathlib import Path

import av
import numpy as np
import pytest

from tests.vosengine.export.conftest import HEIGHT, WIDTH, DrawnClip, MakeSource, finished
from vosengine.errors import ExportError
from vosengine.export import write_overlay
from vosengine.export.overlay import overlaid, overlay_colour
from vosengine.messages import ExportSource
from vosengine.png import write_matte

RED = (255, 0, 0)


def test_the_tint_follows_the_matte_and_the_outline_its_middle() -> None:
    image = np.full((40, 40, 3), 100, np.uint8)
    matte = np.zeros((40, 40), np.uint16)
    matte[10:30, 10:30] = 65535
    matte[0, 0] = 32767  # below half: tinted, not outlined
    result = overlaid(image, matte, RED)
    assert result[20, 20].tolist() == [170, 55, 55]  # 100 + 0.45 x (colour - 100)
    assert result[0, 0].tolist() == [135, 78, 78]
    assert result[10, 20].tolist() == list(RED)
    assert result[5, 5].tolist() == [100, 100, 100]
    assert image.min() == 100


def test_holes_are_outlined_too() -> None:
    matte = np.full((40, 40), 65535, np.uint16)
    matte[15:25, 15:25] = 0
    result = overlaid(np.zeros((40, 40, 3), np.uint8), matte, RED)
    assert result[14, 20].tolist() == list(RED)
    assert result[20, 20].tolist() == [0, 0, 0]


def test_colours_are_those_of_davis_at_full_brightness() -> None:
    assert [overlay_colour(object_id) for object_id in (1, 2, 3, 8)] == [
        (255, 0, 0),
        (0, 255, 0),
        (255, 255, 0),
        (255, 0, 0),
    ]


def test_the_movie_plays_and_shows_the_colour(
    tmp_path: Path, clip: DrawnClip, make_source: MakeSource
) -> None:
    whole = np.full((HEIGHT, WIDTH), 65535, np.uint16)
    source = make_source(2)
    write_matte(source.matte_files[4], whole)
    progress, result = finished(write_overlay(clip, (source,), clip.info.span, tmp_path / "größe.mp4"))
    assert [step.done for step in progress] == [1, 2, 3, 4, 5, 6]
    assert result.files == (tmp_path / "größe.mp4",)
    with av.open(str(tmp_path / "größe.mp4")) as file:
        stream = file.streams.video[0]
        assert (stream.width, stream.height) == (WIDTH + 1, HEIGHT)
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert stream.average_rate == clip.info.rate
        frames = list(file.decode(video=0))
    assert len(frames) == 6
    assert (frames[0].color_primaries, frames[0].color_trc, frames[0].colorspace) == (1, 1, 1)
    shown = frames[4].to_ndarray(format="rgb24")[40:60, 10:80].astype(int)
    wanted = overlaid(clip.image(4), whole, (0, 255, 0))[40:60, 10:80]
    assert np.abs(shown - wanted).mean() < 6


def test_without_objects_it_is_the_footage(tmp_path: Path, clip: DrawnClip) -> None:
    finished(write_overlay(clip, (), clip.info.span, tmp_path / "a.mp4"))
    assert (tmp_path / "a.mp4").stat().st_size > 0


def test_a_cancelled_or_refused_movie_leaves_no_trace(tmp_path: Path, clip: DrawnClip) -> None:
    source = ExportSource(1, "none", {})
    steps = write_overlay(clip, (source,), clip.info.span, tmp_path / "out" / "a.mp4")
    next(steps)
    steps.close()
    assert not (tmp_path / "out").exists()
    (tmp_path / "a.mp4").touch()
    with pytest.raises(ExportError, match="exists already"):
        finished(write_overlay(clip, (source,), clip.info.span, tmp_path / "a.mp4"))
    finished(write_overlay(clip, (source,), clip.info.span, tmp_path / "a.mp4", overwrite=True))
    assert (tmp_path / "a.mp4").stat().st_size > 0
