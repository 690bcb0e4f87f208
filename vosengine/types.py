"""The plain values every layer speaks in. No torch, no OpenCV, no Qt.

Arrays: an *image* is uint8 (height, width, 3) RGB; a *mask* is hard, uint8 (height, width) in {0, 255}
(drawn annotations may have soft edges in between: the document keeps them, the engine gets hard ones);
a *matte* is soft, uint16 (height, width), 0 = background, 65535 = object; a *probability* is float32
(height, width) in [0, 1]. Frames are 0-based indices; object ids start at 1, 0 is the background (DAVIS).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vosengine.language import mark

Image = NDArray[np.uint8]
Mask = NDArray[np.uint8]
Matte = NDArray[np.uint16]
Probability = NDArray[np.float32]


@dataclass(frozen=True, order=True)
class Span:
    """A half-open range of frames, `start <= frame < stop`."""

    start: int
    stop: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.stop:
            raise ValueError(f"span {self.start}:{self.stop} must satisfy 0 <= start <= stop")

    def __len__(self) -> int:
        return self.stop - self.start

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.start, self.stop))

    def __contains__(self, frame: object) -> bool:
        return isinstance(frame, int) and self.start <= frame < self.stop

    def widened(self, frames: int) -> Span:
        """The same with so many frames more on either side, none of them before frame 0."""
        return Span(max(self.start - frames, 0), self.stop + frames)


@dataclass(frozen=True)
class Box:
    """An axis-aligned box in pixels: (x, y) is the top left corner; may be fractional."""

    x: float
    y: float
    width: float
    height: float

    @property
    def area(self) -> float:
        """Square pixels; 0 when either side is not positive."""
        return max(self.width, 0.0) * max(self.height, 0.0)

    def clipped(self, width: int, height: int) -> Box:
        """The part of the box inside a width x height frame (area 0 when it lies outside)."""
        x0, y0 = min(max(self.x, 0.0), width), min(max(self.y, 0.0), height)
        x1 = min(max(self.x + self.width, 0.0), width)
        y1 = min(max(self.y + self.height, 0.0), height)
        return Box(x0, y0, max(x1 - x0, 0.0), max(y1 - y0, 0.0))

    def iou(self, other: Box) -> float:
        """Intersection over union with another box; 0 where they do not meet."""
        across = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        down = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        common = max(across, 0.0) * max(down, 0.0)
        return common / (self.area + other.area - common) if common > 0 else 0.0


@dataclass(frozen=True)
class Annotation:
    """What a person drew or approved for one object on one frame: a mask, or only a box.

    `mask` has the clip's full resolution; exactly one of `mask` and `box` is set. An all-zero mask says
    that the object is absent on this frame.
    """

    frame: int
    object_id: int
    mask: Mask | None = None
    box: Box | None = None

    def __post_init__(self) -> None:
        if (self.mask is None) == (self.box is None):
            raise ValueError("an annotation holds exactly one of mask and box")

    @property
    def form(self) -> str:
        """What it says of its frame, in brief: equal for annotations that say the same."""
        said = repr(self.box).encode() if self.mask is None else np.packbits(self.mask > 0).tobytes()
        return hashlib.sha256(said).hexdigest()[:16]


class Direction(Enum):
    """Which way masks propagate from the annotations."""

    FORWARD = "forward"
    BACKWARD = "backward"
    BOTH = "both"


class Reason(StrEnum):
    """Why a prediction may be bad, in an editor's words."""

    LOST = mark("nothing was found")
    UNSURE = mark("the outline is uncertain")
    EDGE = mark("the outline is not on an edge of the picture")
    COLOURS = mark("the surroundings look like the object")


@dataclass(frozen=True)
class ColourTags:
    """Colour description of the source, by ffmpeg's names; "unknown" where the file does not say."""

    primaries: str = "unknown"
    transfer: str = "unknown"
    matrix: str = "unknown"
    full_range: bool = False


@dataclass(frozen=True)
class ClipInfo:
    """What is known of a clip after indexing it.

    `width`, `height` are as displayed (rotation applied). `rate` is the average frame rate.
    `timestamps` are exact presentation times in seconds, one a frame, the first one 0.
    `first_number` is the sequence's own number of frame 0 (1001, say); 0 for video files.
    `fingerprint` changes when the source's content does. `damage` says in one sentence where a truncated
    or corrupt file stops being readable, "" for a sound file.
    """

    path: Path
    width: int
    height: int
    rate: Fraction
    timestamps: tuple[Fraction, ...]
    fingerprint: str
    bit_depth: int = 8
    has_alpha: bool = False
    first_number: int = 0
    is_sequence: bool = False
    colour: ColourTags = field(default_factory=ColourTags)
    damage: str = ""
    timecode: str = ""

    @property
    def frame_count(self) -> int:
        """Number of readable frames."""
        return len(self.timestamps)

    @property
    def span(self) -> Span:
        """All frames."""
        return Span(0, self.frame_count)
