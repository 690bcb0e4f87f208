"""Exports of finished edges, read back with decoders that did not write them."""

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from tests.vosengine.export.conftest import (
    HEIGHT,
    WIDTH,
    DrawnClip,
    MakeSource,
    exported,
    finished,
    soft_matte,
)
from tests.vosengine.finish.drawn import as_matte, disk, radius_of
from vosengine.edge_controls import EdgeControls, EdgeTrack
from vosengine.export import TEMPLATES, write_overlay
from vosengine.messages import ExportSource
from vosengine.png import write_matte
from vosengine.types import Span

KEYED = EdgeTrack({1: EdgeControls(grow=0), 5: EdgeControls(grow=4, feather=2)})


@pytest.fixture
def disks(tmp_path: Path) -> ExportSource:
    """A disk that moves by 3 pixels a frame; nothing on frame 3."""
    files = {frame: tmp_path / "project" / "mattes" / "1" / f"{frame}.png" for frame in (0, 1, 2, 4, 5)}
    for frame, path in files.items():
        write_matte(path, a_disk(frame))
    return ExportSource(1, "disk", files)


def a_disk(frame: int, radius: float = 14) -> np.ndarray:
    return as_matte(disk(radius, (30 + 3 * frame, 32), (HEIGHT, WIDTH)))


def decoded(path: Path, kind: str) -> list[np.ndarray]:
    with av.open(str(path)) as file:
        return [frame.to_ndarray(format=kind) for frame in file.decode(video=0)]


def test_neutral_controls_export_bit_identically(tmp_path: Path, clip: DrawnClip, make_source: MakeSource):
    edges = EdgeTrack({2: EdgeControls(), 4: EdgeControls(decontaminate=0.5)})
    source = replace(make_source(), edges=edges, drawn=frozenset({1}))
    (path,) = exported(clip, [source], "ffv1-luma", tmp_path).files
    for frame, found in enumerate(decoded(path, "gray16le")):
        assert np.array_equal(found, soft_matte(frame, 1))


def test_edges_grow_between_their_keys(tmp_path: Path, clip: DrawnClip, disks: ExportSource):
    (path,) = exported(clip, [replace(disks, edges=KEYED)], "ffv1-luma", tmp_path / "out").files
    radii = [radius_of(matte) for matte in decoded(path, "gray16le")]
    assert radii == pytest.approx([14, 14, 15, 0, 17, 18], abs=0.12)


@pytest.mark.parametrize("template", sorted(TEMPLATES))
def test_every_template_is_finished_and_passes_its_checks(
    tmp_path: Path, clip: DrawnClip, disks: ExportSource, template: str
):
    controls = EdgeControls(0.4, 2, 3, 0.2, smoothing=2, motion_blur=1, decontaminate=1)
    source = replace(disks, edges=EdgeTrack({0: controls}))
    result = exported(clip, [source], template, tmp_path / "out", Span(1, 5))
    assert result.report
    if template == "davis":
        ids = decoded(tmp_path / "out" / "shot_ids" / "0004.png", "pal8")[0]
        assert np.count_nonzero(ids[0] if isinstance(ids, tuple) else ids) > 1.2 * np.pi * 14**2


def test_colours_are_taken_out_where_the_alpha_is_soft(tmp_path: Path, clip: DrawnClip, disks: ExportSource):
    pure = replace(disks, edges=EdgeTrack({0: EdgeControls(feather=6, decontaminate=1)}))
    mixed = replace(disks, edges=EdgeTrack({0: EdgeControls(feather=6)}))
    found, left = (
        decoded(exported(clip, [source], "prores4444", tmp_path / name).files[0], "rgba64le")[0].astype(int)
        for name, source in (("pure", pure), ("mixed", mixed))
    )
    assert np.abs(found[..., 3] - left[..., 3]).max() / 257 <= 1
    plate = clip.image16(0).astype(int)
    assert np.abs(left[..., :3] - plate).mean() / 257 < 3
    soft = (found[..., 3] > 3000) & (found[..., 3] < 60000)
    assert np.abs(found[..., :3] - left[..., :3])[soft].mean() > 5 * 257
    assert np.abs(found[..., :3] - left[..., :3])[found[..., 3] > 65000].mean() < 2 * 257


def test_a_drawn_frame_is_grown_and_not_smoothed(tmp_path: Path, clip: DrawnClip, disks: ExportSource):
    write_matte(disks.matte_files[2], a_disk(2, 17))
    controls = EdgeControls(smoothing=1)
    radii = {}
    for drawn in (frozenset({2}), frozenset[int]()):
        still = DrawnClip(clip.info)
        still.image16 = lambda frame: clip.image16(0)  # type: ignore[method-assign]
        source = replace(disks, edges=EdgeTrack({0: controls}), drawn=drawn)
        (path,) = exported(still, [source], "ffv1-luma", tmp_path / str(len(drawn))).files
        radii[len(drawn)] = [radius_of(matte) for matte in decoded(path, "gray16le")]
    assert radii[1][2] == pytest.approx(17, abs=0.01)
    assert radii[0][2] < 16.9


def test_the_overlay_shows_the_finished_edge(tmp_path: Path, clip: DrawnClip, disks: ExportSource):
    grown = replace(disks, edges=EdgeTrack({0: EdgeControls(grow=8)}))
    shown = {}
    for name, source in (("plain", disks), ("grown", grown)):
        finished(write_overlay(clip, (source,), clip.info.span, tmp_path / f"{name}.mp4"))
        shown[name] = decoded(tmp_path / f"{name}.mp4", "rgb24")[0][:HEIGHT, :WIDTH].astype(int)
    differs = np.abs(shown["grown"] - shown["plain"]).max(axis=2) > 60
    ring = (a_disk(0, 21) > 0) & (a_disk(0, 16) == 0)
    assert differs[ring].mean() > 0.3
    assert not differs[a_disk(0, 25) == 0].any()
