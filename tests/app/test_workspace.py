"""Which project a clip belongs to, and footage that changed since its project was made."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.document import Document
from app.main_window import MainWindow
from app.workspace import former_projects
from tests.app.conftest import FRAMES, Confirm, open_and_wait, write_footage
from tests.app.person import do, document_of, run, scribble


def touch(footage: Path, seconds: int) -> None:
    """As a copy or another rendering would: the files' times change."""
    for file in footage.iterdir():
        os.utime(file, (seconds, seconds))


@pytest.mark.parametrize("shorter", [False, True])
def test_changed_footage_is_used_when_the_user_says_so(
    opened: MainWindow, footage: Path, qtbot: QtBot, confirm: Confirm, shorter: bool
):
    document = scribble(opened, qtbot)
    run(opened, qtbot)
    folder = document.folder
    do(opened, "close_project")
    touch(footage, 10**9)
    if shorter:
        sorted(footage.iterdir())[-1].unlink()
    asked = confirm(True)
    open_and_wait(opened, footage, qtbot)
    assert len(asked) == 1
    assert "changed since" in asked[0]
    again = document_of(opened)
    assert again.folder == folder
    assert again.clip.frame_count == FRAMES - shorter
    assert again.mask(1, 0) is not None
    assert opened.timeline.mark_at(1, again.clip.frame_count - 1) != 0
    do(opened, "close_project")
    open_and_wait(opened, footage, qtbot)
    assert len(asked) == 1  # accepted once and for all


def test_changed_footage_can_be_declined(
    opened: MainWindow,
    footage: Path,
    qtbot: QtBot,
    confirm: Confirm,
    errors: list[tuple[str, str]],
):
    folder = scribble(opened, qtbot).folder
    do(opened, "close_project")
    touch(footage, 10**9)
    confirm(False)
    opened.opening.open(footage)
    qtbot.waitUntil(lambda: bool(errors))
    assert opened.workspace.document is None
    kept = Document.open(folder)  # the lock is released
    assert kept.mask(1, 0) is not None
    kept.close()


def test_a_clip_does_not_open_the_project_of_a_namesake(
    window: MainWindow, tmp_path: Path, qtbot: QtBot, errors: list[tuple[str, str]]
):
    one, ten = write_footage(tmp_path / "shot1"), write_footage(tmp_path / "shot10")
    touch(ten, 10**9)
    open_and_wait(window, ten, qtbot)
    other = document_of(window).folder
    do(window, "close_project")
    held = Document.open(other)  # as another window would
    open_and_wait(window, one, qtbot)
    assert document_of(window).folder == tmp_path / "shot1.rotoshot"
    assert errors == []
    held.close()


def test_a_damaged_project_is_offered_to_the_clip_of_its_name(
    window: MainWindow, tmp_path: Path, qtbot: QtBot
):
    footage = write_footage(tmp_path / "shot1")
    open_and_wait(window, footage, qtbot)
    document = document_of(window)
    info, folder = document.clip, document.folder
    do(window, "close_project")
    other = folder.with_name("shot10.rotoshot")
    other.mkdir()
    for place in (folder, other):
        (place / "project.roto").write_text("{")
    assert former_projects(info) == [folder]
