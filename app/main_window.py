"""The main window: puts the parts together and keeps them telling the truth."""

from __future__ import annotations

import base64
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QByteArray, QSize, Qt, QTimer
from PySide6.QtGui import (
    QCloseEvent,
    QColor,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QKeySequence,
    QShortcut,
)
from PySide6.QtWidgets import (
    QColorDialog,
    QFrame,
    QHBoxLayout,
    QMainWindow,
    QMessageBox,
    QScrollArea,
    QSizePolicy,
    QSplitter,
    QStackedWidget,
    QToolBar,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.actions import ActionSet
from app.backgrounds import Backgrounds
from app.brush_control import BrushControl
from app.canvas import Canvas
from app.comfort import Comfort
from app.compositing import View
from app.correcting import Correcting
from app.dialogs import ErrorDialog, network_notes, versions
from app.docks import Docks
from app.document import Change, Document, FrameState, Kind
from app.editing import Editing, facts
from app.exporting import Exporting
from app.finishing import Finishing
from app.import_dialog import import_masks
from app.judging import Judging
from app.language import tr
from app.opening import Opening
from app.panels import ObjectsPanel, RunPanel
from app.preferences import Appearance
from app.presets import preset_name
from app.recovery import Recovery
from app.running import Running
from app.settings import Settings
from app.shaping import EDITS
from app.start_screen import StartScreen
from app.status import Status
from app.steady_view import SteadyView
from app.step_titles import step_title
from app.steps_chapter import StepsChapter
from app.timeline_control import TimelineControl
from app.tools import Tool
from app.viewer import Viewer
from app.workspace import Workspace
from vosengine.config import PRESETS, Config, preset

SIDE_WIDTH = 268
REFRESH_DELAY = 100  # milliseconds


class Chapter(Protocol):
    """A part of the window's work with actions of its own; panels of its own go into the docks."""

    def handlers(self) -> dict[str, Callable[[], object]]:
        """What its actions do, by name."""

    def build(self, actions: ActionSet) -> None:
        """The actions exist: make what shows them."""

    def facts(self) -> set[str]:
        """Which needs of `app.actions.REASONS` that only it knows hold now."""


class MainWindow(QMainWindow):
    """One window, one document. Closing it ends all threads."""

    def __init__(self, workspace: Workspace, settings: Settings) -> None:
        super().__init__()
        self.workspace, self.settings = workspace, settings
        workspace.setParent(self)
        self.editing = Editing(workspace)
        self.opening = Opening(workspace, settings, self)
        self.canvas = Canvas()
        self.viewer = Viewer(workspace, self.canvas, settings.brush_radius)
        self.docks = Docks(self.canvas)
        self.judging = Judging(workspace, self.viewer, self.editing, settings, self.docks)
        self.comfort = Comfort(self, workspace, self.editing, self.opening, settings, self.docks, self.canvas)
        self.appearance = Appearance(self.viewer, settings, self)
        self.steady = SteadyView(workspace, self.viewer, self.judging.survey)
        self.timeline_control = TimelineControl(workspace, self.judging.survey, settings, self)
        self.running = Running(workspace, self.editing, self.docks, settings, self.judging.survey)
        self.exporting = Exporting(workspace, settings, self)
        self.finishing = Finishing(workspace, self.viewer, self.editing, self.docks)
        self.history = StepsChapter(workspace, self.editing, self.docks)
        self.recovery = Recovery(workspace, settings)
        self._chapters: tuple[Chapter, ...] = (
            self.judging,
            self.appearance,
            self.comfort,
            self.steady,
            self.timeline_control,
            Backgrounds(workspace, self.viewer, settings, self),
            self.running,
            self.exporting,
            self.finishing,
            self.history,
            Correcting(workspace, settings),
        )
        self.brush = BrushControl(self.viewer, settings)
        self.actions_by_name = ActionSet(self, self._handlers(), self.comfort.keymap.all())
        self._refresh_soon = QTimer(self, singleShot=True)
        self._refresh_soon.timeout.connect(self._refresh_actions)
        self._build()
        self._connect()
        self._restore()
        self._document_changed()
        self.recovery.look()

    # --- building -----------------------------------------------------------------------------------------

    def _build(self) -> None:
        actions = self.actions_by_name
        self.setWindowTitle("Rotoshot")
        self.setWindowIcon(theme.icon("app", "accent"))
        self.setAcceptDrops(True)
        self.setMinimumSize(960, 600)
        actions.fill_menus(self.menuBar())
        self.start_screen = StartScreen(actions)
        self.comfort.welcome(self.start_screen)
        self.start_screen.notices.addWidget(self.recovery.notice)
        self.objects_panel, self.run_panel = ObjectsPanel(actions), RunPanel(actions)
        self.status = Status(self.statusBar())
        self._pages = QStackedWidget()
        self._pages.addWidget(self.start_screen)
        self._pages.addWidget(self._work_page())
        self.setCentralWidget(self._pages)
        self._build_toolbars()
        for place in range(1, 10):
            QShortcut(QKeySequence(str(place)), self, partial(self.editing.select_place, place))

    def _work_page(self) -> QWidget:
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 4, 6, 0)
        column.setSpacing(8)
        column.addWidget(self.objects_panel, 1)
        column.addWidget(self.run_panel)
        # Scrolls in a low window, lest it keep the timeline low.
        beside = QScrollArea(widgetResizable=True)
        beside.setFrameShape(QFrame.Shape.NoFrame)
        beside.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        beside.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        beside.setWidget(side)
        beside.setFixedWidth(SIDE_WIDTH)
        upper = QWidget()
        across = QHBoxLayout(upper)
        across.setContentsMargins(0, 0, 0, 0)
        for chapter in self._chapters:
            chapter.build(self.actions_by_name)
        self.timeline_panel, self.timeline = self.timeline_control.panel, self.timeline_control.timeline
        self.docks.restore(self.settings.panel_layout)
        across.addWidget(self.docks, 1)
        across.addWidget(beside)
        page = QSplitter(Qt.Orientation.Vertical)
        page.addWidget(upper)
        page.addWidget(self.timeline_panel)
        page.setStretchFactor(0, 1)
        page.setChildrenCollapsible(False)
        page.splitterMoved.connect(self.timeline_control.remember_height)
        return page

    def _build_toolbars(self) -> None:
        actions = self.actions_by_name
        self._top, self._tools = QToolBar(tr("Main")), QToolBar(tr("Tools"))
        for bar, name in ((self._top, "Main"), (self._tools, "Tools")):
            bar.setObjectName(name)  # the layout is kept by it
            bar.setMovable(False)
            bar.setIconSize(QSize(20, 20))
            bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        actions.fill_toolbar(self._tools, "tools")
        actions.fill_toolbar(self._tools, "mask")
        actions.fill_toolbar(self._top, "main")
        self._top.addSeparator()
        self._top.addWidget(self.brush.sliders)
        self._top.addSeparator()
        for name in ("approve", "copy_previous", "copy_next", "clear"):
            self._top.addAction(actions[name])
        spacer = QWidget()
        spacer.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._top.addWidget(spacer)
        actions.fill_toolbar(self._top, "view")
        self.addToolBar(Qt.ToolBarArea.TopToolBarArea, self._top)
        self.addToolBar(Qt.ToolBarArea.LeftToolBarArea, self._tools)

    def _handlers(self) -> dict[str, Callable[[], object]]:
        edit, workspace = self.editing, self.workspace
        return {
            **self.opening.handlers(),
            "quit": self.close,
            "undo": edit.undo,
            "redo": edit.redo,
            "approve": edit.approve,
            "copy_previous": partial(edit.copy_from, -1),
            "copy_next": partial(edit.copy_from, 1),
            **{action: partial(edit.shape, action) for action in EDITS},
            "import_masks": lambda: import_masks(workspace, self.settings, self),
            "clear": edit.clear,
            "add_object": edit.add_object,
            "rename_object": self._rename_object,
            "recolour_object": lambda: edit.edit(lambda document: self._ask_colour(document.object_id)),
            "toggle_object": edit.toggle_visible,
            "solo": lambda: self.viewer.set_solo(self.actions_by_name["solo"].isChecked()),
            "lock_object": edit.toggle_locked,
            "object_up": partial(edit.move_object, -1),
            "object_down": partial(edit.move_object, 1),
            "delete_object": edit.delete_object,
            "cancel": self._cancel,
            **self.brush.handlers(),
            "pen_pressure": lambda: self.brush.set_pressure(self.actions_by_name["pen_pressure"].isChecked()),
            "first": edit.first,
            "last": edit.last,
            "previous": partial(edit.step, -1),
            "next": partial(edit.step, 1),
            "back_ten": partial(edit.step, -10),
            "ahead_ten": partial(edit.step, 10),
            "previous_annotation": edit.previous_annotation,
            "next_annotation": edit.next_annotation,
            "play": edit.play_or_pause,
            "loop": self._set_loop,
            "mark_in": edit.mark_in,
            "mark_out": edit.mark_out,
            "clear_range": edit.clear_range,
            "reset_layout": self._reset_layout,
            "fit": self.canvas.fit,
            "actual": self.canvas.actual_size,
            "zoom_in": lambda: self.canvas.zoom_by(1.25),
            "zoom_out": lambda: self.canvas.zoom_by(0.8),
            "about": self._about,
            **{name: do for chapter in self._chapters for name, do in chapter.handlers().items()},
            **{tool.value: partial(self._choose_tool, tool) for tool in Tool},
            **{view.value: partial(self._choose_view, view) for view in View},
        }

    def _connect(self) -> None:
        workspace, edit, viewer = self.workspace, self.editing, self.viewer
        workspace.document_changed.connect(self._document_changed)
        workspace.changed.connect(self._changed)
        workspace.opening.connect(self._opening)
        workspace.message.connect(self.status.say)
        workspace.failed.connect(self._failed)
        workspace.saving_failed.connect(self.status.show_trouble)
        workspace.scribbler.working_changed.connect(self._refresh_actions)
        workspace.jobs.progressed.connect(self._job_progressed)
        workspace.jobs.changed.connect(self._jobs_changed)
        workspace.runner.previewed.connect(self.timeline_panel.show_preview)
        workspace.renderer.indexed.connect(self._indexed)
        workspace.renderer.filled.connect(self._filled)
        workspace.player.playing_changed.connect(self._playing_changed)
        for source in (edit.refused, viewer.refused):
            source.connect(self.status.say)
        self.canvas.abandoned.connect(workspace.scribbler.abandon)
        self.canvas.space_tapped.connect(edit.play_or_pause)
        self.canvas.scale_changed.connect(self.status.show_zoom)
        self.canvas.hovered.connect(self._hovered)
        self.canvas.radius_scrolled.connect(self.brush.resize)
        self.comfort.preset_chosen.connect(self._choose_preset)
        self.recovery.chosen.connect(lambda folder: self.opening.open(Path(folder)))
        self.objects_panel.selected.connect(edit.select)
        self.objects_panel.renamed.connect(edit.rename)
        self.objects_panel.visibility_toggled.connect(edit.toggle_visible)
        self.objects_panel.lock_toggled.connect(edit.toggle_locked)
        self.objects_panel.moved.connect(edit.move_object)
        self.objects_panel.recolour_asked.connect(self._ask_colour)
        self.judging.outcome_changed.connect(self.run_panel.set_outcome)
        self.running.cost_changed.connect(self.run_panel.set_cost)
        self.run_panel.preset_chosen.connect(self._choose_preset)
        self.timeline.scrubbed.connect(self._scrubbed)
        self.timeline.lane_clicked.connect(edit.select)
        self.timeline.span_changed.connect(edit.set_span)

    def _restore(self) -> None:
        settings = self.settings
        self.resize(1280, 720)
        if settings.window_geometry:
            with suppress(ValueError):  # damaged settings must not keep the window away
                self.restoreGeometry(QByteArray(base64.b64decode(settings.window_geometry)))
        view = next((v for v in View if v.value == settings.view), View.OVERLAY)
        self.actions_by_name[view.value].setChecked(True)
        self.viewer.set_view(view)
        self.actions_by_name[Tool.FOREGROUND.value].setChecked(True)
        self._choose_tool(Tool.FOREGROUND)
        self.actions_by_name["pen_pressure"].setChecked(settings.pen_pressure)
        self.workspace.new_config = PRESETS.get(settings.preset, Config())

    # --- keeping up ---------------------------------------------------------------------------------------

    def _document_changed(self) -> None:
        document = self.workspace.document
        self._pages.setCurrentIndex(0 if document is None else 1)
        for bar in (self._top, self._tools):
            bar.setVisible(document is not None)
        self.timeline_panel.set_document(document)
        if document is None:
            self.setWindowTitle("Rotoshot")
            self.comfort.list_recents()
        else:
            self.setWindowTitle(f"{document.clip.path.name} – Rotoshot")
            self.settings.add_recent(document.folder)
            self._show_preset(document)
            self._fill_objects(document)
            self.canvas.setFocus()
        self.status.show_document(document)
        self.status.show_hint(self.viewer.tool, document)
        self._refresh_actions()

    def _changed(self, change: Change) -> None:
        document = self.workspace.document
        if document is None:
            return
        self.timeline_panel.follow(document, change)
        if change.kind is Kind.OBJECTS:
            self._fill_objects(document)
        elif change.kind is Kind.CONFIG:
            self._show_preset(document)
        elif change.kind is Kind.MESSAGES:
            self.status.say(document.messages[-1])
        elif change.kind is Kind.SELECTION:
            self.objects_panel.select(document.object_id)
            self.status.show_hint(self.viewer.tool, document)
        self.status.show_document(document)
        if change.kind is Kind.PREDICTION or self.workspace.player.is_playing:
            if not self._refresh_soon.isActive():
                self._refresh_soon.start(REFRESH_DELAY)  # many of these come in a row
        elif change.kind is Kind.SELECTION:
            self._refresh_actions()
        else:
            self._refresh_soon.start(0)  # one edit may tell many

    def _show_preset(self, document: Document) -> None:
        self.run_panel.set_preset(preset_name(document.config))

    def _fill_objects(self, document: Document) -> None:
        self.objects_panel.fill(document.objects, document.object_id)

    def _refresh_actions(self) -> None:
        document, actions = self.workspace.document, self.actions_by_name
        approved = False
        done, undone = ("", "") if document is None else (document.undo_name, document.redo_name)
        actions["undo"].setText(tr("&Undo {step}").format(step=step_title(done)) if done else tr("&Undo"))
        actions["redo"].setText(tr("&Redo {step}").format(step=step_title(undone)) if undone else tr("&Redo"))
        if document is not None and document.object_id:
            approved = document.state(document.object_id, document.frame) is FrameState.APPROVED
        actions["approve"].setText(tr("Take &approval back") if approved else tr("&Approve frame"))
        actions.refresh(facts(self.workspace).union(*(chapter.facts() for chapter in self._chapters)))

    def _jobs_changed(self) -> None:
        self._job_progressed()
        if not self.workspace.runner.is_running and self.workspace.document is not None:
            self.timeline_panel.drop_previews()
        self._refresh_actions()

    def _job_progressed(self) -> None:
        jobs, running = self.workspace.jobs, self.running
        texts = running.device_text(), running.waiting_text()
        self.run_panel.show_progress(jobs.running is not None, jobs.progress, *texts)

    def _playing_changed(self, playing: bool) -> None:
        play = self.actions_by_name["play"]
        play.setIcon(theme.icon("pause" if playing else "play"))
        play.setText(tr("P&ause") if playing else tr("P&lay"))
        self._refresh_actions()
        self.viewer.refresh()

    def _filled(self, done: int, total: int) -> None:
        self.timeline.set_cached(done)

    def _hovered(self, position: tuple[float, float] | None) -> None:
        self.status.show_pointer(self.viewer.tool, position, self.workspace.document)

    def _opening(self, name: str) -> None:
        self.start_screen.set_opening(tr("Opening {name}…").format(name=name) if name else "")

    def _indexed(self, done: int, total: int) -> None:
        if total:  # an estimate for some formats
            self.start_screen.set_opening(tr("Opening… {share:.0%}").format(share=min(done / total, 1)))

    # --- what the user asks -------------------------------------------------------------------------------

    def _rename_object(self) -> None:
        self.objects_panel.start_renaming()

    def _cancel(self) -> None:
        """Take the innermost thing away: what is under the pen, else answers on their way, else the run."""
        scribbler, picking = self.workspace.scribbler, self.workspace.shaping.abandon_pick()
        if self.canvas.abandon() or picking:
            scribbler.abandon()
        elif scribbler.is_working:
            scribbler.cancel()
        else:
            self.running.cancel()

    def _choose_tool(self, tool: Tool) -> None:
        self.viewer.set_tool(tool)
        self._hovered(None)

    def _choose_view(self, view: View) -> None:
        self.settings.view = view.value
        self.viewer.set_view(view)

    def _choose_preset(self, name: str) -> None:
        self.settings.preset = name
        self.workspace.new_config = preset(name)
        self.editing.set_preset(name)

    def _set_loop(self) -> None:
        self.workspace.player.loops = self.actions_by_name["loop"].isChecked()

    def _scrubbed(self, frame: int) -> None:
        self.workspace.player.stop()
        self.editing.go_to(frame)

    def _reset_layout(self) -> None:
        self.docks.reset()
        self.timeline_control.forget_height()

    def _ask_colour(self, object_id: int) -> None:
        document = self.workspace.document
        if document is not None:
            now = QColor(document.object(object_id).colour)
            colour = QColorDialog.getColor(now, self, tr("Object colour"))
            if colour.isValid():
                self.editing.recolour(object_id, colour.name())

    def _failed(self, message: str, trace: str) -> None:
        # From the event loop: a dialog must not run inside the delivery of engine events.
        QTimer.singleShot(0, self, lambda: ErrorDialog(message, trace, self).exec())

    def _about(self) -> None:
        text = tr("Mark an object on one frame, get it cut out of every frame.")
        QMessageBox.about(self, tr("About Rotoshot"), f"<p>{text}</p>{network_notes()}<p>{versions()}</p>")

    # --- dropping and closing -----------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take one local file or folder."""
        urls = event.mimeData().urls()
        if len(urls) == 1 and urls[0].isLocalFile():
            event.acceptProposedAction()
            self.start_screen.set_dropping(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """It went elsewhere."""
        self.start_screen.set_dropping(False)

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        self.start_screen.set_dropping(False)
        event.acceptProposedAction()
        self.opening.open(Path(event.mimeData().urls()[0].toLocalFile()))

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask while a run is on; then save and end all threads."""
        if not self.opening.may_leave(tr("Quit anyway")):
            event.ignore()
            return
        self.settings.panel_layout = self.docks.saved()
        self.settings.window_geometry = base64.b64encode(self.saveGeometry().data()).decode()
        self.hide()  # at once: the engine may need a moment to end its step
        if self.opening.leave(self.workspace.close):
            event.accept()
        else:
            self.show()
            event.ignore()
