"""Which files make an image sequence, in which order, and what number each frame has."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from natsort import natsorted

from vosengine.errors import ClipError
from vosengine.language import tr

STILLS = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".exr", ".dpx"})

_LAST_DIGITS = re.compile(r"^(.*?)(\d+)(\D*)$", re.DOTALL)


@dataclass(frozen=True)
class Numbered:
    """The files of one sequence without gaps; the first one has number `first_number`.

    `gap` names the number missing right after the last file when the folder goes on beyond it, else None.
    """

    files: tuple[Path, ...]
    first_number: int
    gap: int | None = None


def is_still(path: Path) -> bool:
    """Whether the name is that of a picture file this package reads."""
    return path.suffix.lower() in STILLS and not path.name.startswith(".")


def find_sequence(path: Path) -> Numbered:
    """The sequence in a folder, or the one a file belongs to.

    Files belong together when their names differ in the last group of digits only. A folder is taken from
    its lowest number to the first gap; a file brings the unbroken run it lies in. A file without a number
    is a clip of one frame. Raises ClipError for a folder without pictures or with several sequences.
    """
    folder = path if path.is_dir() else path.parent
    groups = _groups(folder)
    if path.is_dir():
        return _run(_only_group(folder, groups), None)
    key, number = _parsed(path)
    if number is None:
        return Numbered((path,), 0)
    return _run(groups[key], number)


def numbered_files(path: Path) -> dict[int, Path]:
    """All files of the sequence in a folder, or of the one a file belongs to, by number; there may be gaps.

    A file without a number has number 0. Raises ClipError as `find_sequence` does.
    """
    folder = path if path.is_dir() else path.parent
    groups = _groups(folder)
    if path.is_dir():
        group = _only_group(folder, groups)
    else:
        key, number = _parsed(path)
        group = [(None, path)] if number is None else groups[key]
    return dict(sorted(_by_number(group).items()))


def _groups(folder: Path) -> dict[str, list[tuple[int | None, Path]]]:
    groups: dict[str, list[tuple[int | None, Path]]] = defaultdict(list)
    for file in natsorted(folder.iterdir(), key=lambda file: file.name):
        if is_still(file) and file.is_file():
            key, number = _parsed(file)
            groups[key].append((number, file))
    return groups


def _parsed(file: Path) -> tuple[str, int | None]:
    """A name with its frame number cut out, and the number."""
    parts = _LAST_DIGITS.match(file.stem)
    if parts is None:
        return file.name, None
    before, digits, after = parts.groups()
    return f"{before}#{after}{file.suffix.lower()}", int(digits)


def _only_group(
    folder: Path, groups: dict[str, list[tuple[int | None, Path]]]
) -> list[tuple[int | None, Path]]:
    if not groups:
        kinds = ", ".join(sorted(kind[1:].upper() for kind in STILLS if kind not in {".jpeg", ".tiff"}))
        raise ClipError(
            tr("{folder} holds no pictures; choose a folder with a sequence of {kinds} files.").format(
                folder=folder, kinds=kinds
            )
        )
    if len(groups) > 1:
        names = ", ".join(group[0][1].name for group in list(groups.values())[:3])
        raise ClipError(
            tr("{folder} holds several sequences ({names}, ...); open one file of the one you want.").format(
                folder=folder, names=names
            )
        )
    return next(iter(groups.values()))


def _run(group: list[tuple[int | None, Path]], chosen: int | None) -> Numbered:
    """The unbroken run around `chosen` (None: around the first number)."""
    by_number = _by_number(group)
    first = min(by_number) if chosen is None else chosen
    while chosen is not None and first - 1 in by_number:
        first -= 1
    stop = first
    while stop in by_number:
        stop += 1
    gap = stop if stop < max(by_number) else None
    return Numbered(tuple(by_number[number] for number in range(first, stop)), first, gap)


def _by_number(group: list[tuple[int | None, Path]]) -> dict[int, Path]:
    by_number: dict[int, Path] = {}
    for number, file in group:
        if number in by_number:
            raise ClipError(
                tr("{name} and {other} have the same frame number; move one of them away.").format(
                    name=by_number[number].name, other=file.name
                )
            )
        by_number[number or 0] = file
    return by_number
