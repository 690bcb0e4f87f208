from collections.abc import Iterable

import pytest
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QToolBar, QWidget
from pytestqt.qtbot import QtBot

from app.actions import ACTIONS, MENUS, REASONS, ActionSet
from app.main_window import MainWindow
from tests.app.person import do, scribble

# The shortcuts editors already know.
PROMISED = {
    "play": "Space",
    "previous": "Left",
    "next": "Right",
    "back_ten": "Shift+Left",
    "ahead_ten": "Shift+Right",
    "first": "Home",
    "last": "End",
    "previous_annotation": "PgUp",
    "next_annotation": "PgDown",
    "mark_in": "I",
    "mark_out": "O",
    "smaller": "[",
    "larger": "]",
    "propagate_forward": "F",
    "propagate_backward": "B",
    "undo": "Ctrl+Z",
    "redo": "Ctrl+Shift+Z",
    "export": "Ctrl+E",
    "cancel": "Esc",
    "shortcuts": "F1",
    "approve": "A",
}
HANDLERS = {spec.name: lambda: None for spec in ACTIONS}


@pytest.fixture
def widget(qtbot: QtBot) -> QWidget:
    widget = QWidget()
    qtbot.addWidget(widget)
    return widget


def test_names_are_unique_and_needs_are_known():
    assert len({spec.name for spec in ACTIONS}) == len(ACTIONS)
    assert all(need in REASONS for spec in ACTIONS for need in spec.needs)
    assert all(spec.menu in MENUS for spec in ACTIONS)


def test_promised_shortcuts(widget: QWidget):
    actions = ActionSet(widget, HANDLERS)
    for name, keys in PROMISED.items():
        assert actions[name].shortcut() == QKeySequence(keys), name


def test_no_key_does_two_things():
    keys = [QKeySequence(key).toString() for spec in ACTIONS for key in spec.shortcuts]
    assert len(set(keys)) == len(keys)
    assert not set(keys) & set("123456789")


@pytest.mark.parametrize("menu", MENUS)
def test_no_letter_stands_for_two_things_in_a_menu(menu: str):
    """Neither in the menu nor in one below it; the ever changing names are looked at in the window."""
    below = {spec.submenu for spec in ACTIONS if spec.menu == menu}
    for part in below:
        texts = [spec.text for spec in ACTIONS if (spec.menu, spec.submenu) == (menu, part)]
        letters = mnemonics([*texts, *(below - {""} if not part else ())])
        assert len(letters) == len(set(letters)), sorted(letters)


def test_nor_do_names_that_change(opened: MainWindow, qtbot: QtBot):
    scribble(opened, qtbot)
    do(opened, "approve")
    do(opened, "loop")
    do(opened, "play")
    qtbot.waitUntil(lambda: "Pa" in opened.actions_by_name["play"].text())
    assert "back" in opened.actions_by_name["approve"].text()
    letters = mnemonics(action.text() for action in opened.menuBar().actions())
    assert len(letters) == len(set(letters)) == len(MENUS)
    for menu in opened.menuBar().findChildren(QMenu):
        letters = mnemonics(action.text() for action in menu.actions())
        assert len(letters) == len(set(letters)), (menu.title(), sorted(letters))
    do(opened, "play")


def mnemonics(texts: Iterable[str]) -> list[str]:
    return [text[text.index("&") + 1].lower() for text in texts if "&" in text]


def test_rebinding(widget: QWidget):
    actions = ActionSet(widget, HANDLERS, {"run": ("Ctrl+J",)})
    assert actions["run"].shortcut() == QKeySequence("Ctrl+J")
    assert "Ctrl+J" in _tooltip(actions, "run")


def _tooltip(actions: ActionSet, name: str) -> str:
    actions.refresh(set())
    return actions[name].toolTip()


def test_a_disabled_action_says_why(widget: QWidget):
    actions = ActionSet(widget, HANDLERS)
    actions.refresh({"clip"})
    assert not actions["import_masks"].isEnabled()
    assert REASONS["idle"] in actions["import_masks"].toolTip()
    actions.refresh({"clip", "idle", "annotation"})
    assert actions["run"].isEnabled()
    assert REASONS["idle"] not in actions["run"].toolTip()


def test_triggering_calls_the_handler_without_arguments(widget: QWidget):
    called = []
    actions = ActionSet(widget, {**HANDLERS, "loop": lambda: called.append("loop")})
    actions["loop"].trigger()
    assert called == ["loop"]


def test_tools_exclude_one_another(widget: QWidget):
    actions = ActionSet(widget, HANDLERS)
    actions["brush"].trigger()
    actions["box"].trigger()
    assert [actions["brush"].isChecked(), actions["box"].isChecked()] == [False, True]


def test_every_action_is_in_a_menu(widget: QWidget):
    actions = ActionSet(widget, HANDLERS)
    bar = QMenuBar(widget)
    menus = actions.fill_menus(bar)
    entries = [action for menu in menus.values() for action in menu.actions()]
    entries += [action for entry in entries if entry.menu() for action in entry.menu().actions()]
    listed = {action.objectName() for action in entries} - {""}
    assert listed == {spec.name for spec in ACTIONS}


def test_toolbars_follow_the_table(widget: QWidget):
    actions = ActionSet(widget, HANDLERS)
    bar = QToolBar(widget)
    actions.fill_toolbar(bar, "tools")
    names = [action.objectName() for action in bar.actions()]
    scribbling = ["foreground", "background", "box"]
    assert names == ["brush", "eraser", *scribbling, "lasso", "polygon", "magnetic", "colour"]
