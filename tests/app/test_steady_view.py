"""A person watches an object that walks: the view goes along with it, and drawing still hits."""

import math

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.footprint import COLUMNS, ROWS, Footprint
from app.main_window import MainWindow
from app.packed import Packed
from app.view_name import ViewName
from app.whereabouts import LEAP, Place, steadied
from tests.app.fake_engine import truth
from tests.app.mouse import drag
from tests.app.person import do, document_of, run
from vosengine.project_file import harden


@pytest.fixture
def cut_out(opened: MainWindow, qtbot: QtBot) -> MainWindow:
    """The walking square cut out of every frame; its middle is at (16 + 4 * frame, 24)."""
    document_of(opened).set_mask(1, 0, harden(truth(0)))
    run(opened, qtbot)
    return opened


def go_to(window: MainWindow, frame: int, qtbot: QtBot) -> None:
    shown: list[int] = []
    window.viewer.arriving.connect(shown.append)
    window.editing.go_to(frame)
    qtbot.waitUntil(lambda: frame in shown)
    window.viewer.arriving.disconnect(shown.append)


def place_of_square(window: MainWindow, frame: int) -> tuple[float, float]:
    return window.canvas.viewport.to_widget(16 + 4 * frame, 24)


def test_the_object_stays_in_the_middle_and_the_brush_hits(cut_out: MainWindow, qtbot: QtBot):
    document, canvas = document_of(cut_out), cut_out.canvas
    scale = canvas.viewport.scale
    QTest.keyClick(cut_out, Qt.Key.Key_J)
    middle = canvas.width() / 2, canvas.height() / 2
    assert "Steady on Object 1" in cut_out.statusBar().currentMessage()
    for frame in (3, 6, 2):
        go_to(cut_out, frame, qtbot)
        assert place_of_square(cut_out, frame) == pytest.approx(middle, abs=0.2 * scale)
    assert canvas.viewport.scale == scale
    do(cut_out, "brush")
    drag(canvas, [(50.5, 40.5), (55.5, 40.5)])
    mask = document.mask(1, 2)
    assert mask is not None
    assert mask[40, 52] == 255
    before = canvas.viewport
    qtbot.wait(250)  # the picture with the stroke, and its sharp one
    assert canvas.viewport == before  # though the object's middle is another now


def test_zoom_and_pan_are_kept_and_fit_ends_it(cut_out: MainWindow, qtbot: QtBot):
    canvas = cut_out.canvas
    do(cut_out, "steady")
    canvas.zoom_by(2, QPointF(*place_of_square(cut_out, 0)))
    QTest.mousePress(canvas, Qt.MouseButton.MiddleButton, pos=canvas.rect().center())
    QTest.mouseMove(canvas, canvas.rect().center() + QPointF(30, -20).toPoint())
    QTest.mouseRelease(canvas, Qt.MouseButton.MiddleButton)
    scale, place = canvas.viewport.scale, place_of_square(cut_out, 0)
    go_to(cut_out, 5, qtbot)
    assert canvas.viewport.scale == scale
    assert place_of_square(cut_out, 5) == pytest.approx(place, abs=0.2 * scale)
    do(cut_out, "fit")
    assert not cut_out.actions_by_name["steady"].isChecked()
    fitted = canvas.viewport
    go_to(cut_out, 1, qtbot)
    assert canvas.viewport == fitted


def test_it_holds_where_the_object_is_not_and_ends_where_it_began(cut_out: MainWindow, qtbot: QtBot):
    document, canvas = document_of(cut_out), cut_out.canvas
    fitted = canvas.viewport
    for frame in (5, 6, 7):
        document.set_mask(1, frame, np.zeros((48, 64), np.uint8))
    go_to(cut_out, 4, qtbot)
    do(cut_out, "steady")
    held = canvas.viewport
    go_to(cut_out, 7, qtbot)
    assert canvas.viewport == held
    name = cut_out.canvas.findChild(ViewName)
    assert name is not None
    assert name.isVisible()
    assert "Steady on Object 1" in name.text()
    do(cut_out, "steady")
    assert canvas.viewport == fitted
    assert not name.isVisible()


def test_without_any_mask_there_is_nothing_to_follow(opened: MainWindow):
    assert not opened.actions_by_name["steady"].isEnabled()
    assert "no mask on any frame" in opened.actions_by_name["steady"].toolTip()


def test_its_size_is_kept_too(cut_out: MainWindow, qtbot: QtBot):
    document, canvas = document_of(cut_out), cut_out.canvas
    for frame in range(3, 8):  # twice as long and wide from here on
        mask = np.zeros((48, 64), np.uint8)
        mask[8:40, 16:48] = 255
        document.set_mask(1, frame, mask)
    do(cut_out, "steady_size")
    assert cut_out.actions_by_name["steady"].isChecked()
    scale = canvas.viewport.scale
    go_to(cut_out, 6, qtbot)
    assert canvas.viewport.scale == pytest.approx(scale / 2, rel=0.02)


# --- where an object is, by itself ------------------------------------------------------------------------


def walking(frame: int) -> Place | None:
    return Place(10.0 * frame, 100 + frame, 50) if 0 <= frame < 60 else None


def test_steady_motion_is_kept_and_one_bad_matte_does_not_throw_the_view():
    for frame in (0, 1, 30, 59):
        assert steadied(walking, frame, 2000) == walking(frame)
    thrown = steadied(lambda frame: Place(1900, 0, 300) if frame == 20 else walking(frame), 20, 2000)
    assert thrown is not None
    assert math.dist(thrown.point, (200, 120)) <= 10
    assert steadied(walking, 60, 2000) is None


def test_a_cut_is_followed_at_once():
    def cut(frame: int) -> Place:
        return Place(100, 100, 50) if frame < 10 else Place(100 + 2 * LEAP * 2000, 100, 50)

    assert [steadied(cut, frame, 2000) == cut(frame) for frame in range(5, 15)] == [True] * 10


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_centres_are_exact_for_small_objects(dtype: type):
    matte = np.zeros((1080, 1920), dtype)
    matte[500:520, 1001:1031] = np.iinfo(dtype).max
    known = 1016 / 1920, 510 / 1080
    footprint = Footprint.of(matte)
    assert footprint.centre == pytest.approx(known, abs=1.5 / 1920)
    again = Footprint.from_text(footprint.text)
    assert again is not None
    assert again == footprint
    assert again.centre == footprint.centre
    cell = 1 / COLUMNS, 1 / ROWS
    earlier = Footprint(footprint.packed[:-4])  # as former editions stored it
    assert earlier.centre is not None
    assert all(abs(a - b) < side for a, b, side in zip(earlier.centre, known, cell, strict=True))
    assert earlier.area == footprint.area
    assert not earlier.differs(footprint)
    if dtype is np.uint8:
        assert Packed.pack(matte).centre == pytest.approx(known, abs=1e-6)
    assert Footprint.of(np.zeros_like(matte)).centre is None
