"""Drawing on the frames: strokes, masks, boxes, approvals. Each edit is one step of undo."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from app.cells import OBJECTS, Cell, Kind, Value
from app.changing import Changing
from app.language import mark, tr
from app.packed import MASK_VALUES, SCRIBBLE_VALUES, Packed
from app.reading import FrameState, Scribbles, Stroke
from app.tools import Rect
from vosengine.edge_controls import EdgeTrack
from vosengine.errors import AnnotationError
from vosengine.manifest import colour_of, name_of
from vosengine.project_file import Key, RotoObject
from vosengine.types import Box, Mask


class Painting(Changing):
    """The drawing half of `app.document.Document`."""

    # --- painting --------------------------------------------------------------------------------------

    def begin_stroke(self, object_id: int, frame: int, name: str = mark("Brush")) -> Mask:
        """Start painting: the writable mask to draw on with `app.tools` (from the annotation, else the
        prediction in 8 bits, else zeros). Call `stroke_painted` after each piece.

        Raises AnnotationError for a locked object.
        """
        mask = self.shown_mask(object_id, frame)
        return self._begin(name, Cell(Kind.ANNOTATION, object_id, frame), MASK_VALUES, mask)

    def begin_scribble(self, object_id: int, frame: int, name: str = mark("Scribble")) -> Scribbles:
        """The same for marks: the writable marks to draw on."""
        marks = self.scribbles(object_id, frame)
        return self._begin(name, Cell(Kind.SCRIBBLES, object_id, frame), SCRIBBLE_VALUES, marks)

    def stroke_painted(self, rect: Rect) -> None:
        """A piece of the stroke was drawn within `rect`; observers hear it."""
        if self._stroke is not None and rect:
            self._stroke.rect = rect if self._stroke.rect is None else self._stroke.rect.joined(rect)
            self._tell(self._stroke.cell.change)

    def end_stroke(self) -> int:
        """The pen was lifted: one undo step, saved; returns its number. Does nothing, and returns 0, when
        nothing was painted.
        """
        stroke, self._stroke = self._stroke, None
        if stroke is None or stroke.rect is None:
            return 0
        return self._edit(stroke.name, {stroke.cell: Packed.pack(stroke.picture, stroke.values)})

    # --- edits: each is one undo step; locked objects raise AnnotationError ----------------------------

    def set_mask(
        self, object_id: int, frame: int, mask: Mask, name: str = mark("Mask"), join: int = 0
    ) -> None:
        """Replace the annotation by a mask, soft edges included, of the clip's size (else AnnotationError).

        `join` adds it to the undo step of that number, while that is possible: to the scribble whose GrabCut
        answer this is.
        """
        self._check_unlocked(object_id)
        if mask.shape != (self.clip.height, self.clip.width):
            raise AnnotationError(
                tr("The mask is {size}, the clip {width} x {height}; use a mask of the clip's size.").format(
                    size=f"{mask.shape[1]} x {mask.shape[0]}", width=self.clip.width, height=self.clip.height
                )
            )
        self._edit(name, {Cell(Kind.ANNOTATION, object_id, frame): Packed.pack(mask)}, join)

    def set_masks(self, masks: Mapping[Key, Packed], added: Sequence[RotoObject] = ()) -> None:
        """Replace many annotations at once, of the clip's size; `added`: objects made by `new_objects`."""
        own = {each.object_id for each in added}
        for object_id in {object_id for object_id, _ in masks} - own:
            self._check_unlocked(object_id)
        values: dict[Cell, Value] = {Cell(Kind.ANNOTATION, *key): mask for key, mask in masks.items()}
        if added:
            values[OBJECTS] = (*self.objects, *added)
        self._edit(mark("Import masks"), values)

    def new_objects(self, count: int) -> tuple[RotoObject, ...]:
        """Objects that are not in the document yet, with ids of their own; see `set_masks`."""
        numbers = [self._store.new_object_id() for _ in range(count)]
        return tuple(RotoObject(number, name_of(number), colour_of(number)) for number in numbers)

    def set_box(self, object_id: int, frame: int, box: Box) -> int:
        """Replace the annotation by a box; returns the number of the undo step, 0 where it is there."""
        self._check_unlocked(object_id)
        return self._edit(mark("Box"), {Cell(Kind.ANNOTATION, object_id, frame): box})

    def clear(self, object_id: int, frame: int) -> None:
        """Remove annotation, scribbles and approval of one frame; the prediction shows again."""
        self._check_unlocked(object_id)
        kinds = (Kind.ANNOTATION, Kind.SCRIBBLES, Kind.APPROVED)
        self._edit(mark("Clear frame"), {Cell(kind, object_id, frame): None for kind in kinds})

    def copy_from(self, object_id: int, frame: int, source: int) -> None:
        """Annotate `frame` with what `source` shows. Raises AnnotationError when that is nothing."""
        self._check_unlocked(object_id)
        mask = self.shown_mask(object_id, source)
        copied: Packed | Box | None = self.box(object_id, source) if mask is None else Packed.pack(mask)
        if copied is None:
            raise AnnotationError(
                tr("Frame {frame} shows nothing of this object; copy from a frame that has a mask.").format(
                    frame=source
                )
            )
        self._edit(mark("Copy from frame"), {Cell(Kind.ANNOTATION, object_id, frame): copied})

    def approve(self, object_id: int, frame: int, approved: bool = True) -> None:
        """Approve a frame as it is (propagation will not change it), or take that back.

        Raises AnnotationError when there is nothing to approve.
        """
        self._check_unlocked(object_id)
        if approved and self.state(object_id, frame) is FrameState.EMPTY:
            raise AnnotationError(
                tr("Frame {frame} is empty; draw or propagate before you approve it.").format(frame=frame)
            )
        cell = Cell(Kind.APPROVED, object_id, frame)
        self._edit(mark("Approve") if approved else mark("Take approval back"), {cell: approved or None})

    def mute(self, object_id: int, frame: int, muted: bool = True) -> None:
        """List a prediction among the worst no more, until another takes its place; or list it again."""
        self._check_unlocked(object_id)
        stored, cell = self._store.prediction((object_id, frame)), Cell(Kind.MUTED, object_id, frame)
        serial = stored.serial if muted and stored is not None else None
        self._edit(mark("Mute") if muted else mark("Take muting back"), {cell: serial})

    def set_edges(self, object_id: int, track: EdgeTrack, name: str, others: Iterable[int] = ()) -> None:
        """Finish an object's mattes so, and those of `others`; without keys they are shown as they are."""
        for own in (chosen := (object_id, *others)):
            self._check_unlocked(own)
        self._edit(name, {Cell(Kind.EDGES, own): track if track.keys else None for own in chosen})

    # --- help ------------------------------------------------------------------------------------------

    def _begin(
        self, name: str, cell: Cell, values: tuple[int, ...], start: NDArray[np.uint8] | None
    ) -> NDArray[np.uint8]:
        self._check_unlocked(cell.object_id)
        self.end_stroke()
        empty = start is None
        picture = np.zeros((self.clip.height, self.clip.width), np.uint8) if empty else np.array(start)
        self._stroke = Stroke(name, cell, values, picture)
        return picture
