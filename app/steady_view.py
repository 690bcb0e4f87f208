"""A view that goes along with the selected object, so that its edge can be watched while it plays."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from PySide6.QtCore import QObject
from PySide6.QtGui import QKeySequence

from app.actions import ActionSet
from app.document import Change, Document, Kind
from app.language import tr
from app.survey import Survey
from app.view_name import ViewName
from app.viewer import Viewer
from app.viewport import Viewport
from app.whereabouts import Place, steadied
from app.workspace import Workspace

LARGEST_CHANGE = 8.0  # of the scale, either way: a speck of a matte must not blow the picture up


class SteadyView(QObject):
    """Moves the canvas's viewport as each picture arrives, so drawing and zooming work as ever.

    Where the object is not on a frame, the view stays. Fitting the frame into the window ends it.
    """

    actions: ActionSet

    def __init__(self, workspace: Workspace, viewer: Viewer, survey: Survey) -> None:
        super().__init__(viewer)
        self._workspace, self._viewer, self._canvas, self._survey = workspace, viewer, viewer.canvas, survey
        self.is_on = False
        self._followed: tuple[int, int] | None = None  # object id and frame the view was laid for
        self._place: Place | None = None  # there
        # All frames are laid from here, so that it does not matter on which way one came to them.
        self._anchor: tuple[Viewport, Place] | None = None
        self._laid = viewer.canvas.viewport  # another one: the user zoomed or panned
        self._former: tuple[bool, float] = (True, 1.0)  # whether the frame was fitted before, the scale then
        self._name = ViewName(viewer.canvas)
        workspace.document_changed.connect(self._stop)
        workspace.changed.connect(self._changed)
        viewer.arriving.connect(self._follow)
        viewer.view_changed.connect(self._show_name)

    def handlers(self) -> dict[str, Callable[[], object]]:
        """What the actions do, by name."""
        return {"steady": self._toggle, "steady_size": self._toggle_size}

    def build(self, actions: ActionSet) -> None:
        """Hear of the actions that end it."""
        self.actions = actions
        actions["fit"].triggered.connect(lambda: self._stop(fits=True))

    def facts(self) -> set[str]:
        """Whether there is anything to follow."""
        document = self._workspace.document
        if self.is_on:  # it must be possible to end it, also beside an object without mattes
            return {"somewhere"}
        findings = self._survey.findings.get(document.object_id) if document is not None else None
        somewhere = findings is not None and bool((np.nan_to_num(findings.area) > 0).any())
        return {"somewhere"} if somewhere else set()

    def _toggle(self) -> None:
        document = self._workspace.document
        if document is None or self.is_on:
            self._stop()
            return
        self.is_on = True
        self._former = self._canvas.fits, self._canvas.viewport.scale
        self._followed, self._place, self._anchor = None, None, None
        self._follow(document.frame)
        self._show_state()
        keys = self.actions["steady"].shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        text = tr("Steady on {name}: zoom and pan as you like; {keys} or Fit to window ends it.")
        name = document.object(document.object_id).name
        self._workspace.message.emit(text.format(name=name, keys=keys or self.actions["steady"].text()))

    def _toggle_size(self) -> None:
        if self.actions["steady_size"].isChecked() and not self.is_on:
            self._toggle()
        elif self.is_on and self._place is not None:
            self._anchor = self._canvas.viewport, self._place

    def _stop(self, fits: bool = False) -> None:
        if self.is_on:
            self.is_on = False
            fitted, scale = self._former
            if fits or (fitted and abs(self._canvas.viewport.scale - scale) < 1e-6):
                self._canvas.fit()
        self._show_state()

    def _show_state(self) -> None:
        self.actions["steady"].setChecked(self.is_on)
        self._show_name()

    def _show_name(self) -> None:
        document = self._workspace.document
        name = document.object(document.object_id).name if document is not None and self.is_on else ""
        self._name.show_view(self._viewer.view, name)

    def _changed(self, change: Change) -> None:
        document = self._workspace.document
        if self.is_on and document is not None and change.kind in (Kind.OBJECTS, Kind.SELECTION):
            if not document.objects:
                self._stop()
            else:
                self._show_name()

    # --- following ----------------------------------------------------------------------------------------

    def _follow(self, frame: int) -> None:
        """The picture of `frame` is about to be shown."""
        document = self._workspace.document
        if not self.is_on or document is None or (document.object_id, frame) == self._followed:
            return  # also while a mask is drawn: the frame must not move under the pen
        place = self._place_on(document, frame)
        if place is None:
            return
        former, self._followed = self._followed, (document.object_id, frame)
        viewport, canvas = self._canvas.viewport, self._canvas
        if self._place is None or former is None:
            middle = viewport.to_clip(canvas.width() / 2, canvas.height() / 2)
            self._anchor = viewport.followed(middle, place.point), place
        elif former[0] != document.object_id:
            self._anchor = viewport.followed(self._place.point, place.point), place
        elif self._anchor is None or viewport != self._laid:
            self._anchor = viewport, self._place
        canvas.lay(self._seen_from(*self._anchor, place))
        self._laid, self._place = canvas.viewport, place

    def _seen_from(self, viewport: Viewport, anchor: Place, place: Place) -> Viewport:
        factor = anchor.size / place.size if self.actions["steady_size"].isChecked() else 1.0
        factor = min(max(factor, 1 / LARGEST_CHANGE), LARGEST_CHANGE)
        return viewport.followed(anchor.point, place.point, factor)

    def _place_on(self, document: Document, frame: int) -> Place | None:
        """Where the selected object is, or was last; before it appears, where it will."""
        findings = self._survey.findings.get(document.object_id)
        if findings is None:
            return None
        there = np.flatnonzero(np.nan_to_num(findings.area) > 0)
        if not len(there):
            return None
        nearest = int(there[max(int(np.searchsorted(there, frame, side="right")) - 1, 0)])
        return steadied(partial(_place_of, document, document.object_id), nearest, document.clip.width)


def _place_of(document: Document, object_id: int, frame: int) -> Place | None:
    centre, area = document.centre(object_id, frame), document.area(object_id, frame)
    if centre is None or not area:
        return None
    width, height = document.clip.width, document.clip.height
    return Place(centre[0] * width, centre[1] * height, (area * width * height) ** 0.5)
