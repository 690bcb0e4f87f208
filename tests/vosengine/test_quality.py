import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vosengine.errors import WeightsError
from vosengine.quality import (
    KINDS,
    Estimator,
    Evidence,
    bundled_estimator,
    expected_j,
    read_estimator,
    scaled,
)
from vosengine.types import Reason

SIMPLE = Estimator(1.0, {"surroundings": 2.0, "unsure": 0.5}, {"surroundings": 0.0, "unsure": math.log(0.04)})
shares = st.floats(0, 1)
evidence = st.builds(
    Evidence,
    unsure=shares,
    **{name: st.none() | shares for name in ("surroundings", "moved")},
)


def seen(**changes):
    return Evidence(**{"unsure": 0.03, "surroundings": 0.0, **changes})


def test_expected_j_by_hand():
    probability = np.array([[0.9, 0.8, 0.3, 0.0]], np.float32)
    assert np.isclose(expected_j(probability), 1.7 / 2.3)


def test_certain_masks_score_1_and_doubt_lowers_it():
    mask = np.zeros((20, 20), np.float32)
    assert expected_j(mask) == 1
    mask[5:15, 5:15] = 1
    assert expected_j(mask) == 1
    doubtful = mask * 0.6 + 0.1 * (1 - mask)
    assert expected_j(doubtful) < 0.5


def test_it_predicts_the_mean_j_of_calibrated_probabilities():
    rng = np.random.default_rng(0)
    probability = rng.random((60, 60)).astype(np.float32)
    found = probability >= 0.5
    truths = rng.random((200, 60, 60)) < probability
    j = (truths & found).sum((1, 2)) / (truths | found).sum((1, 2))
    assert abs(j.mean() - expected_j(probability)) < 0.01


def test_the_estimate_by_hand():
    estimate = SIMPLE.estimate(seen(surroundings=0.25, unsure=0.07))
    assert estimate.j == pytest.approx(1 / (1 + math.exp(2 * 0.25 + 0.5 * math.log(0.08) - 1)))
    # 2 x 0.25 from the surroundings, 0.5 x log(0.08 / 0.04) = 0.35 from the doubt.
    assert estimate.reason is Reason.COLOURS
    assert SIMPLE.estimate(seen(surroundings=0.1, unsure=0.07)).reason is Reason.UNSURE


def test_the_reason_is_what_pulls_down_against_a_good_frame():
    assert SIMPLE.estimate(seen(unsure=0.02)).reason is None
    assert SIMPLE.estimate(seen(unsure=0.02, lost=True)).reason is Reason.LOST


def test_what_was_not_seen_counts_as_in_a_good_frame():
    model = Estimator(1.0, {"moved": 1.0}, scaled(seen(moved=0.1)))
    assert model.estimate(seen()).j == pytest.approx(model.estimate(seen(moved=0.1)).j)


@given(evidence, evidence)
def test_worse_evidence_never_raises_the_estimate(one, other):
    worst = {
        name: max((v for v in (getattr(one, name), getattr(other, name)) if v is not None), default=None)
        for name in KINDS
        if getattr(one, name) is not None
    }
    model = bundled_estimator()
    better, worse = model.estimate(one), model.estimate(Evidence(**{**vars(one), **worst}))
    assert 0 <= worse.j <= better.j <= 1
    assert model.estimate(one) == better


def test_the_bundled_estimator_tells_a_good_frame_from_a_bad_one():
    good = seen(unsure=0.02, surroundings=0.1, moved=0.01)
    bad = seen(unsure=0.4, surroundings=0.5, moved=0.1)
    model = bundled_estimator()
    assert model.estimate(good).j > 0.85
    assert model.estimate(bad).j < 0.6
    lost = seen(unsure=1.0, lost=True, surroundings=1.0, moved=1.0)
    assert model.estimate(lost).j < model.estimate(bad).j


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "missing or damaged"),
        ('{"intercept": 1}', "missing or damaged"),
        ('{"intercept": 1, "evidence": {"aura": {"weight": 1, "typical": 0}}}', "another edition"),
        ('{"intercept": 1, "evidence": {"moved": {"weight": -1, "typical": 0}}}', "another edition"),
    ],
)
def test_a_file_that_is_no_estimator_is_refused(tmp_path, content, words):
    (tmp_path / "quality.json").write_text(content)
    with pytest.raises(WeightsError, match=words):
        read_estimator(tmp_path / "quality.json")
    with pytest.raises(WeightsError, match="missing"):
        read_estimator(tmp_path / "none.json")
