"""Edge controls keyed by frame, and read from project files that people have edited."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vosengine.edge_controls import NEUTRAL, RANGES, EdgeControls, EdgeTrack, track_from_dict, track_to_dict

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*RANGES, "4", "x"]), inner),
    max_leaves=20,
)


def test_controls_run_straight_between_keys_and_are_held_outside_them():
    track = EdgeTrack({10: EdgeControls(grow=2), 20: EdgeControls(grow=-4, smoothing=5)})
    assert [track.at(frame).grow for frame in (0, 10, 15, 20, 99)] == [2, 2, -1, -4, -4]
    assert [track.at(frame).smoothing for frame in (10, 12, 14, 20)] == [0, 1, 2, 5]
    assert EdgeTrack().at(3) == NEUTRAL
    assert track.with_key(10, None).at(0).grow == -4
    assert track.with_key(10, EdgeControls(grow=1000)).at(0).grow == RANGES["grow"][1]


def test_taking_colour_out_leaves_mattes_alone():
    assert EdgeControls(decontaminate=1).is_neutral
    assert not EdgeTrack({0: NEUTRAL, 5: EdgeControls(feather=0.1)}).is_neutral


@pytest.mark.parametrize("damaged", ["much", None, True, [], float("nan"), float("inf"), 10**400])
def test_a_damaged_control_is_the_default_and_the_others_stand(damaged):
    track = track_from_dict(
        {"4": {"grow": damaged, "feather": 3, "contrast": 7}, "four": {"grow": 1}, "5": 1}
    )
    assert track == EdgeTrack({4: EdgeControls(feather=3, contrast=1)})


@settings(max_examples=50, deadline=None)
@given(json_values)
def test_whatever_the_file_holds_gives_allowed_controls(values):
    track = track_from_dict({"4": values} if not isinstance(values, dict) else values)
    for controls in track.keys.values():
        assert controls == controls.clipped()
    assert track_from_dict(json.loads(json.dumps(track_to_dict(track)))) == track
