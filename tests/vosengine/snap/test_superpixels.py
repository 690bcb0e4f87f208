"""The ultrametric contour map against maps made by hand and against merging written naively; the vote."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy import ndimage

from vosengine import weights
from vosengine.errors import WeightsError
from vosengine.networks.osvos_lite import OsvosLite
from vosengine.snap import contours as contour_branch
from vosengine.snap import snap
from vosengine.snap import superpixels as module
from vosengine.snap.contours import contour_probability
from vosengine.snap.superpixels import (
    Boundaries,
    majority_vote,
    merge_levels,
    region_boundaries,
    superpixels,
    ultrametric_contour_map,
    watershed,
)
from vosengine.training.loop import export_weights
from vosengine.types import Probability

maps = hnp.arrays(
    np.float32,
    st.tuples(st.integers(2, 12), st.integers(2, 12)),
    elements=st.floats(0, 1, width=16),
)


def three_regions() -> Probability:
    """Columns of regions A | B | C in a map 7 pixels wide, walls of 0.2 and 0.8 between them."""
    contours = np.zeros((4, 7), np.float32)
    contours[:, 2], contours[:, 4] = 0.2, 0.8
    return contours


def regions_of(labels: NDArray[np.int32]) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(labels == label).tolist()) for label in np.unique(labels)}


# --- the watershed --------------------------------------------------------------------------------------


def test_each_pixel_flows_to_the_minimum_of_its_valley() -> None:
    heights = np.float32([[0, 3, 5, 4, 1], [1, 2, 6, 3, 2]])
    assert watershed(heights).tolist() == [[0, 0, 0, 1, 1], [0, 0, 0, 1, 1]]


def test_a_plain_is_one_basin() -> None:
    assert watershed(np.zeros((5, 6), np.float32)).max() == 0


@settings(max_examples=50, deadline=None)
@given(maps)
def test_basins_hang_together_and_hold_one_minimum(heights: Probability) -> None:
    basins = watershed(heights)
    # A strict order as the watershed's own: of equal heights the first pixel is the lower.
    rank = np.argsort(np.argsort(heights, axis=None, kind="stable")).reshape(heights.shape)
    minima = rank == ndimage.minimum_filter(rank, footprint=ndimage.generate_binary_structure(2, 1))
    assert sorted(basins[minima].tolist()) == list(range(basins.max() + 1))
    for basin in range(basins.max() + 1):
        assert ndimage.label(basins == basin)[1] == 1


# --- the ultrametric contour map ------------------------------------------------------------------------


def test_the_map_of_three_regions() -> None:
    ucm = ultrametric_contour_map(three_regions(), smoothing=0)
    assert ucm.shape == (7, 13)
    # The pixels' own sites are 0, and each wall is one line as strong as the wall.
    assert not ucm[::2, ::2].any()
    assert sorted(np.unique(ucm).tolist()) == pytest.approx([0, 0.2, 0.8])
    for strength in (0.2, 0.8):
        assert (np.isclose(ucm, strength).sum(1) == 1).all()
    assert superpixels(ucm, 0.1).max() + 1 == 3
    assert superpixels(ucm, 0.5)[0].tolist() == [0, 0, 0, 0, *superpixels(ucm, 0.5)[0, 4:]]
    assert superpixels(ucm, 0.5).max() + 1 == 2
    assert superpixels(ucm, 0.9).max() == 0


def test_merged_boundaries_take_the_mean_by_length() -> None:
    # A-B 0.1; A-C 0.2 over one side, B-C 0.8 over three: once A and B are one, AB-C is (0.2 + 3 * 0.8) / 4.
    levels = merge_levels(boundaries([(0, 1, 0.1, 2), (0, 2, 0.2, 1), (1, 2, 0.8, 3)]))
    assert levels.tolist() == pytest.approx([0.1, 0.65, 0.65])
    # And what was second weakest, B-C, may come after another pair.
    levels = merge_levels(boundaries([(0, 1, 0.1, 1), (0, 2, 0.9, 1), (1, 2, 0.2, 1), (2, 3, 0.3, 1)]))
    assert levels.tolist() == pytest.approx([0.1, 0.55, 0.55, 0.3])


def boundaries(arcs: list[tuple[int, int, float, int]]) -> Boundaries:
    """Regions' boundaries without an image: (one, other, mean strength, length)."""
    nothing = np.zeros((0, 0), bool)
    lengths = np.array([length for *_, length in arcs])
    return Boundaries(
        ends=np.array([(a, b) for a, b, *_ in arcs]),
        strengths=np.array([mean for _, _, mean, _ in arcs]) * lengths,
        lengths=lengths,
        across=nothing,
        down=nothing,
        arc_of_side=np.zeros(0, np.int64),
    )


def naive_levels(found: Boundaries) -> list[float]:
    """The same merging by looking through all pairs of regions each time."""
    region = {int(r): int(r) for r in np.unique(found.ends)}
    levels, level = [0.0] * len(found.lengths), 0.0
    while len(set(region.values())) > 1:
        pairs: dict[tuple[int, int], list[int]] = {}
        for arc, (a, b) in enumerate(found.ends.tolist()):
            one, other = sorted((region[a], region[b]))
            if one != other:
                pairs.setdefault((one, other), []).append(arc)
        means = {p: found.strengths[arcs].sum() / found.lengths[arcs].sum() for p, arcs in pairs.items()}
        (one, other), weakest = min(means.items(), key=lambda item: item[1])
        level = max(level, float(weakest))
        for arc in pairs[one, other]:
            levels[arc] = level
        region = {r: one if now == other else now for r, now in region.items()}
    return levels


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_merging_is_that_of_the_naive_search(seed: int) -> None:
    # Random heights have no equal means, which the two might merge in another order.
    heights = np.random.default_rng(seed).random((8, 9)).astype(np.float32)
    found = region_boundaries(watershed(heights), heights)
    assert merge_levels(found).tolist() == pytest.approx(naive_levels(found))


def test_a_side_is_as_strong_as_the_stronger_of_its_pixels() -> None:
    found = region_boundaries(np.int32([[0, 1], [0, 1]]), np.float32([[0.1, 0.4], [0.6, 0.2]]))
    assert found.ends.tolist() == [[0, 1]]
    assert found.strengths.tolist() == pytest.approx([1.0])
    assert found.lengths.tolist() == [2]


@settings(max_examples=50, deadline=None)
@given(maps, st.floats(0, 1), st.floats(0, 1))
def test_superpixels_at_a_higher_threshold_are_unions_of_those_at_a_lower(
    contours: Probability, a: float, b: float
) -> None:
    ucm = ultrametric_contour_map(contours, smoothing=0)
    fine, coarse = superpixels(ucm, min(a, b)), superpixels(ucm, max(a, b))
    for label in range(fine.max() + 1):
        assert len(np.unique(coarse[fine == label])) == 1
    assert superpixels(ucm, 1.0).max() == 0


@settings(max_examples=50, deadline=None)
@given(maps, st.floats(0, 1, exclude_max=True))
def test_what_remains_above_a_threshold_are_closed_contours(contours: Probability, threshold: float) -> None:
    ucm = ultrametric_contour_map(contours, smoothing=0)
    labels = superpixels(ucm, threshold)
    # No boundary ends within a superpixel: a stronger side always parts two of them, a weaker one never.
    assert ((ucm[::2, 1::2] > threshold) == (labels[:, 1:] != labels[:, :-1])).all()
    assert ((ucm[1::2, ::2] > threshold) == (labels[1:] != labels[:-1])).all()


def test_without_contours_the_frame_is_one_superpixel() -> None:
    assert not ultrametric_contour_map(np.zeros((6, 8), np.float32)).any()


def test_a_negative_threshold_is_refused() -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        superpixels(np.zeros((3, 3), np.float32), -0.1)


# --- the majority vote ----------------------------------------------------------------------------------


def test_a_superpixel_is_foreground_where_more_than_half_of_it_is() -> None:
    labels = np.int32([[0, 0, 0, 1, 1, 1, 1]])
    probability = np.float32([[0.9, 0.6, 0.3, 0.2, 0.8, 0.9, 0.1]])
    # Two of three: the third is mirrored. Two of four are no majority: both are mirrored.
    expected = [[0.9, 0.6, 0.7, 0.2, 0.2, 0.1, 0.1]]
    assert majority_vote(probability, labels).tolist() == [pytest.approx(expected[0])]


def test_a_pixel_on_the_threshold_goes_with_its_superpixel() -> None:
    found = majority_vote(np.float32([[0.9, 0.9, 0.5]]), np.zeros((1, 3), np.int32))
    assert (found > 0.5).all()


@settings(max_examples=50, deadline=None)
@given(maps, st.integers(0, 1000))
def test_thresholded_the_vote_is_the_papers_mask(probability: Probability, seed: int) -> None:
    labels = np.random.default_rng(seed).integers(0, 4, probability.shape, np.int32)
    labels = np.unique(labels, return_inverse=True)[1].reshape(labels.shape).astype(np.int32)
    found = majority_vote(probability, labels)
    share = ndimage.mean(probability > 0.5, labels, np.arange(labels.max() + 1))
    assert ((found > 0.5) == (share > 0.5)[labels]).all()
    agreed = (found > 0.5) == (probability > 0.5)
    assert (found[agreed] == probability[agreed]).all()
    assert (majority_vote(found, labels) == found).all()


# --- snapping -------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def nothing_kept():
    """No network and no superpixels from another test."""
    yield
    module._superpixels_of.cache_clear()
    contour_branch.contour_network.cache_clear()


def square_scene() -> tuple[NDArray[np.uint8], Probability, NDArray[np.bool_]]:
    """A grey frame, the contour map of a square in it, and the square with its contour's inner half."""
    contours = np.zeros((40, 60), np.float32)
    contours[9:32, 19:42] = 0.9
    contours[12:29, 22:39] = 0
    square = np.zeros((40, 60), bool)
    square[11:30, 21:40] = True
    return np.full((40, 60, 3), 128, np.uint8), contours, square


def test_a_ragged_mask_snaps_to_the_learned_contour(monkeypatch) -> None:
    image, contours, square = square_scene()
    monkeypatch.setattr(module, "contour_probability", lambda _: contours)
    ragged = np.zeros((40, 60), np.float32)
    ragged[8:28, 23:42] = 0.8
    ragged[15:18, 28:32] = 0.1  # a hole
    found = snap(image, ragged, "superpixels") > 0.5
    # Which side the contour's own line goes to is left to the watershed.
    assert found[square].all()
    assert not found[~square & (contours == 0)].any()


def test_other_objects_of_a_frame_reuse_its_superpixels(monkeypatch) -> None:
    image, contours, square = square_scene()
    asked = []
    monkeypatch.setattr(module, "contour_probability", lambda frame: asked.append(1) or contours)
    for probability in (square, ~square):
        snap(image, probability.astype(np.float32), "superpixels")
    assert len(asked) == 1
    snap(image + 1, square.astype(np.float32), "superpixels")
    assert len(asked) == 2


def test_an_empty_mask_needs_no_network(monkeypatch) -> None:
    monkeypatch.setattr(module, "contour_probability", None)
    image, _, square = square_scene()
    faint = square.astype(np.float32) * 0.4
    assert (snap(image, faint, "superpixels") == faint).all()


def test_without_the_contour_network_one_sentence_says_what_to_do(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(weights, "bundled_folder", lambda: tmp_path)
    image, _, square = square_scene()
    with pytest.raises(
        WeightsError, match=r"needs the contour network.*choose another snapping, or train it"
    ):
        snap(image, square.astype(np.float32), "superpixels")


def test_the_bundled_network_gives_a_probability_of_the_frames_size(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(weights, "bundled_folder", lambda: tmp_path)
    export_weights(
        OsvosLite().state_dict(), tmp_path / "contours_lite.safetensors", {"architecture": "contours_lite"}
    )
    image = np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)
    found = contour_probability(image)
    assert found.shape == (50, 70)
    assert found.dtype == np.float32
    assert 0 <= found.min() <= found.max() <= 1
    seen: list[torch.Size] = []
    network = contour_branch.contour_network(torch.device("cpu"))
    hook = network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape))
    monkeypatch.setattr(contour_branch, "LARGEST_AREA", 32 * 64)
    assert contour_probability(image).shape == (50, 70)
    hook.remove()
    assert seen == [torch.Size([1, 3, 32, 64])]
