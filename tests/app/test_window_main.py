import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.window_main import _report

SESSION = """
import os
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
import vosengine.session
from app.main_window import MainWindow
from app.settings import Settings, save_settings, settings_path
from app.window_main import run_window
from tests.app.fake_engine import FakeEngine

vosengine.session._default_engine = FakeEngine
application = QApplication([])

def look():
    window = next(w for w in application.topLevelWidgets() if isinstance(w, MainWindow))
    if window.workspace.document is not None:
        window.close()

save_settings(Settings(interface_scale=1.25))
timer = QTimer(interval=50)
timer.timeout.connect(look)
timer.start()
status = run_window(Path(sys.argv[1]))
assert "torch" not in sys.modules
assert "QT_SCALE_FACTOR" not in os.environ  # else programs started from here would be larger too
print(settings_path())
sys.exit(status)
"""


def test_what_no_one_expected_is_told(capsys: pytest.CaptureFixture[str]):
    told: list[tuple[str, str]] = []
    error = ZeroDivisionError("a bug")
    _report(lambda message, trace: told.append((message, trace)), ZeroDivisionError, error, None)
    assert told == [("ZeroDivisionError: a bug", "ZeroDivisionError: a bug\n")]
    assert "a bug" in capsys.readouterr().err


KILLED = SESSION.replace(
    "        window.close()",
    "        window.comfort.keymap.add('loop', 'Ctrl+F11')\n"
    "        window.comfort._keys_changed()\n"
    "        window.settings.theme = 'light'\n"
    "        window.appearance.settings_changed.emit()\n"
    "        print(settings_path(), flush=True)\n"
    "        os._exit(9)",
)


def test_a_whole_session_with_a_path(footage: Path, tmp_path: Path):
    done = session(SESSION, footage, tmp_path)
    assert done.returncode == 0, done.stderr
    settings = json.loads(Path(done.stdout.strip().splitlines()[-1]).read_text())
    assert settings["recent_projects"] == [str(footage.parent / f"{footage.name}.rotoshot")]
    assert settings["window_geometry"]


def test_keys_and_recent_projects_outlive_a_kill(footage: Path, tmp_path: Path):
    done = session(KILLED, footage, tmp_path)
    assert done.returncode == 9, done.stderr
    settings = json.loads(Path(done.stdout.strip().splitlines()[-1]).read_text())
    assert settings["theme"] == "light"
    assert settings["shortcuts"] == {"loop": "Ctrl+L; Ctrl+F11"}
    assert settings["recent_projects"] == [str(footage.parent / f"{footage.name}.rotoshot")]


def session(script: str, footage: Path, tmp_path: Path) -> "subprocess.CompletedProcess[str]":
    home = {name: str(tmp_path / "home") for name in ("HOME", "XDG_CONFIG_HOME", "APPDATA", "LOCALAPPDATA")}
    return subprocess.run(
        [sys.executable, "-c", script, str(footage)],
        env={**os.environ, **home},
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
