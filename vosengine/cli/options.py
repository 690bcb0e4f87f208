"""Options that several subcommands share. Imports neither torch nor OpenCV."""

from __future__ import annotations

import argparse
from operator import attrgetter
from typing import Any

from vosengine.config import PRESET_NOTES, PRESETS, Config, preset, setting_names
from vosengine.edge_controls import NEUTRAL, RANGES
from vosengine.types import Span


def add_preset_arguments(parser: argparse.ArgumentParser) -> None:
    """`--preset` and `--set`, read by `config_of`."""
    notes = "; ".join(f"{name}: {note.rstrip('.')}" for name, note in PRESET_NOTES.items())
    parser.add_argument("--preset", default="balanced", choices=list(PRESETS), help=notes)
    names = ", ".join(setting_names())
    parser.add_argument(
        "--set",
        dest="changes",
        metavar="FIELD=VALUE",
        type=setting,
        action="append",
        default=[],
        help=f"change one setting of the preset (repeatable): {names}",
    )


def config_of(arguments: argparse.Namespace, **more: Any) -> Config:
    """The preset with its changes. Raises EngineError for an unknown setting."""
    return preset(arguments.preset, **{**dict(arguments.changes), **more})


def title_of(arguments: argparse.Namespace, **more: Any) -> str:
    """The preset's name with what was changed in it."""
    changed = {**dict(arguments.changes), **more}
    return " ".join([arguments.preset, *(f"{name}={value}" for name, value in changed.items())])


def setting(text: str) -> tuple[str, Any]:
    """`FIELD=VALUE`, the value of the field's own type."""
    name, equals, value = text.partition("=")
    known = setting_names()
    if not equals or name not in known:
        raise argparse.ArgumentTypeError(f"{text!r} is not FIELD=VALUE; the fields are {', '.join(known)}")
    try:
        return name, _parsed(value, known[name])
    except ValueError:
        example = attrgetter(name)(Config())
        raise argparse.ArgumentTypeError(f"{name} needs a value like {example!r}") from None


def span(text: str) -> Span:
    """`A:B`, frames A (included) to B (excluded); either may be left out."""
    start, colon, stop = text.partition(":")
    try:
        if not colon:
            raise ValueError
        return Span(int(start or 0), int(stop) if stop else LAST)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not A:B with A < B, such as 0:48") from None


LAST = 1 << 40
"""Stands for the clip's end in a span whose B was left out."""


def add_range_argument(parser: argparse.ArgumentParser) -> None:
    """`--range`."""
    text = "frames A (included) to B (excluded), counted from 0; either may be left out"
    parser.add_argument("--range", metavar="A:B", type=span, help=text)


def add_export_arguments(parser: argparse.ArgumentParser) -> None:
    """`--template`, `--combined`, `--per-object` and `--name`."""
    parser.add_argument(
        "--template", default="png16", help="export format: png16, prores4444, ffv1-luma, davis"
    )
    together = parser.add_mutually_exclusive_group()
    together.add_argument(
        "--combined", action="store_true", default=None, help="one output with the mattes of all objects"
    )
    together.add_argument(
        "--per-object", dest="combined", action="store_false", help="an output for each object"
    )
    text = "names of the outputs: {object} and {clip} stand for theirs (default {object}, {clip}_matte)"
    parser.add_argument("--name", metavar="PATTERN", default="", help=text)


def add_edge_arguments(parser: argparse.ArgumentParser) -> None:
    """`--edge`."""
    ranges = ", ".join(f"{name} {least:g}..{most:g}" for name, (least, most) in RANGES.items())
    parser.add_argument(
        "--edge",
        dest="edges",
        metavar="CONTROL=VALUE",
        type=edge_control,
        action="append",
        default=[],
        help=f"finish the edges of all objects so (repeatable): {ranges}",
    )


def edge_control(text: str) -> tuple[str, float]:
    """`CONTROL=VALUE`, within the control's range."""
    name, equals, value = text.partition("=")
    if not equals or name not in RANGES:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not CONTROL=VALUE; the controls are {', '.join(RANGES)}"
        )
    least, most = RANGES[name]
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if not least <= number <= most:
        raise argparse.ArgumentTypeError(f"{name} needs a number from {least:g} to {most:g}, not {value!r}")
    if isinstance(getattr(NEUTRAL, name), int) and not number.is_integer():
        raise argparse.ArgumentTypeError(f"{name} counts frames: it needs a whole number, not {value!r}")
    return name, number


def _parsed(value: str, kind: type) -> Any:
    if kind is not bool:
        return kind(value)
    if value.lower() not in ("true", "false"):
        raise ValueError(value)
    return value.lower() == "true"
