"""What a person does in the window, in the words of the tests."""

from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.document import Document
from app.main_window import MainWindow
from tests.app.conftest import HEIGHT, WIDTH
from tests.app.mouse import drag

SQUARE = [(10.5, 18.5), (21.5, 29.5)]


def document_of(window: MainWindow) -> Document:
    document = window.workspace.document
    assert document is not None
    return document


def do(window: MainWindow, name: str) -> None:
    QApplication.processEvents()  # the window shows what may be done now
    action = window.actions_by_name[name]
    assert action.isEnabled(), action.toolTip()
    action.trigger()


def scribble(window: MainWindow, qtbot: QtBot) -> Document:
    """Mark the square on the current frame and wait for its mask."""
    document = document_of(window)
    do(window, "foreground")
    drag(window.canvas, SQUARE)
    qtbot.waitUntil(lambda: document.mask(document.object_id, document.frame) is not None)
    return document


def run(window: MainWindow, qtbot: QtBot) -> None:
    do(window, "run")
    qtbot.waitUntil(lambda: not window.workspace.runner.is_running)


def canvas_colour(window: MainWindow, x: float, y: float) -> tuple[int, int, int]:
    picture = window.canvas.picture
    colour = picture.pixelColor(int(x * picture.width() / WIDTH), int(y * picture.height() / HEIGHT))
    return colour.red(), colour.green(), colour.blue()
