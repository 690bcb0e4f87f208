"""Temporal smoothing of an edge that chatters, on a disk whose true place and motion are known."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from tests.vosengine.finish.drawn import as_matte, disk
from vosengine.edge_controls import EdgeControls
from vosengine.finish import Motion, Motions, Surroundings, finished, surroundings
from vosengine.types import ClipInfo, Image, Matte

SIZE = (180, 240)
STEP = (3.0, -1.0)  # pixels a frame
CONTROLS = EdgeControls(smoothing=2)


def place(frame: int) -> tuple[float, float]:
    return 90 + STEP[0] * frame, 100 + STEP[1] * frame


def truth(frame: int) -> Matte:
    return as_matte(disk(40, place(frame), SIZE))


def chattering(frame: int) -> Matte:
    """The disk with an edge that wanders by a pixel or two, otherwise on each frame."""
    noise = np.random.default_rng(50 + frame).normal(scale=0.8, size=(2, 12, 16)).astype(np.float32)
    wander = [cv2.resize(each, SIZE[::-1], interpolation=cv2.INTER_CUBIC) for each in noise]
    y, x = np.mgrid[: SIZE[0], : SIZE[1]].astype(np.float32)
    return as_matte(cv2.remap(disk(40, place(frame), SIZE), x + wander[0], y + wander[1], cv2.INTER_LINEAR))


def known_motion(trust: float = 1) -> dict[int, Motion]:
    """Every pixel moves like the disk."""
    sure = np.full(SIZE, trust, np.float32)
    still = np.zeros((*SIZE, 2), np.float32)
    return {offset: Motion(still + np.float32(STEP) * offset, sure) for offset in (-2, -1, 1, 2)}


def around(mattes: Mapping[int, Matte], trust: float = 1, drawn: bool = False) -> Surroundings:
    return Surroundings(mattes, known_motion(trust), drawn)


def error(matte: Matte, frame: int = 0) -> float:
    """Pixels on the wrong side of the edge for each pixel of its length."""
    wrong = (matte >= 0x8000) != (truth(frame) >= 0x8000)
    return float(np.count_nonzero(wrong) / (2 * np.pi * 40))


def test_chatter_is_taken_out_and_the_objects_own_motion_is_kept():
    mattes = {offset: chattering(offset) for offset in (-2, -1, 1, 2)}
    found = finished(chattering(0), CONTROLS, around(mattes))
    assert error(found) < 0.7 * error(chattering(0))


def test_a_frame_that_a_person_vouched_for_keeps_its_matte():
    matte, mattes = chattering(0), {1: chattering(1), -1: chattering(-1)}
    assert (finished(matte, CONTROLS, around(mattes, drawn=True)) == matte).all()
    larger = finished(matte, EdgeControls(smoothing=2, grow=2), around(mattes, drawn=True))
    assert (larger == finished(matte, EdgeControls(grow=2))).all()


def test_what_flow_cannot_follow_leaves_the_edge_alone():
    elsewhere = {offset: truth(8) for offset in (-2, -1, 1, 2)}
    assert (finished(chattering(0), CONTROLS, around(elsewhere, trust=0)) == chattering(0)).all()


def test_no_hole_is_opened_and_no_ghost_dragged_away_from_the_edge():
    empty, full = np.zeros(SIZE, np.uint16), np.full(SIZE, 65535, np.uint16)
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    far = np.abs(np.hypot(x - place(0)[0], y - place(0)[1]) - 40) > 6
    for wrong in (empty, full):
        found = finished(truth(0), CONTROLS, around(dict.fromkeys((-2, -1, 1, 2), wrong)))
        assert (found[far] == truth(0)[far]).all()


# --- with flow that is computed ---------------------------------------------------------------------------


def picture(frame: int) -> Image:
    """A textured disk that moves before another texture that stands still."""
    noise = np.random.default_rng(0).integers(0, 256, (2, 45, 60, 3)).astype(np.float32)
    ground, own = (cv2.resize(each, SIZE[::-1], interpolation=cv2.INTER_CUBIC) for each in noise)
    shift = np.float32([[1, 0, STEP[0] * frame], [0, 1, STEP[1] * frame]])
    own = cv2.warpAffine(own, shift, SIZE[::-1], borderMode=cv2.BORDER_REFLECT)
    share = disk(40, place(frame), SIZE)[..., None]
    return np.clip(share * own + (1 - share) * ground, 0, 255).astype(np.uint8)


def a_clip(count: int) -> ClipInfo:
    times = tuple(Fraction(frame, 24) for frame in range(count))
    return ClipInfo(Path("/no/clip.mov"), SIZE[1], SIZE[0], Fraction(24), times, "drawn")


def test_flow_finds_the_motion_and_finishing_asks_for_no_more_than_it_needs():
    asked: list[int] = []

    def image_of(frame: int) -> Image:
        asked.append(frame)
        return picture(frame)

    motions = Motions(image_of, a_clip(7))
    scene = surroundings(3, EdgeControls(smoothing=2), chattering, motions)
    assert sorted(set(asked)) == [1, 2, 3, 4, 5]
    assert len(asked) == 5
    inside = truth(3) == 65535
    for offset in (-2, -1, 1, 2):
        usual = np.median(scene.motions[offset].flow[inside], axis=0)
        assert np.abs(usual - np.multiply(STEP, offset)).max() < 0.3
        assert scene.motions[offset].trust[inside].mean() > 0.8
    assert error(finished(chattering(3), CONTROLS, scene), 3) < 0.75 * error(chattering(3), 3)
    asked.clear()
    assert surroundings(3, EdgeControls(grow=2), chattering, motions).motions == {}
    assert set(surroundings(6, EdgeControls(motion_blur=1), chattering, motions).motions) == {-1}
    assert surroundings(4, CONTROLS, chattering, motions, drawn=True).motions == {}
    assert asked == [6]


def test_motion_blur_with_computed_flow():
    motions = Motions(picture, a_clip(3))
    controls = EdgeControls(motion_blur=1)
    found = finished(truth(1), controls, surroundings(1, controls, truth, motions)) / 65535
    moments = (np.arange(100) + 0.5) / 100 - 0.5
    exposed = np.mean([disk(40, place(1 + moment), SIZE) for moment in moments], axis=0)
    before = np.abs(truth(1) / 65535 - exposed).sum()
    assert np.abs(found - exposed).sum() < 0.4 * before
