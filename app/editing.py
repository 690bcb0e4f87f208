"""What the actions do to the open document: edits, objects, moving about. Nothing happens without one."""

from __future__ import annotations

import bisect
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from app.document import Document, FrameState
from app.jobs import JobKind
from app.language import tr
from app.orders import Way, order_for
from app.step_titles import step_title
from app.workspace import Workspace
from vosengine.config import preset
from vosengine.errors import EngineError
from vosengine.types import Span

Edit = Callable[[Document], object]


class Editing(QObject):
    """Edits that the document refuses (a locked object, say) are told in one sentence."""

    refused = Signal(str)

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace)
        self._workspace = workspace
        workspace.player.frame_due.connect(self.go_to)

    def edit(self, change: Edit) -> None:
        """Apply a change to the open document."""
        document = self._workspace.document
        if document is not None:
            try:
                change(document)
            except EngineError as error:
                self.refused.emit(str(error))

    # --- masks --------------------------------------------------------------------------------------------

    def approve(self) -> None:
        """Approve the frame, or take its approval back."""
        self._workspace.scribbler.cancel_current()
        self.edit(lambda d: d.approve(d.object_id, d.frame, not d.approved(d.object_id, d.frame)))

    def copy_from(self, frames: int) -> None:
        """Start from the mask that is this many frames on (or back)."""
        self._workspace.scribbler.cancel_current()

        def copy(document: Document) -> None:
            if document.frame + frames in document.clip.span:
                document.copy_from(document.object_id, document.frame, document.frame + frames)

        self.edit(copy)

    def shape(self, action: str) -> None:
        """An edit of the whole mask, one of `app.shaping.EDITS`."""
        self._workspace.scribbler.cancel_current()
        self._workspace.shaping.edit(action)

    def clear(self) -> None:
        """Take the object's mask off the frame."""
        self._workspace.scribbler.cancel_current()
        self.edit(lambda d: d.clear(d.object_id, d.frame))

    def undo(self) -> None:
        """Take the last step back."""
        self._cancel_answers()
        self.edit(self._undo)

    def redo(self) -> None:
        """Do it again."""
        self._cancel_answers()
        self.edit(self._redo)

    def travel(self, position: int) -> None:
        """Undo or redo until `position` steps are done."""
        self._cancel_answers()
        self.edit(lambda d: d.travel(position))

    def _undo(self, document: Document) -> None:
        name = document.undo_name
        document.undo()
        self._workspace.message.emit(tr("Taken back: {step}.").format(step=step_title(name)))

    def _redo(self, document: Document) -> None:
        name = document.redo_name
        document.redo()
        self._workspace.message.emit(tr("Done again: {step}.").format(step=step_title(name)))

    def _cancel_answers(self) -> None:
        self._workspace.scribbler.cancel()
        self._workspace.shaping.cancel()

    # --- objects ------------------------------------------------------------------------------------------

    def add_object(self) -> None:
        """One more object, made current."""
        self.edit(lambda d: d.add_object())

    def delete_object(self) -> None:
        """Remove the current object; undo brings it back."""
        self._cancel_answers()
        self.edit(lambda d: d.remove_object(d.object_id))

    def rename(self, object_id: int, name: str) -> None:
        """Another name."""
        self.edit(lambda d: d.change_object(object_id, name=name))

    def recolour(self, object_id: int, colour: str) -> None:
        """Another colour, `#rrggbb`."""
        self.edit(lambda d: d.change_object(object_id, colour=colour))

    def toggle_visible(self, object_id: int = 0) -> None:
        """Show or hide an object, by default the current one."""

        def toggle(document: Document) -> None:
            chosen = object_id or document.object_id
            document.change_object(chosen, visible=not document.object(chosen).visible)

        self.edit(toggle)

    def toggle_locked(self, object_id: int = 0) -> None:
        """Lock or unlock an object, by default the current one."""

        def toggle(document: Document) -> None:
            chosen = object_id or document.object_id
            document.change_object(chosen, locked=not document.object(chosen).locked)

        self.edit(toggle)

    def move_object(self, places: int) -> None:
        """Move the current object down the list by this many places (up: negative)."""
        self.edit(lambda d: d.move_object(d.object_id, places))

    def select(self, object_id: int) -> None:
        """Make an object current."""
        self.edit(lambda d: d.select(object_id))

    def select_place(self, place: int) -> None:
        """Make the object at `place` (1 is the topmost) current."""
        self.edit(lambda d: d.select(d.objects[place - 1].object_id) if place <= len(d.objects) else None)

    # --- moving about -------------------------------------------------------------------------------------

    def go_to(self, frame: int) -> None:
        """Show a frame."""
        self.edit(lambda d: d.go_to(min(max(frame, 0), d.clip.frame_count - 1)))

    def step(self, frames: int) -> None:
        """Go some frames on, or back."""
        self._workspace.player.stop()
        self.edit(lambda d: self.go_to(d.frame + frames))

    def first(self) -> None:
        """To the clip's first frame."""
        self.step(-(10**9))

    def last(self) -> None:
        """To the clip's last frame."""
        self.step(10**9)

    def previous_annotation(self) -> None:
        """To the next marked frame on the left."""
        self._to_annotation(lambda frames, at: frames[: bisect.bisect_left(frames, at)][-1:])

    def next_annotation(self) -> None:
        """To the next marked frame on the right."""
        self._to_annotation(lambda frames, at: frames[bisect.bisect_right(frames, at) :][:1])

    def _to_annotation(self, choose: Callable[[list[int], int], list[int]]) -> None:
        self._workspace.player.stop()

        def go(document: Document) -> None:
            for frame in choose(document.annotated_frames(), document.frame):
                self.go_to(frame)

        self.edit(go)

    def mark_in(self) -> None:
        """The range starts here."""
        self.edit(
            lambda d: d.set_span(Span(d.frame, d.span.stop if d.span.stop > d.frame else d.clip.frame_count))
        )

    def mark_out(self) -> None:
        """The range ends here, this frame included."""
        self.edit(lambda d: d.set_span(Span(d.span.start if d.span.start <= d.frame else 0, d.frame + 1)))

    def set_span(self, span: Span) -> None:
        """In and out from the timeline."""
        self.edit(lambda d: d.set_span(span))

    def clear_range(self) -> None:
        """The whole clip."""
        self.edit(lambda d: d.set_span(d.clip.span))

    def play_or_pause(self) -> None:
        """Play from here, or stay here."""
        player = self._workspace.player
        if player.is_playing:
            player.stop()
        else:
            self.edit(lambda d: player.play(d.clip.timestamps, d.clip.rate, d.span, d.frame))

    # --- runs ---------------------------------------------------------------------------------------------

    def run(self, way: Way) -> None:
        """Learn, propagate or both; behind the jobs that there are."""
        self._workspace.player.stop()
        self.edit(lambda d: self._workspace.jobs.add_run(order_for(d, way)))

    def set_preset(self, name: str) -> None:
        """The next run's settings."""
        self.edit(lambda d: d.set_config(preset(name)))


def facts(workspace: Workspace) -> set[str]:
    """Which needs of `app.actions.REASONS` hold now."""
    document, job = workspace.document, workspace.jobs.running
    runs = job is not None and job.kind is JobKind.RUN
    found = {"running"} if runs or workspace.scribbler.is_working else set()
    if job is None:
        found.add("idle")
    if document is None:
        return found
    object_id, frame = document.object_id, document.frame
    found.add("clip")
    checks = {
        "several": document.clip.frame_count > 1,
        "undo": bool(document.undo_name),
        "redo": bool(document.redo_name),
        "annotation": bool(document.annotated_frames()),
        "result": any(document.has_result(item.object_id) for item in document.objects),
        "object": object_id != 0,
    }
    if object_id:
        state = document.state(object_id, frame)
        place = [item.object_id for item in document.objects].index(object_id)
        checks["marked"] = state is not FrameState.EMPTY
        checks["masked"] = checks["marked"] and document.box(object_id, frame) is None
        drawn = state in (FrameState.ANNOTATED, FrameState.APPROVED)
        checks["drawn"] = drawn or document.scribbles(object_id, frame) is not None
        for name, other in (("previous", frame - 1), ("next", frame + 1)):
            shows = other in document.clip.span and document.state(object_id, other) is not FrameState.EMPTY
            checks[name] = shows
        checks["above"], checks["below"] = place > 0, place < len(document.objects) - 1
    return found | {name for name, holds in checks.items() if holds}
