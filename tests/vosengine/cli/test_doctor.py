"""The doctor: facts that can be checked elsewhere, and illnesses made on purpose."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import imageio_ffmpeg
import pytest

from vosengine.cli import doctor
from vosengine.cli.doctor import Findings

ROOT = Path(__file__).resolve().parents[3]


def test_versions_are_those_of_the_installed_packages():
    findings = Findings()
    doctor.check_versions(findings)
    versions = findings.facts["Versions"]
    assert versions["torch"] == metadata.version("torch")
    assert versions["python"] == sys.version.split()[0]
    assert findings.problems == []


def test_a_missing_package_is_a_problem_with_its_remedy(monkeypatch):
    installed = doctor.installed_version
    monkeypatch.setattr(doctor, "installed_version", lambda name: None if name == "av" else installed(name))
    findings = Findings()
    doctor.check_versions(findings)
    assert findings.problems == ["av is not installed; run: pip install av"]


def test_a_second_opencv_is_a_problem(monkeypatch):
    monkeypatch.setattr(doctor, "installed_version", lambda name: "1.0")
    findings = Findings()
    doctor.check_versions(findings)
    assert any("pip uninstall opencv-python" in problem for problem in findings.problems)


def test_the_encoders_are_those_ffmpeg_lists():
    findings = Findings()
    doctor.check_encoders(findings)
    listed = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-encoders"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in findings.facts["Encoders"]["found"]:
        assert re.search(rf"^ V\S+ {name} ", listed, re.MULTILINE), name
    assert findings.problems == []


def test_a_missing_encoder_is_a_problem(monkeypatch):
    monkeypatch.setattr(doctor, "has_encoder", lambda name: name != "ffv1")
    findings = Findings()
    doctor.check_encoders(findings)
    assert len(findings.problems) == 1
    assert "ffv1" in findings.problems[0]


def test_libraries_that_do_not_load_are_named_as_packages(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(doctor, "loads", lambda library: "xcb" not in library)
    findings = Findings()
    doctor.check_qt(findings)
    assert len(findings.problems) == 1
    assert "sudo apt-get install libxcb-cursor0 libxcb-icccm4" in findings.problems[0]


def test_every_package_the_doctor_names_is_one_that_setup_installs():
    listed = (ROOT / "packaging" / "system-libraries.txt").read_text("utf-8").splitlines()
    assert set(doctor.QT_LIBRARIES.values()) <= set(listed)


def test_a_library_that_exists_loads_and_another_does_not():
    assert not doctor.loads("libno-such-thing.so.9")
    if sys.platform == "linux":
        assert doctor.loads("libc.so.6")


def test_missing_weights_are_a_problem(monkeypatch):
    from vosengine import weights

    monkeypatch.setattr(weights, "bundled", list)
    findings = Findings()
    doctor.check_weights(findings)
    assert "No weights are bundled" in findings.problems[0]


def test_the_cache_and_its_size(monkeypatch, tmp_path):
    import platformdirs

    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "proxy").write_bytes(bytes(3 << 20))
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda *_, **__: str(tmp_path))
    findings = Findings()
    doctor.check_cache(findings)
    assert findings.facts["Cache"] == {"folder": str(tmp_path), "size": "3 MiB"}
    assert doctor.folder_size(tmp_path / "nowhere") == 0


def test_a_broken_check_is_reported_and_the_others_still_run():
    def check_of_doom(findings: Findings) -> None:
        raise RuntimeError("boom")

    def check_after(findings: Findings) -> None:
        findings.facts["After"] = {"ran": True}

    findings = doctor.examine([check_of_doom, check_after])
    assert "boom" in findings.problems[0]
    assert findings.facts == {"After": {"ran": True}}


@pytest.mark.parametrize(
    ("problems", "code", "verdict"), [([], 0, "Nothing is wrong."), (["x; run: y"], 1, "- x; run: y")]
)
def test_the_exit_code_and_both_forms_say_the_same(problems, code, verdict, monkeypatch, capsys):
    from vosengine import cli

    def check(findings: Findings) -> None:
        findings.facts["Versions"] = {"torch": "2", "cards": ["A", "B"], "bf16": True}
        findings.problems += problems

    monkeypatch.setattr(doctor, "CHECKS", (check,))
    assert cli.main(["doctor"]) == code
    text = capsys.readouterr().out
    assert verdict in text
    assert "A, B" in text
    assert cli.main(["doctor", "--json"]) == code
    assert json.loads(capsys.readouterr().out)["problems"] == problems
