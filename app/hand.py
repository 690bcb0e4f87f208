"""A person's hand on the real window: mouse and keys as Qt delivers them, and the patience to wait.

For scripted sessions (`app.tour`) and measurements (`app.window_check`); the window knows nothing of it.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Sequence

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from app.main_window import MainWindow
from vosengine.errors import EngineError

Place = tuple[float, float]
LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
NO_KEYS = Qt.KeyboardModifier.NoModifier
STEP = 12.0  # widget units between two places of a moving mouse
PATIENCE = 300.0  # seconds


class StepFailedError(EngineError):
    """What a person did had not the effect it should have."""


class Hand:
    """Moves the mouse over the canvas in clip pixels, presses keys, clicks; then lets the window work."""

    def __init__(self, window: MainWindow) -> None:
        self.window = window

    def wait(self, milliseconds: int) -> None:
        """Let the window work."""
        QTest.qWait(milliseconds)

    def until(self, condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
        """Let the window work until `condition` holds. Raises StepFailedError: "`what`, but it did not"."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise StepFailedError(f"{what} was expected within {seconds:.0f} s, but did not come.")
            QTest.qWait(15)

    def do(self, name: str) -> None:
        """Press the keys of an action of `app.actions`; one without keys is chosen from its menu.

        Raises StepFailedError, saying the window's own reason, where it cannot be done now.
        """
        action = self.window.actions_by_name[name]
        QTest.qWait(1)  # the window shows what may be done now
        self.until(action.isEnabled, f"The action {name!r} ({_one_line(action.toolTip())})", 10)
        if action.shortcut().isEmpty():
            action.trigger()
        else:
            if not self.window.isActiveWindow():
                self.window.activateWindow()
                self.until(self.window.isActiveWindow, "The window in front", 10)
            QTest.keySequence(self.window.canvas, action.shortcut())
        QTest.qWait(10)

    def press(self, path: Sequence[Place], button: Qt.MouseButton = LEFT) -> None:
        """Press at the path's start and draw along it; the button stays down."""
        canvas = self.window.canvas
        places = [self.widget_place(at) for at in path]
        QTest.mouseMove(canvas, places[0])
        QTest.mousePress(canvas, button, NO_KEYS, places[0])
        for start, end in itertools.pairwise(places):
            steps = max(math.ceil(math.dist(start.toTuple(), end.toTuple()) / STEP), 1)
            for step in range(1, steps + 1):
                QTest.mouseMove(canvas, start + (end - start) * (step / steps))
                QTest.qWait(1)

    def release(self, at: Place, button: Qt.MouseButton = LEFT) -> None:
        """Let the button go."""
        QTest.mouseRelease(self.window.canvas, button, NO_KEYS, self.widget_place(at))
        QTest.qWait(10)

    def draw(self, path: Sequence[Place], button: Qt.MouseButton = LEFT) -> None:
        """One whole stroke."""
        self.press(path, button)
        self.release(path[-1], button)

    def click(self, widget: QWidget) -> None:
        """Click a control. Raises StepFailedError, saying its reason, for one that is disabled."""
        if not widget.isEnabled():
            raise StepFailedError(f"A button was expected to work, but: {_one_line(widget.toolTip())}.")
        QTest.mouseClick(widget, LEFT)
        QTest.qWait(10)

    def do_in(self, widget: QWidget, key: Qt.Key) -> None:
        """Press a key in a window of its own."""
        QTest.keyClick(widget, key)
        QTest.qWait(10)

    def widget_place(self, at: Place) -> QPoint:
        """Where a clip pixel lies in the canvas."""
        left, top = self.window.canvas.viewport.to_widget(*at)
        return QPoint(round(left), round(top))


def _one_line(text: str) -> str:
    return "; ".join(text.split("\n")).rstrip(".")
