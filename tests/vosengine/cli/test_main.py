"""The dispatch: what is imported, what is printed where, and the exit codes."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from app.__main__ import main as rotoshot
from app.__main__ import opens_window
from vosengine import __version__, cli
from vosengine.errors import ClipError, UsageError


def subcommand(run) -> ModuleType:
    module = ModuleType("subcommand")
    module.add_arguments = lambda parser: parser.add_argument("--json", action="store_true")
    module.run = run
    return module


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch):
    """Makes `cut` do something else."""

    def put(run) -> None:
        monkeypatch.setattr(cli, "import_module", lambda name: subcommand(run))

    return put


def refuse(arguments: argparse.Namespace) -> int:
    raise ClipError("The clip is empty; copy it again.")


@pytest.mark.parametrize(
    "words",
    [["--help"], ["cut", "--help"], ["export", "--help"], ["evaluate", "--help"], ["train", "--help"]],
)
def test_help_imports_neither_torch_nor_qt_nor_opencv(words):
    code = (
        "import sys\nfrom app.__main__ import main\n"
        f"code = main({words!r})\n"
        "heavy = {'torch', 'PySide6', 'cv2', 'av', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy\nsys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "usage: rotoshot" in done.stdout


def test_every_command_is_listed_and_has_its_module(capsys):
    assert cli.main(["--help"]) == 0
    listed = capsys.readouterr().out
    folder = Path(cli.__file__).parent
    for name in cli.COMMANDS:
        assert f"  {name} " in listed
        assert (folder / f"{name}.py").is_file()
    assert cli.EXIT_CODES in listed


def test_version(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"rotoshot {__version__}\n"


@pytest.mark.parametrize(
    "words", [[], ["frobnicate"], ["cut"], ["cut", "a.mov", "--nonsense"], ["export", "p"]]
)
def test_wrong_usage_is_2_and_leaves_stdout_empty(words, capsys):
    assert cli.main(words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err


def test_an_expected_failure_is_one_sentence_on_stderr(stand_in, capsys):
    stand_in(refuse)
    assert cli.main(["cut"]) == 1
    printed = capsys.readouterr()
    assert printed.err == "rotoshot: The clip is empty; copy it again.\n"
    assert printed.out == ""


def test_options_that_do_not_go_together_are_wrong_usage(stand_in, capsys):
    def contradicted(arguments):
        raise UsageError("--a and --b exclude each other; leave one out.")

    stand_in(contradicted)
    assert cli.main(["cut"]) == 2
    assert capsys.readouterr().err == "rotoshot: --a and --b exclude each other; leave one out.\n"


def test_an_expected_failure_with_json_is_an_object_too(stand_in, capsys):
    stand_in(refuse)
    assert cli.main(["cut", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {"error": "The clip is empty; copy it again."}


def test_a_bug_is_not_dressed_up_as_an_expected_failure(stand_in):
    stand_in(lambda arguments: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        cli.main(["cut"])


def test_an_interruption_is_130(stand_in, capsys):
    def interrupted(arguments):
        raise KeyboardInterrupt

    stand_in(interrupted)
    assert cli.main(["cut"]) == 130
    assert capsys.readouterr().err == "rotoshot: interrupted.\n"


def test_the_engine_alone_has_the_same_commands():
    command = [sys.executable, "-m", "vosengine", "--version"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, f"rotoshot {__version__}\n")


def test_what_exists_opens_in_the_window_and_what_does_not_is_wrong_usage(tmp_path, capsys):
    clip = tmp_path / "shot.mov"
    clip.touch()
    assert opens_window([str(clip)])
    assert opens_window([str(tmp_path)])
    assert not opens_window(["cut"])
    assert not opens_window([str(clip), "--help"])
    assert rotoshot([str(tmp_path / "missing.mov")]) == 2
    assert "missing.mov" in capsys.readouterr().err
