"""At 1280x720, the smallest screen that people work on, everything that a run needs is in sight."""

from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import QToolButton, QWidget
from pytestqt.qtbot import QtBot

from app.main_window import MainWindow


def in_sight(widget: QWidget) -> bool:
    whole = QRect(QPoint(0, 0), widget.size())
    return widget.visibleRegion().boundingRect() == whole


def test_run_and_the_objects_buttons_are_in_sight(opened: MainWindow, qtbot: QtBot):
    opened.resize(1280, 720)
    panel = opened.objects_panel.list
    row = panel.itemWidget(panel.item(0))
    qtbot.waitUntil(lambda: in_sight(opened.run_panel.run_button) and in_sight(opened.run_panel.bar))
    qtbot.waitUntil(lambda: all(map(in_sight, row.findChildren(QToolButton))))
