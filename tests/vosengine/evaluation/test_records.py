from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.vosengine.evaluation.fake_engine import NearestEngine
from vosengine.config import Config, preset
from vosengine.errors import WeightsError
from vosengine.evaluation.datasets import Sequence, find_sequences
from vosengine.evaluation.operators import EveryFrame, Refining
from vosengine.evaluation.protocol import SequenceResult, run_sequence
from vosengine.evaluation.records import fingerprint_of_weights, keep, kept, key_of

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
    assert fingerprint_of_weights(Config(weights="imagenet")) == "imagenet"
    with pytest.raises(WeightsError, match="There are no weights 'nowhere'"):
        fingerprint_of_weights(Config(weights="nowhere"))
