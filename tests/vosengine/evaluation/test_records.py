from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.vosengine.evaluation.conftest import square, write_frame
from tests.vosengine.evaluation.fake_engine import NearestEngine
from vosengine.config import Config, preset
from vosengine.errors import WeightsError
from vosengine.evaluation.datasets import Sequence, find_sequences
from vosengine.evaluation.operators import EveryFrame, Refining
from vosengine.evaluation.protocol import SequenceResult, run_sequence
from vosengine.evaluation.records import checkpoints_of, fingerprint_of_weights, keep, kept, key_of

KEY = key_of(Config(), Refining(2), "abc")


@pytest.fixture
def slide(davis: Path) -> Sequence:
    return find_sequences(davis, ["slide"])[0]


@pytest.fixture
def result(slide: Sequence, tmp_path: Path) -> SequenceResult:
    return run_sequence(slide, Config(), NearestEngine(), tmp_path / "masks", operator=Refining(2))


def test_what_is_kept_comes_back_whole(result: SequenceResult, tmp_path: Path) -> None:
    keep(result, tmp_path, KEY)
    found = kept(result.sequence, tmp_path, KEY)
    assert found == result
    assert len(found.rounds) == 3


@pytest.mark.parametrize(
    "other",
    [
        key_of(Config(steps=1), Refining(2), "abc"),
        key_of(preset("balanced", **{"iterative.every": 3}), Refining(2), "abc"),
        key_of(Config(), Refining(3), "abc"),
        key_of(Config(), EveryFrame(2), "abc"),
        key_of(Config(), Refining(2), "other weights"),
    ],
)
def test_nothing_comes_back_for_another_key(
    result: SequenceResult, tmp_path: Path, other: dict[str, object]
) -> None:
    keep(result, tmp_path, KEY)
    assert kept(result.sequence, tmp_path, other) is None


def test_nothing_comes_back_for_other_data(davis: Path, result: SequenceResult, tmp_path: Path) -> None:
    keep(result, tmp_path, KEY)
    shutil.copytree(davis, tmp_path / "copy")
    files = result.sequence.mask_files
    others = [
        find_sequences(tmp_path / "copy", ["slide"])[0],
        replace(result.sequence, mask_files={frame: files[frame] for frame in range(8)}),
    ]
    assert [kept(other, tmp_path, KEY) for other in others] == [None] * 2
    assert kept(find_sequences(davis, ["slide"])[0], tmp_path, KEY) == result


def test_one_object_then_several(tmp_path: Path) -> None:
    for frame in range(4):
        ids = square(2, 2, 6) // 255 + square(20, 10, 6) // 255 * 2
        write_frame(tmp_path / "set", "pair", f"{frame:05d}", ids)
    single, multi = (find_sequences(tmp_path / "set", single_object=one)[0] for one in (True, False))
    keep(run_sequence(single, Config(), NearestEngine(), tmp_path / "masks"), tmp_path, KEY)
    assert kept(single, tmp_path, KEY) is not None
    assert kept(multi, tmp_path, KEY) is None
    result = run_sequence(multi, Config(), NearestEngine(), tmp_path / "masks")
    keep(result, tmp_path, KEY)
    assert kept(multi, tmp_path, KEY) == result
    assert kept(single, tmp_path, KEY) is None
    late = replace(multi, starts={1: 0, 2: 1})
    assert kept(late, tmp_path, KEY) is None


def test_damaged_records_are_measured_again(result: SequenceResult, tmp_path: Path) -> None:
    assert kept(result.sequence, tmp_path, KEY) is None
    keep(result, tmp_path, KEY)
    file = tmp_path / "slide.json"
    whole = file.read_text("utf-8")
    content = json.loads(whole)
    del content["rounds"][0]["scores"]["1"]["J"]
    for damaged in (whole[:100], "[]", json.dumps(content)):
        file.write_text(damaged, "utf-8")
        assert kept(result.sequence, tmp_path, KEY) is None


def test_weights_are_told_apart_by_their_content(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a.safetensors", "b.safetensors", "c.safetensors")]
    for file, content in zip(files, (b"one", b"one", b"two"), strict=True):
        file.write_bytes(content)
    first, same, other = (fingerprint_of_weights(Config(weights=str(file))) for file in files)
    assert first == same != other
    name, *_, estimate = fingerprint_of_weights(Config(weights="imagenet")).split()
    assert (name, estimate) == ("imagenet", first.split()[-1])
    with pytest.raises(WeightsError, match="There are no weights 'nowhere'"):
        fingerprint_of_weights(Config(weights="nowhere"))


def test_every_checkpoint_of_a_run_counts(tmp_path: Path) -> None:
    boxes = ["masktrack_box_lite"]
    assert checkpoints_of(Config()) == ["lite", *boxes]
    assert checkpoints_of(preset("osvos-lite", snap="superpixels")) == ["osvos_lite", *boxes, "contours_lite"]
    assert checkpoints_of(preset("masktrack-lite")) == ["masktrack_lite", "masktrack_box_lite"]
    filtered = ["depth1_lite", *boxes]
    assert checkpoints_of(preset("box-filtered-lite")) == [*filtered, "mask_rcnn_lite"]
    assert checkpoints_of(preset("box-filtered-lite", **{"box_filtered.detector": "none"})) == filtered
    parent, own = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    parent.write_bytes(b"parent")
    own.write_bytes(b"boxes")
    changes = {"weights": str(parent), "masktrack.box_weights": str(own)}
    before = fingerprint_of_weights(preset("masktrack-lite", **changes))
    own.write_bytes(b"other boxes")
    after = fingerprint_of_weights(preset("masktrack-lite", **changes))
    assert before.split()[0] == after.split()[0]
    assert before.split()[1] != after.split()[1]
