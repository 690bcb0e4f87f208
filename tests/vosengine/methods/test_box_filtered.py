"""The filters of the box-filtered method on maps drawn by hand, and the method on a small clip."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from tests.vosengine.methods.scene import HEIGHT, WIDTH, follow, shots
from vosengine.config import BoxFilteredSettings, preset
from vosengine.errors import EngineError
from vosengine.finetune import Shot
from vosengine.guides.detector import Detection, NoDetector
from vosengine.methods import new_method, registry
from vosengine.methods.box_filtered import (
    UNCATEGORIZED,
    BoxFiltered,
    best_box,
    component_box,
    filter_components,
    filtered,
    first_boxes,
    inside,
    map_iou,
    near,
    touching,
)
from vosengine.networks.osvos_lite import OsvosLite
from vosengine.types import Box

ROWS, COLUMNS = 20, 40
EIGHT = np.ones((3, 3), int)  # scipy's structure of 8-connected components


def drawn(*parts):
    """A map with rectangles (x, y, width, height, probability)."""
    values = np.zeros((ROWS, COLUMNS), np.float32)
    for x, y, width, height, probability in parts:
        values[y : y + height, x : x + width] = probability
    return values


def test_overlap_of_a_box_and_a_map_by_hand():
    box = Box(2, 2, 4, 4)
    assert map_iou(box, drawn((2, 2, 4, 4, 1))) == 1
    assert map_iou(box, drawn((2, 2, 4, 2, 1), (20, 2, 4, 1, 1))) == pytest.approx(8 / 20)
    assert map_iou(box, drawn((2, 2, 4, 4, 0.5))) == pytest.approx(8 / 16), "a grey map counts by its grey"
    assert map_iou(box, drawn()) == 0
    assert map_iou(Box(100, 100, 4, 4), drawn()) == 0


boxes = st.builds(Box, *[st.integers(0, 10)] * 2, *[st.integers(1, 9)] * 2)


@given(boxes, boxes)
def test_overlap_of_boxes_is_that_of_their_pixels(a, b):
    shape = (ROWS, COLUMNS)
    pixels = inside([b], shape).astype(np.float32)
    assert a.iou(b) == pytest.approx(map_iou(a, pixels))
    assert a.iou(b) == b.iou(a)
    assert a.iou(a) == 1


def test_a_box_covers_the_pixels_it_reaches_in_the_frame():
    region = inside([Box(-3, 18.5, 4.2, 9), Box(99, 0, 2, 2)], (ROWS, COLUMNS))
    assert np.array_equal(region, drawn((0, 18, 2, 2, 1)) > 0)


binary = arrays(bool, (6, 9))


@settings(max_examples=40)
@given(binary, binary)
def test_touching_components_are_those_of_scipy(pixels, region):
    labels, _ = ndimage.label(pixels, EIGHT)
    expected = np.isin(labels, np.setdiff1d(labels[region], 0))
    assert np.array_equal(touching(pixels, region), expected)


def person(x, y=4, score=0.9):
    return Detection(Box(x, y, 6, 8), "person", score)


def test_the_first_frame_chooses_class_and_box_by_overlap_with_the_annotation():
    mask = drawn((4, 4, 6, 8, 1))
    dog = Detection(Box(4, 4, 6, 30), "dog", 0.99)
    assert first_boxes(mask, [person(20), person(4), person(5), dog]) == {
        "person": Box(4, 4, 6, 8),
        "dog": Box(4, 4, 6, 30),
    }
    assert first_boxes(mask, [person(4), replace(dog, box=Box(4, 10, 20, 10))]) == {"person": Box(4, 4, 6, 8)}


def test_a_thin_object_is_not_expected_to_fill_its_box():
    mask = np.zeros((ROWS, COLUMNS), np.float32)
    mask[range(4, 14), range(4, 14)] = 1  # a diagonal: a tenth of its box
    found = first_boxes(
        mask, [Detection(Box(4, 4, 11, 12), "snake", 0.9), Detection(Box(4, 4, 20, 16), "sea", 1)]
    )
    assert found == {"snake": Box(4, 4, 11, 12)}  # 10/132 is above 0.4 x 10/100, 10/320 is below


def test_an_unknown_class_starts_with_the_annotations_own_box():
    mask = drawn((4, 4, 6, 8, 1), (8, 10, 5, 5, 1))
    assert first_boxes(mask, [person(25)]) == {UNCATEGORIZED: Box(4, 4, 9, 11)}
    assert first_boxes(drawn(), []) == {}


def test_the_appearance_filter_takes_the_box_of_best_overlap_with_the_map():
    values = drawn((4, 4, 6, 8, 0.9), (20, 4, 6, 8, 0.6))
    assert best_box([Box(20, 4, 6, 8), Box(4, 4, 6, 8), Box(0, 0, 40, 20)], values) == Box(4, 4, 6, 8)
    assert best_box([], values) is None


def test_the_temporal_filter_passes_what_overlaps_the_previous_box():
    previous = Box(4, 4, 6, 8)  # moved by two columns of six: IoU 4/8; by three: 3/9
    candidates = [Box(4 + moved, 4, 6, 8) for moved in (0, 2, 3, 20)]
    assert near(candidates, previous, 0.5) == candidates[:2]
    assert near(candidates, previous, 1 / 3) == candidates[:3]


def test_a_box_from_the_components_that_touch_the_previous_box():
    values = drawn((5, 5, 3, 3, 0.9), (8, 8, 4, 2, 0.5), (30, 5, 5, 5, 0.9), (5, 15, 3, 3, 0.4))
    assert component_box(values, Box(0, 0, 6, 20)) == Box(5, 5, 7, 5), "diagonal neighbours are connected"
    assert component_box(values, Box(15, 0, 5, 20)) is None


def test_strong_components_in_the_box_bring_the_weak_pixels_they_are_connected_to():
    values = drawn(
        (2, 2, 12, 4, 0.5),  # weak, reaches out of the box ...
        (3, 3, 2, 2, 0.9),  # ... from strong pixels inside it
        (2, 12, 6, 4, 0.5),  # weak alone, inside the box
        (30, 2, 6, 4, 0.95),  # strong, outside
        (14, 2, 1, 4, 0.2),  # soft edge of what is kept
        (29, 2, 1, 4, 0.2),  # soft edge of what is removed
    )
    region = inside([Box(0, 0, 10, 20)], values.shape)
    found = filter_components(values, region, low=0.4, high=0.8)
    kept = drawn((2, 2, 12, 4, 1)) > 0
    assert np.array_equal(found >= 0.5, kept)
    assert found[2, 14] == pytest.approx(0.25), "the low threshold became one half: 0.2 became 0.25"
    assert found[3, 3] == pytest.approx(0.5 + 0.5 * 0.5 / 0.6)
    assert not found[:, 20:].any()
    assert found.dtype == np.float32


def test_nothing_strong_in_the_box_leaves_nothing():
    values = drawn((2, 2, 12, 4, 0.7), (30, 2, 6, 4, 0.95))
    assert not filter_components(values, inside([Box(0, 0, 10, 20)], values.shape), 0.4, 0.8).any()
    everywhere = np.ones(values.shape, bool)
    assert not filter_components(drawn(), everywhere, 0.4, 0.8).any()


@settings(max_examples=40)
@given(arrays(np.float32, (6, 9), elements=st.floats(0, 1, width=32)), binary)
def test_hysteresis_agrees_with_scipys_labels(values, region):
    found = filter_components(values, region, 0.4, 0.8)
    strong, _ = ndimage.label(values >= 0.8, EIGHT)
    first = np.isin(strong, np.setdiff1d(strong[region], 0))
    weak, _ = ndimage.label(values >= 0.4, EIGHT)
    second = np.isin(weak, np.setdiff1d(weak[first], 0))
    assert np.array_equal(found >= 0.5, second)
    assert found.min() >= 0
    assert found.max() <= 1


@pytest.mark.parametrize("clip_to_box", [False, True])
@pytest.mark.parametrize("components", [False, True])
def test_clipping_and_components_are_switched_independently(clip_to_box, components):
    values = drawn((2, 2, 12, 4, 0.9), (30, 2, 6, 4, 0.9))
    switches = BoxFilteredSettings(clip_to_box=clip_to_box, components=components)
    expected = {
        (False, False): drawn((2, 2, 12, 4, 1), (30, 2, 6, 4, 1)),
        (True, False): drawn((2, 2, 8, 4, 1)),
        (False, True): drawn((2, 2, 12, 4, 1)),
        (True, True): drawn((2, 2, 8, 4, 1)),
    }
    found = filtered(values, [Box(0, 0, 10, 20)], switches)
    assert np.array_equal(found >= 0.5, expected[clip_to_box, components] > 0)
    assert np.array_equal(filtered(values, [], switches) >= 0.5, values >= 0.5), "no box, no place filtered"


class Scripted:
    """A detector that knows each frame's detections by the frame's number, its first pixel."""

    def __init__(self, *by_frame):
        self.by_frame = by_frame
        self.asked = []

    def detect(self, image):
        self.asked.append(int(image[0, 0, 0]))
        return list(self.by_frame[image[0, 0, 0]])


def numbered(number):
    return np.full((ROWS, COLUMNS, 3), number, np.uint8)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return OsvosLite(side_channels=1)


def sweep(network, detector, maps, annotated=None, **switches):
    """The results on frames 1, 2, ... whose appearance maps are given; frame 0's is its annotation."""
    config = preset("box-filtered-lite", **{f"box_filtered.{key}": value for key, value in switches.items()})
    method = BoxFiltered(network, config, detector)
    method.test_network.probability = lambda image: maps[image[0, 0, 0]]
    track = method.begin(annotated or [Shot(0, numbered(0), maps[0])], 0)
    return [track.segment(numbered(n)) for n in range(1, len(maps))]


def covers(found, *parts):
    return np.array_equal(found >= 0.5, drawn(*[(*part, 1) for part in parts]) > 0)


def test_the_table_of_switches(network):
    """Two people; ours moves on and the detector loses it on frame 2, where the other one fits better."""
    ours = [(4, 4, 6, 8), (6, 4, 6, 8), (7, 4, 6, 9)]
    other = (25, 4, 6, 8)
    maps = [drawn((*ours[0], 1)), *(drawn((*part, 0.85), (*other, 0.95)) for part in ours[1:])]
    script = [
        [person(4), person(25)],
        [person(6), person(25)],
        [person(25)],
    ]
    rows = {
        "appearance": sweep(network, Scripted(*script), maps, temporal=False, components=False),
        "clipping": sweep(
            network, Scripted(*script), maps, temporal=False, components=False, clip_to_box=True
        ),
        "temporal": sweep(network, Scripted(*script), maps, components=False, clip_to_box=True),
        "components": sweep(network, Scripted(*script), maps, temporal=False),
        "all": sweep(network, Scripted(*script), maps),
    }
    assert all(np.array_equal(a, b) for a, b in zip(rows["appearance"], maps[1:], strict=True))
    for without_tracking in (rows["clipping"], rows["components"]):
        assert all(covers(found, other) for found in without_tracking), "switched to the other person"
    for tracked in (rows["temporal"], rows["all"]):
        assert covers(tracked[0], ours[1])
        assert covers(tracked[1], ours[2]), "a box from components where nothing was detected"


def test_clipping_cuts_what_the_component_filter_keeps(network):
    """Figure 5: the swan's neck is out of the box."""
    maps = [drawn((4, 8, 12, 8, 1)), drawn((5, 8, 12, 8, 0.9), (14, 2, 2, 6, 0.9))]
    swan = Detection(Box(4, 8, 12, 8), "bird", 0.9)
    script = Scripted([swan], [swan])
    (clipped,) = sweep(network, script, maps, clip_to_box=True, components=False)
    assert covers(clipped, (5, 8, 11, 8))
    (whole,) = sweep(network, script, maps)
    assert covers(whole, (5, 8, 12, 8), (14, 2, 2, 6))


def test_an_uncategorized_object_is_tracked_by_its_components(network):
    path = [(4, 4, 6, 8), (8, 4, 6, 8), (12, 4, 6, 8)]
    noise = (30, 12, 5, 5, 0.9)
    maps = [drawn((*path[0], 1)), *(drawn((*part, 0.9), noise) for part in path[1:])]
    detector = Scripted([person(25)], [person(30)], [person(30)])
    found = sweep(network, detector, maps)
    assert all(covers(f, part) for f, part in zip(found, path[1:], strict=True))
    assert detector.asked == [0], "classes unknown on the first frame are of no interest later"
    none = sweep(network, NoDetector(), maps)
    assert all(np.array_equal(a, b) for a, b in zip(found, none, strict=True))
    unfiltered = sweep(network, detector, maps, temporal=False)
    assert all(covers(f, part, noise[:4]) for f, part in zip(unfiltered, path[1:], strict=True))


def test_a_rider_and_a_horse_are_followed_by_a_box_each(network):
    def scene(x):
        return [
            Detection(Box(x + 2, 2, 6, 8), "person", 0.9),
            Detection(Box(x, 9, 10, 8), "horse", 0.9),
        ]

    maps = [drawn((x + 2, 2, 6, 8, 1), (x, 11, 10, 6, 1)) for x in (2, 4)]
    (found,) = sweep(network, Scripted(scene(2), scene(4)), maps)
    assert np.array_equal(found >= 0.5, maps[1] > 0), "two components, each touches a box of its own"
    (rider,) = sweep(network, Scripted(scene(2)[:1], scene(4)), maps)
    assert covers(rider, (6, 2, 6, 8)), "the horse's class was not there on the first frame"


def test_a_lost_object_is_empty_and_found_again_by_its_class_elsewhere(network):
    back, speck = (28, 4, 6, 8, 0.9), (16, 6, 3, 2, 0.9)
    maps = [drawn((4, 4, 6, 8, 1)), drawn(), drawn(speck), drawn(back), drawn((30, 4, 6, 8, 0.9))]
    found = sweep(network, Scripted([person(4)], [], [person(14)], [person(28)], [person(30)]), maps)
    assert not found[0].any()
    assert not found[1].any(), "a detection on next to nothing of the map is no object found again"
    assert covers(found[2], back[:4])
    assert covers(found[3], (30, 4, 6, 8))


def test_an_object_absent_on_the_start_frame_is_known_from_another_annotation(network):
    empty = drawn()
    annotated = [Shot(0, numbered(0), empty), Shot(3, numbered(3), drawn((20, 4, 6, 8, 1)))]
    maps = [empty, drawn((4, 4, 6, 8, 0.9), (30, 15, 2, 2, 0.9))]
    script = Scripted([], [person(4)], [], [person(20)])
    (found,) = sweep(network, script, maps, annotated=annotated)
    assert covers(found, (4, 4, 6, 8))
    nothing = [Shot(0, numbered(0), empty)]
    (unfiltered,) = sweep(network, script, maps, annotated=nothing)
    assert np.array_equal(unfiltered >= 0.5, maps[1] >= 0.5)


def test_doubtful_detections_do_not_count(network):
    maps = [drawn((4, 4, 6, 8, 1)), drawn((5, 4, 6, 8, 0.9), (11, 4, 10, 2, 0.9))]
    script = Scripted([person(4)], [person(5, score=0.4)])
    doubtful, trusted = (
        sweep(network, script, maps, clip_to_box=True, components=False, score=score)[0]
        for score in (0.5, 0.3)
    )
    assert covers(doubtful, (5, 4, 6, 8), (11, 4, 10, 2)), "the box is round the whole component"
    assert covers(trusted, (5, 4, 6, 8))


def test_appearance_alone_needs_no_detector(network):
    detector = Scripted()
    maps = [drawn((4, 4, 6, 8, 1)), drawn((5, 4, 6, 8, 0.9))]
    sweep(network, detector, maps, components=False)
    assert detector.asked == []


def learned(network, seed):
    switches = {"box_filtered.detector": "none", "box_filtered.low": 0.001, "box_filtered.high": 0.002}
    method = new_method(network, preset("box-filtered-lite", batch_size=1, seed=seed, **switches))
    losses = list(method.fine_tune(shots(0), 2))
    assert len(losses) == 2
    return follow(method, 2)[0]


def test_the_same_seed_gives_the_same_masks(network):
    first = learned(network, 0)
    assert first.shape == (HEIGHT, WIDTH)
    assert first.dtype == np.float32
    assert (first >= 0.5).any()
    assert np.array_equal(learned(network, 0), first)
    assert not np.array_equal(learned(network, 1), first)


def test_presets_name_depth_1_networks_and_a_copy_keeps_the_detector(network):
    assert registry["box_filtered"].networks == {"lite": "depth1_lite", "vgg16": "depth1_vgg16"}
    assert preset("box-filtered-paper").snap == "none"
    assert preset("box-filtered-paper").box_filtered.detector == "faster_rcnn"
    detector = Scripted([person(4)])
    method = BoxFiltered(network, preset("box-filtered-lite"), detector)
    copy = method.copied()
    assert copy.detections(numbered(0)) == [person(4)]
    assert copy.network is not method.network


def test_thresholds_out_of_order_and_unknown_detectors_are_refused(network):
    with pytest.raises(EngineError, match="0 < low <= high < 1; change its thresholds"):
        preset("box-filtered-lite", **{"box_filtered.low": 0.9})
    method = new_method(network, preset("box-filtered-lite", **{"box_filtered.detector": "psychic"}))
    with pytest.raises(EngineError, match="no detector 'psychic'; choose one of none, lite"):
        method.begin(shots(0), 0)
