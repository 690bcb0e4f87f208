"""From a decoded frame to RGB and alpha, honouring matrix, range and bit depth.

8-bit sources go through swscale. Its 16-bit output puts limited-range white at 65280, so of deeper sources it
only brings the chroma to full size, and the matrix is applied here.
"""

from __future__ import annotations

import zlib
from typing import TypeVar

import cv2
import numpy as np
from av import VideoFrame
from av.filter import Graph
from av.video.format import VideoFormat
from av.video.reformatter import ColorRange
from numpy.typing import NDArray

from vosengine.types import ColourTags, Image, Matte

# ITU-T H.273 tables 2, 3 and 4, by the names ffmpeg prints.
_PRIMARIES = {
    1: "bt709",
    4: "bt470m",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "film",
    9: "bt2020",
    10: "smpte428",
    11: "smpte431",
    12: "smpte432",
    22: "ebu3213",
}
_TRANSFERS = {
    1: "bt709",
    4: "bt470m",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "linear",
    9: "log100",
    10: "log316",
    11: "iec61966-2-4",
    12: "bt1361e",
    13: "iec61966-2-1",
    14: "bt2020-10",
    15: "bt2020-12",
    16: "smpte2084",
    17: "smpte428",
    18: "arib-std-b67",
}
_MATRICES = {
    0: "gbr",
    1: "bt709",
    4: "fcc",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "ycgco",
    9: "bt2020nc",
    10: "bt2020c",
}

# Red and blue luma weights (H.273 table 4) and the scale filter's name for the same matrix.
_BT601 = (0.299, 0.114, "bt601")
_BT709 = (0.2126, 0.0722, "bt709")
_WEIGHTS = {
    "bt709": _BT709,
    "fcc": (0.30, 0.11, "fcc"),
    "bt470bg": _BT601,
    "smpte170m": _BT601,
    "smpte240m": (0.212, 0.087, "smpte240m"),
    "bt2020nc": (0.2627, 0.0593, "bt2020"),
    "bt2020c": (0.2627, 0.0593, "bt2020"),
}
Sample = TypeVar("Sample", np.uint8, np.uint16)

_HD_LINES = 720
_SCALING = "bicubic+accurate_rnd+full_chroma_int"


def colour_tags(frame: VideoFrame) -> ColourTags:
    """What the frame says of its colours; `full_range` is what holds, tagged or implied by the format."""
    return ColourTags(
        primaries=_PRIMARIES.get(frame.color_primaries, "unknown"),
        transfer=_TRANSFERS.get(frame.color_trc, "unknown"),
        matrix=_MATRICES.get(frame.colorspace, "unknown"),
        full_range=_is_full_range(frame),
    )


def bit_depth(pixel_format: VideoFormat) -> int:
    """Bits of the deepest component."""
    return max(component.bits for component in pixel_format.components)


def has_alpha(pixel_format: VideoFormat) -> bool:
    """Whether the format stores an alpha component."""
    return any(component.is_alpha for component in pixel_format.components)


def rgb8(frame: VideoFrame) -> Image:
    """uint8 RGB (height, width, 3); sources deeper than 8 bits are rounded, not dithered."""
    if bit_depth(frame.format) > 8:
        return eight_bit(rgb16(frame))
    return _plane(_converted(frame, "rgb24"), 0, np.uint8, channels=3).copy()


def rgb16(frame: VideoFrame) -> NDArray[np.uint16]:
    """uint16 RGB (height, width, 3), 65535 = white."""
    bits = bit_depth(frame.format)
    if bits <= 8:
        return rgb8(frame).astype(np.uint16) * np.uint16(257)
    if bits > 16:
        return _plane(_converted(frame, "rgb48le"), 0, np.uint16, channels=3).copy()
    if _is_grey(frame.format):
        return np.repeat(_grey16(frame, bits)[..., None], 3, axis=2)
    if frame.format.is_rgb:
        green, blue, red = _planes(_planar_rgb(frame, bits))
        return _rescaled(cv2.merge((red, green, blue)), bits)
    codes = cv2.merge(_planes(_full_chroma(frame, bits)))
    return np.asarray(cv2.transform(codes, _yuv_to_rgb16(frame, bits)), np.uint16)


def alpha16(frame: VideoFrame) -> Matte | None:
    """uint16 alpha (height, width), 65535 = opaque; None when the frame has none."""
    if not has_alpha(frame.format):
        return None
    components = frame.format.components
    bits = components[-1].bits
    if _is_readable(frame):
        last = len(components) - 1
        if bits <= 8:
            return _rescaled(_plane(frame, last, np.uint8), bits)
        return _rescaled(_plane(frame, last, np.uint16), bits)
    if bits <= 8:
        return _rescaled(_plane(_converted(frame, "rgba"), 0, np.uint8, channels=4)[..., 3], 8)
    return _plane(_converted(frame, "rgba64le"), 0, np.uint16, channels=4)[..., 3].copy()


def eight_bit(picture: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """The nearest of 256 levels: round(value / 257)."""
    return np.asarray(cv2.convertScaleAbs(picture, alpha=1 / 257), np.uint8)


def srgb16(linear: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Linear light clipped to [0, 1] through the sRGB curve (IEC 61966-2-1), 65535 = white; NaN is black."""
    light = np.clip(np.nan_to_num(linear, nan=0.0), 0.0, 1.0)
    curve = np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.power(light, 1 / 2.4) - 0.055)
    return np.asarray(np.rint(curve * 65535), np.uint16)


def picture_check(frame: VideoFrame) -> int:
    """CRC-32 of the visible samples, to recognise the same picture decoded another way."""
    frame = _upright_rows(frame)
    check = 0
    for number, plane in enumerate(frame.planes):
        if frame.format.has_palette and number > 0:
            check = zlib.crc32(bytes(plane), check)
            continue
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
        check = zlib.crc32(np.ascontiguousarray(rows[:, : _row_bytes(frame.format, number)]).data, check)
    return check


def _is_full_range(frame: VideoFrame) -> bool:
    if frame.format.is_rgb or frame.format.has_palette:
        return True
    if frame.color_range == ColorRange.UNSPECIFIED:
        return _is_grey(frame.format) or frame.format.name.startswith("yuvj")
    return bool(frame.color_range == ColorRange.JPEG)


def _is_grey(pixel_format: VideoFormat) -> bool:
    return sum(not component.is_alpha for component in pixel_format.components) == 1


def _weights(frame: VideoFrame) -> tuple[float, float, str]:
    """The frame's matrix; untagged pictures are BT.601 below 720 lines and BT.709 from there on."""
    tagged = _WEIGHTS.get(_MATRICES.get(frame.colorspace, "unknown"))
    return tagged or (_BT601 if frame.height < _HD_LINES else _BT709)


def _levels(frame: VideoFrame, bits: int) -> tuple[float, float, float]:
    """Code of black, codes from black to white, codes of the chroma's full swing (H.273 section 8.3)."""
    if _is_full_range(frame):
        return 0.0, 2.0**bits - 1, 2.0**bits - 1
    step = 2.0 ** (bits - 8)
    return 16 * step, 219 * step, 224 * step


def _yuv_to_rgb16(frame: VideoFrame, bits: int) -> NDArray[np.float64]:
    """3 x 4 matrix from codes (Y, Cb, Cr, 1) to RGB in [0, 65535]."""
    red, blue, _ = _weights(frame)
    green = 1 - red - blue
    black, luma, chroma = _levels(frame, bits)
    from_y = np.full(3, 1 / luma)
    from_cb = np.array([0, -2 * blue * (1 - blue) / green, 2 * (1 - blue)]) / chroma
    from_cr = np.array([2 * (1 - red), -2 * red * (1 - red) / green, 0]) / chroma
    offset = -black * from_y - 2.0 ** (bits - 1) * (from_cb + from_cr)
    return 65535 * np.stack([from_y, from_cb, from_cr, offset], axis=1)


def _grey16(frame: VideoFrame, bits: int) -> NDArray[np.uint16]:
    luma = frame if _is_readable(frame) else _converted(frame, f"gray{bits}le")
    black, white, _ = _levels(frame, bits)
    scaled = (_plane(luma, 0, np.uint16).astype(np.float64) - black) * (65535 / white)
    return np.asarray(np.rint(np.clip(scaled, 0, 65535)), np.uint16)


def _rescaled(codes: NDArray[np.generic], bits: int) -> NDArray[np.uint16]:
    """Full-range codes of `bits` bits to 16."""
    if bits == 16:
        return codes.astype(np.uint16)
    return np.asarray(np.rint(codes * (65535 / (2**bits - 1))), np.uint16)


def _is_readable(frame: VideoFrame) -> bool:
    """Whether each component has a plane of its own that NumPy can look at."""
    components = frame.format.components
    return (
        len({component.plane for component in components}) == len(components)
        and (bit_depth(frame.format) <= 8 or not frame.format.is_big_endian)
        and bit_depth(frame.format) <= 16
        and all(plane.line_size > 0 for plane in frame.planes)
    )


def _planar_rgb(frame: VideoFrame, bits: int) -> VideoFrame:
    """Planes green, blue, red. Never through swscale when they are there: its alpha dropping copies half."""
    return frame if _is_readable(frame) else _converted(frame, f"gbrp{bits}le")


def _full_chroma(frame: VideoFrame, bits: int) -> VideoFrame:
    """Planes Y, Cb, Cr of one size, in the frame's own range."""
    chroma = frame.format.components[1]
    if _is_readable(frame) and (chroma.width, chroma.height) == (frame.width, frame.height):
        return frame
    return _converted(frame, f"yuv444p{bits}le")


def _converted(frame: VideoFrame, pixel_format: str) -> VideoFrame:
    """The frame in another pixel format: RGB is full range, anything else keeps the frame's codes.

    By a filter graph, because only the scale filter knows where the frame's chroma samples lie.
    """
    matrix = _weights(frame)[2]
    ranges = "in_range=limited:out_range=limited"  # the same on both sides: no code is touched
    if VideoFormat(pixel_format).is_rgb:
        ranges = f"in_range={'full' if _is_full_range(frame) else 'limited'}:out_range=full"
    buffer = f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base=1"
    scale = f"in_color_matrix={matrix}:out_color_matrix={matrix}:{ranges}:flags={_SCALING}"
    graph = Graph()
    graph.link_nodes(
        graph.add("buffer", buffer),
        graph.add("scale", scale),
        graph.add("format", f"pix_fmts={pixel_format}"),
        graph.add("buffersink"),
    ).configure()
    graph.vpush(frame)
    return graph.vpull()


def _upright_rows(frame: VideoFrame) -> VideoFrame:
    """A frame whose rows lie top to bottom in memory (raw AVI stores them the other way round)."""
    if all(plane.line_size >= 0 for plane in frame.planes):
        return frame
    return frame.reformat(format="rgba" if frame.format.name != "rgba" else "bgra")


def _planes(frame: VideoFrame) -> list[NDArray[np.uint16]]:
    return [_plane(frame, number, np.uint16) for number in range(3)]


def _plane(frame: VideoFrame, number: int, dtype: type[Sample], channels: int = 1) -> NDArray[Sample]:
    """A view of one plane without the padding of its rows."""
    plane = frame.planes[number]
    samples: NDArray[Sample] = np.frombuffer(memoryview(plane), dtype)
    rows = samples.reshape(plane.height, -1)[:, : plane.width * channels]
    return rows.reshape(plane.height, plane.width, channels) if channels > 1 else rows


def _row_bytes(pixel_format: VideoFormat, number: int) -> int:
    """Bytes of picture in a row of one plane; the rest of the row is padding."""
    components = [component for component in pixel_format.components if component.plane == number]
    if len(components) == len(pixel_format.components):
        return (pixel_format.width * pixel_format.padded_bits_per_pixel + 7) // 8
    return sum(component.width * ((component.bits + 7) // 8) for component in components)
