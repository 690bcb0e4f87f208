from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from app.findings import MARKS, Findings, Mark
from app.lane import LANE, Lane, Rows
from app.lane_painting import LEGEND, runs
from app.timeline import NAMES, Timeline
from vosengine.types import Span


@given(arrays(np.uint8, st.integers(0, 60), elements=st.integers(0, 5)))
def test_runs_cover_the_marks(marks: np.ndarray):
    found = runs(marks)
    assert [m for start, stop, m in found for _ in range(start, stop)] == marks.tolist()
    assert all(one[2] != other[2] for one, other in pairwise(found))


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


def test_the_zoomed_view_follows_the_playhead(timeline: Timeline):
    timeline._axis.zoom(8, NAMES + 1)
    assert timeline.x_of(90) > timeline.width()
    timeline.set_frame(90)
    assert NAMES <= timeline.x_of(90) <= timeline.width()


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
