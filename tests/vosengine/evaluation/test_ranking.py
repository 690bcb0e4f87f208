"""Rankings of frames, against ranks and shares worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from pathlib import Path
from statistics import fmean

import pytest

from tests.vosengine.evaluation.conftest import square, write_frame
from tests.vosengine.evaluation.fake_engine import NearestEngine
from vosengine.config import Config
from vosengine.evaluation.datasets import Sequence, find_sequences
from vosengine.evaluation.protocol import run_sequence, score_sequence
from vosengine.evaluation.ranking import WorstFirst, rank_correlation, worst_precision

FRAMES = 14


@pytest.fixture
def long(tmp_path: Path) -> Sequence:
    """A square that slides away to frame 7 and back again, so that frame 7 is the worst of a copied mask."""
    for frame in range(FRAMES):
        x = 3 + (frame if frame <= 7 else 14 - frame)
        write_frame(tmp_path / "set", "long", f"{frame:05d}", square(x))
    return find_sequences(tmp_path / "set")[0]


def test_rank_correlation_by_hand() -> None:
    assert rank_correlation([0.1, 0.5, 0.9], [0.2, 0.3, 0.4]) == pytest.approx(1)
    assert rank_correlation([0.9, 0.5, 0.1], [0.2, 0.3, 0.4]) == pytest.approx(-1)
    # Ranks 1, 2, 3, 4 against 2, 1, 4, 3: 1 - 6 (1 + 1 + 1 + 1) / (4 (16 - 1)).
    assert rank_correlation([1, 2, 3, 4], [0.2, 0.1, 0.9, 0.8]) == pytest.approx(1 - 24 / 60)
    # Ties share their mean rank: Pearson's correlation of 1.5, 1.5, 3 with 1, 2, 3.
    assert rank_correlation([0.0, 0.0, 1.0], [0.1, 0.2, 0.3]) == pytest.approx(3**0.5 / 2)


@pytest.mark.parametrize(("values", "J"), [([1, 2], [1, 2]), ([1, 1, 1], [1, 2, 3]), ([1, 2, 3], [1, 1, 1])])
def test_what_has_no_order_has_no_correlation(values: list[float], J: list[float]) -> None:
    assert rank_correlation(values, J) is None


def test_the_five_worst_by_hand() -> None:
    J = [frame / 10 for frame in range(10)]  # the truly worst are frames 0 to 4
    assert worst_precision(J, J) == 1
    assert worst_precision([-value for value in J], J) == 0
    assert worst_precision([0, 1, 9, 9, 9, 2, 3, 4, 9, 9], J) == pytest.approx(2 / 5)
    assert worst_precision(J[:9], J[:9]) is None


def test_the_worst_fifth_grows_with_the_clip_and_takes_in_ties() -> None:
    J = [float(frame) for frame in range(40)]  # a fifth: frames 0 to 7
    chosen = [0.0 if frame in (3, 4, 5, 6, 7) else 1.0 for frame in range(40)]
    assert worst_precision(chosen, J) == 1
    tied = [0.0] * 12 + [1.0] * 28
    assert worst_precision([0.0 if frame in (7, 8, 9, 10, 11) else 1.0 for frame in range(40)], tied) == 1


def test_equal_estimates_give_what_chance_gives() -> None:
    J = [frame / 20 for frame in range(20)]
    assert worst_precision([0.5] * 20, J) == pytest.approx(5 / 20)
    # Two sure, three of the next six: 2 hits, then 3 draws from frames 2, 3, 4 and three good ones.
    values = [0.1, 0.1, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, *[0.9] * 12]
    orders = {tuple(sorted(order[:3])) for order in permutations(range(2, 8))}
    drawn = fmean((2 + sum(frame < 5 for frame in order)) / 5 for order in orders)
    assert worst_precision(values, J) == pytest.approx(drawn)


def test_the_table_ranks_predicted_frames_that_are_not_annotated(long: Sequence, tmp_path: Path) -> None:
    """Frames 1 to 12 are scored; their true order by the shift is 7 | 6 8 | 5 9 | 4 10 | 3 11 | 2 12 | 1."""
    truthful = NearestEngine(quality=lambda frame: 1 - min(frame, 14 - frame) / 14)
    result = run_sequence(long, Config(), truthful, tmp_path / "out")
    figures = WorstFirst().table((result,)).figures["sequences"]["long"]
    assert figures["rank"] == pytest.approx(1)
    assert figures["worst"] == 1
    assert figures["worst_random"] == pytest.approx(5 / 12)
    assert figures["worst_farthest"] == pytest.approx(2 / 5)  # 8 to 12, of which 8 and 9 are among the worst
    assert -0.5 < figures["rank_farthest"] < 0.5


def test_the_mean_leaves_out_what_was_not_measured(long: Sequence, tmp_path: Path) -> None:
    lying = run_sequence(
        long, Config(), NearestEngine(lambda frame: min(frame, 14 - frame) / 14), tmp_path / "out"
    )
    elsewhere = replace(long, name="given")
    given = score_sequence(elsewhere, long.mask_files)  # masks made elsewhere: no estimates
    table = WorstFirst().table((lying, given))
    assert table.figures["mean"]["rank"] == pytest.approx(-1)
    assert [len(row) for row in table.rows] == [len(table.headings)] * len(table.rows)
