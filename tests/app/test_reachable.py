"""Every control of every window says what it is and what it does, and the keyboard reaches it."""

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QStatusTipEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QScrollBar,
    QTabBar,
    QWidget,
)
from pytestqt.qtbot import QtBot

import app
from app.actions import ACTIONS
from app.dialogs import ErrorDialog
from app.export_dialog import ExportDialog
from app.import_dialog import ImportDialog
from app.main_window import MainWindow
from app.palette_window import Palette
from app.preferences import Preferences
from app.shortcut_editor import ShortcutEditor
from app.shortcut_sheet import ShortcutSheet
from app.tools import Tool
from app.widgets import KEYBOARD_ACTION
from tests.app.conftest import HEIGHT, WIDTH
from tests.app.person import do, document_of, run, scribble

INTERACTIVE = (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
)
# A label may be selectable, but its text is all of it; the panels behind tabs have menu entries.
NOT_CONTROLS = (QHeaderView, QScrollBar, QLabel, QTabBar)
IN_MENUS = {spec.name for spec in ACTIONS}


def controls(window: QWidget) -> Iterator[QWidget]:
    """What can be clicked, typed into or focused, without the parts that Qt's own widgets are made of."""
    for widget in window.findChildren(QWidget):
        interactive = isinstance(widget, INTERACTIVE) or widget.focusPolicy() != Qt.FocusPolicy.NoFocus
        own = not isinstance(widget, NOT_CONTROLS) and not widget.objectName().startswith("qt_")
        if interactive and own and not _is_part(widget):
            yield widget


def _is_part(widget: QWidget) -> bool:
    """A list that a combo box opens, the line of a spin box, or a button that Qt put into a control."""
    above = widget.parentWidget()
    while above is not None and not above.isWindow():
        if isinstance(above, QComboBox | QAbstractSpinBox | QLineEdit | QTabBar):
            return True
        above = above.parentWidget()
    return above is not None and above.metaObject().className() == "QComboBoxPrivateContainer"


def name_of(widget: QWidget, window: QWidget) -> str:
    """What a screen reader says of it; a combo box's own text is its value."""
    labels = [label.text() for label in window.findChildren(QLabel) if label.buddy() is widget]
    if widget.accessibleName() or labels or isinstance(widget, QComboBox):
        return widget.accessibleName() or "".join(labels)
    spoken = QAccessible.queryAccessibleInterface(widget)
    return str(spoken.text(QAccessible.Text.Name)) if spoken is not None else ""


def explained(widget: QWidget, window: QWidget) -> bool:
    """By a tooltip, in the status line, or in a dialog by its own words."""
    worded = isinstance(widget, QPushButton | QAbstractItemView | QPlainTextEdit)
    worded = worded and isinstance(window, QDialog) and bool(name_of(widget, window))
    return bool(widget.toolTip() or widget.statusTip() or worded) or widget.objectName() == "canvas"


def reachable(widget: QWidget, window: QWidget) -> bool:
    """By Tab, or there is a menu entry or the figure of a slider that does the same."""
    same = {action.objectName() for action in widget.actions()} | {widget.property(KEYBOARD_ACTION)}
    name = widget.accessibleName()
    figures = [each for each in window.findChildren(QAbstractSpinBox) if each.accessibleName() == name]
    by_tab = any(each.focusPolicy() & Qt.FocusPolicy.TabFocus for each in (widget, *figures))
    return by_tab or bool(same & IN_MENUS)


def complaints(window: QWidget) -> list[str]:
    found = []
    for widget in controls(window):
        what = f"{type(widget).__name__} {widget.objectName()} {name_of(widget, window)!r}"
        if not name_of(widget, window):
            found.append(f"{what}: no name")
        if not explained(widget, window):
            found.append(f"{what}: no tooltip")
        if not reachable(widget, window):
            found.append(f"{what}: not to be reached by keyboard")
    return found


def test_the_walk_sees_what_is_missing(qtbot: QtBot):
    """A test of the test: a bare control is complained of in all three ways."""
    window = QWidget()
    qtbot.addWidget(window)
    button = QPushButton(window)
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    assert len(complaints(window)) == 3


def test_the_windows_controls(opened: MainWindow, qtbot: QtBot):
    scribble(opened, qtbot)
    run(opened, qtbot)
    opened.show()
    assert len(list(controls(opened))) > 60
    assert complaints(opened) == []


def _import_dialog(window: MainWindow, folder: Path) -> QWidget:
    mask = folder / "mask.png"
    cv2.imwrite(str(mask), np.zeros((HEIGHT, WIDTH), np.uint8))
    return ImportDialog(mask, document_of(window), window.workspace.worker, window)


DIALOGS: dict[str, Callable[[MainWindow, Path], QWidget]] = {
    "ExportDialog": lambda window, _: ExportDialog(
        window.workspace, document_of(window), window.settings, window
    ),
    "Preferences": lambda window, _: Preferences(window.settings, window),
    "ErrorDialog": lambda window, _: ErrorDialog("ZeroDivisionError", "Traceback", window),
    "ImportDialog": _import_dialog,
    "ShortcutEditor": lambda window, _: ShortcutEditor(window.comfort.keymap, window),
    "ShortcutSheet": lambda window, _: ShortcutSheet(window.actions_by_name, window),
    "Palette": lambda window, _: Palette(lambda query: window.comfort.find([], query), print, window),
}


@pytest.mark.parametrize("name", DIALOGS)
def test_the_dialogs_controls(name: str, opened: MainWindow, tmp_path: Path):
    dialog = DIALOGS[name](opened, tmp_path)
    assert list(controls(dialog))
    assert complaints(dialog) == []
    dialog.close()


def test_no_dialog_is_left_out():
    for module in pkgutil.iter_modules(app.__path__):
        if module.name != "__main__":
            importlib.import_module(f"app.{module.name}")
    ours = {each.__name__ for each in QDialog.__subclasses__() if each.__module__.startswith("app.")}
    assert ours <= set(DIALOGS)


def test_every_action_teaches():
    for spec in ACTIONS:
        assert len(spec.tip) > len("Undo"), spec.name


def status_line(window: MainWindow) -> str:
    QApplication.processEvents()
    return window.status._hint.text()


def test_the_status_line_says_what_each_tool_will_do(opened: MainWindow):
    assert "Scribble on the object" in status_line(opened)  # before the pointer has moved at all
    seen = set()
    for tool in Tool:
        do(opened, tool.value)
        seen.add(status_line(opened))
    assert len(seen) == len(Tool)
    assert all(text.startswith("Object 1: ") for text in seen)


def test_the_status_line_tells_of_what_lies_under_the_pointer(opened: MainWindow):
    usual = status_line(opened)
    button = opened._top.widgetForAction(opened.actions_by_name["export"])
    assert button is not None
    panel = opened.objects_panel.list
    under = (
        (button, "mask to export"),
        (opened.run_panel.run_button, "Mark"),
        (opened.timeline, "scrub"),
        (panel, "drag"),
    )
    for widget, words in under:
        assert widget.statusTip()
        assert words in widget.statusTip()
        QApplication.sendEvent(widget, QStatusTipEvent(widget.statusTip()))
        assert status_line(opened) == widget.statusTip()
        QApplication.sendEvent(widget, QStatusTipEvent(""))
        assert status_line(opened) == usual


def test_layout_is_put_back(opened: MainWindow, qtbot: QtBot):
    dock, panel = opened.judging.dock, opened.timeline_panel
    usual = (dock.width(), panel.height())
    do(opened, "worst_frames")
    splitter = panel.parentWidget()
    splitter.setSizes([250, 350])
    qtbot.waitUntil(lambda: panel.height() > usual[1] and not dock.isVisible())
    do(opened, "reset_layout")
    qtbot.waitUntil(dock.isVisible)
    assert (dock.width(), panel.height()) == pytest.approx(usual, abs=30)
