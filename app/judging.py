"""Judging a result: the ranked worst frames, the wipe against the former result, what a run changed."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QImage, QKeySequence
from PySide6.QtWidgets import QDockWidget

from app.actions import ActionSet
from app.docks import Docks
from app.document import Change, Document, Kind
from app.editing import Editing
from app.findings import STRETCH, SUSPICIOUS_BELOW, Mark, Ranking, ranked, reason_of
from app.language import tr
from app.outcome import Outcome
from app.read_ahead import ReadAhead
from app.settings import Settings
from app.survey import Survey
from app.thumbnails import Thumbnails, ThumbnailWish
from app.tools import Tool
from app.viewer import Viewer, rgb
from app.wipe import WipeHandle
from app.workspace import Workspace
from app.worst_panel import Details, WorstModel, WorstPanel
from app.worst_row import THUMBNAIL
from vosengine.edge_controls import NEUTRAL
from vosengine.types import Span

RANK_DELAY = 150  # milliseconds: predictions come in a row


class Judging(QObject):
    """Everything about judging between the workspace and the window. `build` it once the actions exist."""

    outcome_changed = Signal(str, str)  # how many frames the last run changed, and where

    actions: ActionSet
    panel: WorstPanel
    dock: QDockWidget
    wipe: WipeHandle

    def __init__(
        self, workspace: Workspace, viewer: Viewer, editing: Editing, settings: Settings, docks: Docks
    ) -> None:
        super().__init__(viewer)
        self._docks = docks
        self._workspace, self._viewer, self._editing, self._settings = workspace, viewer, editing, settings
        self.survey = Survey(self)
        self._read_ahead = ReadAhead(workspace, viewer)
        self.thumbnails = Thumbnails()
        self._wanted: dict[Hashable, ThumbnailWish] = {}
        self._ranked: tuple[Span, int] | None = None  # the scope of the ranking shown
        self._told: Outcome | None = None  # what a run changed, as said last
        self._visited: tuple[int, float] | None = None  # the worst frame gone to last, and its estimate
        self._rank_later = QTimer(self, singleShot=True, interval=RANK_DELAY)
        self._rank_later.timeout.connect(self.rank)
        self._make_soon = QTimer(self, singleShot=True, interval=0)
        self._make_soon.timeout.connect(self._make_thumbnails)
        # Before the timeline and the actions listen: what they show of a change is what the survey finds.
        workspace.document_changed.connect(self._document_changed)
        workspace.changed.connect(self._changed)

    def handlers(self) -> dict[str, Callable[[], object]]:
        """What the actions do, by name."""
        return {
            "next_worst": partial(self.step, 1),
            "previous_worst": partial(self.step, -1),
            "mute": self.mute,
            "correct": self.correct,
            "worst_frames": self._toggle_panel,
            "wipe": self._toggle_wipe,
            "skins": lambda: self._viewer.set_skins(self.actions["skins"].isChecked()),
        }

    def build(self, actions: ActionSet) -> None:
        """The panel beside the canvas and the wipe over it."""
        self.actions = actions
        self.panel = WorstPanel(actions, WorstModel(self._details, self._thumbnail))
        self.panel.thin.setChecked(self._settings.one_per_stretch)
        self.dock = self._docks.add(self.panel, tr("Worst frames"), actions["worst_frames"], shown=True)
        self.wipe = WipeHandle(self._viewer.canvas)
        self._connect()

    def _connect(self) -> None:
        workspace = self._workspace
        self.survey.found.connect(self._rank_soon)
        self.survey.objects_changed.connect(self._rank_soon)
        self.panel.chosen.connect(self.go_to)
        self.panel.corrected.connect(self.correct)
        self.panel.thinned.connect(self._thin)
        self.actions["solo"].triggered.connect(self._rank_soon)
        self.wipe.moved.connect(self._viewer.set_wipe)
        workspace.renderer.thumbnail_ready.connect(self._thumbnail_ready)
        workspace.runner.ended.connect(self._run_ended)

    # --- keeping up ---------------------------------------------------------------------------------------

    def _document_changed(self) -> None:
        self.survey.set_document(self._workspace.document)
        self.thumbnails.clear()
        self._wanted.clear()
        self._visited = None
        self._stop_wipe()
        self._tell_outcome()
        self.rank()

    def _changed(self, change: Change) -> None:
        self.survey.follow(change)
        document = self._workspace.document
        if document is None:
            return
        if change.kind is Kind.SELECTION:
            self.panel.select(document.frame)
            if self._scope(document) != self._ranked:
                self._rank_soon()
        elif change.kind is Kind.EDGES:
            self.panel.repaint_rows()
        elif change.kind is Kind.UNDO:
            self._tell_outcome()
            if not document.runs.outcome.frames:
                self._stop_wipe()

    def _rank_soon(self) -> None:
        if not self._rank_later.isActive():
            self._rank_later.start()

    def rank(self) -> None:
        """Rank the frames anew and show them."""
        document = self._workspace.document
        self._rank_later.stop()
        self._ranked = self._scope(document) if document is not None else None
        self.panel.show_ranking(self._ranking(), document.frame if document else 0, self._suspicious())

    def _scope(self, document: Document) -> tuple[Span, int]:
        """What the ranking hangs on besides the frames: in and out, and the object shown alone, 0 for all."""
        return document.span, document.object_id if self._viewer.solo else 0

    def _ranking(self) -> Ranking:
        """The shown, unlocked objects' frames between in and out."""
        document = self._workspace.document
        if document is None:
            return ranked({}, Span(0, 0))
        shown = [each.object_id for each in self._viewer.shown_objects(document) if not each.locked]
        findings = {own: self.survey.findings[own] for own in shown}
        return ranked(findings, document.span, STRETCH if self._settings.one_per_stretch else 0)

    def _suspicious(self) -> int:
        """Frames on which a prediction of any object is probably wrong and not muted."""
        rows = [each.listed & (each.quality < SUSPICIOUS_BELOW) for each in self.survey.findings.values()]
        return int(np.logical_or.reduce(rows).sum()) if rows else 0

    def facts(self) -> set[str]:
        """Which needs of `app.actions.REASONS` about judging hold now."""
        document = self._workspace.document
        if document is None:
            return set()
        own, frame = document.object_id, document.frame
        mark = self.survey.findings[own].marks[frame] if own in self.survey.findings else Mark.EMPTY
        checks = {
            "worst": any(each.listed.any() for each in self.survey.findings.values()),
            "predicted": mark in (Mark.STALE, Mark.PREDICTED, Mark.SUSPICIOUS),
            "former": bool(document.runs.outcome.frames),
        }
        muted = bool(own) and document.muted(own, frame)
        self.actions["mute"].setText(tr("Un&mute frame") if muted else tr("&Mute frame"))
        return {name for name, holds in checks.items() if holds}

    # --- going through the worst frames -------------------------------------------------------------------

    def step(self, rows: int) -> None:
        """To the next worst frame, or with -1 back to the one before it."""
        document = self._workspace.document
        if document is None:
            return
        self.rank()
        ranking = self.panel.model.ranking
        row = ranking.step(document.frame, rows, self._visited)
        if row is None:
            self._workspace.message.emit(tr("No frame is left to judge between in and out."))
        else:
            self.go_to(int(ranking.frames[row]), int(ranking.object_ids[row]))
            self._visited = int(ranking.frames[row]), float(ranking.quality[row])

    def go_to(self, frame: int, object_id: int) -> None:
        """Show a frame, its object selected."""
        self._workspace.player.stop()
        document = self._workspace.document
        if document is not None and document.object_id != object_id:
            self._editing.select(object_id)
        self._editing.go_to(frame)

    def mute(self) -> None:
        """List the frame's prediction no more until it changes, or list it again."""
        self._workspace.scribbler.cancel_current()
        self._editing.edit(lambda d: d.mute(d.object_id, d.frame, not d.muted(d.object_id, d.frame)))

    def correct(self) -> None:
        """Take up the scribble on the frame at hand if it is listed, else on the worst one."""
        document = self._workspace.document
        if document is not None and self.panel.model.ranking.row_of(document.frame) is None:
            self.step(1)
        self.actions[Tool.FOREGROUND.value].trigger()
        self._viewer.canvas.setFocus()

    def _thin(self, one_per_stretch: bool) -> None:
        self._settings.one_per_stretch = one_per_stretch
        self.rank()

    def _details(self, frame: int, object_id: int) -> Details | None:
        document = self._workspace.document
        prediction = document.prediction(object_id, frame) if document is not None else None
        if document is None or prediction is None:
            return None
        item, number = document.object(object_id), frame + document.clip.first_number
        edges = document.edges(object_id).at(frame) if self._viewer.edges.shown else NEUTRAL
        key = (object_id, frame, prediction.serial, item.colour, edges)
        return Details(key, number, item.name, item.colour, reason_of(prediction), prediction.stale)

    # --- thumbnails ---------------------------------------------------------------------------------------

    def _thumbnail(self, key: Hashable, frame: int, object_id: int) -> QImage | None:
        """The picture, or None; then it is made soon, of rows in sight only."""
        picture = self.thumbnails.get(key)
        document = self._workspace.document
        if picture is None and document is not None:
            size = THUMBNAIL * self.panel.devicePixelRatioF()
            colour = rgb(document.object(object_id).colour)
            layer = self._viewer.finished_layer_of(document, object_id, frame, colour)
            self._wanted[key] = ThumbnailWish(key, frame, (layer,), (size.width(), size.height()))
            self._make_soon.start()
        return picture

    def _make_thumbnails(self) -> None:
        self._workspace.renderer.make_thumbnails(list(self._wanted.values()))
        self._wanted.clear()

    def _thumbnail_ready(self, key: Hashable, picture: QImage) -> None:
        self.thumbnails.put(key, picture)
        self.panel.repaint_rows()

    # --- the former result --------------------------------------------------------------------------------

    def _toggle_wipe(self) -> None:
        document = self._workspace.document
        if self.actions["wipe"].isChecked() and document is not None:
            self.wipe.start(document.clip.width)
            self._viewer.set_wipe(self.wipe.share)
        else:
            self._stop_wipe()

    def _stop_wipe(self) -> None:
        if self._viewer.wipe is not None:
            self.actions["wipe"].setChecked(False)
            self.wipe.hide()
            self._viewer.set_wipe(None)

    def _run_ended(self, sentence: str) -> None:
        """What the run changed, and how it is taken back."""
        self._visited = None
        document = self._workspace.document
        outcome = document.runs.outcome if document is not None else Outcome()
        if document is not None and outcome.changed and outcome is not self._told:
            self._told, keys = outcome, self.actions["undo"].shortcut()
            undo = keys.toString(QKeySequence.SequenceFormat.NativeText) or tr("Undo")
            where = outcome.where(document.clip.first_number)
            text = tr("{sentence} {count} ({where}); {undo} takes it back.")
            figures = {"count": outcome.count, "where": where, "undo": undo}
            self._workspace.message.emit(text.format(sentence=sentence, **figures))

    def _tell_outcome(self) -> None:
        document = self._workspace.document
        outcome = document.runs.outcome if document is not None else Outcome()
        first_number = document.clip.first_number if document is not None else 0
        self.outcome_changed.emit(outcome.count, outcome.where(first_number))

    # --- the panel ----------------------------------------------------------------------------------------

    def _toggle_panel(self) -> None:
        self._docks.toggle("worst_frames")
        if self.dock.isVisible():
            self.panel.list.setFocus()
