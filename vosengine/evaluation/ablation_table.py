"""A paper's ablation table, its figures beside ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import attrgetter
from typing import Any

from vosengine.config import Config, config_to_dict
from vosengine.errors import WeightsError
from vosengine.evaluation.ablations import ABLATIONS, Ablation, Row
from vosengine.evaluation.operators import EveryFrame
from vosengine.evaluation.report import Report, sequence_measures
from vosengine.evaluation.tables import ON_THIS_MACHINE, Comparison, Runner, Values


def ablation_table(runner: Runner, paper: str, changes: Mapping[str, Any], scale: str) -> Comparison:
    """Measure every row of `ABLATIONS[paper]`; `changes` apply to all rows, `scale` is in `SCALES`.

    A row whose weights are missing says how they are trained. Raises EngineError.
    """
    ablation = ABLATIONS[paper]
    shared = {**ablation.settings, **changes}
    configs = [row.config(scale, shared) for row in ablation.rows]  # all checked before the first is run
    rows = [
        _measured(runner, row, config, paper, scale)
        for row, config in zip(ablation.rows, configs, strict=True)
    ]
    notes = [*_notes(ablation, runner, shared), *_trained_on(configs)]
    return Comparison(ablation.source, tuple(rows), tuple(notes))


def _measured(runner: Runner, row: Row, config: Config, paper: str, scale: str) -> Values:
    values: Values = {"row": row.label, **{f"paper {name}": None for name in ("J", "F", "J&F")}}
    values |= {f"paper {name}": figure for name, figure in row.paper.items()}
    changed = ", ".join(f"{name}={attrgetter(name)(config)}" for name in row.changes)
    common = {"network": _network(config), "note": row.note or None, "config": config_to_dict(config)}
    values["settings"] = f"{row.preset}-{scale} {changed}{' box' if row.boxes else ''}".strip()
    values |= dict.fromkeys(("J", "J decay", "F", "J&F", "s/frame"))
    try:
        results = runner.run(f"{paper} {scale} {row.label}", config, EveryFrame(boxes=row.boxes))
    except WeightsError as error:
        return {**values, **common, "note": f"not measured: {error}{_remedy(row, config)}"}
    found = Report("", "", tuple(results)).mean
    values |= {"J": found.J, "J decay": found.J_decay, "F": found.F}
    values |= {"J&F": (found.J + found.F) / 2} if "J&F" in row.paper else {}
    by_sequence = {result.sequence.name: sequence_measures(result).J for result in results}
    return {**values, "s/frame": found.seconds_per_frame, **common, "sequences": by_sequence}


def _remedy(row: Row, config: Config) -> str:
    commands = " and ".join(f"`{command}`" for command in row.training_commands(config))
    where = "put the weights into the folder that the variable ROTOSHOT_WEIGHTS names"
    return f" Train with {commands}; {where}." if commands else ""


def _network(config: Config) -> str:
    """The architecture and the weights that the row starts from. Imports torch."""
    from vosengine.methods import architecture_of, weights_of  # noqa: PLC0415

    return f"{architecture_of(config)} from {weights_of(config)}"


def _notes(ablation: Ablation, runner: Runner, shared: Mapping[str, Any]) -> Iterable[str]:
    names = ", ".join(sequence.name for sequence in runner.sequences)
    yield (
        f"The paper: VGG16 (e-OSVOS: ResNet-50), J and F on DAVIS-2016's 20 validation sequences, J&F on "
        f"DAVIS-2017's. Ours: {names}. {ablation.differs}".strip()
    )
    yield f"s/frame counts fine-tuning and propagation {ON_THIS_MACHINE}"
    if shared:
        yield f"In all rows: {', '.join(f'{name}={value}' for name, value in shared.items())}."


def _trained_on(configs: Iterable[Config]) -> Iterable[str]:
    """What the model cards say of the bundled weights' training data. Imports torch."""
    from vosengine.methods import weights_of  # noqa: PLC0415
    from vosengine.weights import describe, find  # noqa: PLC0415

    for name in dict.fromkeys(weights_of(config) for config in configs):
        try:
            data = describe(find(name)).card.get("data")
        except WeightsError:
            continue  # made elsewhere, or missing: the row says so
        if data:
            yield f"{name} was trained on: {data}."
