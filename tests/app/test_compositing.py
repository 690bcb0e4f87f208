import numpy as np
import pytest

from app.compositing import (
    CHECKER_DARK,
    CHECKER_LIGHT,
    CHECKER_SIDE,
    OVERLAY_OPACITY,
    PROXY_SIDE,
    Layer,
    Look,
    View,
    checkerboard,
    composite,
    draw_marks,
    to_qimage,
    to_weights,
    wiped,
)

IMAGE = np.full((40, 60, 3), (10, 100, 200), np.uint8)
ORANGE = (250, 120, 0)


def layer(selected: bool = False) -> Layer:
    return Layer("key", ORANGE, lambda: None, selected)


def left_half(value: int = 255) -> np.ndarray:
    weight = np.zeros((40, 60), np.uint8)
    weight[:, :30] = value
    return weight


def test_weights_round_16_bit_to_8():
    matte = np.array([[0, 128, 129, 32768, 65535]], np.uint16)
    assert to_weights(matte, 5, 1).tolist() == [[0, 0, 1, 128, 255]]


def test_weights_of_a_mask_shrink_by_averaging():
    mask = np.zeros((4, 4), np.uint8)
    mask[:, 0] = 255
    assert to_weights(mask, 2, 2)[0].tolist() == [128, 0]


def test_overlay_tints_inside_only():
    picture = composite(IMAGE, View.OVERLAY, [(layer(), left_half())])
    expected = (1 - OVERLAY_OPACITY) * IMAGE[0, 0] + OVERLAY_OPACITY * np.array(ORANGE)
    assert picture[20, 5] == pytest.approx(expected, abs=1)
    assert (picture[:, 35:] == IMAGE[:, 35:]).all()
    assert (IMAGE[20, 5] == (10, 100, 200)).all()


def test_only_the_selected_object_is_outlined():
    plain = composite(IMAGE, View.OVERLAY, [(layer(), left_half())])
    outlined = composite(IMAGE, View.OVERLAY, [(layer(selected=True), left_half())])
    changed = (plain != outlined).any(axis=2)
    assert changed[20, 29]
    assert not changed[20, 15]


def test_two_objects_that_meet_leave_no_seam():
    met = [(layer(), left_half(128)), (layer(), left_half(127)), (layer(), 255 - left_half())]
    assert (composite(IMAGE, View.MATTE, met) == 255).all()
    assert (composite(IMAGE, View.CHECKER, met) == IMAGE).all()


def test_matte_and_black():
    halves = [(layer(), left_half(128))]
    assert composite(IMAGE, View.MATTE, halves)[20, 5].tolist() == [128] * 3
    black = composite(IMAGE, View.BLACK, halves)
    assert black[20, 5] == pytest.approx(IMAGE[0, 0].astype(float) * 128 / 255, abs=1)
    assert not black[20, 40].any()


def test_checkerboard_shows_where_the_object_is_not():
    picture = composite(IMAGE, View.CHECKER, [(layer(), left_half())])
    assert picture[20, 5] == pytest.approx(IMAGE[0, 0], abs=1)
    assert (picture[:, 31:] == checkerboard(60, 40)[:, 31:, None]).all()
    board = checkerboard(60, 40)
    assert (board[0, 0], board[0, CHECKER_SIDE]) == (CHECKER_LIGHT, CHECKER_DARK)
    assert board[CHECKER_SIDE, CHECKER_SIDE] == CHECKER_LIGHT


def test_an_outline_leaves_the_inside_alone():
    picture = composite(IMAGE, View.OUTLINE, [(layer(), left_half())])
    assert (picture[20, 5] == IMAGE[0, 0]).all()
    assert (picture[20, 29] == ORANGE).all()


def test_a_colour_shows_where_the_object_is_not():
    picture = composite(IMAGE, View.BACKDROP, [(layer(), left_half())], backdrop=(1, 2, 3))
    assert picture[20, 5] == pytest.approx(IMAGE[0, 0], abs=1)
    assert picture[20, 40].tolist() == [1, 2, 3]


def test_the_difference_tells_growth_from_shrinking():
    right, now = np.roll(left_half(), 20, axis=1), left_half()
    picture = composite(IMAGE, View.DIFFERENCE, [(layer(), now)], [(layer(), right)])
    added, kept, removed, outside = picture[20, [5, 25, 45, 55]].astype(int)
    assert added.argmax() == 2
    assert removed.argmax() == 0
    assert np.ptp(kept) <= 1
    assert np.ptp(outside) <= 1
    assert kept.mean() > outside.mean()
    same = composite(IMAGE, View.DIFFERENCE, [(layer(), now)], [(layer(), now)]).astype(int)
    assert np.ptp(same, axis=2).max() <= 1  # nothing but greys


def test_confidence_glows_where_the_matte_is_undecided():
    weight = left_half()
    weight[:, 30:32] = 128
    picture = composite(IMAGE, View.CONFIDENCE, [(layer(), weight)]).astype(int)
    assert picture[20, 31].mean() > 2 * picture[20, 5].mean()
    assert (picture[20, 5] == picture[20, 50]).all()


def test_a_wipe_shows_both():
    before, now = np.zeros_like(IMAGE), IMAGE
    picture = wiped(before, now, 0.25)
    assert not picture[:, :15].any()
    assert (picture[:, 15:] == IMAGE[:, 15:]).all()


def test_marks_are_cyan_and_magenta():
    marks = np.zeros((80, 120), np.uint8)
    marks[:40], marks[40:, 60:] = 2, 1
    picture = draw_marks(IMAGE, marks).astype(int)
    assert picture[5, 5].argmax() == 2
    assert picture[35, 50].argmax() == 0
    assert (picture[35, 5] == IMAGE[0, 0]).all()


def test_the_qimage_owns_its_pixels():
    image = IMAGE.copy()
    picture = to_qimage(image)
    image[:] = 0
    colour = picture.pixelColor(3, 3)
    assert (colour.red(), colour.green(), colour.blue()) == (10, 100, 200)


def test_every_width_of_outlines_differs_and_is_the_same_in_proxy_and_sharp_picture():
    def line(scale: int, width: float) -> float:
        """The width of the line, in pixels of the proxy."""
        side = PROXY_SIDE * scale
        image, weight = np.zeros((40, side, 3), np.uint8), np.zeros((40, side), np.uint8)
        weight[:, : side // 2] = 255
        picture = composite(image, View.OVERLAY, [(layer(selected=True), weight)], look=Look(0.0, width))
        return float(picture[20, 100:-100, 0].sum()) / ORANGE[0] / scale

    widths = np.arange(0.5, 4.01, 0.25).tolist()
    for scale in (1, 2, 4):
        assert [line(scale, width) for width in widths] == pytest.approx(widths, abs=0.15)
