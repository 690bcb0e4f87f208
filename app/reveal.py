"""Files shown in the system's file manager, selected there where it can."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from PySide6.QtCore import QProcess, QUrl
from PySide6.QtGui import QDesktopServices

SERVICE, PLACE = "org.freedesktop.FileManager1", "/org/freedesktop/FileManager1"


def reveal(path: Path) -> None:
    """Show a file or folder in the folder that holds it; returns at once.

    Where the system has no way to select it, its folder is opened.
    """
    if not (_selected_by_program(path) if sys.platform in ("win32", "darwin") else _selected_by_bus(path)):
        open_folder(path.parent)


def open_folder(folder: Path) -> None:
    """Open a folder in the file manager."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))


def _selected_by_program(path: Path) -> bool:
    if sys.platform == "darwin":
        return bool(QProcess.startDetached("open", ["-R", str(path)])[0])
    # Explorer wants the comma, and its quotes after it: one word for QProcess would be quoted as a whole.
    try:
        subprocess.Popen(f'explorer /select,"{path}"')
    except OSError:
        return False
    return True


def _selected_by_bus(path: Path) -> bool:
    """By freedesktop.org's File Manager Interface. False where no file manager offers it."""
    from PySide6.QtDBus import QDBusConnection, QDBusMessage  # noqa: PLC0415  # Linux alone

    bus = QDBusConnection.sessionBus()
    if not bus.isConnected() or not _is_offered(bus):
        return False
    message = QDBusMessage.createMethodCall(SERVICE, PLACE, SERVICE, "ShowItems")
    message.setArguments([[bytes(QUrl.fromLocalFile(str(path)).toEncoded().data()).decode()], ""])
    return bool(bus.send(message))


def _is_offered(bus: object) -> bool:
    from PySide6.QtDBus import QDBusConnection  # noqa: PLC0415

    assert isinstance(bus, QDBusConnection)
    names = bus.interface()
    running = names.isServiceRegistered(SERVICE).value()
    return bool(running) or SERVICE in names.activatableServiceNames().value()
