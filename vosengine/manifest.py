"""`project.roto`: what a project knows besides its pictures, as one versioned JSON document.

A manifest of an older version is upgraded as a plain dict, one version at a time, before it is parsed. Keys
this edition does not know are kept and written back. Layout of version 3::

    schema, version, revision, next_object_id, next_batch, open_batches, frame, object, in, out, config
    clip: path, relative, fingerprint, width, height, rate, frame_count or time_base + ticks, ...
    objects: [{id, name, colour, visible, locked, boxes: {frame: [x, y, width, height]},
        box_revisions: {frame: revision}, approved, muted, mattes: [[first frame, frame after, batch]],
        edges: {frame: {control: value}}}]

Until version 2 all mattes in the folder were in force; since then `vosengine.batches` says which.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass, field, fields
from fractions import Fraction
from math import lcm
from pathlib import Path
from typing import Any

from vosengine.batches import Stretch
from vosengine.config import Config, config_from_dict, config_to_dict
from vosengine.edge_controls import UNFINISHED, EdgeTrack, track_from_dict, track_to_dict
from vosengine.errors import ProjectError
from vosengine.language import tr
from vosengine.project_io import absolute
from vosengine.types import Box, ClipInfo, ColourTags, Span

SCHEMA = "rotoshot-project"
VERSION = 3

Key = tuple[int, int]
"""(object_id, frame): where an annotation, a scribble or a prediction belongs."""

# Paul Tol's "bright" and "vibrant" schemes: told apart by colour-blind eyes too.
COLOURS = ("#ee7733", "#33bbee", "#ee3377", "#ccbb44", "#009988", "#aa3377", "#66ccee", "#cc3311")


@dataclass(frozen=True)
class RotoObject:
    """One thing to cut out. `colour` is "#rrggbb"; while `locked` neither edits nor predictions change it."""

    object_id: int
    name: str
    colour: str = COLOURS[0]
    visible: bool = True
    locked: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class Manifest:
    """The content of `project.roto`.

    revision: of all annotations; box_revisions: when each box got its form, as a mask's note says.
    muted: predictions not to be listed among the worst. edges: how mattes are finished, by object.
    mattes: the batches in force, by object id; next_batch: the first number that is free; open_batches: those
    to which mattes are being added.
    span: in and out; frame, object_id: what was current. config: the settings of the next run.
    export: what the last export was asked to be, the application's JSON.
    extra, clip_extra, config_extra: keys of other editions, kept as they are.
    """

    clip: ClipInfo
    objects: tuple[RotoObject, ...] = ()
    boxes: Mapping[Key, Box] = field(default_factory=dict)
    approved: frozenset[Key] = frozenset()
    muted: frozenset[Key] = frozenset()
    revision: int = 0
    box_revisions: Mapping[Key, int] = field(default_factory=dict)
    next_object_id: int = 1
    mattes: Mapping[int, tuple[Stretch, ...]] = field(default_factory=dict)
    next_batch: int = 0
    open_batches: frozenset[int] = frozenset()
    span: Span | None = None
    frame: int = 0
    object_id: int = 0
    config: Config = field(default_factory=Config)
    edges: Mapping[int, EdgeTrack] = field(default_factory=dict)
    export: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    clip_extra: Mapping[str, Any] = field(default_factory=dict)
    config_extra: Mapping[str, Any] = field(default_factory=dict)


def colour_of(object_id: int) -> str:
    """The colour a new object gets."""
    return COLOURS[(object_id - 1) % len(COLOURS)]


def name_of(object_id: int) -> str:
    """The name a new object gets."""
    return tr("Object {number}").format(number=object_id)


# --- writing ---------------------------------------------------------------------------------------------


def dump(manifest: Manifest, folder: Path) -> str:
    """The manifest as JSON text, the clip's path given both as it is and relative to `folder`."""
    span = manifest.span or manifest.clip.span
    values = {
        **manifest.extra,
        "schema": SCHEMA,
        "version": VERSION,
        "revision": manifest.revision,
        "next_object_id": manifest.next_object_id,
        "next_batch": manifest.next_batch,
        "open_batches": sorted(manifest.open_batches),
        "frame": manifest.frame,
        "object": manifest.object_id,
        "in": span.start,
        "out": span.stop,
        "config": {**manifest.config_extra, **config_to_dict(manifest.config)},
        "export": dict(manifest.export),
        "clip": {**manifest.clip_extra, **_dump_clip(manifest.clip, folder)},
        "objects": [_dump_object(manifest, each) for each in manifest.objects],
    }
    # ASCII only: a path that is no valid Unicode (a stray byte on Linux) survives as an escape.
    return json.dumps(values, indent=1, ensure_ascii=True)


def _dump_object(manifest: Manifest, each: RotoObject) -> dict[str, Any]:
    own = each.object_id
    return {
        **each.extra,
        "id": own,
        "name": each.name,
        "colour": each.colour,
        "visible": each.visible,
        "locked": each.locked,
        "boxes": {
            str(frame): [box.x, box.y, box.width, box.height]
            for (object_id, frame), box in sorted(manifest.boxes.items())
            if object_id == own
        },
        "box_revisions": {
            str(frame): revision
            for (object_id, frame), revision in sorted(manifest.box_revisions.items())
            if object_id == own
        },
        "approved": sorted(frame for object_id, frame in manifest.approved if object_id == own),
        "muted": sorted(frame for object_id, frame in manifest.muted if object_id == own),
        "mattes": list(manifest.mattes.get(own, ())),
        "edges": track_to_dict(manifest.edges.get(own, UNFINISHED)),
    }


def _dump_clip(clip: ClipInfo, folder: Path) -> dict[str, Any]:
    path = absolute(clip.path)
    return {
        "path": str(path),
        "relative": _relative(path, folder),
        "fingerprint": clip.fingerprint,
        "width": clip.width,
        "height": clip.height,
        "rate": str(clip.rate),
        **_dump_times(clip),
        "bit_depth": clip.bit_depth,
        "has_alpha": clip.has_alpha,
        "first_number": clip.first_number,
        "is_sequence": clip.is_sequence,
        "colour": asdict(clip.colour),
        "damage": clip.damage,
        "timecode": clip.timecode,
    }


def _relative(path: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive of Windows
        return ""


def _dump_times(clip: ClipInfo) -> dict[str, Any]:
    """Exact timestamps: only their number at a constant rate, else whole ticks of a time base."""
    times = clip.timestamps
    if clip.rate > 0 and all(time == frame / clip.rate for frame, time in enumerate(times)):
        return {"frame_count": len(times)}
    denominator = lcm(*(time.denominator for time in times))
    return {"time_base": f"1/{denominator}", "ticks": [int(time * denominator) for time in times]}


# --- reading ---------------------------------------------------------------------------------------------


def load(text: str, folder: Path) -> Manifest:
    """The manifest in `text`; the clip's path is the one that exists, the relative one before the absolute.

    Raises ProjectError for a newer version (naming the remedy) and ValueError for damaged text.
    """
    values = json.loads(text)
    if not isinstance(values, dict) or values.get("schema") != SCHEMA:
        raise ValueError(f"the schema is not {SCHEMA!r}")
    version = values.get("version")
    if isinstance(version, int) and version > VERSION:
        raise ProjectError(
            tr(
                "{folder} was saved by a newer Rotoshot (project version {version}, this one reads up to "
                "{known}); open it with that newer Rotoshot."
            ).format(folder=folder, version=version, known=VERSION)
        )
    try:
        return _parse(upgraded(values), folder)
    except (KeyError, TypeError, AttributeError, ZeroDivisionError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def upgraded(values: dict[str, Any]) -> dict[str, Any]:
    """The same manifest in the layout of the current version."""
    while values["version"] != VERSION:
        values = _UPGRADES[values["version"]](values)
    return values


def _from_1(values: dict[str, Any]) -> dict[str, Any]:
    """Version 1 listed the objects by name alone, numbered from 1, and the approved frames by pairs."""
    objects = [
        {"id": number, "name": name, "colour": colour_of(number)}
        for number, name in enumerate(values["objects"], start=1)
    ]
    approved = values.get("approved", [])
    for each in objects:
        each["approved"] = [frame for object_id, frame in approved if object_id == each["id"]]
    kept = {name: value for name, value in values.items() if name != "approved"}
    return {**kept, "version": 2, "objects": objects, "next_object_id": len(objects) + 1}


def _from_2(values: dict[str, Any]) -> dict[str, Any]:
    """Version 2 knew no batches: each matte is newer than its manifest."""
    return {**values, "version": 3}


_UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _from_1, 2: _from_2}

_KNOWN_NUMBERS = {"version", "revision", "next_object_id", "next_batch", "frame", "object", "in", "out"}
_KNOWN = _KNOWN_NUMBERS | {"schema", "open_batches", "config", "export", "clip", "objects"}
_KNOWN_OF_OBJECT = {
    "id", "name", "colour", "visible", "locked", "boxes", "box_revisions", "approved", "muted",
    "mattes", "edges",
    "revision",  # of the object, which its boxes had in common in earlier editions
}  # fmt: skip
_KNOWN_OF_CLIP = {each.name for each in fields(ClipInfo)} | {"relative", "frame_count", "time_base", "ticks"}
_KNOWN_OF_CONFIG = {each.name for each in fields(Config)}


def _parse(values: dict[str, Any], folder: Path) -> Manifest:
    clip = _parse_clip(values["clip"], folder)
    entries = [(_parse_object(entry), entry) for entry in values["objects"]]
    config = values.get("config", {})
    last = max((each.object_id for each, _ in entries), default=0)
    return Manifest(
        clip=clip,
        objects=tuple(each for each, _ in entries),
        boxes={
            (each.object_id, int(frame)): Box(*map(float, sides))
            for each, entry in entries
            for frame, sides in entry.get("boxes", {}).items()
        },
        approved=_frames(entries, "approved"),
        muted=_frames(entries, "muted"),
        revision=int(values.get("revision", 0)),
        box_revisions={
            (each.object_id, int(frame)): int(revisions.get(frame, entry.get("revision", 0)))
            for each, entry in entries
            for revisions in [entry.get("box_revisions", {})]
            for frame in entry.get("boxes", {})
        },
        next_object_id=max(int(values.get("next_object_id", 1)), last + 1),
        mattes={each.object_id: _stretches(entry) for each, entry in entries if entry.get("mattes")},
        next_batch=int(values.get("next_batch", 0)),
        open_batches=frozenset(map(int, values.get("open_batches", ()))),
        span=Span(int(values.get("in", 0)), int(values.get("out", clip.frame_count))),
        frame=int(values.get("frame", 0)),
        object_id=int(values.get("object", 0)),
        edges={
            each.object_id: track
            for each, entry in entries
            if (track := track_from_dict(entry.get("edges"))).keys
        },
        config=config_from_dict({name: config[name] for name in config if name in _KNOWN_OF_CONFIG}),
        export=dict(values.get("export", {})),
        extra=_unknown(values, _KNOWN),
        clip_extra=_unknown(values["clip"], _KNOWN_OF_CLIP),
        config_extra=_unknown(config, _KNOWN_OF_CONFIG),
    )


def _frames(entries: list[tuple[RotoObject, dict[str, Any]]], name: str) -> frozenset[Key]:
    return frozenset((each.object_id, int(frame)) for each, entry in entries for frame in entry.get(name, []))


def _stretches(entry: dict[str, Any]) -> tuple[Stretch, ...]:
    return tuple((int(first), int(stop), int(batch)) for first, stop, batch in entry["mattes"])


def _parse_object(entry: dict[str, Any]) -> RotoObject:
    return RotoObject(
        object_id=int(entry["id"]),
        name=str(entry["name"]),
        colour=str(entry.get("colour", colour_of(int(entry["id"])))),
        visible=bool(entry.get("visible", True)),
        locked=bool(entry.get("locked", False)),
        extra=_unknown(entry, _KNOWN_OF_OBJECT),
    )


def _parse_clip(entry: dict[str, Any], folder: Path) -> ClipInfo:
    rate = Fraction(entry["rate"])
    if "ticks" in entry:
        time_base = Fraction(entry["time_base"])
        times = tuple(tick * time_base for tick in entry["ticks"])
    else:
        times = tuple(frame / rate for frame in range(int(entry["frame_count"])))
    return ClipInfo(
        path=_found(entry, folder),
        width=int(entry["width"]),
        height=int(entry["height"]),
        rate=rate,
        timestamps=times,
        fingerprint=str(entry["fingerprint"]),
        bit_depth=int(entry.get("bit_depth", 8)),
        has_alpha=bool(entry.get("has_alpha", False)),
        first_number=int(entry.get("first_number", 0)),
        is_sequence=bool(entry.get("is_sequence", False)),
        colour=ColourTags(**entry.get("colour", {})),
        damage=str(entry.get("damage", "")),
        timecode=str(entry.get("timecode", "")),
    )


def _found(entry: dict[str, Any], folder: Path) -> Path:
    # Relative first: a shot copied with its footage means the copy, not the original it came from.
    beside = Path(os.path.normpath(folder / entry["relative"])) if entry.get("relative") else None
    return beside if beside is not None and beside.exists() else Path(entry["path"])


def _unknown(entry: dict[str, Any], known: AbstractSet[str]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name not in known}
