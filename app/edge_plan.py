"""Which controls finish what is shown, and which mattes round it they need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from app.compositing import Finish, Layer
from app.document import Document
from vosengine.edge_controls import NEUTRAL, EdgeTrack
from vosengine.finish import reach_of

LayerAt = Callable[[int], Layer]


class EdgePlan:
    """The document's controls, or those just being tried; while not `shown`, mattes stay as they are."""

    def __init__(self) -> None:
        self.shown = True
        self._tried: tuple[int, EdgeTrack] | None = None

    def attempt(self, object_id: int, track: EdgeTrack) -> None:
        """Show an object finished so, without keeping it."""
        self._tried = object_id, track

    def settle(self) -> None:
        """Show what the document has again."""
        self._tried = None

    @property
    def is_trying(self) -> bool:
        """Whether a control is being pulled: the next picture is wanted soon, not sharp."""
        return self._tried is not None

    def track(self, document: Document, object_id: int) -> EdgeTrack:
        """An object's controls as shown."""
        if self._tried is not None and self._tried[0] == object_id:
            return self._tried[1]
        return document.edges(object_id)

    def finishes(self, document: Document, object_id: int, frame: int) -> bool:
        """Whether anything is done to an object's matte on a frame."""
        return self.shown and self.track(document, object_id).at(frame) != NEUTRAL

    def finished(
        self, document: Document, object_id: int, frame: int, layer_at: LayerAt, drawn: bool | None = None
    ) -> Layer:
        """An object's layer on a frame, to be shown as its controls say; arguments as those of `finish`."""
        return replace(layer_at(frame), finish=self.finish(document, object_id, frame, layer_at, drawn))

    def reach(self, document: Document, object_id: int, frame: int) -> int:
        """From how many frames to either side mattes show on a frame."""
        is_finished = self.finishes(document, object_id, frame)
        return reach_of(self.track(document, object_id).at(frame)) if is_finished else 0

    def preview(self, document: Document, object_id: int, frame: int) -> Finish | None:
        """What is done to a matte shown while the object is learned: nothing over time, for the mattes round
        it are of another model.
        """
        if not self.finishes(document, object_id, frame):
            return None
        controls = self.track(document, object_id).at(frame)
        return Finish(frame, replace(controls, smoothing=0, motion_blur=0.0))

    def finish(
        self, document: Document, object_id: int, frame: int, layer_at: LayerAt, drawn: bool | None = None
    ) -> Finish | None:
        """What is done to an object's matte on a frame; None for nothing.

        layer_at: the matte by frame; drawn: whether a person vouched for this one, None: as for the present
        one.
        """
        if not self.finishes(document, object_id, frame):
            return None
        controls = self.track(document, object_id).at(frame)
        drawn = document.is_drawn(object_id, frame) if drawn is None else drawn
        reach, count = reach_of(controls, drawn), document.clip.frame_count
        offsets = [step for step in range(-reach, reach + 1) if step and 0 <= frame + step < count]
        return Finish(frame, controls, tuple((step, layer_at(frame + step)) for step in offsets), drawn)
