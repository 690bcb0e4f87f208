import numpy as np

from vosengine.quality import expected_j


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
