"""Outlined areas, areas of one colour, edits of a whole mask: from canvas and menus to the document."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject, Signal

from app import mask_edits, outlines
from app.document import Document
from app.language import mark, tr
from app.live_wire import LiveWire
from app.outlines import Magnetic, Outline
from app.renderer import Renderer
from app.tools import ERASE, PAINT, Point, Tool
from app.worker import Worker
from vosengine.errors import EngineError
from vosengine.types import Image, Mask

Edit = Callable[[Mask], Mask]

LEAST_TOLERANCE = 10.0  # of the eyedropper's click, in steps of Lab
TOLERANCE_A_PIXEL = 0.15  # more for each screen pixel dragged away

EDITS: dict[str, tuple[str, Edit]] = {  # action name -> undo name, what it does
    "fill_holes": (mark("Fill holes"), mask_edits.fill_holes),
    "grow": (mark("Grow"), mask_edits.grow),
    "shrink": (mark("Shrink"), mask_edits.shrink),
    "remove_specks": (mark("Remove specks"), mask_edits.remove_specks),
}
OUTLINE_NAMES = {
    Tool.LASSO: mark("Lasso"),
    Tool.POLYGON: mark("Polygon"),
    Tool.MAGNETIC: mark("Magnetic lasso"),
}


@dataclass(frozen=True)
class _Asked:
    """A mask edit that waits for its turn."""

    key: tuple[int, int]
    name: str
    edit: Edit


@dataclass(frozen=True, eq=False)
class _Pick:
    """A press on a colour: for which (object id, frame), where, and how far it was dragged."""

    key: tuple[int, int]
    at: Point
    dragged: float
    subtracts: bool


class Shaping(QObject):
    """Computes on the worker, changes the document here; what it refuses is told by `refused`."""

    refused = Signal(str)
    live_changed = Signal()  # `live_mask` is another
    edges_found = Signal()  # an outline's path is another

    def __init__(self, worker: Worker, renderer: Renderer, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker = worker
        self._renderer = renderer
        self._document: Document | None = None
        self._image: tuple[int, Image] | None = None
        self._queue: deque[_Asked] = deque()
        self._busy = False
        self._magnetic: Magnetic | None = None  # waits for the frame's picture
        self._picked: tuple[tuple[int, int], Mask] | None = None
        self._pick: _Pick | None = None
        self._late_pick: _Pick | None = None  # finished before the frame's picture came
        self._kept: set[_Pick] = set()  # finished: their answers become part of the mask
        renderer.full_ready.connect(self._keep_image)
        worker.failed.connect(self.cancel)

    def set_document(self, document: Document | None) -> None:
        """Another document, or none."""
        self._document, self._image = document, None
        self.cancel()

    def prepare(self) -> None:
        """Have the current frame at hand at full resolution."""
        document = self._document
        if document is not None and (self._image is None or self._image[0] != document.frame):
            self._renderer.fetch_full(document.frame)

    def _keep_image(self, frame: int, image: Image) -> None:
        self._image = (frame, image)
        if self._magnetic is not None:
            self.find_edges(self._magnetic)
        if self._late_pick is not None and self._late_pick.key[1] == frame:
            self._finish(self._late_pick)
        elif self._pick is not None:
            self._show(self._pick)

    def _frame_image(self) -> Image | None:
        if self._document is None or self._image is None or self._image[0] != self._document.frame:
            self.prepare()
            return None
        return self._image[1]

    def cancel(self, *_: str) -> None:
        """Forget what has been asked for and is not done."""
        self._queue.clear()
        self._kept.clear()
        self._busy, self._magnetic = False, None
        self.abandon_pick()

    # --- outlines ---------------------------------------------------------------------------------------

    def paint_area(self, path: Sequence[Point], adds: bool, name: str) -> None:
        """Add what a closed path encloses to the current mask, or take it away."""
        document = self._document
        if document is None or not path:
            return
        try:
            mask = document.begin_stroke(document.object_id, document.frame, name)
        except EngineError as error:
            self.refused.emit(str(error))
            return
        document.stroke_painted(outlines.fill(mask, path, PAINT if adds else ERASE))
        document.end_stroke()

    def find_edges(self, outline: Outline) -> None:
        """A magnetic outline has a new last corner: find the paths from it."""
        if not isinstance(outline, Magnetic) or outline.corner is None:
            return
        image, corner = self._frame_image(), outline.corner
        self._magnetic = outline if image is None else None
        if image is not None:
            whole = image
            self._worker.submit(lambda: LiveWire(whole, corner), lambda wire: self._attach(outline, wire))

    def _attach(self, outline: Magnetic, wire: LiveWire) -> None:
        outline.attach(wire)
        self.edges_found.emit()

    # --- areas of one colour ----------------------------------------------------------------------------

    def live_mask(self, object_id: int, frame: int) -> Mask | None:
        """The mask with the colour under the pen added or taken away."""
        if self._picked is not None and self._picked[0] == (object_id, frame):
            return self._picked[1]
        return None

    def pick(self, at: Point, dragged: float, subtracts: bool) -> None:
        """Show what the colour at a place selects; `dragged` screen pixels take in more of it."""
        document = self._document
        if document is None or document.object_id == 0:
            return
        self._pick = _Pick((document.object_id, document.frame), at, dragged, subtracts)
        self._show(self._pick)

    def finish_pick(self) -> None:
        """The button went up: what is selected becomes part of the mask, as soon as it is known."""
        if self._pick is not None:
            self._finish(self._pick)

    def abandon_pick(self) -> bool:
        """Forget the colour under the pen; False when none is being picked."""
        picking = self._late_pick is not None or (self._pick is not None and self._pick not in self._kept)
        self._pick = self._late_pick = None
        if self._picked is not None:
            self._picked = None
            self.live_changed.emit()
        return picking

    def _show(self, pick: _Pick) -> None:
        self._select(pick, lambda part: self._show_picked(pick, part), "colour")

    def _finish(self, pick: _Pick) -> None:
        self._kept.add(pick)
        selecting = self._select(pick, lambda part: self._keep_picked(pick, part))
        self._late_pick = None if selecting else pick

    def _select(self, pick: _Pick, then: Callable[[Mask], None], key: str | None = None) -> bool:
        """Have the worker select; False while the frame's picture is not here yet."""
        image = self._frame_image()
        if image is None:
            return False
        whole, tolerance = image, LEAST_TOLERANCE + TOLERANCE_A_PIXEL * pick.dragged
        self._worker.submit(lambda: mask_edits.select_colour(whole, pick.at, tolerance), then, key)
        return True

    def _show_picked(self, pick: _Pick, part: Mask) -> None:
        if self._document is not None and self._pick is pick:
            mask = self._document.shown_mask(*pick.key)
            self._picked = pick.key, mask_edits.combined(mask, part, not pick.subtracts)
            self.live_changed.emit()

    def _keep_picked(self, pick: _Pick, part: Mask) -> None:
        document = self._document
        if pick not in self._kept:
            return
        self._kept.remove(pick)
        if document is not None:
            mask = mask_edits.combined(document.shown_mask(*pick.key), part, not pick.subtracts)
            name = mark("Remove colour") if pick.subtracts else mark("Select colour")
            self._change(lambda d: d.set_mask(*pick.key, mask, name))
        if self._pick is None or self._pick is pick:
            self.abandon_pick()

    # --- edits of the whole mask ------------------------------------------------------------------------

    def edit(self, action: str) -> None:
        """One of `EDITS`, on the current object's mask on this frame; several go one after the other."""
        document = self._document
        if document is None or document.object_id == 0:
            return
        name, edit = EDITS[action]
        self._queue.append(_Asked((document.object_id, document.frame), name, edit))
        self._next()

    def _next(self) -> None:
        document = self._document
        if self._busy or not self._queue or document is None:
            return
        asked = self._queue[0]
        mask, revision = document.shown_mask(*asked.key), document.revision
        if mask is None:
            self._queue.popleft()
            self.refused.emit(tr("This object has no mask on this frame; draw one or run first."))
            return
        self._busy, start = True, mask
        self._worker.submit(lambda: asked.edit(start), lambda result: self._done(asked, revision, result))

    def _done(self, asked: _Asked, revision: int, result: Mask) -> None:
        self._busy = False
        document = self._document
        if document is None or not self._queue or self._queue[0] is not asked:
            return
        if document.revision == revision:  # else the mask may be another: once more
            self._queue.popleft()
            self._keep_edited(asked, document.shown_mask(*asked.key), result)
        self._next()

    def settle(self) -> None:
        """Do the edits that wait for the worker at once: the document is about to be closed."""
        while self._queue and self._document is not None:
            asked = self._queue.popleft()
            mask = self._document.shown_mask(*asked.key)
            if mask is not None:
                self._keep_edited(asked, mask, asked.edit(mask))
        self._busy = False

    def _keep_edited(self, asked: _Asked, shown: Mask | None, result: Mask) -> None:
        if shown is not None and np.array_equal(result, shown):
            self.refused.emit(tr("{name} changes nothing on this frame.").format(name=tr(asked.name)))
        else:
            self._change(lambda d: d.set_mask(*asked.key, result, asked.name))

    def _change(self, change: Callable[[Document], None]) -> None:
        assert self._document is not None
        try:
            change(self._document)
        except (EngineError, KeyError) as error:  # KeyError: the object was removed meanwhile
            self.refused.emit(str(error) if isinstance(error, EngineError) else tr("The object was removed."))
