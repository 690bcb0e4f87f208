"""Which frames are the worst, what a run changed, and many frames on few pixels: against counting by hand."""

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from app.cells import StoredMatte
from app.columns import Columns
from app.document import Document
from app.findings import Findings, Mark, Ranking, ranked, reason_of
from app.footprint import Footprint
from app.outcome import Outcome, places
from app.reading import PredictionInfo
from tests.app.document.edited import make_clip, matte_of
from vosengine.messages import MaskPredicted
from vosengine.types import Reason, Span

QUALITIES = arrays(np.float32, st.integers(1, 60), elements=st.floats(0, 1, width=16))


def findings(quality: np.ndarray) -> Findings:
    """All frames predicted with these estimates, NaN where there is nothing."""
    made = Findings(len(quality))
    made.quality[:] = quality
    made.listed[:] = np.isfinite(quality)
    made.marks[made.listed] = Mark.PREDICTED
    return made


@given(QUALITIES)
def test_the_worst_come_first(quality: np.ndarray):
    ranking = ranked({7: findings(quality)}, Span(0, len(quality)))
    assert sorted(ranking.frames) == list(range(len(quality)))
    assert (np.diff(ranking.quality) >= 0).all()
    assert (quality[ranking.frames] == ranking.quality).all()
    assert set(ranking.object_ids) == {7}


@given(QUALITIES, st.integers(1, 4))
def test_thinned_each_listed_frame_is_the_worst_of_its_neighbours(quality: np.ndarray, apart: int):
    listed = set(ranked({1: findings(quality)}, Span(0, len(quality)), apart).frames.tolist())
    around = [quality[max(f - apart, 0) : f + apart + 1].min() for f in range(len(quality))]
    assert listed == {f for f in range(len(quality)) if quality[f] == around[f]}


def test_each_frame_is_listed_once_with_its_worst_object_between_in_and_out():
    one, two = findings(np.array([0.1, 0.9, 0.5, 0.2])), findings(np.array([0.9, 0.3, np.nan, 0.1]))
    ranking = ranked({1: one, 2: two}, Span(1, 4))
    assert ranking.frames.tolist() == [3, 1, 2]
    assert ranking.object_ids.tolist() == [2, 2, 1]


def test_beside_a_fresh_correction_nothing_stale_is_listed_when_thinned():
    each = findings(np.linspace(0.5, 0.6, 20))
    each.marks[:] = Mark.STALE
    each.marks[10], each.listed[10] = Mark.ANNOTATED, False
    listed = ranked({1: each}, Span(0, 20), apart=5).frames.tolist()
    assert all(abs(frame - 10) > 5 for frame in listed)
    assert 0 in listed


def test_stepping_goes_round_and_on_from_where_one_was():
    ranking = Ranking(np.array([4, 9, 2]), np.array([1, 1, 1]), np.array([0.1, 0.2, 0.3], np.float32))
    assert [ranking.step(frame, 1) for frame in (4, 9, 2, 7)] == [1, 2, 0, 0]
    assert [ranking.step(frame, -1) for frame in (4, 9)] == [2, 0]
    assert ranking.step(8, 1, last=(9, 0.2)) == 2  # one frame beside the last one visited
    assert ranking.step(5, 1, last=(5, 0.15)) == 1  # the last one visited was approved
    assert ranking.step(5, -1, last=(5, 0.15)) == 0
    assert ranked({}, Span(0, 0)).step(0, 1) is None


def test_what_a_document_says_becomes_marks(tmp_path: Path):
    document = Document.create(tmp_path / "p", make_clip(tmp_path / "x.mov"))
    step = document.begin_predictions()
    for frame, quality in ((0, 0.9), (1, 0.3), (2, 0.4), (3, 0.2)):
        event = MaskPredicted(1, frame, 1, matte_of(frame), quality, document.revision)
        document.add_prediction(step, event)
    document.end_predictions(step)
    document.mute(1, 2)
    document.approve(1, 3)
    seen = Findings(document.clip.frame_count)
    seen.look(document, 1, document.clip.span)
    assert [Mark(m) for m in seen.marks[:5]] == [
        Mark.PREDICTED,
        Mark.SUSPICIOUS,
        Mark.PREDICTED,
        Mark.APPROVED,
        Mark.EMPTY,
    ]
    assert seen.listed[:5].tolist() == [True, True, False, False, False]
    assert seen.quality[3] == 1
    assert np.isnan(seen.quality[4])
    document.close()


def test_reasons_are_the_engines_words_or_none():
    assert reason_of(PredictionInfo(0.5, False, 1, Reason.LOST)) == "nothing was found"
    assert reason_of(PredictionInfo(0.5, False, 1)) == ""


# --- many frames on few pixels ----------------------------------------------------------------------------


@given(st.integers(1, 3000), st.floats(0.01, 40), st.floats(0, 1), st.integers(10, 900))
def test_columns_hold_each_visible_frame_once(count: int, scale: float, scrolled: float, room: int):
    left = scrolled * max(count - room / scale, 0)
    columns = Columns.of(count, left, scale, 128, room)
    held = [frame for place in range(len(columns)) for frame in columns.frames_of(place)]
    visible = range(int(left), min(int(np.ceil(left + room / scale)), count))
    assert held == list(range(held[0], held[-1] + 1))
    assert held[0] <= visible[0]
    assert held[-1] >= visible[-1]
    assert len(columns) <= room / min(max(scale, 2), room) + 3
    assert (np.diff(columns.edges) >= 0).all()
    values = np.random.default_rng(count).integers(0, 7, count).astype(np.uint8)
    expected = [max(values[f] for f in columns.frames_of(place)) for place in range(len(columns))]
    assert columns.largest(values).tolist() == expected


# --- footprints and what a run changed --------------------------------------------------------------------


def square(left: int, top: int = 100, side: int = 120) -> np.ndarray:
    matte = np.zeros((360, 640), np.uint16)
    matte[top : top + side, left : left + side] = 65535
    return matte


def test_a_footprint_knows_area_and_change():
    one, two = Footprint.of(square(100)), Footprint.of(square(160))
    assert abs(one.area - 120 * 120 / (360 * 640)) < 1e-3
    assert abs(one.change(two) - 2 / 3) < 0.01  # 60 of 120 columns each, of 180 together
    assert not one.differs(Footprint.of(square(100)))
    assert one.differs(Footprint.of(square(102)))
    assert Footprint.from_text(one.text) == one
    assert Footprint.from_text("no footprint") is None
    assert Footprint.from_text("") is None


def test_an_empty_matte_differs_from_nothing_but_something():
    empty = Footprint.of(np.zeros((9, 9), np.uint8))
    assert empty.area == 0
    assert not empty.differs(empty)
    assert empty.differs(Footprint.of(square(100)))


def stored(serial: int, left: int) -> StoredMatte:
    return StoredMatte(serial, 0.5, 0, footprint=Footprint.of(square(left)))


def test_an_outcome_counts_and_names_places():
    outcome = Outcome()
    for frame in range(4):
        outcome.note(frame, None, stored(frame, 100))
    assert (outcome.count, outcome.where(1001)) == ("4 new frames", "1001–1004")
    outcome = Outcome()
    for frame in range(20):
        moved = frame in (3, 4, 9, 15, 17)
        outcome.note(frame, stored(1, 100), stored(2, 140 if moved else 100))
    assert outcome.count == "5 of 20 frames changed"
    assert outcome.where() == "3–4, 9 and 2 more"
    assert places([]) == ""
