import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.window_main import _report

SESSION = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
import vosengine.session
from app.main_window import MainWindow
from app.settings import settings_path
from app.window_main import run_window
from tests.app.fake_engine import FakeEngine

vosengine.session._default_engine = FakeEngine
application = QApplication([])

def look():
    window = next(w for w in application.topLevelWidgets() if isinstance(w, MainWindow))
    if window.workspace.document is not None:
        window.close()

timer = QTimer(interval=50)
timer.timeout.connect(look)
timer.start()
status = run_window(Path(sys.argv[1]))
assert "torch" not in sys.modules
print(settings_path())
sys.exit(status)
"""


def test_what_no_one_expected_is_told(capsys: pytest.CaptureFixture[str]):
    told: list[tuple[str, str]] = []
    error = ZeroDivisionError("a bug")
    _report(lambda message, trace: told.append((message, trace)), ZeroDivisionError, error, None)
    assert told == [("ZeroDivisionError: a bug", "ZeroDivisionError: a bug\n")]
    assert "a bug" in capsys.readouterr().err


def test_a_whole_session_with_a_path(footage: Path, tmp_path: Path):
    home = {name: str(tmp_path / "home") for name in ("HOME", "XDG_CONFIG_HOME", "APPDATA", "LOCALAPPDATA")}
    done = subprocess.run(
        [sys.executable, "-c", SESSION, str(footage)],
        env={**os.environ, **home},
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    settings = json.loads(Path(done.stdout.strip().splitlines()[-1]).read_text())
    assert settings["recent_projects"] == [str(footage.parent / f"{footage.name}.rotoshot")]
    assert settings["window_geometry"]
