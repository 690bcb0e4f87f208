import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.viewport import FIT_MARGIN, LARGEST_SCALE, SMALLEST_SCALE, Viewport, fitted

CLIP, WIDGET = (854, 480), (1000, 700)


def test_to_widget_and_back():
    viewport = Viewport(2.5, 30, -7)
    assert viewport.to_widget(10, 20) == (55, 43)
    assert viewport.to_clip(55, 43) == (10, 20)


@given(
    factor=st.floats(0.01, 100), x=st.floats(-500, 1500), y=st.floats(-500, 1500), scale=st.floats(0.05, 30)
)
def test_zooming_keeps_the_pixel_under_the_pointer(factor: float, x: float, y: float, scale: float):
    viewport = Viewport(scale, 12.0, 34.0)
    zoomed = viewport.zoomed(factor, x, y)
    assert SMALLEST_SCALE <= zoomed.scale <= LARGEST_SCALE
    assert zoomed.to_widget(*viewport.to_clip(x, y)) == pytest.approx((x, y), abs=1e-3)


@given(dx=st.floats(-1e5, 1e5), dy=st.floats(-1e5, 1e5), scale=st.floats(0.1, 20))
def test_the_frame_cannot_be_lost(dx: float, dy: float, scale: float):
    viewport = Viewport(scale).panned(dx, dy).kept_in_sight(CLIP, WIDGET)
    left, top = viewport.to_widget(0, 0)
    right, bottom = viewport.to_widget(*CLIP)
    assert right >= 40
    assert bottom >= 40
    assert left <= WIDGET[0] - 40
    assert top <= WIDGET[1] - 40


def test_fitted_shows_the_whole_frame_centred():
    viewport = fitted(CLIP, WIDGET)
    assert viewport.to_widget(0, 0)[0] == pytest.approx(FIT_MARGIN)
    assert viewport.to_widget(427, 240) == pytest.approx((500, 350))
