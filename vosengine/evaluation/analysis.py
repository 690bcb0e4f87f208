"""Further tables of an evaluation's results, beside J, F and T."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import fmean
from typing import Any, ClassVar

from vosengine.evaluation import datasets
from vosengine.evaluation.protocol import SequenceResult
from vosengine.types import Mask

NO_VALUE = "–"
Results = tuple[SequenceResult, ...]


@dataclass(frozen=True)
class Table:
    """Cells of text under the line `title`. `key` names it in the JSON file, where `figures` stand for it."""

    key: str
    title: str
    headings: list[str]
    rows: list[list[str]]
    figures: dict[str, Any]


class Analysis(ABC):
    """A further look at an evaluation's results. `key` names its table."""

    key: ClassVar[str]

    def check(self, sequences: Iterable[datasets.Sequence]) -> None:  # noqa: B027 - most need nothing
        """Raise DatasetError where the data lack what the table needs."""

    @abstractmethod
    def table(self, results: Results) -> Table:
        """The table over all results; reads their masks again, so they must still be there."""


def scored_masks(result: SequenceResult) -> Iterator[tuple[Mask, Mask]]:
    """Result and truth of every scored frame, object after object."""
    sequence = result.sequence
    for object_id, scores in result.scores.items():
        predictions = sequence.masks_in(result.result_files, object_id)
        truths = sequence.masks(object_id)
        for frame in scores.frames:
            yield predictions[frame], truths[frame]


def text(value: float | None, form: str = "{:.3f}") -> str:
    """A figure as text; a dash where it was not measured."""
    return NO_VALUE if value is None else form.format(value)


def mean(values: Iterable[float | None]) -> float | None:
    """The mean of those that were measured, None where none was."""
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
