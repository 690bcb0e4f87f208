"""What a fresh machine gets: dependencies, licence, packaged files, contracts."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from packaging.requirements import Requirement

from resources import resource
from vosengine import __version__

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
REQUIREMENTS = {r.name: r for r in map(Requirement, PROJECT["project"]["dependencies"])}

EMIT = """
import sys
from PySide6.QtCore import QObject, Signal
class Bell(QObject):
    rung = Signal(object)
bell, count = Bell(), []
bell.rung.connect(count.append)
before = sys.getrefcount(True)
for number in range(5000):
    bell.rung.emit(number)
assert len(count) == 5000
assert abs(sys.getrefcount(True) - before) < 100, sys.getrefcount(True) - before
"""


def test_the_version_is_the_same_everywhere():
    assert PROJECT["project"]["version"] == __version__


def test_the_qt_that_aborts_is_excluded_and_its_neighbours_are_not():
    allowed = REQUIREMENTS["PySide6"].specifier
    assert "6.12.0" not in allowed
    assert "6.11.3" in allowed
    assert "6.12.1" in allowed


def test_the_installed_qt_survives_many_signals():
    done = subprocess.run([sys.executable, "-c", EMIT], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_opencv_is_the_one_without_a_qt_of_its_own():
    assert "opencv-contrib-python-headless" in REQUIREMENTS
    assert not {"opencv-python", "opencv-contrib-python"} & set(REQUIREMENTS)


def test_the_licence_is_apache_2_in_full():
    assert PROJECT["project"]["license"] == "Apache-2.0"
    text = (ROOT / "LICENSE").read_text("utf-8")
    # The digest of https://www.apache.org/licenses/LICENSE-2.0.txt
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert digest == "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"


def test_resources_are_found_and_a_missing_one_names_the_remedy():
    assert resource("demo/clip.mp4").stat().st_size > 100_000
    assert resource("demo").is_dir()
    with pytest.raises(FileNotFoundError, match="reinstall"):
        resource("demo/no-such-file")


def test_every_resource_is_packaged():
    from setuptools import Distribution
    from setuptools.command.build_py import build_py

    assert PROJECT["tool"]["setuptools"]["package-data"] == {"resources": ["**/*"]}
    command = build_py(Distribution({"packages": ["resources"], "package_data": {"resources": ["**/*"]}}))
    command.finalize_options()
    command.manifest_files = {}
    found = {Path(file).resolve() for file in command.find_data_files("resources", str(ROOT / "resources"))}
    for name in ("demo/clip.mp4", "demo/truth.mkv", "demo/scribbles.png"):
        assert (ROOT / "resources" / name).resolve() in found


def test_the_shell_scripts_parse():
    for script in ("packaging/setup.sh", "packaging/linux/install.sh", ".ci/run"):
        assert os.access(ROOT / script, os.X_OK), f"{script} must be executable"
        subprocess.run(["sh", "-n", str(ROOT / script)], check=True)


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_targets_start_from_setup():
    for target in ("test", "check", "demo", "app"):
        planned = subprocess.run(
            ["make", "-n", "-B", target], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.splitlines()
        first = next(n for n, line in enumerate(planned) if "packaging/setup.sh" in line)
        used = next(n for n, line in enumerate(planned) if ".venv/bin/" in line)
        assert first < used


@pytest.fixture
def stand_ins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Puts commands that run a line of shell before the real ones."""
    folder = tmp_path / "stand-ins"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def put(**lines: str) -> Path:
        for name, line in lines.items():
            command = folder / name.replace("_", "-")
            command.write_text(f"#!/bin/sh\n{line}\n")
            command.chmod(0o755)
        return folder

    return put


def run_setup(python: str, venv: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHON": python, "VENV": str(venv)}
    command = ["sh", str(ROOT / "packaging" / "setup.sh")]
    return subprocess.run(command, env=environment, check=False, capture_output=True, text=True)


NO_RIGHTS = {
    "dpkg_query": "exit 1",
    "apt_get": "echo called >&2; exit 9",
    "id": "echo 1000",
    "sudo": "exit 1",
}


def test_setup_names_the_system_packages_in_one_line_without_the_right_to_install(tmp_path, stand_ins):
    """As a user without sudo on a Debian that has none of them; the environment's Python is a stand-in."""
    log = tmp_path / "pip.log"
    commands = stand_ins(**NO_RIGHTS, venv_python=f'echo "$@" >>"{log}"')
    python = tmp_path / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(commands / "venv-python")
    done = run_setup(sys.executable, tmp_path / "venv")
    assert done.returncode == 0
    (line,) = done.stderr.splitlines()
    assert re.search(r"sudo apt-get install .*libxcb-cursor0 .*xvfb", line)
    assert "--editable .[dev]" in log.read_text()


def test_setup_installs_what_is_missing_as_root_and_nothing_twice(tmp_path, stand_ins):
    log = tmp_path / "apt.log"
    have_all_but_one = 'for name; do :; done; [ "$name" = libegl1 ] || echo installed'
    commands = stand_ins(
        dpkg_query=have_all_but_one, apt_get=f'echo "$@" >>"{log}"', id="echo 0", ok="exit 0"
    )
    python = tmp_path / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(commands / "ok")
    assert run_setup(sys.executable, tmp_path / "venv").returncode == 0
    assert log.read_text().splitlines() == ["update -qq", "install -y -qq --no-install-recommends libegl1"]


def test_setup_names_the_package_of_a_python_without_ensurepip(tmp_path, stand_ins):
    bare = f'case "$2" in *ensurepip*) exit 1;; *) exec "{sys.executable}" "$@";; esac'
    commands = stand_ins(**NO_RIGHTS, bare_python=bare)
    done = run_setup(str(commands / "bare-python"), tmp_path / "venv")
    assert done.returncode == 1
    name = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    assert done.stderr.splitlines()[-1].endswith(f"sudo apt-get install {name}")


@pytest.mark.parametrize(
    ("make", "code"),
    [
        ('[ "$1" = test ] && echo "3 passed in 0.1s"; exit 0', 0),
        ('[ "$1" = test ] && echo "1 failed, 2 passed in 0.1s" && exit 1; exit 0', 1),
        ('[ "$1" = test ] && echo "3 passed in 0.1s"; [ "$1" != check ]', 1),
    ],
)
def test_the_check_of_a_checkout_fails_with_any_of_its_parts(make, code, stand_ins):
    stand_ins(make=make)
    done = subprocess.run(["sh", str(ROOT / ".ci" / "run")], check=False, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    assert re.fullmatch(r"(1 failed, 2|3) passed in 0.1s", done.stdout.splitlines()[-1])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a Linux desktop's menu")
def test_the_menu_entry_is_installed_and_removed_again(tmp_path):
    command = tmp_path / "a & b" / "rotoshot"
    command.parent.mkdir()
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    data = tmp_path / "data"
    environment = {**os.environ, "XDG_DATA_HOME": str(data)}
    script = str(ROOT / "packaging" / "linux" / "install.sh")
    subprocess.run(["sh", script, str(command)], env=environment, check=True, capture_output=True)
    entry = data / "applications" / "rotoshot.desktop"
    assert f'Exec="{command}" %f' in entry.read_text("utf-8").splitlines()
    assert (data / "icons" / "hicolor" / "64x64" / "apps" / "rotoshot.png").exists()
    if shutil.which("desktop-file-validate"):
        subprocess.run(["desktop-file-validate", str(entry)], check=True)
    subprocess.run(["sh", script, "--remove"], env=environment, check=True, capture_output=True)
    left = [file.name for file in data.rglob("*") if file.is_file()]
    assert not [name for name in left if "rotoshot" in name]


def test_the_metainfo_names_this_version_and_the_desktop_entry():
    component = ElementTree.parse(ROOT / "packaging" / "linux" / "rotoshot.metainfo.xml").getroot()
    releases = [release.get("version") for release in component.iter("release")]
    assert releases[0] == __version__
    launchable = component.findtext("launchable")
    assert (ROOT / "packaging" / "linux" / str(launchable)).exists()
    assert component.findtext("project_license") == PROJECT["project"]["license"]
