"""Mattes are read before they play, the rate reached is told, the timeline is as the user left it."""

import json
import threading
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QSplitter
from pytestqt.qtbot import QtBot

from app.document import Document
from app.lane import LANE
from app.main_window import MainWindow
from app.playback_rate import PlaybackRate, RateMeter
from app.settings import load_settings
from app.weight_memory import WeightMemory
from tests.app.conftest import FRAMES, open_and_wait
from tests.app.fake_engine import truth
from tests.app.person import do, document_of, run
from vosengine.export.timing import timing_of
from vosengine.project_file import harden


def test_mattes_are_read_before_they_are_played(
    opened: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
):
    opened.judging._read_ahead._rest.setInterval(100)
    read: list[int] = []
    matte = Document.matte

    def counted(document: Document, object_id: int, frame: int) -> object:
        if threading.current_thread().name == "rotoshot-display":
            read.append(frame)
        return matte(document, object_id, frame)

    monkeypatch.setattr(Document, "matte", counted)
    document = document_of(opened)
    document.set_mask(1, 0, harden(truth(0)))
    with qtbot.waitSignal(opened.workspace.renderer.read):
        run(opened, qtbot)
    assert set(read) == set(range(FRAMES))
    read.clear()
    document.approve(1, 2)  # changes no matte
    shown: list[int] = []
    opened.viewer.arriving.connect(shown.append)
    for frame in range(1, FRAMES):
        opened.editing.go_to(frame)
        qtbot.waitUntil(lambda frame=frame: frame in shown)
    assert not read


def test_weights_come_back_as_they_were_and_are_bounded():
    memory = WeightMemory(4000)
    noise = [np.random.default_rng(n).integers(0, 256, (20, 30)).astype(np.uint8) for n in range(12)]
    for number, weights in enumerate(noise):
        memory.put(number, weights)
        memory.get(0)
    kept = [n for n in range(12) if n in memory]
    assert kept[0] == 0
    assert 2 < len(kept) < 8
    for number in kept:
        got = memory.get(number)
        assert got is not None
        assert (got == noise[number]).all()
    assert memory.get(1) is None


def test_the_rate_counts_frames_shown():
    meter = RateMeter()
    meter.start(10.0)
    assert meter.rate(10.2) is None
    for number in range(100):
        meter.shown(number // 2, 10 + number / 50)  # each frame's picture comes twice
    assert meter.rate(12.0) == pytest.approx(25, abs=1)
    assert meter.rate(13.0) == pytest.approx(12.5, abs=1)  # nothing for a second


def test_dropped_frames_are_told_while_playing(opened: MainWindow, qtbot: QtBot):
    rate = opened.timeline_panel.findChild(PlaybackRate)
    assert rate is not None
    do(opened, "loop")
    do(opened, "play")
    qtbot.waitUntil(lambda: rate.text().endswith("fps"))
    rate.show_rate(11.0, Fraction(25))
    assert rate.text() == "11 of 25 fps"
    assert rate.property("tone") == "warning"
    rate.show_rate(24.6, Fraction(24000, 1001))
    assert rate.text() == "24 of 23.98 fps"
    assert not rate.property("tone")
    do(opened, "play")
    assert not rate.text()


def test_the_film_strip_gets_the_clips_frames(opened: MainWindow, qtbot: QtBot):
    timeline = opened.timeline
    qtbot.waitUntil(lambda: set(timeline.strip._frames) == set(range(FRAMES)), timeout=5000)
    first, last = (timeline.strip._nearest(frame) for frame in (0, FRAMES - 1))
    assert first is not None
    assert last is not None
    assert first.pixelColor(first.width() * 12 // 64, first.height() // 2).red() > 150  # the square
    assert last.pixelColor(last.width() * 44 // 64, last.height() // 2).red() > 150
    do(opened, "film_strip")
    assert not opened.settings.film_strip
    shorter = timeline.minimumSizeHint().height()
    do(opened, "film_strip")
    assert timeline.minimumSizeHint().height() > shorter


def test_the_timelines_height_is_remembered(opened: MainWindow, footage: Path, qtbot: QtBot):
    splitter = opened.timeline_panel.parentWidget()
    assert isinstance(splitter, QSplitter)
    handle, before = splitter.handle(1), opened.timeline_panel.height()
    middle = handle.rect().center()
    qtbot.mousePress(handle, Qt.MouseButton.LeftButton, pos=middle)
    qtbot.mouseMove(handle, middle - QPoint(0, 60))
    qtbot.mouseRelease(handle, Qt.MouseButton.LeftButton, pos=middle)
    height = opened.timeline_panel.height()
    assert height > before + 10
    do(opened, "lanes_taller")
    do(opened, "close_project")
    other = MainWindow(opened.workspace, opened.settings)
    other.show()
    qtbot.waitExposed(other)
    open_and_wait(other, footage, qtbot)
    assert other.timeline_panel.height() == pytest.approx(height, abs=2)
    assert other.timeline.lane_height == opened.timeline.lane_height > LANE
    other.deleteLater()


def test_what_the_settings_say_of_the_timeline_is_checked(tmp_path: Path):
    stored = {"lane_height": 900, "timeline_height": True, "film_strip": "no", "follow_playhead": False}
    (tmp_path / "settings.json").write_text(json.dumps(stored))
    settings, _ = load_settings(tmp_path / "settings.json")
    assert (settings.lane_height, settings.timeline_height) == (LANE, 0)
    assert settings.film_strip
    assert not settings.follow_playhead


def test_the_timeline_follows_while_playing_only_if_wanted(opened: MainWindow):
    timeline = opened.timeline
    do(opened, "follow_playhead")
    assert timeline.follows  # a step is always brought into view
    do(opened, "loop")
    do(opened, "play")
    assert not timeline.follows
    do(opened, "follow_playhead")
    assert timeline.follows
    do(opened, "play")


def test_the_clock_reads_as_editors_count(opened: MainWindow, qtbot: QtBot):
    clock = opened.timeline_panel._number
    opened.editing.go_to(5)
    assert clock.text() == "00:00:00:05"
    tape = replace(document_of(opened).clip, timecode="01:59:59:22", rate=Fraction(24))
    assert opened.timeline_panel._clock(tape, 3) == "02:00:00:01"


def test_the_clock_of_a_varying_rate_counts_milliseconds(opened: MainWindow):
    clip = document_of(opened).clip
    times = tuple(Fraction(frame * frame, 100) for frame in range(clip.frame_count))
    opened.timeline_panel._steady = timing_of(replace(clip, timestamps=times), clip.span).constant
    assert opened.timeline_panel._clock(replace(clip, timestamps=times), 5) == "00:00:00.250"
