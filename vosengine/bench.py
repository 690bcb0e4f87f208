"""`rotoshot bench`: seconds and megabytes of presets, and two baselines in the same run.

The clip is synthetic, so that the figures do not depend on any footage: a textured object on a textured
ground, both moving. The baselines are the paper's VGG16 OSVOS and the preset itself without its crop, on
whole frames. Ratios name their baseline; above 1 the preset is that many times faster. How soon a correcting
stroke is answered is measured beside GrabCut on the whole frame (`bench_answers`).
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from vosengine import messages as m
from vosengine.bench_answers import answer_ratios, answers
from vosengine.config import Config, preset
from vosengine.engine import Engine
from vosengine.evaluation.protocol import peak_memory_mb
from vosengine.finetune import Shot
from vosengine.methods import architecture_of, new_method, weights_of
from vosengine.methods.osvos import Osvos
from vosengine.networks.osvos import OsvosNet
from vosengine.propagate import Method
from vosengine.types import Annotation, Direction, Image, Mask, Span
from vosengine.weights import load_network

WIDTH, HEIGHT = 854, 480
BASELINE_STEPS, BASELINE_FRAMES = 3, 3  # enough for a rate: each takes seconds on a CPU
RATES = ("seconds_per_step", "propagate_seconds_per_frame")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument(
        "--preset",
        nargs="+",
        default=["balanced", "instant"],
        help="what to measure (default balanced instant)",
    )
    parser.add_argument("--frames", type=int, default=60, help="length of the clip (default 60)")
    parser.add_argument(
        "--long", type=int, default=10, help="the long clip's length in clips (default 10, 0: skip)"
    )
    parser.add_argument("--skip-osvos", action="store_true", help="leave out the VGG16 baseline")
    parser.add_argument("--skip-whole", action="store_true", help="leave out the presets on whole frames")
    parser.add_argument("--skip-answers", action="store_true", help="leave out the answers to a stroke")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)


def main(arguments: argparse.Namespace) -> int:
    """Run and print; each memory figure comes from a process of its own."""
    if arguments.one:
        print(json.dumps(measure(preset(arguments.preset[0]), arguments.one)))
        return 0
    figures: dict[str, Any] = {}
    for name in arguments.preset:
        figures[name] = _apart(name, arguments.frames)
        if arguments.long:
            long = _apart(name, arguments.frames * arguments.long)
            figures[f"{name}, {arguments.long} times as long"] = long
    # After all peaks: Linux hands a parent's peak down to the processes it starts.
    for name in () if arguments.skip_whole else arguments.preset:
        if preset(name).crop_area:
            figures[f"{name} on whole frames"] = baseline(_on_whole_frames(name))
    if not arguments.skip_osvos:
        figures["osvos vgg16 (random weights)"] = baseline(Osvos(OsvosNet(), preset("osvos-paper")))
    figures["ratios"] = ratios(figures, arguments.preset)
    if not arguments.skip_answers:
        figures["answers to a stroke"] = answers(*next(moving_object(1)))
        figures["ratios"] |= answer_ratios(figures["answers to a stroke"])
    print(json.dumps(figures, indent=2))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


def measure(config: Config, frames: int) -> dict[str, float]:
    """Fine-tune and propagate one object through a clip of `frames` frames; seconds and peak megabytes.

    The clip is open before; an engine that has loaded nothing yet starts at the press of Run, so the first
    preview and the first mask count the loading of the network, and the first mask all of fine-tuning.
    """
    with tempfile.TemporaryDirectory(prefix="rotoshot-bench-") as folder:
        clip, cache = Path(folder) / "clip", Path(folder) / "cache"
        annotations = (Annotation(0, 1, mask=write_clip(clip, frames)),)
        engine = Engine()
        for _ in engine.run(1, m.OpenClip(clip, cache)):
            pass
        learn = m.FineTune(clip, annotations, config, cache_folder=cache)
        span = Span(0, frames)
        follow = m.Propagate(clip, annotations, span, config, Direction.FORWARD, cache_folder=cache)
        preview, fine_tuning = _seconds(engine.run(2, learn), m.MaskPreviewed)
        mask, propagation = _seconds(engine.run(3, follow), m.MaskPredicted)
        engine.close()
    return {
        "frames": frames,
        "first_preview_seconds": preview,
        "first_mask_seconds": fine_tuning + mask,
        "fine_tune_seconds": fine_tuning,
        "seconds_per_step": fine_tuning / config.steps,
        "propagate_seconds_per_frame": propagation / (frames - 1),
        "seconds_per_frame": (fine_tuning + propagation) / frames,
        "peak_memory_mb": peak_memory_mb(),
    }


def baseline(method: Method) -> dict[str, float]:
    """A method's rates over few steps and frames: time does not depend on the weights' values."""
    frames = list(moving_object(BASELINE_FRAMES + 1))
    shot = Shot(0, frames[0][0], (frames[0][1] / 255).astype(np.float32))
    list(method.fine_tune([shot], 1))
    start = time.perf_counter()
    list(method.fine_tune([shot], BASELINE_STEPS))
    step = (time.perf_counter() - start) / BASELINE_STEPS
    track = method.begin([shot], 0)
    track.segment(frames[0][0])
    start = time.perf_counter()
    for image, _ in frames[1:]:
        track.segment(image)
    return dict(zip(RATES, (step, (time.perf_counter() - start) / BASELINE_FRAMES), strict=True))


def _on_whole_frames(name: str) -> Method:
    """A preset of the lite network without its crop."""
    config = preset(name, crop_area=0)
    return new_method(load_network(architecture_of(config), weights_of(config)), config)


def ratios(figures: dict[str, Any], presets: Sequence[str]) -> dict[str, float]:
    """The baselines over each preset's figures; of the long clip, the peak memory over the short one's."""
    found: dict[str, float] = {}
    for name in presets:
        mine = figures[name]
        for other, theirs in figures.items():
            if other.startswith(("osvos", f"{name} on")):
                found |= {f"{key}: {other} / {name}": theirs[key] / mine[key] for key in RATES}
            elif other.startswith(f"{name},"):
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


def _seconds(events: Iterator[m.Event], kind: type) -> tuple[float, float]:
    """How long until the first event of a kind (NaN without one), and until the last of all."""
    start, first = time.perf_counter(), math.nan
    for event in events:
        if math.isnan(first) and isinstance(event, kind):
            first = time.perf_counter() - start
    return first, time.perf_counter() - start
