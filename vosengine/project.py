"""An open project folder: its pictures and manifest. Opened and made by `vosengine.project_file`.

Every file is written beside its place and moved into it. The pictures carry their revision (and quality) in
a note of their own (`vosengine.png_note`), so that none of them depends on a manifest written later. One
thread at a time may write; reading is free.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from vosengine import batches, png, png_note, project_io
from vosengine.edge_controls import SMOOTHING_MOST, UNFINISHED
from vosengine.errors import AnnotationError, ProjectError
from vosengine.language import tr
from vosengine.manifest import Key, Manifest, RotoObject, colour_of, dump, name_of
from vosengine.messages import ExportSource, read_only
from vosengine.project_lock import ProjectLock
from vosengine.types import Annotation, Box, ClipInfo, Mask, Matte, Reason, Span

MANIFEST = "project.roto"
OWN_FOLDERS = frozenset({"annotations", "scribbles", "mattes", "models", "cache", "history"})
UNKNOWN_REVISION = -1  # of a matte without a note: never up to date

Scribbles = NDArray[np.uint8]
_Picture = TypeVar("_Picture", NDArray[np.uint8], NDArray[np.uint16])


MatteName = tuple[int, int, int]
"""Object, frame and batch."""

Origin = tuple[int, int]
"""An annotated frame, and the revision in which its annotation got the form it had."""


@dataclass(frozen=True)
class StoredMask:
    """An annotated mask as found on disk, with the revision it was drawn in."""

    object_id: int
    frame: int
    mask: Mask
    revision: int


@dataclass(frozen=True)
class StoredPrediction:
    """What is known of a matte without decoding it.

    revision: of the annotations that were known. origin: what it was propagated from, None where unknown.
    footprint: the application's, "" for none. batch: with object and frame the matte's name for ever, see
    `vosengine.batches`.
    """

    object_id: int
    frame: int
    quality: float
    revision: int
    origin: Origin | None = None
    reason: Reason | None = None
    footprint: str = ""
    batch: int = 0


def is_of_project(path: Path) -> bool:
    """Whether it is a project's folder, or lies in one of those where a project keeps its own files."""
    own = (folder for folder in path.parents if path.relative_to(folder).parts[0] in OWN_FOLDERS)
    return any(_is_file(folder / MANIFEST) for folder in (path, *own))


def _is_file(path: Path) -> bool:
    with suppress(OSError):  # a name too long, a folder that is closed to us
        return path.is_file()
    return False


def harden(matte: Matte) -> Mask:
    """The mask of a matte: pixels covered by half or more."""
    return np.where(matte >= 0x8000, np.uint8(255), np.uint8(0))


def without_soft_edges(mask: Mask) -> Mask:
    """A mask without its soft edges: pixels covered by half or more are 255, others 0."""
    return np.where(mask > 127, np.uint8(255), np.uint8(0))


def soften(mask: Mask) -> Matte:
    """The matte of a mask: 0 and 65535, and of its soft edges what lies between."""
    return mask.astype(np.uint16) * np.uint16(257)


class Project:
    """An open, locked project folder. Make it with `create_project` or `open_project`; close it in the end.

    manifest: replace it with `write_manifest`. clip_missing: the footage is not where it was; `relink`.
    messages: what was repaired or set aside since opening, one sentence each. was_killed: the last process
    that had it open ended without closing it. adopted: objects that were taken in on opening.
    """

    def __init__(
        self, folder: Path, manifest: Manifest, lock: ProjectLock, messages: Sequence[str] = ()
    ) -> None:
        self.folder = folder
        self.manifest = manifest
        self.messages = list(messages)
        self.was_killed = lock.was_left
        self.adopted: frozenset[int] = frozenset()
        self._lock = lock

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the folder. What was written stands; nothing is written here."""
        self._lock.release()

    @property
    def cache_folder(self) -> Path:
        """Disposable files: proxies, exports in the making."""
        return self.folder / "cache"

    @property
    def history_folder(self) -> Path:
        """The application's: steps that can be undone and redone."""
        return self.folder / "history"

    @property
    def models_folder(self) -> Path:
        """Fine-tuned weights, one safetensors file an object."""
        return self.folder / "models"

    @property
    def clip_missing(self) -> bool:
        """Whether the footage is not where the project left it."""
        return not self.manifest.clip.path.exists()

    def write_manifest(self, manifest: Manifest | None = None) -> None:
        """Write `project.roto`, with new content if given. Raises ProjectError."""
        self.manifest = manifest or self.manifest
        project_io.write(self.folder / MANIFEST, dump(self.manifest, self.folder).encode("ascii"))

    def relink(self, clip: ClipInfo, accept_changed: bool = False) -> None:
        """Use this footage from now on. Raises ProjectError when it does not fit, see `check_same_clip`."""
        check_same_clip(self.manifest.clip, clip, accept_changed)
        self.write_manifest(replace(self.manifest, clip=clip))

    # --- objects and boxes: the command line's way; the application writes whole manifests ----------------

    def add_object(self, name: str = "", colour: str = "") -> RotoObject:
        """A new object; ids are never used twice."""
        number = self.manifest.next_object_id
        added = RotoObject(number, name or name_of(number), colour or colour_of(number))
        objects = (*self.manifest.objects, added)
        self.write_manifest(replace(self.manifest, objects=objects, next_object_id=number + 1))
        return added

    def write_box(self, object_id: int, frame: int, box: Box) -> None:
        """Annotate a frame with a box."""
        boxes = {**self.manifest.boxes, (object_id, frame): box}
        self.write_manifest(replace(self.manifest, boxes=boxes))

    # --- annotations and scribbles ------------------------------------------------------------------------

    def annotation_file(self, object_id: int, frame: int) -> Path:
        """Where the mask is."""
        return self._file("annotations", object_id, frame)

    def write_annotation(self, object_id: int, frame: int, mask: Mask, revision: int = 0) -> None:
        """Store a mask at the clip's size, uint8 {0, 255}, soft edges between. AnnotationError for another
        size.
        """
        self._check_size(mask)
        content = png_note.encode(mask, {"revision": revision})
        project_io.write(self.annotation_file(object_id, frame), content)

    def read_annotation(self, object_id: int, frame: int) -> Mask | None:
        """The stored mask, soft edges included, or None. A damaged file is set aside (see `messages`) and
        counts as none.
        """
        path = self.annotation_file(object_id, frame)
        own = bool(png_note.read(path))  # other programs' masks may hold ids and need not be 0 or 255
        return self._read(path, png.read_soft_mask if own else png.read_mask)

    def remove_annotation(self, object_id: int, frame: int) -> None:
        """Remove the mask if there is one."""
        project_io.remove(self.annotation_file(object_id, frame))

    def stored_masks(self) -> Iterator[StoredMask]:
        """All annotated masks by object and frame; damaged ones are set aside on the way."""
        for object_id, frame in self._stored("annotations"):
            revision = _revision(png_note.read(self.annotation_file(object_id, frame)), 0)
            mask = self.read_annotation(object_id, frame)
            if mask is not None:
                yield StoredMask(object_id, frame, mask, revision)

    def scribbles_file(self, object_id: int, frame: int) -> Path:
        """Where the marks are."""
        return self._file("scribbles", object_id, frame)

    def write_scribbles(self, object_id: int, frame: int, scribbles: Scribbles) -> None:
        """Store marks, uint8 {0, 1, 2}, at the clip's size."""
        self._check_size(scribbles)
        project_io.write(self.scribbles_file(object_id, frame), png_note.encode(scribbles, {}))

    def read_scribbles(self, object_id: int, frame: int) -> Scribbles | None:
        """The stored marks, or None; a damaged file is set aside."""
        path = self.scribbles_file(object_id, frame)
        return self._read(path, png.read_palette_ids)

    def remove_scribbles(self, object_id: int, frame: int) -> None:
        """Remove the marks if there are any."""
        project_io.remove(self.scribbles_file(object_id, frame))

    def stored_scribbles(self) -> Iterator[tuple[Key, Scribbles]]:
        """All marks by object and frame; damaged ones are set aside on the way."""
        for key in self._stored("scribbles"):
            scribbles = self.read_scribbles(*key)
            if scribbles is not None:
                yield key, scribbles

    # --- predictions --------------------------------------------------------------------------------------

    def matte_file(self, object_id: int, frame: int, batch: int | None = None) -> Path:
        """Where a predicted matte is; `batch` None: where the one in force is, or would be."""
        if batch is None:
            batch = self.mattes_in_force(object_id).get(frame, self.manifest.next_batch)
        return self._mattes_folder(object_id) / batches.file_name(frame, batch)

    def write_prediction(
        self,
        object_id: int,
        frame: int,
        matte: Matte,
        quality: float,
        revision: int,
        batch: int | None = None,
        origin: Origin | None = None,
        reason: Reason | None = None,
        footprint: str = "",
    ) -> None:
        """Store a matte, uint16, at the clip's size; it is in force at once.

        batch: an open one of the manifest, None for the one after all others. `footprint`: a short ASCII text
        that `stored_predictions` gives back.
        """
        self._check_size(matte)
        note: dict[str, float | str] = {"quality": round(quality, 6), "revision": revision}
        if origin is not None:
            note |= {"start": origin[0], "start_revision": origin[1]}
        if reason is not None:
            note["reason"] = reason.name.lower()
        if footprint:
            note["footprint"] = footprint
        path = self.matte_file(object_id, frame, self.manifest.next_batch if batch is None else batch)
        project_io.write(path, png_note.encode(matte, note), durable=False)

    def read_prediction(self, object_id: int, frame: int, batch: int | None = None) -> Matte | None:
        """A stored matte, by default the one in force, or None; a damaged file is set aside."""
        return self._read(self.matte_file(object_id, frame, batch), png.read_matte)

    def mattes_in_force(self, object_id: int) -> dict[int, int]:
        """The batch of an object's present matte by frame."""
        return self._in_force(object_id, self._matte_names(object_id))

    def stored_predictions(self) -> Iterator[StoredPrediction]:
        """What is known of all mattes in force, by object and frame, without decoding them."""
        for each in sorted(self.manifest.objects, key=lambda known: known.object_id):
            for frame, batch in sorted(self.mattes_in_force(each.object_id).items()):
                yield self.stored_prediction(each.object_id, frame, batch)

    def stored_mattes(self) -> Iterator[MatteName]:
        """All mattes, those that undo or redo may bring back included, by name alone: no file is opened."""
        for name in filter(str.isdecimal, project_io.listed(self.folder / "mattes")):
            yield from ((int(name), frame, batch) for frame, batch in self._matte_names(int(name)))

    def stored_prediction(self, object_id: int, frame: int, batch: int) -> StoredPrediction:
        """What is known of a matte, see `StoredPrediction`."""
        return _known(self._mattes_folder(object_id), object_id, frame, batch)

    def remove_matte(self, object_id: int, frame: int, batch: int) -> None:
        """Remove a matte for good if it is there."""
        project_io.remove(self.matte_file(object_id, frame, batch))

    def _mattes_folder(self, object_id: int) -> Path:
        return self.folder / "mattes" / str(object_id)

    def _matte_names(self, object_id: int) -> list[tuple[int, int]]:
        """Frame and batch of every matte of an object."""
        names = project_io.listed(self._mattes_folder(object_id))
        return [name for name in map(batches.parsed, names) if name is not None]

    def _in_force(self, object_id: int, names: list[tuple[int, int]]) -> dict[int, int]:
        known = self.manifest
        own = known.mattes.get(object_id, ())
        return batches.in_force(own, names, known.open_batches, known.next_batch)

    # --- for the engine -----------------------------------------------------------------------------------

    def annotations(self) -> tuple[Annotation, ...]:
        """What was drawn or approved, for engine commands.

        An approved prediction and soft edges count at half coverage; a mask goes before a prediction, a box
        after it.
        """
        masks = {(each.object_id, each.frame): without_soft_edges(each.mask) for each in self.stored_masks()}
        approved = sorted(self.manifest.approved - masks.keys())
        present = {own: self.mattes_in_force(own) for own in {own for own, _ in approved}}
        for key in approved:
            matte = self.read_prediction(*key, present[key[0]].get(key[1], self.manifest.next_batch))
            if matte is not None:
                masks[key] = harden(matte)
                read_only(masks[key])
        boxes = {key: box for key, box in self.manifest.boxes.items() if key not in masks}
        drawn = [Annotation(key[1], key[0], mask=mask) for key, mask in masks.items()]
        boxed = [Annotation(key[1], key[0], box=box) for key, box in boxes.items()]
        return tuple(sorted(drawn + boxed, key=lambda each: (each.object_id, each.frame)))

    def export_sources(
        self, span: Span | None = None, left_out: Collection[int] = ()
    ) -> tuple[ExportSource, ...]:
        """One source an object, in order: annotations exactly as drawn, predictions as they are.

        Their edge controls come with them; nothing is finished yet. Without the objects that are `left_out`
        and, where `span` is given, the mattes that no export of it needs.
        """
        objects = [each for each in self.manifest.objects if each.object_id not in left_out]
        needed = None if span is None else span.widened(SMOOTHING_MOST)
        files: dict[int, dict[int, Path]] = {each.object_id: {} for each in objects}

        for object_id, own in files.items():
            for frame, batch in self.mattes_in_force(object_id).items():
                if needed is None or frame in needed:
                    own[frame] = self.matte_file(object_id, frame, batch)
        drawn = set(self.manifest.approved)
        for object_id, frame in self._stored("annotations"):
            is_needed = object_id in files and (needed is None or frame in needed)
            matte_file = self._as_matte_file(object_id, frame) if is_needed else None
            if matte_file is not None:
                files[object_id][frame] = matte_file
                drawn.add((object_id, frame))
        return tuple(
            ExportSource(
                each.object_id,
                each.name,
                dict(sorted(files[each.object_id].items())),
                self.manifest.edges.get(each.object_id, UNFINISHED),
                frozenset(frame for object_id, frame in drawn if object_id == each.object_id),
            )
            for each in objects
        )

    def _as_matte_file(self, object_id: int, frame: int) -> Path | None:
        """The annotation as a 16-bit file, named after its content so that it can never be out of date."""
        mask = self.read_annotation(object_id, frame)
        if mask is None:
            return None
        digest = hashlib.sha256(mask.tobytes()).hexdigest()[:16]
        path = self.cache_folder / "export" / str(object_id) / f"{frame:06d}-{digest}.png"
        if not path.exists():
            project_io.write(path, png_note.encode(soften(mask), {}), durable=False)
        return path

    # --- files --------------------------------------------------------------------------------------------

    def _file(self, pictures: str, object_id: int, frame: int) -> Path:
        return self.folder / pictures / str(object_id) / f"{frame:06d}.png"

    def _stored(self, pictures: str) -> Iterator[Key]:
        """Keys of the stored pictures of objects that exist, by object and frame."""
        for each in sorted(self.manifest.objects, key=lambda known: known.object_id):
            names = project_io.listed(self.folder / pictures / str(each.object_id))
            stems = (name.removesuffix(".png") for name in names if name.endswith(".png"))
            for frame in sorted(int(stem) for stem in stems if stem.isdecimal()):
                yield each.object_id, frame

    def _read(self, path: Path, read: Callable[[Path], _Picture]) -> _Picture | None:
        if not path.exists():
            return None
        try:
            picture = read(path)
            self._check_size(picture)
        except (AnnotationError, ProjectError) as error:
            self._set_aside(path, str(error))
            return None
        read_only(picture)
        return picture

    def _set_aside(self, path: Path, reason: str) -> None:
        aside = project_io.unused(path.with_name(path.name + ".damaged"))
        with suppress(OSError):
            path.replace(aside)
        self.messages.append(
            tr("{path} was set aside as {name}: {reason}").format(
                path=path.relative_to(self.folder), name=aside.name, reason=reason
            )
        )

    def _check_size(self, picture: NDArray[Any]) -> None:
        clip = self.manifest.clip
        if picture.shape != (clip.height, clip.width):
            size = " x ".join(str(side) for side in reversed(picture.shape))
            raise AnnotationError(
                tr("The picture is {size}, the clip {width} x {height}; use one of the clip's size.").format(
                    size=size, width=clip.width, height=clip.height
                )
            )


def check_same_clip(known: ClipInfo, found: ClipInfo, accept_changed: bool = False) -> None:
    """Raise ProjectError unless `found` is the footage the project was made with.

    `accept_changed` allows other content and length, but not another size: the masks would not fit.
    """
    if (found.width, found.height) != (known.width, known.height):
        raise ProjectError(
            tr(
                "{name} is {width} x {height}, the project's clip {clip_width} x {clip_height}; choose the "
                "original clip."
            ).format(
                name=found.path.name,
                width=found.width,
                height=found.height,
                clip_width=known.width,
                clip_height=known.height,
            )
        )
    same = (found.fingerprint, found.frame_count) == (known.fingerprint, known.frame_count)
    if not same and not accept_changed:
        raise ProjectError(
            tr(
                "{name} is not the clip this project was made with; choose the original or accept the change."
            ).format(name=found.path.name)
        )


def check_free(folder: Path) -> None:
    """Raise ProjectError when a folder holds a project already."""
    if (folder / MANIFEST).exists():
        raise ProjectError(
            tr("{folder} holds a project already; open it or choose another folder.").format(folder=folder)
        )


def _known(folder: Path, object_id: int, frame: int, batch: int) -> StoredPrediction:
    """What the note of a matte in `folder` says."""
    note = png_note.read(folder / batches.file_name(frame, batch))
    quality = note.get("quality")
    known = float(quality) if isinstance(quality, int | float) else 0.0
    revision, footprint = _revision(note, UNKNOWN_REVISION), note.get("footprint")
    footprint = footprint if isinstance(footprint, str) else ""
    made_of = _origin(note), _reason(note)
    return StoredPrediction(object_id, frame, known, revision, *made_of, footprint, batch)


def _revision(note: dict[str, Any], otherwise: int) -> int:
    revision = note.get("revision")
    return revision if isinstance(revision, int) else otherwise


def _origin(note: dict[str, Any]) -> Origin | None:
    start, revision = note.get("start"), note.get("start_revision")
    return (start, revision) if isinstance(start, int) and isinstance(revision, int) else None


def _reason(note: dict[str, Any]) -> Reason | None:
    """The noted reason; None where there is none or one that only a later edition knows."""
    return Reason.__members__.get(str(note.get("reason", "")).upper())
