"""Evaluation as a tracker, against overlaps worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.vosengine.evaluation.conftest import FRAMES, square, write_frame
from vosengine.evaluation.datasets import find_sequences
from vosengine.evaluation.protocol import score_sequence
from vosengine.evaluation.tracking import AsTracker, box_overlap, box_overlaps

EMPTY = np.zeros((24, 32), np.uint8)


def test_overlap_of_boxes_by_hand() -> None:
    assert box_overlap(square(3), square(3)) == 1.0
    assert box_overlap(square(3), square(6)) == pytest.approx(9 / 15)
    assert box_overlap(square(3, 2, 4), square(5, 4, 4)) == pytest.approx(4 / 28)
    assert box_overlap(square(2, 2, 4), square(20, 2, 4)) == 0.0
    assert box_overlap(EMPTY, square(3)) == 0.0
    assert box_overlap(square(3), EMPTY) is None


def test_only_the_box_of_a_mask_counts() -> None:
    corners = np.zeros_like(EMPTY)
    corners[6, 3] = corners[17, 14] = 255
    assert box_overlap(corners, square(3)) == 1.0


def test_shares_above_each_threshold(davis: Path) -> None:
    """The result stays while the truth slides: overlaps (12 - k) / (12 + k) for k from 1 to 7."""
    slide, still = find_sequences(davis)
    results = (
        score_sequence(slide, dict.fromkeys(range(FRAMES), slide.mask_files[0])),
        score_sequence(still, still.mask_files),
    )
    # 0.846, 0.714, 0.6, 0.5, 0.412, 0.333, 0.263: exactly 0.5 and 0.6 are not above them.
    assert box_overlaps(results[0]) == pytest.approx([(12 - k) / (12 + k) for k in range(1, 8)])
    table = AsTracker().table(results)
    assert table.headings == ["sequence", "> 0.5", "> 0.6", "> 0.7", "> 0.8", "> 0.9"]
    assert [row[0] for row in table.rows] == ["slide", "still", "mean", "all boxes"]
    shares = {"0.5": 3 / 7, "0.6": 2 / 7, "0.7": 2 / 7, "0.8": 1 / 7, "0.9": 0.0}
    assert table.figures["sequences"]["slide"] == pytest.approx(shares)
    assert table.figures["sequences"]["still"] == dict.fromkeys(shares, 1.0)
    assert table.figures["all_boxes"] == pytest.approx({k: (7 * v + 7) / 14 for k, v in shares.items()})


def test_the_mean_is_over_sequences_and_all_boxes_weigh_the_same(tmp_path: Path) -> None:
    for name, count in (("long", 7), ("short", 3)):
        for frame in range(count):
            write_frame(tmp_path, name, f"{frame:05d}", square(3))
    long, short = find_sequences(tmp_path)
    write_frame(tmp_path / "empty", "short", "lost", EMPTY)
    lost = tmp_path / "empty/Annotations/480p/short/lost.png"
    table = AsTracker().table((score_sequence(long, long.mask_files), score_sequence(short, {1: lost})))
    assert table.figures["mean"]["0.9"] == 0.5
    assert table.figures["all_boxes"]["0.9"] == pytest.approx(5 / 6)


def test_a_sequence_whose_object_is_gone_has_no_share(tmp_path: Path) -> None:
    for frame in range(4):
        write_frame(tmp_path, "gone", f"{frame:05d}", square(3) if frame == 0 else EMPTY)
    gone = find_sequences(tmp_path)[0]
    table = AsTracker().table((score_sequence(gone, gone.mask_files),))
    assert table.rows[0] == ["gone", *["–"] * 5]
