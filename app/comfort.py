"""What makes the window easy to learn and one's own: keys, command palette, tour, demo, recent projects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QImage, QKeyEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QMainWindow, QWidget

from app.actions import REASONS, ActionSet, keys_text, plain
from app.compositing import Scene
from app.demo_shot import lay_out
from app.docks import Docks
from app.editing import Editing, facts
from app.first_tour import MARKED, RAN, FirstTour
from app.keymap import Keymap
from app.language import tr
from app.opening import Opening
from app.palette import Entry, found, frame_asked, frame_entry
from app.palette_window import Palette
from app.presets import preset_label
from app.recents import keep_picture, look_up
from app.settings import Settings
from app.shortcut_editor import ShortcutEditor
from app.shortcut_sheet import ShortcutSheet
from app.start_screen import StartScreen
from app.workspace import Workspace
from vosengine.config import PRESET_NOTES, PRESETS


class Comfort(QObject):
    """Everything about it between the workspace and the window. `build` it once the actions exist."""

    settings_changed = Signal()  # worth keeping at once
    preset_chosen = Signal(str)

    actions: ActionSet
    tour: FirstTour
    _start_screen: StartScreen

    def __init__(
        self,
        window: QMainWindow,
        workspace: Workspace,
        editing: Editing,
        opening: Opening,
        settings: Settings,
        docks: Docks,
        canvas: QWidget,
    ) -> None:
        super().__init__(window)
        self._window, self._workspace, self._editing = window, workspace, editing
        self._opening, self._settings, self._docks, self._canvas = opening, settings, docks, canvas
        self.keymap = Keymap(settings.shortcuts)
        self._sheet: ShortcutSheet | None = None
        self._wants_picture = False
        window.installEventFilter(self)

    def handlers(self) -> dict[str, Callable[[], object]]:
        """What the actions do, by name."""
        return {
            "palette": self._show_palette,
            "shortcuts": self.show_sheet,
            "change_shortcuts": self._change_shortcuts,
            "tour": partial(self._start_tour, focus=True),
            "open_demo": self._open_demo,
        }

    def build(self, actions: ActionSet) -> None:
        """The tour, ready to be shown."""
        self.actions = actions
        self.tour = FirstTour(actions, self._window)
        self.tour.ended.connect(self._tour_ended)
        actions["run"].enabledChanged.connect(self._run_possible)
        workspace = self._workspace
        workspace.document_changed.connect(self._document_changed)
        workspace.runner.ended.connect(self._run_ended)
        workspace.renderer.rendered.connect(self._rendered)

    def facts(self) -> set[str]:
        """None that only it knows."""
        return set()

    def welcome(self, start_screen: StartScreen) -> None:
        """Fill the start screen whenever it is shown."""
        self._start_screen = start_screen
        start_screen.chosen.connect(lambda folder: self._opening.open(Path(folder)))
        start_screen.removed.connect(self._forget)

    # --- keeping up ---------------------------------------------------------------------------------------

    def _document_changed(self) -> None:
        document, settings = self._workspace.document, self._settings
        self._wants_picture = document is not None
        if document is None:
            self.tour.end()
        elif not settings.tour_shown:
            settings.tour_shown = True
            QTimer.singleShot(0, self, self._start_tour)  # what it points at is shown first

    def _rendered(self, _scene: Scene, picture: QImage, _bare: QImage) -> None:
        """Once after opening and after each run, what is shown is kept for the start screen."""
        document = self._workspace.document
        if self._wants_picture and document is not None:
            self._wants_picture = False
            folder = document.cache_folder
            self._workspace.worker.submit(lambda: keep_picture(picture, folder), lambda _: None)

    def _run_possible(self, possible: bool) -> None:
        """With the first mark it is."""
        if possible:
            self.tour.done(MARKED)

    def _run_ended(self) -> None:
        self._wants_picture = True
        self.tour.done(RAN)

    def list_recents(self) -> None:
        """Look the recent projects up, off the GUI thread, and list them."""
        folders, opened = list(self._settings.recent_projects), dict(self._settings.recent_opened)
        show = self._start_screen.set_recent
        self._workspace.worker.submit(lambda: look_up(folders, opened), show, "recent projects")

    def _forget(self, folder: str) -> None:
        self._settings.forget_recent(folder)
        self.list_recents()
        self.settings_changed.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Space presses the control that the keyboard has walked to; everywhere else it plays."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            focus = QApplication.focusWidget()
            if event.key() == Qt.Key.Key_Space and isinstance(focus, QAbstractButton | QComboBox):
                event.accept()
                return True
        return super().eventFilter(watched, event)

    # --- commands -----------------------------------------------------------------------------------------

    def _show_palette(self) -> None:
        entries = list(self.entries())
        Palette(lambda query: self.find(entries, query), self._run, self._window).open()

    def find(self, entries: list[Entry], query: str) -> list[Entry]:
        """What the palette lists; a frame of the clip comes first."""
        number, document = frame_asked(query), self._workspace.document
        listed = found(entries, query, self._settings.recent_commands)
        if number is None or document is None:
            return listed
        first = document.clip.first_number
        last = first + document.clip.frame_count - 1
        frame = frame_entry(number, first, last, self._go_to)
        return [*listed, frame] if frame.reason else [frame, *listed]

    def entries(self) -> Iterator[Entry]:
        """All actions, the objects and the presets."""
        for spec, action in self.actions:
            if spec.name != "palette":
                yield Entry(
                    key=spec.name,
                    title=plain(action.text()),
                    section=spec.menu.replace("&", ""),
                    do=action.trigger,
                    hint=spec.tip,
                    keys=keys_text(action),
                    reason=self.actions.reason(spec.name),
                )
        yield from self._object_entries()
        yield from self._preset_entries()

    def _object_entries(self) -> Iterator[Entry]:
        document = self._workspace.document
        for place, item in enumerate(document.objects if document is not None else (), start=1):
            own = item.object_id
            yield Entry(
                key=f"object {own}",
                title=item.name,
                section=tr("Object"),
                do=partial(self._editing.select, own),
                hint=tr("Work on this object"),
                keys=str(place) if place <= 9 else "",
            )

    def _preset_entries(self) -> Iterator[Entry]:
        needs = facts(self._workspace)
        missing = [need for need in ("clip",) if need not in needs]
        for name, config in PRESETS.items():
            label = preset_label(config)
            yield Entry(
                key=f"preset {name}",
                title=tr("Preset: {name}").format(name=label),
                section=tr("Cut out"),
                do=partial(self.preset_chosen.emit, name),
                hint=PRESET_NOTES.get(name, ""),
                reason=REASONS[missing[0]] if missing else "",
            )

    def _run(self, entry: Entry) -> None:
        self._settings.add_command(entry.key)
        entry.do()

    def _go_to(self, frame: int) -> None:
        self._workspace.player.stop()
        self._editing.go_to(frame)

    # --- keys ---------------------------------------------------------------------------------------------

    def show_sheet(self) -> ShortcutSheet:
        """The sheet of all keys, beside the work."""
        if self._sheet is None:
            self._sheet = ShortcutSheet(self.actions, self._window)
            self._sheet.change_asked.connect(self._change_shortcuts)
        self._sheet.refresh()
        self._sheet.show()
        self._sheet.raise_()
        self._sheet.activateWindow()
        self._sheet.search.setFocus()
        self._sheet.search.selectAll()
        return self._sheet

    def _change_shortcuts(self) -> None:
        editor = ShortcutEditor(self.keymap, self._window)
        editor.changed.connect(self._keys_changed)
        editor.exec()
        editor.deleteLater()

    def _keys_changed(self) -> None:
        """At once, everywhere."""
        self.actions.rebind(self.keymap.all())
        self._settings.shortcuts = self.keymap.stored()
        self.tour.refresh()
        if self._sheet is not None:
            self._sheet.refresh()
        self.settings_changed.emit()

    # --- the rest of the menu -----------------------------------------------------------------------------

    def _start_tour(self, focus: bool = False) -> None:
        """Tab leads from the canvas to it; with `focus` it has the keyboard at once."""
        if self._workspace.document is None:  # closed again meanwhile
            return
        for before, after in pairwise((self._canvas, self.tour.next, self.tour.back, self.tour.skip)):
            QWidget.setTabOrder(before, after)
        self.tour.start(focus)

    def _tour_ended(self) -> None:
        self._canvas.setFocus()

    def _open_demo(self) -> None:
        self._workspace.worker.submit(lay_out, self._opening.open, "demo")
