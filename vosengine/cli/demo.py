"""`rotoshot demo`: the bundled clip from stored scribbles to an export, compared with its exact alpha."""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from resources import resource
from vosengine.cli import console, options
from vosengine.cli.marks import Mark, MarkedObject
from vosengine.errors import ProjectError

if TYPE_CHECKING:
    from vosengine.cli.cutting import Result
    from vosengine.cli.jobs import Jobs
    from vosengine.project_file import Project
    from vosengine.types import Mask, Matte

TEMPLATES = ("prores4444", "png16")
MARKER = ".rotoshot-demo"  # a folder that holds it may be replaced by the next demo
NAME = "demo"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `run` reads."""
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("out/demo"), help="where to (default out/demo)"
    )
    options.add_preset_arguments(parser)
    console.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Cut, compare, write the overlay movie and `report.json`, say where everything is."""
    config = options.config_of(arguments)
    from vosengine.cli.cutting import Request, cut  # noqa: PLC0415  # OpenCV and PyAV
    from vosengine.cli.jobs import Jobs, make_engine  # noqa: PLC0415
    from vosengine.project_file import open_project  # noqa: PLC0415

    output: Path = arguments.output
    prepare(output)
    cow = MarkedObject("cow", (Mark(0, scribbles=resource("demo/scribbles.png")),))
    request = Request(resource("demo/clip.mp4"), (cow,), config, output, TEMPLATES, overwrite=True)
    with console.Console(arguments.json, arguments.quiet) as shown:
        jobs = Jobs(make_engine(), shown)
        result = cut(request, jobs)
        with open_project(result.project) as project:
            report = compared(project, jobs.seconds)
            overlay = write_overlay(project, output / "overlay.mp4", jobs)
        file = output / "report.json"
        file.write_text(json.dumps(report, indent=2) + "\n", "utf-8")
        places = {
            "project": result.project,
            **{template: output / template for template in TEMPLATES},
            "overlay": overlay,
            "report": file,
        }
        listed = {name: str(place) for name, place in places.items()}
        shown.result({**report, "places": listed}, summary(report, result, listed))
    return 0


def prepare(output: Path) -> None:
    """An empty place for the demo: an earlier demo's project goes, anything else is refused."""
    project = output / "project"
    if project.exists() and not (output / MARKER).exists():
        raise ProjectError(f"{project} is no demo of ours; choose another folder with -o.")
    try:
        shutil.rmtree(project, ignore_errors=True)
        output.mkdir(parents=True, exist_ok=True)
        (output / MARKER).touch()
    except OSError as error:
        raise ProjectError(
            f"{output} cannot be written ({error.strerror}); choose another with -o."
        ) from error


def truth_mattes(path: Path) -> Iterator[Matte]:
    """The true alpha frame by frame, uint16 (height, width), from the grey FFV1 file."""
    import av  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415

    with av.open(str(path)) as container:
        for picture in container.decode(video=0):
            yield picture.to_ndarray().astype(np.uint16) * np.uint16(257)


def compared(project: Project, seconds: dict[str, float]) -> dict[str, Any]:
    """The report: `mean` and `sequences` as `rotoshot evaluate` writes them, alpha error, scribble J.

    `alpha_error` is over the predicted frames: the mean absolute and squared error of alpha in [0, 1],
    and the mean absolute error in 8-bit steps where the truth is neither 0 nor 1.
    """
    from vosengine.evaluation.metrics import region_similarity, score  # noqa: PLC0415
    from vosengine.project_file import harden  # noqa: PLC0415

    truths = dict(enumerate(truth_mattes(resource("demo/truth.mkv"))))
    masks: dict[int, Mask] = {each.frame: each.mask for each in project.stored_masks()}
    scribble_j = region_similarity(masks[0], harden(truths[0]))
    mattes = predicted_mattes(project)
    masks |= {frame: harden(matte) for frame, matte in mattes.items()}
    scores = score(masks, {frame: harden(truth) for frame, truth in truths.items()})
    figures = {
        name: value for name, value in asdict(scores).items() if not name.endswith(("frames", "_by_frame"))
    }
    figures |= timings(seconds, len(truths))
    return {
        "mean": figures,
        "sequences": {NAME: figures},
        "alpha_error": alpha_errors(mattes, truths),
        "scribble_J": scribble_j,
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
    }


def predicted_mattes(project: Project) -> dict[int, Matte]:
    """The first object's predictions by frame."""
    keys = [(each.object_id, each.frame) for each in project.stored_predictions()]
    found = {frame: project.read_prediction(object_id, frame) for object_id, frame in keys}
    return {frame: matte for frame, matte in found.items() if matte is not None}


def alpha_errors(mattes: dict[int, Matte], truths: dict[int, Matte]) -> dict[str, float]:
    """See `compared`."""
    from vosengine.evaluation.metrics import alpha_error  # noqa: PLC0415

    errors = [alpha_error(matte, truths[frame]) for frame, matte in mattes.items()]
    partly = {frame: (truths[frame] > 0) & (truths[frame] < 65535) for frame in mattes}
    distances = [abs(mattes[f][soft].astype(float) - truths[f][soft]) / 257 for f, soft in partly.items()]
    count = sum(map(len, distances))
    return {
        "mean_absolute": fmean(error.mean_absolute for error in errors),
        "mean_squared": fmean(error.mean_squared for error in errors),
        "soft_edge_8bit_steps": sum(float(each.sum()) for each in distances) / count if count else 0.0,
    }


def timings(seconds: dict[str, float], frame_count: int) -> dict[str, float]:
    """`seconds_per_frame` (fine-tuning and propagation), `fine_tune_seconds`, `peak_memory_mb`."""
    from vosengine.evaluation.protocol import peak_memory_mb  # noqa: PLC0415

    fine_tune = seconds.get("FineTune", 0.0)
    return {
        "seconds_per_frame": (fine_tune + seconds.get("Propagate", 0.0)) / frame_count,
        "fine_tune_seconds": fine_tune,
        "peak_memory_mb": peak_memory_mb(),
    }


def write_overlay(project: Project, file: Path, jobs: Jobs) -> Path:
    """The clip with the result tinted in, to look at."""
    from vosengine.clip import open_clip  # noqa: PLC0415
    from vosengine.export import overlay  # noqa: PLC0415

    with open_clip(project.manifest.clip.path) as clip:
        steps = overlay.write_overlay(clip, project.export_sources(), clip.info.span, file, overwrite=True)
        for step in steps:
            jobs.console.show(step.done, step.total, step.what)
    return file


def summary(report: dict[str, Any], result: Result, places: dict[str, str]) -> str:
    """What the demo prints in the end."""
    mean, alpha, seconds = report["mean"], report["alpha_error"], report["seconds"]
    working = seconds.get("FineTune", 0.0) + seconds.get("Propagate", 0.0)
    return "\n".join(
        [
            *result.report,
            "",
            f"J {mean['J']:.3f} (recall {mean['J_recall']:.2f}, decay {mean['J_decay']:+.3f}), "
            f"F {mean['F']:.3f} (recall {mean['F_recall']:.2f}, decay {mean['F_decay']:+.3f}); "
            f"J of the scribbled first frame {report['scribble_J']:.3f}",
            f"alpha error {alpha['mean_absolute']:.4f} over the whole picture, "
            f"{alpha['soft_edge_8bit_steps']:.1f} of 255 steps on the soft edges",
            f"{working:.1f} s for fine-tuning ({mean['fine_tune_seconds']:.1f} s) and propagation: "
            f"{mean['seconds_per_frame']:.2f} s a frame; peak memory {mean['peak_memory_mb']:.0f} MB",
            "",
            *(f"{name + ':':<12} {place}" for name, place in places.items()),
        ]
    )
