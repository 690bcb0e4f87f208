"""Mattes are read ahead in the background: what is read, how much, and when it begins anew."""

import threading

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from app import read_ahead
from app.compositing import Layer
from app.document import Change, Document, Kind
from app.main_window import MainWindow
from app.read_ahead import ReadAhead
from tests.app.fake_engine import FakeEngine, truth
from tests.app.person import do, document_of, run
from vosengine.edge_controls import EdgeControls, EdgeTrack
from vosengine.project_file import harden

SMOOTHED = EdgeTrack({0: EdgeControls(smoothing=2)})


class Asked:
    """The layers asked for ahead, by request; the renderer serves them as ever."""

    def __init__(self, window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
        self.layers: list[Layer] = []
        read = window.workspace.renderer.read_ahead

        def ask(layers: list[Layer]) -> None:
            self.layers += layers
            read(layers)

        monkeypatch.setattr(window.workspace.renderer, "read_ahead", ask)

    @property
    def frames(self) -> list[object]:
        return [layer.key[1] for layer in self.layers]  # type: ignore[index]


@pytest.fixture
def asked(opened: MainWindow, monkeypatch: pytest.MonkeyPatch) -> Asked:
    opened.judging._read_ahead._rest.setInterval(100)
    return Asked(opened, monkeypatch)


def reading(window: MainWindow) -> ReadAhead:
    return window.judging._read_ahead


def rests(window: MainWindow) -> bool:
    return not reading(window)._rest.isActive() and not reading(window)._busy


@pytest.fixture
def marked(opened: MainWindow) -> MainWindow:
    document_of(opened).set_mask(1, 0, harden(truth(0)))
    return opened


def test_an_edit_begins_it_anew(marked: MainWindow, asked: Asked, qtbot: QtBot):
    run(marked, qtbot)
    qtbot.waitUntil(lambda: rests(marked) and len(asked.frames) >= 8)
    asked.layers.clear()
    marked.editing.go_to(3)
    qtbot.wait(200)
    assert not asked.layers  # nothing is new
    document_of(marked).set_mask(1, 3, harden(truth(3)))
    qtbot.waitUntil(lambda: len(asked.layers) == 8)
    assert asked.frames == [3, 4, 5, 6, 7, 0, 1, 2]


def test_during_a_run_mattes_are_read_raw_and_finished_after_it(
    marked: MainWindow, asked: Asked, engine: FakeEngine, qtbot: QtBot
):
    document_of(marked).set_edges(1, SMOOTHED, "Edges")
    qtbot.waitUntil(lambda: len(asked.layers) == 8)
    assert all(layer.finish is not None for layer in asked.layers)
    asked.layers.clear()
    engine.gate_propagation_only = True
    engine.gate.clear()
    do(marked, "run")
    qtbot.waitUntil(lambda: len(asked.layers) >= 2)  # two frames were cut out, then the gate holds
    assert all(layer.finish is None for layer in asked.layers)
    asked.layers.clear()
    engine.gate.set()
    qtbot.waitUntil(lambda: not marked.workspace.runner.is_running)
    qtbot.waitUntil(lambda: sum(layer.finish is not None for layer in asked.layers) == 8)


def test_more_objects_and_finished_ones_leave_room_for_fewer_frames(
    marked: MainWindow, asked: Asked, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(read_ahead, "MOST", 8)
    document = document_of(marked)
    document.set_mask(1, 1, harden(truth(1)))
    qtbot.waitUntil(lambda: len(asked.layers) == 8)
    for edit, frames in (
        (lambda: do(marked, "add_object"), 4),
        (lambda: document.set_edges(1, SMOOTHED, "Edges"), 2),
    ):
        asked.layers.clear()
        edit()
        qtbot.waitUntil(lambda: rests(marked) and bool(asked.layers))
        assert len(set(asked.frames)) == frames


def test_predictions_wait_within_bounds(opened: MainWindow, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(read_ahead, "MOST", 100)
    ahead = reading(opened)
    for frame in range(1000):
        for _ in range(2):
            ahead._changed(Change(Kind.PREDICTION, 1, frame))
    assert list(ahead._waiting) == list(range(999, 899, -1))
    ahead._again()


def test_a_matte_that_cannot_be_read_is_left_to_its_frame(
    marked: MainWindow,
    asked: Asked,
    errors: list[tuple[str, str]],
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
):
    matte = Document.matte

    def damaged(document: Document, object_id: int, frame: int) -> np.ndarray | None:
        if threading.current_thread().name == "rotoshot-display" and frame > 2:
            raise OSError("damaged")
        return matte(document, object_id, frame)

    monkeypatch.setattr(Document, "matte", damaged)
    document_of(marked).set_mask(1, 0, harden(truth(0)))
    qtbot.waitUntil(lambda: len(asked.layers) == 8)
    qtbot.waitUntil(lambda: rests(marked))
    assert not errors
    marked.editing.go_to(4)
    qtbot.waitUntil(lambda: bool(errors))
    assert "damaged" in errors[0][0]
