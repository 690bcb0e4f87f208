"""The start screen: recent projects, the demo, dropping."""

import shutil
from datetime import datetime
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from app.main_window import MainWindow
from app.recents import FILE, look_up, when
from app.widgets import ActionPushButton
from tests.app.person import do, document_of


def listed(window: MainWindow) -> list[tuple[str, bool, bool]]:
    """Name, whether it is there, whether it has a picture."""
    recent = window.start_screen.recent
    found = [recent.item(row).data(Qt.ItemDataRole.UserRole) for row in range(recent.count())]
    return [(each.folder.stem, each.found, not each.picture.isNull()) for each in found]


def test_a_closed_project_is_listed_with_the_shots_picture(opened: MainWindow, qtbot: QtBot):
    kept = document_of(opened).cache_folder / FILE
    qtbot.waitUntil(kept.is_file)
    do(opened, "close_project")
    qtbot.waitUntil(lambda: listed(opened) == [("shot ü", True, True)])
    picture = opened.start_screen.recent.item(0).data(Qt.ItemDataRole.UserRole).picture
    assert picture.width() <= 192
    ground = picture.pixelColor(5, 5)  # the footage's dark ground
    assert ground.red() == pytest.approx(40, abs=8)
    assert "Today" in when(
        datetime.fromtimestamp(opened.settings.recent_opened[str(kept.parents[1])]), datetime.now()
    )


def test_return_opens_and_del_takes_off_the_list(opened: MainWindow, qtbot: QtBot):
    folder = document_of(opened).folder
    do(opened, "close_project")
    recent = opened.start_screen.recent
    qtbot.waitUntil(lambda: recent.count() == 1)
    recent.setFocus()
    recent.setCurrentRow(0)
    QTest.keyClick(recent, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: opened.workspace.document is not None)
    assert document_of(opened).folder == folder
    do(opened, "close_project")
    recent.setFocus()
    recent.setCurrentRow(0)
    QTest.keyClick(recent, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: recent.count() == 0)
    assert folder.is_dir()  # only the list forgets it
    assert opened.settings.recent_projects == []
    assert opened.settings.recent_opened == {}


def test_a_project_that_is_gone_is_greyed_and_can_be_removed(opened: MainWindow, qtbot: QtBot):
    folder = document_of(opened).folder
    opened.settings.recent_projects.append("/nowhere/old.mov.rotoshot")
    do(opened, "close_project")
    shutil.rmtree(folder)
    opened.comfort.list_recents()
    qtbot.waitUntil(lambda: listed(opened) == [("shot ü", False, False), ("old.mov", False, False)])
    screen = opened.start_screen
    screen.recent.itemClicked.emit(screen.recent.item(1))
    assert opened.workspace.document is None
    screen.recent.setCurrentRow(1)
    assert screen._remove.isEnabled()
    screen._remove.click()
    qtbot.waitUntil(lambda: screen.recent.count() == 1)


def test_damaged_times_and_pictures_are_passed_over(tmp_path: Path):
    folder = tmp_path / "a.rotoshot"
    (folder / "cache").mkdir(parents=True)
    (folder / "project.roto").write_text("{}")
    (folder / "cache" / FILE).write_bytes(b"no picture")
    for seconds in (float("inf"), 1e300, -1e300):
        (recent,) = look_up([str(folder)], {str(folder): seconds})
        assert (recent.found, recent.opened, recent.picture.isNull()) == (True, None, True)
    (recent,) = look_up([str(folder)], {})
    assert recent.opened is not None  # of the project's own file


def test_when_in_words():
    now = datetime(2026, 3, 2, 9, 30)
    assert when(datetime(2026, 3, 2, 8, 5), now) == "Today, 08:05"
    assert when(datetime(2026, 3, 1, 23, 59), now) == "Yesterday, 23:59"
    assert when(datetime(2025, 12, 24, 18, 0), now) == "2025-12-24"
    assert when(None, now) == ""


def test_the_demo_opens_in_the_users_documents(
    window: MainWindow, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
):
    for module in ("app.demo_shot", "app.workspace"):
        monkeypatch.setattr(f"{module}.user_documents_path", lambda: tmp_path / "Dokumente ü")
    do(window, "open_demo")
    qtbot.waitUntil(lambda: window.workspace.document is not None, timeout=20_000)
    document = document_of(window)
    assert document.folder.parent == tmp_path / "Dokumente ü" / "Rotoshot"
    assert document.clip.frame_count == 60
    assert window.actions_by_name["foreground"].isEnabled()


def test_a_demo_that_cannot_be_laid_out_says_so(
    window: MainWindow, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("app.demo_shot.user_documents_path", lambda: tmp_path / "file")
    with qtbot.waitSignal(window.workspace.worker.failed) as failed:
        do(window, "open_demo")
    assert "could not be written" in failed.args[0]


def test_the_place_to_drop_on_answers(window: MainWindow, footage: Path):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(footage))])
    quiet = window.start_screen._hint.styleSheet()
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(9, 9), Qt.DropAction.CopyAction, data, buttons, keys)
    window.dragEnterEvent(enter)
    assert window.start_screen._hint.styleSheet() != quiet
    window.dragLeaveEvent(QDragLeaveEvent())
    assert window.start_screen._hint.styleSheet() == quiet


def test_the_keys_go_on_with_the_newest_project_or_press_a_button(
    opened: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
):
    opened.activateWindow()
    qtbot.waitUntil(opened.isActiveWindow)
    do(opened, "close_project")
    screen, asked = opened.start_screen, list[str]()
    qtbot.waitUntil(screen.recent.hasFocus)
    assert screen.recent.currentRow() == 0

    def ask(_window: QWidget, _title: str, folder: str, _kinds: str) -> tuple[str, str]:
        asked.append(folder)
        return "", ""

    monkeypatch.setattr(QFileDialog, "getOpenFileName", ask)
    opening = screen.findChild(ActionPushButton)
    opening.setFocus()
    QTest.keyClick(opening, Qt.Key.Key_Return)
    assert len(asked) == 1
    assert Path(asked[0]).is_absolute()
