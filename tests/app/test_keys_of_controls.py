"""A control that the keyboard has walked to keeps the keys that it needs; all others stay shortcuts."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QSlider
from pytestqt.qtbot import QtBot

from app.main_window import MainWindow
from tests.app.person import document_of

Key = Qt.Key


@pytest.fixture
def slider(opened: MainWindow) -> QSlider:
    opened.editing.go_to(3)
    slider = opened.brush.sliders.findChild(QSlider)
    assert slider is not None
    slider.setFocus()
    return slider


@pytest.mark.parametrize(
    ("key", "larger"),
    [(Key.Key_Right, True), (Key.Key_Left, False), (Key.Key_PageUp, True), (Key.Key_End, True)],
)
def test_a_sliders_keys_move_it_and_not_the_playhead(
    opened: MainWindow, slider: QSlider, key: Key, larger: bool
):
    before = slider.value()
    QTest.keyClick(slider, key)
    assert (slider.value() > before) is larger
    assert slider.value() != before
    assert document_of(opened).frame == 3


def test_other_keys_stay_shortcuts(opened: MainWindow, slider: QSlider):
    QTest.keyClick(slider, Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert document_of(opened).frame == 7
    QTest.keyClick(slider, Key.Key_P)
    assert opened.actions_by_name["brush"].isChecked()


def test_a_combo_boxes_keys_choose(opened: MainWindow, qtbot: QtBot):
    presets, document = opened.run_panel.presets, document_of(opened)
    opened.editing.go_to(3)
    presets.setFocus()
    QTest.keyClick(presets, Key.Key_End)
    assert presets.currentIndex() == presets.count() - 1
    QTest.keyClick(presets, Key.Key_Home)
    assert presets.currentIndex() == 0
    QTest.keyClick(presets, Key.Key_B)  # else it propagates backward
    assert presets.currentText().startswith("B")
    assert document.frame == 3


def test_the_arrows_walk_in_a_list(opened: MainWindow, qtbot: QtBot):
    opened.comfort.keymap.add("next", "Down")
    opened.comfort._keys_changed()
    for _ in range(2):
        opened.editing.add_object()
    objects, document = opened.objects_panel.list, document_of(opened)
    objects.setFocus()
    objects.setCurrentRow(0)
    QTest.keyClick(objects, Key.Key_Down)
    assert objects.currentRow() == 1
    assert document.frame == 0
    opened.canvas.setFocus()
    QTest.keyClick(opened.canvas, Key.Key_Down)
    assert document.frame == 1
