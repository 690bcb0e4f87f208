"""Backgrounds behind the objects: what they look like, and how a person chooses them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.compositing import Layer, View, composite
from app.effects import Picture, blurred, greyed
from app.main_window import MainWindow
from app.settings import Settings
from tests.app.conftest import open_and_wait
from tests.app.fake_engine import truth
from tests.app.person import canvas_colour, do, document_of
from vosengine.errors import EngineError
from vosengine.project_file import harden

LAYER = Layer("key", (250, 120, 0), lambda: None)


def test_a_blurred_ground_holds_no_trace_of_the_object():
    image = np.full((180, 320, 3), 100, np.uint8)
    image[:, ::2] = 140
    union = np.zeros((180, 320), np.uint8)
    union[60:120, 100:200] = 255
    image[60:120, 100:200] = (255, 0, 0)
    ground = blurred(image, union)
    assert ground.shape == image.shape
    outside = ground[union == 0].astype(int)
    assert outside == pytest.approx(np.full_like(outside, 120), abs=4)  # neither red nor striped
    picture = composite(image, View.BLURRED, [(LAYER, union)])
    assert picture[90, 150].tolist() == [255, 0, 0]


def test_only_the_objects_keep_their_colours():
    image = np.full((40, 60, 3), (10, 200, 30), np.uint8)
    weight = np.zeros((40, 60), np.uint8)
    weight[:, :30] = 255
    picture = composite(image, View.GREY, [(LAYER, weight)])
    assert picture[20, 5].tolist() == [10, 200, 30]
    assert len(set(picture[20, 50].tolist())) == 1
    assert (greyed(image) == picture[20, 50]).all()


def test_a_picture_fills_the_frame_and_keeps_its_shape(tmp_path: Path):
    pixels = np.zeros((100, 400, 3), np.uint8)
    pixels[:, 150:250] = 255  # a white square in the middle
    PillowImage.fromarray(pixels).save(tmp_path / "wide.png")
    filled = Picture.load(tmp_path / "wide.png").filling(160, 80)
    assert filled.shape == (80, 160, 3)
    assert (filled[:, 42:118] == 255).all()
    assert (filled[:, :38] == 0).all()


def test_a_photograph_taken_upright_is_upright(tmp_path: Path):
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[:, :30] = 255  # on the left as stored: on top when turned clockwise
    exif = PillowImage.Exif()
    exif[0x0112] = 6
    PillowImage.fromarray(pixels).save(tmp_path / "phone ü.jpg", exif=exif, quality=95)
    picture = Picture.load(tmp_path / "phone ü.jpg").pixels
    assert picture.shape == (60, 40, 3)
    assert picture[:25].min() > 200
    assert picture[35:].max() < 60


def test_what_is_no_picture_is_refused(tmp_path: Path):
    (tmp_path / "notes.jpg").write_text("no picture")
    with pytest.raises(EngineError):
        Picture.load(tmp_path / "notes.jpg")


# --- in the window ----------------------------------------------------------------------------------------


@pytest.fixture
def marked(opened: MainWindow) -> MainWindow:
    """The square of frame 0, at 8..24, is marked."""
    document_of(opened).set_mask(1, 0, harden(truth(0)))
    return opened


@pytest.fixture
def green(tmp_path: Path) -> Path:
    PillowImage.new("RGB", (30, 90), (20, 200, 40)).save(tmp_path / "green.png")
    return tmp_path / "green.png"


def choose(monkeypatch: pytest.MonkeyPatch, path: Path | str) -> None:
    dialog = "app.backgrounds.QFileDialog.getOpenFileName"
    monkeypatch.setattr(dialog, lambda *_: (str(path), ""))


def test_the_picture_is_asked_for_once_and_remembered(
    marked: MainWindow, green: Path, footage: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
):
    choose(monkeypatch, green)
    QTest.keyClick(marked, Qt.Key.Key_F8, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: canvas_colour(marked, 50, 10) == (20, 200, 40))
    assert canvas_colour(marked, 16, 24)[0] > 200
    assert marked.settings.background_picture == str(green)
    choose(monkeypatch, "")
    do(marked, "close_project")
    other = MainWindow(marked.workspace, marked.settings)
    open_and_wait(other, footage, qtbot)
    assert other.viewer.view is View.PICTURE
    qtbot.waitUntil(lambda: canvas_colour(other, 50, 10) == (20, 200, 40))
    other.deleteLater()


def test_nothing_is_asked_before_a_clip_is_open(window: MainWindow, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("app.backgrounds.QFileDialog.getOpenFileName", lambda *_: pytest.fail("asked"))
    other = MainWindow(window.workspace, Settings(view="picture"))
    assert other.viewer.view is View.OVERLAY
    other.deleteLater()


def test_without_a_picture_the_view_stays(
    marked: MainWindow, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
):
    do(marked, "matte")
    choose(monkeypatch, "")
    do(marked, "picture")
    assert marked.viewer.view is View.MATTE
    assert marked.actions_by_name["matte"].isChecked()
    (tmp_path / "bad.png").write_bytes(b"no picture")
    choose(monkeypatch, tmp_path / "bad.png")
    do(marked, "choose_picture")
    qtbot.waitUntil(lambda: "bad.png" in marked.statusBar().currentMessage())
    assert marked.viewer.view is View.MATTE
    assert not marked.settings.background_picture


def test_a_picture_that_is_gone_is_told_and_the_view_left(marked: MainWindow, tmp_path: Path, qtbot: QtBot):
    marked.settings.background_picture = str(tmp_path / "gone.png")
    do(marked, "picture")
    qtbot.waitUntil(lambda: marked.viewer.view is View.OVERLAY)
    assert "gone.png" in marked.statusBar().currentMessage()
    assert marked.settings.background_picture  # on a disk that will be there again


def test_a_picture_that_went_since_the_last_session_is_told_when_a_clip_is_open(
    window: MainWindow, footage: Path, tmp_path: Path, qtbot: QtBot
):
    settings = Settings(view="picture", background_picture=str(tmp_path / "gone.png"), tour_shown=True)
    other = MainWindow(window.workspace, settings)
    other.show()
    qtbot.wait(50)
    assert not other.statusBar().currentMessage()
    open_and_wait(other, footage, qtbot)
    qtbot.waitUntil(lambda: other.viewer.view is View.OVERLAY)
    assert other.actions_by_name["overlay"].isChecked()
    assert settings.view == "overlay"
    assert "gone.png" in other.statusBar().currentMessage()
    other.deleteLater()
