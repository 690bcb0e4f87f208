"""The marks of the command line, as text."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from vosengine.cli import marks
from vosengine.cli.marks import Mark, MarkedObject
from vosengine.errors import AnnotationError
from vosengine.types import Box


def parsed(*words: str) -> tuple[MarkedObject, ...]:
    parser = argparse.ArgumentParser()
    marks.add_arguments(parser)
    return marks.marked_objects(parser.parse_args(words).marks)


def test_marks_before_any_name_belong_to_one_object():
    found = parsed("--mask", "0=a.png", "--box", "12=1,2.5,30,40")
    box = Mark(12, box=Box(1, 2.5, 30, 40))
    assert found == (MarkedObject("object", (Mark(0, mask=Path("a.png")), box)),)


def test_each_name_takes_the_marks_that_follow():
    found = parsed("--object", "cow", "--scribbles", "0=s.png", "--object", "dog", "--box", "3=0,0,9,9")
    assert [each.name for each in found] == ["cow", "dog"]
    assert found[0].marks == (Mark(0, scribbles=Path("s.png")),)
    assert found[1].marks == (Mark(3, box=Box(0, 0, 9, 9)),)


def test_the_kinds_of_marks_keep_the_order_of_the_command_line():
    found = parsed("--box", "1=0,0,2,2", "--mask", "0=a.png", "--object", "b", "--mask", "5=x=y.png")
    assert [mark.frame for mark in found[0].marks] == [1, 0]
    assert found[1].marks == (Mark(5, mask=Path("x=y.png")),)


def test_two_parses_share_nothing():
    parser = argparse.ArgumentParser()
    marks.add_arguments(parser)
    parser.parse_args(["--mask", "0=a.png"])
    assert parser.parse_args([]).marks == []


@pytest.mark.parametrize(
    "words",
    [
        ["--mask", "first.png"],
        ["--mask", "0="],
        ["--mask", "-1=a.png"],
        ["--mask", "x=a.png"],
        ["--box", "0=1,2,3"],
        ["--box", "0=1,2,3,wide"],
        ["--box", "0=1,2,0,4"],
        ["--box", "0=1,2,3,-4"],
        ["--scribbles", "=a.png"],
    ],
)
def test_malformed_marks_are_wrong_usage(words, capsys):
    with pytest.raises(SystemExit) as stop:
        parsed(*words)
    assert stop.value.code == 2
    assert "error: argument" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["--object", "cow"], ["--mask", "0=a.png", "--object", "cow"]])
def test_objects_without_marks_are_refused_with_the_remedy(words):
    with pytest.raises(AnnotationError, match=r"give --mask, --box or --scribbles"):
        parsed(*words)
