"""Pixel values against the published definitions (ITU-T H.273, IEC 61966-2-1), and alpha bit for bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.vosengine.clip.conftest import encoded, ffmpeg
from vosengine.clip import open_clip
from vosengine.clip.colour import eight_bit, srgb16
from vosengine.clip.orientation import Orientation, from_exif

LOSSLESS = ("-c:v", "ffv1")
WEIGHTS = {"smpte170m": (0.299, 0.114), "bt709": (0.2126, 0.0722), "bt2020nc": (0.2627, 0.0593)}


def by_definition(yuv: NDArray[np.integer], bits: int, matrix: str, full: bool) -> NDArray[np.float64]:
    """RGB in [0, 1] of (3, height, width) codes, H.273 equations 20-31 and 38-40 solved for R, G, B."""
    red_weight, blue_weight = WEIGHTS[matrix]
    y, cb, cr = yuv.astype(np.float64)
    if full:
        y, cb, cr = (
            y / (2**bits - 1),
            (cb - 2 ** (bits - 1)) / (2**bits - 1),
            (cr - 2 ** (bits - 1)) / (2**bits - 1),
        )
    else:
        step = 2 ** (bits - 8)
        y, cb, cr = (y / step - 16) / 219, (cb / step - 128) / 224, (cr / step - 128) / 224
    red, blue = y + 2 * (1 - red_weight) * cr, y + 2 * (1 - blue_weight) * cb
    green = (y - red_weight * red - blue_weight * blue) / (1 - red_weight - blue_weight)
    return np.clip(np.stack([red, green, blue], axis=-1), 0, 1)


def noise(*shape: int, top: int, kind: type[np.unsignedinteger]) -> NDArray[np.unsignedinteger]:
    return np.random.default_rng(5).integers(0, top + 1, shape).astype(kind)


def tagged(matrix: str, full: bool) -> tuple[str, ...]:
    """Options that tag and convert nothing: ffmpeg converts what is tagged on one side only."""
    levels = "pc" if full else "tv"
    return ("-vf", f"setparams=colorspace={matrix}:range={levels}", "-color_range", levels, *LOSSLESS)


def legal_noise(bits: int, full: bool, lines: int = 24) -> NDArray[np.unsignedinteger]:
    """(1, 3, lines, 32) codes between black and white."""
    step = 2 ** (bits - 8)
    tops = [2**bits, 2**bits, 2**bits] if full else [235 * step + 1, 240 * step + 1, 240 * step + 1]
    rng = np.random.default_rng(5)
    planes = [rng.integers(0 if full else 16 * step, top, (lines, 32)) for top in tops]
    return np.stack(planes)[None].astype(np.uint8 if bits == 8 else np.uint16)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("matrix", list(WEIGHTS))
@pytest.mark.parametrize(("bits", "pixels"), [(8, "yuv444p"), (10, "yuv444p10le"), (12, "yuv444p12le")])
def test_matrix_and_range_are_honoured(
    tmp_path: Path, bits: int, pixels: str, matrix: str, full: bool
) -> None:
    codes = legal_noise(bits, full)
    path = encoded(tmp_path / "clip.mkv", codes, pixels, *tagged(matrix, full))
    expected = by_definition(codes[0], bits, matrix, full)
    with open_clip(path) as clip:
        assert (clip.info.bit_depth, clip.info.colour.matrix, clip.info.colour.full_range) == (
            bits,
            matrix,
            full,
        )
        np.testing.assert_allclose(clip.image(0), expected * 255, atol=0.52)
        # 8-bit sources gain nothing at 16 bits; deeper ones keep all of it.
        np.testing.assert_allclose(clip.image16(0), expected * 65535, atol=0.52 * 257 if bits == 8 else 0.51)


@pytest.mark.parametrize(("lines", "matrix"), [(718, "smpte170m"), (720, "bt709")])
def test_untagged_pictures_are_bt601_below_720_lines_and_bt709_from_there(
    tmp_path: Path, lines: int, matrix: str
) -> None:
    codes = legal_noise(8, full=False, lines=lines)
    path = encoded(tmp_path / "clip.mkv", codes, "yuv444p", *LOSSLESS)
    with open_clip(path) as clip:
        expected = by_definition(codes[0], 8, matrix, full=False)
        np.testing.assert_allclose(clip.image(0), expected * 255, atol=0.52)


def test_pure_red_of_ten_bit_bt709(tmp_path: Path) -> None:
    # BT.709 10-bit 100% red: Y 250, Cb 409, Cr 960.
    red = np.stack([np.full((1, 16, 16), code, np.uint16) for code in (250, 409, 960)], axis=1)
    path = encoded(tmp_path / "red.mkv", red, "yuv444p10le", *tagged("bt709", full=False))
    with open_clip(path) as clip:
        np.testing.assert_allclose(clip.image(0)[0, 0], [255, 0, 0], atol=0.5)


def test_chroma_of_deep_420_is_brought_to_full_size(tmp_path: Path) -> None:
    luma = noise(20, 32, top=1023, kind=np.uint16)
    grey_chroma = np.full(2 * 10 * 16, 512, np.uint16)
    path = tmp_path / "deep.mkv"
    source = ("-f", "rawvideo", "-pix_fmt", "yuv420p10le", "-s", "32x20", "-i", "-")
    ffmpeg(*source, *tagged("bt709", full=True), path, stdin=luma.tobytes() + grey_chroma.tobytes())
    with open_clip(path) as clip:
        for channel in np.moveaxis(clip.image16(0), -1, 0):
            np.testing.assert_allclose(channel, luma * (65535 / 1023), atol=1)


@pytest.mark.parametrize(("pixels", "bits"), [("gray16le", 16), ("gray10le", 10), ("gray", 8)])
def test_grey_keeps_every_level(tmp_path: Path, pixels: str, bits: int) -> None:
    codes = noise(1, 24, 32, top=2**bits - 1, kind=np.uint8 if bits == 8 else np.uint16)
    with open_clip(encoded(tmp_path / "grey.mkv", codes, pixels, *LOSSLESS)) as clip:
        expected = np.rint(codes[0] * (65535 / (2**bits - 1)))
        np.testing.assert_array_equal(clip.image16(0), np.repeat(expected[..., None], 3, axis=-1))


def test_limited_range_grey_is_stretched(tmp_path: Path) -> None:
    codes = np.array([[[64, 502, 940, 0, 1023, 64, 64, 64]] * 8], np.uint16)
    path = encoded(
        tmp_path / "grey.mkv", codes, "gray10le", "-vf", "setparams=range=tv", "-color_range", "tv", *LOSSLESS
    )
    with open_clip(path) as clip:
        np.testing.assert_array_equal(clip.image16(0)[0, :5, 0], [0, 32768, 65535, 0, 65535])


@pytest.mark.parametrize(
    ("pixels", "bits", "codec"),
    [("gbrap16le", 16, LOSSLESS), ("gbrap12le", 12, LOSSLESS), ("gbrap10le", 10, LOSSLESS)],
)
def test_deep_rgb_and_alpha_come_back_bit_for_bit(
    tmp_path: Path, pixels: str, bits: int, codec: tuple[str, ...]
) -> None:
    codes = noise(2, 4, 24, 32, top=2**bits - 1, kind=np.uint16)
    expected = np.rint(codes[1] * (65535 / (2**bits - 1)))
    with open_clip(encoded(tmp_path / "rgba.mkv", codes, pixels, *codec)) as clip:
        assert clip.info.has_alpha
        assert clip.info.bit_depth == bits
        np.testing.assert_array_equal(clip.image16(1), np.moveaxis(expected[[2, 0, 1]], 0, -1))
        np.testing.assert_array_equal(clip.alpha(1), expected[3])


@pytest.mark.parametrize(
    ("name", "pixels", "kind", "options"),
    [
        ("rle.mov", "argb", np.uint8, ("-c:v", "qtrle")),
        ("png.mov", "rgba", np.uint8, ("-c:v", "png")),
        ("png16.mov", "rgba64le", np.uint16, ("-c:v", "png", "-pix_fmt", "rgba64be")),
        ("raw.avi", "bgra", np.uint8, ("-c:v", "rawvideo")),
    ],
)
def test_packed_alpha_comes_back_bit_for_bit(
    tmp_path: Path, name: str, pixels: str, kind: type[np.unsignedinteger], options: tuple[str, ...]
) -> None:
    codes = noise(2, 17, 31, 4, top=int(np.iinfo(kind).max), kind=kind)
    scale = 1 if kind is np.uint16 else 257
    red, green, blue, alpha = (pixels.index(letter) for letter in "rgba")
    with open_clip(encoded(tmp_path / name, codes, pixels, *options)) as clip:
        np.testing.assert_array_equal(clip.alpha(1), codes[1, ..., alpha].astype(np.uint16) * scale)
        colours = codes[1][..., [red, green, blue]].astype(np.uint16) * scale
        np.testing.assert_array_equal(clip.image16(1), colours)


def soft_alpha() -> NDArray[np.uint16]:
    """A ramp over a disk's edge, (1, 4, 64, 64) gbra."""
    y, x = np.mgrid[:64, :64]
    edge = np.clip((24 - np.hypot(y - 32, x - 32)) / 8 + 0.5, 0, 1)
    planes = [
        np.full((64, 64), 30000.0),
        np.full((64, 64), 20000.0),
        np.full((64, 64), 40000.0),
        edge * 65535,
    ]
    return np.rint(np.stack(planes)).astype(np.uint16)[None]


def test_prores_4444_alpha(tmp_path: Path) -> None:
    codes = soft_alpha()
    options = ("-c:v", "prores_ks", "-profile:v", "4444", "-alpha_bits", "16", "-pix_fmt", "yuva444p10le")
    with open_clip(encoded(tmp_path / "matte.mov", codes, "gbrap16le", *options)) as clip:
        alpha = clip.alpha(0)
        assert clip.info.has_alpha
        assert alpha is not None
        # ffmpeg 16 -> 10 bits truncates rather than rounds: up to 1.4 steps of 65535 / 1023.
        np.testing.assert_allclose(alpha, codes[0, 3], atol=90)


def test_webm_alpha_is_not_lost(tmp_path: Path) -> None:
    codes = (soft_alpha() >> 8).astype(np.uint8)
    options = ("-c:v", "libvpx-vp9", "-lossless", "1", "-pix_fmt", "yuva420p", "-cpu-used", "8")
    with open_clip(encoded(tmp_path / "matte.webm", np.repeat(codes, 8, axis=0), "gbrap", *options)) as clip:
        assert clip.info.has_alpha
        for frame in (5, 0, 7):
            np.testing.assert_array_equal(clip.alpha(frame), codes[0, 3].astype(np.uint16) * 257)


def test_no_alpha_is_none(tmp_path: Path) -> None:
    codes = noise(1, 8, 8, 3, top=255, kind=np.uint8)
    with open_clip(encoded(tmp_path / "opaque.avi", codes, "bgr24", "-c:v", "rawvideo")) as clip:
        assert clip.alpha(0) is None
        assert not clip.info.has_alpha


@given(st.integers(0, 65535))
def test_sixteen_bits_round_to_the_nearest_of_eight(value: int) -> None:
    got = int(eight_bit(np.full((1, 2), value, np.uint16))[0, 0])
    assert abs(got * 257 - value) <= 128


def test_srgb_curve() -> None:
    # sRGB 188 is linear 0.5029, sRGB 118 is 0.1812, the segments meet at 0.0031308 -> 0.04045.
    light = np.array([-1, 0, 0.0031308, 0.1812, 0.5029, 1, 7, np.nan], np.float32)
    assert eight_bit(srgb16(light[None]))[0].tolist() == [0, 0, 10, 118, 188, 255, 255, 0]
    assert abs(int(srgb16(np.float32([[0.0031308]]))[0, 0]) - 0.04045 * 65535) < 1


@pytest.mark.parametrize("value", range(1, 9))
def test_exif_orientations_bring_the_marked_corner_to_the_top_left(value: int) -> None:
    """TIFF 6.0 tag 274: where the shown picture's top left and the pixel to its right lie in the file."""
    stored = np.arange(6).reshape(2, 3)
    top_row = {
        1: [0, 1, 2], 2: [2, 1, 0], 3: [5, 4, 3], 4: [3, 4, 5], 5: [0, 3], 6: [3, 0], 7: [5, 2], 8: [2, 5],
    }  # fmt: skip
    assert from_exif(value).applied(stored)[0].tolist() == top_row[value]
    assert from_exif(99) == Orientation()
