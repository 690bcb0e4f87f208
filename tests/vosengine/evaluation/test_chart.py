from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from vosengine.evaluation.chart import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Chart

SVG = "{http://www.w3.org/2000/svg}"


def points(chart: Chart, number: int = 0) -> list[tuple[float, float]]:
    """The places of a line's points."""
    line = ElementTree.fromstring(chart.svg()).findall(f"{SVG}polyline")[number]
    places = [place.split(",") for place in (line.get("points") or "").split()]
    return [(float(x), float(y)) for x, y in places]


def texts(chart: Chart) -> list[str]:
    return [text.text or "" for text in ElementTree.fromstring(chart.svg()).findall(f"{SVG}text")]


def test_points_run_from_corner_to_corner() -> None:
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    assert points(Chart({"J": [(10, 1), (0, 0), (5, 0.5)]}, "percent")) == [
        (LEFT, bottom),
        ((LEFT + right) / 2, (TOP + bottom) / 2),
        (right, TOP),
    ]


def test_powers_have_the_same_room_on_a_logarithmic_axis() -> None:
    chart = Chart({"J": [(0.1, 0.5), (1, 0.5), (10, 0.5)]}, "seconds", logarithmic=True)
    first, second, third = (x for x, _ in points(chart))
    assert second - first == pytest.approx(third - second)


def test_all_lines_share_the_axes_and_are_named() -> None:
    chart = Chart(
        {"ours": [(0, 0.5)], "theirs <1>": [(4, 0.5)]}, "annotated & scored", dashed=frozenset(["ours"])
    )
    assert points(chart, 0)[0][0] == LEFT
    assert points(chart, 1)[0][0] == WIDTH - RIGHT
    assert {"ours", "theirs <1>", "annotated & scored", "0.00", "1.00", "0", "4"} <= set(texts(chart))
    lines = ElementTree.fromstring(chart.svg()).findall(f"{SVG}polyline")
    assert [line.get("stroke-dasharray") is not None for line in lines] == [True, False]
    assert lines[0].get("stroke") != lines[1].get("stroke")


def test_figures_of_the_lower_axis_do_not_overlap() -> None:
    chart = Chart({"J": [(1000, 0.5), (1001, 0.5), (2000, 0.5)]}, "frames")
    assert [text for text in texts(chart) if text in ("1e+03", "2e+03")] == ["1e+03", "2e+03"]


def test_one_point_alone_can_be_drawn(tmp_path: Path) -> None:
    Chart({"J": [(3, 0.25)]}, "x").write(tmp_path / "deep" / "chart.svg")
    assert ElementTree.parse(tmp_path / "deep" / "chart.svg").getroot().tag == f"{SVG}svg"
