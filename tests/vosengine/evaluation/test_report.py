from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest

from tests.vosengine.evaluation.conftest import FRAMES
from tests.vosengine.evaluation.fake_engine import FakeEngine
from vosengine.config import preset
from vosengine.errors import EngineError
from vosengine.evaluation.contact_sheet import APART, WorstFrame, picture, worst_frames
from vosengine.evaluation.datasets import find_sequences
from vosengine.evaluation.page import page, write_page
from vosengine.evaluation.protocol import Timing, run_sequence
from vosengine.evaluation.report import (
    Report,
    frame_measures,
    markdown,
    sequence_measures,
    to_json,
    write_json,
)

KEYS = [
    "J", "J_recall", "J_decay", "F", "F_recall", "F_decay", "T",
    "seconds_per_frame", "fine_tune_seconds", "peak_memory_mb",
]  # fmt: skip


@pytest.fixture
def report(davis: Path, tmp_path: Path) -> Report:
    """Two sequences with made-up times: 0.5 s and 1.5 s a frame."""
    config = preset("balanced")
    slide, still = (
        run_sequence(sequence, config, FakeEngine(), tmp_path / "results")
        for sequence in find_sequences(davis)
    )
    slide = replace(slide, timing=Timing(9.0, 3.6, 0.9, 300.0))
    still = replace(still, timing=Timing(9.0, 9.0, 4.5, 200.0))
    return Report("tiny", "balanced", (slide, still), config)


def test_json_has_exactly_the_agreed_keys(report: Report, tmp_path: Path) -> None:
    write_json(report, tmp_path / "deep" / "out.json")
    values = json.loads((tmp_path / "deep" / "out.json").read_text("utf-8"))
    assert values == to_json(report)
    assert list(values) == ["mean", "sequences"]
    assert list(values["sequences"]) == ["slide", "still"]
    for figures in (values["mean"], *values["sequences"].values()):
        assert list(figures) == KEYS


def test_figures_by_hand(report: Report) -> None:
    slide, still = report.sequences["slide"], report.sequences["still"]
    assert pytest.approx(sum((12 - k) / (12 + k) for k in range(1, 8)) / 7) == slide.J
    assert (still.J, still.F, still.J_recall) == (1.0, 1.0, 1.0)
    assert (slide.T, still.T) == (0.0, None)  # T is not measured on `still`
    assert slide.seconds_per_frame == pytest.approx(4.5 / FRAMES)
    assert (slide.fine_tune_seconds, slide.peak_memory_mb) == (3.6, 300.0)


def test_the_mean_is_over_sequences_and_the_peak_the_largest(report: Report) -> None:
    mean = report.mean
    assert pytest.approx((report.sequences["slide"].J + 1.0) / 2) == mean.J
    assert mean.T == 0.0
    assert mean.seconds_per_frame == pytest.approx(1.0)
    assert mean.fine_tune_seconds == pytest.approx(6.3)
    assert mean.peak_memory_mb == 300.0


def test_figures_that_were_not_measured_are_null(report: Report) -> None:
    bare = replace(report, results=tuple(replace(r, timing=None) for r in report.results[1:]))
    mean = json.loads(json.dumps(to_json(bare), allow_nan=False))["mean"]
    assert [key for key in KEYS if mean[key] is None] == [
        "T", "seconds_per_frame", "fine_tune_seconds", "peak_memory_mb",
    ]  # fmt: skip


def test_markdown_is_a_table_with_the_mean_last(report: Report) -> None:
    title, _, *lines = markdown(report).splitlines()
    assert title == "balanced on tiny"
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert {len(row) for row in rows} == {12}
    assert [row[0] for row in rows] == ["sequence", "---", "slide", "still", "**mean**"]
    assert rows[3][1:8] == ["1.000", "1.000", "0.000", "1.000", "1.000", "0.000", "–"]
    # seconds a frame, fine-tuning, propagation a frame, peak
    assert rows[2][8:] == ["0.500", "3.6", "0.100", "300"]
    assert rows[4][8:] == ["**1.000**", "**6.3**", "**0.300**", "**300**"]


def test_several_objects_count_as_their_mean(report: Report) -> None:
    slide, still = report.results
    both = replace(slide, scores={1: slide.scores[1], 2: still.scores[1]})
    measures = sequence_measures(both)
    assert pytest.approx((slide.scores[1].J + 1) / 2) == measures.J
    assert measures.T == 0.0
    assert pytest.approx((11 / 13 + 1) / 2) == frame_measures(both)[0].J


# --- the page -------------------------------------------------------------------------------------------


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def named(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.found if tag == name]


def test_the_page_needs_nothing_else(report: Report, tmp_path: Path) -> None:
    write_page(report, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text("utf-8")
    tags = Tags(text)
    assert not {"script", "link", "iframe"} & {tag for tag, _ in tags.found}
    sources = [value or "" for _, a in tags.found for key, value in a.items() if key in ("src", "href")]
    assert sources
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)
    assert not re.search(r"https?:|url\(|@import", text)


def test_the_page_shows_figures_settings_and_a_curve_a_sequence(report: Report) -> None:
    text = page(report)
    assert "<td>slide</td>" in text
    assert "<td>mean</td>" in text
    assert f"steps {preset('balanced').steps}" in text
    assert "iterative.every 10, " in text
    assert "{" not in re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)
    pictures = re.findall(r"<svg.*?</svg>", text)
    assert len(pictures) == 2
    curves = ElementTree.fromstring(pictures[1]).findall("polyline")
    assert [curve.get("class") for curve in curves] == ["J", "F"]
    points = [point.split(",") for point in (curves[0].get("points") or "").split()]
    assert len(points) == FRAMES - 2
    assert {y for _, y in points} == {"10.0"}  # J is 1, the top, on every frame of `still`
    assert [float(x) for x, _ in points] == sorted(float(x) for x, _ in points)


def test_boxes_are_named_in_title_and_page(report: Report) -> None:
    boxes = replace(report, boxes=True)
    assert markdown(boxes).startswith("balanced from boxes on tiny\n")
    assert "<h1>balanced from boxes on tiny</h1>" in page(boxes)
    assert "a box round it is given" in page(boxes)
    assert "its mask is given" in page(report)


def test_names_are_escaped(report: Report) -> None:
    assert "<b>x" not in page(replace(report, title="<b>x"))
    assert "&lt;b&gt;x" in page(replace(report, title="<b>x"))


def test_embedded_pictures_decode(report: Report) -> None:
    images = Tags(page(report)).named("img")
    assert len(images) == len(worst_frames(report))
    # Outlines of 48 pixels, 7 pixels apart: 7 above, 7 below and 2 at the sides lie within 1 pixel.
    assert images[0]["alt"] == "slide, frame 7: J 0.263, F 0.333"
    encoded = (images[0]["src"] or "").partition(",")[2]
    image = cv2.imdecode(np.frombuffer(base64.b64decode(encoded), np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    assert image.shape == (255, 340, 3)


def test_the_worst_frames_come_first_and_lie_apart(report: Report) -> None:
    worst = worst_frames(report)
    assert [(w.result.sequence.name, w.measure.frame) for w in worst[:2]] == [("slide", 7), ("slide", 2)]
    assert [w.measure.J for w in worst] == sorted(w.measure.J for w in worst)
    assert worst[0].measure.frame - worst[1].measure.frame == APART
    assert len(worst_frames(report, count=1)) == 1


def test_a_picture_shows_missed_pixels_green_and_pixels_too_many_red(report: Report) -> None:
    slide = report.results[0]
    worst = WorstFrame(slide, frame_measures(slide)[6])  # frame 7: truth at x 10..22, result at 3..15
    image = cv2.imdecode(np.frombuffer(picture(worst), np.uint8), cv2.IMREAD_COLOR_RGB)
    assert image is not None
    scale = 340 / 32
    extra, missed, right = (image[round(12 * scale), round(x * scale)].astype(int) for x in (6, 19, 12.5))
    assert extra[0] > extra[1] + 40
    assert missed[1] > missed[0] + 40
    assert np.ptp(right) < 12


def test_a_page_that_cannot_be_written_says_so(report: Report, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EngineError, match="could not be written"):
        write_page(report, tmp_path / "file" / "page.html")
