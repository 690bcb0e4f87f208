"""What a person does to finish edges: pull sliders, type figures, set keys, compare, export."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.compositing import Finish, Layer, Scene, to_weights
from app.document import Change, Kind
from app.edge_row import EdgeRow
from app.finished_weights import finished_weights
from app.main_window import MainWindow
from tests.app.conftest import FRAMES, open_and_wait
from tests.app.fake_engine import FakeEngine, truth
from tests.app.mouse import LEFT, NONE, drag
from tests.app.person import canvas_colour, do, document_of, run
from vosengine.edge_controls import WHOLE_SHOT, EdgeControls, EdgeTrack
from vosengine.engine import Engine
from vosengine.finish import Motion, finished, surroundings
from vosengine.messages import Export
from vosengine.project_file import harden, soften
from vosengine.types import Box

BESIDE = (27.5, 24.5)  # three pixels right of the square on frame 0


@pytest.fixture
def finishing(opened: MainWindow) -> MainWindow:
    """The window with the square marked on the first frame, the matte in view and the panel open."""
    document_of(opened).set_mask(1, 0, harden(truth(0)))
    do(opened, "edges")
    do(opened, "matte")
    return opened


def row_of(window: MainWindow, name: str) -> EdgeRow:
    return window.finishing.panel.rows[name]


def pull(row: EdgeRow, share: float, release: bool = True) -> None:
    """Drag the handle to a share of the slider's width."""
    start, end = row.slider._handle().center(), QPoint(int(share * row.slider.width()), 8)
    QTest.mousePress(row.slider, LEFT, NONE, start)
    for step in (0.3, 0.7, 1.0):
        QTest.mouseMove(row.slider, start + (end - start) * step)
    if release:
        QTest.mouseRelease(row.slider, LEFT, NONE, end)


def type_figure(row: EdgeRow, text: str) -> None:
    row.figure.selectAll()
    QTest.keyClicks(row.figure, text)
    QTest.keyClick(row.figure, Qt.Key.Key_Return)


def shows(window: MainWindow, qtbot: QtBot, white: bool) -> None:
    qtbot.waitUntil(lambda: (canvas_colour(window, *BESIDE)[0] > 127) == white)


def test_a_pulled_slider_shows_at_once_and_counts_when_let_go(finishing: MainWindow, qtbot: QtBot):
    document, row = document_of(finishing), row_of(finishing, "grow")
    shows(finishing, qtbot, white=False)
    pull(row, 0.9, release=False)
    shows(finishing, qtbot, white=True)
    assert (document.edges(1), document.undo_name) == (EdgeTrack(), "Mask")
    QTest.mouseRelease(row.slider, LEFT)
    grow = document.edges(1).at(0).grow
    assert grow > 5
    assert row.figure.value() == round(10 * grow)
    assert document.undo_name == "Grow / choke"
    do(finishing, "undo")
    shows(finishing, qtbot, white=False)
    assert (document.edges(1), row.figure.value()) == (EdgeTrack(), 0)
    do(finishing, "redo")
    assert document.edges(1).at(0).grow == grow
    QTest.mouseClick(row.slider, LEFT, NONE, row.slider._handle().center())  # touched, not moved
    assert document.edges(1).at(0).grow == grow


def test_figures_are_typed_in_their_units(finishing: MainWindow):
    document = document_of(finishing)
    for name, text in (("grow", "-2,5"), ("motion_blur", "180"), ("threshold", "40 %"), ("feather", "999")):
        type_figure(row_of(finishing, name), text)
    controls = document.edges(1).at(3)
    assert (controls.grow, controls.motion_blur, controls.threshold) == (-2.5, 0.5, 0.4)
    assert controls.feather == 60
    assert document.undo_name == "Feather"
    assert finishing.canvas.hasFocus()  # Return gives the keys back
    QTest.keyClicks(row_of(finishing, "grow").figure, "7")
    QTest.keyClick(row_of(finishing, "grow").figure, Qt.Key.Key_Escape)
    assert document.edges(1).at(3) == controls
    QTest.mouseDClick(row_of(finishing, "grow").label, LEFT)
    assert document.edges(1).at(3).grow == 0


def test_keys_on_two_frames(finishing: MainWindow, qtbot: QtBot):
    document, row = document_of(finishing), row_of(finishing, "grow")
    type_figure(row, "2")
    assert row_of(finishing, "grow").figure.value() == 20
    do(finishing, "edge_key")
    finishing.editing.go_to(4)
    type_figure(row, "6")
    assert finishing.timeline.lane(1).keys == [0, 4]
    finishing.editing.go_to(2)
    assert row.figure.value() == 40  # in between
    assert not finishing.actions_by_name["edge_key"].isChecked()
    do(finishing, "next_edge_key")
    assert (document.frame, row.figure.value()) == (4, 60)
    assert finishing.actions_by_name["edge_key"].isChecked()
    assert not finishing.actions_by_name["next_edge_key"].isEnabled()
    marker = max((each for each in finishing.timeline.markers if each.frame == 0), key=lambda each: each.y)
    QTest.mouseClick(finishing.timeline, LEFT, NONE, QPoint(round(marker.x), round(marker.y)))
    assert (document.frame, row.figure.value()) == (0, 20)
    do(finishing, "edge_key")
    assert document.undo_name == "Remove edge key"
    assert finishing.timeline.lane(1).keys == [4]
    assert row.figure.value() == 60


def test_one_key_compares_before_and_after(finishing: MainWindow, qtbot: QtBot):
    type_figure(row_of(finishing, "grow"), "6")
    shows(finishing, qtbot, white=True)
    QTest.keyClick(finishing, Qt.Key.Key_Q)
    shows(finishing, qtbot, white=False)
    QTest.keyClick(finishing, Qt.Key.Key_Q)
    shows(finishing, qtbot, white=True)
    QTest.keyClick(finishing, Qt.Key.Key_Q)
    shows(finishing, qtbot, white=False)
    type_figure(row_of(finishing, "grow"), "7")  # who changes a control wants to see it
    shows(finishing, qtbot, white=True)
    assert finishing.actions_by_name["finished_edges"].isChecked()


def test_a_stroke_is_drawn_raw_and_shown_finished(finishing: MainWindow, qtbot: QtBot):
    document = document_of(finishing)
    type_figure(row_of(finishing, "grow"), "6")
    do(finishing, "brush")
    finishing.brush.set_radius(2.0)
    drag(finishing.canvas, [(45.5, 10.5), (50.5, 10.5)])
    mask = document.mask(1, 0)
    assert mask is not None
    assert mask[24, 27] == 0  # the controls are not in the drawn mask
    assert (mask[10, 47], mask[16, 47]) == (255, 0)
    qtbot.waitUntil(lambda: canvas_colour(finishing, 47.5, 16.5)[0] > 127)


def test_objects_have_their_own_edges(finishing: MainWindow):
    document, row = document_of(finishing), row_of(finishing, "feather")
    type_figure(row, "5")
    second = document.add_object("Hat")
    assert row.figure.value() == 0
    third = document.add_object("Shoe")
    document.change_object(third, locked=True)
    assert not row.figure.isEnabled()
    finishing.editing.select(1)
    do(finishing, "copy_edges")
    assert [document.edges(own).at(0).feather for own in (1, second, third)] == [5, 5, 0]
    do(finishing, "reset_edges")
    assert (document.edges(1), document.undo_name) == (EdgeTrack(), "Reset edges")
    do(finishing, "undo")
    do(finishing, "undo")
    assert document.edges(second) == EdgeTrack()


def test_closing_and_reopening_keeps_them(finishing: MainWindow, qtbot: QtBot):
    folder = document_of(finishing).folder
    type_figure(row_of(finishing, "grow"), "6")
    do(finishing, "close_project")
    open_and_wait(finishing, folder, qtbot)
    assert document_of(finishing).edges(1).at(FRAMES - 1) == EdgeControls(grow=6)
    assert row_of(finishing, "grow").figure.value() == 60
    shows(finishing, qtbot, white=True)


def test_the_result_before_the_last_run_is_finished_alike(
    finishing: MainWindow, engine: FakeEngine, qtbot: QtBot
):
    document = document_of(finishing)
    run(finishing, qtbot)
    engine.shifts = {5: 20}
    document.set_mask(1, 1, harden(truth(1)))
    run(finishing, qtbot)
    finishing.editing.go_to(5)  # the square lay at 28..44, now it does at 48..64
    type_figure(row_of(finishing, "grow"), "3")
    do(finishing, "wipe")
    finishing.viewer.set_wipe(1.0)
    qtbot.waitUntil(lambda: canvas_colour(finishing, 26.5, 24.5)[0] > 127)
    finishing.viewer.set_wipe(0.0)
    qtbot.waitUntil(lambda: canvas_colour(finishing, 26.5, 24.5)[0] < 127)
    assert canvas_colour(finishing, 46.5, 24.5)[0] > 127


def test_the_background_leaves_the_edge(finishing: MainWindow, qtbot: QtBot):
    soft = harden(truth(0)).copy()
    soft[16:32, 24:27] = 128  # half covers dark ground beside the red square
    document_of(finishing).set_mask(1, 0, soft)
    do(finishing, "black")
    qtbot.waitUntil(lambda: 10 < canvas_colour(finishing, 25.5, 24.5)[0] < 40)
    type_figure(row_of(finishing, "decontaminate"), "100")
    qtbot.waitUntil(lambda: canvas_colour(finishing, 25.5, 24.5)[0] > 80)
    do(finishing, "overlay")
    qtbot.waitUntil(lambda: canvas_colour(finishing, 50.5, 40.5)[0] == 40)


def test_what_is_seen_is_exported(finishing: MainWindow, tmp_path: Path, qtbot: QtBot):
    document = document_of(finishing)
    run(finishing, qtbot)
    for name, text in (("grow", "4.5"), ("feather", "5"), ("smoothing", "2"), ("motion_blur", "360")):
        type_figure(row_of(finishing, name), text)
    export = Export(
        document.clip.path, document.export_sources(), document.clip.span, "png16", tmp_path / "out"
    )
    for _ in Engine().run(1, export):
        pass
    written = sorted((tmp_path / "out").rglob("*.png"))
    for frame in (0, 3):
        exported = cv2.imdecode(np.fromfile(written[frame], np.uint8), cv2.IMREAD_UNCHANGED) / 257
        assert exported[24, 4 + 4 * frame] > 127  # larger than what was cut out
        finishing.editing.go_to(frame)
        qtbot.waitUntil(lambda wanted=exported: np.abs(greys(finishing) - wanted).max() < 2)


def greys(window: MainWindow) -> np.ndarray:
    """The picture's grey levels, (height, width)."""
    picture = window.canvas.picture.convertToFormat(QImage.Format.Format_Grayscale8)
    rows = np.frombuffer(picture.constBits(), np.uint8).reshape(picture.height(), picture.bytesPerLine())
    return rows[:, : picture.width()].astype(np.float32)


def test_the_coming_frames_are_finished_while_nothing_else_is_to_be_done(
    finishing: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
):
    finishing.judging._read_ahead._rest.setInterval(100)
    run(finishing, qtbot)
    made: list[int] = []

    def noted(weights: np.ndarray, finish: Finish, *rest: object) -> np.ndarray:
        made.append(finish.frame)
        return finished_weights(weights, finish, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr("app.renderer.finished_weights", noted)
    type_figure(row_of(finishing, "smoothing"), "1")
    qtbot.waitUntil(lambda: set(made) == set(range(FRAMES)))
    made.clear()
    finishing.editing.go_to(5)
    qtbot.wait(60)
    assert made == []


@pytest.mark.parametrize("pasted", ["nan", "inf", "-inf", "1e999"])
def test_what_is_no_number_cannot_be_pasted_into_a_figure(finishing: MainWindow, pasted: str):
    row = row_of(finishing, "grow")
    row.figure.selectAll()
    row.figure.lineEdit().insert(pasted)
    QTest.keyClick(row.figure, Qt.Key.Key_Return)
    assert document_of(finishing).edges(1) == EdgeTrack()
    assert row.figure.value() == 0


def test_esc_gives_a_pull_up(finishing: MainWindow, qtbot: QtBot):
    document, row = document_of(finishing), row_of(finishing, "grow")
    pull(row, 0.9, release=False)
    shows(finishing, qtbot, white=True)
    QTest.keyClick(finishing.windowHandle(), Qt.Key.Key_Escape)
    shows(finishing, qtbot, white=False)
    assert (row.figure.value(), row.slider.isSliderDown()) == (0, False)
    QTest.mouseRelease(row.slider, LEFT)
    assert (document.edges(1), document.undo_name) == (EdgeTrack(), "Mask")


def test_locking_an_object_ends_a_pull_on_it(finishing: MainWindow, qtbot: QtBot):
    document, row = document_of(finishing), row_of(finishing, "grow")
    pull(row, 0.9, release=False)
    document.change_object(1, locked=True)
    qtbot.waitUntil(lambda: not finishing.viewer.edges.is_trying)
    assert (row.figure.value(), document.edges(1)) == (0, EdgeTrack())


SMOOTHED = EdgeTrack({WHOLE_SHOT: EdgeControls(smoothing=2)})


def shown_layer(window: MainWindow) -> Layer:
    return window.viewer._scene(document_of(window), sharp=False).layers[0]


def test_a_frame_marked_by_a_box_is_smoothed_as_it_is_exported(finishing: MainWindow, qtbot: QtBot):
    document = document_of(finishing)
    run(finishing, qtbot)
    document.set_edges(1, SMOOTHED, "Reduce chatter")
    document.set_box(1, 3, Box(10, 10, 20, 20))
    for frame in (0, 3, 4):
        finishing.editing.go_to(frame)
        finish = shown_layer(finishing).finish
        assert finish is not None
        assert finish.drawn == (frame in document.export_sources()[0].drawn), frame


def test_the_picture_follows_a_neighbour_that_it_is_smoothed_with(
    finishing: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
):
    document = document_of(finishing)
    run(finishing, qtbot)
    document.set_edges(1, SMOOTHED, "Reduce chatter")
    finishing.editing.go_to(3)
    scenes: list[Scene] = []
    monkeypatch.setattr(finishing.workspace.renderer, "show", scenes.append)
    for neighbour, is_shown in ((5, True), (7, False)):
        qtbot.wait(250)  # for what is under way
        scenes.clear()
        finishing.viewer._changed(Change(Kind.PREDICTION, 1, neighbour))  # as a run tells
        qtbot.wait(50)
        assert bool(scenes) == is_shown


def test_what_was_predicted_is_finished_as_such_though_it_is_drawn_by_now(
    finishing: MainWindow, engine: FakeEngine, qtbot: QtBot
):
    document = document_of(finishing)
    run(finishing, qtbot)
    document.set_mask(1, 3, harden(truth(3)))
    run(finishing, qtbot)
    document.set_edges(1, SMOOTHED, "Reduce chatter")
    finishing.editing.go_to(3)
    layer = shown_layer(finishing)
    assert layer.finish is not None
    assert layer.former is not None
    assert layer.former.finish is not None
    assert (layer.finish.drawn, layer.former.finish.drawn) == (True, False)
    assert len(layer.former.finish.neighbours) == 4


def test_a_preview_is_not_mixed_with_the_mattes_of_another_model(
    finishing: MainWindow, engine: FakeEngine, qtbot: QtBot
):
    document = document_of(finishing)
    run(finishing, qtbot)
    both = EdgeTrack({WHOLE_SHOT: EdgeControls(grow=3, smoothing=2, motion_blur=1)})
    document.set_edges(1, both, "Edges")
    document.set_mask(1, 6, harden(truth(6)))
    finishing.editing.go_to(1)
    engine.gate.clear()
    do(finishing, "run")
    qtbot.waitUntil(lambda: shown_layer(finishing).key[0] == "preview")
    finish = shown_layer(finishing).finish
    assert finish == Finish(1, EdgeControls(grow=3))
    engine.gate.set()
    qtbot.waitUntil(lambda: not finishing.workspace.runner.is_running)


class Moving:
    """Everything moves so many pixels to the right a frame."""

    def __init__(self, speed: float, shape: tuple[int, int]) -> None:
        self._speed, self._shape = speed, shape

    def around(self, frame: int, reach: int) -> dict[int, Motion]:
        def motion(offset: int) -> Motion:
            flow = np.zeros((*self._shape, 2), np.float32)
            flow[..., 0] = self._speed * offset
            return Motion(flow, np.ones(self._shape, np.float32))

        return {offset: motion(offset) for offset in range(-reach, reach + 1) if offset}


@pytest.mark.parametrize(
    "controls",
    [
        EdgeControls(grow=7, feather=12),
        EdgeControls(grow=-5),
        EdgeControls(motion_blur=1),
        EdgeControls(smoothing=1, contrast=0.5, threshold=0.4),
    ],
)
@pytest.mark.parametrize("scale", [0.5, 0.25])
def test_at_proxy_size_a_matte_is_finished_as_at_full_size(controls: EdgeControls, scale: float):
    def matte_of(frame: int) -> np.ndarray:
        drawn = np.zeros((240, 320), np.uint8)
        cv2.ellipse(drawn, (140 + 16 * frame, 120), (60, 40), 0, 0, 360, 255, -1)
        return soften(np.asarray(cv2.GaussianBlur(drawn, (0, 0), 3), np.uint8))

    width, height = round(320 * scale), round(240 * scale)
    full, motions = matte_of(0), Moving(16, (240, 320))
    whole = finished(full, controls, surroundings(0, controls, matte_of, motions))
    small = finished_weights(
        to_weights(full, width, height),
        Finish(0, controls),
        scale,
        lambda offset: to_weights(matte_of(offset), width, height),
        motions,
    )
    away = np.abs(small.astype(int) - to_weights(whole, width, height))
    assert np.abs(to_weights(whole, width, height).astype(int) - to_weights(full, width, height)).max() > 30
    assert away.max() < 32
    assert away.mean() < 0.5
