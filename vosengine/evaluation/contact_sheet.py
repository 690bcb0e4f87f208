"""The worst frames of an evaluation as small pictures that show what is wrong."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vosengine import png
from vosengine.errors import DatasetError
from vosengine.evaluation.protocol import SequenceResult
from vosengine.evaluation.report import FrameMeasure, Report, frame_measures
from vosengine.types import Image

COUNT = 24  # pictures on the sheet
PER_SEQUENCE = 4  # at least so many of them may show one sequence
APART = 5  # frames between two of one sequence: neighbours show the same fault
WIDTH = 340  # of a picture, in pixels
MISSED, EXTRA, OUTLINE = (55, 214, 122), (255, 90, 95), (255, 255, 255)  # RGB
JPEG_QUALITY = 82


@dataclass(frozen=True)
class WorstFrame:
    """A frame on the sheet, with its figures."""

    result: SequenceResult
    measure: FrameMeasure


def worst_frames(report: Report, count: int = COUNT) -> list[WorstFrame]:
    """The frames with the smallest J, worst first, no two of one sequence closer than `APART`.

    One bad sequence does not fill the sheet: each has an equal share of it, but at least `PER_SEQUENCE`.
    """
    share = max(PER_SEQUENCE, count // len(report.results))
    worst = [frame for result in report.results for frame in _worst_of(result, share)]
    return sorted(worst, key=_region)[:count]


def picture(worst: WorstFrame) -> bytes:
    """The frame as a small JPEG: missed pixels green, pixels too many red, the annotation outlined."""
    sequence, frame = worst.result.sequence, worst.measure.frame
    image = _read_image(worst)
    size = (WIDTH, round(WIDTH * image.shape[0] / image.shape[1]))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    truth = _resized(png.read_palette_ids(sequence.mask_files[frame]), size)
    result = _resized(png.read_palette_ids(worst.result.result_files[frame]), size)
    if sequence.single_object:
        truth, result = (truth > 0).astype(np.uint8), (result > 0).astype(np.uint8)
    wrong = truth != result
    _tint(small, wrong & (truth > 0), MISSED)
    _tint(small, wrong & (truth == 0), EXTRA)
    small[_outline(truth)] = OUTLINE
    encoded_ok, encoded = cv2.imencode(
        ".jpg", small.astype(np.uint8)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    )
    if not encoded_ok:
        raise RuntimeError(f"frame {frame} of {sequence.name} could not be encoded as JPEG")
    return encoded.tobytes()


def _worst_of(result: SequenceResult, count: int) -> list[WorstFrame]:
    chosen: list[WorstFrame] = []
    for worst in sorted((WorstFrame(result, measure) for measure in frame_measures(result)), key=_region):
        apart = all(abs(worst.measure.frame - other.measure.frame) >= APART for other in chosen)
        if apart and len(chosen) < count:
            chosen.append(worst)
    return chosen


def _region(worst: WorstFrame) -> float:
    return worst.measure.J


def _read_image(worst: WorstFrame) -> Image:
    file = worst.result.sequence.frame_files[worst.measure.frame]
    # Not cv2.imread, which cannot open non-ASCII paths on Windows.
    image = cv2.imdecode(np.fromfile(file, np.uint8), cv2.IMREAD_COLOR_RGB)
    if image is None:
        raise DatasetError(f"{file} cannot be read as a picture; get the data set again.")
    return np.asarray(image, np.uint8)


def _resized(ids: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(ids, size, interpolation=cv2.INTER_NEAREST), np.uint8)


def _tint(image: NDArray[np.float32], where: NDArray[np.bool_], colour: tuple[int, int, int]) -> None:
    image[where] = 0.4 * image[where] + 0.6 * np.asarray(colour, np.float32)


def _outline(ids: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Pixels of an object that touch another id."""
    inner = np.asarray(cv2.erode(ids, np.ones((3, 3), np.uint8)), np.uint8)
    edge: NDArray[np.bool_] = (ids > 0) & (inner != ids)
    return edge
