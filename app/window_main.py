"""Starts the window: first the picture on the screen, then torch in the engine's thread."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType


def _report(
    tell: Callable[[str, str], object],
    kind: type[BaseException],
    error: BaseException,
    trace: TracebackType | None,
) -> None:
    """An exception that no one expected: to the user, and to the terminal for when the window is gone."""
    sys.__excepthook__(kind, error, trace)
    tell(f"{kind.__name__}: {error}", "".join(traceback.format_exception(error)))


def run_window(path: Path | None = None) -> int:
    """Show the window, open `path` (a clip or project) in it, and run until it is closed; the exit status."""
    if sys.platform == "win32":
        # There, torch's libraries fail to load once Qt's have been.
        with contextlib.suppress(ImportError):
            import torch  # noqa: F401, PLC0415

    from PySide6.QtWidgets import QApplication  # noqa: PLC0415

    from app.main_window import MainWindow  # noqa: PLC0415
    from app.settings import load_settings, save_settings  # noqa: PLC0415
    from app.theme import Theme, apply_theme  # noqa: PLC0415
    from app.workspace import Workspace  # noqa: PLC0415
    from vosengine.errors import EngineError  # noqa: PLC0415

    settings, remark = load_settings()
    if settings.interface_scale != 1:  # unless the user's environment says otherwise
        os.environ.setdefault("QT_SCALE_FACTOR", f"{settings.interface_scale:g}")
    application = QApplication.instance() or QApplication([sys.argv[0]])
    assert isinstance(application, QApplication)
    application.setApplicationName("Rotoshot")
    application.setDesktopFileName("rotoshot")
    apply_theme(application, Theme(settings.theme))
    window = MainWindow(Workspace(), settings)
    window.show()
    sys.excepthook = partial(_report, window.workspace.failed.emit)
    if remark:
        window.status.say(remark)
    if path is not None:
        window.opening.open(path.absolute())
    status = application.exec()
    with contextlib.suppress(EngineError):  # settings that cannot be kept are no reason to fail at the end
        save_settings(settings)
    return status
