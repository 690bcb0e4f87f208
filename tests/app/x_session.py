"""Run on a real X display: opens footage, scribbles with the mouse, and saves what the screen then shows.

Arguments: the footage's folder, and the folder for `screen.png`, `mask.png` and `facts.json`.
"""

import json
import sys
from pathlib import Path

import cv2
from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from app.main_window import MainWindow
from app.settings import Settings
from app.theme import apply_theme
from app.workspace import Workspace
from tests.app.fake_engine import FakeEngine
from tests.app.mouse import drag


def wait(milliseconds: int) -> None:
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def until(condition: object, milliseconds: int = 20_000) -> None:
    assert callable(condition)
    for _ in range(milliseconds // 20):
        if condition():
            return
        wait(20)
    sys.exit("the window did not get there in time")


def main(footage: Path, out: Path) -> None:
    application = QApplication([])
    assert QGuiApplication.platformName() == "xcb"
    apply_theme(application)
    window = MainWindow(Workspace(FakeEngine), Settings(tour_shown=True))
    window.resize(1280, 720)
    window.move(0, 0)
    window.show()
    window.opening.open(footage)
    until(lambda: window.workspace.document is not None and not window.canvas.picture.isNull())
    document = window.workspace.document
    assert document is not None
    drag(window.canvas, [(10.5, 18.5), (21.5, 29.5)])
    until(lambda: document.mask(1, 0) is not None)
    window.actions_by_name["box"].trigger()  # scribbles are drawn over the picture only with their tools
    wait(600)
    screen = window.screen().grabWindow(window.winId())
    assert screen.save(str(out / "screen.png"))
    assert cv2.imwrite(str(out / "mask.png"), document.mask(1, 0))
    origin = window.canvas.mapTo(window, window.canvas.rect().topLeft())
    viewport = window.canvas.viewport
    facts = {
        "left": origin.x() + viewport.left,
        "top": origin.y() + viewport.top,
        "scale": viewport.scale,
        "window": [window.width(), window.height()],
        "colour": document.object(1).colour,
    }
    (out / "facts.json").write_text(json.dumps(facts))
    window.close()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
