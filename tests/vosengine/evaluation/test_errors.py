"""OSVOS's split of the error, against pixels counted by hand and against scipy's distances."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt

from tests.vosengine.evaluation.conftest import FRAMES, square, write_frame
from vosengine.errors import DatasetError
from vosengine.evaluation.datasets import find_sequences
from vosengine.evaluation.errors import ErrorPixels, ErrorSplit, error_pixels, read_reference, split_error
from vosengine.evaluation.protocol import SequenceResult, score_sequence
from vosengine.types import Mask


def strip(*columns: int) -> Mask:
    """One row of 60 pixels, these set."""
    mask = np.zeros((1, 60), np.uint8)
    mask[0, list(columns)] = 255
    return mask


def test_twenty_pixels_divide_close_from_far() -> None:
    truth = strip(10, 11)
    # 31 is 20 pixels from 11 and still close, 32 is far; 10 is found and 11 missed.
    assert split_error(strip(10, 9, 31, 32, 59), truth) == ErrorPixels(fp_close=2, fp_far=2, fn=1, object=2)


def test_distance_is_euclidean() -> None:
    truth, prediction = np.zeros((40, 40), np.uint8), np.zeros((40, 40), np.uint8)
    truth[0, 0] = prediction[0, 0] = 255
    prediction[12, 16] = 255  # 12, 16, 20
    assert split_error(prediction, truth).fp_close == 1
    prediction[13, 16] = 255
    assert split_error(prediction, truth) == ErrorPixels(1, 1, 0, 1)


def test_without_a_true_object_everything_is_far() -> None:
    assert split_error(strip(3, 4), strip()) == ErrorPixels(fp_far=2)
    assert split_error(strip(), strip()) == ErrorPixels()
    assert split_error(strip(), strip(7)) == ErrorPixels(fn=1, object=1)


@given(st.integers(0, 10**6), st.floats(1, 30))
def test_the_split_agrees_with_scipy(seed: int, far: float) -> None:
    rng = np.random.default_rng(seed)
    truth = np.where(rng.random((30, 40)) < 0.01, 255, 0).astype(np.uint8)
    prediction = np.where(rng.random((30, 40)) < 0.3, 255, 0).astype(np.uint8)
    truth[5, 5] = 255
    squared = np.rint(distance_transform_edt(truth == 0) ** 2)
    close = (prediction > 0) & (truth == 0) & (squared <= far**2 + 0.5)
    found = split_error(prediction, truth, far)
    assert found.fp_close == close.sum()
    assert found.fp_close + found.fp_far == ((prediction > 0) & (truth == 0)).sum()
    assert found.fn == ((prediction == 0) & (truth > 0)).sum()


def left_behind(davis: Path) -> tuple[SequenceResult, SequenceResult]:
    """The annotation of `slide` moves by a pixel a frame and the result stays; `still` is perfect."""
    slide, still = find_sequences(davis)
    return score_sequence(slide, dict.fromkeys(range(FRAMES), slide.mask_files[0])), score_sequence(
        still, still.mask_files
    )


def test_pixels_of_a_square_left_behind(davis: Path) -> None:
    """Frame k shows k columns of 12 pixels too many and k too few, for k from 1 to 7."""
    slide, still = left_behind(davis)
    assert error_pixels(slide) == ErrorPixels(12 * 28, 0, 12 * 28, 144 * 7)
    assert error_pixels(still) == ErrorPixels(0, 0, 0, 144 * 7)


def test_shares_are_of_the_own_error_and_the_last_row_counts_all_pixels(davis: Path) -> None:
    table = ErrorSplit().table(left_behind(davis))
    assert table.rows == [
        ["slide", "50.0", "0.0", "50.0", "100.0", "0.667"],
        ["still", "–", "–", "–", "–", "0.000"],
        ["mean", "50.0", "0.0", "50.0", "100.0", "0.333"],
        ["all pixels", "50.0", "0.0", "50.0", "100.0", "0.333"],
    ]
    assert table.figures["all_pixels"]["pixels"] == {"fp_close": 336, "fp_far": 0, "fn": 336, "object": 2016}
    assert table.figures["sequences"]["still"]["fn"] is None


def test_shares_relative_to_another_run(davis: Path, tmp_path: Path) -> None:
    """As in OSVOS's figure 5: the bar without snapping is 100 %, the other shorter."""
    results = left_behind(davis)
    reference = {"slide": ErrorPixels(300, 100, 944, 1008), "still": ErrorPixels(0, 0, 56, 1008)}
    figures = {"sequences": {n: {"pixels": vars(p)} for n, p in reference.items()}}
    file = tmp_path / "plain.json"
    file.write_text(json.dumps({"errors": figures}))
    table = read_reference(file).table(results)
    assert table.title == "Error pixels relative to plain"
    assert table.rows[0] == ["slide", "25.0", "0.0", "25.0", "50.0", "0.667"]
    assert table.rows[1] == ["still", "0.0", "0.0", "0.0", "0.0", "0.000"]
    assert table.rows[2][1:5] == ["12.5", "0.0", "12.5", "25.0"]
    assert table.rows[3][1:5] == ["24.0", "0.0", "24.0", "48.0"]


def test_a_reference_must_hold_errors_of_the_same_sequences(davis: Path, tmp_path: Path) -> None:
    file = tmp_path / "plain.json"
    for content in (None, "{", "{}", '{"errors": {"sequences": {"slide": {"pixels": {"x": 1}}}}}'):
        if content is not None:
            file.write_text(content)
        with pytest.raises(DatasetError, match="no errors to compare with"):
            read_reference(file)
    with pytest.raises(DatasetError, match="plain has no errors of still"):
        ErrorSplit({"slide": ErrorPixels(1)}, "plain").table(left_behind(davis))


def test_a_reference_is_looked_through_before_anything_runs(davis: Path, youtube_like: Path) -> None:
    split = ErrorSplit({"slide": ErrorPixels(1)}, "plain")
    ErrorSplit().check(find_sequences(davis))
    split.check(find_sequences(davis, ["slide"]))
    with pytest.raises(DatasetError, match="plain has no errors of still; evaluate it on the same"):
        split.check(find_sequences(davis))
    split.check(find_sequences(youtube_like))  # nothing is scored there


@pytest.fixture
def youtube_like(tmp_path: Path) -> Path:
    """A sequence whose truth is kept away but for the first frame."""
    for frame in range(4):
        write_frame(tmp_path / "withheld", "walk", f"{frame:05d}", square(3))
    for frame in range(1, 4):
        (tmp_path / "withheld" / "Annotations" / "480p" / "walk" / f"{frame:05d}.png").unlink()
    return tmp_path / "withheld"


def test_objects_are_split_apart_and_added_up(tmp_path: Path) -> None:
    """The two ids are swapped: each object's pixels are missed, and the other's are too many."""
    for frame in range(4):
        ids = square(2, 2, 4) // 255 + square(20, 10, 6) // 255 * 2
        write_frame(tmp_path / "set", "pair", f"{frame:05d}", ids)
        write_frame(
            tmp_path / "swapped", "pair", f"{frame:05d}", np.where(ids > 0, 3 - ids, 0).astype("uint8")
        )
    pair, swapped = (find_sequences(tmp_path / name)[0] for name in ("set", "swapped"))
    pixels = error_pixels(score_sequence(pair, swapped.mask_files))
    assert (pixels.fn, pixels.object, pixels.total) == (2 * 52, 2 * 52, 4 * 52)
