"""Propagation: the sweeps of a plan carried out, objects merged, results in order.

Objects are segmented separately and merged by the largest probability (iterative online training, section
3.3).
"""

from __future__ import annotations

import tempfile
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

import numpy as np
from torch import nn

from vosengine.evidence import Watch, watch_from
from vosengine.finetune import Shot
from vosengine.png import read_matte, write_matte
from vosengine.quality import Evidence
from vosengine.sweeps import Sweep, starts_of
from vosengine.types import Image, Probability


class Frames(Protocol):
    """Frames at working resolution by number."""

    width: int
    height: int

    def image(self, frame: int) -> Image:
        """uint8 RGB (height, width, 3)."""


class Track(Protocol):
    """One sweep of one object, frame by frame away from an annotated frame."""

    def segment(self, image: Image) -> Probability:
        """The object on the next frame."""

    def adapt(self) -> Iterator[float]:
        """Online adaptation before the next frame; yields the loss of each optimizer step."""


class Method(Protocol):
    """One way to learn an object and to find it again. One instance serves one object of one clip."""

    @property
    def network(self) -> nn.Module:
        """What fine-tuning trains."""

    def fine_tune(self, shots: Sequence[Shot], steps: int) -> Iterator[float]:
        """One-shot training; yields the loss after each optimizer step."""

    def begin(self, shots: Sequence[Shot], start: int) -> Track:
        """A sweep that starts at the annotated frame `start`, knowing all annotated frames."""

    def copied(self) -> Method:
        """A copy to train further while this one stays as it is."""


@dataclass(frozen=True)
class FrameResult:
    """The merged probabilities of a frame's predicted objects, at working resolution, and what was seen."""

    frame: int
    probabilities: Mapping[int, Probability]
    evidence: Mapping[int, Evidence]


class Adapting(Enum):
    """What `propagate` yields for a step of online adaptation."""

    ADAPTING = "adapting"


ADAPTING = Adapting.ADAPTING


def propagate(
    groups: Sequence[Sequence[Sweep]],
    methods: Mapping[int, Method],
    shots: Mapping[int, Sequence[Shot]],
    frames: Frames,
    wanted: Container[int],
) -> Iterator[FrameResult | Adapting | None]:
    """Segment the groups of a plan; yields each wanted frame's result once all objects got there.

    `shots` holds each object's annotated frames. Objects whose sweeps run together are segmented together; a
    frame waits on disk for objects that reach it from another side, so memory does not grow with the clip.
    Yields None for frames that are incomplete yet, or not wanted, and ADAPTING after each optimizer step of
    online adaptation.
    """
    expected: dict[int, set[int]] = {}
    for object_id, frame in starts_of(groups):
        expected.setdefault(frame, set()).add(object_id)
    with tempfile.TemporaryDirectory(prefix="rotoshot-") as folder:
        waiting = _Waiting(Path(folder), expected, shots)
        for group in groups:
            tracks = {s.object_id: methods[s.object_id].begin(shots[s.object_id], s.start) for s in group}
            watches = {s.object_id: watch_from(shots[s.object_id], s.start) for s in group}
            for frame in group[0].frames:
                image = frames.image(frame)
                found = {i: track.segment(image) for i, track in tracks.items()}
                yield waiting.arrived(frame, image, found, watches) if frame in wanted else None
                for track in tracks.values() if frame != group[0].frames[-1] else ():
                    for _ in track.adapt():
                        yield ADAPTING


class _Waiting:
    """Probabilities of frames that not all objects have reached, kept as 16-bit PNG files."""

    def __init__(
        self, folder: Path, expected: Mapping[int, set[int]], shots: Mapping[int, Sequence[Shot]]
    ) -> None:
        self.folder = folder
        self.expected = {frame: set(ids) for frame, ids in expected.items()}
        self.drawn = {i: {shot.frame: shot.mask for shot in known} for i, known in shots.items()}
        self.kept: dict[int, set[int]] = {}
        self.watches: dict[int, dict[int, Watch]] = {}

    def arrived(
        self, frame: int, image: Image, found: dict[int, Probability], watches: Mapping[int, Watch]
    ) -> FrameResult | None:
        """The frame's merged result once all its objects are there, and what is seen of each of them then."""
        missing = self.expected[frame]
        self.watches.setdefault(frame, {}).update(watches)
        missing.difference_update(found)
        if missing:
            for object_id, probability in found.items():
                write_matte(self._file(frame, object_id), np.rint(probability * 65535).astype(np.uint16))
            self.kept.setdefault(frame, set()).update(found)
            return None
        for object_id in self.kept.pop(frame, set()):
            file = self._file(frame, object_id)
            found[object_id] = np.asarray(read_matte(file) / np.float32(65535), np.float32)
            file.unlink()
        drawn = [masks[frame] for masks in self.drawn.values() if frame in masks]
        result = merged(found, drawn)
        seen = {i: watch.see(image, result[i]) for i, watch in self.watches.pop(frame).items()}
        return FrameResult(frame, result, seen)

    def _file(self, frame: int, object_id: int) -> Path:
        return self.folder / f"{object_id}-{frame}.png"


def merged(found: Mapping[int, Probability], drawn: Sequence[Probability] = ()) -> dict[int, Probability]:
    """Each pixel to the object of the largest probability; where masks were drawn, those come first.

    Each object keeps its probability less what stronger rivals claim, so soft edges of any two objects sum to
    at most 1; a lone object is unchanged.
    """
    if len(found) + len(drawn) == 1:
        return dict(found)
    result = {}
    for object_id, probability in found.items():
        rivals = [other for i, other in found.items() if i != object_id]
        strongest = np.maximum.reduce([*rivals, *drawn])
        result[object_id] = np.where(
            probability > strongest, probability, np.minimum(probability, 1 - strongest)
        )
        result[object_id] = np.where(
            (probability <= strongest) & (result[object_id] >= 0.5), np.float32(0.499), result[object_id]
        ).astype(np.float32)
    return result
