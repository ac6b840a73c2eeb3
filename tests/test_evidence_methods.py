"""Cleanlab's own ways to judge labels: each finds planted noise, silently, and can be chosen."""

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from al_loop import config, learner
from al_loop.config import AuditSection
from al_loop.errors import ConfigError
from al_loop.evidence import methods
from al_loop.evidence.judging import Settings
from al_loop.evidence.judging import judge as judge_labels
from al_loop.loop import doubt

FILTERS = get_args(AuditSection.model_fields["filter_by"].annotation)
SIZE, CLASSES, WRONG = 60, 4, 24


@pytest.fixture(scope="module")
def planted():
    """Return vectors, labels with planted mistakes, out-of-fold probabilities, the mistakes."""
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(CLASSES, 16))
    centers /= np.linalg.norm(centers, axis=1, keepdims=True)
    truth = np.repeat(np.arange(CLASSES), SIZE)
    X = centers[truth] + 0.17 * rng.normal(size=(len(truth), 16))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    wrong = rng.choice(len(truth), WRONG, replace=False)
    y = truth.copy()
    y[wrong] = (truth[wrong] + rng.integers(1, CLASSES, WRONG)) % CLASSES
    return X, y, learner.out_of_fold(X, y, n_classes=CLASSES), wrong


@pytest.mark.parametrize("filter_by", FILTERS)
@pytest.mark.parametrize("method", sorted(methods.METHODS))
def test_each_method_flags_most_planted_mistakes_and_ranks_them_first(planted, method, filter_by):
    X, y, proba, wrong = planted
    found, flagged = methods.judge(X, y, proba, Settings(method=method, filter_by=filter_by))
    assert found.shape == flagged.shape == y.shape
    assert (found >= 0).all()
    assert (found <= 1).all()
    assert len(set(np.argsort(-found)[:WRONG]) & set(wrong)) >= 0.9 * WRONG
    hits = set(np.flatnonzero(flagged)) & set(wrong)
    assert len(hits) >= 0.7 * WRONG
    assert flagged.sum() - len(hits) <= 0.2 * len(y)


@pytest.mark.parametrize("method", sorted(methods.METHODS))
def test_what_is_flagged_gets_the_best_other_class_of_the_model(method):
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(4), 30)
    X = np.eye(8)[y] + 0.6 * rng.normal(size=(120, 8))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    settings = Settings(method=method, filter_by="predicted_neq_given")
    found = judge_labels(X, y, n_classes=4, settings=settings)
    assert found.flagged.any()
    assert (found.suggested != y)[found.flagged].all()
    others = learner.out_of_fold(X, y, n_classes=4)
    others[np.arange(120), y] = -1
    assert (found.suggested == others.argmax(axis=1))[found.flagged].all()


def test_filter_by_decides_what_is_flagged(planted):
    X, y, proba, _ = planted
    flags = {
        tuple(methods.judge(X, y, proba, Settings(method=method, filter_by=filter_by))[1])
        for method in methods.METHODS
        for filter_by in ("low_self_confidence", "predicted_neq_given")
    }
    assert len(flags) > 2


def test_clean_learning_asks_a_model_of_its_own_with_the_folds_and_the_strength_of_the_settings(
    planted,
):
    X, y, proba, wrong = planted
    nonsense = np.full_like(proba, 1 / CLASSES)
    settings = Settings(method="clean_learning")
    found, flagged = methods.judge(X, y, nonsense, settings)
    assert flagged[wrong].mean() > 0.7
    for other in (replace(settings, C=0.1), replace(settings, folds=3)):
        assert not np.array_equal(methods.judge(X, y, nonsense, other)[0], found)


def test_the_same_seed_judges_the_same_and_nobody_elses_random_numbers_are_touched(planted):
    X, y, proba, _ = planted
    settings = Settings(method="clean_learning", seed=2**40)
    legacy = np.random.mtrand.get_state()[1].copy()
    one, _ = methods.judge(X, y, proba, settings)
    two, _ = methods.judge(X, y, proba, settings)
    other, _ = methods.judge(X, y, proba, Settings(method="clean_learning", seed=1))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)
    assert np.array_equal(np.random.mtrand.get_state()[1], legacy)


@pytest.mark.parametrize("estimate", methods.ESTIMATES)
def test_each_estimate_is_near_the_number_of_planted_mistakes(planted, estimate):
    _, y, proba, _ = planted
    found = methods.wrong(y, proba, Settings(estimate=estimate))
    assert isinstance(found, float)
    assert 0.7 * WRONG <= found <= 1.5 * WRONG


def test_the_calibrated_estimate_counts_labels_that_nobody_was_confident_about(planted):
    _, y, proba, _ = planted
    blurred = 0.5 * proba + 0.5 / CLASSES
    plain, calibrated = (
        methods.wrong(y, blurred, Settings(estimate=name)) for name in methods.ESTIMATES
    )
    assert calibrated >= plain


@pytest.mark.parametrize("method", sorted(methods.METHODS))
def test_two_classes_are_enough(planted, method):
    X, y, _, _ = planted
    rows = np.flatnonzero(y < 2)
    proba = learner.out_of_fold(X[rows], y[rows], n_classes=2)
    found, flagged = methods.judge(X[rows], y[rows], proba, Settings(method=method))
    assert len(found) == len(flagged) == len(rows)
    for name in methods.ESTIMATES:
        assert methods.wrong(y[rows], proba, Settings(estimate=name)) <= len(rows)


@pytest.mark.parametrize("method", sorted(methods.METHODS))
def test_nothing_is_printed_and_nothing_warned_of(planted, method, capfd, recwarn):
    X, y, proba, _ = planted
    few = np.sort(np.concatenate([np.flatnonzero(y == k)[:5] for k in range(CLASSES)]))
    for filter_by in FILTERS:
        methods.judge(X[few], y[few], proba[few], Settings(method=method, filter_by=filter_by))
    methods.wrong(y[few], proba[few], Settings(estimate="off_diagonal"))
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list


# Through the core and config.toml


def audit(**options):
    return config.parse({"audit": options})


def test_every_method_and_estimate_of_config_toml_is_known():
    fields = AuditSection.model_fields
    assert set(get_args(fields["method"].annotation)) == {"fused", *methods.METHODS}
    assert set(get_args(fields["estimate"].annotation)) == {"auto", *methods.ESTIMATES}


@pytest.mark.parametrize("method", sorted(methods.METHODS))
def test_config_toml_chooses_the_method(planted, method):
    X, y, _, _ = planted
    settings = doubt.settings(audit(method=method, filter_by="both", folds=4))
    found = judge_labels(X, y, n_classes=CLASSES, settings=settings)
    four = learner.out_of_fold(X, y, n_classes=CLASSES, folds=4)
    wanted, flagged = methods.judge(X, y, four, settings)
    assert np.allclose(found.doubt, wanted)
    assert np.array_equal(found.flagged, flagged)


@pytest.mark.parametrize("estimate", methods.ESTIMATES)
def test_config_toml_chooses_the_estimate(planted, estimate):
    X, y, proba, _ = planted
    settings = doubt.settings(audit(estimate=estimate))
    found = judge_labels(X, y, n_classes=CLASSES, settings=settings)
    assert found.wrong == methods.wrong(y, proba, settings)


@pytest.mark.parametrize(
    ("option", "typed", "nearest"),
    [
        ("method", "clean_lerning", "clean_learning"),
        ("filter_by", "prune_by_noise", "prune_by_noise_rate"),
        ("estimate", "offdiagonal", "off_diagonal"),
    ],
)
def test_a_wrong_name_is_refused_with_the_nearest(option, typed, nearest):
    with pytest.raises(ConfigError, match=rf"\[audit\] {option}: .*did you mean {nearest}\?"):
        audit(**{option: typed})
