"""What `rotoshot bench window` measures is what it says."""

import time
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app import window_check
from app.canvas import Canvas
from app.heartbeat import Heartbeat, serve_events
from tests.app.fake_engine import FakeEngine
from tests.app.test_tour import DemoEngine

paint = Canvas.paintEvent


def slow_paint(canvas: Canvas, event: QPaintEvent) -> None:
    time.sleep(0.02)
    paint(canvas, event)


def test_a_block_of_the_gui_thread_is_found(themed: QApplication):
    beat = Heartbeat()
    serve_events(lambda: True, 1)
    QTimer.singleShot(10, lambda: time.sleep(0.12))
    serve_events(lambda: False, 0.3)
    pauses = beat.stop()
    assert pauses.longest > 110
    assert pauses.beats > 5
    assert pauses.usual <= pauses.longest


def test_each_move_of_a_stroke_is_waited_for_until_it_is_painted(
    themed: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(window_check, "HD", (960, 600))
    monkeypatch.setattr(window_check, "SETTLE_SECONDS", 0.1)
    monkeypatch.setattr("app.canvas.Canvas.paintEvent", slow_paint)
    figures = window_check.stroke_figures((320, 180), tmp_path / "noise", 8, FakeEngine)
    assert figures.median >= 20
    assert figures.median <= figures.usual <= figures.longest


def test_the_report_names_targets_and_baselines():
    stroke = {"median": 4.0, "usual": 9.0, "longest": 20.0, "lifting": 12.0}
    timeline = {"paint": 8.0, "scroll": 2.0, "zoom": 4.0, "playhead": 1.0, "ratios": (2.0, 1.0, 4.0, 1.0)}
    pauses = {"longest": 30.0, "usual": 2.0, "beats": 100}
    figures = {
        "stroke": {"3840x2160": stroke, "1920x1080": {name: value / 2 for name, value in stroke.items()}},
        "timeline": timeline,
        "run": {"busy": pauses, "idle": {"longest": 10.0, "usual": 1.0, "beats": 100}},
    }
    lines = window_check.report(figures).splitlines()
    assert lines[0].split("ms   ")[1].startswith("ok")
    assert "3.0 x idle (10.0 ms)" in lines[0]
    over = next(line for line in lines if "4K, longest" in line)
    assert "over (target 16 ms)" in over
    assert "2.0 x 1080p" in over


def test_a_run_is_watched_from_its_start_to_its_end(
    themed: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
):
    monkeypatch.setattr(window_check, "IDLE_SECONDS", 0.2)
    monkeypatch.setattr(window_check, "SETTLE_SECONDS", 0.1)
    monkeypatch.setattr(window_check, "HD", (960, 600))
    engine = DemoEngine()
    busy, idle = window_check.run_figures("instant", tmp_path, lambda: engine)
    assert engine.commands
    assert min(busy.beats, idle.beats) >= 3
