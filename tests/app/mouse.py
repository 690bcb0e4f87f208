"""Drawing on the canvas as a hand does, in clip pixels."""

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.canvas import Canvas

LEFT, RIGHT, MIDDLE = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton
NONE, ALT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.AltModifier


def place(canvas: Canvas, x: float, y: float) -> QPoint:
    left, top = canvas.viewport.to_widget(x, y)
    return QPoint(round(left), round(top))


def press(
    canvas: Canvas,
    points: Sequence[tuple[float, float]],
    button: Qt.MouseButton = LEFT,
    modifier: Qt.KeyboardModifier = NONE,
) -> None:
    """Press at the first point and move to the last, the button kept down."""
    QTest.mousePress(canvas, button, modifier, place(canvas, *points[0]))
    for point in points[1:]:
        QTest.mouseMove(canvas, place(canvas, *point))


def drag(
    canvas: Canvas,
    points: Sequence[tuple[float, float]],
    button: Qt.MouseButton = LEFT,
    modifier: Qt.KeyboardModifier = NONE,
) -> None:
    press(canvas, points, button, modifier)
    QTest.mouseRelease(canvas, button, modifier, place(canvas, *points[-1]))
