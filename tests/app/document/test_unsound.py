"""A journal or a folder that is not as it was left: the project opens, and nothing in it is lost."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from app.document import Document
from tests.app.document.edited import content, propagate, stroke
from vosengine import project_io
from vosengine.errors import ProjectError

JOURNAL = "history/steps.sqlite"


def reopened(document: Document) -> Document:
    document.close()
    return Document.open(document.folder)


@pytest.fixture
def two_runs(document: Document) -> tuple[Path, list[dict]]:
    """A closed project with two runs over the same frames, and what each state of it shows."""
    stroke(document, 0)
    propagate(document, [1, 2, 3])
    states = [content(document)]
    propagate(document, [1, 2, 3], seed=20)
    states.append(content(document))
    document.close()
    return document.folder, states


def test_a_journal_that_another_process_holds_costs_no_matte(two_runs):
    folder, states = two_runs
    database = sqlite3.connect(folder / JOURNAL)
    database.execute("BEGIN EXCLUSIVE")
    document = Document.open(folder)
    assert "Undo will not outlast this session" in document.messages[0]
    assert content(document) == states[1]
    document.close()
    database.rollback()
    database.close()
    again = Document.open(folder)
    again.undo()
    assert content(again) == states[0]
    again.close()


def test_mattes_that_come_later_are_in_force_again(two_runs):
    folder, states = two_runs
    (folder / "mattes").rename(folder / "later")
    document = Document.open(folder)
    assert document.matte(1, 2) is None
    stroke(document, 7)
    document.undo()
    document.close()
    (folder / "later").rename(folder / "mattes")
    again = Document.open(folder)
    assert content(again) == states[1]
    again = reopened(again)
    assert content(again) == states[1]
    again.close()


def test_a_matte_predicted_in_the_place_of_a_missing_one_stays(two_runs):
    folder, _ = two_runs
    (folder / "mattes").rename(folder / "later")
    document = Document.open(folder)
    stroke(document, 0)
    propagate(document, [2], seed=70)
    shown = document.matte(1, 2).copy()
    document.close()
    for path in (folder / "later/1").iterdir():
        path.rename(folder / "mattes/1" / path.name)
    again = Document.open(folder)
    assert (again.matte(1, 2) == shown).all()
    assert again.matte(1, 3) is not None
    again.close()


def test_a_folder_that_cannot_be_listed_keeps_the_project_closed(two_runs, monkeypatch):
    folder, states = two_runs
    real = project_io.os.listdir

    def failing(path: Path) -> list[str]:
        if "mattes" in str(path):
            raise OSError(5, "Input/output error")
        return real(path)

    with monkeypatch.context() as patch:
        patch.setattr(project_io.os, "listdir", failing)
        for _ in range(2):  # and nothing holds it afterwards
            with pytest.raises(ProjectError, match="could not be read"):
                Document.open(folder)
    again = Document.open(folder)
    assert (content(again), again.messages) == (states[1], ())
    again.close()
