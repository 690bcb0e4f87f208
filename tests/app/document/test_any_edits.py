"""Any sequence of edits can be undone, and a killed process loses at most a stroke."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.document import Document
from app.tools import PAINT
from tests.app.document.edited import FRAMES, content, make_clip, on_disk, paint_stroke, propagate, stroke
from vosengine.edge_controls import EdgeControls
from vosengine.errors import AnnotationError
from vosengine.types import Box

# --- any sequence of edits -----------------------------------------------------------------------------

frames = st.integers(0, FRAMES - 1)
edits = st.lists(
    st.one_of(
        st.tuples(st.just("stroke"), frames, st.integers(2, 28)),
        st.tuples(st.just("erase"), frames, st.integers(2, 28)),
        st.tuples(st.just("scribble"), frames, st.integers(2, 28)),
        st.tuples(st.just("edges"), frames, st.integers(2, 28)),
        st.tuples(st.just("box"), frames, st.integers(2, 8)),
        st.tuples(st.just("clear"), frames, st.just(0)),
        st.tuples(st.just("copy"), frames, frames),
        st.tuples(st.sampled_from(["approve", "mute"]), frames, st.booleans()),
        st.tuples(st.just("propagate"), frames, st.integers(0, 99)),
        st.tuples(st.sampled_from(["add", "remove", "rename", "undo", "redo"]), frames, frames),
    ),
    max_size=14,
)


def do(document: Document, name: str, frame: int, value: int) -> None:
    own = document.object_id
    if name in ("add", "undo", "redo"):
        {"add": document.add_object, "undo": document.undo, "redo": document.redo}[name]()
    elif own == 0:
        return
    elif name in ("stroke", "erase"):
        stroke(document, frame, value, own, PAINT if name == "stroke" else 0)
    elif name == "scribble":
        marks = document.begin_scribble(own, frame)
        document.stroke_painted(paint_stroke(marks, [(value, 9)], 2, 1 + value % 2))
        document.end_stroke()
    elif name == "propagate":
        propagate(document, range(frame, min(frame + 3, FRAMES)), value, own)
    else:
        with suppress(AnnotationError):
            {
                "box": lambda: document.set_box(own, frame, Box(1, 2, value, value)),
                "edges": lambda: document.set_edges(
                    own, document.edges(own).with_key(frame, EdgeControls(grow=value)), "Grow"
                ),
                "clear": lambda: document.clear(own, frame),
                "copy": lambda: document.copy_from(own, frame, value),
                "approve": lambda: document.approve(own, frame, bool(value)),
                "mute": lambda: document.mute(own, frame, bool(value)),
                "remove": lambda: document.remove_object(own),
                "rename": lambda: document.change_object(own, name=f"name {value}"),
            }[name]()


@settings(max_examples=25, deadline=None)
@given(edits)
def test_any_edits_undone_are_the_original_and_redone_the_final(tmp_path_factory, sequence):
    folder = tmp_path_factory.mktemp("any")
    document = Document.create(folder / "shot", make_clip(folder / "x.mov"))
    original = content(document)
    for name, frame, value in sequence:
        do(document, name, frame, value)
    assert on_disk(document) == content(document)
    while document.redo_name:
        document.redo()
    final = content(document)
    while document.undo_name:
        document.undo()
    assert content(document) == original
    while document.redo_name:
        document.redo()
    assert content(document) == final == on_disk(document)
    document.close()


# --- killed while drawing ------------------------------------------------------------------------------

DRAW = """
import sys
from pathlib import Path
import numpy as np
from app.document import Document
from app.tools import Rect
from vosengine.messages import MaskPredicted
document = Document.open(Path(sys.argv[1]))
number = int(sys.argv[2])
while True:
    number += 1
    mask = document.begin_stroke(1, number % 4)
    mask.reshape(-1)[:] = np.unpackbits(np.full(mask.size // 8, number % 256, np.uint8)) * 255
    document.stroke_painted(Rect(0, 0, 32, 24))
    document.end_stroke()
    step = document.begin_predictions()
    matte = np.full((24, 32), number, np.uint16)
    document.add_prediction(step, MaskPredicted(1, 4 + number % 4, 1, matte, 0.5, document.revision))
    document.end_predictions(step)
    document.flush()
    print(number, flush=True)
    if number % 7 == 0:
        document.undo(); document.redo()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_killed_while_drawing_loses_at_most_the_stroke_under_the_pen(document: Document):
    document.close()
    rng = np.random.default_rng(1)
    saved = 0
    for _ in range(6):
        process = subprocess.Popen(
            [sys.executable, "-c", DRAW, str(document.folder), str(saved)],
            cwd=Path(__file__).parents[3],
            stdout=subprocess.PIPE,
            text=True,
        )
        saved = int(process.stdout.readline())
        time.sleep(rng.uniform(0, 0.08))
        process.send_signal(signal.SIGKILL)
        saved = max([saved, *map(int, process.stdout.read().splitlines())])
        process.wait()
        again = Document.open(document.folder)
        assert len(again.messages) == 1
        assert "ended unexpectedly" in again.messages[0]
        for number in range(max(saved - 2, 1), saved + 1):  # one frame may hold the stroke under way
            mask = again.mask(1, number % 4)
            shown = int(np.packbits(mask.reshape(-1)[:8] > 0)[0])
            assert shown in (number % 256, (saved + 1) % 256)
            assert (mask.reshape(-1) == np.tile(mask.reshape(-1)[:8], mask.size // 8)).all()
            assert len(np.unique(again.matte(1, 4 + number % 4))) == 1
        again.close()
