"""What a person does to get files out: the dialog beside the window, its names, its queue, its results."""

import threading
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.export_choice import Frames
from app.export_dialog import FORM, PROGRESS, RESULT, ExportDialog
from app.findings import Mark
from app.jobs import JobState
from app.main_window import MainWindow
from tests.app.conftest import FIRST_NUMBER, FRAMES, Confirm, open_and_wait
from tests.app.fake_engine import FakeEngine
from tests.app.mouse import drag
from tests.app.person import do, document_of, run, scribble
from vosengine.errors import ExportError
from vosengine.export import Forecast, forecast
from vosengine.messages import Export
from vosengine.png import read_matte
from vosengine.types import Span

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def dialog(opened: MainWindow, qtbot: QtBot, tmp_path: Path) -> ExportDialog:
    """A shot that was cut out, and its export dialog with a folder of its own."""
    scribble(opened, qtbot)
    run(opened, qtbot)
    return dialog_of(opened, tmp_path / "out")


def dialog_of(window: MainWindow, folder: Path) -> ExportDialog:
    do(window, "export")
    found = window.exporting.dialog
    assert found is not None
    found.form.folder.setText(str(folder))
    return found


def names(dialog: ExportDialog) -> list[tuple[str, str, str]]:
    tree = dialog.preview.tree
    items = [tree.topLevelItem(row) for row in range(tree.topLevelItemCount())]
    return [(item.text(0), item.text(1), item.text(2)) for item in items]


def page(dialog: ExportDialog) -> int:
    return dialog.page


def press_export(dialog: ExportDialog, engine: FakeEngine, qtbot: QtBot) -> Export:
    before = len(engine.of(Export))
    QTest.mouseClick(dialog.export_button, LEFT)
    qtbot.waitUntil(lambda: len(engine.of(Export)) > before)
    (command,) = engine.of(Export)[before:]
    assert isinstance(command, Export)
    return command


def choose(dialog: ExportDialog, template: str) -> None:
    dialog.form.templates.setCurrentIndex(dialog.form.templates.findData(template))


def test_names_are_shown_before_and_marked_where_they_exist(
    opened: MainWindow, dialog: ExportDialog, qtbot: QtBot, tmp_path: Path
):
    last = FIRST_NUMBER + FRAMES - 1
    qtbot.waitUntil(
        lambda: names(dialog) == [(f"Object 1/{FIRST_NUMBER}.png … {last}.png", str(FRAMES), "new")]
    )
    assert dialog.preview.summary.text().startswith("About ")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "walker.mov").touch()
    choose(dialog, "prores4444")
    opened.editing.rename(1, "walker")
    replaced = ("walker.mov", str(FRAMES), "exists already: will be replaced")
    qtbot.waitUntil(lambda: names(dialog) == [replaced])


def test_an_existing_export_is_replaced_only_after_asking(
    dialog: ExportDialog, engine: FakeEngine, qtbot: QtBot, confirm: Confirm, tmp_path: Path
):
    (tmp_path / "out" / "Object 1").mkdir(parents=True)
    asked = confirm(False)
    QTest.mouseClick(dialog.export_button, LEFT)
    qtbot.waitUntil(lambda: len(asked) == 1)
    assert page(dialog) == FORM
    assert engine.of(Export) == []
    confirm(True)
    assert press_export(dialog, engine, qtbot).overwrite


def test_the_choice_reaches_the_engine(
    opened: MainWindow, dialog: ExportDialog, engine: FakeEngine, qtbot: QtBot, tmp_path: Path
):
    do(opened, "add_object")
    scribble(opened, qtbot)
    form = dialog.form
    qtbot.waitUntil(lambda: form.objects.count() == 2)
    assert "1 of 8 frames" in form.objects.item(1).text()
    choose(dialog, "ffv1-luma")
    form.together.setCurrentIndex(form.together.findData(True))
    form.frames.setCurrentIndex(form.frames.findData(Frames.OWN))
    form.first.setValue(FIRST_NUMBER + 2)
    form.last.setValue(FIRST_NUMBER + 4)
    form.name.setText("{clip} v3")
    qtbot.waitUntil(lambda: [name for name, *_ in names(dialog)] == ["shot ü v3.mkv"])
    command = press_export(dialog, engine, qtbot)
    assert (command.template, command.combined, command.name) == ("ffv1-luma", True, "{clip} v3")
    assert (command.span, command.destination) == (Span(2, 5), tmp_path / "out")
    assert [source.object_id for source in command.sources] == [1, 2]


@pytest.mark.parametrize("wrong", ["frames", "objects", "name", "folder"])
def test_what_cannot_be_is_said_in_a_sentence(wrong: str, dialog: ExportDialog, qtbot: QtBot, tmp_path: Path):
    form = dialog.form
    if wrong == "frames":
        form.frames.setCurrentIndex(form.frames.findData(Frames.OWN))
        form.first.setValue(FIRST_NUMBER + 5)
        form.last.setValue(FIRST_NUMBER + 1)
    elif wrong == "objects":
        form.objects.item(0).setCheckState(Qt.CheckState.Unchecked)
    elif wrong == "name":
        form.name.setText("{frame}")
    else:
        form.folder.setText("~no-such-user-here/out")
    qtbot.waitUntil(lambda: not dialog.export_button.isEnabled())
    assert dialog.export_button.toolTip() == dialog.problem.text() != ""
    assert not dialog.queue_button.isEnabled()
    qtbot.waitUntil(lambda: names(dialog) == [])
    form.show_choice(type(form.choice())(folder=str(tmp_path / "out")))
    qtbot.waitUntil(dialog.export_button.isEnabled)
    assert dialog.problem.text() == ""


def test_masks_out_of_date_are_told(opened: MainWindow, dialog: ExportDialog, qtbot: QtBot):
    listed = dialog.form.objects
    assert "out of date" not in listed.item(0).text()
    opened.editing.go_to(4)
    do(opened, "brush")
    drag(opened.canvas, [(50.5, 40.5), (55.5, 40.5)])
    stale = sum(opened.timeline.mark_at(1, frame) is Mark.STALE for frame in range(FRAMES))
    assert stale > 0
    qtbot.waitUntil(lambda: f"{stale} out of date" in listed.item(0).text())


def test_the_window_stays_usable_and_the_export_takes_what_was_there(
    opened: MainWindow, dialog: ExportDialog, engine: FakeEngine, qtbot: QtBot
):
    document = document_of(opened)
    assert not dialog.isModal()
    before = document.matte(1, 5)
    assert before is not None
    engine.gate.clear()
    command = press_export(dialog, engine, qtbot)
    assert page(dialog) == PROGRESS
    document.go_to(5)
    do(opened, "brush")
    drag(opened.canvas, [(5.5, 40.5), (25.5, 44.5)])
    assert document.mask(1, 5) is not None
    document.flush()
    assert (read_matte(command.sources[0].matte_files[5]) == before).all()
    engine.gate.set()
    qtbot.waitUntil(lambda: page(dialog) == RESULT)


def test_cancelling_says_so_and_hiding_does_not_cancel(
    opened: MainWindow, dialog: ExportDialog, engine: FakeEngine, qtbot: QtBot, tmp_path: Path
):
    engine.gate.clear()
    press_export(dialog, engine, qtbot)
    qtbot.waitUntil(lambda: dialog.progress.bar.maximum() > 0)
    QTest.mouseClick(dialog.progress.cancel, LEFT)
    qtbot.waitUntil(lambda: page(dialog) == FORM and dialog.problem.text() != "")
    assert "nothing was written" in dialog.problem.text()
    assert not (tmp_path / "out").exists()
    press_export(dialog, engine, qtbot)
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()
    engine.gate.set()
    qtbot.waitUntil((tmp_path / "out" / "result.txt").exists)
    do(opened, "export")
    qtbot.waitUntil(lambda: page(dialog) == RESULT)


def queue(dialog: ExportDialog, template: str, qtbot: QtBot) -> int:
    """The number of the job."""
    choose(dialog, template)
    jobs = dialog._workspace.jobs
    count = len(jobs.jobs)
    QTest.mouseClick(dialog.queue_button, LEFT)
    qtbot.waitUntil(lambda: len(jobs.jobs) > count)
    return max(job.number for job in jobs.jobs)


def test_several_exports_wait_and_do_not_interrupt_the_next(
    opened: MainWindow, dialog: ExportDialog, engine: FakeEngine, qtbot: QtBot
):
    engine.gate.clear()
    for template in ("prores4444", "png16"):
        queue(dialog, template, qtbot)
        assert page(dialog) == FORM
        assert "In the queue" in dialog.problem.text()
    opened.editing.rename(1, "walker")  # the list and the names follow, the sentence stays
    qtbot.waitUntil(lambda: bool(names(dialog)) and names(dialog)[0][0].startswith("walker"))
    assert "In the queue" in dialog.problem.text()
    assert not dialog.results_button.isEnabled()
    engine.gate.set()
    qtbot.waitUntil(lambda: "2 of 2 exports" in dialog.problem.text())
    assert page(dialog) == FORM
    assert [c.template for c in engine.of(Export) if isinstance(c, Export)] == ["prores4444", "png16"]
    QTest.mouseClick(dialog.results_button, LEFT)
    assert page(dialog) == RESULT
    assert "2 of 2 exports" in dialog.results.heading.text()
    assert dialog.results.tree.topLevelItemCount() == 2


def test_each_of_several_exports_can_be_cancelled(
    opened: MainWindow, dialog: ExportDialog, engine: FakeEngine, qtbot: QtBot
):
    engine.gate.clear()
    queue(dialog, "prores4444", qtbot)
    choose(dialog, "png16")
    QTest.mouseClick(dialog.export_button, LEFT)
    qtbot.waitUntil(lambda: page(dialog) == PROGRESS)
    qtbot.waitUntil(lambda: len(engine.of(Export)) == 1)
    QTest.mouseClick(dialog.progress.cancel, LEFT)
    qtbot.waitUntil(lambda: len(engine.of(Export)) == 2)
    QTest.mouseClick(dialog.progress.cancel, LEFT)
    qtbot.waitUntil(lambda: page(dialog) == FORM)
    assert [job.state for job in opened.workspace.jobs.jobs[-2:]] == [JobState.CANCELLED] * 2
    assert dialog.problem.text().count("nothing was written") == 2


def test_all_reasons_are_told(
    opened: MainWindow,
    dialog: ExportDialog,
    engine: FakeEngine,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
):
    engine.gate.clear()
    do(opened, "run")
    said = iter(("first reason", "second reason"))

    def refuse(*_: object) -> Export:
        raise ExportError(next(said))

    monkeypatch.setattr("app.exporter.kept_in", refuse)
    for template in ("prores4444", "png16"):
        queue(dialog, template, qtbot)
    engine.gate.set()
    qtbot.waitUntil(lambda: "reason" in dialog.problem.text())
    assert "first reason" in dialog.problem.text()
    assert "second reason" in dialog.problem.text()


def test_what_the_queue_forgot_is_still_told(
    opened: MainWindow, dialog: ExportDialog, engine: FakeEngine, qtbot: QtBot
):
    engine.gate.clear()
    queue(dialog, "prores4444", qtbot)
    second = queue(dialog, "png16", qtbot)
    jobs = opened.workspace.jobs

    def clear() -> None:
        if jobs.running is not None and jobs.running.number == second and jobs.jobs[0] is not jobs.running:
            jobs.clear_ended()

    jobs.changed.connect(clear)
    engine.gate.set()
    qtbot.waitUntil(dialog.results_button.isEnabled)
    assert dialog.results.report.toPlainText().count("1 output written and checked.") == 2


def test_a_queued_export_takes_its_names(
    opened: MainWindow, dialog: ExportDialog, engine: FakeEngine, qtbot: QtBot, confirm: Confirm
):
    engine.gate.clear()
    number = queue(dialog, "prores4444", qtbot)
    taken = ("Object 1.mov", str(FRAMES), "a queued export writes it too")
    qtbot.waitUntil(lambda: names(dialog) == [taken])
    asked = confirm(False)
    QTest.mouseClick(dialog.queue_button, LEFT)
    qtbot.waitUntil(lambda: len(asked) == 1)
    assert len(engine.of(Export)) <= 1
    opened.workspace.jobs.cancel(number)
    qtbot.waitUntil(lambda: names(dialog) == [("Object 1.mov", str(FRAMES), "new")])


def test_two_clicks_make_one_export(
    opened: MainWindow, dialog: ExportDialog, engine: FakeEngine, qtbot: QtBot
):
    qtbot.waitUntil(lambda: names(dialog) != [])
    QTest.mouseDClick(dialog.export_button, LEFT)
    QTest.mouseClick(dialog.export_button, LEFT)
    QTest.mouseClick(dialog.queue_button, LEFT)
    qtbot.waitUntil(lambda: page(dialog) == RESULT)
    assert len(engine.of(Export)) == 1


def test_an_export_that_is_held_back_says_so_and_goes_on(
    opened: MainWindow, dialog: ExportDialog, engine: FakeEngine, qtbot: QtBot
):
    jobs = opened.workspace.jobs
    engine.gate.clear()
    do(opened, "run")
    qtbot.waitUntil(lambda: jobs.progress.what == "Waiting")
    QTest.mouseClick(dialog.export_button, LEFT)
    qtbot.waitUntil(lambda: page(dialog) == PROGRESS)
    assert "Waits for the jobs" in dialog.progress.stage.text()
    assert not dialog.progress.go_on.isVisible()
    jobs.stop()
    qtbot.waitUntil(dialog.progress.go_on.isVisible)
    assert "Held back" in dialog.progress.stage.text()
    assert dialog.progress.bar.maximum() > 0  # it stands still
    engine.gate.set()
    QTest.mouseClick(dialog.progress.go_on, LEFT)
    qtbot.waitUntil(lambda: page(dialog) == RESULT)


def ticks(dialog: ExportDialog) -> list[bool]:
    objects = dialog.form.objects
    return [objects.item(row).checkState() is Qt.CheckState.Checked for row in range(objects.count())]


def test_what_is_not_cut_out_yet_is_left_out_only_so_long(
    opened: MainWindow, dialog: ExportDialog, engine: FakeEngine, footage: Path, qtbot: QtBot
):
    dialog.form.objects.setCurrentRow(0)
    do(opened, "add_object")
    qtbot.waitUntil(lambda: ticks(dialog) == [True, False])
    assert dialog.form.objects.currentRow() == 0
    command = press_export(dialog, engine, qtbot)
    assert [source.object_id for source in command.sources] == [1]
    qtbot.waitUntil(lambda: page(dialog) == RESULT)
    do(opened, "close_project")
    open_and_wait(opened, footage, qtbot)
    again = dialog_of(opened, footage.parent / "out")
    assert ticks(again) == [True, False]
    again.close()
    document_of(opened).select(2)
    scribble(opened, qtbot)
    do(opened, "export")
    assert ticks(again) == [True, True]
    again.form.objects.item(0).setCheckState(Qt.CheckState.Unchecked)
    again.form.refresh()
    assert ticks(again) == [False, True]


def test_the_form_is_up_to_date_when_it_comes_back(opened: MainWindow, dialog: ExportDialog, qtbot: QtBot):
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    do(opened, "add_object")
    opened.editing.rename(1, "walker")
    do(opened, "export")
    texts = [dialog.form.objects.item(row).text() for row in range(dialog.form.objects.count())]
    assert [text.split("   ")[0] for text in texts] == ["walker", "Object 2"]


def test_a_folder_that_cannot_be_is_said_while_typing(
    dialog: ExportDialog, qtbot: QtBot, errors: list[tuple[str, str]], tmp_path: Path
):
    dialog.form.folder.setText(str(tmp_path / ("a" * 300) / "b"))
    qtbot.waitUntil(lambda: not dialog.export_button.isEnabled())
    assert dialog.problem.text().endswith("choose another folder.")
    assert max(map(len, dialog.problem.text().split())) < 80  # the window is not made wider by a path
    assert errors == []
    dialog.form.folder.setText(str(tmp_path / "b"))
    qtbot.waitUntil(dialog.export_button.isEnabled)
    assert dialog.problem.text() == ""


def test_a_relative_folder_lies_in_the_project(
    opened: MainWindow, dialog: ExportDialog, engine: FakeEngine, qtbot: QtBot
):
    dialog.form.folder.setText("cuts/v2")
    assert press_export(dialog, engine, qtbot).destination == document_of(opened).folder / "cuts" / "v2"
    qtbot.waitUntil(lambda: page(dialog) == RESULT)


def test_an_answer_after_the_project_was_closed_is_dropped(
    opened: MainWindow,
    dialog: ExportDialog,
    qtbot: QtBot,
    errors: list[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
):
    gate, answered = threading.Event(), threading.Event()

    def slow(*how: Any) -> Forecast:
        gate.wait(5)
        return forecast(*how)

    monkeypatch.setattr("app.export_dialog.forecast", slow)
    QTest.mouseClick(dialog.export_button, LEFT)
    do(opened, "close_project")
    opened.workspace.worker.submit(answered.set, lambda _: None)
    with qtbot.captureExceptions() as raised:
        gate.set()
        qtbot.waitUntil(answered.is_set)
        qtbot.wait(20)
    assert raised == errors == []
    assert opened.workspace.jobs.jobs == ()


def test_the_result_is_revealed_and_its_path_copied(
    dialog: ExportDialog, engine: FakeEngine, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    shown: list[Path] = []
    monkeypatch.setattr("app.export_pages.reveal", shown.append)
    press_export(dialog, engine, qtbot)
    qtbot.waitUntil(lambda: page(dialog) == RESULT)
    written = tmp_path / "out" / "result.txt"
    assert dialog.results.tree.topLevelItem(0).text(2) == f"{written.stat().st_size} bytes"
    assert "reads back" in dialog.results.report.toPlainText()
    QTest.mouseClick(dialog.results.show_button, LEFT)
    QTest.mouseClick(dialog.results.copy_button, LEFT)
    assert shown == [written]
    assert QGuiApplication.clipboard().text() == str(written)


def test_the_project_remembers_its_export_and_presets_serve_every_project(
    opened: MainWindow, dialog: ExportDialog, engine: FakeEngine, footage: Path, qtbot: QtBot, tmp_path: Path
):
    choose(dialog, "prores4444")
    dialog.form.name.setText("{object}_v7")
    dialog.form.keep_preset("Seventh")
    press_export(dialog, engine, qtbot)
    qtbot.waitUntil(lambda: page(dialog) == RESULT)
    chosen = dialog.form.choice()
    do(opened, "close_project")
    assert opened.exporting.dialog is None
    open_and_wait(opened, footage, qtbot)
    do(opened, "export")
    again = opened.exporting.dialog
    assert again is not None
    assert again.form.choice() == chosen
    assert again.form.choice().folder == str(tmp_path / "out")
    assert again.form.presets.currentText() == "Seventh"
    choose(again, "davis")
    assert again.form.presets.currentIndex() == 0
    again.form.presets.setCurrentIndex(again.form.presets.findData("Seventh"))
    again.form.presets.activated.emit(again.form.presets.currentIndex())
    assert again.form.choice().template == "prores4444"
