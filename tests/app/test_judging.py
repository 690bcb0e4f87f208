"""What a person does to judge a result: go through the worst frames, compare with the run before."""

import re
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.compositing import Layer
from app.document import Document, FrameState
from app.findings import Mark
from app.main_window import MainWindow
from app.thumbnails import MOST_KEPT, Thumbnails, cropped
from app.tools import Tool
from app.worst_row import THUMBNAIL, Row
from tests.app.conftest import FIRST_NUMBER, FRAMES, HEIGHT, WIDTH, open_and_wait
from tests.app.fake_engine import FakeEngine, truth
from tests.app.mouse import drag
from tests.app.person import canvas_colour, do, document_of, run
from vosengine.edge_controls import WHOLE_SHOT, EdgeControls, EdgeTrack
from vosengine.project_file import harden

QUALITIES = {1: 0.8, 2: 0.5, 3: 0.7, 4: 0.85, 5: 0.3, 6: 0.6, 7: 0.9}
WORST_FIRST = [5, 2, 6, 3, 1, 4, 7]


@pytest.fixture
def judged(opened: MainWindow, engine: FakeEngine, qtbot: QtBot) -> MainWindow:
    """The window after a run that went wrong here and there; every frame is listed."""
    engine.qualities = dict(QUALITIES)
    document_of(opened).set_mask(1, 0, harden(truth(0)))
    run(opened, qtbot)
    opened.judging.panel.thin.setChecked(False)
    return opened


def listed(window: MainWindow) -> list[int]:
    window.judging.rank()
    return window.judging.panel.model.ranking.frames.tolist()


def row_of(window: MainWindow, number: int) -> Row:
    row = window.judging.panel.model.row(number)
    assert row is not None
    return row


def correct_somewhere(window: MainWindow, engine: FakeEngine, frame: int) -> None:
    """Draw on a frame, and let the next run move two others."""
    engine.shifts = {5: 20, 7: -20}
    window.editing.go_to(frame)
    do(window, "brush")
    drag(window.canvas, [(50.5, 40.5), (55.5, 40.5)])


# --- the worst frames -------------------------------------------------------------------------------------


def test_n_goes_through_the_worst_frames(judged: MainWindow):
    document = document_of(judged)
    assert listed(judged) == WORST_FIRST
    visited = []
    for _ in range(4):
        QTest.keyClick(judged, Qt.Key.Key_N)
        visited.append(document.frame)
    assert visited == WORST_FIRST[:4]
    QTest.keyClick(judged, Qt.Key.Key_N, Qt.KeyboardModifier.ShiftModifier)
    assert document.frame == WORST_FIRST[2]
    assert "4 suspicious" in judged.judging.panel._count.text()


def test_n_goes_on_after_a_look_at_the_neighbours(judged: MainWindow):
    document = document_of(judged)
    for name in ("next_worst", "next_worst", "approve", "next", "previous", "next_worst"):
        do(judged, name)
    assert document.approved(1, 2)
    assert document.frame == 6


def test_a_click_on_a_row_goes_there(judged: MainWindow, qtbot: QtBot):
    document = document_of(judged)
    assert listed(judged) == WORST_FIRST
    worst = judged.judging.panel.list
    place = worst.visualRect(judged.judging.panel.model.index(1)).center()
    qtbot.mouseClick(worst.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert document.frame == WORST_FIRST[1]
    qtbot.keyClick(worst, Qt.Key.Key_Down)
    assert document.frame == WORST_FIRST[2]
    do(judged, "brush")
    qtbot.keyClick(worst, Qt.Key.Key_Return)
    assert judged.viewer.tool is Tool.FOREGROUND


def test_with_solo_only_the_selected_object_is_listed(judged: MainWindow, qtbot: QtBot):
    document, model = document_of(judged), judged.judging.panel.model
    other = document.add_object()
    document.set_mask(other, 0, harden(truth(0)))
    run(judged, qtbot)
    assert listed(judged) == WORST_FIRST
    assert set(model.ranking.object_ids.tolist()) == {1}  # of two equally bad the topmost
    do(judged, "solo")
    qtbot.waitUntil(lambda: set(model.ranking.object_ids.tolist()) == {other})
    document.change_object(other, visible=False)  # shown all the same
    assert listed(judged) == WORST_FIRST
    QTest.keyClick(judged, Qt.Key.Key_1)
    qtbot.waitUntil(lambda: set(model.ranking.object_ids.tolist()) == {1})


def test_rows_say_what_is_known(judged: MainWindow):
    assert listed(judged)[0] == 5
    row = row_of(judged, 0)
    assert row.words == f"Frame {FIRST_NUMBER + 5}, Object 1, estimated J 0.30"
    document_of(judged).set_mask(1, 7, np.full((HEIGHT, WIDTH), 255, np.uint8))
    assert "out of date" in row_of(judged, 0).words


def test_thumbnails_show_the_object_with_its_matte(judged: MainWindow, qtbot: QtBot):
    listed(judged)
    qtbot.waitUntil(lambda: row_of(judged, 0).thumbnail is not None)
    picture = row_of(judged, 0).thumbnail
    assert picture is not None
    assert picture.width() == THUMBNAIL.width() * judged.devicePixelRatioF()
    middle = picture.pixelColor(picture.width() // 2, picture.height() // 2)
    corner = picture.pixelColor(1, 1)
    assert middle.red() > 150
    assert (corner.red(), corner.green(), corner.blue()) == pytest.approx((40, 40, 40), abs=4)
    assert len(judged.judging.thumbnails) <= FRAMES


def test_thumbnails_show_finished_edges(judged: MainWindow, qtbot: QtBot):
    listed(judged)
    qtbot.waitUntil(lambda: row_of(judged, 0).thumbnail is not None)
    before = row_of(judged, 0).thumbnail
    document_of(judged).set_edges(1, EdgeTrack({WHOLE_SHOT: EdgeControls(grow=6)}), "Grow / choke")
    listed(judged)
    qtbot.waitUntil(lambda: row_of(judged, 0).thumbnail not in (None, before))


def test_an_approved_frame_leaves_the_list_and_undo_brings_it_back(judged: MainWindow):
    do(judged, "next_worst")
    QTest.keyClick(judged, Qt.Key.Key_A)
    assert 5 not in listed(judged)
    assert judged.timeline.mark_at(1, 5) is Mark.APPROVED
    do(judged, "undo")
    assert listed(judged)[0] == 5


def test_a_muted_frame_is_not_listed_until_it_changes(judged: MainWindow, footage: Path, qtbot: QtBot):
    assert judged.timeline.mark_at(1, 5) is Mark.SUSPICIOUS
    do(judged, "next_worst")
    QTest.keyClick(judged, Qt.Key.Key_M)
    assert listed(judged) == WORST_FIRST[1:]
    assert judged.timeline.mark_at(1, 5) is Mark.PREDICTED
    qtbot.waitUntil(lambda: judged.actions_by_name["mute"].text() == "Un&mute frame")
    assert judged.actions_by_name["undo"].text() == "&Undo Mute"
    do(judged, "close_project")
    open_and_wait(judged, footage, qtbot)
    assert listed(judged) == WORST_FIRST[1:]
    do(judged, "propagate_span")
    qtbot.waitUntil(lambda: not judged.workspace.runner.is_running)
    assert listed(judged) == WORST_FIRST
    do(judged, "undo")
    assert listed(judged) == WORST_FIRST[1:]
    do(judged, "mute")
    assert listed(judged) == WORST_FIRST


def test_correct_takes_the_scribble_to_the_worst_frame(judged: MainWindow):
    do(judged, "brush")
    QTest.keyClick(judged, Qt.Key.Key_C)
    assert document_of(judged).frame == 5
    assert judged.viewer.tool is Tool.FOREGROUND
    assert judged.canvas.hasFocus()


def test_only_visible_unlocked_objects_between_in_and_out_are_listed(judged: MainWindow):
    document = document_of(judged)
    judged.editing.go_to(4)
    do(judged, "mark_out")
    assert listed(judged) == [2, 3, 1, 4]
    do(judged, "toggle_object")
    assert listed(judged) == []
    do(judged, "next_worst")
    assert "No frame is left" in judged.statusBar().currentMessage()
    document.change_object(1, visible=True, locked=True)
    assert listed(judged) == []


def test_one_per_stretch_is_remembered(judged: MainWindow):
    judged.judging.panel.thin.setChecked(True)
    assert listed(judged) == [5]
    assert judged.settings.one_per_stretch


def test_the_panel_can_be_closed_and_stays_closed(judged: MainWindow, qtbot: QtBot):
    assert judged.judging.dock.isVisible()
    do(judged, "worst_frames")
    assert not judged.judging.dock.isVisible()
    judged.judging.dock.setVisible(True)
    assert judged.actions_by_name["worst_frames"].isChecked()
    do(judged, "worst_frames")
    judged.close()
    other = MainWindow(judged.workspace, judged.settings)
    assert other.judging.dock.isHidden()
    other.deleteLater()


def test_a_long_clip_is_looked_at_in_slices_and_listed_without_making_rows(
    judged: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("app.survey.SLICE", 3)
    judged.judging.panel.list.setFixedHeight(100)
    qtbot.wait(20)
    asked: list[int] = []
    details = judged.judging.panel.model._details
    monkeypatch.setattr(
        judged.judging.panel.model, "_details", lambda frame, own: asked.append(frame) or details(frame, own)
    )
    survey = judged.judging.survey
    survey.set_document(document_of(judged))
    assert not survey.is_complete
    qtbot.waitUntil(lambda: survey.is_complete)
    assert listed(judged) == WORST_FIRST
    qtbot.waitUntil(lambda: bool(asked))
    assert set(asked) <= set(WORST_FIRST[:3])


# --- after a run ------------------------------------------------------------------------------------------


def test_a_rerun_says_what_changed_and_how_to_take_it_back(
    judged: MainWindow, engine: FakeEngine, qtbot: QtBot
):
    correct_somewhere(judged, engine, 4)
    run(judged, qtbot)
    message = judged.statusBar().currentMessage()
    assert f" frames changed ({FIRST_NUMBER + 5}, {FIRST_NUMBER + 7})" in message
    assert "Ctrl+Z takes it back" in message
    assert re.fullmatch(r"2 of \d frames changed", judged.run_panel._what.text())
    assert np.flatnonzero(judged.timeline._changed).tolist() == [5, 7]
    do(judged, "undo")
    assert judged.run_panel._what.text() == "7 new frames"
    assert not judged.timeline._changed.any()


def test_the_difference_and_the_wipe_show_the_run_before(
    judged: MainWindow, engine: FakeEngine, qtbot: QtBot
):
    correct_somewhere(judged, engine, 4)
    run(judged, qtbot)
    judged.editing.go_to(5)  # the square was at 28..44 and is at 48..64 now
    do(judged, "difference")
    qtbot.waitUntil(lambda: canvas_colour(judged, 56, 24)[2] > 200)
    was = canvas_colour(judged, 36, 24)
    assert was[0] > was[2]
    do(judged, "matte")
    QTest.keyClick(judged, Qt.Key.Key_W)
    qtbot.waitUntil(lambda: canvas_colour(judged, 30, 24) == (255, 255, 255))
    assert canvas_colour(judged, 56, 24) == (255, 255, 255)
    assert canvas_colour(judged, 36, 24) == (0, 0, 0)
    wipe = judged.judging.wipe
    place = wipe.rect().center()
    qtbot.mousePress(wipe, Qt.MouseButton.LeftButton, pos=place)
    qtbot.mouseMove(wipe, place - QPoint(round(20 * judged.canvas.viewport.scale), 0))
    qtbot.mouseRelease(wipe, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: canvas_colour(judged, 30, 24) == (0, 0, 0))
    assert wipe.share == pytest.approx(12 / WIDTH, abs=0.02)
    qtbot.keyClick(wipe, Qt.Key.Key_Right)
    assert wipe.share == pytest.approx(12 / WIDTH + 0.02, abs=0.02)
    assert document_of(judged).frame == 5
    do(judged, "wipe")
    assert not wipe.isVisible()


def test_the_wipe_ends_when_there_is_nothing_to_compare_with(judged: MainWindow, qtbot: QtBot):
    do(judged, "wipe")
    do(judged, "undo")
    assert not judged.judging.wipe.isVisible()
    assert judged.viewer.wipe is None
    qtbot.waitUntil(lambda: not judged.actions_by_name["wipe"].isEnabled())


def test_the_former_matte_is_there_while_its_run_is_the_last(
    judged: MainWindow, engine: FakeEngine, qtbot: QtBot
):
    document = document_of(judged)
    before = document.matte(1, 5)
    correct_somewhere(judged, engine, 4)
    run(judged, qtbot)
    document.flush()
    former, untouched = document.runs.former(1, 5)[1](), document.runs.former(1, 4)[1]()
    now = document.matte(1, 5)
    assert before is not None
    assert former is not None
    assert now is not None
    assert (former == before).all()
    assert (former != now).any()
    assert untouched is not None  # the prediction under the correction
    assert document.runs.former(1, 0)[0] == 0


def test_the_onion_skin_shows_the_neighbours_outlines(judged: MainWindow, qtbot: QtBot):
    judged.editing.go_to(4)  # the square lies at 24..40, at 20 the frame before and at 28 the one after
    do(judged, "outline")
    qtbot.waitUntil(lambda: canvas_colour(judged, 24, 24) != (230, 90, 40))
    qtbot.waitUntil(lambda: max(canvas_colour(judged, 20, 24)) < 60)
    do(judged, "skins")
    qtbot.waitUntil(lambda: min(canvas_colour(judged, 20, 24)) > 200)  # white


# --- the timeline -----------------------------------------------------------------------------------------


def test_a_click_on_a_marker_goes_to_its_frame(judged: MainWindow, qtbot: QtBot):
    document = document_of(judged)
    judged.timeline.grab()
    assert {marker.frame for marker in judged.timeline.markers} == {0, 5}  # drawn, and the worst
    marker = next(each for each in judged.timeline.markers if each.frame == 5)
    beside = QPoint(round(marker.x) + 4, round(marker.y))
    qtbot.mouseClick(judged.timeline, Qt.MouseButton.LeftButton, pos=beside)
    assert document.frame == 5
    help_text = judged.timeline._help(marker_position(judged))
    assert "suspicious\nEstimated J 0.30" in help_text
    assert "Covers 8.3% of the frame" in help_text  # 16 x 16 of 64 x 48 pixels


def marker_position(window: MainWindow):
    marker = next(each for each in window.timeline.markers if each.frame == 5)
    return QPoint(round(marker.x), round(marker.y)).toPointF()


def test_a_preview_stays_a_preview_where_nothing_is_known(opened: MainWindow):
    assert document_of(opened).state(1, 3) is FrameState.EMPTY
    lane = opened.timeline.lane(1)
    assert lane is not None
    lane.previews.add(3)
    assert opened.timeline.mark_at(1, 3) is Mark.PREVIEWED


# --- thumbnails by themselves -----------------------------------------------------------------------------


def test_thumbnails_hold_the_object_at_their_own_shape():
    image = np.full((200, 300, 3), 60, np.uint8)
    weight = np.zeros((200, 300), np.uint8)
    weight[150:190, 250:290] = 255
    layer = Layer("a", (255, 0, 0), lambda: None)
    picture = cropped(image, [(layer, weight)], (96, 54))
    assert picture.shape == (54, 96, 3)
    tinted = picture[..., 0] > 100
    rows, columns = np.nonzero(tinted)
    assert np.ptp(rows) == pytest.approx(np.ptp(columns), abs=2)  # the square stays one
    assert tinted.mean() > 0.1
    assert (cropped(image, [], (96, 54)) == 60).all()


def test_thumbnails_are_bounded():
    kept = Thumbnails()
    for number in range(MOST_KEPT + 50):
        kept.put(number, QImage())
        kept.get(0)
    assert len(kept) == MOST_KEPT
    assert 0 in kept
    assert 1 not in kept


def test_a_reopened_document_knows_areas_and_what_the_last_run_changed(
    judged: MainWindow, footage: Path, qtbot: QtBot
):
    folder = document_of(judged).folder
    do(judged, "close_project")
    again = Document.open(folder)
    assert again.area(1, 5) == pytest.approx(16 * 16 / (64 * 48), abs=1e-3)
    drawn = again.mask(1, 0)
    assert drawn is not None
    assert again.area(1, 0) == pytest.approx((drawn > 0).mean())
    assert again.runs.outcome.count == "7 new frames"
    again.close()


def test_showing_the_panel_goes_nowhere_until_an_arrow_does(judged: MainWindow):
    document = document_of(judged)
    do(judged, "worst_frames")
    judged.editing.go_to(0)  # not listed
    do(judged, "worst_frames")
    worst = judged.judging.panel.list
    worst.clearFocus()
    worst.setFocus()
    assert document.frame == 0
    QTest.keyClick(worst, Qt.Key.Key_Down)
    assert document.frame == listed(judged)[0]
