"""GrabCut on painted scenes whose truth is known, and on real first frames where the data is there."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from vosengine.errors import AnnotationError
from vosengine.grabcut import BACKGROUND, FOREGROUND, scribbles_to_mask
from vosengine.types import Box, Image, Mask

DATA = Path(os.environ.get("ROTOSHOT_DATA", Path(__file__).parents[3] / "shared" / "data"))

Flags = NDArray[np.bool_]


def scene(truth: Flags, seed: int = 0) -> Image:
    """Warm texture inside the truth, cool texture outside; both vary slowly and in detail."""
    rng = np.random.default_rng(seed)
    slow = cv2.resize(rng.normal(size=(6, 8, 3)), truth.shape[::-1], interpolation=cv2.INTER_CUBIC) * 12
    detail = cv2.GaussianBlur(rng.normal(size=(*truth.shape, 3)), (0, 0), 1) * 25
    colour = np.where(truth[..., None], (190.0, 110.0, 60.0), (70.0, 110.0, 130.0))
    return np.clip(colour + slow + detail, 0, 255).astype(np.uint8)


def ellipse(height: int, width: int, x: int, y: int, a: int, b: int) -> Flags:
    rows, columns = np.mgrid[:height, :width]
    return ((columns - x) / a) ** 2 + ((rows - y) / b) ** 2 <= 1


def unmarked(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    return np.zeros(shape[:2], np.uint8)


def stroke(
    scribbles: NDArray[np.uint8], start: tuple[int, int], end: tuple[int, int], value: int = FOREGROUND
) -> NDArray[np.uint8]:
    cv2.line(scribbles, start, end, value, 5)
    return scribbles


def similarity(mask: Mask, truth: Flags) -> float:
    inside = mask > 0
    return float((inside & truth).sum() / (inside | truth).sum())


TRUTH = ellipse(240, 320, 150, 120, 60, 40)
IMAGE = scene(TRUTH)


def check_marks(mask: Mask, scribbles: NDArray[np.uint8]) -> None:
    assert mask.dtype == np.uint8
    assert set(np.unique(mask)) <= {0, 255}
    assert (mask[scribbles == FOREGROUND] == 255).all()
    assert (mask[scribbles == BACKGROUND] == 0).all()


# --- what points to the object --------------------------------------------------------------------------


def test_one_foreground_stroke_is_enough() -> None:
    scribbles = stroke(unmarked(IMAGE.shape), (110, 120), (190, 120))
    mask = scribbles_to_mask(IMAGE, scribbles)
    check_marks(mask, scribbles)
    assert similarity(mask, TRUTH) > 0.95


def test_the_live_answer_obeys_the_marks_and_is_near_the_full_one() -> None:
    scribbles = stroke(unmarked(IMAGE.shape), (110, 120), (190, 120))
    stroke(scribbles, (60, 60), (260, 60), BACKGROUND)
    live = scribbles_to_mask(IMAGE, scribbles, live=True)
    check_marks(live, scribbles)
    assert similarity(live, scribbles_to_mask(IMAGE, scribbles) > 0) > 0.9


def test_both_kinds_of_strokes() -> None:
    scribbles = stroke(unmarked(IMAGE.shape), (130, 110), (170, 130))
    stroke(scribbles, (60, 60), (260, 60), BACKGROUND)
    stroke(scribbles, (60, 190), (260, 190), BACKGROUND)
    mask = scribbles_to_mask(IMAGE, scribbles)
    check_marks(mask, scribbles)
    assert similarity(mask, TRUTH) > 0.95


def test_only_a_box() -> None:
    mask = scribbles_to_mask(IMAGE, unmarked(IMAGE.shape), Box(84, 74, 132, 92))
    assert similarity(mask, TRUTH) > 0.95


def test_a_box_bounds_the_object_but_for_foreground_marks() -> None:
    scribbles = stroke(unmarked(IMAGE.shape), (195, 120), (204, 120))
    mask = scribbles_to_mask(IMAGE, scribbles, Box(85, 75, 65, 90))
    check_marks(mask, scribbles)
    outside = mask.copy()
    outside[75:165, 85:150] = 0
    assert (outside[scribbles != FOREGROUND] == 0).all()
    assert mask[120, 120] == 255


def test_background_strokes_inside_a_box_carve_it() -> None:
    two = TRUTH | ellipse(240, 320, 250, 120, 25, 25)
    scribbles = stroke(unmarked(two.shape), (250, 100), (250, 140), BACKGROUND)
    mask = scribbles_to_mask(scene(two), scribbles, Box(80, 70, 210, 100))
    check_marks(mask, scribbles)
    assert similarity(mask, TRUTH) > 0.9


# --- the result's shape ---------------------------------------------------------------------------------


def test_look_alikes_apart_from_the_marked_object_are_left_out() -> None:
    twin = ellipse(240, 320, 255, 120, 20, 20)
    scribbles = stroke(unmarked(IMAGE.shape), (110, 120), (190, 120))
    mask = scribbles_to_mask(scene(TRUTH | twin), scribbles)
    assert not (mask[twin] > 0).any()
    assert similarity(mask, TRUTH) > 0.93


def test_two_marked_parts_are_both_kept() -> None:
    twin = ellipse(240, 320, 265, 120, 25, 30)
    scribbles = stroke(unmarked(IMAGE.shape), (110, 120), (190, 120))
    stroke(scribbles, (265, 105), (265, 135))
    mask = scribbles_to_mask(scene(TRUTH | twin), scribbles)
    assert similarity(mask, TRUTH | twin) > 0.93


def test_an_object_cut_by_the_frame_is_followed_to_its_edge() -> None:
    truth = ellipse(240, 320, 10, 200, 80, 70)
    scribbles = stroke(unmarked(truth.shape), (2, 155), (60, 225))
    mask = scribbles_to_mask(scene(truth), scribbles)
    assert similarity(mask, truth) > 0.93
    assert mask[239, 0] == 255


def test_a_large_frame_is_cut_as_sharply_as_its_pixels() -> None:
    truth = ellipse(1080, 1920, 900, 500, 400, 300)
    image = np.asarray(cv2.resize(scene(truth[::4, ::4]), (1920, 1080)), np.uint8)
    image = np.where(truth[..., None], image // 2 + np.uint8([90, 20, 0]), image // 2)
    scribbles = stroke(unmarked(truth.shape), (600, 500), (1200, 500))
    mask = scribbles_to_mask(image, scribbles)
    check_marks(mask, scribbles)
    assert similarity(mask, truth) > 0.98


def test_the_same_marks_give_the_same_mask_whatever_was_cut_before() -> None:
    scribbles = stroke(unmarked(IMAGE.shape), (110, 120), (190, 120))
    first = scribbles_to_mask(IMAGE, scribbles)
    scribbles_to_mask(scene(TRUTH, seed=4), unmarked(IMAGE.shape), Box(20, 20, 200, 150))
    assert np.array_equal(scribbles_to_mask(IMAGE, scribbles), first)


def test_nothing_given_is_written_to() -> None:
    scribbles = stroke(unmarked(IMAGE.shape), (110, 120), (190, 120))
    image = IMAGE.copy()
    for array in (image, scribbles):
        array.flags.writeable = False
    scribbles_to_mask(image, scribbles)


# --- what is refused ------------------------------------------------------------------------------------


def test_nothing_at_all_asks_for_a_stroke_or_a_box() -> None:
    with pytest.raises(AnnotationError, match=r"draw a foreground stroke .* or a box"):
        scribbles_to_mask(IMAGE, unmarked(IMAGE.shape))


def test_only_background_strokes_ask_for_a_stroke_or_a_box() -> None:
    scribbles = stroke(unmarked(IMAGE.shape), (5, 5), (100, 5), BACKGROUND)
    with pytest.raises(AnnotationError, match="foreground stroke"):
        scribbles_to_mask(IMAGE, scribbles)


@pytest.mark.parametrize("box", [Box(-50, 10, 40, 40), Box(400, 10, 40, 40), Box(10, 10, 0, 20)])
def test_a_box_beside_the_frame_is_refused(box: Box) -> None:
    with pytest.raises(AnnotationError, match="box"):
        scribbles_to_mask(IMAGE, unmarked(IMAGE.shape), box)


def test_other_sizes_are_refused() -> None:
    with pytest.raises(AnnotationError, match="320x240"):
        scribbles_to_mask(IMAGE, unmarked((240, 321)), Box(0, 0, 10, 10))


# --- anything goes in -----------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(np.uint8, (18, 25, 3)),
    hnp.arrays(np.uint8, (18, 25), elements=st.sampled_from([0, 0, 0, 0, 0, 0, 0, 1, 2])),
    st.one_of(st.none(), st.builds(Box, *[st.floats(0, 17)] * 2, *[st.floats(1.5, 30)] * 2)),
)
def test_marks_are_obeyed_whatever_they_are(
    image: Image, scribbles: NDArray[np.uint8], box: Box | None
) -> None:
    try:
        mask = scribbles_to_mask(image, scribbles, box)
    except AnnotationError:
        assert not (scribbles == FOREGROUND).any()
        return
    assert mask.shape == (18, 25)
    check_marks(mask, scribbles)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (4, 4)])
def test_tiny_frames_and_single_dots(size: tuple[int, int]) -> None:
    scribbles = unmarked(size)
    scribbles[0, 0] = FOREGROUND
    mask = scribbles_to_mask(np.zeros((*size, 3), np.uint8), scribbles)
    assert mask[0, 0] == 255


def test_a_frame_marked_all_over_is_all_object() -> None:
    scribbles = np.full((30, 40), FOREGROUND, np.uint8)
    assert (scribbles_to_mask(scene(ellipse(30, 40, 20, 15, 9, 9)), scribbles) == 255).all()


# --- real frames ----------------------------------------------------------------------------------------


def middle_line(truth: Flags) -> NDArray[np.uint8]:
    """A person's quick stroke: the skeleton of the eroded truth, three pixels wide."""
    radius = max(1, round(0.075 * np.sqrt(truth.sum())))
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    eroded = cv2.erode(truth.astype(np.uint8), disk) * np.uint8(255)
    line = cv2.dilate(cv2.ximgproc.thinning(eroded), np.ones((3, 3), np.uint8))
    return np.where((line > 0) & truth, FOREGROUND, 0).astype(np.uint8)


def first_frame(name: str) -> tuple[Image, Flags]:
    archive = DATA / "davis-train" / "davis-train-360p.tar"
    if not archive.is_file():
        pytest.skip(f"{archive} is absent; set ROTOSHOT_DATA to the folder that holds davis-train")
    with tarfile.open(archive) as tar:
        members = [
            f"{kind}/360p/{name}/00000.{end}" for kind, end in (("JPEGImages", "jpg"), ("Annotations", "png"))
        ]
        raw = [tar.extractfile(member) for member in members]
        data = [np.frombuffer(file.read(), np.uint8) for file in raw if file is not None]
    image = cv2.cvtColor(cv2.imdecode(data[0], cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    return np.asarray(image, np.uint8), cv2.imdecode(data[1], cv2.IMREAD_GRAYSCALE) > 127


@pytest.mark.parametrize("name", ["bus", "hike", "soccerball", "surf"])
def test_a_stroke_along_the_middle_of_real_objects(name: str) -> None:
    image, truth = first_frame(name)
    x, y, width, height = cv2.boundingRect(truth.astype(np.uint8))
    scribbles = middle_line(truth)
    box = Box(x - 3, y - 3, width + 6, height + 6)
    mask = scribbles_to_mask(image, scribbles, box)
    check_marks(mask, scribbles)
    assert similarity(mask, truth) > 0.75
