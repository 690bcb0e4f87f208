"""Greyscale PNG files that carry a small note, so that a picture and what is known of it never part.

The note is a JSON object in a tEXt chunk directly after the header, where it can be read without decoding
the picture; other programs ignore it (PNG specification, sections 5.3 and 11.3.4.3).
"""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

_KEYWORD = b"rotoshot\0"
_HEADER_END = 33  # 8 bytes of signature, then IHDR: 4 length, 4 name, 13 content, 4 checksum
_LONGEST = 4096


def encode(values: NDArray[np.uint8] | NDArray[np.uint16], note: dict[str, Any]) -> bytes:
    """A greyscale PNG of `values` (height, width), 8 or 16 bits deep, with `note` (plain JSON values)."""
    encoded_ok, encoded = cv2.imencode(".png", values)
    if not encoded_ok:
        raise ValueError(f"a PNG cannot hold an array of shape {values.shape} and type {values.dtype}")
    png = encoded.tobytes()
    return png[:_HEADER_END] + _chunk(_KEYWORD + json.dumps(note).encode("ascii")) + png[_HEADER_END:]


def read(path: Path) -> dict[str, Any]:
    """The note of a PNG file; empty when it has none, is damaged or missing."""
    try:
        with path.open("rb") as file:
            start = file.read(_LONGEST)
        length, name = struct.unpack_from(">I4s", start, _HEADER_END)
        content = start[_HEADER_END + 8 : _HEADER_END + 8 + length]
        if name != b"tEXt" or not content.startswith(_KEYWORD):
            return {}
        if not start[_HEADER_END:].startswith(_chunk(content)):
            return {}
        note = json.loads(content[len(_KEYWORD) :])
    except (OSError, struct.error, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def _chunk(content: bytes) -> bytes:
    checksum = zlib.crc32(b"tEXt" + content)
    return struct.pack(">I4s", len(content), b"tEXt") + content + struct.pack(">I", checksum)
