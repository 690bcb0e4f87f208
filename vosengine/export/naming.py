"""Names of exported files: safe on every file system, unique, numbered as the footage is."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from string import Formatter

from vosengine.clip.numbering import find_sequence
from vosengine.errors import ExportError
from vosengine.language import tr
from vosengine.types import ClipInfo, Span

OBJECT, CLIP = "object", "clip"

# What Windows refuses in names, besides control characters; "/" also ends a name elsewhere.
FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
# File systems hold 255 bytes; the rest is left to suffixes and numbers.
LONGEST = 200
FEWEST_DIGITS = 4
_LAST_NUMBER = re.compile(r"\d+(?=\D*$)")


def safe_name(name: str, fallback: str = "object") -> str:
    """`name` as a file name for any system: forbidden characters become "_", other scripts stay."""
    name = FORBIDDEN.sub("_", unicodedata.normalize("NFC", name)).strip(". ")
    name = name.encode()[:LONGEST].decode(errors="ignore").rstrip(". ")
    if not name:
        return fallback
    return f"_{name}" if DEVICES.fullmatch(name) else name


def unique_names(names: Iterable[str]) -> list[str]:
    """Safe names in the same order; a repeated one gets "-2", "-3" (also where only case differs)."""
    taken: set[str] = set()
    unique = []
    for wanted in map(safe_name, names):
        name, count = wanted, 1
        while name.casefold() in taken:
            count += 1
            name = f"{wanted}-{count}"
        taken.add(name.casefold())
        unique.append(name)
    return unique


def named(pattern: str, clip: str, objects: Iterable[str]) -> list[str]:
    """One safe and unique name for each of `objects`, "{object}" and "{clip}" in `pattern` filled in.

    A pattern without "{object}" gets it at its end where there are several. Raises ExportError for braces
    that hold anything else.
    """
    objects = list(objects)
    fields = _fields(pattern)
    if len(objects) > 1 and OBJECT not in fields:
        pattern += f"_{{{OBJECT}}}"
    return unique_names(pattern.format(**{OBJECT: each, CLIP: clip}) for each in objects)


def _fields(pattern: str) -> set[str]:
    try:
        parsed = list(Formatter().parse(pattern))
    except ValueError:
        parsed = [("", "", "", None)]
    fields = {field for _, field, _, _ in parsed if field is not None}
    plain = all(not form and not conversion for _, _, form, conversion in parsed)
    if not plain or not fields <= {OBJECT, CLIP}:
        raise ExportError(
            tr(
                "The name {pattern!r} cannot be filled in; use {{{object}}} and {{{clip}}}, and no other "
                "braces."
            ).format(pattern=pattern, object=OBJECT, clip=CLIP)
        )
    return fields


def clip_name(info: ClipInfo) -> str:
    """A name for the clip: the file's without suffix, an image sequence's without its number."""
    path = info.path
    if not info.is_sequence:
        return safe_name(path.stem, "clip")
    if path.is_dir():
        return safe_name(path.name, "clip")
    stem = _LAST_NUMBER.sub("", path.stem).strip("._- ")
    return safe_name(stem or path.parent.name, "clip")


def frame_digits(info: ClipInfo, span: Span) -> int:
    """How many digits frame numbers get: the image sequence's own count, at least 4."""
    last = info.first_number + max(span.stop - 1, 0)
    return max(FEWEST_DIGITS, len(str(last)), _source_digits(info))


def frame_file(info: ClipInfo, frame: int, digits: int) -> str:
    """The PNG file name of a frame, with the source's own number."""
    return f"{info.first_number + frame:0{digits}d}.png"


def _source_digits(info: ClipInfo) -> int:
    if not info.is_sequence:
        return 0
    number = _LAST_NUMBER.search(find_sequence(info.path).files[0].stem)
    return len(number[0]) if number else 0
