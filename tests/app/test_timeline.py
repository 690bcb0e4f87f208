from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.findings import MARKS, Findings, Mark
from app.lane import LANE, LANES, Lane, Rows
from app.lane_painting import LEGEND, runs
from app.timeline import NAMES, Timeline
from app.window_bench import timeline_figures
from vosengine.types import Span


@given(arrays(np.uint8, st.integers(0, 60), elements=st.integers(0, 5)))
def test_runs_cover_the_marks(marks: np.ndarray):
    starts, stops = runs(marks)
    assert np.repeat(marks[starts], stops - starts).tolist() == marks.tolist()
    assert all(one != other for one, other in pairwise(marks[starts].tolist()))


def test_every_state_has_a_look_and_a_legend():
    assert {mark for mark, _, _ in LEGEND} == set(MARKS.values()) | {Mark.SUSPICIOUS}


@pytest.fixture
def timeline(qtbot: QtBot) -> Timeline:
    timeline = Timeline()
    qtbot.addWidget(timeline)
    timeline.resize(900, 190)
    timeline.show()
    timeline.set_clip(100, 1001)
    lanes = [Lane(own, f"Object {own}", QColor("#e6553c"), Findings(100)) for own in (1, 2)]
    timeline.set_lanes(lanes, 1)
    return timeline


def set_mark(timeline: Timeline, object_id: int, frame: int, mark: Mark) -> None:
    lane = timeline.lane(object_id)
    assert lane is not None
    lane.findings.marks[frame] = mark
    timeline.refresh()


def at(timeline: Timeline, frame: int, y: int = 5) -> QPoint:
    return QPoint(round(timeline.x_of(frame)), y)


def test_positions_and_frames_agree(timeline: Timeline):
    assert all(timeline.frame_at(timeline.x_of(frame)) == frame for frame in range(100))
    assert timeline.frame_at(-50) == 0
    assert timeline.frame_at(5000) == 99


def test_scrubbing(timeline: Timeline, qtbot: QtBot):
    frames: list[int] = []
    timeline.scrubbed.connect(frames.append)
    qtbot.mousePress(timeline, Qt.MouseButton.LeftButton, pos=at(timeline, 10))
    qtbot.mouseMove(timeline, at(timeline, 42))
    qtbot.mouseRelease(timeline, Qt.MouseButton.LeftButton, pos=at(timeline, 42))
    qtbot.mouseMove(timeline, at(timeline, 70))
    assert (frames[0], frames[-1]) == (10, 42)


def test_a_click_on_a_name_picks_the_object(timeline: Timeline, qtbot: QtBot):
    second = QPoint(30, Rows().top(1) + 8)
    with qtbot.waitSignal(timeline.lane_clicked) as signal:
        qtbot.mouseClick(timeline, Qt.MouseButton.LeftButton, pos=second)
    assert signal.args == [2]


def test_dragging_the_out_handle(timeline: Timeline, qtbot: QtBot):
    timeline.set_span(Span(20, 60))
    spans: list[Span] = []
    timeline.span_changed.connect(spans.append)
    handle = QPoint(round((timeline.x_of(59) + timeline.x_of(60)) / 2), 12)
    qtbot.mousePress(timeline, Qt.MouseButton.LeftButton, pos=handle)
    qtbot.mouseMove(timeline, at(timeline, 79))
    assert spans[-1] == Span(20, 80)
    qtbot.mouseMove(timeline, at(timeline, 3))
    assert spans[-1] == Span(20, 21)


def test_a_click_on_a_handle_goes_there_and_does_not_move_it(timeline: Timeline, qtbot: QtBot):
    spans: list[Span] = []
    timeline.span_changed.connect(spans.append)
    end = QPoint(round((timeline.x_of(99) + timeline.x_of(100)) / 2) - 1, 12)
    with qtbot.waitSignal(timeline.scrubbed) as signal:
        qtbot.mouseClick(timeline, Qt.MouseButton.LeftButton, pos=end)
    assert signal.args == [99]
    assert not spans
    qtbot.mousePress(timeline, Qt.MouseButton.LeftButton, pos=end)  # the whole clip has handles too
    qtbot.mouseMove(timeline, at(timeline, 49))
    assert spans[-1] == Span(0, 50)


def test_the_wheel_over_the_names_makes_lanes_taller(timeline: Timeline):
    timeline.lanes_scaled.connect(lambda height: timeline.set_rows(True, height))
    before = timeline.minimumSizeHint().height()
    for turned in (120, 120, -120):
        over_names = QPointF(30, 90)
        wheel = QWheelEvent(
            over_names, over_names, QPoint(), QPoint(0, turned), Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.ControlModifier, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(timeline, wheel)
    assert timeline.lane_height == LANE + 4
    assert timeline.minimumSizeHint().height() == before + 4
    timeline.set_rows(True, 1000)
    assert timeline.lane_height == LANES[-1]


def test_keys_zoom_about_the_playhead(timeline: Timeline):
    timeline.set_frame(70)
    before = timeline.x_of(70)
    timeline.zoom_by(4)
    assert timeline.x_of(70) == pytest.approx(before)
    assert timeline.frame_at(NAMES + 1) > 30


def test_the_film_strip_shows_frames_where_they_are(timeline: Timeline):
    axis = timeline._axis
    for notches in (0, 5, 3, 20):
        timeline.zoom_by(notches)
        cells = timeline.strip.cells(axis)
        assert cells[0][0] <= NAMES
        assert all(axis.place(frame) <= left + 1e-6 < axis.place(frame + 1) for left, frame in cells)
        width = cells[1][0] - cells[0][0]
        assert cells[-1][0] + width >= min(axis.place(100), timeline.width() - 8) - 1e-6
    assert len(cells) < 20


def test_the_film_strip_asks_for_what_is_in_sight_once(timeline: Timeline, qtbot: QtBot):
    with qtbot.waitSignal(timeline.strip.wanted) as signal:
        timeline.grab()
    assert signal.args is not None
    frames, size = signal.args
    assert frames == [frame for _, frame in timeline.strip.cells(timeline._axis)]
    for frame in frames:
        timeline.show_picture(frame, QImage(*size, QImage.Format.Format_RGB32))
    timeline.grab()
    qtbot.wait(120)
    timeline.zoom_by(6)
    with qtbot.waitSignal(timeline.strip.wanted) as signal:
        timeline.grab()
    assert signal.args is not None
    assert not set(signal.args[0]) & set(frames)


def test_the_benchmark_draws_both_clips(timeline: Timeline):
    figures = timeline_figures(400, 50)
    assert min(figures.paint, figures.scroll, figures.zoom, figures.playhead) > 0
    assert all(np.isfinite(figures.ratios))


def test_the_zoomed_view_follows_the_playhead(timeline: Timeline):
    timeline._axis.zoom(8, NAMES + 1)
    assert timeline.x_of(90) > timeline.width()
    timeline.set_frame(90)
    assert NAMES <= timeline.x_of(90) <= timeline.width()
    timeline.follows = False
    timeline.set_frame(2)
    assert timeline.x_of(2) < NAMES


def test_states_look_different(timeline: Timeline):
    """Each mark paints its own picture, also where the hue is the same."""
    looks = []
    for mark in Mark:
        set_mark(timeline, 1, 50, mark)
        timeline._axis.zoom(100, timeline.x_of(50))
        x = round(timeline.x_of(50))
        grabbed = timeline.grab().toImage().copy(x - 12, Rows().top(0) + 2, 24, LANE - 4)
        looks.append(bytes(grabbed.constBits()))
    assert len(set(looks)) == len(Mark)


def test_marks_by_object(timeline: Timeline):
    set_mark(timeline, 2, 7, Mark.ANNOTATED)
    assert timeline.mark_at(2, 7) is Mark.ANNOTATED
    assert timeline.mark_at(1, 7) is Mark.EMPTY
    assert timeline.lane(3) is None


def test_the_selected_lane_is_scrolled_into_sight(timeline: Timeline, qtbot: QtBot):
    lanes = [Lane(own, f"Object {own}", QColor("#e6553c"), Findings(100)) for own in range(1, 7)]
    timeline.resize(900, timeline.minimumSizeHint().height())
    timeline.set_lanes(lanes, 1)
    clicked: list[int] = []
    timeline.lane_clicked.connect(clicked.append)
    for own in (6, 3, 1):
        timeline.set_selected(own)
        qtbot.mouseClick(timeline, Qt.MouseButton.LeftButton, pos=QPoint(20, Rows().lanes_top + LANE // 2))
    assert clicked == [6, 3, 1]  # there is room for one
