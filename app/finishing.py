"""Finishing: the edge controls of the selected object, live on the canvas and keyed by frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QObject

from app import edge_keys
from app.actions import ActionSet
from app.docks import Docks
from app.document import Change, Document, Kind
from app.edge_scales import SCALES
from app.edges_panel import EdgesPanel
from app.editing import Editing
from app.language import mark, tr, trn
from app.viewer import Viewer
from app.workspace import Workspace
from vosengine.edge_controls import NEUTRAL, EdgeTrack

LABELS = {scale.name: scale.label for scale in SCALES}


class Finishing(QObject):
    """Everything about edge controls between the workspace and the window. `build` it once the actions exist.

    While a slider is dragged the canvas shows what would be; letting go makes the one undo step.
    """

    actions: ActionSet
    panel: EdgesPanel

    def __init__(self, workspace: Workspace, viewer: Viewer, editing: Editing, docks: Docks) -> None:
        super().__init__(viewer)
        self._workspace, self._viewer, self._editing, self._docks = workspace, viewer, editing, docks

    def handlers(self) -> dict[str, Callable[[], object]]:
        """What the actions do, by name."""
        return {
            "edges": lambda: self._docks.toggle("edges"),
            "finished_edges": lambda: self._set_finished(self.actions["finished_edges"].isChecked()),
            "edge_key": self._toggle_key,
            "previous_edge_key": lambda: self._go_to_key(edge_keys.previous_key),
            "next_edge_key": lambda: self._go_to_key(edge_keys.next_key),
            "copy_edges": self._copy,
            "reset_edges": lambda: self._keep(lambda _document, _track: EdgeTrack(), mark("Reset edges")),
        }

    def build(self, actions: ActionSet) -> None:
        """The panel beside the canvas."""
        self.actions = actions
        self.panel = EdgesPanel(actions)
        self._docks.add(self.panel, tr("Edges"), actions["edges"])
        actions["finished_edges"].setChecked(True)
        self.panel.pulled.connect(self._try)
        self.panel.chosen.connect(self._choose)
        self.panel.given_up.connect(self._give_up)
        self.panel.left.connect(self._viewer.canvas.setFocus)
        self._workspace.changed.connect(self._changed)
        self._workspace.document_changed.connect(self._document_changed)

    def facts(self) -> set[str]:
        """Which needs of `app.actions.REASONS` about edges hold now."""
        document = self._workspace.document
        if document is None or not document.object_id:
            return set()
        track, frame = document.edges(document.object_id), document.frame
        checks = {
            "finished": bool(track.keys),
            "key_before": edge_keys.previous_key(track, frame) is not None,
            "key_after": edge_keys.next_key(track, frame) is not None,
            "unlocked": not document.object(document.object_id).locked,
            "others": len(document.objects) > 1,
        }
        self.actions["edge_key"].setChecked(frame in track.keys)
        return {name for name, holds in checks.items() if holds}

    # --- keeping up ---------------------------------------------------------------------------------------

    def _document_changed(self) -> None:
        self._viewer.edges.settle()
        self._show()

    def _changed(self, change: Change) -> None:
        if change.kind in (Kind.SELECTION, Kind.OBJECTS, Kind.EDGES):
            self._show()

    def _show(self) -> None:
        """The values of the frame and object at hand."""
        document = self._workspace.document
        if document is None or not document.object_id:
            self.panel.show_controls(NEUTRAL, tr("No object"), "", enabled=False)
            return
        each = document.object(document.object_id)
        track = self._viewer.edges.track(document, each.object_id)
        state = tr("Locked") if each.locked else _reach_of(track, document.frame)
        self.panel.show_controls(track.at(document.frame), each.name, state, not each.locked)

    # --- what the user does -------------------------------------------------------------------------------

    def _try(self, name: str, value: float) -> None:
        document = self._workspace.document
        if document is not None and document.object_id:
            self._viewer.edges.attempt(document.object_id, self._with_value(document, name, value))
            self._set_finished(True)

    def _give_up(self) -> None:
        self._viewer.edges.settle()
        self._viewer.refresh()
        self._show()

    def _choose(self, name: str, value: float) -> None:
        self._set_finished(True)
        self._keep(lambda document, _: self._with_value(document, name, value), LABELS[name])

    def _with_value(self, document: Document, name: str, value: float) -> EdgeTrack:
        track, frame = document.edges(document.object_id), document.frame
        controls = replace(track.at(frame), **{name: value})  # type: ignore[arg-type]
        return edge_keys.changed(track, frame, controls.clipped())

    def _toggle_key(self) -> None:
        document = self._workspace.document
        if document is not None:
            there = document.frame in document.edges(document.object_id).keys
            name = mark("Remove edge key") if there else mark("Set edge key")
            self._keep(lambda own, track: edge_keys.toggled(track, own.frame), name)

    def _keep(self, change: Callable[[Document, EdgeTrack], EdgeTrack], name: str) -> None:
        """Make one undo step of it; a refusal is told and shows the former values again."""
        self._viewer.edges.settle()
        self._editing.edit(lambda d: d.set_edges(d.object_id, change(d, d.edges(d.object_id)), name))
        self._viewer.refresh()
        self._show()

    def _copy(self) -> None:
        """All other objects that are not locked get the same controls and keys."""

        def copy(document: Document) -> None:
            own = document.object_id
            others = [each.object_id for each in document.objects if each.object_id != own]
            free = [each for each in others if not document.object(each).locked]
            if free:
                document.set_edges(free[0], document.edges(own), mark("Copy edges"), free[1:])
            locked = tr("Locked objects keep theirs.") if len(free) < len(others) else ""
            copied = trn("Copied to {count} object.", "Copied to {count} objects.", len(free))
            if free:
                locked = " ".join((copied.format(count=len(free)), locked)).strip()
            self._workspace.message.emit(locked)

        self._editing.edit(copy)

    def _go_to_key(self, key: Callable[[EdgeTrack, int], int | None]) -> None:
        document = self._workspace.document
        found = key(document.edges(document.object_id), document.frame) if document is not None else None
        if found is not None:
            self._workspace.player.stop()
            self._editing.go_to(found)

    def _set_finished(self, shown: bool) -> None:
        """Show finished edges or raw ones; who changes a control wants to see what it does."""
        self.actions["finished_edges"].setChecked(shown)
        self._viewer.edges.shown = shown
        self._viewer.refresh()


def _reach_of(track: EdgeTrack, frame: int) -> str:
    """How far the values shown reach, in words."""
    frames = edge_keys.key_frames(track)
    if not frames:
        return tr("Same on every frame")
    keys = trn("{count} key", "{count} keys", len(frames)).format(count=len(frames))
    return tr("{keys}, one here").format(keys=keys) if frame in frames else keys
