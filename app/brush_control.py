"""The brush as the window sets it: sliders, keys and wheel, the viewer and the stored settings in step."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject

from app.brush_size import BrushSize
from app.settings import Settings
from app.tools import SOFTNESS_STEP, larger, smaller
from app.viewer import Viewer


class BrushControl(QObject):
    """Begins with the stored brush; `sliders` go into a tool bar."""

    def __init__(self, viewer: Viewer, settings: Settings) -> None:
        super().__init__(viewer)
        self._viewer, self._settings = viewer, settings
        self.sliders = BrushSize(settings.brush_radius, settings.brush_softness)
        self.sliders.changed.connect(self.set_radius)
        self.sliders.softened.connect(self.set_softness)
        viewer.set_softness(settings.brush_softness)
        viewer.set_feels_pressure(settings.pen_pressure)

    def handlers(self) -> dict[str, Callable[[], object]]:
        """What the actions of its keys do, by name."""
        return {
            "smaller": partial(self.resize, -1),
            "larger": partial(self.resize, 1),
            "harder": partial(self.soften, -1),
            "softer": partial(self.soften, 1),
        }

    def resize(self, steps: int) -> None:
        """A step larger, or smaller where `steps` is negative."""
        self.set_radius((larger if steps > 0 else smaller)(self._viewer.radius))

    def soften(self, steps: int) -> None:
        """This many steps softer, or harder."""
        self.set_softness(self._viewer.softness + steps * SOFTNESS_STEP)

    def set_radius(self, radius: float) -> None:
        """In clip pixels."""
        self._settings.brush_radius = radius
        self._viewer.set_radius(radius)
        self.sliders.show_radius(radius)

    def set_softness(self, softness: float) -> None:
        """Share of the radius over which the edge fades, brought into [0, 1]."""
        softness = round(min(max(softness, 0.0), 1.0), 2)
        self._settings.brush_softness = softness
        self._viewer.set_softness(softness)
        self.sliders.show_softness(softness)

    def set_pressure(self, feels: bool) -> None:
        """Whether a pen's pressure sets the size."""
        self._settings.pen_pressure = feels
        self._viewer.set_feels_pressure(feels)
