"""The sheet of keys and the dialog that changes them, with the keyboard."""

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from app.main_window import MainWindow
from app.shortcut_editor import ShortcutEditor
from app.shortcut_sheet import ShortcutSheet, balanced, matching
from tests.app.person import do

CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def editor(window: MainWindow, qtbot: QtBot) -> Iterator[ShortcutEditor]:
    """As the window opens it, but not modal."""
    editor = ShortcutEditor(window.comfort.keymap, window)
    editor.changed.connect(window.comfort._keys_changed)
    editor.show()
    qtbot.waitExposed(editor)
    yield editor
    editor.close()


def press_new(editor: ShortcutEditor, name: str, key: Qt.Key, modifier: Qt.KeyboardModifier = CTRL) -> None:
    """Find the action by name, go on to its new keys, press them: no mouse."""
    editor.search.setFocus()
    editor.search.clear()
    QTest.keyClicks(editor.search, name)
    QTest.keyClick(editor.search, Qt.Key.Key_Down)
    QTest.keyClick(editor.tree, Qt.Key.Key_Return)
    QTest.keyClick(QApplication.focusWidget(), key, modifier)


def said(editor: ShortcutEditor) -> str:
    return editor.card._said.text()


def test_new_keys_work_at_once_and_everywhere(opened: MainWindow, editor: ShortcutEditor, qtbot: QtBot):
    press_new(editor, "onion", Qt.Key.Key_F11)
    assert "Ctrl+F11" in said(editor)
    action = opened.actions_by_name["skins"]
    assert "Ctrl+F11" not in action.toolTip()  # the first of its keys is still T
    editor.card._remove("T")
    assert "Ctrl+F11" in action.toolTip()
    assert editor.keys_shown("skins") == "Ctrl+F11"
    editor.close()
    opened.activateWindow()  # as a window manager does
    qtbot.waitUntil(opened.isActiveWindow)
    QTest.keyClick(opened, Qt.Key.Key_T)
    assert not action.isChecked()
    QTest.keyClick(opened, Qt.Key.Key_F11, CTRL)
    assert action.isChecked()
    assert opened.settings.shortcuts == {"skins": "Ctrl+F11"}


def test_a_conflict_is_named_and_settled(window: MainWindow, editor: ShortcutEditor):
    press_new(editor, "loop", Qt.Key.Key_D)
    assert said(editor) == "Ctrl+D is “Copy mask from previous frame”. Take it from there?"
    assert window.settings.shortcuts == {}
    assert QApplication.focusWidget() is editor.card.take
    QTest.keyClick(editor.card.take, Qt.Key.Key_Space)
    assert editor.keys_shown("copy_previous") == ""
    assert "Ctrl+D" in editor.keys_shown("loop")
    keys = [
        action.shortcuts()
        for _, action in window.actions_by_name
        if "Ctrl+D" in [each.toString() for each in action.shortcuts()]
    ]
    assert len(keys) == 1


@pytest.mark.parametrize(
    ("key", "modifier", "why"),
    [
        (Qt.Key.Key_5, Qt.KeyboardModifier.NoModifier, "picks object 5"),
        (Qt.Key.Key_Space, Qt.KeyboardModifier.NoModifier, "plays"),
        (Qt.Key.Key_F, Qt.KeyboardModifier.AltModifier, "opens the menu File"),
    ],
)
def test_fixed_keys_cannot_be_taken(
    editor: ShortcutEditor, window: MainWindow, key: Qt.Key, modifier: Qt.KeyboardModifier, why: str
):
    press_new(editor, "loop", key, modifier)
    assert why in said(editor)
    assert not editor.card.take.isVisible()
    assert window.settings.shortcuts == {}


def test_esc_and_tab_lead_out_of_the_field(editor: ShortcutEditor, window: MainWindow):
    press_new(editor, "loop", Qt.Key.Key_Tab, Qt.KeyboardModifier.NoModifier)
    assert QApplication.focusWidget() is not editor.card.edit
    press_new(editor, "loop", Qt.Key.Key_Escape, Qt.KeyboardModifier.NoModifier)
    assert QApplication.focusWidget() is editor.tree
    assert editor.isVisible()
    assert window.settings.shortcuts == {}


def test_reset_one_and_all(editor: ShortcutEditor, window: MainWindow):
    for name, key in (("loop", Qt.Key.Key_F11), ("solo", Qt.Key.Key_F12)):
        press_new(editor, name, key)
    editor.choose("loop")
    editor.card.reset.click()
    assert editor.keys_shown("loop") == "Ctrl+L"
    assert not editor.card.reset.isEnabled()
    assert window.settings.shortcuts == {"solo": "Shift+V; Ctrl+F12"}
    editor.reset_all.click()
    assert window.settings.shortcuts == {}
    assert not editor.reset_all.isEnabled()


def test_the_editor_finds_by_key(editor: ShortcutEditor):
    QTest.keyClicks(editor.search, "ctrl+d")
    shown = [name for name, item in editor._items.items() if not item.isHidden()]
    assert shown == ["copy_previous"]


@pytest.fixture
def sheet(window: MainWindow, qtbot: QtBot) -> ShortcutSheet:
    do(window, "shortcuts")
    sheet = window.comfort._sheet
    assert sheet is not None
    qtbot.waitExposed(sheet)
    return sheet


def lines(sheet: ShortcutSheet) -> list[str]:
    content = sheet._area.widget()
    assert content is not None
    return [label.text() for label in content.findChildren(QLabel)]


def test_the_sheet_lists_every_key_and_fits_a_small_screen(window: MainWindow, sheet: ShortcutSheet):
    shown = lines(sheet)
    for name, keys in (("Approve frame", "A"), ("Play", "Space"), ("Cancel", "Esc")):
        assert shown[shown.index(name) + 1] == keys
    bound = [action for _, action in window.actions_by_name if action.shortcuts()]
    assert len(shown) >= 2 * len(bound)
    assert sheet.height() <= 680
    assert sheet.width() <= 1280
    assert not sheet.isModal()


@pytest.mark.parametrize(
    ("typed", "name", "other"),
    [("copy mask", "Copy mask from next frame", "Approve frame"), ("Shift+F9", "Edge confidence", "Overlay")],
)
def test_the_sheet_finds_by_name_and_by_key(sheet: ShortcutSheet, typed: str, name: str, other: str):
    QTest.keyClicks(sheet.search, typed)
    assert name in lines(sheet)
    assert other not in lines(sheet)


def test_the_sheet_shows_changed_keys_and_leads_to_changing_them(
    sheet: ShortcutSheet, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
):
    def change(editor: ShortcutEditor) -> int:
        editor.show()
        editor.activateWindow()
        qtbot.waitUntil(editor.isActiveWindow)
        press_new(editor, "approve", Qt.Key.Key_F11)
        editor.close()
        return 0

    monkeypatch.setattr(ShortcutEditor, "exec", change)
    next(button for button in sheet.findChildren(QPushButton) if "Change" in button.text()).click()
    shown = lines(sheet)
    assert shown[shown.index("Approve frame") + 1] == "A or Ctrl+F11"


def test_f1_closes_the_sheet_again(sheet: ShortcutSheet):
    QTest.keyClick(sheet.search, Qt.Key.Key_F1)
    assert not sheet.isVisible()


def test_columns_keep_all_sections_in_order_and_are_even():
    sections = [(str(n), [("a", "b")] * n) for n in (8, 3, 2, 9, 1)]
    columns = balanced(sections, 3)
    assert [section for column in columns for section in column] == sections
    assert len(columns) == 3
    assert max(sum(len(keys) + 2 for _, keys in column) for column in columns) == 14
    assert balanced([], 4) == []
    assert balanced(sections[:1], 4) == [sections[:1]]


def test_matching_keeps_whole_words_of_the_query():
    sections = [("Edit", [("Copy mask", "Ctrl+D"), ("Undo", "Ctrl+Z")]), ("View", [("Matte", "F6")])]
    find: Callable[[str], object] = lambda query: matching(sections, query)  # noqa: E731
    assert find("mask copy") == [("Edit", [("Copy mask", "Ctrl+D")])]
    assert find("ctrl + z") == [("Edit", [("Undo", "Ctrl+Z")])]
    assert find("edit") == sections[:1]
    assert find("") == sections


def test_keys_taken_away_that_go_back_to_another_action_are_not_called_free(editor: ShortcutEditor):
    press_new(editor, "loop", Qt.Key.Key_D)
    QTest.keyClick(editor.card.take, Qt.Key.Key_Space)
    editor.card._remove("Ctrl+D")
    assert said(editor) == "Ctrl+D is “Copy mask from previous frame” again."
    assert "Ctrl+D" in editor.keys_shown("copy_previous")
    press_new(editor, "loop", Qt.Key.Key_F11)
    editor.card._remove("Ctrl+F11")
    assert said(editor) == "Ctrl+F11 is free now."


def test_the_sheet_is_closed_by_the_keys_that_opened_it(window: MainWindow, qtbot: QtBot):
    window.comfort.keymap.remove("shortcuts", "F1")
    window.comfort.keymap.add("shortcuts", "Ctrl+F11")
    window.comfort._keys_changed()
    sheet = window.comfort.show_sheet()
    qtbot.waitUntil(sheet.isActiveWindow)
    QTest.keyClick(sheet.search, Qt.Key.Key_F1)
    assert sheet.isVisible()
    QTest.keyClick(sheet.search, Qt.Key.Key_F11, CTRL)
    assert not sheet.isVisible()
