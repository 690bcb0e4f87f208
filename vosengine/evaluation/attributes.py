"""J by attribute: how a method copes with what makes sequences hard.

F. Perazzi, J. Pont-Tuset, B. McWilliams, L. Van Gool, M. Gross, A. Sorkine-Hornung: "A Benchmark Dataset and
Evaluation Methodology for Video Object Segmentation", CVPR 2016, table 1, gives the attributes; the table's
format is that of OSVOS (Caelles et al., CVPR 2017, table 3): "Quality of the techniques on sequences with a
certain attribute and the gain with respect to this quality in the sequences without the attribute".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from vosengine.errors import DatasetError
from vosengine.evaluation import datasets
from vosengine.evaluation.analysis import NO_VALUE, Analysis, Results, Table, mean, text
from vosengine.evaluation.report import sequence_measures

ATTRIBUTES = {
    "AC": "appearance change",
    "BC": "background clutter",
    "CS": "camera shake",
    "DB": "dynamic background",
    "DEF": "deformation",
    "EA": "edge ambiguity",
    "FM": "fast motion",
    "HO": "heterogeneous object",
    "IO": "interacting objects",
    "LR": "low resolution",
    "MB": "motion blur",
    "OCC": "occlusion",
    "OV": "out of view",
    "ROT": "rotation",
    "SC": "shape complexity",
    "SV": "scale variation",
}
HEADINGS = ["attribute", "sequences", "J with", "gain without"]


class ByAttribute(Analysis):
    """Mean J of the sequences with an attribute, and how much more those without it have.

    Sequences of which no attributes are known do not count. Attributes no sequence has are left out.
    """

    key: ClassVar[str] = "attributes"

    def check(self, sequences: Iterable[datasets.Sequence]) -> None:
        """Raises DatasetError when the attributes of no sequence are known."""
        if all(sequence.attributes is None for sequence in sequences):
            raise DatasetError(
                "Nothing is known of the sequences' attributes; put DAVIS's db_info.yml beside the data."
            )

    def table(self, results: Results) -> Table:
        """A row an attribute, in the order of their abbreviations. Raises DatasetError as `check`."""
        self.check(result.sequence for result in results)
        known = [(set(r.sequence.attributes or ()), r) for r in results if r.sequence.attributes is not None]
        J = [(attributes, sequence_measures(result).J) for attributes, result in known]
        present = sorted({attribute for attributes, _ in J for attribute in attributes})
        figures = {attribute: _figures(attribute, J) for attribute in present}
        rows = [_row(attribute, each) for attribute, each in figures.items()]
        return Table(self.key, "J by attribute", HEADINGS, rows, figures)


def _figures(attribute: str, J: list[tuple[set[str], float]]) -> dict[str, float | None]:
    present = [j for attributes, j in J if attribute in attributes]
    with_it, without = mean(present), mean(j for attributes, j in J if attribute not in attributes)
    gain = None if with_it is None or without is None else without - with_it
    return {"sequences": len(present), "J": with_it, "J_without": without, "gain_without": gain}


def _row(attribute: str, figures: dict[str, float | None]) -> list[str]:
    name = f"{attribute} {ATTRIBUTES.get(attribute, NO_VALUE)}"
    count, gain = text(figures["sequences"], "{:.0f}"), text(figures["gain_without"], "{:+.3f}")
    return [name, count, text(figures["J"]), gain]
