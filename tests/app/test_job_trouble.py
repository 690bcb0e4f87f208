"""What can go wrong round jobs: faults, edits and closing while one is prepared, cancelling too late."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

import app.exporter
from app.costs import Costs
from app.exporter import prepared
from app.jobs import Ending, JobState
from app.main_window import MainWindow
from app.orders import Way, order_for
from tests.app.conftest import FRAMES, Confirm
from tests.app.fake_engine import FakeEngine
from tests.app.mouse import LEFT, drag, place, press
from tests.app.person import SQUARE, do, document_of, run, scribble
from tests.app.test_jobs import busy, export_of, idle, states
from vosengine import project_io
from vosengine.config import Config, config_to_dict
from vosengine.errors import ProjectError
from vosengine.messages import Export, ExportSource, FineTune, Propagate
from vosengine.png import read_matte
from vosengine.types import Span

Errors = list[tuple[str, str]]


class Collecting:
    """Holds an export in the middle of its collecting of mattes, before the fourth."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached, self.go, self.count = threading.Event(), threading.Event(), 0
        monkeypatch.setattr(app.exporter, "copy", self._copy)

    def _copy(self, file: Path, place: Path) -> None:
        self.count += 1
        if self.count == 4:
            self.reached.set()
            self.go.wait(10)
        project_io.copy(file, place)


@pytest.fixture
def collecting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collecting]:
    held = Collecting(monkeypatch)
    yield held
    held.go.set()


# --- an edit while an export collects ---------------------------------------------------------------------


def test_an_undo_while_mattes_are_collected_mixes_no_two_states(
    opened: MainWindow, engine: FakeEngine, qtbot: QtBot, tmp_path: Path, collecting: Collecting
) -> None:
    document = scribble(opened, qtbot)
    run(opened, qtbot)
    engine.shifts = dict.fromkeys(range(1, FRAMES), 5)
    do(opened, "propagate_span")
    idle(opened, qtbot)
    engine.gate.clear()
    opened.workspace.jobs.add_export("PNG", export_of(document, tmp_path / "out"))
    qtbot.waitUntil(collecting.reached.is_set)
    do(opened, "undo")
    collecting.go.set()
    qtbot.waitUntil(lambda: opened.workspace.jobs.progress.what == "Waiting")
    (command,) = engine.of(Export)
    found = {frame: read_matte(file) for frame, file in command.sources[0].matte_files.items()}
    assert len(found) == FRAMES
    for frame, matte in found.items():
        np.testing.assert_array_equal(matte, document.matte(1, frame))
    folders = list((document.cache_folder / "export" / "jobs").iterdir())
    assert len(folders) == 1, "what was collected first is gone"
    engine.gate.set()
    idle(opened, qtbot)


def test_a_matte_that_vanishes_is_no_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, link = tmp_path / "a.png", os.link
    file.write_bytes(b"x")

    def vanish(source: Path, target: Path) -> None:
        file.unlink(missing_ok=True)
        link(source, target)

    monkeypatch.setattr(os, "link", vanish)
    command = Export(tmp_path, (ExportSource(1, "a", {0: file}),), Span(0, 1), "png16", tmp_path / "o")
    ending = prepared(lambda: command, tmp_path / "kept", lambda: True)
    assert isinstance(ending, Ending)
    assert "changed while they were collected" in ending.sentence
    monkeypatch.undo()
    file.write_bytes(b"x")
    with pytest.raises(ProjectError, match="could not be written"):
        project_io.copy(file, file / "b.png")


def test_only_mattes_that_the_frames_need_are_kept(tmp_path: Path) -> None:
    files = {frame: tmp_path / f"{frame}.png" for frame in range(40)}
    for file in files.values():
        file.touch()
    command = Export(tmp_path, (ExportSource(1, "a", files),), Span(20, 21), "png16", tmp_path / "o")
    ready = prepared(lambda: command, tmp_path / "kept", lambda: True)
    assert isinstance(ready, Export)
    assert list(ready.sources[0].matte_files) == list(range(15, 26))


# --- closing ----------------------------------------------------------------------------------------------


def test_cancelling_while_mattes_are_collected_leaves_nothing(
    opened: MainWindow, engine: FakeEngine, qtbot: QtBot, tmp_path: Path, collecting: Collecting
) -> None:
    document, jobs = scribble(opened, qtbot), opened.workspace.jobs
    run(opened, qtbot)
    jobs.add_export("PNG", export_of(document, tmp_path / "out"))
    qtbot.waitUntil(collecting.reached.is_set)
    assert jobs.running is not None
    jobs.cancel(jobs.running.number)
    collecting.go.set()
    kept = document.cache_folder / "export" / "jobs"
    qtbot.waitUntil(lambda: not list(kept.iterdir()))
    assert states(opened)[-1] is JobState.CANCELLED
    assert collecting.count == 4, "no further file was taken"
    assert engine.of(Export) == []


def test_quitting_while_mattes_are_collected_waits_for_one_file_and_leaves_nothing(
    opened: MainWindow, qtbot: QtBot, tmp_path: Path, collecting: Collecting
) -> None:
    document = scribble(opened, qtbot)
    run(opened, qtbot)
    opened.workspace.jobs.add_export("PNG", export_of(document, tmp_path / "out"))
    qtbot.waitUntil(collecting.reached.is_set)
    late = threading.Timer(0.1, collecting.go.set)
    late.start()
    opened.workspace.close()
    late.join()
    assert collecting.count == 4
    assert not list((document.cache_folder / "export" / "jobs").iterdir())


def test_a_document_that_cannot_be_closed_keeps_its_jobs(
    opened: MainWindow, engine: FakeEngine, qtbot: QtBot, confirm: Confirm, monkeypatch: pytest.MonkeyPatch
) -> None:
    document, jobs = busy(opened, engine, qtbot), opened.workspace.jobs
    do(opened, "learn")

    def fail(discard: bool) -> None:
        raise ProjectError("The disk is full; free some space.")

    with monkeypatch.context() as patched:
        patched.setattr(document, "close", fail)
        confirm(False)
        assert not opened.opening.leave()
    assert document_of(opened) is document
    assert states(opened) == [JobState.CANCELLED, JobState.WAITING]
    engine.gate.set()
    jobs.add_run(order_for(document, Way.RUN))
    idle(opened, qtbot)
    assert states(opened) == [JobState.CANCELLED, JobState.DONE, JobState.DONE]


@pytest.mark.parametrize(
    ("exports", "said"),
    [(False, "masks that are finished are kept. The job"), (True, "export is lost: nothing of it is kept.")],
)
def test_leaving_says_what_is_lost(
    opened: MainWindow,
    engine: FakeEngine,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    exports: bool,
    said: str,
) -> None:
    document = scribble(opened, qtbot)
    engine.gate.clear()
    if exports:
        opened.workspace.jobs.add_export("PNG", export_of(document, tmp_path / "out"))
    else:
        do(opened, "run")
        do(opened, "run")
    remarks: list[str] = []
    monkeypatch.setattr("app.opening.confirm", lambda *asked: remarks.append(asked[2]))
    do(opened, "close_project")
    assert said in remarks[0]
    assert document_of(opened) is document


# --- faults -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("learned", "at"), [(False, "annotations"), (True, "begin_predictions")])
def test_a_fault_on_starting_ends_that_job_alone(
    opened: MainWindow,
    engine: FakeEngine,
    errors: Errors,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    learned: bool,
    at: str,
) -> None:
    document = scribble(opened, qtbot)

    def fail(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    with monkeypatch.context() as patched:
        patched.setattr(document, at, fail)
        do(opened, "run")
        idle(opened, qtbot)
    assert states(opened) == [JobState.FAILED]
    assert [(said[0], "Traceback" in said[1]) for said in errors] == [("ZeroDivisionError: a bug", True)]
    assert len(engine.of(FineTune)) == learned
    do(opened, "run")
    idle(opened, qtbot)
    assert states(opened) == [JobState.FAILED, JobState.DONE]


def test_cancelling_just_as_learning_ends_is_cancelling(
    opened: MainWindow, engine: FakeEngine, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy(opened, engine, qtbot)
    monkeypatch.setattr(opened.workspace.bridge, "cancel", lambda job: None)  # it came too late
    opened.workspace.jobs.stop()
    engine.gate.set()
    idle(opened, qtbot)
    assert states(opened) == [JobState.CANCELLED]
    assert engine.of(Propagate) == []


def test_damaged_unit_times_in_the_settings_are_dropped() -> None:
    known = {"device": "CPU", "config": config_to_dict(Config()), "step": [1], "frame": [1]}
    endless = json.loads("[Infinity, 5]")
    entries = {"size": {**known, "clip": endless}, "time": {**known, "clip": [4, 5], "step": endless}}
    assert Costs(entries).entries == {}


# --- what the window does ---------------------------------------------------------------------------------


def test_esc_takes_a_drawing_or_its_answer_away_and_only_then_cancels_the_run(
    opened: MainWindow, engine: FakeEngine, qtbot: QtBot
) -> None:
    busy(opened, engine, qtbot)
    do(opened, "brush")
    press(opened.canvas, SQUARE)
    QTest.keyClick(opened, Qt.Key.Key_Escape)
    assert not opened.canvas.is_drawing
    QTest.mouseRelease(opened.canvas, LEFT, pos=place(opened.canvas, *SQUARE[1]))
    qtbot.wait(30)
    assert states(opened) == [JobState.RUNNING]
    do(opened, "foreground")
    drag(opened.canvas, SQUARE)
    assert opened.workspace.scribbler.is_working
    QTest.keyClick(opened, Qt.Key.Key_Escape)
    assert not opened.workspace.scribbler.is_working
    assert opened.workspace.runner.progress.what == "Waiting"
    QTest.keyClick(opened, Qt.Key.Key_Escape)
    idle(opened, qtbot)
    assert states(opened) == [JobState.CANCELLED]


def test_esc_leaves_an_export_alone(
    opened: MainWindow, engine: FakeEngine, qtbot: QtBot, tmp_path: Path
) -> None:
    document, jobs = scribble(opened, qtbot), opened.workspace.jobs
    qtbot.waitUntil(lambda: not opened.workspace.scribbler.is_working)
    engine.gate.clear()
    number = jobs.add_export("PNG", export_of(document, tmp_path / "out"))
    qtbot.waitUntil(lambda: jobs.progress.what == "Waiting")
    assert "Jobs panel" in opened.run_panel.cancel_button.toolTip()
    press(opened.canvas, SQUARE)
    for _ in range(2):
        QTest.keyClick(opened.canvas, Qt.Key.Key_Escape)
        QTest.keyClick(opened, Qt.Key.Key_Escape)
    qtbot.wait(30)
    assert not opened.canvas.is_drawing
    assert states(opened) == [JobState.RUNNING]
    jobs.cancel(number)
    idle(opened, qtbot)
    assert states(opened) == [JobState.CANCELLED]


def test_the_panel_stays_closed_while_jobs_wait(opened: MainWindow, engine: FakeEngine, qtbot: QtBot) -> None:
    busy(opened, engine, qtbot)
    do(opened, "run")
    dock, jobs = opened.running.dock, opened.workspace.jobs
    assert not dock.isHidden()
    dock.close()
    do(opened, "learn")
    jobs.move(jobs.waiting[1].number, -1)
    assert dock.isHidden()
    for job in jobs.waiting:
        jobs.remove(job.number)
    do(opened, "run")
    assert not dock.isHidden(), "the first that waits again"


def test_a_job_ordered_while_another_is_being_cancelled_waits_behind_that_one_alone(
    opened: MainWindow, engine: FakeEngine, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy(opened, engine, qtbot)
    for _ in range(2):
        do(opened, "run")
    said: list[str] = []
    opened.workspace.jobs.message.connect(said.append)
    with monkeypatch.context() as patched:
        patched.setattr(opened.workspace.bridge, "cancel", lambda job: None)  # it is within a long step
        opened.workspace.jobs.stop()
        do(opened, "learn")
    assert said == ["Learn: waits behind 1 job."]
    assert opened.workspace.jobs.waiting[0].title == "Learn"


def test_there_is_nothing_to_propagate_to_beyond_in_and_out(opened: MainWindow, qtbot: QtBot) -> None:
    scribble(opened, qtbot)
    opened.workspace.document.set_span(Span(2, 5))
    wanted = {0: (True, False), 2: (True, True), 4: (True, True), 5: (False, True)}
    for frame, enabled in wanted.items():
        opened.editing.go_to(frame)
        actions = [opened.actions_by_name[f"propagate_{way}"] for way in ("forward", "backward")]
        assert tuple(action.isEnabled() for action in actions) == enabled, frame
    assert "behind the out point" in actions[0].toolTip()
