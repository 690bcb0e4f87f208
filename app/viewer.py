"""Keeps the canvas up to date with the document: scenes to the display worker, the pen to the tools."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QColor, QImage

from app.canvas import Canvas
from app.compositing import BACKDROP, SKIN_COLOURS, Colour, Layer, Look, Scene, View
from app.document import Change, Document, Kind
from app.edge_plan import EdgePlan, LayerAt
from app.effects import Picture
from app.language import mark
from app.live_stroke import paint_look, scribble_look
from app.outlines import Lasso, Magnetic, Outline, Polygon
from app.pen import PenStroke
from app.pointer import Gesture, Pointer
from app.shaping import OUTLINE_NAMES
from app.tools import ERASE, PAINT, Point, Tool
from app.workspace import Workspace
from vosengine.errors import EngineError
from vosengine.messages import MaskPreviewed
from vosengine.project_file import RotoObject
from vosengine.types import Box, Mask, Matte

SHARP_DELAY = 160  # milliseconds of rest before the full-resolution frame replaces the proxy
SCRIBBLE_RADIUS_SHARE = 0.5  # scribbles are drawn finer than the brush
SCRIBBLES = (Tool.FOREGROUND, Tool.BACKGROUND)
SAME_MATTES = {  # after such changes what was read of the mattes still holds
    *(Kind.SELECTION, Kind.UNDO, Kind.OBJECTS, Kind.SCRIBBLES, Kind.CONFIG, Kind.MESSAGES),
    *(Kind.STATES, Kind.APPROVED, Kind.MUTED, Kind.EDGES),
}
BRUSHES = (Tool.BRUSH, Tool.ERASER)
OUTLINES: dict[Tool, type[Outline]] = {
    Tool.LASSO: Lasso,
    Tool.POLYGON: Polygon,
    Tool.MAGNETIC: Magnetic,
}


class Viewer(QObject):
    """Between the workspace and the canvas."""

    refused = Signal(str)  # why an edit was not made
    arriving = Signal(int)  # the frame whose picture the canvas shows next
    view_changed = Signal()

    def __init__(self, workspace: Workspace, canvas: Canvas, radius: float) -> None:
        super().__init__(canvas)
        self._workspace, self._canvas = workspace, canvas
        self.view, self.tool, self.radius = View.OVERLAY, Tool.FOREGROUND, radius
        self.backdrop: Colour = BACKDROP
        self.look = Look()
        self.picture: Picture | None = None
        self.wipe: float | None = None  # share of the width that shows the former result
        self.edges = EdgePlan()  # how the mattes shown are finished
        self.skins = False  # whether the outlines of the neighbouring frames are shown
        self.softness, self.feels_pressure, self.solo = 0.0, True, False
        self._outline: Outline | None = None
        self._versions: Counter[tuple[int, int]] = Counter()
        self._epoch = 0  # counts changes that may concern any frame
        self._previews: dict[int, MaskPreviewed] = {}  # the latest of each object
        self._touched: set[tuple[int, int]] = set()  # drawn on while learning: previews would hide it
        self._live_number = self._preview_number = 0  # count what was shown, to tell the pictures apart
        self._frame = -1
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._show)
        self._later = QTimer(self, singleShot=True, interval=SHARP_DELAY)
        self._later.timeout.connect(self._show_sharp)
        self._connect()

    def _connect(self) -> None:
        workspace, canvas = self._workspace, self._canvas
        workspace.document_changed.connect(self._document_changed)
        workspace.changed.connect(self._changed)
        workspace.renderer.rendered.connect(self._rendered)
        workspace.scribbler.live_changed.connect(self._live_changed)
        workspace.shaping.live_changed.connect(self._live_changed)
        workspace.runner.previewed.connect(self._previewed)
        workspace.runner.changed.connect(self._run_changed)
        canvas.stroke_changed.connect(self._stroke_changed)
        canvas.stroke_finished.connect(self._stroke_finished)
        canvas.box_drawn.connect(self._box_drawn)
        canvas.outline_changed.connect(workspace.shaping.find_edges)
        workspace.shaping.edges_found.connect(canvas.update)
        canvas.area_outlined.connect(self._area_outlined)
        canvas.colour_picked.connect(workspace.shaping.pick)
        canvas.pick_finished.connect(self._pick_finished)
        canvas.abandoned.connect(workspace.shaping.abandon_pick)

    @property
    def canvas(self) -> Canvas:
        """Where the pictures go."""
        return self._canvas

    # --- settings of the view -----------------------------------------------------------------------------

    def set_view(self, view: View) -> None:
        """Another way to look at the masks."""
        self.view = view
        self._update_pointer()
        self.refresh()
        self.view_changed.emit()

    def set_picture(self, picture: Picture | None) -> None:
        """The ground of View.PICTURE."""
        self.picture = picture
        self.refresh()

    def set_backdrop(self, colour: Colour) -> None:
        """The ground of View.BACKDROP."""
        self.backdrop = colour
        self.set_view(self.view)

    def set_look(self, look: Look) -> None:
        """How masks lie over the clip."""
        self.look = look
        self._update_pointer()
        self.refresh()

    def set_wipe(self, share: float | None) -> None:
        """Show the result before the last run left of this share of the width; None: nowhere."""
        self.wipe = share
        self.refresh()

    def set_skins(self, shown: bool) -> None:
        """Show or hide the object's outlines on the frames before and after."""
        self.skins = shown
        self.refresh()

    def set_tool(self, tool: Tool) -> None:
        """Another tool."""
        self.tool = tool
        self._outline = OUTLINES[tool]() if tool in OUTLINES else None
        self._prepare()
        self._update_pointer()
        self.refresh()

    def set_radius(self, radius: float) -> None:
        """Brush radius in clip pixels."""
        self.radius = radius
        self._update_pointer()

    def set_softness(self, softness: float) -> None:
        """Share of the brush over which its edge fades, in [0, 1]."""
        self.softness = softness
        self._update_pointer()

    def set_feels_pressure(self, feels: bool) -> None:
        """Whether a pen's pressure sets the size."""
        self.feels_pressure = feels
        self._update_pointer()

    def set_solo(self, solo: bool) -> None:
        """Show the current object alone, or all that are visible."""
        self.solo = solo
        self.refresh()

    @property
    def pen_radius(self) -> float:
        """The radius the current tool draws with."""
        return max(self.radius * SCRIBBLE_RADIUS_SHARE, 1.0) if self.tool in SCRIBBLES else self.radius

    def refresh(self) -> None:
        """Show the current state soon; several calls make one picture."""
        self._soon.start()

    # --- pictures -----------------------------------------------------------------------------------------

    def _document_changed(self) -> None:
        document = self._workspace.document
        self._previews.clear()
        self._epoch += 1
        self._frame = -1
        self._canvas.set_clip_size((document.clip.width, document.clip.height) if document else None)
        self._update_pointer()
        if document is not None:
            self.refresh()
        else:
            self._soon.stop()
            self._later.stop()

    def _changed(self, change: Change) -> None:
        if change.kind not in SAME_MATTES:
            self._count_mattes(change)
        if change.kind is Kind.PREDICTION and change.object_id is not None:
            self._previews.pop(change.object_id, None)
        if change.kind in (Kind.SELECTION, Kind.OBJECTS):
            self._selection_changed()
        document = self._workspace.document
        if document is not None and self._shows(document, change.frame):
            self.refresh()

    def _shows(self, document: Document, frame: int | None) -> bool:
        """Whether what changed on a frame (None: on any) is in the picture, were it through time."""
        if frame is None or frame == document.frame:
            return True
        own = document.object_id
        reach = max((self._reach(document, o.object_id, 0) for o in self.shown_objects(document)), default=0)
        if self.skins and own:
            reach = max(reach, *(1 + self._reach(document, own, step) for step in (-1, 1)))
        return abs(frame - document.frame) <= reach

    def _reach(self, document: Document, object_id: int, step: int) -> int:
        return self.edges.reach(document, object_id, document.frame + step)

    def _count_mattes(self, change: Change) -> None:
        """Other mattes than those read before: of one frame, or of any."""
        if change.object_id is None or change.frame is None:
            self._epoch += 1
            return
        self._versions[change.object_id, change.frame] += 1
        if change.kind is Kind.ANNOTATION and self._workspace.runner.is_learning:
            self._touched.add((change.object_id, change.frame))

    def _selection_changed(self) -> None:
        document = self._workspace.document
        if document is not None and document.frame != self._frame:
            self._frame = document.frame
            self._canvas.abandon()
            self._workspace.scribbler.leave_frame()
            self._workspace.shaping.abandon_pick()
        self._update_pointer()
        if self.solo:
            self.refresh()

    def _prepare(self) -> None:
        if self.tool in (*SCRIBBLES, Tool.BOX):
            self._workspace.scribbler.prepare()
        elif self.tool in (Tool.MAGNETIC, Tool.COLOUR):
            self._workspace.shaping.prepare()

    def _show(self) -> None:
        document = self._workspace.document
        if document is None:
            return
        self._workspace.renderer.show(self._scene(document, sharp=False))
        self._show_boxes(document)
        self._later.start()

    def _show_sharp(self) -> None:
        document = self._workspace.document
        if document is not None and not self._workspace.player.is_playing and not self.edges.is_trying:
            self._workspace.renderer.show(self._scene(document, sharp=True))
            if self.tool is not Tool.BOX:
                self._prepare()  # not before: full frames that come between make scrubbing stutter

    def shown_objects(self, document: Document) -> list[RotoObject]:
        """The visible objects, the topmost first; with solo the current one alone."""
        own = document.object_id
        return [each for each in document.objects if (each.object_id == own if self.solo else each.visible)]

    def _scene(self, document: Document, sharp: bool) -> Scene:
        # The topmost object comes first in the document and last in the picture.
        shown = reversed(self.shown_objects(document))
        layers = tuple(self._layer(document, o.object_id, o.colour) for o in shown)
        marks = None
        if self.tool in SCRIBBLES and not self._workspace.player.is_playing:
            marks = document.scribbles(document.object_id, document.frame)
        wipe, skins = self.wipe, self._skin_layers(document) if self.skins else ()
        grounds = self.backdrop, wipe, skins, self.picture, self.look
        return Scene(document.frame, self.view, layers, sharp, marks, *grounds)

    def _skin_layers(self, document: Document) -> tuple[Layer, ...]:
        """The current object on the frames before and after."""
        own, layers = document.object_id, []
        for step, colour in zip((-1, 1), SKIN_COLOURS, strict=True):
            frame = document.frame + step
            shown = own and (self.solo or document.object(own).visible)
            if shown and 0 <= frame < document.clip.frame_count:
                layers.append(self.finished_layer_of(document, own, frame, colour))
        return tuple(layers)

    def layer_of(self, document: Document, object_id: int, frame: int, colour: Colour) -> Layer:
        """An object's mask or matte on any frame, as the document has it."""
        key = (object_id, frame, self._epoch, self._versions[object_id, frame])
        return Layer(key, colour, _loader(document, object_id, frame), selected=True)

    def finished_layer_of(self, document: Document, object_id: int, frame: int, colour: Colour) -> Layer:
        """The same as its edges are finished."""
        return self.edges.finished(document, object_id, frame, self._at(document, object_id, colour))

    def _at(self, document: Document, object_id: int, colour: Colour) -> LayerAt:
        return lambda frame: self.layer_of(document, object_id, frame, colour)

    def _layer(self, document: Document, object_id: int, colour: str) -> Layer:
        frame = document.frame
        load: Callable[[], Mask | Matte | None]
        live = self._workspace.scribbler.live_mask(object_id, frame)
        if live is None:
            live = self._workspace.shaping.live_mask(object_id, frame)
        preview = self._previews.get(object_id)
        key: tuple[object, ...] = (object_id, frame, self._epoch, self._versions[object_id, frame])
        shade = rgb(colour)
        now = self._at(document, object_id, shade)
        finish = self.edges.finish(document, object_id, frame, now, True if live is not None else None)
        if live is not None:
            key, load = ("live", self._live_number), lambda: live
        elif preview is not None and preview.frame == frame and (object_id, frame) not in self._touched:
            matte = preview.matte
            key, load = ("preview", object_id, self._preview_number), lambda: matte
            finish = self.edges.preview(document, object_id, frame)
        else:
            load = _loader(document, object_id, frame)
        before = _former_at(document, object_id, shade)
        former = self.edges.finished(document, object_id, frame, before, _was_drawn(document, object_id))
        return Layer(key, shade, load, object_id == document.object_id, former, finish)

    def _rendered(self, scene: Scene, picture: QImage, bare: QImage) -> None:
        document = self._workspace.document
        if document is None or (scene.frame != document.frame and not self._workspace.player.is_playing):
            return  # an older wish; the newer one is on its way
        self.arriving.emit(scene.frame)
        self._canvas.set_picture(picture, bare)

    def _show_boxes(self, document: Document) -> None:
        boxes = []
        for item in self.shown_objects(document):
            box = document.box(item.object_id, document.frame)
            if box is not None:
                boxes.append((box, QColor(item.colour)))
        self._canvas.set_boxes(boxes)

    def _live_changed(self) -> None:
        self._live_number += 1
        self.refresh()

    def _previewed(self, event: MaskPreviewed) -> None:
        self._previews[event.object_id] = event
        self._preview_number += 1
        document = self._workspace.document
        if document is not None and event.frame == document.frame:
            self.refresh()

    def _run_changed(self) -> None:
        if self._workspace.runner.is_learning:
            return
        self._touched.clear()
        if self._previews:
            self._previews.clear()
            self.refresh()

    # --- the pen ------------------------------------------------------------------------------------------

    def _update_pointer(self) -> None:
        document = self._workspace.document
        if document is None or document.object_id == 0:
            self._canvas.set_pointer(Pointer())
            return
        if self.tool is Tool.BOX:
            self._canvas.set_pointer(Pointer(Gesture.BOX))
            return
        if self.tool is Tool.COLOUR:
            self._canvas.set_pointer(Pointer(Gesture.PICK))
            return
        if self._outline is not None:
            self._canvas.set_pointer(Pointer(Gesture.OUTLINE, outline=self._outline))
            return
        colour = rgb(document.object(document.object_id).colour)
        adds = self.tool in (Tool.BRUSH, Tool.FOREGROUND)
        if self.tool in SCRIBBLES:
            looks = scribble_look(adds), scribble_look(not adds)
        else:
            look = partial(paint_look, self.view, colour, backdrop=self.backdrop, opacity=self.look.opacity)
            looks = look(adds), look(not adds)
        softness = self.softness if self.tool in BRUSHES else 0.0
        feels_pressure = self.feels_pressure and self.tool in BRUSHES
        pointer = Pointer(
            Gesture.PAINT, self.pen_radius, *looks, softness, feels_pressure, takes_away=not adds
        )
        self._canvas.set_pointer(pointer)

    def _adds(self, subtracts: bool) -> bool:
        return (self.tool in (Tool.BRUSH, Tool.FOREGROUND)) != subtracts

    def _stroke_changed(self, stroke: PenStroke, subtracts: bool) -> None:
        if self.tool in SCRIBBLES:
            self._workspace.scribbler.extend(stroke, self._adds(subtracts))

    def _stroke_finished(self, stroke: PenStroke, subtracts: bool) -> None:
        document = self._workspace.document
        if document is None:
            return
        adds = self._adds(subtracts)
        try:
            if self.tool in SCRIBBLES:
                self._workspace.scribbler.finish(stroke, adds)
            else:
                self._paint(document, stroke, adds)
        except EngineError as error:
            self._canvas.abandon()
            self.refused.emit(str(error))
        self.refresh()

    def _paint(self, document: Document, stroke: PenStroke, adds: bool) -> None:
        self._workspace.scribbler.cancel_current()  # its answer must not replace this stroke
        mask = document.begin_stroke(
            document.object_id, document.frame, mark("Brush") if adds else mark("Eraser")
        )
        document.stroke_painted(stroke.paint(mask, PAINT if adds else ERASE))
        document.end_stroke()

    def _area_outlined(self, path: list[Point], subtracts: bool) -> None:
        self._workspace.scribbler.cancel_current()
        name = OUTLINE_NAMES.get(self.tool, mark("Rectangle"))
        self._workspace.shaping.paint_area(path, not subtracts, name)

    def _pick_finished(self) -> None:
        self._workspace.scribbler.cancel_current()
        self._workspace.shaping.finish_pick()

    def _box_drawn(self, box: Box) -> None:
        try:
            self._workspace.scribbler.draw_box(box)
        except EngineError as error:
            self.refused.emit(str(error))


def _loader(document: Document, object_id: int, frame: int) -> Callable[[], Mask | Matte | None]:
    return lambda: document.matte(object_id, frame)


def _former_at(document: Document, object_id: int, colour: Colour) -> LayerAt:
    """An object's matte before the last run, by frame."""

    def layer(frame: int) -> Layer:
        serial, load = document.runs.former(object_id, frame)
        return Layer(("former", object_id, frame, serial), colour, load)

    return layer


def _was_drawn(document: Document, object_id: int) -> bool:
    """Whether a person vouched for the frame's matte before the last run: that run left it as it was."""
    frame, now = document.frame, document.prediction(object_id, document.frame)
    serial, _ = document.runs.former(object_id, frame)
    return document.approved(object_id, frame) and now is not None and now.serial == serial


def rgb(colour: str) -> Colour:
    """`#rrggbb` as three numbers."""
    parsed = QColor(colour)
    return parsed.red(), parsed.green(), parsed.blue()
