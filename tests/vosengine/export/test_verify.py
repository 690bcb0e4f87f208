"""The checks must notice what could go wrong: exports are damaged here on purpose."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.video.reformatter import ColorRange
from PIL import Image as PillowImage

from tests.vosengine.export.conftest import DrawnClip, MakeSource, exported
from vosengine.errors import ExportError
from vosengine.export import TEMPLATES, movie, write
from vosengine.export.plan import Output, Plan
from vosengine.types import Matte

Damage = Callable[[Path], None]


def damaging(template: str, damage: Damage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have `damage` done to each output of the template once it is written."""
    honest = TEMPLATES[template]

    @contextmanager
    def written(plan: Plan, output: Output, path: Path) -> Iterator[write.Add]:
        with honest.write(plan, output, path) as add:
            yield add
        damage(path)

    monkeypatch.setitem(TEMPLATES, template, replace(honest, write=written))


def refused(tmp_path: Path, clip: DrawnClip, make_source: MakeSource, template: str) -> str:
    """Why the export failed; nothing may be left of it."""
    with pytest.raises(ExportError) as raised:
        exported(clip, [make_source()], template, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    return str(raised.value)


def halve(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize("template", ["prores4444", "ffv1-luma"])
def test_a_truncated_movie(
    tmp_path: Path, clip: DrawnClip, make_source: MakeSource, monkeypatch: pytest.MonkeyPatch, template: str
) -> None:
    damaging(template, halve, monkeypatch)
    reason = refused(tmp_path, clip, make_source, template)
    assert "read back" in reason
    assert "\n" not in reason


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("change", [-1, 1])
def test_a_frame_too_few_or_too_many(
    tmp_path: Path,
    clip: DrawnClip,
    make_source: MakeSource,
    monkeypatch: pytest.MonkeyPatch,
    template: str,
    change: int,
) -> None:
    honest = TEMPLATES[template]

    @contextmanager
    def written(plan: Plan, output: Output, path: Path) -> Iterator[write.Add]:
        # The writer believes in a span of another length than the check does.
        other = Plan(plan._clip, replace(plan.span, stop=plan.span.stop + change))
        with honest.write(other, output, path) as add:
            yield lambda frame: add(frame) if frame in other.span else None
            if change > 0:
                add(plan.span.stop)

    monkeypatch.setitem(TEMPLATES, template, replace(honest, write=written))
    short = replace(clip.info, timestamps=clip.info.timestamps)
    clip.info = replace(short, timestamps=tuple(place / short.rate for place in range(8)))
    with pytest.raises(ExportError, match=r"holds [57] (frames|files), not"):
        exported(clip, [make_source()], template, tmp_path / "out", replace(clip.info.span, stop=6))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("bits", ["0", "8"])
def test_too_few_bits_of_alpha(
    tmp_path: Path, clip: DrawnClip, make_source: MakeSource, monkeypatch: pytest.MonkeyPatch, bits: str
) -> None:
    coarse = replace(write.PRORES_4444, options={"profile": "4444", "alpha_bits": bits})
    monkeypatch.setattr(write, "PRORES_4444", coarse)
    assert "the alpha of dancer.mov is off by" in refused(tmp_path, clip, make_source, "prores4444")


def test_the_colours_of_another_matrix(
    tmp_path: Path, clip: DrawnClip, make_source: MakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(movie, "SCALE", "out_color_matrix=bt601:out_range=tv")
    assert "the colours of dancer.mov are off by" in refused(tmp_path, clip, make_source, "prores4444")


def test_wrong_colour_tags(
    tmp_path: Path, clip: DrawnClip, make_source: MakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    def limited(context: av.VideoCodecContext, converted: bool) -> None:
        context.color_range = ColorRange.MPEG

    monkeypatch.setattr(movie, "_tag", limited)
    monkeypatch.setattr(movie, "TAGS", "range=tv")
    for template in ("prores4444", "ffv1-luma"):
        assert "is tagged" in refused(tmp_path, clip, make_source, template)


@pytest.mark.parametrize("template", ["prores4444", "ffv1-luma"])
def test_other_times(
    tmp_path: Path, clip: DrawnClip, make_source: MakeSource, monkeypatch: pytest.MonkeyPatch, template: str
) -> None:
    class Slower(movie.Movie):
        def __init__(
            self, path: Path, encoding: movie.Encoding, size: tuple[int, int], timing, **more
        ) -> None:  # type: ignore[no-untyped-def]
            rate = Fraction(24)
            super().__init__(path, encoding, size, replace(timing, rate=rate, time_base=1 / rate), **more)

    monkeypatch.setattr(write, "Movie", Slower)
    if template == "ffv1-luma":  # a thousandth of drift a second shows in milliseconds after the first
        rate = clip.info.rate
        clip.info = replace(clip.info, timestamps=tuple(place / rate for place in range(30)))
    assert "s off its time" in refused(tmp_path, clip, make_source, template)


def lowest_bit_flipped(path: Path) -> None:
    picture = next(iter(sorted(path.iterdir())))
    values = cv2.imread(str(picture), cv2.IMREAD_UNCHANGED)
    cv2.imwrite(str(picture), values ^ np.ones_like(values))


def eight_bits(path: Path) -> None:
    for picture in path.iterdir():
        cv2.imwrite(str(picture), cv2.imread(str(picture), cv2.IMREAD_GRAYSCALE))


def emptied(path: Path) -> None:
    next(path.iterdir()).write_bytes(b"")


def renamed(path: Path) -> None:
    (path / "0000.png").rename(path / "0006.png")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lowest_bit_flipped, "differs from the mattes on frame 0"),
        (eight_bits, "differs from the mattes"),
        (emptied, "could not be read back"),
        (renamed, "not one for each frame"),
    ],
)
def test_damaged_mattes(
    tmp_path: Path,
    clip: DrawnClip,
    make_source: MakeSource,
    monkeypatch: pytest.MonkeyPatch,
    damage: Damage,
    reason: str,
) -> None:
    damaging("png16", damage, monkeypatch)
    assert reason in refused(tmp_path, clip, make_source, "png16")


def grey_palette(path: Path) -> None:
    picture = PillowImage.open(path / "0002.png")
    picture.putpalette([level for level in range(256) for _ in range(3)])
    picture.save(path / "0002.png")


def full_colour(path: Path) -> None:
    PillowImage.open(path / "0002.png").convert("RGB").save(path / "0002.png")


def other_ids(path: Path) -> None:
    picture = PillowImage.open(path / "0002.png")
    other = PillowImage.fromarray(np.array(picture) ^ 1)
    other.putpalette(picture.getpalette())
    other.save(path / "0002.png")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (grey_palette, "lacks the DAVIS palette"),
        (full_colour, "holds no palette"),
        (emptied, "could not be read back"),
        (other_ids, "differs from the mattes on frame 2"),
    ],
)
def test_damaged_ids(
    tmp_path: Path,
    clip: DrawnClip,
    make_source: MakeSource,
    monkeypatch: pytest.MonkeyPatch,
    damage: Damage,
    reason: str,
) -> None:
    damaging("davis", damage, monkeypatch)
    assert reason in refused(tmp_path, clip, make_source, "davis")


def test_a_single_wrong_value_in_a_luma_matte(
    tmp_path: Path, clip: DrawnClip, make_source: MakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = movie.Movie.write

    def write_wrong(self: movie.Movie, place: int, pixels: Matte) -> None:
        wrong = pixels.copy()
        wrong[5, 5] ^= place == 3
        honest(self, place, wrong)

    monkeypatch.setattr(movie.Movie, "write", write_wrong)
    assert "differs from the mattes on frame 3" in refused(tmp_path, clip, make_source, "ffv1-luma")
