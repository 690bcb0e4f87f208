"""The demo: its report against results made on purpose, and its clip against a new rendering."""

from __future__ import annotations

import json
import subprocess
from dataclasses import fields
from pathlib import Path

import cv2
import imageio_ffmpeg
import numpy as np
import pytest

from resources import resource
from resources.demo import render
from tests.vosengine.cli.fakes import FRAMES, HEIGHT, WIDTH, square, write_clip
from vosengine import cli
from vosengine.cli import demo
from vosengine.clip import open_clip
from vosengine.evaluation.report import Measures
from vosengine.png import read_palette_ids
from vosengine.project_file import soften


@pytest.fixture(scope="module")
def truths() -> list[np.ndarray]:
    return list(demo.truth_mattes(resource("demo/truth.mkv")))


@pytest.fixture(scope="module")
def scene() -> render.Scene:
    return render.Scene()


def test_clip_truth_and_scribbles_belong_together(truths):
    with open_clip(resource("demo/clip.mp4")) as clip:
        info = clip.info
    assert (info.width, info.height, info.frame_count) == (render.WIDTH, render.HEIGHT, render.FRAMES)
    assert (info.rate, info.colour.matrix) == (render.RATE, "bt709")
    assert len(truths) == render.FRAMES
    marks = read_palette_ids(resource("demo/scribbles.png"))
    assert np.array_equal(marks, render.draw_scribbles())
    inside = truths[0] > 0x8000
    assert inside[marks == 2].mean() > 0.97  # a person's stroke slips now and then
    assert not inside[marks == 1].any()


def test_the_truth_has_soft_edges_an_occlusion_and_stays_in_the_picture(truths):
    share = np.array([(truth > 0x8000).mean() for truth in truths])
    assert share.min() > 0.05
    assert share.min() < 0.8 * share.max()  # the tree hides a part
    soft = np.mean([((truth > 0) & (truth < 65535)).mean() for truth in truths])
    assert soft > 0.02
    for truth in truths:
        assert not truth[:, -1].any()
        assert not truth[0].any()


@pytest.mark.parametrize("frame", [31])
def test_rendering_again_gives_the_stored_clip_and_truth(scene, truths, frame):
    image, alpha = render.render_frame(scene, frame)
    assert (
        np.abs(alpha.astype(int) - truths[frame] // 257).mean() < 0.05
    )  # other builds of OpenCV round otherwise
    with open_clip(resource("demo/clip.mp4")) as clip:
        stored = clip.image(frame)
    error = np.mean((image.astype(float) - stored) ** 2)
    assert 10 * np.log10(255**2 / error) > 34  # what H.264 costs


def test_everything_fits_into_eight_megabytes():
    assert sum(file.stat().st_size for file in resource("demo").iterdir() if file.is_file()) < 8 << 20


@pytest.fixture
def small_demo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Four frames of a moving square in place of the bundled clip."""
    folder = tmp_path / "small"
    write_clip(folder / "clip")
    marks = np.zeros((HEIGHT, WIDTH), np.uint8)
    marks[18:26, 8:24] = 2
    cv2.imwrite(str(folder / "scribbles.png"), marks)
    for frame in range(FRAMES):
        cv2.imwrite(str(folder / f"truth{frame}.png"), square(frame))
    ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error"]
    pictures = ["-start_number", "1001", "-i", str(folder / "clip" / "shot.%d.png")]
    subprocess.run(
        [*ffmpeg, *pictures, "-c:v", "libx264", "-pix_fmt", "yuv420p", str(folder / "clip.mp4")], check=True
    )
    truth = ["-i", str(folder / "truth%d.png"), "-pix_fmt", "gray", "-c:v", "ffv1", str(folder / "truth.mkv")]
    subprocess.run([*ffmpeg, *truth], check=True)
    monkeypatch.setattr(demo, "resource", lambda name: folder / name.removeprefix("demo/"))
    return folder


def test_the_report_of_a_perfect_result(small_demo, engine, tmp_path, capsys):
    out = tmp_path / "demo"
    assert cli.main(["demo", "-o", str(out), "--quiet"]) == 0
    report = json.loads((out / "report.json").read_text("utf-8"))
    assert report["mean"]["J"] == report["mean"]["F"] == 1
    assert report["mean"] == report["sequences"]["demo"]
    assert set(report["mean"]) == {field.name for field in fields(Measures)}
    # The fake predicts the truth, and takes the strokes themselves, half the square, for the first mask.
    assert report["alpha_error"]["mean_absolute"] == 0
    assert report["scribble_J"] == pytest.approx(0.5)
    printed = capsys.readouterr().out
    for name in ("project", "prores4444", "png16", "overlay.mp4", "report.json"):
        assert (out / name).exists()
        assert str(out / name) in printed
    assert "J 1.000" in printed
    with open_clip(out / "overlay.mp4") as overlay:
        assert overlay.info.frame_count == FRAMES


def test_the_report_of_a_poor_result(small_demo, engine, tmp_path, capsys):
    engine.matte_of = lambda frame: soften(square(frame + 1))  # 12 of 16 columns right, 4 too many, 4 missing
    assert cli.main(["demo", "-o", str(tmp_path / "demo"), "--json", "--quiet"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["mean"]["J"] == pytest.approx(12 / 20)
    assert report["alpha_error"]["mean_absolute"] == pytest.approx(2 * 4 * 16 / (WIDTH * HEIGHT))
    assert Path(report["places"]["overlay"]).exists()


def test_alpha_errors_by_hand():
    truth = np.array([[0, 65535, 32768, 32768]], np.uint16)
    matte = np.array([[0, 65535, 32768 + 2570, 32768 - 5140]], np.uint16)
    errors = demo.alpha_errors({1: matte}, {1: truth})
    assert errors["soft_edge_8bit_steps"] == pytest.approx((10 + 20) / 2)
    assert errors["mean_absolute"] == pytest.approx((2570 + 5140) / 65535 / 4)


def test_a_second_demo_replaces_the_first_but_no_project_of_someone_else(tmp_path, capsys):
    out = tmp_path / "demo"
    demo.prepare(out)
    (out / "project").mkdir()
    demo.prepare(out)
    assert not (out / "project").exists()
    (tmp_path / "mine" / "project").mkdir(parents=True)
    assert cli.main(["demo", "-o", str(tmp_path / "mine")]) == 1
    assert "is no demo of ours" in capsys.readouterr().err
    assert (tmp_path / "mine" / "project").exists()
