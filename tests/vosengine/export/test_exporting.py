"""Whole exports, looked at with decoders other than those that the export's own checks use."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import psutil
import pytest

from tests.vosengine.export.conftest import (
    HEIGHT,
    WIDTH,
    DrawnClip,
    MakeSource,
    clip_info,
    exported,
    finished,
    soft_matte,
)
from vosengine.errors import EngineError, ExportError, ProjectError
from vosengine.export import TEMPLATES, export_clip, write
from vosengine.messages import ExportSource
from vosengine.png import write_matte
from vosengine.types import Span

VARIABLE = (Fraction(0), Fraction(1, 30), Fraction(1, 10), Fraction(7, 60), Fraction(1, 2), Fraction(2, 3))


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def decoded(path: Path, **options: str) -> list[av.VideoFrame]:
    with av.open(str(path), options=options) as file:
        return list(file.decode(video=0))


def test_png16_is_numbered_like_the_footage(tmp_path: Path, make_source: MakeSource) -> None:
    clip = DrawnClip(clip_info(first_number=1001))
    sources = [make_source(1, "Tänzer/links"), make_source(2, "ball", range(2, 4))]
    result = exported(clip, sources, "png16", tmp_path / "aus ü", Span(1, 5))
    wanted = [f"{name}/{number}.png" for name in ("Tänzer_links", "ball") for number in range(1002, 1006)]
    assert files_in(tmp_path / "aus ü") == sorted(wanted)
    assert result.files == (tmp_path / "aus ü" / "Tänzer_links", tmp_path / "aus ü" / "ball")
    for frame in range(1, 5):
        drawn = decoded(tmp_path / "aus ü" / "Tänzer_links" / f"{1001 + frame}.png")[0]
        assert np.array_equal(drawn.to_ndarray(), soft_matte(frame, 1))
    assert not decoded(tmp_path / "aus ü" / "ball" / "1002.png")[0].to_ndarray().any()  # no matte: empty
    assert decoded(tmp_path / "aus ü" / "ball" / "1003.png")[0].to_ndarray().any()


def test_prores_keeps_alpha_colours_and_tags(
    tmp_path: Path, clip: DrawnClip, make_source: MakeSource
) -> None:
    result = exported(clip, [make_source()], "prores4444", tmp_path)
    (path,) = result.files
    assert path == tmp_path / "dancer.mov"
    frames = decoded(path)
    assert len(frames) == 6
    for frame, picture in enumerate(frames):
        assert picture.format.name.startswith("yuva444p1")
        assert (picture.color_primaries, picture.color_trc, picture.colorspace) == (1, 1, 1)
        alpha = picture.reformat(format="rgba64le").to_ndarray()[..., 3].astype(int)
        assert np.abs(alpha - soft_matte(frame, 1)).max() / 257 <= 0.5
    # Pure red in BT.709: 64 + 876 * 0.2126 = 250 of 1023 (BT.601 has 326); the decoder shows 12 bits.
    luma = np.frombuffer(frames[0].planes[0], np.uint16)[0] / (4 if "12" in frames[0].format.name else 1)
    assert luma == pytest.approx(250, abs=1)
    # QuickTime's colour atom: "nclc", then primaries, transfer and matrix, each 1 for BT.709.
    assert b"colrnclc" + b"\0\1" * 3 in path.read_bytes()
    assert b"ap4h" in path.read_bytes()


def test_prores_reads_the_footage_once_a_frame_for_all_objects(
    tmp_path: Path, clip: DrawnClip, make_source: MakeSource
) -> None:
    exported(clip, [make_source(1, "a"), make_source(2, "b"), make_source(3, "c")], "prores4444", tmp_path)
    assert clip.reads == 6 + 3 * 6  # written together, checked one by one


def test_constant_rates_are_exact_rationals(tmp_path: Path, clip: DrawnClip, make_source: MakeSource) -> None:
    for template in ("prores4444", "ffv1-luma"):
        (path,) = exported(clip, [make_source()], template, tmp_path, Span(2, 6)).files
        with av.open(str(path)) as file:
            assert file.streams.video[0].average_rate == Fraction(24000, 1001)
            times = [frame.pts * frame.time_base for frame in file.decode(video=0)]
        tolerance = 0 if path.suffix == ".mov" else Fraction(1, 2000)
        assert all(abs(time - place * Fraction(1001, 24000)) <= tolerance for place, time in enumerate(times))
        assert len(times) == 4


def test_variable_rates_keep_their_timestamps(tmp_path: Path, make_source: MakeSource) -> None:
    clip = DrawnClip(clip_info(rate=Fraction(9), timestamps=VARIABLE))
    (path,) = exported(clip, [make_source()], "prores4444", tmp_path, Span(1, 5)).files
    with av.open(str(path)) as file:
        packets = [packet for packet in file.demux(video=0) if packet.pts is not None]
    times = [packet.pts * packet.time_base for packet in packets]
    assert times == [time - VARIABLE[1] for time in VARIABLE[1:5]]
    assert packets[-1].duration * packets[-1].time_base == VARIABLE[5] - VARIABLE[4]


def test_the_timecode_is_that_of_the_first_exported_frame(tmp_path: Path, make_source: MakeSource) -> None:
    clip = DrawnClip(clip_info(timecode="01:00:00:22"))
    result = exported(clip, [make_source()], "prores4444", tmp_path, Span(3, 5))
    with av.open(str(result.files[0])) as file:
        assert file.streams.video[0].metadata["timecode"] == "01:00:01:01"
    assert "dancer.mov: starts at timecode 01:00:01:01." in result.report


def test_ffv1_is_lossless(tmp_path: Path, clip: DrawnClip, make_source: MakeSource) -> None:
    (path,) = exported(clip, [make_source(frames=range(5))], "ffv1-luma", tmp_path).files
    assert path == tmp_path / "dancer.mkv"
    frames = decoded(path)
    for frame in range(5):
        assert frames[frame].format.name == "gray16le"
        assert np.array_equal(frames[frame].to_ndarray(), soft_matte(frame, 1))
    assert not frames[5].to_ndarray().any()


def test_davis_gives_each_pixel_to_the_largest_matte(tmp_path: Path) -> None:
    def source(object_id: int, values: list[int]) -> ExportSource:
        write_matte(tmp_path / f"{object_id}.png", np.array([values], np.uint16))
        return ExportSource(object_id, str(object_id), {0: tmp_path / f"{object_id}.png"})

    clip = DrawnClip(clip_info(1, width=5, height=1))
    sources = [
        source(7, [0, 32767, 32768, 50000, 40000]),
        source(2, [0, 0, 10000, 60000, 40000]),
    ]
    (folder,) = exported(clip, sources, "davis", tmp_path / "out").files
    assert folder == tmp_path / "out" / "shot_ids"
    indices, argb = decoded(folder / "0000.png")[0].to_ndarray()
    assert indices.tolist() == [[0, 0, 7, 2, 7]]
    assert argb[7, 1:].tolist() == [128, 128, 128]
    assert argb[2, 1:].tolist() == [0, 128, 0]


def test_a_path_with_the_extension_names_the_movie(
    tmp_path: Path, clip: DrawnClip, make_source: MakeSource
) -> None:
    one, two = make_source(1, "a"), make_source(2, "b")
    assert exported(clip, [one], "ffv1-luma", tmp_path / "cut.MKV").files == (tmp_path / "cut.mkv",)
    several = exported(clip, [one, two], "ffv1-luma", tmp_path / "cut.mkv").files
    assert [path.name for path in several] == ["cut_a.mkv", "cut_b.mkv"]


@pytest.mark.parametrize("template", TEMPLATES)
def test_progress_counts_every_frame_to_the_end(
    tmp_path: Path, clip: DrawnClip, make_source: MakeSource, template: str
) -> None:
    sources = (make_source(1, "a"), make_source(2, "b"))
    progress, result = finished(export_clip(clip, sources, Span(0, 3), template, tmp_path / "out"))
    assert [step.done for step in progress] == list(range(1, progress[-1].total + 1))
    assert {step.total for step in progress} == {2 * 3 * len(result.files)}
    assert progress[0].what.startswith("Writing ")
    assert progress[-1].what.startswith("Checking ")
    assert all(line.endswith(".") for line in result.report)


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_cancelled_export_leaves_no_trace_whenever_it_ends(
    tmp_path: Path, clip: DrawnClip, make_source: MakeSource, template: str
) -> None:
    sources = (make_source(1, "a"), make_source(2, "b"))
    destination = tmp_path / "made" / "out"
    steps = len(finished(export_clip(clip, sources, Span(0, 3), template, tmp_path / "whole"))[0])
    before = files_in(tmp_path)
    for stop in range(1, steps + 1):
        export = export_clip(clip, sources, Span(0, 3), template, destination)
        for _ in range(stop):
            next(export)
        export.close()
        assert not (tmp_path / "made").exists()
    assert files_in(tmp_path) == before
    assert not [child for child in psutil.Process().children() if "ffmpeg" in child.name()]


@pytest.mark.parametrize("template", TEMPLATES)
def test_an_earlier_export_is_refused_kept_or_replaced(
    tmp_path: Path, clip: DrawnClip, make_source: MakeSource, template: str
) -> None:
    source = make_source()
    exported(clip, [source], template, tmp_path / "out", Span(0, 3))
    earlier = {name: (tmp_path / "out" / name).read_bytes() for name in files_in(tmp_path / "out")}
    with pytest.raises(ExportError, match="exists already; allow overwriting"):
        exported(clip, [source], template, tmp_path / "out", Span(0, 2))
    export = export_clip(clip, (source,), Span(0, 2), template, tmp_path / "out", overwrite=True)
    for _ in range(3):
        next(export)
    export.close()
    assert {name: (tmp_path / "out" / name).read_bytes() for name in files_in(tmp_path / "out")} == earlier
    finished(export_clip(clip, (source,), Span(0, 2), template, tmp_path / "out", overwrite=True))
    assert {name: (tmp_path / "out" / name).read_bytes() for name in files_in(tmp_path / "out")} != earlier


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_full_disk_is_said_in_a_sentence(
    tmp_path: Path, clip: DrawnClip, make_source: MakeSource, template: str
) -> None:
    resource = pytest.importorskip("resource", reason="Windows cannot limit the size of files")
    source = make_source()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(ExportError, match="free some space") as raised:
            exported(clip, [source], template, tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "out").exists()


def test_an_unwritable_destination_is_said_in_a_sentence(
    tmp_path: Path, clip: DrawnClip, make_source: MakeSource
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ExportError, match="choose another destination"):
        exported(clip, [make_source()], "png16", tmp_path / "file" / "out")


def test_what_cannot_be_exported_is_refused(tmp_path: Path, clip: DrawnClip, make_source: MakeSource) -> None:
    source = make_source()
    with pytest.raises(ExportError, match="no export template 'gif'; choose one of png16, prores4444"):
        exported(clip, [source], "gif", tmp_path)
    with pytest.raises(ExportError, match="no object to export"):
        exported(clip, [], "png16", tmp_path)
    for span in (Span(2, 2), Span(0, 7)):
        with pytest.raises(ExportError, match="choose a range inside it"):
            exported(clip, [source], "png16", tmp_path, span)
    with pytest.raises(ExportError, match="same id"):
        exported(clip, [source, source], "png16", tmp_path)
    with pytest.raises(ExportError, match="ids up to 255"):
        exported(clip, [replace(source, object_id=256)], "davis", tmp_path)


def test_footage_and_mattes_are_never_overwritten(tmp_path: Path, make_source: MakeSource) -> None:
    source = make_source(1, "1")
    mattes = next(iter(source.matte_files.values())).parent
    clip = DrawnClip(clip_info(path=tmp_path / "shot.mov"))
    clip.info.path.touch()
    for template, destination in (("png16", mattes.parent), ("prores4444", clip.info.path)):
        with pytest.raises(ExportError, match="holds what the export is made of"):
            finished(export_clip(clip, (source,), Span(0, 2), template, destination, overwrite=True))


@pytest.mark.parametrize("inside", ["mattes", "mattes/1", "annotations", "models", "cache/proxies", "."])
def test_what_a_project_keeps_for_itself_is_never_written_to(
    tmp_path: Path, clip: DrawnClip, make_source: MakeSource, inside: str
) -> None:
    folder = tmp_path / "shot.rotoshot"
    (folder / inside).mkdir(parents=True)
    (folder / "project.roto").touch()
    source = replace(make_source(), name=folder.name)
    place = folder.parent if inside == "." else folder / inside  # its name would then be the project's
    with pytest.raises(ExportError, match="holds what the export is made of"):
        exported(clip, [source], "png16", place)
    exported(clip, [source], "png16", folder / "export")


def test_mattes_of_another_size_are_refused(tmp_path: Path, clip: DrawnClip, make_source: MakeSource) -> None:
    source = make_source()
    write_matte(source.matte_files[3], np.zeros((HEIGHT, WIDTH + 1), np.uint16))
    with pytest.raises(ExportError, match=rf"measures {WIDTH + 1}x{HEIGHT} and the clip {WIDTH}x{HEIGHT}"):
        exported(clip, [source], "ffv1-luma", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_missing_and_damaged_matte_files_are_named(
    tmp_path: Path, clip: DrawnClip, make_source: MakeSource
) -> None:
    source = make_source()
    source.matte_files[1].write_bytes(b"no picture")
    with pytest.raises(ProjectError, match=r"1\.png cannot be read"):
        exported(clip, [source], "png16", tmp_path / "out")
    source.matte_files[1].unlink()
    with pytest.raises(ExportError, match=r"1\.png is gone"):
        exported(clip, [source], "png16", tmp_path / "out")


def test_mattes_drawn_on_during_the_export_end_it(
    tmp_path: Path, clip: DrawnClip, make_source: MakeSource
) -> None:
    source = make_source()
    export = export_clip(clip, (source,), clip.info.span, "png16", tmp_path / "out")
    for _ in range(6):
        next(export)
    write_matte(source.matte_files[2], soft_matte(99))
    os.utime(source.matte_files[2], ns=(1, 1))
    with pytest.raises(ExportError, match="changed during the export; export again"):
        finished(export)


@contextmanager
def nothing_written(*_: object) -> Iterator[object]:
    raise EngineError("x.png could not be written.")
    yield


def test_failures_of_pictures_are_failures_of_the_export(
    tmp_path: Path, clip: DrawnClip, make_source: MakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TEMPLATES, "png16", replace(TEMPLATES["png16"], write=nothing_written))
    with pytest.raises(ExportError, match="could not be written"):
        exported(clip, [make_source()], "png16", tmp_path)


def test_a_missing_encoder_names_the_remedy(
    tmp_path: Path, clip: DrawnClip, make_source: MakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "FFV1", replace(write.FFV1, codec="ffv2"))
    with pytest.raises(ExportError, match="has no encoder ffv2; install"):
        exported(clip, [make_source()], "ffv1-luma", tmp_path / "out")
