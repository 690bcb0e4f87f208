"""Answers of GrabCut that come late: what was done meanwhile stays, and no answer is lost with its frame."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.document import Document
from app.main_window import MainWindow
from app.pen import Brush, PenStroke
from tests.app.conftest import HEIGHT, WIDTH
from tests.app.fake_engine import FakeEngine
from tests.app.mouse import LEFT, drag, place, press
from tests.app.person import do, document_of, scribble
from vosengine.errors import ClipError
from vosengine.messages import GrabCut

ELSEWHERE = [(40.5, 10.5), (50.5, 12.5)]


def scribble_without_answer(window: MainWindow, engine: FakeEngine, qtbot: QtBot) -> Document:
    asked = len(engine.of(GrabCut))
    engine.gate.clear()
    do(window, "foreground")
    drag(window.canvas, ELSEWHERE)
    qtbot.waitUntil(lambda: len(engine.of(GrabCut)) > asked)
    return document_of(window)


def pen_stroke() -> PenStroke:
    stroke = PenStroke((WIDTH, HEIGHT), Brush(2.0))
    for point in ((12.5, 20.5), (18.5, 28.5)):
        stroke.to(point)
    return stroke


def let_answers_come(window: MainWindow, engine: FakeEngine, qtbot: QtBot) -> None:
    """The engine answers in order: once a later question has its mask, all earlier ones were heard."""
    engine.gate.set()
    window.editing.go_to(6)
    scribble(window, qtbot)


def paint(window: MainWindow) -> None:
    do(window, "brush")
    drag(window.canvas, [(10.5, 40.5), (20.5, 40.5)])


def approve(window: MainWindow) -> None:
    do(window, "approve")


def copy_previous(window: MainWindow) -> None:
    do(window, "copy_previous")


@pytest.mark.parametrize("edit", [paint, approve, copy_previous])
def test_a_late_answer_does_not_replace_what_was_done_meanwhile(
    opened: MainWindow, engine: FakeEngine, qtbot: QtBot, edit: Callable[[MainWindow], None]
):
    scribble(opened, qtbot)
    opened.editing.go_to(1)
    scribble(opened, qtbot)
    document = scribble_without_answer(opened, engine, qtbot)
    edit(opened)
    done = document.mask(1, 1)
    assert not opened.workspace.scribbler.is_working
    let_answers_come(opened, engine, qtbot)
    assert np.array_equal(document.mask(1, 1), done)


def test_the_answer_for_a_frame_left_is_kept(opened: MainWindow, engine: FakeEngine, qtbot: QtBot):
    document = scribble_without_answer(opened, engine, qtbot)
    opened.editing.go_to(3)
    engine.gate.set()
    qtbot.waitUntil(lambda: document.mask(1, 0) is not None)
    mask = document.mask(1, 0)
    assert mask is not None
    assert mask[11, 45] == 255
    assert document.mask(1, 3) is None


def test_a_frame_left_before_its_picture_came_gets_its_mask(opened: MainWindow, qtbot: QtBot):
    document = document_of(opened)
    do(opened, "foreground")
    opened.editing.go_to(2)
    opened.workspace.scribbler.finish(pen_stroke(), True)
    opened.editing.go_to(4)
    qtbot.waitUntil(lambda: document.mask(1, 2) is not None)
    assert document.mask(1, 4) is None
    image = opened.workspace.scribbler
    qtbot.waitUntil(lambda: image._image is not None and image._image[0] == 4)  # fetched after all


def test_a_stroke_begun_while_an_answer_is_due_does_not_cancel_it(
    opened: MainWindow, engine: FakeEngine, qtbot: QtBot
):
    document = scribble_without_answer(opened, engine, qtbot)
    scribbler = opened.workspace.scribbler
    scribbler.extend(pen_stroke(), True)
    image = scribbler._image
    assert image is not None
    scribbler._keep_image(*image)
    assert not scribbler._timer.isActive()
    engine.gate.set()
    qtbot.waitUntil(lambda: document.mask(1, 0) is not None)


def test_a_scribble_on_another_frame_does_not_drop_the_first_ones_mask(
    opened: MainWindow, engine: FakeEngine, qtbot: QtBot
):
    document = scribble_without_answer(opened, engine, qtbot)
    for frame in (3, 5):
        opened.editing.go_to(frame)
        drag(opened.canvas, ELSEWHERE)
        assert document.scribbles(1, frame) is not None
    engine.gate.set()
    qtbot.waitUntil(lambda: all(document.mask(1, frame) is not None for frame in (0, 3, 5)))
    assert document.annotated_frames() == [0, 3, 5]
    assert [each.frame for each in document.steps] == [0, 3, 5]  # each mask is part of its scribble
    qtbot.waitUntil(lambda: not opened.workspace.scribbler.is_working)


def test_painting_on_one_frame_keeps_the_answer_due_on_another(
    opened: MainWindow, engine: FakeEngine, qtbot: QtBot
):
    document = scribble_without_answer(opened, engine, qtbot)
    opened.editing.go_to(3)
    paint(opened)
    engine.gate.set()
    qtbot.waitUntil(lambda: document.mask(1, 0) is not None)
    assert document.annotated_frames() == [0, 3]
    assert [each.frame for each in document.steps] == [0, 3]


def test_marks_added_after_a_visit_to_another_frame_are_not_held_to_their_own_answer(
    opened: MainWindow, engine: FakeEngine, qtbot: QtBot
):
    for frame in (0, 3, 0):
        opened.editing.go_to(frame)
        answers = len(engine.of(GrabCut))
        scribble(opened, qtbot)
        qtbot.waitUntil(
            lambda asked=answers: (
                len(engine.of(GrabCut)) > asked and not opened.workspace.scribbler.is_working
            )
        )
    assert all(command.previous is None for command in engine.of(GrabCut))


def test_while_the_pen_moves_the_coarse_answer_is_asked_for(
    opened: MainWindow, engine: FakeEngine, qtbot: QtBot
):
    do(opened, "foreground")
    press(opened.canvas, ELSEWHERE)
    qtbot.waitUntil(lambda: opened.workspace.scribbler.live_mask(1, 0) is not None)
    QTest.mouseRelease(opened.canvas, LEFT, pos=place(opened.canvas, *ELSEWHERE[-1]))
    qtbot.waitUntil(lambda: document_of(opened).mask(1, 0) is not None)
    live = [command.live for command in engine.of(GrabCut)]
    assert live[0] is True
    assert live[-1] is False


def test_marks_on_a_frame_that_cannot_be_read_stay_and_nothing_waits(
    opened: MainWindow, engine: FakeEngine, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
):
    def damaged(*_: object, **__: object) -> None:
        raise ClipError("Frame 3 is damaged.")

    said: list[str] = []
    opened.workspace.message.connect(said.append)
    document = document_of(opened)
    monkeypatch.setattr("app.renderer._Footage.image", damaged)
    opened.editing.go_to(3)
    do(opened, "foreground")
    drag(opened.canvas, ELSEWHERE)
    qtbot.waitUntil(lambda: any("marks stay" in text for text in said))
    assert not opened.workspace.scribbler.is_working
    assert document.scribbles(1, 3) is not None
