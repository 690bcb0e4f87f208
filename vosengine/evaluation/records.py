"""Results of sequences kept on disk, so that an interrupted table goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from vosengine import __version__, atomic
from vosengine.config import Config, config_to_dict
from vosengine.evaluation.datasets import Sequence
from vosengine.evaluation.metrics import Scores
from vosengine.evaluation.protocol import Operator, SequenceResult, Timing

DETECTOR_WEIGHTS = {"lite": "mask_rcnn_lite"}  # the others are torchvision's


def key_of(config: Config, operator: Operator, weights: str) -> dict[str, Any]:
    """What a result depends on besides its sequence; `weights` names the content of the checkpoints."""
    key = {"config": config_to_dict(config), "operator": repr(operator), "weights": weights}
    return {**key, "version": __version__}


def fingerprint_of_weights(config: Config) -> str:
    """The SHA-256 of each checkpoint of `checkpoints_of`, or the name of weights made elsewhere; last that of
    the estimate of J, by which an operator may have judged.

    Raises EngineError for an unknown method, WeightsError when a checkpoint is missing. Imports torch.
    """
    from vosengine.methods import architecture_of  # noqa: PLC0415
    from vosengine.quality import FILE  # noqa: PLC0415
    from vosengine.weights import ARCHITECTURES, bundled_folder, find  # noqa: PLC0415

    outside = ARCHITECTURES[architecture_of(config)].outside
    names = checkpoints_of(config)
    files = [None if name in outside else find(name) for name in names] + [bundled_folder() / FILE]
    return " ".join(
        name if file is None else hashlib.sha256(file.read_bytes()).hexdigest()
        for name, file in zip([*names, FILE], files, strict=True)
    )


def checkpoints_of(config: Config) -> list[str]:
    """All weights that a run of the config may read: the parent's, then those of its helpers.

    Raises EngineError for an unknown method. Imports torch.
    """
    from vosengine.boxes import NETWORK as BOX_NETWORK  # noqa: PLC0415
    from vosengine.methods import entry_of, weights_of  # noqa: PLC0415
    from vosengine.snap.contours import WEIGHTS as CONTOURS  # noqa: PLC0415

    names = [weights_of(config)]
    if config.masktrack.box_weights:
        names.append(config.masktrack.box_weights)
    if entry_of(config).box_to_mask is None:
        names.append(BOX_NETWORK[1])
    if config.snap == "superpixels":
        names.append(CONTOURS)
    if config.method == "box_filtered" and config.box_filtered.detector in DETECTOR_WEIGHTS:
        names.append(DETECTOR_WEIGHTS[config.box_filtered.detector])
    return names


def data_of(sequence: Sequence) -> dict[str, Any]:
    """What a result depends on of its sequence: the clip, the objects' starts, and where the truth is."""
    return {
        "frames": len(sequence.frame_files),
        "folder": str(sequence.frames_folder.resolve()),
        "single": sequence.single_object,
        "objects": sequence.first_frames,
        "truths": sorted(sequence.mask_files),
    }


def keep(result: SequenceResult, folder: Path, key: Mapping[str, Any]) -> None:
    """Write `folder`/SEQUENCE.json with the result's rounds. Raises EngineError."""
    rounds = [_plain(one) for one in result.rounds]
    content = {"key": key, "data": data_of(result.sequence), "rounds": rounds}
    atomic.write_bytes(folder / f"{result.sequence.name}.json", (json.dumps(content) + "\n").encode())


def kept(sequence: Sequence, folder: Path, key: Mapping[str, Any]) -> SequenceResult | None:
    """What `keep` wrote under the same key for the same data; None where there is nothing, or other."""
    expected = json.loads(json.dumps({"key": key, "data": data_of(sequence)}))
    try:
        content = json.loads((folder / f"{sequence.name}.json").read_text("utf-8"))
        if {name: content[name] for name in expected} != expected:
            return None
        rounds = [_result(sequence, values) for values in content["rounds"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # an older layout or half a file: measured again
    return replace(rounds[-1], earlier=tuple(rounds[:-1]))


def _plain(result: SequenceResult) -> dict[str, Any]:
    return {
        "scores": {object_id: asdict(scores) for object_id, scores in result.scores.items()},
        "result_files": {frame: str(file) for frame, file in result.result_files.items()},
        "timing": None if result.timing is None else asdict(result.timing),
        "annotated": result.annotated,
        "qualities": result.qualities,
    }


def _result(sequence: Sequence, values: Mapping[str, Any]) -> SequenceResult:
    return SequenceResult(
        sequence,
        {int(object_id): _scores(scores) for object_id, scores in values["scores"].items()},
        {int(frame): Path(file) for frame, file in values["result_files"].items()},
        None if values["timing"] is None else Timing(**values["timing"]),
        tuple(values["annotated"]),
        {int(frame): quality for frame, quality in values["qualities"].items()},
    )


def _scores(values: Mapping[str, Any]) -> Scores:
    named: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    return Scores(**named)
