"""Presets, settings and ranges, as text."""

from __future__ import annotations

import argparse
from operator import attrgetter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vosengine.cli import options
from vosengine.config import PRESETS, setting_names
from vosengine.types import Span


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    options.add_preset_arguments(parser)
    options.add_range_argument(parser)
    return parser.parse_args(words)


def test_the_default_is_the_balanced_preset():
    assert options.config_of(parsed()) == PRESETS["balanced"]


def test_settings_change_the_preset_with_the_fields_own_types():
    words = [
        "--preset",
        "draft",
        "--set",
        "steps=7",
        "--set",
        "rate=1e-5",
        "--set",
        "flip=true",
        "--set",
        "snap=none",
    ]
    config = options.config_of(parsed(*words))
    assert (config.steps, config.rate, config.flip, config.snap) == (7, 1e-5, True, "none")
    assert config.working_side == PRESETS["draft"].working_side


@pytest.mark.parametrize("name", setting_names())
def test_every_setting_survives_being_written_out(name):
    value = attrgetter(name)(PRESETS["best"])
    assert options.setting(f"{name}={value}") == (name, value)


@pytest.mark.parametrize("text", ["steps", "steps=many", "pace=3", "flip=perhaps", "=3"])
def test_malformed_settings_are_wrong_usage(text, capsys):
    with pytest.raises(SystemExit):
        parsed("--set", text)
    assert "--set" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["grow", "blur=2", "grow=much", "grow=41", "contrast=-1", "feather=nan"])
def test_edge_controls_outside_their_ranges_are_wrong_usage(text, capsys):
    parser = argparse.ArgumentParser()
    options.add_edge_arguments(parser)
    assert parser.parse_args(["--edge", "grow=-2.5", "--edge", "smoothing=2"]).edges == [
        ("grow", -2.5),
        ("smoothing", 2),
    ]
    with pytest.raises(SystemExit):
        parser.parse_args(["--edge", text])
    assert "--edge" in capsys.readouterr().err


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_ranges_are_half_open_spans(a, b):
    if a <= b:
        assert options.span(f"{a}:{b}") == Span(a, b)
    else:
        with pytest.raises(argparse.ArgumentTypeError):
            options.span(f"{a}:{b}")


def test_either_end_of_a_range_may_be_left_out():
    assert options.span("5:").start == 5
    assert options.span("5:").stop > 10**9
    assert options.span(":5") == Span(0, 5)


@pytest.mark.parametrize("text", ["5", "a:b", "-1:4", "1:2:3"])
def test_malformed_ranges_are_wrong_usage(text):
    with pytest.raises(argparse.ArgumentTypeError):
        options.span(text)


def test_a_named_option_wins_over_a_changed_setting_and_the_title_tells_both():
    parser = argparse.ArgumentParser()
    options.add_preset_arguments(parser)
    arguments = parser.parse_args(["--preset", "draft", "--set", "method=guided", "--set", "steps=3"])
    config = options.config_of(arguments, method="osvos")
    assert (config.method, config.steps) == ("osvos", 3)
    assert options.title_of(arguments, method="osvos") == "draft method=osvos steps=3"


def test_a_control_that_counts_frames_takes_no_fraction():
    assert options.edge_control("smoothing=2") == ("smoothing", 2.0)
    assert options.edge_control("grow=2.5") == ("grow", 2.5)
    with pytest.raises(argparse.ArgumentTypeError, match="whole number"):
        options.edge_control("smoothing=2.5")
