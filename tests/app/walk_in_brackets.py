"""The window in a language where each translated text stands in brackets, which test_language.py sets."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.actions import ACTIONS
from app.language import tr
from app.main_window import MainWindow
from app.tools import Tool
from tests.app.catalogues import CLOSE, OPEN
from tests.app.fake_engine import FakeEngine
from tests.app.person import do, run, scribble
from tests.app.test_reachable import DIALOGS
from tests.app.texts import texts

TRANSLATED = re.compile(f"{OPEN}[^{OPEN}{CLOSE}]*(?:{CLOSE}|(?<=…))")  # an elided text lacks its end
WORD = re.compile(r"[^\W\d_]{2,}")
# What is the same in every language: names of the program, of files, formats and keys, units.
NAMES = re.compile(
    r"Rotoshot|/\S*/shot ü\S*|shot ü|/tmp/\S*|[\w*-]+\.\w{2,5}\b|\{\w+\}"
    r"|\b(?:Ctrl|Shift|Alt|Meta|Del|Esc|Home|End|PgUp|PgDown|Space|Left|Right|Up|Down|Return|Enter)\b"
)
OF_THE_FAKE_ENGINE = re.compile(r"Cutting out|Learning the objects|loss|Waiting|CPU, 2 threads")


def bare(text: str) -> str:
    """What of a text did not come from the catalogue, where that holds words; else ""."""
    rest = OF_THE_FAKE_ENGINE.sub("", NAMES.sub("", TRANSLATED.sub(" ", text)))
    return rest.strip() if WORD.search(rest) else ""


def complaints(window: QWidget) -> list[str]:
    return sorted({f"{where}: {text!r}" for where, text in texts(window) if bare(text)})


def require_none(found: list[str], state: str = "") -> None:
    assert not found, "\n".join([f"Not from the catalogue {state}:", *found])


@pytest.fixture
def painted(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The texts that widgets of ours paint themselves."""
    seen: set[str] = set()
    draw = QPainter.drawText

    def record(painter: QPainter, *args: object) -> object:
        seen.update(each for each in args if isinstance(each, str))
        return draw(painter, *args)

    monkeypatch.setattr(QPainter, "drawText", record)
    return seen


def test_the_walk_sees_what_is_missing(qtbot: QtBot):
    window = QWidget()
    qtbot.addWidget(window)
    window.setToolTip("Not in the catalogue")
    assert complaints(window)
    window.setToolTip(tr("Cancel") + " (Esc)")
    assert tr("Cancel") == f"{OPEN}Cancel{CLOSE}"
    assert not complaints(window)


def test_start_screen(window: MainWindow):
    require_none(complaints(window))


def visits(window: MainWindow, qtbot: QtBot) -> Iterator[str]:
    """The window's states, one after the other."""
    yield "opened"
    scribble(window, qtbot)
    yield "marked"
    run(window, qtbot)
    yield "run"
    for step in ("approve", "mute", "mark_in", "rename_object", "lock_object", "lock_object", "edge_key"):
        if window.actions_by_name[step].isEnabled():
            do(window, step)
            yield step
    window.run_panel.preset_chosen.emit("draft")
    yield "preset"
    for panel in ("jobs", "worst_frames", "history", "edges"):
        if not window.actions_by_name[panel].isChecked():
            do(window, panel)
            yield panel
    for tool in Tool:
        do(window, tool.value)
        yield tool.value
    for view in (spec.name for spec in ACTIONS if spec.group == "view" and spec.name != "picture"):
        if window.actions_by_name[view].isEnabled():
            do(window, view)
            yield view
    do(window, "undo")
    yield "undone"


def test_the_window_at_work(opened: MainWindow, qtbot: QtBot, engine: FakeEngine, painted: set[str]):
    engine.qualities = {5: 0.3, 6: 0.6}
    said: list[str] = []
    opened.workspace.message.connect(said.append)
    opened.resize(1280, 720)
    for state in visits(opened, qtbot):
        require_none(complaints(opened), state)
        opened.grab()
    assert any(OPEN in text for text in painted)
    assert said
    require_none([text for text in (*painted, *said) if bare(text)])


@pytest.mark.parametrize("name", DIALOGS)
def test_dialogs(name: str, opened: MainWindow, tmp_path: Path, qtbot: QtBot):
    make: Callable[[MainWindow, Path], QWidget] = DIALOGS[name]
    scribble(opened, qtbot)
    dialog = make(opened, tmp_path)
    qtbot.wait(50)
    require_none(complaints(dialog))
    dialog.close()
