import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from app.compositing import Layer, Scene, View
from app.effects import Picture
from app.renderer import Renderer
from app.weight_memory import WeightMemory
from tests.app.conftest import FRAMES, HEIGHT, WIDTH
from vosengine.bounded import Bounded, array_bytes


@pytest.fixture
def renderer(qtbot: QtBot) -> Iterator[Renderer]:
    renderer = Renderer()
    yield renderer
    renderer.close()
    assert not any(thread.name == "rotoshot-display" for thread in threading.enumerate())


@pytest.fixture
def prepared(renderer: Renderer, footage: Path, tmp_path: Path, qtbot: QtBot) -> Renderer:
    with qtbot.waitSignal(renderer.opened):
        renderer.open(footage)
    renderer.prepare(tmp_path / "cache")
    return renderer


def blue_at(picture: QImage, x: int, y: int) -> int:
    return picture.pixelColor(x, y).blue()


def test_it_opens_and_fills_the_proxies(renderer: Renderer, footage: Path, tmp_path: Path, qtbot: QtBot):
    with qtbot.waitSignal(renderer.opened) as signal:
        renderer.open(footage)
    assert signal.args is not None
    assert (signal.args[0].width, signal.args[0].frame_count) == (WIDTH, FRAMES)
    filled: list[tuple[int, int]] = []
    renderer.filled.connect(lambda *progress: filled.append(progress))
    renderer.prepare(tmp_path / "cache")
    qtbot.waitUntil(lambda: (FRAMES, FRAMES) in filled)
    assert [done for done, _ in filled] == sorted(done for done, _ in filled)


def test_pictures_are_of_the_frame_asked_for(prepared: Renderer, qtbot: QtBot):
    for frame in (0, 5, 2):
        for sharp in (False, True):
            scene = Scene(frame, View.OVERLAY, (), sharp)
            with qtbot.waitSignal(
                prepared.rendered, check_params_cb=lambda s, *_, f=frame: s.frame == f
            ) as got:
                prepared.show(scene)
            assert got.args is not None
            _, picture, bare = got.args
            inside = 12 + 4 * frame
            assert picture.pixelColor(inside, 24).red() > 200
            assert picture.pixelColor(inside + 20, 24).red() < 70
            assert bare.size() == picture.size()


def test_masks_are_loaded_in_the_worker(prepared: Renderer, qtbot: QtBot):
    threads: list[str] = []

    def load() -> np.ndarray:
        threads.append(threading.current_thread().name)
        return np.full((HEIGHT, WIDTH), 65535, np.uint16)

    scene = Scene(0, View.MATTE, (Layer("once", (0, 0, 0), load),))
    for _ in range(2):
        with qtbot.waitSignal(prepared.rendered) as got:
            prepared.show(scene)
    assert got.args is not None
    assert blue_at(got.args[1], 3, 3) == 255
    assert threads == ["rotoshot-display"]  # the second time from memory


def test_the_newest_wish_wins(prepared: Renderer, qtbot: QtBot):
    hold, held = threading.Event(), threading.Event()

    def slow() -> None:
        held.set()
        hold.wait(5)

    shown: list[int] = []
    prepared.rendered.connect(lambda scene, *_: shown.append(scene.frame))
    prepared.show(Scene(0, layers=(Layer("slow", (0, 0, 0), slow),)))
    assert held.wait(5)
    for frame in range(1, FRAMES):
        prepared.show(Scene(frame))
    hold.set()
    qtbot.waitUntil(lambda: bool(shown) and shown[-1] == FRAMES - 1)
    assert shown == [0, FRAMES - 1]


def test_full_frames(prepared: Renderer, qtbot: QtBot):
    with qtbot.waitSignal(prepared.full_ready) as got:
        prepared.fetch_full(3)
    assert got.args is not None
    frame, image = got.args
    assert frame == 3
    assert image[24, 24].tolist() == [230, 90, 40]


def test_what_is_no_clip_fails_in_one_sentence(renderer: Renderer, tmp_path: Path, qtbot: QtBot):
    with qtbot.waitSignal(renderer.failed) as got:
        renderer.open(tmp_path / "missing.mov")
    assert got.args is not None
    assert got.args[0].endswith(".")
    assert got.args[1] == ""


def test_a_failing_mask_does_not_end_the_worker(prepared: Renderer, qtbot: QtBot):
    def broken() -> None:
        raise RuntimeError("a bug")

    with qtbot.waitSignal(prepared.failed) as got:
        prepared.show(Scene(0, layers=(Layer("broken", (0, 0, 0), broken),)))
    assert got.args is not None
    assert "a bug" in got.args[1]
    with qtbot.waitSignal(prepared.rendered):
        prepared.show(Scene(1))


def test_answers_about_a_clip_left_do_not_arrive(prepared: Renderer, qtbot: QtBot):
    shown: list[object] = []
    prepared.rendered.connect(lambda *answer: shown.append(answer))
    prepared.show(Scene(0))
    prepared.leave()
    qtbot.wait(60)
    assert not shown


def test_memory_is_bounded():
    kept = Bounded(1000, array_bytes)
    for number in range(10):
        kept.put(number, np.zeros(300, np.uint8))
        kept.get(0)
    assert [n for n in range(10) if kept.get(n) is not None] == [0, 8, 9]


def test_a_replaced_background_picture_is_let_go(prepared: Renderer, qtbot: QtBot):
    pixels = np.full((30, 40, 3), 7, np.uint8)
    for picture in (Picture(Path("one.png"), pixels), Picture(Path("two.png"), pixels)):
        with qtbot.waitSignal(prepared.rendered):
            prepared.show(Scene(0, View.PICTURE, (), picture=picture))
        kept = weakref.ref(picture)
    with qtbot.waitSignal(prepared.rendered):
        prepared.show(Scene(0, View.MATTE))
    del picture
    qtbot.waitUntil(lambda: gc.collect() >= 0 and kept() is None)


@pytest.mark.parametrize("memory", [WeightMemory, partial(Bounded, size_of=array_bytes)])
def test_what_is_put_again_counts_once(memory: Callable[[int], WeightMemory]):
    array = np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.uint8)
    kept = memory(3 * array.nbytes)
    kept.put("other", array)
    for _ in range(5):
        kept.put("same", array)
    assert kept.get("other") is not None
