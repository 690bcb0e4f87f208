"""Every text that a person reads can be translated, and a translator can work with it."""

import ast
import os
import string
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.catalogues import SOURCES, bracketed, extracted, install
from vosengine import errors
from vosengine.types import Reason

# Read by whoever trains, measures or types commands: in English, as the command line is.
IN_ENGLISH = (
    "vosengine/cli",
    "vosengine/evaluation",
    "vosengine/training",
    "app/tour.py",
    "app/window_check.py",
)
EXPECTED = {name for name, value in vars(errors).items() if isinstance(value, type)}


def test_every_text_in_the_window_comes_from_the_catalogue(tmp_path: Path):
    """In a process of its own, because the language is chosen when the program starts."""
    walk = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/app/walk_in_brackets.py"]
    language = install(bracketed(), tmp_path / "locale")
    done = subprocess.run(
        walk, cwd=SOURCES, env=os.environ | language, capture_output=True, text=True, timeout=250, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def messages() -> list[tuple[str, ...]]:
    """The forms of each text."""
    return [each.id if each.pluralizable else (each.id,) for each in extracted() if each.id]


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_what_is_filled_in_has_a_name(messages: list[tuple[str, ...]]):
    """A translation may need another order, so no `{}`; the form for one thing may leave its count out."""
    assert len(messages) > 800
    for forms in messages:
        assert all(name and name.split(":")[0].isidentifier() for form in forms for name in fields(form)), (
            forms
        )
        assert fields(forms[0]) <= fields(forms[-1]), forms


def test_names_kept_in_english_are_known_to_translators(messages: list[tuple[str, ...]]):
    assert {(reason.value,) for reason in Reason} <= set(messages)


def raised_in_english(path: Path) -> Iterator[int]:
    """Lines of expected failures whose sentence is written where they are made, but not through `tr`."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call) or getattr(node.func, "id", "") not in EXPECTED:
            continue
        if any(isinstance(each, ast.Constant | ast.JoinedStr) for each in node.args):
            yield node.lineno


def test_sentences_of_failures_are_translated():
    paths = [path for package in ("app", "vosengine") for path in (SOURCES / package).rglob("*.py")]
    read = [path for path in paths if not path.relative_to(SOURCES).as_posix().startswith(IN_ENGLISH)]
    assert len(read) > 150
    assert [f"{path}:{line}" for path in read for line in raised_in_english(path)] == []
