"""What shows files in the system's file manager, on a session bus of its own."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FILE_MANAGER = """
from PySide6.QtCore import ClassInfo, QCoreApplication, QObject, QTimer, Slot
from PySide6.QtDBus import QDBusConnection
application = QCoreApplication([])
@ClassInfo({"D-Bus Interface": "org.freedesktop.FileManager1"})
class FileManager(QObject):
    @Slot("QStringList", "QString")
    def ShowItems(self, places, startup):
        print(places[0], flush=True)
        application.quit()
bus, manager = QDBusConnection.sessionBus(), FileManager()
bus.registerObject("/org/freedesktop/FileManager1", manager, QDBusConnection.RegisterOption.ExportAllSlots)
bus.registerService("org.freedesktop.FileManager1")
print("ready", flush=True)
QTimer.singleShot(20000, application.quit)
application.exec()
"""
ASKER = """
import subprocess, sys
from pathlib import Path
manager = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=subprocess.PIPE, text=True)
assert manager.stdout.readline() == "ready\\n"
from PySide6.QtCore import QCoreApplication
from app import reveal
application = QCoreApplication([])
reveal.open_folder = lambda folder: print("only the folder")
reveal.reveal(Path(sys.argv[2]))
print(manager.communicate(timeout=20)[0], end="")
reveal.reveal(Path(sys.argv[2]))
"""


@pytest.mark.skipif(shutil.which("dbus-run-session") is None, reason="there is no session bus to be had")
def test_a_file_manager_on_the_bus_is_asked_to_select_the_file(tmp_path: Path):
    command = [
        "dbus-run-session",
        "--",
        sys.executable,
        "-c",
        ASKER,
        FILE_MANAGER,
        str(tmp_path / "cut ü.mov"),
    ]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    place = (tmp_path / "cut ü.mov").as_uri()
    assert said.stdout.splitlines() == [place, "only the folder"], said.stderr
