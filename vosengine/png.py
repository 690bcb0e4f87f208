"""Masks, mattes and object ids as PNG files.

Hard masks are 8-bit greyscale {0, 255}, soft mattes 16-bit greyscale, object ids palette images with the
DAVIS palette. Files are written beside and moved into place; any path the system accepts works, non-ASCII
ones included. Pillow reads: it tells a palette from greys and refuses truncated files.
"""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from vosengine import atomic
from vosengine.errors import AnnotationError, EngineError, ProjectError
from vosengine.language import tr
from vosengine.types import Mask, Matte

GREYS = ("1", "L", "I;16", "I;16B", "I")


def read_mask(path: Path) -> Mask:
    """A hard mask, uint8 (height, width) in {0, 255}, from any PNG.

    Greys and colours count as the object from half brightness on, coloured palettes from id 1 on; a
    picture that holds only 0 and 1 means ids too. Raises AnnotationError for a missing or damaged file.
    """
    picture = _open(path, AnnotationError, tr("draw the mask again or choose another file"))
    if picture.mode == "P" and not _is_grey(picture):
        inside = np.asarray(picture) > 0
    elif picture.mode in GREYS:
        inside = _bright(np.asarray(picture))
    else:
        inside = _bright(np.asarray(picture.convert("RGB").convert("L")))
    return np.where(inside, np.uint8(255), np.uint8(0))


def read_soft_mask(path: Path) -> Mask:
    """A mask that may have soft edges, uint8 (height, width) in 0..255: greys as they are.

    Anything but an 8-bit greyscale PNG is read as by `read_mask`.
    """
    picture = _open(path, AnnotationError, tr("draw the mask again or choose another file"))
    return np.array(picture) if picture.mode == "L" else read_mask(path)


def write_mask(path: Path, mask: Mask) -> None:
    """Write a hard mask, uint8 (height, width); every value above 127 is stored as 255.

    Returns when the disk holds it: masks are a person's work. Raises EngineError when it cannot be written.
    """
    atomic.write_bytes(path, _encode_grey(np.where(mask > 127, np.uint8(255), np.uint8(0))), durable=True)


def read_matte(path: Path) -> Matte:
    """A soft matte, uint16 (height, width), from an 8-bit or 16-bit greyscale PNG.

    Raises ProjectError for a missing or damaged file and for pictures that are not greyscale.
    """
    remedy = tr("propagate the object again")
    picture = _open(path, ProjectError, remedy)
    if picture.mode not in GREYS:
        raise ProjectError(
            tr("{path} is not a greyscale PNG and so no matte; {remedy}.").format(path=path, remedy=remedy)
        )
    values = np.asarray(picture)
    if picture.mode == "1":
        return np.where(values, np.uint16(65535), np.uint16(0))
    if picture.mode == "L":
        return values.astype(np.uint16) * np.uint16(257)
    return values.astype(np.uint16)


def write_matte(path: Path, matte: Matte) -> None:
    """Write a soft matte, uint16 (height, width). Raises EngineError when it cannot be written."""
    if matte.dtype != np.uint16:
        raise TypeError(f"a matte is uint16, not {matte.dtype}")
    atomic.write_bytes(path, _encode_grey(matte))


def davis_palette() -> NDArray[np.uint8]:
    """The colours of ids 0..255, uint8 (256, 3) RGB: PASCAL VOC's colour map, which DAVIS uses.

    From the VOC development kit's `VOClabelcolormap`: the id's bits, three at a time, become the highest
    bits of red, green and blue.
    """
    ids = np.arange(256, dtype=np.uint8)
    palette = np.zeros((256, 3), np.uint8)
    for bit in range(7, -1, -1):
        for channel in range(3):
            palette[:, channel] |= ((ids >> channel) & 1) << bit
        ids >>= 3
    return palette


def read_palette_ids(path: Path) -> NDArray[np.uint8]:
    """Object ids, uint8 (height, width), 0 = background: a palette PNG's indices or a grey PNG's values.

    Raises AnnotationError for a missing or damaged file and for full-colour pictures.
    """
    picture = _open(path, AnnotationError, tr("choose another file"))
    if picture.mode == "1":
        return np.asarray(picture).astype(np.uint8)
    if picture.mode not in ("P", "L"):
        raise AnnotationError(
            tr("{path} holds no object ids; choose a palette PNG such as those of DAVIS.").format(path=path)
        )
    return np.array(picture)


def is_palette(path: Path) -> bool:
    """Whether a file is a PNG of object ids, coloured as DAVIS does; False for other kinds of file.

    Raises AnnotationError for a damaged PNG.
    """
    if path.suffix.lower() != ".png":
        return False
    palette = _open(path, AnnotationError, tr("choose another file")).getpalette("RGB")
    if palette is None:
        return False
    colours = np.array(palette).reshape(-1, 3)  # all of them: a frame without objects uses none
    return bool((colours != colours[:, :1]).any())


def write_palette(path: Path, ids: NDArray[np.uint8]) -> None:
    """Write object ids, uint8 (height, width), as a palette PNG in DAVIS colours.

    Raises EngineError when it cannot be written.
    """
    picture = PillowImage.fromarray(ids)
    picture.putpalette(davis_palette().tobytes())
    encoded = io.BytesIO()
    picture.save(encoded, "png")
    atomic.write_bytes(path, encoded.getvalue())


def _open(path: Path, failure: type[EngineError], remedy: str) -> PillowImage.Image:
    try:
        picture = PillowImage.open(path)
        picture.load()
    except FileNotFoundError:
        raise failure(tr("{path} does not exist; {remedy}.").format(path=path, remedy=remedy)) from None
    except (OSError, SyntaxError, ValueError, PillowImage.DecompressionBombError) as error:
        raise failure(
            tr("{path} cannot be read as a picture ({error}); {remedy}.").format(
                path=path, error=error, remedy=remedy
            )
        ) from error
    return picture


def _is_grey(picture: PillowImage.Image) -> bool:
    """Whether a palette picture uses nothing but greys, as picture optimizers make of black and white."""
    colours = np.asarray(picture.convert("RGB"))
    return bool((colours == colours[..., :1]).all())


def _bright(values: NDArray[np.generic]) -> NDArray[np.bool_]:
    if values.dtype == np.bool_ or (values.dtype == np.uint8 and values.max(initial=0) <= 1):
        return values.astype(np.bool_)
    full = 255 if values.dtype == np.uint8 else 65535
    return np.asarray(values.astype(np.uint32) * 2 > full)


def _encode_grey(values: NDArray[np.uint8] | NDArray[np.uint16]) -> bytes:
    encoded_ok, encoded = cv2.imencode(".png", values)
    if not encoded_ok:
        raise ValueError(f"a PNG cannot hold an array of shape {values.shape} and type {values.dtype}")
    return encoded.tobytes()
