"""OSVOS's split of the error: false positives close to the object and far from it, and false negatives.

S. Caelles, K.-K. Maninis, J. Pont-Tuset, L. Leal-Taixe, D. Cremers, L. Van Gool: "One-Shot Video Object
Segmentation", CVPR 2017, section 4 and figure 5: "Values are total error pixels relative to the error in the
-BS case", that is relative to another run. Without one the values are relative to the run's own error.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np

from vosengine.errors import DatasetError
from vosengine.evaluation.analysis import Analysis, Results, Table, mean, scored_masks, text
from vosengine.evaluation.datasets import Sequence
from vosengine.evaluation.protocol import SequenceResult
from vosengine.types import Mask

FAR = 20.0  # pixels from the object: section 4, "setting the division at 20 pixels from the object"
KINDS = ("fp_close", "fp_far", "fn")
HEADINGS = ["sequence", "FP-Close %", "FP-Far %", "FN %", "all %", "error / object"]


@dataclass(frozen=True)
class ErrorPixels:
    """Wrong pixels by kind, and `object`, the pixels of the true object, summed over frames and objects."""

    fp_close: int = 0
    fp_far: int = 0
    fn: int = 0
    object: int = 0

    @property
    def total(self) -> int:
        """All wrong pixels."""
        return self.fp_close + self.fp_far + self.fn

    def __add__(self, other: ErrorPixels) -> ErrorPixels:
        return ErrorPixels(
            self.fp_close + other.fp_close,
            self.fp_far + other.fp_far,
            self.fn + other.fn,
            self.object + other.object,
        )

    def shares(self, reference: ErrorPixels | None = None) -> dict[str, float | None]:
        """The kinds over the error of `reference`, by default its own; None where that has none.

        `error_per_object` is the wrong pixels over those of the true object.
        """
        whole = (reference or self).total
        shares = {kind: getattr(self, kind) / whole if whole else None for kind in KINDS}
        over_object = self.total / self.object if self.object else None
        return {**shares, "all": self.total / whole if whole else None, "error_per_object": over_object}


@dataclass(frozen=True)
class ErrorSplit(Analysis):
    """The split by sequence, relative to a `reference`'s pixels by sequence where there is one."""

    key: ClassVar[str] = "errors"
    reference: dict[str, ErrorPixels] | None = None
    reference_name: str = ""

    def check(self, sequences: Iterable[Sequence]) -> None:
        """Raise DatasetError where the reference misses a sequence that will be scored."""
        if self.reference is not None:
            self._reference_of([sequence.name for sequence in sequences if sequence.scored_objects])

    def table(self, results: Results) -> Table:
        """A row a sequence, the mean over the sequences, and the paper's: all pixels together.

        Raises DatasetError when the reference misses a sequence.
        """
        pixels = {result.sequence.name: error_pixels(result) for result in results}
        shares = {name: found.shares(self._reference_of([name])) for name, found in pixels.items()}
        columns = list(next(iter(shares.values())))
        means = {column: mean(each[column] for each in shares.values()) for column in columns}
        total = _total(pixels.values())
        everything = total.shares(self._reference_of(pixels))
        rows = [[name, *_cells(each)] for name, each in [*shares.items(), ("mean", means)]]
        figures = {
            "mean": means,
            "all_pixels": {**everything, "pixels": asdict(total)},
            "sequences": {name: {**shares[name], "pixels": asdict(pixels[name])} for name in shares},
        }
        title = f"Error pixels relative to {self.reference_name or 'their own sum'}"
        return Table(self.key, title, HEADINGS, [*rows, ["all pixels", *_cells(everything)]], figures)

    def _reference_of(self, names: Collection[str]) -> ErrorPixels | None:
        if self.reference is None:
            return None
        missing = [name for name in names if name not in self.reference]
        if missing:
            raise DatasetError(
                f"{self.reference_name} has no errors of {', '.join(missing)}; "
                "evaluate it on the same sequences, with the table of errors."
            )
        return _total(self.reference[name] for name in names)


def split_error(prediction: Mask, truth: Mask, far: float = FAR) -> ErrorPixels:
    """The wrong pixels of one frame; far are those more than `far` pixels from the true object.

    Where there is no true object all false positives are far.
    """
    inside, true = prediction != 0, truth != 0
    false_positive = inside & ~true
    far_away = np.ones_like(true)
    if true.any():
        distance = cv2.distanceTransform((~true).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        # Squared distances are whole numbers: half a unit of slack forgives the transform's rounding.
        far_away = np.square(distance) > far * far + 0.5
    return ErrorPixels(
        fp_close=int(np.count_nonzero(false_positive & ~far_away)),
        fp_far=int(np.count_nonzero(false_positive & far_away)),
        fn=int(np.count_nonzero(true & ~inside)),
        object=int(np.count_nonzero(true)),
    )


def error_pixels(result: SequenceResult) -> ErrorPixels:
    """The wrong pixels of all scored frames and objects of a sequence."""
    return _total(split_error(prediction, truth) for prediction, truth in scored_masks(result))


def read_reference(file: Path) -> ErrorSplit:
    """The split relative to the evaluation whose JSON file, written with the table of errors, is given.

    Raises DatasetError for any other file.
    """
    try:
        sequences = json.loads(file.read_text("utf-8"))[ErrorSplit.key]["sequences"]
        pixels = {name: ErrorPixels(**figures["pixels"]) for name, figures in sequences.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(
            f"{file} holds no errors to compare with; write it by an evaluation with the table of errors."
        ) from error
    return ErrorSplit(pixels, file.stem)


def _total(pixels: Iterable[ErrorPixels]) -> ErrorPixels:
    return sum(pixels, ErrorPixels())


def _cells(shares: dict[str, float | None]) -> list[str]:
    percents = [text(shares[column], "{:.1%}").rstrip("%") for column in (*KINDS, "all")]
    return [*percents, text(shares["error_per_object"])]
