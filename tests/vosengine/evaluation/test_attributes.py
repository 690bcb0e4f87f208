"""The table by attribute, against means worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.vosengine.evaluation.conftest import square, write_frame
from vosengine.errors import DatasetError
from vosengine.evaluation.attributes import ATTRIBUTES, ByAttribute
from vosengine.evaluation.datasets import find_sequences
from vosengine.evaluation.metrics import Scores
from vosengine.evaluation.protocol import SequenceResult

INFO = """
attributes: [FM, OCC]
sequences:
- {name: one, attributes: [FM, OCC]}
- {name: two, attributes: [OCC]}
- {name: three, attributes: []}
- {name: four}
"""


def scores(J: float) -> Scores:
    return Scores(J, 1.0, 0.0, J, 1.0, 0.0, None, (1,), (J,), (J,))


@pytest.fixture
def results(tmp_path: Path) -> tuple[SequenceResult, ...]:
    """J of 0.5, 0.7 and 0.9; nothing is known of the fourth."""
    found = []
    for name, J in {"one": 0.5, "two": 0.7, "three": 0.9, "four": 0.1}.items():
        write_frame(tmp_path, name, "00000", square(3))
        found.append((name, J))
    (tmp_path / "db_info.yml").write_text(INFO)
    return tuple(SequenceResult(find_sequences(tmp_path, [name])[0], {1: scores(J)}, {}) for name, J in found)


def test_attributes_are_read_beside_the_data(results: tuple[SequenceResult, ...]) -> None:
    attributes = [result.sequence.attributes for result in results]
    assert attributes == [("FM", "OCC"), ("OCC",), (), None]


def test_means_with_and_without_each_attribute(results: tuple[SequenceResult, ...]) -> None:
    table = ByAttribute().table(results)
    assert table.rows == [
        ["FM fast motion", "1", "0.500", "+0.300"],
        ["OCC occlusion", "2", "0.600", "+0.300"],
    ]
    assert table.figures["FM"] == pytest.approx(
        {"sequences": 1, "J": 0.5, "J_without": 0.8, "gain_without": 0.3}
    )


def test_a_loss_without_the_attribute_is_negative(results: tuple[SequenceResult, ...]) -> None:
    better = replace(results[0], scores={1: scores(1.0)})
    assert ByAttribute().table((better, *results[1:])).rows[0][3] == "-0.200"


def test_an_attribute_of_all_sequences_has_no_gain(results: tuple[SequenceResult, ...]) -> None:
    assert ByAttribute().table(results[:2]).rows[1] == ["OCC occlusion", "2", "0.600", "–"]


def test_data_without_attributes_are_refused(results: tuple[SequenceResult, ...]) -> None:
    with pytest.raises(DatasetError, match=r"put DAVIS's db_info.yml beside the data"):
        ByAttribute().check([results[3].sequence])


def test_the_attributes_are_those_of_davis(shared_data: Path, tmp_path: Path) -> None:
    sequences = find_sequences(shared_data / "davis-dev", cache_folder=tmp_path)
    by_name = {sequence.name: sequence.attributes for sequence in sequences}
    assert by_name["blackswan"] == ()
    assert by_name["car-shadow"] == ("LR", "EA", "AC", "BC")
    listed = "[AC, BC, CS, DB, DEF, EA, FM, HO, IO, LR, MB, OCC, OV, ROT, SC, SV]"
    assert f"attributes: {listed}" in (shared_data / "davis-dev" / "db_info.yml").read_text()
    assert f"[{', '.join(ATTRIBUTES)}]" == listed
