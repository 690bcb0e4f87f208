"""`rotoshot doctor`: what is installed, what the machine offers, and what is wrong with the remedy."""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import platform
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from resources import resource
from vosengine import __version__
from vosengine.errors import EngineError

PACKAGES = (
    "torch", "torchvision", "numpy", "scipy", "opencv-contrib-python-headless", "PySide6", "pyqtgraph", "av",
    "imageio-ffmpeg", "OpenImageIO", "safetensors",
)  # fmt: skip
ENCODERS = ("prores_ks", "ffv1", "png", "libx264", "libx265", "libvpx-vp9", "qtrle", "exr")
NEEDED_ENCODERS = ("prores_ks", "ffv1", "libx264")
# What Qt's xcb platform loads at run time and a bare machine may lack: library -> Debian/Ubuntu package.
QT_LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xinerama.so.0": "libxcb-xinerama0",
}


@dataclass
class Findings:
    """Facts by heading, and what is wrong: one sentence each that names the remedy."""

    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def text(self) -> str:
        """For people: the facts under their headings, then the verdict."""
        lines: list[str] = []
        for heading, values in self.facts.items():
            lines += [heading, *(f"  {name:<32} {shown(value)}" for name, value in values.items())]
        if not self.problems:
            return "\n".join([*lines, "", "Nothing is wrong."])
        return "\n".join([*lines, "", "What is wrong:", *(f"  - {problem}" for problem in self.problems)])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `run` reads."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Print the findings; 1 when something needed is wrong."""
    findings = examine(CHECKS)
    values = {"facts": findings.facts, "problems": findings.problems}
    print(json.dumps(values) if arguments.json else findings.text())
    return 1 if findings.problems else 0


def examine(checks: Iterable[Callable[[Findings], None]]) -> Findings:
    """All checks; one that breaks is a problem of its own, not the end of the others."""
    findings = Findings()
    for check in checks:
        try:
            check(findings)
        except Exception as error:  # the doctor must survive any illness
            what = check.__name__.removeprefix("check_").replace("_", " ")
            findings.problems.append(f"The check of {what} failed ({error!r}); reinstall rotoshot.")
    return findings


def check_versions(findings: Findings) -> None:
    """Python and the packages that matter."""
    versions: dict[str, Any] = {
        "rotoshot": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
    }
    findings.facts["Versions"] = versions
    for name in PACKAGES:
        versions[name] = installed_version(name)
        if versions[name] is None:
            findings.problems.append(f"{name} is not installed; run: pip install {name}")
    if versions["PySide6"] == "6.12.0" and sys.version_info < (3, 12):
        findings.problems.append("PySide6 6.12.0 aborts on this Python; run: pip install 'PySide6!=6.12.0'")
    for name in ("opencv-python", "opencv-contrib-python"):
        if installed_version(name):
            findings.problems.append(
                f"{name} brings a Qt that collides with PySide6; run: pip uninstall {name}, then: "
                "pip install --force-reinstall opencv-contrib-python-headless"
            )


def check_devices(findings: Findings) -> None:
    """Processor and graphics cards as torch sees them."""
    try:
        import torch  # noqa: PLC0415
        import torchvision  # noqa: F401, PLC0415
    except (ImportError, RuntimeError, OSError) as error:
        findings.problems.append(
            f"torch and torchvision do not load ({error}); install both from one index: "
            "pip install --force-reinstall torch torchvision"
        )
        return
    cards = (
        [torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count())]
        if torch.cuda.is_available()
        else []
    )
    findings.facts["Devices"] = {
        "processor": f"{processor_name()}, {os.cpu_count()} cores",
        "bfloat16 instructions": cpu_has(torch.cpu, "_is_avx512_bf16_supported"),
        "matrix instructions (AMX)": cpu_has(torch.cpu, "_is_amx_tile_supported"),
        "memory": f"{total_memory() / 2**30:.1f} GiB",
        "CUDA cards": cards or "none (the processor is used)",
    }


def cpu_has(cpu: object, question: str) -> bool | None:
    """torch's answer to a question about the processor; None from editions that cannot answer it."""
    ask = getattr(cpu, question, None)
    return None if ask is None else bool(ask())


def check_encoders(findings: Findings) -> None:
    """ffmpeg's encoders, in PyAV and in the program that reads exports back."""
    import av  # noqa: PLC0415
    import imageio_ffmpeg  # noqa: PLC0415

    found = [name for name in ENCODERS if name in av.codecs_available and has_encoder(name)]
    findings.facts["Encoders"] = {"found": found, "ffmpeg": imageio_ffmpeg.get_ffmpeg_exe()}
    for name in NEEDED_ENCODERS:
        if name not in found:
            findings.problems.append(f"PyAV lacks the encoder {name}; run: pip install --force-reinstall av")


def has_encoder(name: str) -> bool:
    """Whether PyAV can encode with it."""
    import av  # noqa: PLC0415

    try:
        av.Codec(name, "w")
    except ValueError:
        return False
    return True


def check_weights(findings: Findings) -> None:
    """The bundled checkpoints and what their cards say."""
    from vosengine import weights  # noqa: PLC0415  # torch

    try:
        found = weights.bundled()
    except EngineError as error:
        findings.problems.append(str(error))
        return
    facts = {each.path.stem: {"architecture": each.architecture, **brief(each.card)} for each in found}
    findings.facts["Bundled weights"] = facts
    if not found:
        findings.problems.append(
            "No weights are bundled; reinstall rotoshot, or train them with: rotoshot train parent"
        )


def brief(card: dict[str, Any]) -> dict[str, Any]:
    """What of a model card fits into a line."""
    return {
        name: value
        for name, value in card.items()
        if isinstance(value, int | float | str) and len(str(value)) < 60
    }


def check_cache(findings: Findings) -> None:
    """Where proxies go, how much is there, and whether it can be written."""
    import platformdirs  # noqa: PLC0415

    folder = Path(platformdirs.user_cache_dir("rotoshot", appauthor=False))
    findings.facts["Cache"] = {"folder": str(folder), "size": f"{folder_size(folder) / 2**20:.0f} MiB"}
    nearest = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not os.access(nearest, os.W_OK):
        findings.problems.append(
            f"The cache folder {folder} cannot be written; change the rights of {nearest}."
        )


def check_demo(findings: Findings) -> None:
    """The bundled demo."""
    findings.facts["Demo"] = {"clip": str(resource("demo/clip.mp4"))}


def check_qt(findings: Findings) -> None:
    """Whether the libraries of Qt's xcb platform load; Linux alone."""
    if sys.platform != "linux":
        return
    missing = [package for library, package in QT_LIBRARIES.items() if not loads(library)]
    display = os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY") or "none (the window needs one)"
    findings.facts["Window"] = {"display": display, "missing system packages": missing or "none"}
    if missing:
        findings.problems.append(
            f"The window lacks system libraries; run: sudo apt-get install {' '.join(missing)}"
        )


CHECKS = (check_versions, check_devices, check_encoders, check_weights, check_cache, check_demo, check_qt)


def installed_version(name: str) -> str | None:
    """A distribution's version, None when it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def loads(library: str) -> bool:
    """Whether the dynamic loader finds a library."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def folder_size(folder: Path) -> int:
    """Bytes of all files inside; 0 for a missing folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def total_memory() -> int:
    """Bytes of main memory."""
    import psutil  # noqa: PLC0415

    return int(psutil.virtual_memory().total)


def processor_name() -> str:
    """The processor as the system names it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text("utf-8", "replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def shown(value: Any) -> str:
    """A fact as text."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{name} {shown(each)}" for name, each in value.items())
    return str(value)
