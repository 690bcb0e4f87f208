"""The tour: it points at the real places, follows the work and the window, and is out of the way at once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.first_tour import STEPS, FirstTour
from app.main_window import MainWindow
from app.settings import Settings
from app.widgets import KEYBOARD_ACTION
from app.workspace import Workspace
from tests.app.conftest import open_and_wait
from tests.app.fake_engine import FakeEngine
from tests.app.person import do, document_of, run, scribble


@pytest.fixture
def newcomer(qtbot: QtBot, themed: QApplication, engine: FakeEngine, footage: Path) -> Iterator[MainWindow]:
    """The window of someone who has never opened a clip, with the first one open."""
    window = MainWindow(Workspace(lambda: engine), Settings())
    window.show()
    qtbot.waitExposed(window)
    open_and_wait(window, footage, qtbot)
    qtbot.waitUntil(window.comfort.tour.isVisible)
    yield window
    window.close()


def tour_of(window: MainWindow) -> FirstTour:
    return window.comfort.tour


def touches(tour: FirstTour, window: MainWindow) -> bool:
    """Whether the callout lies beside what it points at, inside the window, without covering it."""
    target = tour.target()
    assert target is not None
    spot = QRect(target.mapTo(window, QPoint(0, 0)), target.size())
    near = spot.adjusted(-260, -60, 260, 60).intersects(tour.geometry())
    return near and window.rect().contains(tour.geometry()) and not tour.geometry().contains(spot.center())


def test_it_comes_with_the_first_clip_and_only_then(newcomer: MainWindow, footage: Path, qtbot: QtBot):
    tour = tour_of(newcomer)
    assert QApplication.focusWidget() is newcomer.canvas  # the keys stay with the work
    assert newcomer.settings.tour_shown
    tour.skip.click()
    do(newcomer, "close_project")
    open_and_wait(newcomer, footage, qtbot)
    QTest.qWait(20)
    assert not tour.isVisible()


def test_the_work_itself_leads_through_it(newcomer: MainWindow, qtbot: QtBot):
    tour = tour_of(newcomer)
    assert tour._title.text() == "Mark the object"
    scribble(newcomer, qtbot)  # drawing goes on under it
    qtbot.waitUntil(lambda: tour._title.text() == "Run")
    run(newcomer, qtbot)
    qtbot.waitUntil(lambda: tour._title.text() == "Judge the worst frames")
    assert document_of(newcomer).has_result(1)


def test_every_step_points_at_its_place_also_after_resizing(newcomer: MainWindow, qtbot: QtBot):
    tour = tour_of(newcomer)
    for at, step in enumerate(STEPS):
        assert (tour.step, tour.isVisible()) == (at, True)
        target = tour.target()
        assert target is not None
        names = {action.objectName() for action in target.actions()} | {target.property(KEYBOARD_ACTION)}
        assert step.action in names
        for size in ((1280, 720), (1500, 900)):
            newcomer.resize(*size)
            qtbot.waitUntil(lambda: touches(tour, newcomer))
        tour.next.click()
    assert not tour.isVisible()


def test_hiding_the_panel_it_points_into_keeps_it_in_sight(newcomer: MainWindow, qtbot: QtBot):
    tour = tour_of(newcomer)
    tour._go(2)
    do(newcomer, "worst_frames")
    qtbot.waitUntil(lambda: tour.target() is None)
    assert newcomer.rect().contains(tour.geometry())
    do(newcomer, "worst_frames")
    qtbot.waitUntil(lambda: tour.target() is not None and touches(tour, newcomer))


def test_tab_leads_from_the_canvas_to_it(newcomer: MainWindow):
    newcomer.canvas.setFocus()
    QTest.keyClick(newcomer.canvas, Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is tour_of(newcomer).next


def test_esc_ends_it_from_the_canvas(newcomer: MainWindow):
    QTest.keyClick(newcomer.canvas, Qt.Key.Key_Escape)
    assert not tour_of(newcomer).isVisible()


def test_from_the_help_menu_it_is_walked_through_with_the_keyboard(newcomer: MainWindow):
    tour = tour_of(newcomer)
    tour.end()
    do(newcomer, "tour")
    assert QApplication.focusWidget() is tour.next
    QTest.keyClick(tour.next, Qt.Key.Key_Return)
    assert tour.step == 1
    QTest.keyClick(tour.next, Qt.Key.Key_Space)  # presses; elsewhere it plays
    assert tour.step == 2
    assert not newcomer.workspace.player.is_playing
    QTest.keyClick(tour.next, Qt.Key.Key_Escape)
    assert not tour.isVisible()
    assert QApplication.focusWidget() is newcomer.canvas


def test_its_words_name_the_keys_as_bound(newcomer: MainWindow):
    newcomer.comfort.keymap.add("foreground", "Ctrl+F11")
    newcomer.comfort._keys_changed()
    assert "S or Ctrl+F11" in tour_of(newcomer)._text.text()
