"""Commands to the engine and the events it answers with: frozen plain values, no tensors.

Commands carry all they need, so undo needs no message to the engine. Arrays in messages are read-only.
Each job ends with exactly one of JobFinished, JobCancelled, JobFailed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from vosengine.config import Config
from vosengine.edge_controls import UNFINISHED, EdgeTrack
from vosengine.types import Annotation, Box, ClipInfo, Direction, Image, Mask, Matte, Reason, Span

Value = TypeVar("Value", bound=np.generic)


def read_only(array: NDArray[Value]) -> NDArray[Value]:
    """The same array, marked read-only (messages are shared between threads)."""
    array.flags.writeable = False
    return array


# --- commands -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OpenClip:
    """Index a clip and fill its proxy cache; `ClipOpened` comes before the proxies are complete."""

    path: Path
    cache_folder: Path | None = None


@dataclass(frozen=True)
class FineTune:
    """One-shot training of one model an object on the annotations; ends with `ModelReady`.

    `warm_start` continues from the current models instead of the parent, where they were made with the same
    config and the same object: marked on some frame in about the same place. An object whose annotations are
    all known learns nothing more. With a `models_folder` the result is also stored there, and `warm_start`
    may continue from it.
    """

    clip: Path
    annotations: tuple[Annotation, ...]
    config: Config
    revision: int = 0
    warm_start: bool = False
    cache_folder: Path | None = None
    models_folder: Path | None = None


@dataclass(frozen=True)
class Propagate:
    """Segment every frame of `span` with the current models; one `MaskPredicted` a frame and object.

    Frames annotated for an object are not predicted for it. `frames` names those of the span that are wanted,
    None all of them: the wanted get the masks that a whole run with these models gives them, and sweeps go no
    further than they must. All objects are predicted there, because where they meet each gives way to others.
    """

    clip: Path
    annotations: tuple[Annotation, ...]
    span: Span
    config: Config
    direction: Direction = Direction.BOTH
    revision: int = 0
    cache_folder: Path | None = None
    models_folder: Path | None = None
    frames: frozenset[int] | None = None


@dataclass(frozen=True)
class ExportSource:
    """Where an export finds one object's mattes: full-resolution 16-bit PNG files by frame.

    Frames without a file export as empty. `edges` finish them (see `vosengine.finish`); `drawn` are the
    frames that a person drew or approved.
    """

    object_id: int
    name: str
    matte_files: dict[int, Path]
    edges: EdgeTrack = UNFINISHED
    drawn: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Export:
    """Write mattes; see `vosengine.export` for the templates.

    combined: all objects in one output, or one output an object; None takes the template's usual way.
    name: the outputs' names, "{object}" and "{clip}" standing for theirs; "" takes the template's.
    """

    clip: Path
    sources: tuple[ExportSource, ...]
    span: Span
    template: str
    destination: Path
    overwrite: bool = False
    combined: bool | None = None
    name: str = ""


@dataclass(frozen=True)
class ReleaseModel:
    """Forget the fine-tuned models and free their memory."""


@dataclass(frozen=True)
class Segment:
    """Interactive: one object on one frame with the current model, guided by `guidance_mask` if given."""

    clip: Path
    frame: int
    object_id: int
    annotations: tuple[Annotation, ...]
    config: Config
    guidance_mask: Mask | None = None
    revision: int = 0
    cache_folder: Path | None = None
    models_folder: Path | None = None


@dataclass(frozen=True)
class Snap:
    """Interactive: snap a mask to the image's edges."""

    clip: Path
    frame: int
    object_id: int
    mask: Mask
    revision: int = 0


@dataclass(frozen=True)
class GrabCut:
    """Interactive: scribbles or a box to a mask.

    `scribbles` is uint8 (height, width): 0 unmarked, 1 background, 2 foreground. `previous` is the mask that
    they correct; with a `box`, what the networks find in that is. `live`: the pen still moves, so the answer
    may be coarser to come sooner.
    """

    image: Image
    scribbles: NDArray[np.uint8]
    frame: int
    object_id: int
    box: Box | None = None
    previous: Mask | None = None
    revision: int = 0
    live: bool = False


@dataclass(frozen=True)
class Correct:
    """Interactive: `previous`, the mask of one object on one frame, corrected by scribbles as in `GrabCut`.

    Its soft edges stay where it does not change. The object's fine-tuned model looks at the frame with the
    object's annotations on other frames in mind; where nothing was learned yet, GrabCut answers alone.
    `image` is the frame at full resolution.
    """

    clip: Path
    frame: int
    object_id: int
    image: Image
    scribbles: NDArray[np.uint8]
    previous: Mask
    annotations: tuple[Annotation, ...]
    config: Config
    revision: int = 0
    cache_folder: Path | None = None
    models_folder: Path | None = None


Command = OpenClip | FineTune | Propagate | Export | ReleaseModel | Segment | Snap | GrabCut | Correct
INTERACTIVE: tuple[type, ...] = (Segment, Snap, GrabCut, Correct)

# --- events ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class JobQueued:
    """The session accepted the command."""

    job_id: int


@dataclass(frozen=True)
class JobStarted:
    """The engine took the job up."""

    job_id: int


@dataclass(frozen=True)
class JobProgressed:
    """`done` of `total` units; `what` names the stage in plain words; `detail` may add a figure (loss)."""

    job_id: int
    done: int
    total: int
    what: str
    detail: str = ""


@dataclass(frozen=True)
class DeviceUsed:
    """What a job computes on: "CPU, 8 threads" or a card's name; the card's memory in bytes, else 0 of 0."""

    job_id: int
    device: str
    memory_used: int = 0
    memory_total: int = 0


@dataclass(frozen=True)
class ClipOpened:
    """The clip is indexed and can be shown."""

    job_id: int
    info: ClipInfo


@dataclass(frozen=True)
class MaskPreviewed:
    """How the model under training sees one frame right now; may be dropped. Working resolution."""

    job_id: int
    frame: int
    object_id: int
    matte: Matte


@dataclass(frozen=True)
class MaskPredicted:
    """A result; never dropped. `matte` has the clip's full resolution; `quality` in [0, 1] estimates J.

    `start` is the annotated frame it was propagated from: the frame itself for a mask made of a box.
    `reason` is what pulls that estimate down most, None where nothing does.
    """

    job_id: int
    frame: int
    object_id: int
    matte: Matte
    quality: float
    revision: int
    start: int | None = None
    reason: Reason | None = None


@dataclass(frozen=True)
class MaskDrawn:
    """Answer to `GrabCut`, `Correct` and `Snap`: a hard mask for the canvas."""

    job_id: int
    frame: int
    object_id: int
    mask: Mask
    revision: int


@dataclass(frozen=True)
class ModelReady:
    """Fine-tuning ended and its models are current.

    `cold` are the objects that were learned from the parent: none of their former results is up to date.
    """

    job_id: int
    object_ids: tuple[int, ...]
    steps: int
    revision: int
    cold: tuple[int, ...] = ()


@dataclass(frozen=True)
class ExportWritten:
    """The files of an export, read back and verified; `report` has one plain line a check."""

    job_id: int
    files: tuple[Path, ...]
    report: tuple[str, ...]


@dataclass(frozen=True)
class JobFinished:
    """The job did all it was asked."""

    job_id: int


@dataclass(frozen=True)
class JobCancelled:
    """The job was cancelled; what it had sent stands."""

    job_id: int


@dataclass(frozen=True)
class JobFailed:
    """The job failed. `expected` failures carry a sentence with the remedy; others also a traceback."""

    job_id: int
    message: str
    expected: bool
    traceback: str = ""


Event = (
    JobQueued
    | JobStarted
    | JobProgressed
    | DeviceUsed
    | ClipOpened
    | MaskPreviewed
    | MaskPredicted
    | MaskDrawn
    | ModelReady
    | ExportWritten
    | JobFinished
    | JobCancelled
    | JobFailed
)
END: tuple[type, ...] = (JobFinished, JobCancelled, JobFailed)


class EngineLike(Protocol):
    """What carries commands out: `vosengine.engine.Engine`, or a fake in tests."""

    def run(self, job_id: int, command: Command) -> Iterator[Event]:
        """One job's events, one step each, without those that frame a job (queued, started and the end).

        When a job is cancelled the generator is closed: clean up in `finally`.
        """
