"""The list of jobs, in the abstract and as a person uses it in the window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.costs import FRAME, STEP, case_of
from app.document import Document
from app.jobs import JobKind, JobList, JobState
from app.main_window import MainWindow
from tests.app.conftest import FRAMES, Confirm
from tests.app.fake_engine import FakeEngine
from tests.app.mouse import drag
from tests.app.person import do, document_of, run, scribble
from vosengine.config import PRESETS, Config
from vosengine.errors import EngineError
from vosengine.messages import DeviceUsed, Export, ExportWritten, FineTune, JobProgressed, Propagate
from vosengine.types import Span

# --- the list ---------------------------------------------------------------------------------------------


def three_waiting() -> JobList:
    jobs = JobList()
    for title in ("a", "b", "c"):
        jobs.add(JobKind.RUN, title, "", lambda: None)
    return jobs


def titles(jobs: JobList) -> str:
    return "".join(job.title for job in jobs.all)


def test_only_those_that_wait_are_moved_and_only_among_themselves() -> None:
    jobs = three_waiting()
    jobs.all[0].state = JobState.RUNNING
    assert not jobs.move(1, 1)
    assert jobs.move(3, -5)
    assert titles(jobs) == "acb"
    assert not jobs.move(3, -1)
    assert not jobs.move(99, 1)


def test_a_job_that_goes_first_goes_behind_the_one_that_runs() -> None:
    jobs = three_waiting()
    jobs.all[0].state = JobState.RUNNING
    jobs.add(JobKind.EXPORT, "x", "", lambda: None, first=True)
    assert titles(jobs) == "axbc"
    assert not jobs.remove(1)
    jobs.all[0].state = JobState.DONE
    jobs.clear_ended()
    assert titles(jobs) == "xbc"


# --- in the window ----------------------------------------------------------------------------------------


def busy(window: MainWindow, engine: FakeEngine, qtbot: QtBot) -> Document:
    """A run is on, held in the middle of learning."""
    document = scribble(window, qtbot)
    engine.gate.clear()
    do(window, "run")
    qtbot.waitUntil(lambda: window.workspace.jobs.progress.what == "Waiting")
    return document


def states(window: MainWindow) -> list[JobState]:
    return [job.state for job in window.workspace.jobs.jobs]


def idle(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: window.workspace.jobs.running is None)


def export_of(document: Document, folder: Path) -> Callable[[], Export]:
    return lambda: Export(
        document.clip.path, document.stored_sources(), document.clip.span, "png16", folder, False
    )


def test_jobs_started_during_a_run_follow_it_in_order(
    opened: MainWindow, engine: FakeEngine, qtbot: QtBot, tmp_path: Path
) -> None:
    document, jobs = busy(opened, engine, qtbot), opened.workspace.jobs
    written: list[tuple[int, ExportWritten]] = []
    jobs.export_written.connect(lambda number, event: written.append((number, event)))
    number = jobs.add_export("PNG", export_of(document, tmp_path / "out"))
    document.set_config(PRESETS["draft"])
    do(opened, "run")
    assert states(opened) == [JobState.RUNNING, JobState.WAITING, JobState.WAITING]
    assert "2 jobs" in opened.statusBar().currentMessage()
    document.set_config(PRESETS["best"])
    engine.cold = (1,)  # another preset learns afresh
    engine.gate.set()
    idle(opened, qtbot)
    assert states(opened) == [JobState.DONE] * 3
    kinds = [type(c).__name__ for c in engine.commands if isinstance(c, FineTune | Propagate | Export)]
    assert kinds == ["FineTune", "Propagate", "Export", "FineTune", "Propagate"]
    assert engine.of(Propagate)[-1].config == PRESETS["draft"], "the preset it was ordered with"
    assert [each for each, _ in written] == [number]
    assert (tmp_path / "out" / "result.txt").read_text() == str([list(range(FRAMES))]), "after the run"


def test_a_job_takes_the_annotations_of_when_it_starts(
    opened: MainWindow, engine: FakeEngine, qtbot: QtBot
) -> None:
    document = busy(opened, engine, qtbot)
    do(opened, "run")
    opened.editing.go_to(5)
    do(opened, "brush")
    drag(opened.canvas, [(50.5, 40.5), (55.5, 40.5)])
    engine.cold = (1,)
    engine.gate.set()
    idle(opened, qtbot)
    first, second = (command.annotations for command in engine.of(FineTune))
    assert [a.frame for a in first] == [0]
    assert [a.frame for a in second] == [0, 5]
    for _ in range(2):
        assert document.undo_name == "Run"
        do(opened, "undo")
    assert document.undo_name == "Brush", "each run is one undo step"


def test_an_export_writes_what_was_there_when_it_started(
    opened: MainWindow, engine: FakeEngine, qtbot: QtBot, tmp_path: Path
) -> None:
    document = scribble(opened, qtbot)
    run(opened, qtbot)
    engine.gate.clear()
    opened.workspace.jobs.add_export("PNG", export_of(document, tmp_path / "out"))
    qtbot.waitUntil(lambda: opened.workspace.jobs.progress.what == "Waiting")
    (command,) = engine.of(Export)
    before = {frame: file.read_bytes() for frame, file in command.sources[0].matte_files.items()}
    do(opened, "undo")
    document.change_object(1, name="Other")  # the run can be redone no more
    document.flush()
    assert not list((document.folder / "mattes").rglob("*.png"))
    assert {f: file.read_bytes() for f, file in command.sources[0].matte_files.items()} == before
    assert len(before) == FRAMES
    engine.gate.set()
    idle(opened, qtbot)
    kept = document.cache_folder / "export" / "jobs"
    qtbot.waitUntil(lambda: not list(kept.rglob("*.png")))


@pytest.mark.parametrize(
    ("error", "trace"), [(EngineError("No folder; choose one."), ""), (ValueError("x"), "T")]
)
def test_an_export_that_cannot_be_prepared_fails_alone(
    opened: MainWindow,
    qtbot: QtBot,
    errors: list[tuple[str, str]],
    tmp_path: Path,
    error: Exception,
    trace: str,
) -> None:
    document, jobs = scribble(opened, qtbot), opened.workspace.jobs

    def make() -> Export:
        raise error

    failed: list[tuple[int, str, str]] = []
    jobs.failed.connect(lambda *said: failed.append(said))
    number = jobs.add_export("PNG", make)
    jobs.add_export("PNG again", export_of(document, tmp_path / "out"))
    idle(opened, qtbot)
    assert states(opened) == [JobState.FAILED, JobState.DONE]
    assert failed[0][0] == number
    assert str(error) in failed[0][1]
    assert failed[0][2].startswith(trace)
    assert bool(failed[0][2]) == bool(trace) == bool(errors)


def test_esc_stops_the_job_and_holds_back_the_others_until_the_next_is_started(
    opened: MainWindow, engine: FakeEngine, qtbot: QtBot, tmp_path: Path
) -> None:
    document, jobs = busy(opened, engine, qtbot), opened.workspace.jobs
    jobs.add_export("PNG", export_of(document, tmp_path / "out"))
    QTest.keyClick(opened, Qt.Key.Key_Escape)
    idle(opened, qtbot)
    assert states(opened) == [JobState.CANCELLED, JobState.WAITING]
    assert "1 job is held back" in opened.statusBar().currentMessage()
    assert opened.running.panel.resume_button.isEnabled()
    engine.gate.set()
    do(opened, "run")
    idle(opened, qtbot)
    assert [(job.kind, job.state) for job in jobs.jobs] == [
        (JobKind.RUN, JobState.CANCELLED),
        (JobKind.RUN, JobState.DONE),
        (JobKind.EXPORT, JobState.DONE),
    ]
    assert (tmp_path / "out" / "result.txt").read_text() == str([list(range(FRAMES))])


def test_a_run_that_fails_holds_back_what_builds_on_it(
    opened: MainWindow, engine: FakeEngine, errors: list[tuple[str, str]], qtbot: QtBot, tmp_path: Path
) -> None:
    document, jobs = busy(opened, engine, qtbot), opened.workspace.jobs
    do(opened, "run")
    jobs.add_export("PNG", export_of(document, tmp_path / "out"))
    engine.fail = "expected"
    engine.gate.set()
    idle(opened, qtbot)
    assert states(opened) == [JobState.DONE, JobState.FAILED, JobState.WAITING]
    assert "reinstall" in jobs.jobs[1].sentence
    assert len(errors) == 1
    QTest.mouseClick(opened.running.panel.resume_button, Qt.MouseButton.LeftButton)
    idle(opened, qtbot)
    assert states(opened)[-1] is JobState.DONE


def test_the_panel_comes_up_and_its_keys_move_and_remove_jobs(
    opened: MainWindow, engine: FakeEngine, qtbot: QtBot
) -> None:
    document, panel = busy(opened, engine, qtbot), opened.running.panel
    assert opened.running.dock.isHidden()
    do(opened, "propagate_forward")
    assert opened.running.dock.isVisible()
    assert opened.run_panel.cost[1].text() == "1 job waits"
    do(opened, "learn")
    assert panel.list.count() == 3
    panel.list.setCurrentRow(2)
    QTest.keyClick(panel.list, Qt.Key.Key_Up, Qt.KeyboardModifier.ControlModifier)
    jobs = opened.workspace.jobs
    assert [job.title for job in jobs.waiting] == ["Learn", "Forward 1001–1008"]
    assert panel.list.number == jobs.waiting[0].number, "the selection stays with its job"
    QTest.keyClick(panel.list, Qt.Key.Key_Delete)
    assert [job.title for job in jobs.waiting] == ["Forward 1001–1008"]
    assert document.mask(1, 0) is not None, "Del meant the job, not the frame"
    engine.gate.set()
    idle(opened, qtbot)
    QTest.mouseClick(panel.clear_button, Qt.MouseButton.LeftButton)
    assert panel.list.count() == 0


def test_stopping_one_job_in_the_list_lets_the_next_follow(
    opened: MainWindow, engine: FakeEngine, qtbot: QtBot
) -> None:
    busy(opened, engine, qtbot)
    do(opened, "run")
    jobs = opened.workspace.jobs
    jobs.cancel(jobs.jobs[0].number)
    qtbot.waitUntil(lambda: states(opened) == [JobState.CANCELLED, JobState.RUNNING])
    engine.gate.set()
    idle(opened, qtbot)
    assert states(opened) == [JobState.CANCELLED, JobState.DONE]


def test_closing_asks_while_jobs_wait(
    opened: MainWindow, engine: FakeEngine, qtbot: QtBot, confirm: Confirm
) -> None:
    busy(opened, engine, qtbot)
    do(opened, "run")
    QTest.keyClick(opened, Qt.Key.Key_Escape)
    idle(opened, qtbot)
    asked = confirm(False)
    assert not opened.close()
    assert asked == ["1 job waits."]
    opened.workspace.jobs.clear_ended()
    confirm(True)
    do(opened, "close_project")
    assert opened.workspace.jobs.jobs == ()


# --- ways to run ------------------------------------------------------------------------------------------


def test_a_span_is_done_anew_both_ways_with_what_was_learned(
    opened: MainWindow, engine: FakeEngine, qtbot: QtBot
) -> None:
    document = scribble(opened, qtbot)
    run(opened, qtbot)
    opened.editing.go_to(5)
    do(opened, "mark_out")
    do(opened, "propagate_span")
    idle(opened, qtbot)
    command = engine.of(Propagate)[-1]
    assert (command.span, command.frames) == (Span(0, 6), None)
    assert len(engine.of(FineTune)) == 1
    assert document.undo_name == "Propagate"


def test_one_frame_is_redone_alone(opened: MainWindow, engine: FakeEngine, qtbot: QtBot) -> None:
    document = scribble(opened, qtbot)
    run(opened, qtbot)
    assert not opened.actions_by_name["propagate_frame"].isEnabled(), "drawn"
    opened.editing.go_to(3)
    before = {frame: document.prediction(1, frame) for frame in range(1, FRAMES)}
    QTest.keyClick(opened, Qt.Key.Key_R)
    idle(opened, qtbot)
    assert engine.of(Propagate)[-1].span == Span(3, 4)
    changed = [f for f, info in before.items() if document.prediction(1, f).serial != info.serial]
    assert changed == [3]


def test_learning_alone_leaves_the_masks(opened: MainWindow, engine: FakeEngine, qtbot: QtBot) -> None:
    document = scribble(opened, qtbot)
    do(opened, "learn")
    idle(opened, qtbot)
    assert engine.of(Propagate) == []
    assert set(document_of(opened).states(1)) == {0}
    do(opened, "propagate_forward")
    idle(opened, qtbot)
    assert len(engine.of(FineTune)) == 1, "that was learned already"
    assert len(document.states(1)) == FRAMES


# --- what it costs and runs on ----------------------------------------------------------------------------


def test_the_panel_tells_what_the_next_run_costs(
    opened: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    lines, runner = opened.run_panel.cost, opened.workspace.runner
    qtbot.waitUntil(lambda: "not measured" in lines[0].text())
    assert lines[1].text() == "30 learning steps  +  8 frames"
    runner.device = DeviceUsed(1, "CPU, 2 threads")
    for unit, seconds in ((STEP, 0.4), (FRAME, 0.35)):
        runner.measured.emit(Config(), unit, seconds)
    scribble(opened, qtbot)
    qtbot.waitUntil(lambda: lines[0].text() == "Next run: about 14 s here")
    assert lines[1].text() == "12 s learning  +  7 frames at 0.35 s"
    run(opened, qtbot)
    qtbot.waitUntil(lambda: lines[0].text() == "Next run: nothing is out of date")
    assert lines[1].text() == ""
    opened.editing.go_to(4)
    do(opened, "brush")
    drag(opened.canvas, [(50.5, 40.5), (55.5, 40.5)])
    qtbot.waitUntil(lambda: lines[1].text() == "3 s learning  +  4 frames at 0.35 s")
    document_of(opened).set_config(PRESETS["instant"])
    qtbot.waitUntil(lambda: lines[0].text() == "Next run: about 5 s (from Balanced)")
    document_of(opened).set_config(PRESETS["osvos-paper"])
    qtbot.waitUntil(lambda: "528 MB" in lines[0].text())
    assert opened.settings.device == "CPU, 2 threads"
    for label in lines:
        assert label.sizeHint().width() <= label.width()


def test_device_memory_and_pace_are_shown_while_learning(
    opened: MainWindow, engine: FakeEngine, qtbot: QtBot
) -> None:
    engine.device = DeviceUsed(0, "NVIDIA H100", 3 * 2**30, 80 * 2**30)
    busy(opened, engine, qtbot)
    panel = opened.run_panel
    assert panel.cost[0].text() == "NVIDIA H100  ·  3.0 of 80 GB"
    engine.gate.set()
    idle(opened, qtbot)


def test_while_learning_the_time_left_is_that_of_the_whole_run(
    opened: MainWindow, engine: FakeEngine, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("app.progress.SETTLED", 0.0)
    document, runner = scribble(opened, qtbot), opened.workspace.runner
    case = case_of(opened.settings.device, document.config, document.clip)
    for unit in (STEP, FRAME):
        opened.running.costs.note(case, unit, 100.0)
    engine.gate.clear()
    do(opened, "run")
    qtbot.waitUntil(lambda: runner.progress.what == "Waiting")
    job = runner._job
    for done in (1, 3):
        opened.workspace.bridge.received.emit(JobProgressed(job, done, 4, "Learning"))
    left = runner.progress.seconds_left
    assert left is not None
    assert left == pytest.approx(100 * (FRAMES - 1), abs=5)
    engine.gate.set()
    qtbot.waitUntil(lambda: not runner.is_running)
