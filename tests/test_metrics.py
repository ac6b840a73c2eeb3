"""Accuracy and macro-F1 with intervals, and what stands in for a test set."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from al_loop import metrics
from al_loop.types import Metric


def sample(n=400, k=7, seed=0, right=0.7):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, k, n)
    predicted = np.where(rng.random(n) < right, y, rng.integers(0, k, n))
    return y, predicted


def test_accuracy_is_the_share_that_is_right():
    assert metrics.accuracy(np.array([0, 1, 2, 2]), np.array([0, 1, 1, 2])) == 0.75


@pytest.mark.parametrize("seed", range(5))
def test_macro_f1_is_scikit_learns_also_for_classes_only_in_truth_or_prediction(seed):
    y, predicted = sample(seed=seed)
    predicted = np.where(predicted == 3, 9, predicted)  # 3 is never predicted, 9 never true
    expected = f1_score(y, predicted, average="macro", zero_division=0)
    assert metrics.macro_f1(y, predicted) == pytest.approx(expected)


def test_the_intervals_agree_with_resampled_rows():
    y, predicted = sample()
    rng = np.random.default_rng(1)
    rows = rng.integers(0, len(y), (1000, len(y)))
    right = [np.mean(y[r] == predicted[r]) for r in rows]
    f1 = [f1_score(y[r], predicted[r], average="macro") for r in rows[:300]]
    accuracy, macro = metrics.evaluate(y, predicted, rng)
    assert (accuracy.name, macro.name) == ("accuracy", "macro_f1")
    np.testing.assert_allclose(
        [accuracy.low, accuracy.high], np.percentile(right, [2.5, 97.5]), atol=0.01
    )
    np.testing.assert_allclose([macro.low, macro.high], np.percentile(f1, [2.5, 97.5]), atol=0.015)


def test_the_interval_holds_the_true_accuracy_about_95_times_in_100():
    inside = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        predicted = (rng.random(200) < 0.7).astype(np.int64)
        accuracy, _ = metrics.evaluate(np.ones(200, dtype=np.int64), predicted, rng)
        inside += accuracy.low <= 0.7 <= accuracy.high
    assert 0.90 <= inside / 300 <= 0.98


def test_the_interval_narrows_with_more_rows():
    def width(n):
        accuracy, _ = metrics.evaluate(*sample(n), np.random.default_rng(0))
        return accuracy.high - accuracy.low

    assert width(100) > 2 * width(1600)


def test_a_class_that_a_resample_misses_does_not_count_in_it():
    """One row of class 1, always right: each resample is perfect, with that class or without."""
    y = np.array([0] * 9 + [1])
    _, macro = metrics.evaluate(y, y, np.random.default_rng(0))
    assert (macro.low, macro.high) == (1.0, 1.0)


def test_all_right_is_one_without_width():
    y, _ = sample()
    assert metrics.evaluate(y, y, np.random.default_rng(0)) == [
        Metric("accuracy", 1.0, 1.0, 1.0),
        Metric("macro_f1", 1.0, 1.0, 1.0),
    ]


def test_the_same_generator_gives_the_same_interval():
    y, predicted = sample()
    first = metrics.evaluate(y, predicted, np.random.default_rng([0, 3]))
    assert first == metrics.evaluate(y, predicted, np.random.default_rng([0, 3]))
    assert first != metrics.evaluate(y, predicted, np.random.default_rng([0, 4]))


def test_an_empty_test_set_has_no_value():
    none = np.empty(0, dtype=np.int64)
    found = metrics.evaluate(none, none, np.random.default_rng(0))
    assert found == [Metric("accuracy", None), Metric("macro_f1", None)]


def test_cross_validation_predicts_the_random_rows_without_having_seen_them():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 64))
    y = rng.integers(0, 2, 200)  # labels that mean nothing
    mask = rng.random(200) < 0.5
    predicted = metrics.cross_validated(X, y, mask, n_classes=2, C=1e4)
    assert predicted.shape == (mask.sum(),)
    assert abs(np.mean(predicted == y[mask]) - 0.5) < 0.15


def test_cross_validation_trains_on_the_picked_rows_as_well():
    """Class 1 stands only among the picked rows and a single random one."""
    X = np.repeat(np.eye(2), 20, axis=0) + np.random.default_rng(0).normal(scale=0.1, size=(40, 2))
    y = np.repeat([0, 1], 20)
    mask = np.arange(40) <= 20
    predicted = metrics.cross_validated(X, y, mask, n_classes=2)
    np.testing.assert_array_equal(predicted, y[mask])


def test_a_class_with_one_label_counts_as_wrong_instead_of_being_left_out():
    X = np.repeat(np.eye(3), [10, 10, 1], axis=0)
    y = np.repeat([0, 1, 2], [10, 10, 1])
    predicted = metrics.cross_validated(X, y, np.ones(21, dtype=bool), n_classes=3)
    assert (predicted == y).sum() == 20
    assert predicted[-1] != 2


def test_cross_validation_refuses_a_single_row():
    with pytest.raises(ValueError, match="at least two"):
        metrics.cross_validated(np.eye(1), np.array([0]), np.array([True]), n_classes=1)
