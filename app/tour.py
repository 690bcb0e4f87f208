"""`rotoshot tour`: a scripted session in the real window, from opening the demo shot to its export.

Every step is done with the mouse and the keyboard, checked for its effect, told in a line, and kept as a
screenshot. So it shows the program, and tries it from end to end.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog

from app.compositing import Scene
from app.demo_truth import CLIP, DemoTruth
from app.document import Document, FrameState
from app.engine_bridge import MakeEngine
from app.export_dialog import RESULT, ExportDialog
from app.hand import LEFT, RIGHT, Hand, StepFailedError
from app.main_window import MainWindow
from app.settings import Settings
from app.theme import apply_theme
from app.workspace import Workspace
from resources import resource
from vosengine.config import PRESETS, preset
from vosengine.errors import EngineError

OBJECT = 1
LEAST_J = 0.5  # of a mask that was marked or cut out: below, a step has failed
GOOD_J = 0.85
MAY_LOSE = 0.03  # of J, by one stroke
STROKES = 6
FINEST, BROADEST = 2.0, 20.0  # brush, clip pixels
QUICK_PNG = 70  # of 100: larger files, sooner
SETTLE = 350  # milliseconds until what a step changed is painted
VIEWS = ("matte", "checkerboard", "backdrop", "outline", "difference")
TEMPLATE = "prores4444"


class Tour:
    """The session. `lines` tells each step as it ends; shots go to a folder, numbered in order."""

    def __init__(
        self,
        window: MainWindow,
        scratch: Path,
        shots: Path | None = None,
        frames: int | None = None,
        tell: Callable[[str], object] = print,
        settle: int = SETTLE,
    ) -> None:
        """`scratch` takes the clip and its project; `frames`: work on so many from the first, None on all.

        `settle`: milliseconds before each shot.
        """
        self.window, self.hand, self._settle = window, Hand(window), settle
        self.shots = shots
        self._scratch, self._frames, self._tell = scratch, frames, tell
        self._truth = DemoTruth()
        self._count = 0
        self._scene, self._rendered_at = Scene(0), 0.0  # what the canvas got last, and when
        self._asked_at = 0.0  # when the shot was wanted
        self._problems: list[str] = []
        # A dialog about a failure would wait for someone to close it.
        window.workspace.renderer.rendered.connect(self._note_scene)
        window.workspace.failed.disconnect()
        window.workspace.failed.connect(lambda message, _trace: self._problems.append(message))

    def run(self) -> None:
        """All steps. Raises StepFailedError for the first that does not do what it should."""
        steps = (
            self.start, self.open, self.scribble, self.paint, self.cut_out, self.judge, self.correct,
            self.run_again, self.look, self.approve, self.export, self.close,
        )  # fmt: skip
        for step in steps:
            name = step.__name__.replace("_", " ")
            try:
                line = step()
                self._require(not self._problems, "; ".join(self._problems))
            except StepFailedError as error:
                self._shoot("failed")
                raise StepFailedError(f"The step “{name}” failed: {error}") from error
            self._tell(f"{name:<10} {line}")

    # --- the steps ------------------------------------------------------------------------------------------

    def start(self) -> str:
        """What the program shows first."""
        self._shoot("start")
        return "the start screen"

    def open(self) -> str:
        """The demo shot, in a project of its own."""
        clip = self._scratch / "highland.mp4"
        shutil.copyfile(resource(CLIP), clip)
        self.window.opening.open(clip)
        shown = self.window.canvas
        self.hand.until(
            lambda: self.window.workspace.document is not None and not shown.picture.isNull(), "The shot", 60
        )
        info = self.document.clip
        if self._frames is not None:
            self._work_on(self._frames)
        self._shoot("opened")
        return (
            f"{info.frame_count} frames of {info.width}x{info.height}, {len(self.document.span)} to cut out"
        )

    def scribble(self) -> str:
        """Along the object, and with the other button on the ground beside it."""
        self.hand.do("foreground")
        inside = self._truth.inside(0)
        self.hand.press(inside)
        self._shoot("scribbling")
        self.hand.release(inside[-1])
        self.hand.draw(self._truth.around(0), RIGHT)
        self._wait_for_mask(0)
        self._shoot("scribbled")
        J = self._J(0)
        self._require(J >= LEAST_J, f"the scribbles gave a mask of J {J:.3f}.")
        return f"J of the marked frame {J:.3f}"

    def paint(self) -> str:
        """The largest mistakes of that mask, with a brush that fits each."""
        self.hand.do("brush")
        before = self._J(0)
        for stroke in range(STROKES):
            self._paint_once(f"painting-{stroke + 1}")
        J = self._J(0)
        return f"{STROKES} strokes on what was wrong: J {before:.3f} to {J:.3f}"

    def _paint_once(self, name: str) -> None:
        before, mask = self._J(0), self.document.mask(OBJECT, 0)
        wrong = self._truth.mistake(0, mask)
        self._size_brush(wrong.depth)
        button = LEFT if wrong.missing else RIGHT
        self.hand.press(wrong.path, button)
        self._shoot(name)
        self.hand.release(wrong.path[-1], button)
        painted = self.document.mask(OBJECT, 0)
        changed = mask is not None and painted is not None and bool((painted != mask).any())
        self._require(changed, "nothing was painted.")
        J = self._J(0)
        self._require(before - MAY_LOSE <= J, f"a stroke made J {J:.3f} of {before:.3f}.")

    def _size_brush(self, radius: float) -> None:
        """Press the keys until it is about as large, in clip pixels."""
        wanted, settings = min(max(radius, FINEST), BROADEST), self.window.settings
        while settings.brush_radius > wanted:
            self.hand.do("smaller")
        while settings.brush_radius < 0.7 * wanted:
            self.hand.do("larger")

    def cut_out(self) -> str:
        """Learn, and propagate to every frame."""
        workspace, span = self.window.workspace, self.document.span
        self.hand.do("run")
        self.hand.until(
            lambda: workspace.runner.progress.done > 0 or not workspace.runner.is_running, "Progress"
        )
        self._shoot("learning")
        enough = 1 + len(span) // 3
        self.hand.until(lambda: self._cut_count() > enough or not workspace.runner.is_running, "Masks")
        self._shoot("streaming")
        self._wait_for_run()
        self._shoot("cut-out")
        self._require(
            self._cut_count() == len(span), f"{self._cut_count()} of {len(span)} frames have a mask."
        )
        return self._told_J()

    def judge(self) -> str:
        """The frame that is probably worst."""
        self.hand.do("next_worst")
        frame = self.document.frame
        quality = self.document.quality(OBJECT, frame)
        self._require(quality is not None, f"frame {frame}, which nobody predicted, was called the worst.")
        rows = self.window.judging.panel.list.model().rowCount()
        self._require(rows > 0, "the panel of worst frames is empty.")
        self._shoot("worst")
        J = self._J(frame)
        return f"frame {frame} is the worst of {rows} listed: J estimated {quality:.3f}, true {J:.3f}"

    def correct(self) -> str:
        """One stroke on its largest mistake."""
        frame = self.document.frame
        before, shown = self._J(frame), self.document.shown_mask(OBJECT, frame)
        wrong = self._truth.mistake(frame, shown)
        self.hand.do("correct")
        if before > GOOD_J:  # what is left is for the brush
            self.hand.do("brush")
        self._size_brush(wrong.depth / 2)
        self.hand.draw(wrong.path, LEFT if wrong.missing else RIGHT)
        self._wait_for_mask(frame)
        self._shoot("corrected")
        stale = [f for f, s in self.document.states(OBJECT).items() if s is FrameState.STALE]
        self._require(bool(stale), "the correction made no other frame out of date.")
        J = self._J(frame)
        self._require(before - MAY_LOSE <= J, f"the correction made J {J:.3f} of {before:.3f}.")
        return f"J of frame {frame} {before:.3f} to {J:.3f}; {len(stale)} frames became out of date"

    def run_again(self) -> str:
        """Only what the correction concerns."""
        document, span = self.document, self.document.span
        drawn = {frame: document.mask(OBJECT, frame) for frame in document.annotated_frames(OBJECT)}
        self.hand.do("run")
        self._wait_for_run()
        self._shoot("run-again")
        outcome = document.runs.outcome
        self._require(0 < len(outcome.frames) <= len(span) - len(drawn), "no frame was predicted anew.")
        for frame, mask in drawn.items():
            now = document.mask(OBJECT, frame)
            same = now is not None and mask is not None and bool((now == mask).all())
            self._require(same, f"frame {frame}, which was drawn, changed.")
        return f"{outcome.count} ({outcome.where()}); {self._told_J()}"

    def look(self) -> str:
        """At the result in several views, and beside the former one."""
        self.hand.do("brush")  # scribbles are shown with their own tools
        for view in VIEWS:
            self.hand.do(view)
            self.hand.until(partial(self._shows, view), f"The view {view}", 20)
            self._shoot(f"view-{view}")
        self.hand.do("overlay")
        self.hand.do("wipe")
        self._require(self.window.actions_by_name["wipe"].isChecked(), "the wipe did not come.")
        self._shoot("wipe")
        self.hand.do("wipe")
        return f"{', '.join(VIEWS)}, wipe"

    def approve(self) -> str:
        """A frame, and that taken back."""
        document = self.document
        self.hand.do("next" if document.frame + 1 < document.span.stop else "previous")
        frame = document.frame
        self.hand.do("approve")
        self._require(document.approved(OBJECT, frame), f"frame {frame} was not approved.")
        self._shoot("approved")
        self.hand.do("undo")
        self._require(not document.approved(OBJECT, frame), f"the approval of frame {frame} stayed.")
        return f"frame {frame}, and undone"

    def export(self) -> str:
        """A movie with alpha."""
        self.hand.do("export")
        dialog = self.window.exporting.dialog
        if dialog is None:
            raise StepFailedError("the export dialog did not come.")
        for _ in range(dialog.form.templates.count()):
            if dialog.form.choice().template != TEMPLATE:
                QTest.keyClick(dialog.form.templates, Qt.Key.Key_Down)
        QTest.keyClicks(dialog.form.folder, str(self._scratch / "out"))
        self.hand.until(lambda: dialog.preview.tree.topLevelItemCount() > 0, "The names of the files", 20)
        self._shoot("export")
        self.hand.click(dialog.export_button)
        return self._exported(dialog)

    def _exported(self, dialog: ExportDialog) -> str:
        jobs = self.window.workspace.jobs
        self.hand.until(lambda: dialog.page == RESULT or jobs.progress.done > 1, "The export")
        self._shoot("exporting")
        self.hand.until(lambda: dialog.page == RESULT or bool(dialog.problem.text()), "The export's end")
        self._require(not dialog.problem.text(), dialog.problem.text())
        self._shoot("exported")
        written = dialog.results.chosen
        there = written is not None and written.exists() and written.stat().st_size > 0
        self._require(there, "no file was written.")
        self.hand.do_in(dialog, Qt.Key.Key_Escape)
        return dialog.results.report.toPlainText().replace("\n", " ")

    def close(self) -> str:
        """The project: everything is on the disk."""
        folder = self.document.folder
        self.hand.do("close_project")
        self.hand.until(lambda: self.window.workspace.document is None, "The start screen", 30)
        self._require((folder / "project.roto").exists(), f"there is no project in {folder}.")
        self._shoot("closed")
        return "the project is kept and listed"

    # --- help -----------------------------------------------------------------------------------------------

    @property
    def document(self) -> Document:
        """The open one."""
        document = self.window.workspace.document
        if document is None:
            raise StepFailedError("; ".join(self._problems) or "no shot is open.")
        return document

    def _work_on(self, frames: int) -> None:
        """Set the out point, with the keys."""
        tens, ones = divmod(min(frames, self.document.clip.frame_count) - 1, 10)
        for name in ["ahead_ten"] * tens + ["next"] * ones + ["mark_out", "first"]:
            self.hand.do(name)

    def _shows(self, view: str) -> bool:
        return self._scene.view.value == view

    def _wait_for_mask(self, frame: int) -> None:
        scribbler = self.window.workspace.scribbler
        self.hand.until(
            lambda: self.document.mask(OBJECT, frame) is not None and not scribbler.is_working, "A mask"
        )

    def _wait_for_run(self) -> None:
        runner = self.window.workspace.runner
        self.hand.until(lambda: not runner.is_running or bool(self._problems), "The run's end", 3600)
        self._require(not self._problems, "; ".join(self._problems))

    def _cut_count(self) -> int:
        return len(self.document.matte_frames(OBJECT, self.document.span))

    def _J(self, frame: int) -> float:
        return self._truth.J(frame, self.document.shown_mask(OBJECT, frame))

    def _told_J(self) -> str:
        by_frame = {frame: self._J(frame) for frame in self.document.span}
        worst = min(by_frame, key=lambda frame: by_frame[frame])
        mean = sum(by_frame.values()) / len(by_frame)
        self._require(mean >= LEAST_J, f"the result's J is {mean:.3f}.")
        return f"J {mean:.3f} over {len(by_frame)} frames, {by_frame[worst]:.3f} on the worst ({worst})"

    def _require(self, kept: bool, failure: str) -> None:
        if not kept:
            raise StepFailedError(failure)

    def _note_scene(self, scene: Scene) -> None:
        self._scene, self._rendered_at = scene, time.monotonic()

    def _is_settled(self) -> bool:
        """Whether the canvas shows what was asked for, and nothing has changed there for a while."""
        document = self.window.workspace.document
        quiet = 1000 * (time.monotonic() - max(self._rendered_at, self._asked_at)) >= self._settle
        asked = self.window.settings.view, self.window.actions_by_name["wipe"].isChecked()
        shown = self._scene.view.value, self._scene.wipe is not None
        return quiet and (document is None or (shown == asked and self._scene.frame == document.frame))

    def _shoot(self, name: str) -> None:
        """A screenshot of the window, with its dialog over it."""
        if self.shots is None:
            return
        self._asked_at = time.monotonic()
        self.hand.until(self._is_settled, "The picture")
        self._count += 1
        picture = picture_of(self.window)
        path = self.shots / f"{self._count:02d}-{name}.png"
        if not picture.save(str(path), quality=QUICK_PNG):
            raise StepFailedError(f"{path} could not be written; choose another folder.")


def picture_of(window: MainWindow) -> QImage:
    """The window as it is painted, its dialogs in its middle, at the screen's own pixels."""
    picture = window.grab().toImage()
    dialogs = [
        each for each in QApplication.topLevelWidgets() if isinstance(each, QDialog) and each.isVisible()
    ]
    painter = QPainter(picture)
    for dialog in dialogs:
        middle = window.rect().center() - dialog.rect().center()
        at = QPoint(max(middle.x(), 0), max(middle.y(), 0))
        painter.drawPixmap(at, dialog.grab())
        painter.setPen(dialog.palette().mid().color())
        painter.drawRect(dialog.rect().translated(at).adjusted(-1, -1, 0, 0))
    painter.end()
    return picture


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `run` reads."""
    parser.add_argument(
        "--screenshots", type=Path, metavar="DIR", help="save a numbered PNG of each step here"
    )
    parser.add_argument("--size", type=_size, default=(1920, 1080), help="the window's (default 1920x1080)")
    parser.add_argument("--scale", type=float, default=1.0, help="pixels a unit: 2 for a HiDPI screen")
    parser.add_argument("--preset", default="instant", choices=list(PRESETS), help="default instant")
    parser.add_argument("--frames", type=int, help="cut out only so many frames from the first on")


def run(arguments: argparse.Namespace, make_engine: MakeEngine | None = None) -> int:
    """The tour in a window of its own; the exit status."""
    choose_platform(arguments.scale)
    shots: Path | None = arguments.screenshots
    if shots is not None:
        try:
            shots.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EngineError(f"{shots} cannot be made ({error.strerror}); choose another folder.") from error
    application = QApplication.instance() or QApplication([sys.argv[0]])
    assert isinstance(application, QApplication)
    apply_theme(application)
    window = MainWindow(Workspace(make_engine), Settings(preset=arguments.preset, tour_shown=True))
    window.workspace.new_config = preset(arguments.preset)
    window.resize(*arguments.size)
    window.show()
    window.activateWindow()
    with tempfile.TemporaryDirectory(prefix="rotoshot-tour-") as scratch:
        try:
            Tour(window, Path(scratch), shots, arguments.frames).run()
        finally:
            window.workspace.close(discard=True)
            window.hide()
            window.deleteLater()
    return 0


def main(words: Sequence[str]) -> int:
    """`rotoshot tour WORDS`; the exit status."""
    parser = argparse.ArgumentParser(
        prog="rotoshot tour", description="Show the program at work, step by step."
    )
    add_arguments(parser)
    try:
        return run(parser.parse_args(words))
    except EngineError as error:
        print(f"rotoshot: {error}", file=sys.stderr)
        return 1


def choose_platform(scale: float) -> None:
    """Before Qt starts: the scale, and no screen where there is none."""
    if scale != 1.0:
        os.environ["QT_SCALE_FACTOR"] = str(scale)
    headless = not any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))
    if sys.platform.startswith("linux") and headless:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"


def _size(text: str) -> tuple[int, int]:
    try:
        width, height = map(int, text.lower().split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not WIDTHxHEIGHT, such as 1280x720") from None
    return width, height
