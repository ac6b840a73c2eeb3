"""The numbers of a comparison are right, on made-up data whose truth is known."""

import numpy as np
import pytest
from scipy import stats as reference

from al_loop.compare import stats
from al_loop.compare.summary import facts

SHAPES = {
    "normal": lambda rng, size: rng.normal(size=size),
    "skewed": lambda rng, size: rng.exponential(size=size) - 1.0,
    "heavy": lambda rng, size: rng.standard_t(3, size=size),
}
TRUTH = 3.0


def areas(rng, shape, seeds, repetitions=4_000, strategies=6):
    """(seeds, repetitions, strategies): luck that strategies share, and luck of their own."""
    draw = SHAPES[shape]
    return 2 * draw(rng, (seeds, repetitions, 1)) + draw(rng, (seeds, repetitions, strategies))


# Intervals and p-values, over many repetitions


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_an_interval_holds_a_known_difference_in_95_of_100_repetitions(seeds, shape):
    rng = np.random.default_rng([seeds, len(shape)])
    found = areas(rng, shape, seeds, strategies=2)
    differences = found[..., 0] + TRUTH - found[..., 1]
    low, high = stats.interval(stats.resampled(differences, rng))
    assert 0.93 <= np.mean((low <= TRUTH) & (high >= TRUTH)) <= 0.975


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seeds", [5, 10])
def test_no_difference_is_taken_for_one_in_5_of_100_repetitions_and_a_large_one_is_found(
    seeds, shape
):
    rng = np.random.default_rng([seeds, len(shape), 1])
    found = areas(rng, shape, seeds, strategies=2)
    none = stats.p_values(found[..., 0] - found[..., 1])
    assert 0.02 <= np.mean(none < 0.05) <= 0.06
    some = stats.p_values(found[..., 0] + TRUTH - found[..., 1])
    assert np.mean(some < 0.05) > 0.65


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seeds", [5, 10])
def test_of_all_pairs_of_six_equal_strategies_any_is_called_sure_in_at_most_5_of_100(seeds, shape):
    rng = np.random.default_rng([seeds, len(shape), 2])
    found = areas(rng, shape, seeds)
    first, second = np.triu_indices(6, 1)
    p = stats.p_values(found[..., first] - found[..., second])
    assert np.mean((p < 0.05).any(axis=-1)) > 0.1  # this is what the correction is for
    assert np.mean((stats.holm(p) < 0.05).any(axis=-1)) <= 0.06


def made_up_runs(rng, seeds, ends, noise=0.01):
    """Curves end - 0.7 exp(-labels / 200) with noise, at 50, 100, ... 500 labels."""
    x = np.arange(50, 501, 50)
    for seed in range(seeds):
        for name, end in ends.items():
            luck = noise * (rng.normal() + rng.normal(size=len(x))) / np.sqrt(2)
            yield run(name, seed, x.tolist(), (end - 0.7 * np.exp(-x / 200) + luck).tolist())


def run(strategy, seed, labels, accuracy):
    return {
        "strategy": strategy,
        "seed": seed,
        "labels": labels,
        "accuracy": accuracy,
        "query_seconds": [0.5] * len(labels),
    }


@pytest.mark.parametrize("seeds", [5, 10])
def test_the_labels_saved_are_in_their_interval_and_equal_strategies_save_none(seeds):
    rng = np.random.default_rng(seeds)
    truth = 500 - 200 * np.log(0.7 / (0.04 + 0.7 * np.exp(-500 / 200)))
    held, claimed, repetitions = 0, 0, 120
    for _ in range(repetitions):
        ends = {"random": 0.85, "better": 0.89, "equal": 0.85}
        found = {
            s["strategy"]: s for s in facts(list(made_up_runs(rng, seeds, ends)))["strategies"]
        }
        better, equal = found["better"], found["equal"]
        held += better["saved_low"] - 2 <= truth <= better["saved_high"] + 2
        claimed += equal["saved_low"] is not None and equal["saved_low"] > 0
    assert held / repetitions >= 0.9
    assert claimed / repetitions <= 0.06


# The pieces


def test_the_area_of_a_straight_line_is_its_middle_and_that_of_a_point_the_point():
    x = np.array([50.0, 100.0, 400.0])
    assert stats.area(x, x / 1000) == pytest.approx(0.225)
    assert stats.area(x[:1], np.array([[0.4], [0.6]])).tolist() == [0.4, 0.6]


def test_a_run_that_ended_early_keeps_its_last_accuracy_and_all_begin_where_the_last_one_begins():
    x, curves = stats.common_grid([([10, 20, 40], [0.1, 0.2, 0.4]), ([20, 30], [0.5, 0.7])])
    assert x.tolist() == [20, 30, 40]
    assert curves[0] == pytest.approx([0.2, 0.3, 0.4])
    assert curves[1] == pytest.approx([0.5, 0.7, 0.7])


def test_labels_needed_are_interpolated_and_infinite_where_the_target_is_missed():
    x = np.array([100.0, 200.0, 300.0])
    curves = np.array([[0.5, 0.7, 0.9], [0.5, 0.6, 0.7], [0.85, 0.9, 0.9], [0.5, 0.9, 0.6]])
    found = stats.needed(x, curves, 0.8)
    assert found == pytest.approx([250, np.inf, 100, 175])
    assert stats.needed(x, curves, np.array([0.6, 0.6, 0.6, 0.6])) == pytest.approx(
        [150, 200, 100, 125]
    )


def test_p_values_are_those_of_the_paired_t_test():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 7, 3))
    assert stats.p_values(a - b) == pytest.approx(reference.ttest_rel(a, b).pvalue)


def test_differences_without_any_spread_give_no_certainty():
    same, apart = np.zeros((5, 1)), np.full((5, 1), 0.1)
    assert stats.p_values(same).tolist() == [1.0]
    assert stats.p_values(apart) == pytest.approx([0.0625])
    low, high = stats.interval(stats.resampled(apart, np.random.default_rng(0)))
    assert (low, high) == (pytest.approx([0.1]), pytest.approx([0.1]))


def test_holm_raises_each_p_by_the_tests_that_are_left_and_keeps_their_order():
    p = np.array([0.04, 0.01, 0.03, 0.005])
    assert stats.holm(p) == pytest.approx([0.06, 0.03, 0.06, 0.02])
    assert stats.holm(np.array([0.6, 0.9])).tolist() == [1.0, 1.0]


def test_resamples_are_spread_by_what_students_tails_and_n_less_1_ask_for():
    for n in (2, 5, 50):
        wanted = np.sqrt(n / (n - 1)) * reference.t.ppf(0.975, n - 1) / reference.norm.ppf(0.975)
        assert stats.stretch(n) == pytest.approx(wanted)
    values = np.random.default_rng(0).normal(size=20)
    means = stats.resampled(values, np.random.default_rng(1))
    assert means.mean() == pytest.approx(values.mean(), abs=0.02)
    error = values.std() / np.sqrt(20) * stats.stretch(20)
    assert means.std() == pytest.approx(error, rel=0.05)
