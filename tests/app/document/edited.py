"""Editing a small document, and all that can be seen of it, for the document's tests."""

from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np

from app.document import Document
from app.pen import Brush, PenStroke
from app.tools import PAINT, Point, Rect
from vosengine.messages import MaskPredicted
from vosengine.types import ClipInfo

WIDTH, HEIGHT, FRAMES = 32, 24, 10


def make_clip(path: Path) -> ClipInfo:
    rate = Fraction(25)
    return ClipInfo(path, WIDTH, HEIGHT, rate, tuple(frame / rate for frame in range(FRAMES)), "c0ffee")


def matte_of(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 65536, (HEIGHT, WIDTH), dtype=np.uint16)


def predicted(document: Document, frame: int, seed: int, object_id: int = 1, revision: int | None = None):
    """A prediction as the engine makes it: from the nearest annotation."""
    revision = document.revision if revision is None else revision
    known = [annotation.frame for annotation in document.annotations([object_id])]
    start = min(known, key=lambda each: (abs(each - frame), each), default=None)
    return MaskPredicted(1, frame, object_id, matte_of(seed), 0.5, revision, start)


def propagate(document: Document, frames, seed: int = 0, object_id: int = 1) -> list[bool]:
    step = document.begin_predictions()
    taken = [document.add_prediction(step, predicted(document, f, seed + f, object_id)) for f in frames]
    document.end_predictions(step)
    return taken


def paint_stroke(mask: np.ndarray, points: list[Point], radius: float, value: int) -> Rect:
    """A stroke of the pen on a mask or on marks."""
    pen = PenStroke((mask.shape[1], mask.shape[0]), Brush(radius))
    for point in points:
        pen.to(point)
    return pen.paint(mask, value) if value in (0, 255) else pen.mark(mask, value)


def stroke(document: Document, frame: int, x: float = 10, object_id: int = 1, value: int = PAINT) -> None:
    mask = document.begin_stroke(object_id, frame)
    document.stroke_painted(paint_stroke(mask, [(x, 10), (x + 5, 12)], 3, value))
    document.end_stroke()


def content(document: Document) -> dict:
    """Everything a person could see, as plain comparable values."""
    seen: dict = {"objects": document.objects}
    for each in document.objects:
        seen["edges", each.object_id] = document.edges(each.object_id)
        for frame in range(FRAMES):
            own = each.object_id
            pictures = (document.mask(own, frame), document.scribbles(own, frame), document.matte(own, frame))
            seen[own, frame] = (
                document.state(own, frame),
                document.box(own, frame),
                document.prediction(own, frame),
                document.approved(own, frame),
                *(None if picture is None else picture.tobytes() for picture in pictures),
                document.muted(own, frame),
                document.area(own, frame),
            )
    return seen


def on_disk(document: Document) -> dict:
    """The same, as another process finds it in a copy of the folder."""
    document.flush()
    copy = document.folder.parent / "copy"
    shutil.copytree(document.folder, copy, ignore=shutil.ignore_patterns("*.lock*"))
    try:
        other = Document.open(copy)
        try:
            return content(other)
        finally:
            other.close()
    finally:
        shutil.rmtree(copy)
