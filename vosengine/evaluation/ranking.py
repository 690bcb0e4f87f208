"""Whether the worst frame really comes first: the engine's estimates of J against the true J.

Looked at are the frames an editor might annotate next: scored, predicted and without an annotation. Two
figures a sequence. *Rank*: Spearman's correlation of a ranking's values with the true J. *Five worst*: see
`worst_precision`. The estimate stands beside two rivals: "farthest", the frame farthest from an annotation
first, and "random", any frame, whose expected rank correlation is 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import ClassVar

import numpy as np
from scipy.stats import spearmanr

from vosengine.evaluation.analysis import Analysis, Results, Table, mean, text
from vosengine.evaluation.protocol import SequenceResult
from vosengine.evaluation.report import frame_measures

LOOKED_AT = 5  # frames an editor is shown first
WORST_SHARE = 5  # the truly worst are this part of the frames: a fifth
FEWEST = 3  # frames that have an order worth the name
COLUMNS = ("rank", "rank_farthest", "worst", "worst_farthest", "worst_random")
HEADINGS = ["sequence", "rank", "farthest: rank", "five worst", "farthest: five worst", "random: five worst"]


class WorstFirst(Analysis):
    """Rank correlation and precision of the five worst of the estimate, beside its rivals."""

    key: ClassVar[str] = "quality"

    def table(self, results: Results) -> Table:
        """A row a sequence, and the mean over the sequences that have a value."""
        found = {result.sequence.name: ranking_figures(result) for result in results}
        means = {column: mean(each[column] for each in found.values()) for column in COLUMNS}
        rows = [
            [name, *(text(each[column]) for column in COLUMNS)]
            for name, each in [*found.items(), ("mean", means)]
        ]
        title = "The estimate of J by the true J: rank correlation, and the share of the five worst it finds"
        return Table(self.key, title, HEADINGS, rows, {"mean": means, "sequences": found})


def ranking_figures(result: SequenceResult) -> dict[str, float | None]:
    """The figures of one sequence by column; None where there are too few frames, or all alike."""
    true = {measure.frame: measure.J for measure in frame_measures(result)}
    frames = [f for f in sorted(true) if f in result.qualities and f not in result.annotated]
    J = [true[frame] for frame in frames]
    estimated = [result.qualities[frame] for frame in frames]
    nearness = [-float(min(abs(frame - known) for known in result.annotated)) for frame in frames]
    return {
        "rank": rank_correlation(estimated, J),
        "rank_farthest": rank_correlation(nearness, J),
        "worst": worst_precision(estimated, J),
        "worst_farthest": worst_precision(nearness, J),
        "worst_random": worst_precision([0.0] * len(J), J),
    }


def rank_correlation(values: Sequence[float], J: Sequence[float]) -> float | None:
    """Spearman's, in [-1, 1], ties with their mean rank; None for fewer than three or where all are equal."""
    if len(J) < FEWEST or len(set(values)) == 1 or len(set(J)) == 1:
        return None
    return float(spearmanr(values, J).statistic)


def worst_precision(values: Sequence[float], J: Sequence[float]) -> float | None:
    """The share of the five frames of smallest value that are among the truly worst fifth, in [0, 1].

    The truly worst are the fifth of the frames (rounded up, at least five) of smallest J, and all that equal
    the last of them. Where several frames share the value at which the five end, any of them may be taken:
    the share is the expected one, so equal values throughout give what chance gives. None for fewer than
    ten frames, of which half would be truly worst.
    """
    count = max(LOOKED_AT, ceil(len(J) / WORST_SHARE))
    if len(J) < 2 * LOOKED_AT:
        return None
    worst = np.asarray(J) <= sorted(J)[count - 1]
    last = sorted(values)[LOOKED_AT - 1]
    sure, tied = np.asarray(values) < last, np.asarray(values) == last
    hits = worst[sure].sum() + (LOOKED_AT - sure.sum()) * worst[tied].mean()
    return float(hits / LOOKED_AT)
