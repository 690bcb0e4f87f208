"""Tables whose rows are whole evaluations: each row measured once, kept, and printed beside the others."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vosengine import atomic
from vosengine.config import Config
from vosengine.evaluation.analysis import text
from vosengine.evaluation.datasets import Sequence
from vosengine.evaluation.evaluate import EngineFactory, evaluate_shown, make_engine
from vosengine.evaluation.protocol import FirstFrame, Operator, SequenceResult
from vosengine.evaluation.records import fingerprint_of_weights, keep, kept, key_of
from vosengine.evaluation.report import markdown_table

Values = dict[str, Any]
ON_THIS_MACHINE = "over all frames of a sequence, on this machine."


@dataclass(frozen=True)
class Comparison:
    """Rows of values by column, None where not measured; a value that is a dict goes to JSON alone.

    `notes` are paragraphs printed under the table.
    """

    title: str
    rows: tuple[Values, ...]
    notes: tuple[str, ...] = ()

    def markdown(self) -> str:
        """The columns in which any row has a value; numbers with three digits."""
        names = dict.fromkeys(
            name for row in self.rows for name, value in row.items() if value is not None and _is_cell(value)
        )
        cells = [[_text(row.get(name)) for name in names] for row in self.rows]
        return "\n\n".join([self.title, markdown_table(list(names), cells), *self.notes])

    def write_json(self, file: Path) -> None:
        """Title, rows and notes. Raises EngineError when the file cannot be written."""
        content = {"title": self.title, "rows": self.rows, "notes": self.notes}
        atomic.write_bytes(file, (json.dumps(content, indent=2) + "\n").encode())


@dataclass(frozen=True)
class Runner:
    """Measures rows on some sequences. `folder` keeps the results of those that are done.

    `fingerprint` names the content of a config's weights: results made with others are measured again.
    """

    sequences: list[Sequence]
    folder: Path
    jobs: int = 1
    engine_factory: EngineFactory = make_engine
    fingerprint: Callable[[Config], str] = fingerprint_of_weights

    def run(self, label: str, config: Config, operator: Operator | None = None) -> list[SequenceResult]:
        """The results of one row, in the order of the sequences; only what is not kept yet is run.

        Raises WeightsError when the row's weights are missing, EngineError when a sequence fails.
        """
        operator = operator or FirstFrame()
        place = self.folder / slug(label)
        key = key_of(config, operator, self.fingerprint(config))
        found = {sequence.name: kept(sequence, place, key) for sequence in self.sequences}
        missing = [sequence for sequence in self.sequences if found[sequence.name] is None]
        print(f"{label}: {len(missing)} of {len(found)} sequences to run", file=sys.stderr)
        if missing:
            for result in evaluate_shown(
                missing,
                config,
                place,
                self.jobs,
                engine_factory=self.engine_factory,
                operator=operator,
                title=label,
            ):
                keep(result, place, key)
                found[result.sequence.name] = result
        return [result for result in found.values() if result is not None]


def slug(label: str) -> str:
    """A label as the name of a folder."""
    return re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")


def _is_cell(value: object) -> bool:
    return not isinstance(value, dict)


def _text(value: Any) -> str:
    return text(value) if value is None or isinstance(value, float) else str(value)
