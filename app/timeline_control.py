"""The timeline's own actions: zoom, film strip, height of the lanes, and whether it follows the playhead."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, QTimer

from app.actions import ActionSet
from app.lane import LANES
from app.playback_rate import PlaybackRate
from app.settings import Settings
from app.survey import Survey
from app.timeline import Timeline
from app.timeline_panel import TimelinePanel
from app.workspace import Workspace

NOTCHES = 3.0  # of the wheel: one press of a key
STRIP_DELAY = 400  # milliseconds between looks at what else the strip can show


class TimelineControl(QObject):
    """Between the settings, the display worker and the timeline; `build` makes the panel."""

    actions: ActionSet
    panel: TimelinePanel

    def __init__(self, workspace: Workspace, survey: Survey, settings: Settings, parent: QObject) -> None:
        super().__init__(parent)
        self._workspace, self._survey, self._settings = workspace, survey, settings
        self._more = QTimer(self, singleShot=True, interval=STRIP_DELAY)

    @property
    def timeline(self) -> Timeline:
        """The timeline itself."""
        return self.panel.timeline

    def handlers(self) -> dict[str, Callable[[], object]]:
        """What the actions do, by name."""
        return {
            "timeline_in": lambda: self.timeline.zoom_by(NOTCHES),
            "timeline_out": lambda: self.timeline.zoom_by(-NOTCHES),
            "timeline_all": self._show_all,
            "follow_playhead": self._set_follow,
            "film_strip": self._set_strip,
            "lanes_taller": partial(self._scale_lanes, LANES.step),
            "lanes_lower": partial(self._scale_lanes, -LANES.step),
        }

    def build(self, actions: ActionSet) -> None:
        """The panel, as the user left it."""
        self.actions = actions
        workspace, settings = self._workspace, self._settings
        self.panel = TimelinePanel(actions, self._survey, PlaybackRate(workspace))
        self.panel.wished_height = settings.timeline_height
        self.timeline.set_rows(settings.film_strip, settings.lane_height)
        actions["film_strip"].setChecked(settings.film_strip)
        actions["follow_playhead"].setChecked(settings.follow_playhead)
        self.timeline.lanes_scaled.connect(self._set_lanes)
        self.timeline.strip.wanted.connect(workspace.renderer.make_strip)
        workspace.renderer.strip_ready.connect(self.timeline.show_picture)
        workspace.renderer.filled.connect(self._filled)
        workspace.player.playing_changed.connect(self._playing_changed)
        self._more.timeout.connect(self.timeline.strip.ask_again)

    def facts(self) -> set[str]:
        """Nothing hangs on the timeline."""
        return set()

    def remember_height(self) -> None:
        """The user dragged the border above the timeline."""
        self._settings.timeline_height = self.panel.height()

    def _filled(self) -> None:
        if not self._more.isActive():
            self._more.start()

    def _playing_changed(self, playing: bool) -> None:
        self.timeline.follows = self._settings.follow_playhead or not playing

    def _set_follow(self) -> None:
        self._settings.follow_playhead = self.actions["follow_playhead"].isChecked()
        self._playing_changed(self._workspace.player.is_playing)

    def _set_strip(self) -> None:
        self._settings.film_strip = self.actions["film_strip"].isChecked()
        self.timeline.set_rows(self._settings.film_strip, self._settings.lane_height)

    def _show_all(self) -> None:
        self.timeline.show_all()

    def _scale_lanes(self, by: int) -> None:
        self._set_lanes(self._settings.lane_height + by)

    def _set_lanes(self, height: int) -> None:
        self.timeline.set_rows(self._settings.film_strip, height)
        self._settings.lane_height = self.timeline.lane_height
