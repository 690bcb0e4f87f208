"""The HTML page of an evaluation: one file that needs nothing else, with curves and the worst frames."""

from __future__ import annotations

import base64
from html import escape
from operator import attrgetter
from pathlib import Path

from vosengine import atomic
from vosengine.config import setting_names
from vosengine.evaluation.contact_sheet import WorstFrame, picture, worst_frames
from vosengine.evaluation.protocol import SequenceResult
from vosengine.evaluation.report import FrameMeasure, Report, frame_measures, sequence_measures, table

WIDTH, HEIGHT = 560, 150  # of a curve, in pixels
LEFT, BOTTOM = 30, 20  # room for the axes' figures

STYLE = """
body { margin: 2rem auto; max-width: 76rem; padding: 0 1rem; background: #1b1d21; color: #d8dbe0;
       font: 15px/1.5 system-ui, sans-serif; }
h1, h2 { font-weight: 500; color: #fff; }
p, dd { color: #aeb4bd; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid #33373e; }
th:first-child, td:first-child { text-align: left; }
tr:last-child td { color: #fff; border-top: 2px solid #5a616c; }
.curves, .sheet { display: flex; flex-wrap: wrap; gap: 1rem; }
figure { margin: 0; background: #23262b; padding: .6rem; border-radius: 4px; }
figcaption { padding-top: .3rem; font-size: 13px; }
figure img, figure svg { display: block; max-width: 100%; }
.axis { stroke: #3b4048; } .axis-text { fill: #8b929c; font-size: 11px; }
.J { stroke: #4cc2ff; } .F { stroke: #ffb454; } polyline { fill: none; stroke-width: 1.6; }
.key-J { color: #4cc2ff; } .key-F { color: #ffb454; } .key-missed { color: #37d67a; }
.key-extra { color: #ff5a5f; }
"""


def page(report: Report) -> str:
    """The page as text; reads the pictures of the worst frames and their results."""
    curves = "".join(_curve_figure(result) for result in report.results)
    sheet = "".join(_frame_figure(worst) for worst in worst_frames(report))
    title, given = escape(report.heading), "a box round it" if report.boxes else "its mask"
    return f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>{STYLE}</style></head>
<body>
<h1>{title}</h1>
<p>DAVIS protocol: on each object's first frame {given} is given; that frame and the last one are not scored.
J is intersection over union, F the agreement of the boundaries, T the change of the contour's shape between
frames (smaller is better).</p>
{_settings(report)}
{_html_table(*table(report))}
{"".join(f"<h2>{escape(t.title)}</h2>{_html_table(t.headings, t.rows)}" for t in report.tables)}
<h2>Frame by frame</h2>
<p><span class="key-J">J</span> and <span class="key-F">F</span>; the line in the middle is 0.5.</p>
<div class="curves">{curves}</div>
<h2>The worst frames</h2>
<p>Outlined in white the annotation; <span class="key-missed">missed pixels green</span>,
<span class="key-extra">pixels too many red</span>.</p>
<div class="sheet">{sheet}</div>
</body>
</html>
"""


def write_page(report: Report, file: Path) -> None:
    """Write `page`. Raises EngineError when the file cannot be written."""
    atomic.write_bytes(file, page(report).encode())


def _settings(report: Report) -> str:
    if report.config is None:
        return ""
    values = {name: attrgetter(name)(report.config) for name in setting_names()}
    text = ", ".join(f"{name} {value}" for name, value in values.items())
    return f"<p>{escape(text)}</p>"


def _html_table(headings: list[str], rows: list[list[str]]) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in headings)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _curve_figure(result: SequenceResult) -> str:
    name, measures = escape(result.sequence.name), sequence_measures(result)
    caption = f"{name}: J {measures.J:.3f}, F {measures.F:.3f}"
    return f"<figure>{_curves(frame_measures(result))}<figcaption>{caption}</figcaption></figure>"


def _curves(measures: list[FrameMeasure]) -> str:
    """J and F over the frames as an SVG picture."""
    lines = "".join(_axis(value) for value in (0.0, 0.5, 1.0))
    for name in ("J", "F"):
        points = " ".join(f"{_x(m.frame, measures):.1f},{_y(getattr(m, name)):.1f}" for m in measures)
        lines += f'<polyline class="{name}" points="{points}"/>'
    for frame in (measures[0].frame, measures[-1].frame):
        lines += (
            f'<text class="axis-text" text-anchor="middle" x="{_x(frame, measures):.1f}" '
            f'y="{HEIGHT - 5}">{frame}</text>'
        )
    return f'<svg width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}">{lines}</svg>'


def _axis(value: float) -> str:
    y = _y(value)
    return (
        f'<line class="axis" x1="{LEFT}" x2="{WIDTH - 10}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="axis-text" text-anchor="end" x="{LEFT - 6}" y="{y + 4:.1f}">{value:.1f}</text>'
    )


def _x(frame: int, measures: list[FrameMeasure]) -> float:
    first, last = measures[0].frame, measures[-1].frame
    return LEFT + (WIDTH - LEFT - 10) * (frame - first) / max(last - first, 1)


def _y(value: float) -> float:
    return 10 + (HEIGHT - BOTTOM - 10) * (1 - value)


def _frame_figure(worst: WorstFrame) -> str:
    encoded = base64.b64encode(picture(worst)).decode()
    name, measure = escape(worst.result.sequence.name), worst.measure
    caption = f"{name}, frame {measure.frame}: J {measure.J:.3f}, F {measure.F:.3f}"
    return (
        f'<figure><img alt="{caption}" src="data:image/jpeg;base64,{encoded}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )
