"""All objects in one output, names by a pattern, and the forecast that says what will be written."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.vosengine.export.conftest import HEIGHT, WIDTH, DrawnClip, MakeSource, clip_info, finished
from vosengine.errors import ExportError
from vosengine.export import TEMPLATES, ExportResult, export_clip, forecast
from vosengine.export.readback import MovieReader
from vosengine.messages import ExportSource
from vosengine.png import write_matte
from vosengine.types import Span

SPAN = Span(1, 4)


def export(
    clip: DrawnClip, sources: tuple[ExportSource, ...], template: str, to: Path, **how
) -> ExportResult:
    return finished(export_clip(clip, sources, SPAN, template, to, **how))[1]


@pytest.fixture
def neighbours(tmp_path: Path) -> tuple[ExportSource, ...]:
    """Two objects that meet in one column of pixels, of which they cover 0.3 and 0.7."""
    sources = []
    for number, (name, at, share) in enumerate(
        [("left", slice(20, 40), 0.3), ("right", slice(40, 60), 0.7)], 1
    ):
        matte = np.zeros((HEIGHT, WIDTH), np.uint16)
        matte[10:50, at] = 65535
        matte[10:50, 40] = round(65535 * share)
        files = {frame: tmp_path / "mattes" / str(number) / f"{frame}.png" for frame in range(6)}
        for path in files.values():
            write_matte(path, matte)
        sources.append(ExportSource(number, name, files))
    return tuple(sources)


def test_combined_mattes_have_no_seam(clip: DrawnClip, neighbours: tuple[ExportSource, ...], tmp_path: Path):
    (folder,) = export(clip, neighbours, "png16", tmp_path / "out", combined=True).files
    assert folder.name == "shot_matte"
    pictures = sorted(folder.iterdir())
    assert len(pictures) == len(SPAN)
    matte = cv2.imread(str(pictures[0]), cv2.IMREAD_UNCHANGED)
    assert matte.dtype == np.uint16
    assert (matte[10:50, 20:60] >= 65534).all()  # 0.3 and 0.7 were rounded
    assert not matte[:, :20].any()
    assert not matte[:, 60:].any()


@pytest.mark.parametrize("template", ["prores4444", "ffv1-luma"])
def test_combined_movies_hold_both(
    template: str, clip: DrawnClip, neighbours: tuple[ExportSource, ...], tmp_path: Path
):
    (movie,) = export(clip, neighbours, template, tmp_path / "out", combined=True).files
    kind, shape = (
        ("rgba64le", (HEIGHT, WIDTH, 4)) if template == "prores4444" else ("gray16le", (HEIGHT, WIDTH))
    )
    with MovieReader(movie, kind, shape) as stored:
        matte = next(iter(stored)).reshape(HEIGHT, WIDTH, -1)[..., -1]
    assert matte[30, [25, 40, 55]].min() > 65000
    assert matte[30, [10, 70]].max() < 500


def test_ids_cannot_be_taken_apart(clip: DrawnClip, neighbours: tuple[ExportSource, ...], tmp_path: Path):
    with pytest.raises(ExportError, match="all objects in one picture"):
        export(clip, neighbours, "davis", tmp_path / "out", combined=False)


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("{clip} – {object} v2", ["shot – left v2.mkv", "shot – right v2.mkv"]),
        ("final", ["final_left.mkv", "final_right.mkv"]),
        ("{clip}/{object}", ["shot_left.mkv", "shot_right.mkv"]),
    ],
)
def test_names_follow_the_pattern(
    pattern: str, names: list[str], clip: DrawnClip, neighbours: tuple[ExportSource, ...], tmp_path: Path
):
    written = export(clip, neighbours, "ffv1-luma", tmp_path / "out", name=pattern).files
    assert [path.name for path in written] == names


@pytest.mark.parametrize("pattern", ["{shot}", "{object", "{}", "{object!r}", "{clip:>9}", "{object.real}"])
def test_other_braces_are_refused(
    pattern: str, clip: DrawnClip, neighbours: tuple[ExportSource, ...], tmp_path: Path
):
    with pytest.raises(ExportError, match=r"use \{object\} and \{clip\}"):
        export(clip, neighbours, "png16", tmp_path / "out", name=pattern)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("combined", [None, True])
@pytest.mark.parametrize("template", TEMPLATES)
def test_what_was_forecast_is_what_is_written(
    template: str, combined: bool | None, make_source: MakeSource, tmp_path: Path
):
    clip = DrawnClip(clip_info(first_number=1001))
    sources = make_source(1, "a"), make_source(2, "b")
    wanted = clip.info, sources, SPAN, template, tmp_path / "out", combined
    before = forecast(*wanted)
    written = export(clip, sources, template, tmp_path / "out", combined=combined).files
    assert tuple(each.target for each in before.outputs) == written
    assert not any(each.replaces for each in before.outputs)
    assert all(each.replaces for each in forecast(*wanted).outputs)
    if TEMPLATES[template].folder:
        for output in before.outputs:
            names = sorted(path.name for path in output.target.iterdir())
            assert (names[0], names[-1], len(names)) == (output.first, output.last, output.count)


def test_the_estimate_of_png_mattes_is_close(make_source: MakeSource, tmp_path: Path):
    clip = DrawnClip(clip_info())
    sources = (make_source(1, "a"),)
    estimate = forecast(clip.info, sources, SPAN, "png16", tmp_path / "out").size
    (folder,) = export(clip, sources, "png16", tmp_path / "out").files
    assert estimate == pytest.approx(sum(path.stat().st_size for path in folder.iterdir()), rel=0.1)


def test_a_forecast_refuses_what_an_export_would(make_source: MakeSource, tmp_path: Path, monkeypatch):
    clip, sources = DrawnClip(clip_info()), (make_source(1, "a"),)
    (tmp_path / "out" / "a").mkdir(parents=True)
    (tmp_path / "out" / "a" / "notes.txt").touch()
    with pytest.raises(ExportError, match="would be lost"):
        forecast(clip.info, sources, SPAN, "png16", tmp_path / "out")
    monkeypatch.setattr("vosengine.export.forecasting._free", lambda _: 1000)
    with pytest.raises(ExportError, match="1 kB are free"):
        forecast(clip.info, sources, SPAN, "png16", tmp_path / "elsewhere")


def test_what_shares_an_output_is_not_refused_for_its_sum(
    make_source: MakeSource, tmp_path: Path, monkeypatch
):
    clip, sources = DrawnClip(clip_info()), (make_source(1, "a"), make_source(2, "b"))
    wanted = clip.info, sources, SPAN, "ffv1-luma", tmp_path / "out"
    apart = forecast(*wanted)
    assert apart.size is not None
    assert not apart.joined
    monkeypatch.setattr("vosengine.export.forecasting._free", lambda _: apart.size - 1)
    with pytest.raises(ExportError, match="free there"):
        forecast(*wanted)
    assert forecast(*wanted, combined=True).joined


def test_names_of_exports_to_come_are_known(make_source: MakeSource, tmp_path: Path):
    clip, sources = DrawnClip(clip_info()), (make_source(1, "a"), make_source(2, "b"))
    wanted = clip.info, sources, SPAN, "ffv1-luma", tmp_path / "out"
    found = forecast(*wanted, promised={tmp_path / "out" / "b.mkv"}).outputs
    assert [each.promised for each in found] == [False, True]


@pytest.mark.skipif(os.name == "nt", reason="other limits")
def test_a_folder_that_cannot_be_looked_into_is_a_sentence(make_source: MakeSource, tmp_path: Path):
    place = tmp_path / ("a" * 300) / "out"
    with pytest.raises(ExportError, match=r"cannot be written to \(.*\); choose another folder"):
        forecast(clip_info(), (make_source(),), SPAN, "png16", place)


def test_an_extension_in_the_name_is_the_files(make_source: MakeSource, tmp_path: Path):
    def name(template: str, place: Path, pattern: str) -> str:
        found = forecast(clip_info(), (make_source(),), SPAN, template, place, None, pattern)
        return found.outputs[0].target.name

    assert name("prores4444", tmp_path, "cut.MOV") == "cut.mov"
    assert name("png16", tmp_path, "cut.png") == "cut"
    assert name("prores4444", tmp_path, "cut.v2") == "cut.v2.mov"
    with pytest.raises(ExportError, match="leave one of them out"):
        name("prores4444", tmp_path / "cut.mov", "final")
