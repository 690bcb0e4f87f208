"""Steps of undo outlast the session: reopened, killed or changed from outside, they never lead astray."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from app import undo
from app.document import Document
from app.journal import Journal
from tests.app.document.edited import FRAMES, content, make_clip, matte_of, predicted, propagate, stroke
from tests.app.document.test_any_edits import do, frames
from vosengine import png, png_note
from vosengine.config import preset
from vosengine.edge_controls import EdgeControls, EdgeTrack
from vosengine.project_file import open_project
from vosengine.types import Span


def everything(document: Document) -> dict:
    """What undo covers."""
    return content(document) | {"span": document.span, "config": document.config}


def reopened(document: Document) -> Document:
    document.close()
    return Document.open(document.folder)


def killed(
    document: Document, folder: Path, former: Path | None = None, old: tuple[str, ...] = ()
) -> Document:
    """The copy that a process leaves which was killed now. `former`: an earlier copy, whose files matching
    `old` had not been replaced yet; those written later are missing.
    """
    document.flush()
    shutil.copytree(document.folder, folder)
    for pattern in old if former is not None else ():
        for path in list(folder.rglob(pattern)):
            path.unlink()
        for path in former.rglob(pattern):
            place = folder / path.relative_to(former)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)
    assert (folder / "project.lock.json").exists()
    return Document.open(folder)


class Sessions(RuleBasedStateMachine):
    """Edits with undo, redo, jumps, reopenings and crashes, against a list of all states."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.document = Document.create(self.folder / "shot", make_clip(self.folder / "x.mov"))
        self.states = [everything(self.document)]
        self.position = 0
        self.copies = 0

    def teardown(self) -> None:
        self.document.close()
        shutil.rmtree(self.folder)

    def _edited(self) -> None:
        if self.document.position != self.position or len(self.document.steps) < len(self.states) - 1:
            del self.states[self.position + 1 :]
            self.states.append(everything(self.document))
            self.position += 1
        self.check()

    def check(self) -> None:
        assert everything(self.document) == self.states[self.position]
        assert (self.document.position, len(self.document.steps)) == (self.position, len(self.states) - 1)

    @rule(name=st.sampled_from(["stroke", "scribble", "edges", "box", "clear", "copy", "approve", "mute"]),
          frame=frames, value=st.integers(2, 9))  # fmt: skip
    def edit(self, name: str, frame: int, value: int) -> None:
        do(self.document, name, frame, value % 2 if name in ("approve", "mute") else value)
        self._edited()

    @rule(frame=frames, seed=st.integers(0, 99))
    def propagate(self, frame: int, seed: int) -> None:
        do(self.document, "propagate", frame, seed)
        self._edited()

    @rule(frame=frames, other=frames, seed=st.integers(0, 99))
    def run_is_undone(self, frame: int, other: int, seed: int) -> None:
        """Before it ended, and after it was killed."""
        run = self.document.begin_predictions()
        own = self.document.object_id
        taken = [
            bool(own) and self.document.add_prediction(run, predicted(self.document, each, seed, own))
            for each in (frame, other, frame)
        ]
        shown, self.copies = everything(self.document), self.copies + 1
        copy = killed(self.document, self.folder / str(self.copies))
        assert everything(copy) == shown
        copy.close()
        del self.states[self.position + 1 :]
        if any(taken):
            self.document.undo()
        self.document.end_predictions(run)
        if any(taken):
            self.document.redo()
            self._edited()

    @rule(frame=frames, value=st.integers(1, 255))
    def answer(self, frame: int, value: int) -> None:
        """A scribble, a run that ends, and the answer to the scribble."""
        own = self.document.object_id
        do(self.document, "scribble", frame, value % 28)
        self._edited()
        if not own or not self.document.undo_name.endswith("Scribble"):
            return
        scribbled = self.position
        do(self.document, "propagate", frame, value)
        self._edited()
        asking = self.document.steps[scribbled - 1].number
        self.document.set_mask(own, frame, np.full((24, 32), value, np.uint8), join=asking)
        after = self.position
        for self.position in (scribbled, after):
            self.document.travel(self.position)
            self.states[self.position] = everything(self.document)
            self.check()

    @rule(name=st.sampled_from(["add", "remove", "rename"]), value=st.integers(0, 9))
    def object(self, name: str, value: int) -> None:
        do(self.document, name, 0, value)
        self._edited()

    @rule(start=st.integers(0, 4), steps=st.integers(1, 3))
    def settings(self, start: int, steps: int) -> None:
        self.document.set_span(Span(start, FRAMES))
        self._edited()
        self.document.set_config(preset("draft", steps=steps))
        self._edited()

    @precondition(lambda self: len(self.states) > 1)
    @rule(data=st.data())
    def travel(self, data: st.DataObject) -> None:
        self.position = data.draw(st.integers(0, len(self.states) - 1))
        self.document.travel(self.position)
        self.check()

    @rule()
    def reopen(self) -> None:
        self.document = reopened(self.document)
        assert self.document.messages == ()
        self.check()

    @rule()
    def crash(self) -> None:
        self.copies += 1
        left = self.document
        self.document = killed(left, self.folder / str(self.copies))
        left.close()
        self.check()


@pytest.fixture(autouse=True)
def _nothing_joins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undo, "JOIN_SECONDS", 0)


TestSessions = Sessions.TestCase
TestSessions.settings = settings(max_examples=10, stateful_step_count=14, deadline=None)


# --- killed ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("old", [["project.roto"], ["project.roto", "annotations/*/*", "scribbles/*/*"]])
def test_what_a_killed_process_could_not_save_is_done_again(document: Document, tmp_path, monkeypatch, old):
    monkeypatch.setattr(Journal, "purge", lambda self: None)  # comes after the manifest
    other = document.add_object()
    stroke(document, 0)
    propagate(document, [1, 2, 3])
    stroke(document, 4, object_id=other)
    document.flush()
    shutil.copytree(document.folder, tmp_path / "former")
    document.undo()
    stroke(document, 0, x=20)
    document.approve(1, 2)
    document.mute(1, 1)
    document.set_span(Span(2, 7))
    document.remove_object(other)
    document.undo()
    document.remove_object(1)
    final = everything(document)
    again = killed(document, tmp_path / "killed", tmp_path / "former", tuple(old))
    assert everything(again) == final
    again.travel(0)
    assert [each.object_id for each in again.objects] == [1]
    again.travel(len(again.steps))
    assert everything(again) == final
    again.close()


def test_a_run_that_was_killed_keeps_what_had_come(document: Document, tmp_path: Path):
    stroke(document, 0)
    propagate(document, range(1, 6))
    before = everything(document)
    document.flush()
    shutil.copytree(document.folder, tmp_path / "former")
    propagate(document, range(1, 6), seed=20)
    document.flush()
    (document.folder / "mattes/1/000003.1.png").unlink()  # of the last ones nothing had reached the disk
    again = killed(document, tmp_path / "killed", tmp_path / "former", ("project.roto",))
    assert [again.matte(1, frame).sum() for frame in (2, 3)] == [
        document.matte(1, 2).sum(),
        png.read_matte(document.folder / "mattes/1/000003.png").sum(),
    ]
    assert again.undo_name == "Propagate"
    again.undo()
    assert everything(again) == before
    again.close()


def test_a_run_undone_before_it_ended_is_not_in_force_on_disk(document: Document, tmp_path: Path):
    stroke(document, 0)
    propagate(document, [1, 2])
    run = document.begin_predictions()
    for frame in (1, 2):
        document.add_prediction(run, predicted(document, frame, 50 + frame))
    document.undo()  # and the job goes on
    document.redo()
    document.undo()
    assert not document.add_prediction(run, predicted(document, 3, 9))
    document.flush()
    shutil.copytree(document.folder, tmp_path / "left")
    with open_project(tmp_path / "left") as left:  # the command line after a kill
        sources = *left.export_sources(), *document.export_sources()
    for source in sources:
        assert (png.read_matte(source.matte_files[2]) == document.matte(1, 2)).all()
    document.end_predictions(run)


EDIT = """
import sys
from pathlib import Path
import numpy as np
from app.document import Document
from app.journal import Journal
from tests.app.document.edited import propagate, stroke
from vosengine.types import Span
document = Document.open(Path(sys.argv[1]))
rng = np.random.default_rng(int(sys.argv[2]))
print(document.position, flush=True)
while True:
    frame, choice = int(rng.integers(0, 9)), rng.integers(0, 6)
    if choice == 0:
        stroke(document, frame, int(rng.integers(2, 28)))
    elif choice == 1:
        propagate(document, range(frame, frame + 2), int(rng.integers(0, 99)))
    elif choice == 2:
        document.set_span(Span(frame, 11))
    elif choice == 3:
        document.travel(int(rng.integers(0, len(document.steps) + 1)))
    elif choice == 4:
        added = document.add_object()
        stroke(document, frame, object_id=added)
        if frame < 6:
            document.remove_object(added)
    else:
        document.clear(1, frame)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_killed_at_any_moment_every_step_leads_to_the_same_states_again(document: Document):
    document.close()
    rng = np.random.default_rng(3)
    for seed in range(5):
        process = subprocess.Popen(
            [sys.executable, "-c", EDIT, str(document.folder), str(seed)],
            cwd=Path(__file__).parents[3],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline()
        time.sleep(rng.uniform(0.05, 0.3))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        again = Document.open(document.folder)
        assert "ended unexpectedly" in again.messages[-1]
        last, count = everything(again), again.position
        seen = {}
        for position in range(count, -1, -1):
            again.travel(position)
            seen[position] = everything(again)
        for position in range(count + 1):
            again.travel(position)
            assert everything(again) == seen[position]
        assert everything(again) == last
        again = reopened(again)
        assert (everything(again), again.position) == (last, count)
        again.close()


# --- changed from outside -------------------------------------------------------------------------------


def test_steps_that_do_not_fit_what_is_on_disk_are_dropped(document: Document):
    stroke(document, 0)
    stroke(document, 1)
    stroke(document, 2)
    stroke(document, 3)
    document.undo()
    document.close()
    with open_project(document.folder) as project:
        project.write_annotation(1, 1, np.full((24, 32), 255, np.uint8), 99)  # by another program
    again = Document.open(document.folder)
    assert [(each.name, each.frame) for each in again.steps] == [("Brush", 2), ("Brush", 3)]
    assert again.position == 1
    again.undo()
    assert again.mask(1, 1).all()
    assert again.mask(1, 2) is None
    assert again.undo_name == ""
    again.travel(2)
    assert again.mask(1, 3) is not None
    again.close()


def test_a_project_put_back_from_a_backup_has_no_steps_of_the_future(document: Document, tmp_path: Path):
    stroke(document, 0)
    document.close()
    shutil.copytree(document.folder, tmp_path / "backup", ignore=shutil.ignore_patterns("history"))
    again = Document.open(document.folder)
    stroke(again, 0, x=20)
    again.set_span(Span(1, 5))
    again.close()
    shutil.copytree(tmp_path / "backup", document.folder, dirs_exist_ok=True)
    again = Document.open(document.folder)
    assert again.steps == []
    assert again.span == Span(0, FRAMES)
    again.close()


def test_without_its_journal_or_with_a_damaged_one_a_project_opens(document: Document):
    stroke(document, 0)
    propagate(document, [1, 2])
    propagate(document, [1, 2], seed=20)
    document.undo()
    seen = everything(document)
    document.close()
    (document.folder / "history/steps.sqlite").write_bytes(b"no database" * 99)
    again = Document.open(document.folder)
    assert "damaged" in again.messages[0]
    assert (everything(again), again.steps) == (seen, [])
    again.close()
    assert len(list(document.folder.glob("mattes/1/*.1.png"))) == 2  # what nobody tells of is left alone
    shutil.rmtree(document.folder / "history")
    again = Document.open(document.folder)
    assert (everything(again), again.steps, again.messages) == (seen, [], ())
    again.close()


def test_an_old_project_opens_with_an_empty_history_and_keeps_the_new_one(document: Document):
    document.close()
    shutil.rmtree(document.folder / "history")
    with open_project(document.folder) as project:
        project.write_prediction(1, 3, np.full((24, 32), 500, np.uint16), 0.5, 0)
        project.write_manifest(replace(project.manifest, next_batch=0, mattes={}))
    again = Document.open(document.folder)
    assert again.steps == []
    propagate(again, [3, 4])
    again = reopened(again)
    again.undo()
    assert (again.matte(1, 3) == 500).all()
    assert again.matte(1, 4) is None
    again.close()


def test_opening_reads_the_notes_of_the_mattes_in_force_alone(document: Document, monkeypatch):
    stroke(document, 0)
    for seed in (10, 20, 30):
        propagate(document, range(1, 8), seed)
    first, document_folder = everything(document), document.folder
    document.close()
    read: list[Path] = []
    real = png_note.read
    monkeypatch.setattr(png_note, "read", lambda path: read.append(path) or real(path))
    again = Document.open(document_folder)
    assert len([path for path in read if "mattes" in path.parts]) == 7
    again.travel(2)
    assert (again.matte(1, 3) == matte_of(13)).all()
    assert again.prediction(1, 3).quality == 0.5
    again.travel(len(again.steps))
    assert everything(again) == first
    again.close()


@pytest.mark.parametrize("version", [1, 2])
def test_a_project_of_an_earlier_version_is_edited_and_stays_as_it_was(tmp_path: Path, version: int):
    folder = tmp_path / "shot"
    shutil.copytree(Path(__file__).parents[2] / f"vosengine/fixtures/project_v{version}", folder)
    document = Document.open(folder)
    whole = range(document.clip.frame_count)
    keys = [(each.object_id, frame) for each in document.objects for frame in whole]

    def seen() -> list:
        mattes = [document.matte(*key) for key in keys]
        states = [document.state(*key) for key in keys]
        return [states, [None if matte is None else matte.tobytes() for matte in mattes]]

    before = seen()
    assert any(before[1])
    document.change_object(1, name="other")
    document.undo()
    assert [document.messages, seen()] == [(), before]
    document = reopened(document)
    assert [document.messages, seen()] == [(), before]
    document.redo()
    assert document.object(1).name == "other"
    document.close()


def test_a_muting_comes_back_with_the_prediction(document: Document):
    stroke(document, 0)
    propagate(document, [1, 2])
    document.mute(1, 2)
    document.close()
    shutil.rmtree(document.folder / "history")
    again = Document.open(document.folder)
    propagate(again, [1, 2], seed=9)
    assert not again.muted(1, 2)
    again = reopened(again)
    assert not again.muted(1, 2)
    again.undo()
    assert again.muted(1, 2)
    again.close()


# --- limits ---------------------------------------------------------------------------------------------


def test_the_journal_forgets_what_cannot_be_undone_any_more(document: Document, monkeypatch):
    monkeypatch.setattr(undo, "STEP_LIMIT", 3)
    for number in range(6):
        stroke(document, number, x=2 + number)
    document.undo()
    document.undo()
    again = reopened(document)
    assert [each.frame for each in again.steps] == [3, 4, 5]
    assert again.position == 1
    stroke(again, 9)
    again = reopened(again)
    assert [each.frame for each in again.steps] == [3, 9]
    assert len(again._store.history._journal.shelf()) == 2
    again.close()


def test_a_gesture_is_one_step(document: Document, monkeypatch):
    monkeypatch.setattr(undo, "JOIN_SECONDS", 60)
    for start in (1, 2, 3):
        document.set_span(Span(start, 9))
    document.set_config(preset("draft"))
    document.set_config(preset("best"))
    assert [each.name for each in document.steps] == ["In and out", "Preset draft", "Preset best"]
    document.travel(0)
    assert document.span == Span(0, FRAMES)


def test_edge_controls_are_steps_that_outlast_the_session(document: Document, tmp_path: Path):
    track = EdgeTrack({0: EdgeControls(grow=2.5), 5: EdgeControls(feather=3)})
    document.set_edges(1, track, "Grow")
    document.remove_object(1)
    again = killed(document, tmp_path / "killed")
    again.undo()
    assert again.edges(1) == track
    again.undo()
    assert again.edges(1) == EdgeTrack()
    again.redo()
    again = reopened(again)
    assert (again.edges(1), [each.subject for each in again.steps]) == (track, ["Object 1", "Object 1"])
    again.close()
