"""Results on stdout, progress on stderr."""

from __future__ import annotations

import json

from vosengine.cli.console import Console
from vosengine.messages import JobProgressed, ModelReady

EVENTS = [
    JobProgressed(1, 1, 2, "Learning", "loss 0.5"),
    JobProgressed(1, 2, 2, "Learning"),
    ModelReady(1, (1,), 2, 0),
    JobProgressed(1, 1, 5, "Segmenting"),
]


def test_follow_passes_on_everything_but_progress():
    with Console(quiet=True) as console:
        assert list(console.follow(EVENTS)) == [ModelReady(1, (1,), 2, 0)]


def test_progress_goes_to_stderr_by_its_name(capsys):
    with Console() as console:
        list(console.follow(EVENTS))
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Learning: 100%" in printed.err
    assert "2/2" in printed.err
    assert "1/5" in printed.err


def test_quiet_shows_no_progress(capsys):
    with Console(quiet=True) as console:
        list(console.follow(EVENTS))
    assert capsys.readouterr().err == ""


def test_json_is_all_there_is_on_stdout(capsys):
    with Console(as_json=True, quiet=True) as console:
        console.result({"files": ["a"]}, "Export: a")
    assert json.loads(capsys.readouterr().out) == {"files": ["a"]}


def test_text_otherwise(capsys):
    with Console(quiet=True) as console:
        console.result({"files": ["a"]}, "Export: a")
    assert capsys.readouterr().out == "Export: a\n"
