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
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from app.settings import Settings


def _report(
    tell: Callable[[str, str], object],
    kind: type[BaseException],
    error: BaseException,
    trace: TracebackType | None,
) -> None:
    """An exception that no one expected: to the user, and to the terminal for when the window is gone."""
    sys.__excepthook__(kind, error, trace)
    tell(f"{kind.__name__}: {error}", "".join(traceback.format_exception(error)))


def _keep(settings: Settings) -> None:
    """Settings that cannot be kept are no reason to fail."""
    from app.settings import save_settings  # noqa: PLC0415
    from vosengine.errors import EngineError  # noqa: PLC0415

    with contextlib.suppress(EngineError):
        save_settings(settings)


def _translate_qt(application: QApplication) -> None:
    """Qt's own dialogs in the language of ours."""
    from PySide6.QtCore import QLibraryInfo, QLocale, QTranslator  # noqa: PLC0415

    from app.language import language  # noqa: PLC0415

    translator = QTranslator(application)
    folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
    if language() and translator.load(QLocale(language()), "qtbase", "_", folder):
        application.installTranslator(translator)


def run_window(path: Path | None = None) -> int:
    """Show the window, open `path` (a clip or project) in it, and run until it is closed; the exit status."""
    if sys.platform == "win32":
        # There, torch's libraries fail to load once Qt's have been.
        with contextlib.suppress(ImportError):
            import torch  # noqa: F401, PLC0415

    from PySide6.QtWidgets import QApplication  # noqa: PLC0415

    from app.main_window import MainWindow  # noqa: PLC0415
    from app.settings import load_settings  # noqa: PLC0415
    from app.theme import Theme, apply_theme  # noqa: PLC0415
    from app.workspace import Workspace  # noqa: PLC0415

    settings, remark = load_settings()
    if settings.interface_scale != 1:  # unless the user's environment says otherwise
        os.environ.setdefault("QT_SCALE_FACTOR", f"{settings.interface_scale:g}")
    application = QApplication.instance() or QApplication([sys.argv[0]])
    assert isinstance(application, QApplication)
    application.setApplicationName("Rotoshot")
    application.setDesktopFileName("rotoshot")
    _translate_qt(application)
    apply_theme(application, Theme(settings.theme))
    window = MainWindow(Workspace(), settings)
    window.show()
    for changed in (window.comfort.settings_changed, window.workspace.document_changed):
        changed.connect(partial(_keep, settings))  # not only in the end: nothing is lost with a crash
    sys.excepthook = partial(_report, window.workspace.failed.emit)
    if remark:
        window.status.say(remark)
    if path is not None:
        window.opening.open(path.absolute())
    status = application.exec()
    _keep(settings)
    return status
