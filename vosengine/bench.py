"""`rotoshot bench`: seconds and megabytes of the default beside the paper's VGG16 OSVOS, in one process.

The clip is synthetic, so that the figures do not depend on any footage: a textured object on a textured
ground, both moving. Each row names its baseline; ratios above 1 mean that the default is that many times
faster.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from vosengine import messages as m
from vosengine.config import Config, preset
from vosengine.engine import Engine
from vosengine.evaluation.protocol import peak_memory_mb
from vosengine.types import Annotation, Direction, Image, Mask, Span

WIDTH, HEIGHT = 854, 480
OSVOS_STEPS, OSVOS_FRAMES = 3, 3  # enough for a rate: each takes seconds on a CPU


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--preset", default="balanced", help="what to measure (default balanced)")
    parser.add_argument("--frames", type=int, default=60, help="length of the clip (default 60)")
    parser.add_argument(
        "--long", type=int, default=10, help="the long clip's length in clips (default 10, 0: skip)"
    )
    parser.add_argument("--skip-osvos", action="store_true", help="leave out the VGG16 baseline")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)


def main(arguments: argparse.Namespace) -> int:
    """Run and print; each memory figure comes from a process of its own."""
    config = preset(arguments.preset)
    if arguments.one:
        print(json.dumps(measure(config, arguments.one)))
        return 0
    figures: dict[str, Any] = {arguments.preset: _apart(arguments.preset, arguments.frames)}
    if arguments.long:
        figures[f"{arguments.preset}, {arguments.long} times as long"] = _apart(
            arguments.preset, arguments.frames * arguments.long
        )
    if not arguments.skip_osvos:
        figures["osvos vgg16 (random weights)"] = baseline()
    figures["ratios"] = ratios(figures, arguments.preset)
    print(json.dumps(figures, indent=2))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


def measure(config: Config, frames: int) -> dict[str, float]:
    """Fine-tune and propagate one object through a clip of `frames` frames; seconds and peak megabytes."""
    with tempfile.TemporaryDirectory(prefix="rotoshot-bench-") as folder:
        clip = Path(folder) / "clip"
        first = write_clip(clip, frames)
        engine = Engine()
        cache = Path(folder) / "cache"
        _drain(engine.run(1, m.OpenClip(clip, cache)))
        annotations = (Annotation(0, 1, mask=first),)
        fine_tuning = _seconds(engine.run(2, m.FineTune(clip, annotations, config, cache_folder=cache)))
        command = m.Propagate(
            clip, annotations, Span(0, frames), config, Direction.FORWARD, cache_folder=cache
        )
        preview = _first_result(
            engine.run(3, m.Propagate(clip, annotations, Span(0, 2), config, cache_folder=cache))
        )
        propagation = _seconds(engine.run(4, command))
        engine.close()
    return {
        "frames": frames,
        "fine_tune_seconds": fine_tuning,
        "seconds_per_step": fine_tuning / config.steps,
        "propagate_seconds_per_frame": propagation / (frames - 1),
        "first_result_seconds": preview,
        "seconds_per_frame": (fine_tuning + propagation) / frames,
        "peak_memory_mb": peak_memory_mb(),
    }


def baseline() -> dict[str, float]:
    """OSVOS with VGG16 on whole 480p frames, one image a step: time does not depend on the weights'
    values."""
    from vosengine.finetune import Shot  # noqa: PLC0415 - after the memory figures
    from vosengine.methods.osvos import Osvos  # noqa: PLC0415
    from vosengine.networks.osvos import OsvosNet  # noqa: PLC0415

    frames = list(moving_object(OSVOS_FRAMES + 1))
    method = Osvos(OsvosNet(), preset("osvos-paper"))
    shot = Shot(0, frames[0][0], (frames[0][1] / 255).astype(np.float32))
    list(method.fine_tune([shot], 1))
    start = time.perf_counter()
    list(method.fine_tune([shot], OSVOS_STEPS))
    step = (time.perf_counter() - start) / OSVOS_STEPS
    track = method.begin([shot], 0)
    track.segment(frames[0][0])
    start = time.perf_counter()
    for image, _ in frames[1:]:
        track.segment(image)
    return {
        "seconds_per_step": step,
        "propagate_seconds_per_frame": (time.perf_counter() - start) / OSVOS_FRAMES,
    }


def ratios(figures: dict[str, Any], name: str) -> dict[str, float]:
    """The baselines over the preset's figures."""
    mine = figures[name]
    found: dict[str, float] = {}
    for other, theirs in figures.items():
        if other.startswith("osvos"):
            for key in ("seconds_per_step", "propagate_seconds_per_frame"):
                found[f"{key}: {other} / {name}"] = theirs[key] / mine[key]
        elif other != name:
            found[f"peak_memory_mb: {other} / {name}"] = theirs["peak_memory_mb"] / mine["peak_memory_mb"]
    return found


def write_clip(folder: Path, frames: int) -> Mask:
    """The synthetic clip as JPEG files; returns the first frame's mask."""
    folder.mkdir(parents=True)
    first: Mask | None = None
    for number, (image, mask) in enumerate(moving_object(frames)):
        cv2.imwrite(str(folder / f"{number:05d}.jpg"), image[..., ::-1])
        first = mask if first is None else first
    assert first is not None
    return first


def moving_object(frames: int) -> Iterator[tuple[Image, Mask]]:
    """A textured ellipse swinging over a drifting ground, WIDTH x HEIGHT."""
    rng = np.random.default_rng(0)
    ground, skin = _texture(rng, (60, 110, 80)), _texture(rng, (190, 90, 60))
    for frame in range(frames):
        x = int(WIDTH * (0.5 + 0.3 * np.sin(frame / 15)))
        y = int(HEIGHT * (0.5 + 0.1 * np.cos(frame / 9)))
        mask = np.zeros((HEIGHT, WIDTH), np.uint8)
        cv2.ellipse(mask, (x, y), (110, 70), 20 * np.sin(frame / 20), 0, 360, 255, -1)
        moved = np.roll(skin, (y, x), (0, 1))
        yield np.where(mask[..., None] > 0, moved, np.roll(ground, frame, 1)), mask


def _texture(rng: np.random.Generator, colour: tuple[int, int, int]) -> Image:
    total = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    for size in (4, 16, 64):
        noise = rng.normal(0, 18, (size, size * 2, 3)).astype(np.float32)
        total += cv2.resize(noise, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.clip(total + np.array(colour, np.float32), 0, 255).astype(np.uint8)


def _apart(name: str, frames: int) -> dict[str, float]:
    """`measure` in a fresh process, so that peaks do not mix."""
    command = [sys.executable, "-m", "vosengine", "bench", "--preset", name, "--one", str(frames)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def _drain(events: Iterator[m.Event]) -> None:
    for _ in events:
        pass


def _seconds(events: Iterator[m.Event]) -> float:
    start = time.perf_counter()
    _drain(events)
    return time.perf_counter() - start


def _first_result(events: Iterator[m.Event]) -> float:
    start = time.perf_counter()
    next(event for event in events if isinstance(event, m.MaskPredicted))
    return time.perf_counter() - start
