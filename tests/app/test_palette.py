"""The command palette: what it finds, and choosing it with the keyboard."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.actions import REASONS
from app.main_window import MainWindow
from app.palette import Entry, found, frame_asked
from app.palette_window import Palette
from tests.app.conftest import FIRST_NUMBER, FRAMES
from tests.app.person import do, document_of

CTRL_SHIFT = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


def entry(title: str, section: str = "", hint: str = "", keys: str = "") -> Entry:
    return Entry(title, title, section, lambda: None, hint, keys)


ENTRIES = [
    entry("Copy mask from previous frame", "Edit", "Start from the frame before", "Ctrl+D"),
    entry("Copy mask from next frame", "Edit", keys="Ctrl+Shift+D"),
    entry("Previous frame", "Playback", keys="Left"),
    entry("Run", "Cut out", "Learn the objects"),
    entry("Shrink mask", "Edit"),
]


@pytest.mark.parametrize(
    ("query", "first", "count"),
    [
        ("copy", "Copy mask from previous frame", 2),
        ("frame copy next", "Copy mask from next frame", 1),
        ("cmfp", "Copy mask from previous frame", 1),  # initials
        ("prefra", "Previous frame", 2),  # beginnings
        ("ctrl+shift+d", "Copy mask from next frame", 1),
        ("learn", "Run", 1),
        ("playback", "Previous frame", 1),
        ("zebra", "", 0),
    ],
)
def test_a_few_letters_find_it(query: str, first: str, count: int):
    titles = [each.title for each in found(ENTRIES, query)]
    assert titles[:1] == ([first] if first else [])
    assert len(titles) == count


def test_the_recent_come_first_but_not_before_a_better_match():
    recent = ["Shrink mask", "Run"]
    assert [each.title for each in found(ENTRIES, "", recent)][:3] == ["Shrink mask", "Run", ENTRIES[0].title]
    assert found(ENTRIES, "copy", ["Copy mask from next frame"])[0].title == "Copy mask from next frame"
    assert found(ENTRIES, "previous", [ENTRIES[0].title])[0].title == "Previous frame"


@pytest.mark.parametrize(
    ("query", "number"), [("123", 123), (" frame 7", 7), ("go to 12", 12), ("object 1", None), ("F9", None)]
)
def test_frame_numbers(query: str, number: int | None):
    assert frame_asked(query) == number


def palette(window: MainWindow, qtbot: QtBot) -> Palette:
    QTest.keyClick(window, Qt.Key.Key_P, CTRL_SHIFT)
    palettes = [each for each in window.findChildren(Palette) if each.isVisible()]
    assert len(palettes) == 1
    assert QApplication.focusWidget() is palettes[0].line
    return palettes[0]


def choose(window: MainWindow, qtbot: QtBot, typed: str) -> None:
    opened = palette(window, qtbot)
    QTest.keyClicks(opened.line, typed)
    QTest.keyClick(opened.line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not window.findChildren(Palette))


def test_return_runs_a_command_and_remembers_it(opened: MainWindow, qtbot: QtBot):
    choose(opened, qtbot, "add obj")
    qtbot.waitUntil(lambda: len(document_of(opened).objects) == 2)
    assert opened.settings.recent_commands == ["add_object"]
    again = palette(opened, qtbot)
    assert again.model.entries[0].key == "add_object"
    QTest.keyClick(again.line, Qt.Key.Key_Escape)
    assert not again.isVisible()


def test_numbers_objects_and_presets(opened: MainWindow, qtbot: QtBot):
    document = document_of(opened)
    do(opened, "add_object")
    choose(opened, qtbot, str(FIRST_NUMBER + 3))
    qtbot.waitUntil(lambda: document.frame == 3)
    choose(opened, qtbot, "object 1")
    qtbot.waitUntil(lambda: document.object_id == 1)
    choose(opened, qtbot, "preset best")
    qtbot.waitUntil(lambda: opened.run_panel.presets.currentData() == "best")
    assert opened.settings.preset == "best"


def test_what_cannot_be_done_says_why_and_does_nothing(opened: MainWindow, qtbot: QtBot):
    shown = palette(opened, qtbot)
    QTest.keyClicks(shown.line, "run")
    assert shown.model.entries[0].reason == REASONS["annotation"]
    QTest.keyClick(shown.line, Qt.Key.Key_Return)
    assert shown.isVisible()
    shown.line.setText(str(FIRST_NUMBER + FRAMES))
    assert str(FIRST_NUMBER) in shown.model.entries[0].reason
    shown.close()


def test_arrows_walk_while_the_line_keeps_the_focus(window: MainWindow, qtbot: QtBot):
    shown = palette(window, qtbot)
    for _ in range(2):
        QTest.keyClick(shown.line, Qt.Key.Key_Down)
    QTest.keyClick(shown.line, Qt.Key.Key_Up)
    assert shown.list.currentIndex().row() == 1
    QTest.keyClick(shown.line, Qt.Key.Key_PageDown)
    assert shown.list.currentIndex().row() > 5
    assert QApplication.focusWidget() is shown.line
    shown.close()


def test_letters_go_into_the_line_from_the_list_too(window: MainWindow, qtbot: QtBot):
    shown = palette(window, qtbot)
    shown.list.setFocus()
    QTest.keyClicks(shown.list, "op")
    assert shown.line.text() == "op"
    assert QApplication.focusWidget() is shown.line
    shown.list.setFocus()
    QTest.keyClick(shown.list, Qt.Key.Key_Backspace)
    assert shown.line.text() == "o"
    shown.close()
