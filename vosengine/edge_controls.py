"""Edge controls: how an object's mattes are finished, keyed by frame. Plain values.

`vosengine.finish` applies them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any

GROW_MOST, FEATHER_MOST, SMOOTHING_MOST = 40.0, 60.0, 5


@dataclass(frozen=True)
class EdgeControls:
    """The defaults change nothing.

    threshold: the coverage at which the edge lies, in (0, 1): more makes the object smaller where it is soft.
    grow: pixels of the clip that the edge moves outwards, inwards (choke) where negative.
    feather: pixels of the clip over which a hard edge is spread (four deviations of a Gaussian).
    contrast: 0 as it is, 1 hard.
    smoothing: frames on either side that steady the edge ("reduce chatter").
    motion_blur: the share of a frame's time that the shutter was open: softens edges along their motion.
    decontaminate: how much of the background's colour is taken out of the foreground's edge, in [0, 1].
    """

    threshold: float = 0.5
    grow: float = 0.0
    feather: float = 0.0
    contrast: float = 0.0
    smoothing: int = 0
    motion_blur: float = 0.0
    decontaminate: float = 0.0

    @property
    def is_neutral(self) -> bool:
        """Whether mattes stay bit for bit as they are; `decontaminate` changes colours alone."""
        return self == EdgeControls(decontaminate=self.decontaminate)

    def clipped(self) -> EdgeControls:
        """The nearest allowed values."""
        values = {name: min(max(getattr(self, name), least), most) for name, (least, most) in RANGES.items()}
        return EdgeControls(**{**values, "smoothing": round(values["smoothing"])})


RANGES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "threshold": (0.05, 0.95),
        "grow": (-GROW_MOST, GROW_MOST),
        "feather": (0.0, FEATHER_MOST),
        "contrast": (0.0, 1.0),
        "smoothing": (0, SMOOTHING_MOST),
        "motion_blur": (0.0, 1.0),
        "decontaminate": (0.0, 1.0),
    }
)
"""The least and the greatest value of each control."""

NEUTRAL = EdgeControls()

WHOLE_SHOT = -1
"""Before the first frame: where a key lies that holds for the whole shot and was set on no frame."""


@dataclass(frozen=True)
class EdgeTrack:
    """One object's controls: `keys` by frame, linear in between, held before the first and after the last.

    extra: of keys, what another edition knows of them; kept as it is.
    """

    keys: Mapping[int, EdgeControls] = field(default_factory=dict)
    extra: Mapping[int, Mapping[str, Any]] = field(default_factory=dict, compare=False, repr=False)

    def at(self, frame: int) -> EdgeControls:
        """The controls on a frame; neutral where there is no key at all."""
        frames = sorted(self.keys)
        if not frames:
            return NEUTRAL
        after = bisect_right(frames, frame)
        if after in (0, len(frames)):
            return self.keys[frames[min(after, len(frames) - 1)]]
        left, right = frames[after - 1], frames[after]
        return _between(self.keys[left], self.keys[right], (frame - left) / (right - left))

    def with_key(self, frame: int, controls: EdgeControls | None) -> EdgeTrack:
        """The same with another key, or without one, on a frame."""
        keys = {own: value for own, value in self.keys.items() if own != frame}
        return replace(self, keys=keys if controls is None else {**keys, frame: controls.clipped()})

    def with_values(self, values: Mapping[str, float]) -> EdgeTrack:
        """The same with some controls, by name, at one value on all frames. Values are clipped."""
        if not values:
            return self
        keys = self.keys or {WHOLE_SHOT: NEUTRAL}
        changed = {frame: replace(own, **values).clipped() for frame, own in keys.items()}  # type: ignore[arg-type]
        return replace(self, keys=changed)

    @property
    def is_neutral(self) -> bool:
        """Whether no frame's matte is changed."""
        return all(controls.is_neutral for controls in self.keys.values())


UNFINISHED = EdgeTrack()


def _between(left: EdgeControls, right: EdgeControls, share: float) -> EdgeControls:
    values = {
        each.name: getattr(left, each.name) * (1 - share) + getattr(right, each.name) * share
        for each in fields(EdgeControls)
    }
    return EdgeControls(**{**values, "smoothing": round(values["smoothing"])})


# --- in the project file ---------------------------------------------------------------------------------


def track_to_dict(track: EdgeTrack) -> dict[str, dict[str, Any]]:
    """The track as JSON values: the controls by frame."""
    keys = sorted(track.keys.items())
    return {str(frame): {**track.extra.get(frame, {}), **asdict(controls)} for frame, controls in keys}


def track_from_dict(values: object) -> EdgeTrack:
    """The track in JSON values; what is no frame or no number counts as not there, the rest is clipped."""
    entries = values.items() if isinstance(values, dict) else ()
    found = {int(frame): own for frame, own in entries if _is_frame(frame) and isinstance(own, dict)}
    keys = {frame: _controls(own) for frame, own in sorted(found.items())}
    return EdgeTrack(keys, {frame: extra for frame, own in found.items() if (extra := _unknown(own))})


def _unknown(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in RANGES}


def _is_frame(text: object) -> bool:
    return isinstance(text, str) and text.isascii() and text.removeprefix("-").isdecimal() and len(text) < 10


def _controls(values: Mapping[str, Any]) -> EdgeControls:
    numbers = {name: values[name] for name in RANGES if _is_number(values.get(name))}
    return EdgeControls(**numbers).clipped()


def _is_number(value: object) -> bool:
    """Whether a JSON value is a number, and no absurd one (not a number, infinite, thousands of digits)."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -1e9 < value < 1e9
