"""Small screens: what is pressed most stays in sight, and nothing asks for more room than there is."""

import pytest
from PySide6.QtCore import QSize
from PySide6.QtWidgets import QApplication, QLabel, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from app.legend import Legend
from app.main_window import MainWindow
from app.preferences import SCALES, SMALLEST_WINDOW, fitting_scales
from tests.app.person import do


def in_sight(widget: QWidget) -> bool:
    return widget.visibleRegion().boundingRect().size() == widget.size()


def resize(window: MainWindow, size: tuple[int, int]) -> None:
    window.resize(*size)
    QApplication.processEvents()
    assert window.size() == QSize(*size)


@pytest.mark.parametrize("size", [(1280, 720), SMALLEST_WINDOW])
def test_run_and_its_progress_are_in_sight_in_a_low_window(opened: MainWindow, size: tuple[int, int]):
    for _ in range(5):
        do(opened, "add_object")
    resize(opened, size)
    panel = opened.run_panel
    assert all(map(in_sight, (opened.objects_panel.list, panel.run_button, panel.cancel_button, panel.bar)))


def test_the_objects_buttons_are_in_sight(opened: MainWindow, qtbot: QtBot):
    resize(opened, (1280, 720))
    panel = opened.objects_panel.list
    row = panel.itemWidget(panel.item(0))
    qtbot.waitUntil(lambda: all(map(in_sight, row.findChildren(QToolButton))))


def test_the_smallest_window_shows_everything_across(opened: MainWindow, qtbot: QtBot):
    legend = opened.timeline_panel.findChild(Legend)
    assert legend is not None
    names = legend.findChildren(QLabel)
    resize(opened, SMALLEST_WINDOW)
    assert opened.timeline_panel.width() <= SMALLEST_WINDOW[0]
    assert in_sight(legend)
    assert not any(name.isVisible() for name in names)
    more = opened._top.findChild(QToolButton, "qt_toolbar_ext_button")
    assert more.isVisible()
    assert more.accessibleName()
    resize(opened, (1400, 720))
    assert all(map(in_sight, names))


def test_the_legend_names_the_keys_as_they_are(window: MainWindow):
    legend = window.timeline_panel.findChild(Legend)
    assert legend is not None
    suspicious = next(label for label in legend.findChildren(QLabel) if label.text() == "Suspicious")
    assert "N goes to the worst one" in suspicious.toolTip()
    window.comfort.keymap.remove("next_worst", "N")
    window.comfort.keymap.add("next_worst", "Ctrl+F11")
    window.comfort._keys_changed()
    assert "Ctrl+F11 goes to the worst one" in suspicious.toolTip()
    assert "N goes" not in suspicious.toolTip()


def test_only_interfaces_that_fit_the_screen_are_offered():
    assert fitting_scales((1280, 720), 1.0) == (0.75, 1.0)
    assert max(fitting_scales((1920, 1050), 1.0)) == 1.75
    assert fitting_scales((960, 525), 2.0) == fitting_scales((1920, 1050), 1.0)  # the same screen, at 200 %
    assert fitting_scales((7680, 4320), 1.0) == SCALES
    assert fitting_scales((640, 480), 1.0) == (0.75, 1.0)  # never less than one is used to
