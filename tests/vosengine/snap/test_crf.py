"""Mean-field inference against the published algorithm with direct sums, and what the CRF is for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from tests.vosengine.snap.test_bilateral import blurred, disk, painted, wrong
from vosengine.snap import crf, snap
from vosengine.snap.crf import PAPER, CrfSettings, dense_crf
from vosengine.types import Image, Probability

Matrix = NDArray[np.float64]


def kernels(images: list[Image], parts: CrfSettings) -> list[tuple[float, Matrix]]:
    """The weights and matrices of the appearance and smoothness kernels over all pixels of the frames."""
    frames, (height, width) = len(images), images[0].shape[:2]
    place = np.argwhere(np.ones((frames, height, width), bool)).astype(float)
    colour = np.stack(images).reshape(-1, 3).astype(float)
    apart = ((place[:, None] - place[None]) ** 2).sum(-1)
    unlike = ((colour[:, None] - colour[None]) ** 2).sum(-1)
    same_frame = place[:, None, 0] == place[None, :, 0]
    return [
        (parts.weight, np.exp(-apart / (2 * parts.sigma_position**2) - unlike / (2 * parts.sigma_colour**2))),
        (parts.smooth_weight, np.where(same_frame, np.exp(-apart / (2 * parts.smooth_sigma**2)), 0)),
    ]


def algorithm_1(given: NDArray[np.floating], matrices: list[tuple[float, Matrix]], iterations: int) -> Matrix:
    """Kraehenbuehl & Koltun's algorithm 1 as printed, with two labels, Potts's compatibility and the kernels
    normalised symmetrically."""
    scales = [matrix.sum(1) ** -0.5 for _, matrix in matrices]
    normalised = [(w, s[:, None] * k * s[None]) for (w, k), s in zip(matrices, scales, strict=True)]
    p = np.clip(given.astype(np.float64).ravel(), 1 - crf.SURE, crf.SURE)
    unary = -np.log(np.stack([1 - p, p]))
    q = np.exp(-unary) / np.exp(-unary).sum(0)
    for _ in range(iterations):
        messages = sum((weight * (q @ matrix) for weight, matrix in normalised), np.zeros_like(q))
        pairwise = messages[::-1]  # mu(l, l') = [l != l']: each label pays for the other's messages
        energy = unary + pairwise
        q = np.exp(-energy) / np.exp(-energy).sum(0)
    return np.asarray(q[1])


def moving_disk(frames: int) -> tuple[list[Image], list[NDArray[np.bool_]], list[Probability]]:
    """Frames of 14 x 18 pixels, the true masks, and soft masks displaced by two pixels."""
    truths = [disk(14, 18, 8 + t, 7, 4) for t in range(frames)]
    images = [painted(truth, noise=4.0) for truth in truths]
    return images, truths, [np.roll(blurred(truth, 1.0), 2, axis=1) for truth in truths]


def test_mean_field_is_algorithm_1() -> None:
    images, _, given = moving_disk(2)
    matrices = kernels(images, PAPER)
    points = np.stack(given).ravel()
    filters = [(weight, matrix.astype(np.float32).__matmul__) for weight, matrix in matrices]
    assert np.allclose(crf.mean_field(points, filters, 10), algorithm_1(points, matrices, 10), atol=1e-4)


@pytest.mark.parametrize("frames", [1, 3])
def test_the_fast_crf_is_close_to_direct_sums(frames: int) -> None:
    images, truths, given = moving_disk(frames)
    exact = algorithm_1(np.stack(given), kernels(images, PAPER), PAPER.iterations).reshape(-1, 14, 18)
    found = dense_crf(images, given)
    assert len(found) == frames
    for f, e, truth, before in zip(found, exact, truths, given, strict=True):
        assert np.abs(f - e).mean() < 0.01
        assert wrong(f, e > 0.5) <= 2
        assert wrong(f, truth) < 0.3 * wrong(before, truth)


@pytest.mark.parametrize("changes", [{"weight": 0.0}, {"smooth_weight": 0.0}, {"iterations": 3}])
def test_each_setting_acts_as_in_direct_sums(changes: dict[str, float]) -> None:
    images, _, given = moving_disk(1)
    settings_ = CrfSettings(**changes)  # type: ignore[arg-type]
    exact = algorithm_1(given[0], kernels(images, settings_), settings_.iterations).reshape(14, 18)
    [found] = dense_crf(images, given, settings_)
    assert np.abs(found - exact).mean() < 0.02
    assert not np.allclose(found, dense_crf(images, given)[0], atol=1e-3)


def test_without_kernels_nothing_changes() -> None:
    images, _, given = moving_disk(1)
    [found] = dense_crf(images, given, CrfSettings(weight=0, smooth_weight=0))
    assert np.allclose(found, np.clip(given[0], 1 - crf.SURE, crf.SURE), atol=1e-5)


def test_pixels_left_out_would_not_have_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    truth = disk(60, 120, 35, 30, 12)
    image, given = painted(truth), np.roll(blurred(truth), 3, axis=1)
    chosen = crf.undecided(given[None], crf.REACH * PAPER.sigma_position)
    assert 0.2 < chosen.mean() < 0.6
    [few] = dense_crf([image], [given])
    assert np.array_equal(few[~chosen], given[~chosen])
    monkeypatch.setattr(crf, "undecided", lambda given, reach: np.ones(given.shape[1:], bool))
    [all_] = dense_crf([image], [given])
    assert np.array_equal(few > 0.5, all_ > 0.5)
    assert np.abs(few - all_)[chosen].mean() < 0.01


@pytest.mark.parametrize(("value", "label"), [(0.0, 0), (0.02, 0), (0.3, 0), (0.7, 1), (0.99, 1), (1.0, 1)])
def test_a_constant_image_keeps_its_label_and_sure_pixels_their_value(value: float, label: int) -> None:
    image = np.full((20, 24, 3), 90, np.uint8)
    given = np.full((20, 24), value, np.float32)
    [found] = dense_crf([image], [given])
    assert np.all((found > 0.5) == label)
    if not 0.05 <= value <= 0.95:
        assert np.array_equal(found, given)


def test_a_displaced_mask_moves_to_the_images_edges() -> None:
    truth = disk(90, 160, 80, 45, 25)
    image, given = painted(truth), np.roll(blurred(truth), 3, axis=1)
    snapped = snap(image, given, "crf")
    assert wrong(given, truth) > 150
    assert wrong(snapped, truth) < 15
    assert np.array_equal(snapped, dense_crf([image], [given])[0])


def test_isolated_specks_go_and_holes_close() -> None:
    truth = disk(60, 80, 40, 30, 15)
    given = truth.astype(np.float32) * 0.9
    given[10, 10] = given[50, 70] = 0.9
    given[30, 40] = 0.2
    assert wrong(dense_crf([painted(truth)], [given])[0], truth) == 0


def test_neighbouring_frames_restore_a_frame_where_the_object_was_missed() -> None:
    truth = disk(40, 60, 30, 20, 8)
    image = painted(truth)
    clear = np.where(truth, 0.9, 0.05).astype(np.float32)
    missed = np.where(truth, 0.4, 0.05).astype(np.float32)
    alone = dense_crf([image], [missed])[0]
    together = dense_crf([image] * 3, [clear, missed, clear])[1]
    assert not (alone > 0.5).any()
    assert wrong(together, truth) == 0
    # The other way about, one frame's false alarm is outvoted.
    empty = np.full_like(clear, 0.05)
    assert not (dense_crf([image] * 3, [empty, np.where(truth, 0.6, 0.05), empty])[1] > 0.5).any()


def test_counts_and_sizes_must_agree() -> None:
    image, given = np.zeros((8, 9, 3), np.uint8), np.zeros((8, 9), np.float32)
    with pytest.raises(ValueError, match="differ"):
        dense_crf([image, image], [given])
    with pytest.raises(ValueError, match="differ"):
        dense_crf([image], [given[:-1]])


@settings(max_examples=30, deadline=None)
@given(
    hnp.arrays(np.uint8, st.tuples(st.integers(1, 3), st.just(9), st.just(11), st.just(3))),
    st.floats(0, 1),
    st.integers(0, 1000),
)
def test_anything_in_gives_probabilities_out(images: NDArray[np.uint8], sharpness: float, seed: int) -> None:
    noise = np.random.default_rng(seed).random((len(images), 9, 11))
    given = np.clip(0.5 + (noise - 0.5) / (1.001 - sharpness), 0, 1).astype(np.float32)
    images.flags.writeable = given.flags.writeable = False
    for found in dense_crf(list(images), list(given)):
        assert found.dtype == np.float32
        assert found.shape == (9, 11)
        assert np.all((found >= 0) & (found <= 1))
