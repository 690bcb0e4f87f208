"""Closed-form matting: its Laplacian against the paper's formula, and alpha that is known exactly."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from tests.vosengine.snap.test_bilateral import blurred, disk
from vosengine.snap import matting, snap
from vosengine.snap.matting import EPSILON, matting_laplacian, soft_alpha, solve, unsure_band
from vosengine.types import Image, Probability

HEIGHT, WIDTH = 96, 140
FRONT, BACK = np.array([210.0, 120.0, 40.0]), np.array([40.0, 110.0, 130.0])

images = hnp.arrays(np.uint8, st.tuples(st.integers(4, 7), st.integers(4, 7), st.just(3)))
probabilities = hnp.arrays(
    np.float32, st.tuples(st.integers(1, 30), st.integers(1, 30)), elements=st.floats(0, 1, width=32)
)


def mixed(alpha: Probability, noise: float = 1.0) -> Image:
    """Orange over teal in the shares of `alpha`, with a little grain."""
    colours = alpha[..., None] * FRONT + (1 - alpha[..., None]) * BACK
    grain = np.random.default_rng(0).normal(scale=noise, size=colours.shape)
    return np.clip(np.rint(colours + grain), 0, 255).astype(np.uint8)


def ramp(width: float) -> Probability:
    """Alpha that rises from 0 to 1 over `width` pixels round column 70."""
    columns = np.arange(WIDTH, dtype=np.float32)
    return np.tile(np.clip((columns - 69.5) / width + 0.5, 0, 1), (HEIGHT, 1)).astype(np.float32)


def sad(found: Probability, truth: Probability) -> float:
    return float(np.abs(found - truth).sum())


# --- the Laplacian --------------------------------------------------------------------------------------


def formula(image: Image) -> NDArray[np.float64]:
    """Equation 12 of the paper, window by window and pair by pair."""
    height, width = image.shape[:2]
    colours = image.reshape(-1, 3) / 255.0
    laplacian = np.zeros((height * width,) * 2)
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            window = [r * width + c for r in (y - 1, y, y + 1) for c in (x - 1, x, x + 1)]
            mean = colours[window].mean(0)
            inverse = np.linalg.inv(np.cov(colours[window].T, bias=True) + EPSILON / 9 * np.eye(3))
            for i in window:
                for j in window:
                    affinity = (1 + (colours[i] - mean) @ inverse @ (colours[j] - mean)) / 9
                    laplacian[i, j] += (i == j) - affinity
    return laplacian


@settings(max_examples=15, deadline=None)
@given(images, st.integers(0, 2**32 - 1))
def test_the_laplacian_is_the_paper_s(image: Image, seed: int) -> None:
    band = np.random.default_rng(seed).random(image.shape[:2]) < 0.4
    rows = matting_laplacian(image, band).toarray()
    assert np.allclose(rows, formula(image)[band.ravel()], atol=1e-7)
    assert np.allclose(rows.sum(1), 0, atol=1e-7)


def test_windows_may_be_handled_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    image, band = mixed(ramp(9), noise=20), unsure_band(ramp(9))
    whole = matting_laplacian(image, band)
    monkeypatch.setattr(matting, "WINDOWS", 37)
    assert abs(matting_laplacian(image, band) - whole).max() < 1e-9


# --- known alpha ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [2.0, 6.0, 12.0])
def test_a_ramp_between_two_colours_is_recovered(width: float) -> None:
    """Where one side's colour mixes with the other's, the matting equation has one answer."""
    truth = ramp(width)
    band = np.tile(np.abs(np.arange(WIDTH) - 69.5) < 12, (HEIGHT, 1))
    unknown = np.where(band, np.float32(0.5), truth)
    found = solve(mixed(truth), unknown, band)
    assert np.abs(found - truth).max() < 0.06


def test_motion_blur_softens_and_the_mask_stays() -> None:
    hard = disk(HEIGHT, WIDTH, 70, 48, 28).astype(np.float32)
    truth = cv2.blur(hard, (9, 1))
    rough = blurred(disk(HEIGHT, WIDTH, 71, 48, 28), 1.5)
    image = mixed(truth, noise=3)
    snapped = snap(image, rough, "bilateral")
    found = soft_alpha(image, snapped)
    assert sad(found, truth) < 0.7 * sad(snapped, truth)
    assert ((found >= 0.5) == (snapped >= 0.5)).all()


def test_far_from_the_boundary_alpha_is_exactly_0_or_1() -> None:
    truth = disk(HEIGHT, WIDTH, 70, 48, 30)
    probability = np.clip(0.04 + 0.93 * blurred(truth), 0, 1).astype(np.float32)
    found = soft_alpha(mixed(blurred(truth)), probability)
    assert (found[disk(HEIGHT, WIDTH, 70, 48, 20)] == 1).all()
    assert (found[~disk(HEIGHT, WIDTH, 70, 48, 40)] == 0).all()
    assert ((found > 0.1) & (found < 0.9)).any()


@pytest.mark.parametrize("value", [0.0, 0.03, 0.98, 1.0])
def test_empty_and_full_frames_stay(value: float) -> None:
    found = soft_alpha(mixed(ramp(4)), np.full((HEIGHT, WIDTH), value, np.float32))
    assert (found == round(value)).all()


@settings(max_examples=25, deadline=None)
@given(probabilities)
def test_any_probability_keeps_its_mask_and_gives_the_same_again(probability: Probability) -> None:
    image = np.random.default_rng(1).integers(0, 256, (*probability.shape, 3), np.uint8)
    found = soft_alpha(image, probability)
    assert (found.shape, found.dtype) == (probability.shape, np.float32)
    assert 0 <= found.min() <= found.max() <= 1
    assert ((found >= 0.5) == (probability >= 0.5)).all()
    assert np.array_equal(found, soft_alpha(image, probability))


def test_the_band_is_as_wide_as_the_doubt() -> None:
    sharp, soft = (unsure_band(blurred(disk(HEIGHT, WIDTH, 70, 48, 28), sigma)) for sigma in (0.5, 6.0))
    assert (soft | ~sharp).all()
    assert soft.sum() > 2 * sharp.sum()


def test_sizes_must_agree() -> None:
    with pytest.raises(ValueError, match="differ in size"):
        soft_alpha(np.zeros((8, 9, 3), np.uint8), np.zeros((8, 8), np.float32))
