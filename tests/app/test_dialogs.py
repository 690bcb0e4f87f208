from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from app.dialogs import ErrorDialog, ShortcutSheet, _balanced, network_notes
from app.main_window import MainWindow
from app.progress import Progress, time_left_text


def texts(dialog: ErrorDialog | ShortcutSheet) -> list[str]:
    return [label.text() for label in dialog.findChildren(QLabel)]


def test_the_about_box_says_what_the_network_was_trained_on():
    notes = network_notes()
    assert "DUTS-TR" in notes
    assert "non-commercial" in notes


def test_an_expected_failure_is_one_sentence_without_details(qtbot: QtBot):
    dialog = ErrorDialog("The disk is full; free some space.", "")
    qtbot.addWidget(dialog)
    assert "The disk is full; free some space." in texts(dialog)
    assert [button.text() for button in dialog.findChildren(QPushButton)] == ["Close"]


def test_a_bug_comes_with_details_to_copy(qtbot: QtBot):
    dialog = ErrorDialog("ZeroDivisionError: x", "Traceback: here")
    qtbot.addWidget(dialog)
    copy = next(b for b in dialog.findChildren(QPushButton) if "Copy" in b.text())
    copy.click()
    copied = QGuiApplication.clipboard().text()
    assert "Traceback: here" in copied
    assert "Rotoshot" in copied
    assert "Python" in copied


def test_the_shortcut_sheet_lists_every_key(window: MainWindow, qtbot: QtBot):
    dialog = ShortcutSheet(window.actions_by_name, window)
    qtbot.addWidget(dialog)
    shown = texts(dialog)
    for name, keys in (("Approve frame", "A"), ("Play", "Space"), ("Cancel", "Esc")):
        assert name in shown
        assert keys in shown
    bound = [action for _, action in window.actions_by_name if action.shortcuts()]
    assert len(shown) >= 2 * len(bound)
    assert dialog.sizeHint().height() <= 700


def test_columns_keep_all_sections_in_order():
    sections = [(str(n), [("a", "b")] * n) for n in (8, 3, 2, 9, 1)]
    columns = _balanced(sections, 3)
    assert [section for column in columns for section in column] == sections
    assert all(columns)


def test_time_left_in_coarse_words():
    assert time_left_text(None) == ""
    assert time_left_text(0.2) == "about 1 s left"
    assert time_left_text(59.4) == "about 59 s left"
    assert time_left_text(125) == "about 2 min 05 s left"
    assert time_left_text(3600) == "about 60 min left"


def test_progress_shows_figures_only_while_running(window: MainWindow):
    panel = window.run_panel
    panel.show_progress(True, Progress("Learning", "loss 0.1", 3, 10, 70, 2.5, "step"), "CPU, 2 threads")
    assert (panel.bar.value(), panel.bar.maximum()) == (3, 10)
    assert panel._what.text() == "Learning  ·  3 of 10"
    assert panel._figures.text() == "2.5 steps/s  ·  about 1 min 10 s left"
    assert [label.text() for label in panel.cost] == ["CPU, 2 threads", "loss 0.1"]
    assert panel._figures.sizeHint().width() <= panel._figures.width()
    panel.show_progress(True, Progress("Starting"))
    assert panel.bar.maximum() == 0  # busy
    panel.show_progress(False, Progress(""))
    assert panel._figures.text() == panel._what.text() == ""
    assert panel.bar.value() == 0
