"""Keys of edge controls as an editor sets them, and the scales of their sliders. No window."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.document import Document
from app.edge_keys import changed, key_frames, next_key, previous_key, toggled
from app.edge_scales import SCALES, STEPS, Scale
from tests.app.document.conftest import document  # noqa: F401  (a fixture)
from tests.app.document.edited import on_disk
from vosengine.edge_controls import NEUTRAL, RANGES, EdgeControls, EdgeTrack
from vosengine.errors import AnnotationError

SOFT, WIDE = EdgeControls(feather=4), EdgeControls(grow=8)


def test_without_a_key_a_change_holds_for_the_whole_shot():
    track = changed(changed(EdgeTrack(), 7, SOFT), 2, WIDE)
    assert key_frames(track) == []
    assert {track.at(frame) for frame in (0, 2, 7, 99)} == {WIDE}
    assert changed(track, 5, NEUTRAL) == EdgeTrack()


def test_from_the_first_key_on_a_change_elsewhere_sets_a_key():
    track = toggled(changed(EdgeTrack(), 0, EdgeControls(grow=2)), 10)
    assert key_frames(track) == [10]
    assert track.at(0).grow == track.at(50).grow == 2  # setting a key changes nothing yet
    track = changed(track, 20, EdgeControls(grow=6))
    assert key_frames(track) == [10, 20]
    assert [track.at(frame).grow for frame in (0, 10, 15, 20, 30)] == [2, 2, 4, 6, 6]
    assert changed(track, 10, WIDE).at(10) == WIDE


def test_removing_keys_keeps_the_last_values():
    track = EdgeTrack({10: SOFT, 20: WIDE})
    assert [previous_key(track, frame) for frame in (10, 11, 20, 21)] == [None, 10, 10, 20]
    assert [next_key(track, frame) for frame in (9, 10, 20)] == [10, 20, None]
    track = toggled(toggled(track, 10), 20)
    assert key_frames(track) == []
    assert track.at(0) == track.at(15) == WIDE
    assert toggled(EdgeTrack({3: NEUTRAL}), 3) == EdgeTrack()


@pytest.mark.parametrize("scale", SCALES, ids=lambda scale: scale.name)
@given(position=st.integers(0, STEPS))
def test_slider_and_figure_agree(scale: Scale, position: int):
    value = scale.value(position)
    least, most = RANGES[scale.name]
    assert least <= value <= most
    assert (scale.value(0), scale.value(STEPS)) == (least, most)
    assert scale.value(scale.position(scale.default)) == scale.default
    if position:
        assert scale.value(position - 1) <= value
    exact = round(value * scale.factor, scale.decimals) / scale.factor  # what the figure says
    assert value == pytest.approx(exact)


def test_edges_are_kept_and_go_with_their_object(document: Document):  # noqa: F811
    hat = document.add_object("Hat")
    whole, keyed = EdgeTrack({-1: SOFT}), EdgeTrack({2: SOFT, 9: WIDE})
    document.set_edges(1, whole, "Feather")
    document.set_edges(hat, keyed, "Grow")
    seen = on_disk(document)
    assert (seen["edges", 1], seen["edges", hat]) == (whole, keyed)
    document.remove_object(hat)
    assert document.edges(hat) == EdgeTrack()
    document.undo()
    assert document.edges(hat) == keyed
    document.change_object(1, locked=True)
    with pytest.raises(AnnotationError, match="locked"):
        document.set_edges(hat, keyed, "Copy edges", [1])
    assert document.edges(1) == whole
