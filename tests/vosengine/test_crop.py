import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vosengine.crop import LARGEST_ZOOM, STRIDE, crop_size, whole_frame, window_around
from vosengine.types import Box

AREA = 288 * 192


@given(
    st.integers(40, 1080),
    st.integers(40, 1920),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0.01, 1),
    st.floats(0.01, 1),
)
def test_windows_lie_in_the_frame_and_hold_the_object(height, width, x, y, w, h):
    box = Box(x * width * 0.99, y * height * 0.99, w * width, h * height).clipped(width, height)
    window = window_around(box, height, width, 1.8, AREA)
    assert 0 <= window.x <= window.x + window.width <= width
    assert 0 <= window.y <= window.y + window.height <= height
    assert window.x <= box.x + 1e-6
    assert window.y <= box.y + 1e-6
    assert window.x + window.width >= box.x + box.width - 1e-6
    assert window.y + window.height >= box.y + box.height - 1e-6
    assert window.rows % STRIDE == window.columns % STRIDE == 0
    assert window.rows * window.columns <= 1.6 * AREA


def test_small_objects_are_enlarged_at_most_so_far():
    window = window_around(Box(400, 200, 4, 4), 480, 854, 1.8, AREA)
    assert window.columns / window.width <= LARGEST_ZOOM * 1.2
    assert window.rows / window.height <= LARGEST_ZOOM * 1.2


def test_crop_size_keeps_the_aspect():
    assert crop_size(192, 288, AREA) == (192, 288)
    assert crop_size(300, 100, AREA) == (416, 128)


def test_pasting_what_was_cut_gives_it_back():
    y, x = np.mgrid[0:240, 0:400]
    smooth = (0.5 + 0.4 * np.sin(x / 40) * np.cos(y / 30)).astype(np.float32)
    window = window_around(Box(150, 80, 120, 70), 240, 400, 1.5, AREA)
    back = window.paste(window.cut_soft(smooth), 240, 400)
    inside = (slice(window.y, window.y + window.height), slice(window.x, window.x + window.width))
    assert np.abs(back[inside] - smooth[inside]).max() < 0.02
    outside = back.copy()
    outside[inside] = 0
    assert not outside.any()


def test_whole_frame_rounds_to_the_stride():
    window = whole_frame(480, 854)
    assert (window.rows, window.columns) == (480, 864)
    assert (window.width, window.height) == (854, 480)
