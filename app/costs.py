"""What a run costs on this machine, from what former runs took. No Qt, no torch.

Kept are seconds a learning step and seconds a frame and object, by device, settings and sizes: the last few
of each, whose median counts. Settings that were never run are reckoned from those that differ only in ways
whose price is known, else the cost is unknown.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from app.presets import preset_label
from vosengine.config import Config, config_from_dict, config_to_dict
from vosengine.errors import EngineError
from vosengine.types import ClipInfo

KEPT = 5  # measurements of each kind
MOST = 60  # cases that are remembered
STEP, FRAME = "step", "frame"
Size = tuple[int, int]


@dataclass(frozen=True)
class Case:
    """What unit times hang on: the device, the settings, the clip's size in pixels (width, height)."""

    device: str
    config: Config
    clip: Size

    @property
    def settings(self) -> Config:
        """Those that cost anything a unit."""
        return replace(self.config, seed=0, steps=0)

    @property
    def key(self) -> str:
        """Equal for cases that cost the same."""
        digest = hashlib.sha256(repr(self.settings).encode()).hexdigest()[:12]
        return f"{self.device}|{digest}|{self.clip[0]}x{self.clip[1]}"

    @property
    def working_pixels(self) -> float:
        """Of the frames the engine works on."""
        width, height = self.clip
        shrunk = min(1.0, self.config.working_side / max(width, height))
        return width * height * shrunk * shrunk

    @property
    def seen_pixels(self) -> float:
        """Of what the network sees of a frame."""
        area = self.config.crop_area
        return min(area, self.working_pixels) if area else self.working_pixels


@dataclass(frozen=True)
class Work:
    """What a run has to do: learning steps, frames to visit, and those times the objects found on each."""

    steps: int
    frames: int
    object_frames: int


@dataclass(frozen=True)
class UnitTimes:
    """Seconds a learning step and a frame of one object, None where unknown.

    source: the settings they were reckoned from, "" where they were measured with these.
    """

    step: float | None
    frame: float | None
    source: str = ""


@dataclass(frozen=True)
class Cost:
    """Seconds of learning, and a frame; `source` as in `UnitTimes`."""

    learning: float
    a_frame: float
    work: Work
    source: str = ""

    @property
    def seconds(self) -> float:
        """Altogether."""
        return self.learning + self.a_frame * self.work.frames


class Costs:
    """The measurements: `entries` is what the settings keep, by `Case.key`."""

    def __init__(self, entries: dict[str, Any]) -> None:
        """Take over stored entries, whose damaged ones are dropped."""
        self.entries = entries
        for key in [key for key, entry in entries.items() if _parsed(entry) is None]:
            del entries[key]

    def note(self, case: Case, unit: str, seconds: float) -> None:
        """A run took so many seconds a unit, STEP or FRAME (of one object)."""
        width, height = case.clip
        entry = self.entries.pop(
            case.key,
            {
                "device": case.device,
                "config": config_to_dict(case.config),
                "clip": [width, height],
                STEP: [],
                FRAME: [],
            },
        )
        entry[unit] = [*entry[unit], round(seconds, 5)][-KEPT:]
        self.entries[case.key] = entry
        for oldest in list(self.entries)[:-MOST]:
            del self.entries[oldest]

    def unit_times(self, case: Case) -> UnitTimes:
        """Measured where it can be, else reckoned from the case that is most alike."""
        own = self._measured(case)
        if own is not None and own.step is not None and own.frame is not None:
            return own
        for known, times in sorted(self._others(case), key=lambda pair: _unlikeness(case, pair[0])):
            reckoned = _scaled(times, known, case)
            if own is not None:
                reckoned = replace(
                    reckoned,
                    step=reckoned.step if own.step is None else own.step,
                    frame=reckoned.frame if own.frame is None else own.frame,
                )
            if reckoned.step is not None and reckoned.frame is not None:
                return reckoned
        return own or UnitTimes(None, None)

    def cost(self, case: Case, work: Work) -> Cost | None:
        """What the work costs; None where that is unknown."""
        times = self.unit_times(case)
        step = 0.0 if work.steps == 0 else times.step
        frame = 0.0 if work.object_frames == 0 else times.frame
        if step is None or frame is None:
            return None
        a_frame = frame * work.object_frames / work.frames if work.frames else 0.0
        return Cost(step * work.steps, a_frame, work, times.source)

    def _measured(self, case: Case) -> UnitTimes | None:
        entry = self.entries.get(case.key)
        return None if entry is None else _times(entry)

    def _others(self, case: Case) -> Iterator[tuple[Case, UnitTimes]]:
        for key, entry in self.entries.items():
            parsed = _parsed(entry)
            if parsed is not None and key != case.key and _is_like(parsed, case):
                yield parsed, _times(entry)


def _is_like(known: Case, case: Case) -> bool:
    """Whether they differ only in ways whose price is known: batch, crop, mirroring, sizes."""
    mine, theirs = (
        replace(each.settings, rate=0, batch_size=1, parent_share=0, crop_area=0, flip=False)
        for each in (known, case)
    )
    return known.device == case.device and mine == theirs


def _unlikeness(case: Case, known: Case) -> tuple[bool, float]:
    """Other settings are worse than another size; of sizes the nearest is best."""
    ratio = known.clip[0] * known.clip[1] / (case.clip[0] * case.clip[1])
    return known.settings != case.settings, max(ratio, 1 / ratio)


def _scaled(times: UnitTimes, known: Case, case: Case) -> UnitTimes:
    """Learning goes with the pixels of a batch, a frame with what is seen of it or with its size."""
    seen = case.seen_pixels / known.seen_pixels
    size = case.clip[0] * case.clip[1] / (known.clip[0] * known.clip[1])
    looks = (1 + case.config.flip) / (1 + known.config.flip)
    batch = case.config.batch_size / known.config.batch_size
    alike = known.settings == case.settings
    source = _size_text(known.clip) if alike else preset_label(known.config)
    step = None if times.step is None else times.step * seen * batch
    frame = None if times.frame is None else times.frame * max(seen * looks, size if size > 1 else 0)
    return UnitTimes(step, frame, source)


def _size_text(size: Size) -> str:
    return f"{size[0]} × {size[1]}"


def _times(entry: Mapping[str, Any]) -> UnitTimes:
    return UnitTimes(_median(entry[STEP]), _median(entry[FRAME]))


def _median(values: Sequence[float]) -> float | None:
    return median(values) if values else None


def _parsed(entry: Any) -> Case | None:
    """The case of a stored entry; None for a damaged one, or one of settings that are no more."""
    try:
        config = config_from_dict(entry["config"])
        width, height = map(int, entry["clip"])
        sound = all(0 < value < math.inf for unit in (STEP, FRAME) for value in entry[unit])
    except (EngineError, KeyError, OverflowError, TypeError, ValueError):
        return None
    return Case(str(entry["device"]), config, (width, height)) if sound and width > 0 < height else None


def case_of(device: str, config: Config, clip: ClipInfo) -> Case:
    """The case of a run on a clip."""
    return Case(device, config, (clip.width, clip.height))
