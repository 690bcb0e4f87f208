"""What an export makes of which frames, and where its writers and checks find pictures and mattes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vosengine.clip import Clip
from vosengine.errors import ExportError
from vosengine.export.matte_memory import MatteMemory
from vosengine.export.naming import clip_name, frame_digits, frame_file, named
from vosengine.export.timing import Timing, timecode_after, timing_of
from vosengine.finish import Cover, Motions, decontaminated, finished, reach_of, surroundings
from vosengine.language import tr
from vosengine.messages import ExportSource
from vosengine.png import read_matte
from vosengine.project import is_of_project
from vosengine.types import ClipInfo, Matte, Span


@dataclass(frozen=True)
class ExportProgress:
    """`done` of `total` frames written or checked; `what` names the stage and `detail` the frame."""

    done: int
    total: int
    what: str
    detail: str = ""


@dataclass(frozen=True)
class ExportResult:
    """What an export wrote (movies, or folders of pictures), and one plain line a check it passed."""

    files: tuple[Path, ...]
    report: tuple[str, ...]


@dataclass(frozen=True)
class Output:
    """One movie or folder: its place, and the objects in it."""

    target: Path
    sources: tuple[ExportSource, ...]

    @property
    def name(self) -> str:
        """How reports call it."""
        return self.target.name


class Plan:
    """One export's clip, frames and timing; reads the plate once a frame however many objects ask."""

    def __init__(self, clip: Clip, span: Span) -> None:
        """Raises ExportError for a span that is empty or leaves the clip."""
        info = clip.info
        if len(span) == 0 or span.stop > info.frame_count:
            raise ExportError(
                tr(
                    "Frames {start} to {stop} cannot be exported from a clip of {count}; choose a range "
                    "inside it that is not empty."
                ).format(start=span.start, stop=span.stop, count=info.frame_count)
            )
        self.info: ClipInfo = info
        self.span = span
        self.timing: Timing = timing_of(info, span)
        self._clip = clip
        self._digits = frame_digits(info, span)
        self._plate: tuple[int, NDArray[np.uint16]] | None = None
        self._stamps: dict[Path, tuple[int, int]] = {}
        self._motions = Motions(clip.image, info)
        self._memory = MatteMemory()
        self._finished: tuple[int, dict[int, Matte]] = (-1, {})  # of one frame, by object

    @property
    def timecode(self) -> str:
        """The timecode of the first exported frame, "" where the clip has none or no constant rate."""
        if not (self.info.timecode and self.timing.constant):
            return ""
        return timecode_after(self.info.timecode, self.timing.rate, self.span.start)

    def frame_file(self, frame: int) -> str:
        """The PNG file name of a frame, with the source's own number."""
        return frame_file(self.info, frame, self._digits)

    def plate(self, frame: int) -> NDArray[np.uint16]:
        """The footage, uint16 (height, width, 3) RGB."""
        if self._plate is None or self._plate[0] != frame:
            self._plate = (frame, self._clip.image16(frame))
        return self._plate[1]

    def matte(self, source: ExportSource, frame: int) -> Matte:
        """The object's matte with its edges finished, uint16 (height, width); empty where there is no file.

        Raises ProjectError for a damaged file and ExportError for one of another size than the clip, or
        that has changed since the export first read it.
        """
        if self._finished[0] != frame:
            self._finished = frame, {}
        known = self._finished[1]
        if source.object_id not in known:
            known[source.object_id] = self._finish(source, frame)
        return known[source.object_id]

    def foreground(self, sources: tuple[ExportSource, ...], frame: int) -> NDArray[np.uint16]:
        """The footage, the background's colour taken out of the objects' edges as their controls say."""
        amounts = [source.edges.at(frame).decontaminate for source in sources]
        if not any(amounts):
            return self.plate(frame)
        mattes = (self.matte(source, frame) for source in sources)
        return decontaminated(self.plate(frame), list(map(Cover, mattes, amounts)))

    def _finish(self, source: ExportSource, frame: int) -> Matte:
        controls, drawn = source.edges.at(frame), frame in source.drawn
        stored = partial(self._stored, source, reach_of(controls, drawn) > 0)
        matte = stored(frame)
        if matte is None:
            return np.zeros((self.info.height, self.info.width), np.uint16)
        return finished(matte, controls, surroundings(frame, controls, stored, self._motions, drawn))

    def _stored(self, source: ExportSource, is_asked_again: bool, frame: int) -> Matte | None:
        path = source.matte_files.get(frame)
        if path is None:
            return None
        self._refuse_changed(source, path)
        read = partial(self._read, source.name, path)
        return self._memory.matte(path, read) if is_asked_again else read()

    def _read(self, name: str, path: Path) -> Matte:
        shape = (self.info.height, self.info.width)
        matte = read_matte(path)
        if matte.shape != shape:
            raise ExportError(
                tr(
                    "The matte {path} measures {width}x{height} and the clip {clip_width}x{clip_height}; "
                    "propagate {name!r} again on this clip."
                ).format(
                    path=path,
                    width=matte.shape[1],
                    height=matte.shape[0],
                    clip_width=shape[1],
                    clip_height=shape[0],
                    name=name,
                )
            )
        return matte

    def joined(self, sources: tuple[ExportSource, ...], frame: int) -> Matte:
        """The matte of several objects as one, uint16 (height, width).

        Their coverages add up, at most to whole: objects share no ground, so that where two meet, each covers
        a part of the pixel, and the larger alone would leave a seam between them.
        """
        whole = self.matte(sources[0], frame)
        for source in sources[1:]:
            whole = np.asarray(cv2.add(whole, self.matte(source, frame)), np.uint16)
        return whole

    def _refuse_changed(self, source: ExportSource, path: Path) -> None:
        # An editor may go on drawing while an export runs; its check would then compare with newer mattes.
        if not path.exists():
            raise ExportError(
                tr("The matte {path} is gone; propagate {name!r} again and export then.").format(
                    path=path, name=source.name
                )
            )
        stat = path.stat()
        stamp = (stat.st_mtime_ns, stat.st_size)
        if self._stamps.setdefault(path, stamp) != stamp:
            raise ExportError(
                tr("The mattes of {name!r} changed during the export; export again.").format(name=source.name)
            )


def plan_outputs(
    info: ClipInfo,
    sources: tuple[ExportSource, ...],
    destination: Path,
    extension: str,
    combined: bool,
    name: str,
) -> list[Output]:
    """Where the export goes: inside the folder `destination`, or to the file it names.

    `extension` is "" for folders of pictures; `combined` puts all objects into one output. `name` is a
    pattern of `naming.named`; of a combined output, "{object}" is all their names. With several objects a
    file `cut.mov` becomes `cut_NAME.mov`. Raises ExportError without objects, for a bad pattern, and where
    an output would replace the footage or the mattes it is made of.
    """
    if not sources:
        raise ExportError(tr("There is no object to export; mark one and propagate it first."))
    groups = [sources] if combined else [(source,) for source in sources]
    if extension and destination.suffix.lower() == extension:
        name = destination.stem.replace("{", "{{").replace("}", "}}")
        destination = destination.parent
    objects = ["+".join(source.name for source in group) for group in groups]
    names = named(name, clip_name(info), objects)
    outputs = [
        Output(destination / f"{each}{extension}", group) for each, group in zip(names, groups, strict=True)
    ]
    for output in outputs:
        _refuse_own_material(info, output.target, sources)
    return outputs


def _refuse_own_material(info: ClipInfo, target: Path, sources: tuple[ExportSource, ...]) -> None:
    material = {info.path.resolve()}
    if info.is_sequence:
        material.add(info.path.parent.resolve())
    folders = {path.parent for source in sources for path in source.matte_files.values()}
    material.update(folder.resolve() for folder in folders)
    if target.resolve() in material or is_of_project(target.resolve()):
        raise ExportError(
            tr("{target} holds what the export is made of; choose another destination.").format(target=target)
        )
