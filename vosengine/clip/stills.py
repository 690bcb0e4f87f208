"""Reading one picture file through OpenImageIO."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio  # noqa: N813  # its own documentation's name
from numpy.typing import NDArray

from vosengine.clip.colour import eight_bit, srgb16
from vosengine.clip.orientation import Orientation, from_exif
from vosengine.errors import ClipError
from vosengine.language import tr
from vosengine.types import ColourTags, Image, Matte

# Of each kind: how a sound file ends. Saves decoding it just to see whether it is complete.
_ENDINGS = {".png": b"IEND\xaeB`\x82", ".jpg": b"\xff\xd9", ".jpeg": b"\xff\xd9"}


@dataclass(frozen=True)
class StillInfo:
    """A picture file's header: size as displayed, what it stores, and which channels are shown.

    `colours` are the channels shown as red, green, blue; `alpha` is None without one. `is_linear` marks
    floating-point files, taken as linear light.
    """

    width: int
    height: int
    bit_depth: int
    is_linear: bool
    colours: tuple[int, int, int]
    alpha: int | None
    orientation: Orientation
    colour: ColourTags
    timecode: str
    rate: Fraction | None


def read_header(file: Path) -> StillInfo:
    """The header of a file that is complete; ClipError for a truncated or unreadable one."""
    source = _opened(file)
    try:
        spec = source.spec()
        _require_last_row(file, source, spec)
        return _still_info(spec)
    finally:
        source.close()


def read_rgb8(file: Path) -> Image:
    """uint8 RGB as displayed; ClipError when the file is damaged."""
    info, pixels = _pixels(file)
    colours = _picked(pixels, info.colours)
    if colours.dtype == np.uint8:
        return colours
    return eight_bit(_sixteen_bit(colours, info))


def read_rgb16(file: Path) -> NDArray[np.uint16]:
    """uint16 RGB as displayed, 65535 = white; ClipError when the file is damaged."""
    info, pixels = _pixels(file)
    return _sixteen_bit(_picked(pixels, info.colours), info)


def read_alpha(file: Path) -> Matte | None:
    """uint16 alpha, 65535 = opaque; None without one; ClipError when the file is damaged."""
    info, pixels = _pixels(file)
    if info.alpha is None:
        return None
    alpha: NDArray[Any] = pixels[..., info.alpha]
    if alpha.dtype == np.float32:
        alpha = np.rint(np.clip(np.nan_to_num(alpha, nan=0.0), 0, 1) * 65535)
        return np.asarray(alpha, np.uint16)
    return _sixteen_bit(alpha, info)


def read_grey(file: Path) -> Matte:
    """uint16 mean of the channels shown, as stored: a matte's values are no light, and no curve is applied.

    65535 stands for 1.0. ClipError when the file is damaged.
    """
    info, pixels = _pixels(file)
    grey = _picked(pixels, info.colours).astype(np.float32).mean(axis=2)
    full = {"uint8": 255, "uint16": 65535}.get(str(pixels.dtype), 1)
    return np.asarray(np.rint(np.clip(np.nan_to_num(grey, nan=0.0) / full, 0, 1) * 65535), np.uint16)


def _opened(file: Path) -> Any:
    # PNG stores straight colours; without this hint OpenImageIO multiplies them by alpha.
    config = oiio.ImageSpec()
    config.attribute("oiio:UnassociatedAlpha", 1)
    source = oiio.ImageInput.open(str(file), config)
    if source is None:
        oiio.geterror()  # forgets the message, which is not for users
        raise _damaged(file)
    return source


def _damaged(file: Path) -> ClipError:
    return ClipError(
        tr("{name} is damaged or not a picture; render or copy it again.").format(name=file.name)
    )


def _require_last_row(file: Path, source: Any, spec: Any) -> None:
    ending = _ENDINGS.get(file.suffix.lower())
    if ending is not None and _ends_with(file, ending):
        return
    if spec.tile_width:
        row = source.read_image(0, 0, 0, spec.nchannels, spec.format)
    else:
        last = spec.y + spec.height
        row = source.read_scanlines(0, 0, last - 1, last, 0, 0, spec.nchannels, spec.format)
    if row is None or source.geterror():
        raise _damaged(file)


def _ends_with(file: Path, ending: bytes) -> bool:
    with file.open("rb") as content:
        size = content.seek(0, 2)
        content.seek(max(size - len(ending), 0))
        return content.read() == ending


def _still_info(spec: Any) -> StillInfo:
    orientation = from_exif(spec.getattribute("Orientation") or 1)
    width, height = spec.full_width, spec.full_height
    colours, alpha = _channels(list(spec.channelnames), spec.alpha_channel)
    is_linear = str(spec.format) in {"half", "float", "double"}
    return StillInfo(
        width=height if orientation.swap_axes else width,
        height=width if orientation.swap_axes else height,
        bit_depth=spec.getattribute("oiio:BitsPerSample") or spec.format.size() * 8,
        is_linear=is_linear,
        colours=colours,
        alpha=alpha,
        orientation=orientation,
        colour=_colour_tags(spec, is_linear),
        timecode=str(spec.getattribute("smpte:TimeCode") or ""),
        rate=_rate(spec),
    )


def _channels(names: list[str], alpha_channel: int) -> tuple[tuple[int, int, int], int | None]:
    """The channels named R, G, B (of the first layer that has them), else the first three, else one grey."""
    alpha = alpha_channel if alpha_channel >= 0 else None
    layers = [""] + [name[: -len("R")] for name in names if name.endswith(".R")]
    for layer in layers:
        wanted = [layer + letter for letter in "RGB"]
        if set(wanted) <= set(names):
            red, green, blue = (names.index(name) for name in wanted)
            own_alpha = names.index(layer + "A") if layer + "A" in names else None
            return (red, green, blue), own_alpha if layer else alpha
    others = [number for number in range(len(names)) if number != alpha]
    grey = others[0] if others else 0
    return (others[0], others[1], others[2]) if len(others) >= 3 else (grey, grey, grey), alpha


def _colour_tags(spec: Any, is_linear: bool) -> ColourTags:
    transfer = "linear" if is_linear else "iec61966-2-1"
    if str(spec.getattribute("dpx:Transfer") or "") not in {"", "Undefined"}:
        transfer = "unknown"  # log or printing density: shown as stored
    return ColourTags(transfer=transfer, matrix="gbr", full_range=True)


def _rate(spec: Any) -> Fraction | None:
    """Frames a second from an EXR's or DPX's header."""
    value = spec.getattribute("FramesPerSecond") or spec.getattribute("dpx:FrameRate")
    if isinstance(value, tuple):
        return Fraction(value[0], value[1]) if value[1] else None
    return Fraction(value).limit_denominator(1001) if value and value > 0 else None


def _pixels(file: Path) -> tuple[StillInfo, NDArray[Any]]:
    """All channels of the display window, turned upright: uint8, uint16 or float32 (height, width, n)."""
    source = _opened(file)
    try:
        spec = source.spec()
        info = _still_info(spec)
        kind = "float" if info.is_linear else "uint8" if str(spec.format) == "uint8" else "uint16"
        stored = source.read_image(0, 0, 0, spec.nchannels, kind)
        if stored is None or source.geterror():
            raise _damaged(file)
    finally:
        source.close()
    return info, info.orientation.applied(_in_display_window(stored, spec))


def _in_display_window(stored: NDArray[Any], spec: Any) -> NDArray[Any]:
    """The data window's samples where they belong in the display window, zero around them."""
    stored = stored.reshape(spec.height, spec.width, spec.nchannels)
    x, y = spec.x - spec.full_x, spec.y - spec.full_y
    if (x, y, spec.width, spec.height) == (0, 0, spec.full_width, spec.full_height):
        return stored
    window = np.zeros((spec.full_height, spec.full_width, spec.nchannels), stored.dtype)
    left, top = max(x, 0), max(y, 0)
    right, bottom = min(x + spec.width, spec.full_width), min(y + spec.height, spec.full_height)
    if right > left and bottom > top:
        window[top:bottom, left:right] = stored[top - y : bottom - y, left - x : right - x]
    return window


def _picked(pixels: NDArray[Any], colours: tuple[int, int, int]) -> NDArray[Any]:
    return np.ascontiguousarray(pixels[..., list(colours)])


def _sixteen_bit(picture: NDArray[Any], info: StillInfo) -> NDArray[np.uint16]:
    if info.is_linear:
        return srgb16(picture)
    return (
        picture.astype(np.uint16) * np.uint16(257) if picture.dtype == np.uint8 else picture.astype(np.uint16)
    )
