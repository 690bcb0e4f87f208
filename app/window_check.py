"""`rotoshot bench window`: how quickly the window answers, each figure beside a baseline of the same run."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PySide6.QtCore import QEvent, QObject
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.demo_truth import CLIP, DemoTruth
from app.document import Document
from app.engine_bridge import MakeEngine
from app.hand import LEFT, Hand, Place, StepFailedError
from app.heartbeat import Heartbeat, Pauses, serve_events
from app.main_window import MainWindow
from app.settings import Settings
from app.theme import apply_theme
from app.tour import choose_platform
from app.window_bench import FRAME_BUDGET, timeline_figures
from app.workspace import Workspace
from resources import resource
from vosengine.config import preset
from vosengine.errors import EngineError
from vosengine.messages import END, Event, ReleaseModel

LONGEST_BLOCK = 50.0  # milliseconds that a person does not feel
UHD, HD = (3840, 2160), (1920, 1080)
STROKE_PLACES = 120
BRUSH = 60.0  # clip pixels
IDLE_SECONDS, SETTLE_SECONDS = 3.0, 1.0
OPENING_SECONDS, RUN_SECONDS = 120.0, 1200.0


@dataclass(frozen=True)
class StrokeFigures:
    """Milliseconds from the mouse's event to the painted canvas (median, 95th of a hundred, longest), and
    those of lifting the pen.
    """

    median: float
    usual: float
    longest: float
    lifting: float


def stroke_figures(
    size: tuple[int, int], folder: Path, places: int = STROKE_PLACES, make_engine: MakeEngine | None = None
) -> StrokeFigures:
    """A brush stroke over a clip of `size` (width, height), written to `folder`, in the real window."""
    write_noise(folder, size)
    with _window(make_engine) as window:
        _open(window, folder)
        hand = Hand(window)
        hand.do("brush")
        window.viewer.set_radius(BRUSH)
        list(_stroke(window, _wave(size, places)))  # the first one also warms up
        taken = np.array(list(_stroke(window, _wave(size, places))))
        return StrokeFigures(
            float(np.median(taken[:-1])),
            float(np.percentile(taken[:-1], 95)),
            float(taken[:-1].max()),
            float(taken[-1]),
        )


def run_figures(name: str, folder: Path, make_engine: MakeEngine | None = None) -> tuple[Pauses, Pauses]:
    """The GUI thread's pauses during a run of the demo shot, and before it in the idle window."""
    clip = folder / "demo.mp4"
    shutil.copyfile(resource(CLIP), clip)
    with _window(make_engine, name) as window:
        document = _open(window, clip)
        document.set_mask(1, 0, DemoTruth().masks[0])
        started = time.monotonic()
        beat = Heartbeat()
        serve_events(lambda: time.monotonic() - started > IDLE_SECONDS, 2 * IDLE_SECONDS)
        idle, beat = beat.stop(), Heartbeat()
        window.actions_by_name["run"].trigger()
        ended = serve_events(lambda: not window.workspace.runner.is_running, RUN_SECONDS)
        busy = beat.stop()
        if not ended or len(document.matte_frames(1, document.span)) < len(document.span):
            raise StepFailedError("the run did not come to its end.")
        return busy, idle


def write_noise(folder: Path, size: tuple[int, int]) -> None:
    """Two pictures of soft noise, as footage of `size` (width, height)."""
    folder.mkdir()
    coarse = np.random.default_rng(0).integers(0, 255, (18, 32, 3), np.uint8)
    picture = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)
    for number in (1, 2):
        if not cv2.imwrite(str(folder / f"noise.{number:04d}.png"), picture):
            raise EngineError(f"{folder} cannot be written; free some space.")


def _wave(size: tuple[int, int], places: int) -> list[Place]:
    width, height = size
    across = np.linspace(0.1, 0.9, places)
    return [(width * x, height * (0.5 + 0.3 * np.sin(9 * x))) for x in across.tolist()]


def _stroke(window: MainWindow, path: Sequence[Place]) -> Iterator[float]:
    """Milliseconds of each move, and in the end of lifting the pen."""
    canvas, hand, painted = window.canvas, Hand(window), _Painted(window.canvas)
    hand.press(path[:1])
    hand.wait(50)
    for at in path[1:]:
        place = hand.widget_place(at)
        painted.count, start = 0, time.perf_counter()
        QTest.mouseMove(canvas, place)
        while not painted.count:
            QApplication.processEvents()
        yield 1000 * (time.perf_counter() - start)
    start = time.perf_counter()
    QTest.mouseRelease(canvas, LEFT, pos=hand.widget_place(path[-1]))
    yield 1000 * (time.perf_counter() - start)


class _Painted(QObject):
    """Counts the paintings of a widget."""

    def __init__(self, widget: QObject) -> None:
        super().__init__(widget)
        self.count = 0
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Let everything pass."""
        self.count += event.type() == QEvent.Type.Paint
        return False


@contextmanager
def _window(make_engine: MakeEngine | None = None, name: str = "instant") -> Iterator[MainWindow]:
    window = MainWindow(Workspace(make_engine), Settings(preset=name, tour_shown=True))
    window.workspace.new_config = preset(name)
    window.resize(*HD)
    window.show()
    window.activateWindow()
    try:
        yield window
    finally:
        window.workspace.close(discard=True)
        window.hide()
        window.deleteLater()


def _open(window: MainWindow, path: Path) -> Document:
    window.opening.open(path)
    workspace, shown = window.workspace, window.canvas
    there = serve_events(
        lambda: workspace.document is not None and not shown.picture.isNull(), OPENING_SECONDS
    )
    if not there or workspace.document is None:
        raise StepFailedError(f"{path.name} was not opened.")
    _wait_for_engine(window)
    serve_events(lambda: False, SETTLE_SECONDS)
    return workspace.document


def _wait_for_engine(window: MainWindow) -> None:
    """Its import of torch takes a while, and the processor."""
    bridge, ended = window.workspace.bridge, set[int]()

    def note(event: Event) -> None:
        if isinstance(event, END):
            ended.add(event.job_id)

    bridge.received.connect(note)
    job = bridge.submit(ReleaseModel())
    if not serve_events(lambda: job in ended, OPENING_SECONDS):
        raise StepFailedError("the engine did not start.")


def report(figures: dict[str, Any]) -> str:
    """The figures as lines, each with its target and its baseline."""
    lines = []
    if "run" in figures:
        busy, idle = figures["run"]["busy"], figures["run"]["idle"]
        lines += [
            _line("longest block of the GUI thread in a run", busy["longest"], LONGEST_BLOCK,
                  idle["longest"], "idle"),
            _line("99 of 100 pauses in a run", busy["usual"], LONGEST_BLOCK, idle["usual"], "idle"),
        ]  # fmt: skip
    wide, small = figures["stroke"]["3840x2160"], figures["stroke"]["1920x1080"]
    for name, what in (("median", "median"), ("usual", "95 of 100"), ("longest", "longest")):
        lines.append(_line(f"stroke to pixels at 4K, {what}", wide[name], FRAME_BUDGET, small[name], "1080p"))
    lines.append(_line("lifting the pen at 4K", wide["lifting"], LONGEST_BLOCK, small["lifting"], "1080p"))
    for (name, milliseconds), ratio in zip(
        list(figures["timeline"].items())[:4], figures["timeline"]["ratios"], strict=True
    ):
        what = f"timeline of 20,000 frames, {name}"
        lines.append(_line(what, milliseconds, FRAME_BUDGET, milliseconds / ratio, "200 frames"))
    return "\n".join(lines)


def _line(what: str, milliseconds: float, target: float, baseline: float, name: str) -> str:
    verdict = "ok" if milliseconds < target else "over"
    ratio = milliseconds / baseline if baseline > 0 else float("inf")
    return (
        f"{what:<44} {milliseconds:8.1f} ms   {verdict:<4} (target {target:.0f} ms)   "
        f"{ratio:5.1f} x {name} ({baseline:.1f} ms)"
    )


def measure(run: str, make_engine: MakeEngine | None = None) -> dict[str, Any]:
    """All figures, milliseconds; `run` names the preset of the run, "" for none."""
    with tempfile.TemporaryDirectory(prefix="rotoshot-bench-") as name:
        folder = Path(name)
        sizes = {f"{size[0]}x{size[1]}": size for size in (HD, UHD)}
        strokes = {
            key: asdict(stroke_figures(size, folder / key, make_engine=make_engine))
            for key, size in sizes.items()
        }
        figures: dict[str, Any] = {"stroke": strokes, "timeline": asdict(timeline_figures())}
        if run:
            busy, idle = run_figures(run, folder, make_engine)
            figures["run"] = {"preset": run, "busy": asdict(busy), "idle": asdict(idle)}
        return figures


def main(words: Sequence[str]) -> int:
    """`rotoshot bench window WORDS`; the exit status."""
    parser = argparse.ArgumentParser(
        prog="rotoshot bench window", description="Measure how quickly the window answers."
    )
    parser.add_argument("--preset", default="instant", help="of the run (default instant)")
    parser.add_argument("--skip-run", action="store_true", help="measure the stroke and the timeline alone")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args(words)
    choose_platform(1.0)
    application = QApplication.instance() or QApplication([sys.argv[0]])
    assert isinstance(application, QApplication)
    apply_theme(application)
    try:
        figures = measure("" if arguments.skip_run else arguments.preset)
        if arguments.json is not None:
            arguments.json.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    except (EngineError, OSError) as error:
        print(f"rotoshot: {error}", file=sys.stderr)
        return 1
    print(report(figures))
    return 0
