"""The marks of `cut`: `--mask`, `--box` and `--scribbles`, each for the `--object` named before it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vosengine.errors import AnnotationError
from vosengine.types import Box


@dataclass(frozen=True)
class Mark:
    """One mark on one frame: exactly one of `mask`, `box` and `scribbles` is set."""

    frame: int
    mask: Path | None = None
    box: Box | None = None
    scribbles: Path | None = None


@dataclass(frozen=True)
class MarkedObject:
    """A name and the marks that say what it is."""

    name: str
    marks: tuple[Mark, ...]


class _Append(argparse.Action):
    """Keeps all kinds of marks and the names between them in one list, in the order given."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        namespace.marks = [*getattr(namespace, "marks", []), values]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options that fill `arguments.marks`, for `marked_objects`."""
    group = parser.add_argument_group("marks (frames are 0-based; at least one mark an object)")
    parser.set_defaults(marks=[])
    mask_help = "PNG of the object on a frame; a palette PNG with several ids marks several objects"
    group.add_argument("--mask", metavar="FRAME=PNG", type=mask_mark, action=_Append, help=mask_help)
    box_help = "a box round the object, in pixels from the top left"
    group.add_argument("--box", metavar="FRAME=X,Y,W,H", type=box_mark, action=_Append, help=box_help)
    scribble_help = "PNG of strokes: 0 unmarked, 1 background, 2 object (palette or grey values)"
    group.add_argument(
        "--scribbles", metavar="FRAME=PNG", type=scribbles_mark, action=_Append, help=scribble_help
    )
    object_help = "start another object: the marks that follow are its own"
    group.add_argument("--object", metavar="NAME", type=str, action=_Append, help=object_help)


def mask_mark(text: str) -> Mark:
    """`FRAME=PNG`."""
    frame, value = _split(text)
    return Mark(frame, mask=Path(value))


def scribbles_mark(text: str) -> Mark:
    """`FRAME=PNG`."""
    frame, value = _split(text)
    return Mark(frame, scribbles=Path(value))


def box_mark(text: str) -> Mark:
    """`FRAME=X,Y,W,H`, pixels; width and height above 0."""
    frame, value = _split(text)
    try:
        x, y, width, height = (float(number) for number in value.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{value!r} is not X,Y,W,H in pixels") from None
    if width <= 0 or height <= 0:
        raise argparse.ArgumentTypeError(f"the box {value!r} is empty")
    return Mark(frame, box=Box(x, y, width, height))


def marked_objects(items: Sequence[Mark | str]) -> tuple[MarkedObject, ...]:
    """The objects in the order of the command line; marks before any name belong to "object".

    Raises AnnotationError for an object without marks, and for no marks at all.
    """
    groups: list[tuple[str, list[Mark]]] = []
    for item in items:
        if isinstance(item, str):
            groups.append((item, []))
        elif groups:
            groups[-1][1].append(item)
        else:
            groups.append(("object", [item]))
    if not groups:
        raise AnnotationError("Nothing is marked; give --mask, --box or --scribbles for at least one frame.")
    for name, marks in groups:
        if not marks:
            raise AnnotationError(
                f"The object {name!r} has no marks; give --mask, --box or --scribbles after it."
            )
    return tuple(MarkedObject(name, tuple(marks)) for name, marks in groups)


def _split(text: str) -> tuple[int, str]:
    frame, equals, value = text.partition("=")
    if not equals or not value or not frame.isdigit():
        raise argparse.ArgumentTypeError(
            f"{text!r} must start with a frame number and '=', such as 0=first.png"
        )
    return int(frame), value
