import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QPainter, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.canvas import Canvas
from app.canvas_drawing import draw_stroke
from app.compositing import View, to_qimage
from app.live_stroke import Ground, LiveLook, paint_look, scribble_look
from app.pen import Brush, PenStroke
from app.pointer import Gesture, Pointer
from app.viewport import Viewport
from tests.app.mouse import ALT, LEFT, MIDDLE, NONE, RIGHT, drag, place, press
from vosengine.types import Box

SIZE = (64, 48)
RED = (255, 0, 0)


@pytest.fixture
def canvas(qtbot: QtBot) -> Canvas:
    canvas = Canvas()
    qtbot.addWidget(canvas)
    canvas.resize(640, 480)
    canvas.show()
    qtbot.waitExposed(canvas)
    canvas.set_clip_size(SIZE)
    grey = to_qimage(np.full((48, 64, 3), 100, np.uint8))
    canvas.set_picture(grey, grey)
    return canvas


def wheel(canvas: Canvas, at: QPoint, notches: int, modifiers: Qt.KeyboardModifier) -> None:
    event = QWheelEvent(
        QPointF(at),
        QPointF(canvas.mapToGlobal(at)),
        QPoint(),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(canvas, event)


def colour_at(canvas: Canvas, x: float, y: float) -> tuple[int, int, int]:
    image = canvas.grab().toImage()
    ratio = image.devicePixelRatio()
    at = place(canvas, x, y) * ratio
    colour = image.pixelColor(at)
    return colour.red(), colour.green(), colour.blue()


def brush(look_inside: bool = True) -> Pointer:
    looks = paint_look(View.MATTE, RED, look_inside), paint_look(View.MATTE, RED, not look_inside)
    return Pointer(Gesture.PAINT, 4.0, *looks)


def test_a_new_clip_is_fitted_and_stays_fitted(canvas: Canvas):
    left, top = canvas.viewport.to_widget(0, 0)
    right, bottom = canvas.viewport.to_widget(*SIZE)
    assert 0 < left < right < 640
    assert 0 < top < bottom < 480
    canvas.resize(1280, 960)
    assert canvas.viewport.to_widget(*SIZE)[0] > 1200


def test_the_wheel_zooms_to_the_pointer(canvas: Canvas):
    before = canvas.viewport
    wheel(canvas, place(canvas, 10, 10), 2, Qt.KeyboardModifier.NoModifier)
    assert canvas.viewport.scale == pytest.approx(before.scale * 1.44)
    assert place(canvas, 10, 10).x() == pytest.approx(before.to_widget(10, 10)[0], abs=1)


def test_ctrl_wheel_changes_the_brush(canvas: Canvas, qtbot: QtBot):
    scale = canvas.viewport.scale
    with qtbot.waitSignal(canvas.radius_scrolled) as signal:
        wheel(canvas, QPoint(100, 100), -1, Qt.KeyboardModifier.ControlModifier)
    assert signal.args == [-1]
    assert canvas.viewport.scale == scale


def test_alt_wheel_does_too_where_alt_turns_it_sideways(canvas: Canvas, qtbot: QtBot):
    at, sideways = QPoint(100, 100), QPoint(120, 0)
    with qtbot.waitSignal(canvas.radius_scrolled) as signal:
        event = QWheelEvent(
            QPointF(at), QPointF(canvas.mapToGlobal(at)), QPoint(), sideways, Qt.MouseButton.NoButton, ALT,
            Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(canvas, event)
    assert signal.args == [1]


def test_close_up_the_borders_of_pixels_are_drawn(canvas: Canvas):
    assert colour_at(canvas, 30.0, 20.5) == (100, 100, 100)
    canvas.zoom_by(3.0, QPointF(place(canvas, 30.5, 20.5)))
    assert colour_at(canvas, 30.0, 20.5) != (100, 100, 100)
    assert colour_at(canvas, 30.5, 20.5) == (100, 100, 100)


def test_actual_size_is_one_clip_pixel_a_screen_pixel(canvas: Canvas):
    canvas.actual_size()
    assert canvas.viewport.scale * canvas.devicePixelRatioF() == pytest.approx(1)


def test_zoomed_in_it_shows_pixels_as_they_are(canvas: Canvas):
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[20, 30] = 255
    picture = to_qimage(pixels)
    canvas.set_picture(picture, picture)
    canvas.zoom_by(3.0, QPointF(place(canvas, 30.5, 20.5)))
    assert colour_at(canvas, 30.1, 20.1) == colour_at(canvas, 30.9, 20.9) == (255, 255, 255)
    assert colour_at(canvas, 29.8, 20.5) == (0, 0, 0)


def test_the_middle_button_pans(canvas: Canvas):
    before = canvas.viewport
    start, end = QPoint(300, 200), QPoint(350, 180)
    QTest.mousePress(canvas, MIDDLE, pos=start)
    QTest.mouseMove(canvas, end)
    QTest.mouseRelease(canvas, MIDDLE, pos=end)
    assert (canvas.viewport.left, canvas.viewport.top) == (before.left + 50, before.top - 20)


def test_space_taps_and_space_drags_differ(canvas: Canvas):
    taps: list[None] = []
    strokes: list[object] = []
    canvas.space_tapped.connect(lambda: taps.append(None))
    canvas.stroke_finished.connect(lambda *stroke: strokes.append(stroke))
    canvas.set_pointer(brush())
    canvas.setFocus()
    QTest.keyClick(canvas, Qt.Key.Key_Space)
    assert len(taps) == 1
    before = canvas.viewport.left
    QTest.keyPress(canvas, Qt.Key.Key_Space)
    drag(canvas, [(10, 10), (12, 10)])
    QTest.keyRelease(canvas, Qt.Key.Key_Space)
    assert len(taps) == 1
    assert not strokes
    assert canvas.viewport.left > before


@pytest.mark.parametrize(
    ("button", "modifier", "subtracts"), [(LEFT, NONE, False), (RIGHT, NONE, True), (LEFT, ALT, True)]
)
def test_a_stroke_in_clip_pixels(
    canvas: Canvas, qtbot: QtBot, button: Qt.MouseButton, modifier: Qt.KeyboardModifier, subtracts: bool
):
    canvas.set_pointer(brush())
    with qtbot.waitSignal(canvas.stroke_finished) as signal:
        drag(canvas, [(10, 12), (30, 20)], button, modifier)
    assert signal.args is not None
    stroke, took_away = signal.args
    assert took_away is subtracts
    assert np.array(stroke.points) == pytest.approx(np.array([(10, 12), (30, 20)]), abs=0.1)


def test_the_live_stroke_shows_its_effect_and_lasts_until_its_picture(canvas: Canvas):
    canvas.set_pointer(brush())
    press(canvas, [(10, 24), (50, 24)])
    assert colour_at(canvas, 30, 24) == (255, 255, 255)
    assert colour_at(canvas, 30, 40) == (100, 100, 100)
    QTest.mouseRelease(canvas, LEFT, pos=place(canvas, 50, 24))
    assert colour_at(canvas, 30, 24) == (255, 255, 255)
    grey = to_qimage(np.full((48, 64, 3), 90, np.uint8))
    canvas.set_picture(grey, grey)
    assert colour_at(canvas, 30, 24) == (90, 90, 90)


def test_erasing_shows_the_frame_again(canvas: Canvas):
    tinted = to_qimage(np.full((48, 64, 3), (200, 100, 100), np.uint8))
    bare = to_qimage(np.full((48, 64, 3), 100, np.uint8))
    canvas.set_picture(tinted, bare)
    canvas.set_pointer(Pointer(Gesture.PAINT, 5.0, paint_look(View.OVERLAY, RED, inside=False)))
    press(canvas, [(20, 20), (40, 20)])
    assert colour_at(canvas, 30, 20) == (100, 100, 100)
    assert colour_at(canvas, 30, 40) == (200, 100, 100)


def test_scribbles_are_cyan_and_magenta(canvas: Canvas):
    for inside, channel in ((True, 2), (False, 0)):
        canvas.set_pointer(Pointer(Gesture.PAINT, 5.0, scribble_look(inside)))
        press(canvas, [(20, 20), (40, 20)])
        assert int(np.argmax(colour_at(canvas, 30, 20))) == channel
        canvas.abandon()
        QTest.mouseRelease(canvas, LEFT, pos=QPoint(1, 1))


def test_abandoning_a_stroke(canvas: Canvas):
    strokes: list[object] = []
    canvas.stroke_finished.connect(lambda *stroke: strokes.append(stroke))
    canvas.set_pointer(brush())
    press(canvas, [(10, 24), (50, 24)])
    assert canvas.abandon()
    QTest.mouseRelease(canvas, LEFT, pos=place(canvas, 50, 24))
    assert not strokes
    assert not canvas.abandon()


def test_a_box_is_clipped_to_the_frame(canvas: Canvas, qtbot: QtBot):
    canvas.set_pointer(Pointer(Gesture.BOX))
    with qtbot.waitSignal(canvas.box_drawn) as signal:
        drag(canvas, [(50, 30), (20, 10), (-0.9, 8)])
    assert signal.args is not None
    box = signal.args[0]
    assert isinstance(box, Box)
    assert (box.x, box.x + box.width, box.y, box.y + box.height) == pytest.approx((0, 50, 8, 30), abs=0.1)


def test_a_click_is_no_box(canvas: Canvas):
    boxes: list[Box] = []
    canvas.box_drawn.connect(boxes.append)
    canvas.set_pointer(Pointer(Gesture.BOX))
    drag(canvas, [(20, 20), (20.5, 20.5)])
    assert not boxes


def test_hover_tells_the_clip_pixel(canvas: Canvas):
    seen: list[object] = []
    canvas.hovered.connect(seen.append)
    QTest.mouseMove(canvas, place(canvas, 20.5, 10.5))
    QTest.mouseMove(canvas, QPoint(2, 2))
    assert isinstance(seen[0], tuple)
    assert tuple(map(int, seen[0])) == (20, 10)
    assert seen[-1] is None


def test_without_a_clip_nothing_is_drawn(canvas: Canvas):
    canvas.set_clip_size(None)
    canvas.set_pointer(brush())
    drag(canvas, [(10, 10), (20, 20)])
    assert canvas.picture == QImage()
    assert not canvas.is_drawing


@pytest.mark.parametrize("width", [52, 53, 54, 55])
def test_a_stroke_is_drawn_on_clips_of_any_width(width: int):
    stroke = PenStroke((width, 40), Brush(4.0))
    stroke.to((20.0, 20.0))
    picture = QImage(width, 40, QImage.Format.Format_RGB32)
    picture.fill(0)
    painter = QPainter(picture)
    look = LiveLook(Ground.PLAIN, (10, 200, 30), 1.0)
    draw_stroke(painter, Viewport(1.0, 0.0, 0.0), stroke, look, QImage(), picture.rect(), 1.0)
    painter.end()
    assert picture.pixelColor(20, 20).getRgb()[:3] == (10, 200, 30)
    assert picture.pixelColor(30, 20).getRgb()[:3] == (0, 0, 0)
