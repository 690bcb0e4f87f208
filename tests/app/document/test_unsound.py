"""A journal or a folder that is not as it was left: the project opens, and nothing in it is lost."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from app.document import Change, Document, Kind
from tests.app.document.edited import content, propagate, stroke
from vosengine.config import preset
from vosengine.errors import ProjectError
from vosengine.project_file import open_project

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
    real = Path.iterdir

    def failing(path: Path) -> Iterator[Path]:
        if "mattes" in str(path):
            raise OSError(5, "Input/output error")
        return real(path)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "iterdir", failing)
        for _ in range(2):  # and nothing holds it afterwards
            with pytest.raises(ProjectError, match="could not be read"):
                Document.open(folder)
    again = Document.open(folder)
    assert (content(again), again.messages) == (states[1], ())
    again.close()


# --- what stands in the journal ---------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["step", "change", "picture", "sqlite_autoindex_picture_1"])
def test_a_damaged_page_costs_the_steps_alone(document: Document, table: str):
    for number in range(150):
        stroke(document, number % 10, x=2 + number % 26)
    propagate(document, [1, 2])
    seen = content(document)
    document.close()
    path = document.folder / JOURNAL
    with closing(sqlite3.connect(path)) as database:
        (page,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        (size,) = database.execute("PRAGMA page_size").fetchone()
    damaged = bytearray(path.read_bytes())
    damaged[(page - 1) * size : (page - 1) * size + 200] = b"\xff" * 200
    path.write_bytes(bytes(damaged))
    again = Document.open(document.folder)
    assert content(again) == seen
    if not again.steps:
        assert [each for each in again.messages if "damaged" in each and "set aside" in each]
        assert list(path.parent.glob("*damaged*"))
    for frame in (0, 1):  # what is wrong may come out in writing
        again.clear(1, frame)
        again = reopened(again)
    assert again.undo_name == "Clear frame"
    again.close()


def change(folder: Path, command: str, *values: object) -> None:
    with closing(sqlite3.connect(folder / JOURNAL)) as database, database:
        database.execute(command, values)


@pytest.mark.parametrize("nonsense", ["[]", "{bad", '"x"', "null", 7, b"no picture"])
def test_a_step_that_makes_no_sense_is_dropped_with_those_before_it(document: Document, nonsense):
    stroke(document, 0)
    document.set_config(preset("draft"))
    stroke(document, 1)
    document.close()
    change(document.folder, "UPDATE change SET before = ? WHERE kind = 'config'", nonsense)
    again = Document.open(document.folder)
    assert [each.frame for each in again.steps] == [1]
    assert again.messages == ("Some of the stored undo steps could not be read and were given up.",)
    assert again.config == preset("draft")
    again = reopened(again)
    assert ([each.frame for each in again.steps], again.messages) == ([1], ())
    again.close()


def test_what_a_later_edition_adds_to_values_is_passed_over(document: Document):
    document.change_object(1, name="left hand")
    document.set_config(preset("draft"))
    document.close()
    with closing(sqlite3.connect(document.folder / JOURNAL)) as database, database:
        rows = database.execute("SELECT kind, before FROM change").fetchall()
        for kind, before in rows:
            value = json.loads(before)
            for each in value if isinstance(value, list) else [value]:
                each["of_a_later_edition"] = 1
            database.execute("UPDATE change SET before = ? WHERE kind = ?", (json.dumps(value), kind))
    again = Document.open(document.folder)
    assert (len(again.steps), again.messages) == (2, ())
    again.travel(0)
    assert again.object(1).name == "Object 1"
    again.close()


def test_a_picture_that_is_damaged_drops_the_steps_up_to_it(document: Document, tmp_path: Path):
    stroke(document, 0)
    document.flush()
    drawn = document.mask(1, 0).copy()
    stroke(document, 1)
    stroke(document, 2)
    document.flush()
    left = tmp_path / "left"
    shutil.copytree(document.folder, left)
    (left / "annotations/1/000001.png").unlink()  # killed before it was written, and its picture is damaged
    with closing(sqlite3.connect(left / JOURNAL)) as database, database:
        database.execute(
            "UPDATE picture SET content = zeroblob(20)"
            " WHERE digest = (SELECT after FROM change WHERE kind = 'annotation' AND frame = 1)"
        )
    again = Document.open(left)
    assert [each.frame for each in again.steps] == [2]
    assert "could not be read" in again.messages[0]
    assert (again.mask(1, 0) == drawn).all()
    again.close()


# --- a journal that cannot be written ---------------------------------------------------------------------


@contextmanager
def no_file_longer_than(size: int) -> Iterator[None]:
    """Writing beyond it fails, as on a disk with an error or a quota."""
    import resource

    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, former[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)


needs_limits = pytest.mark.skipif(sys.platform == "win32", reason="limits of file sizes")


@needs_limits
def test_a_journal_that_fails_alone_does_not_stop_the_saving(document: Document):
    for frame in range(8):
        stroke(document, frame)
    document.approve(1, 3)
    document.flush()
    heard: list[Change] = []
    document.subscribe(heard.append)
    journal = sum(path.stat().st_size for path in (document.folder / "history").iterdir())
    with no_file_longer_than(max(journal, 40_000)):
        for frame in range(6):
            stroke(document, frame, x=20)
            document.flush()
        document.approve(1, 3, approved=False)
        document.flush()
        assert document.messages[0].startswith("Undo will not outlast this session")
        assert heard.count(Change(Kind.MESSAGES)) == len(document.messages) == 1
        document.undo()
        document.redo()
        document.flush()
        seen = content(document)
        left = document.folder.parent / "left"
        shutil.copytree(document.folder, left)
        document.close()
    for folder in (document.folder, left):
        again = Document.open(folder)
        assert content(again) == seen  # nothing that the journal still tells is done again
        stroke(again, 9)
        again = reopened(again)
        assert (again.undo_name, again.messages) == ("Brush", ())
        again.close()


@needs_limits
def test_opened_on_a_full_disk_a_project_keeps_the_mattes_of_former_runs(two_runs):
    folder, states = two_runs
    with no_file_longer_than(0):
        document = Document.open(folder)
        assert content(document) == states[1]
    stroke(document, 8)
    document.undo()
    document.close()
    again = Document.open(folder)
    again.travel(len(again.steps) - 1)
    assert content(again) == states[0]
    again.close()


# --- between a kill and the window ------------------------------------------------------------------------


def test_the_command_line_after_a_kill_costs_neither_work_nor_steps(document: Document, tmp_path: Path):
    stroke(document, 0)
    document.flush()
    former, left = tmp_path / "former", tmp_path / "left"
    shutil.copytree(document.folder, former)
    stroke(document, 0, x=20)
    document.flush()
    seen = content(document)
    shutil.copytree(document.folder, left)
    for name in ("project.roto", "annotations/1/000000.png"):  # killed before these were written
        shutil.copy(former / name, left / name)
    open_project(left).close()
    again = Document.open(left)
    assert content(again) == seen
    assert again.messages == (
        "Rotoshot ended unexpectedly last time; your work is here. 2 steps can be undone.",
    )
    again.close()


def test_a_killed_command_line_is_no_end_of_the_session_before(document: Document):
    stroke(document, 0)
    document.close()
    (document.folder / "project.lock.json").write_text("{}")  # what a killed process leaves
    again = Document.open(document.folder)
    assert (again.messages, len(again.steps)) == ((), 1)
    again.close()
