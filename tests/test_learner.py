"""Heads fitted through modAL, probabilities in the stored class order."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from al_loop import heads, learner
from al_loop.folds import assign_folds

KINDS = ["logistic", "balanced", "svm", "nearest_mean", "self_training", "auto"]


def blobs(sizes, seed=0, d=16, spread=0.25):
    """Return unit vectors around one random direction a class, and their classes."""
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(len(sizes), d))
    centers /= np.linalg.norm(centers, axis=1, keepdims=True)
    y = np.repeat(np.arange(len(sizes)), sizes)
    X = centers[y] + spread * rng.normal(size=(len(y), d))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    order = rng.permutation(len(y))
    return X[order].astype(np.float32), y[order].astype(np.int64)


@pytest.mark.parametrize("kind", KINDS)
def test_columns_follow_the_stored_class_order_and_are_zero_without_labels(kind):
    X, y = blobs([20, 20, 20])
    stored = np.array([5, 0, 3])[y]
    proba = learner.fit(X, stored, n_classes=7, kind=kind).proba(X)
    assert proba.shape == (60, 7)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    assert (proba[:, [1, 2, 4, 6]] == 0).all()
    assert np.mean(proba.argmax(axis=1) == stored) > 0.95


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sizes", [[10, 10], [1, 1], [1, 2, 9], [30, 1, 1, 1], [1] * 60])
def test_few_and_uneven_labels_are_fitted(kind, sizes):
    X, y = blobs(sizes)
    proba = learner.fit(X, y, n_classes=len(sizes), kind=kind).proba(X)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    assert np.isfinite(proba).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_single_class_gets_all_the_mass(kind):
    X, y = blobs([5])
    proba = learner.fit(X, y + 2, n_classes=4, kind=kind).proba(X)
    np.testing.assert_array_equal(proba, np.tile([0, 0, 1, 0], (5, 1)))


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_classifier_and_inputs_stay_as_they_were(kind):
    X, y = blobs([30, 30, 30], spread=0.5)
    X.setflags(write=False)
    y.setflags(write=False)
    state = np.random.get_state()[1].copy()  # noqa: NPY002 - the test is about it
    first = learner.fit(X, y, n_classes=3, kind=kind, seed=3).proba(X)
    np.testing.assert_array_equal(first, learner.fit(X, y, n_classes=3, kind=kind, seed=3).proba(X))
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


@pytest.mark.parametrize("kind", KINDS)
def test_weights_reach_the_estimator(kind):
    X, y = blobs([20, 20], spread=1.0)
    flipped = y.copy()
    flipped[:10] = 1 - flipped[:10]
    weights = np.ones(40)
    weights[:10] = 1e-6
    clean = learner.fit(X[10:], y[10:], n_classes=2, kind=kind).estimator
    weighted = learner.fit(X, flipped, n_classes=2, kind=kind, weights=weights).estimator
    unweighted = learner.fit(X, flipped, n_classes=2, kind=kind).estimator
    reference = heads.scores(clean, X)
    near = np.abs(heads.scores(weighted, X) - reference).max()
    assert near < 0.1 * np.abs(heads.scores(unweighted, X) - reference).max()


def test_no_row_and_a_label_out_of_range_are_refused():
    X, y = blobs([3, 3])
    with pytest.raises(ValueError, match="can't be trained on"):
        learner.fit(X[:0], y[:0], n_classes=2)
    with pytest.raises(ValueError, match="can't be trained on"):
        learner.fit(X, y[:-1], n_classes=2)
    with pytest.raises(ValueError, match="with 1 classes"):
        learner.fit(X, y, n_classes=1)
    with pytest.raises(ValueError, match="no kind"):
        learner.fit(X, y, n_classes=2, kind="forest")


def test_an_empty_pool_gives_no_row():
    X, y = blobs([3, 3])
    assert learner.fit(X, y, n_classes=2).proba(X[:0]).shape == (0, 2)


def test_logistic_regression_converges_well_before_its_limit():
    X, y = blobs([6] * 77, d=384, spread=0.05)
    estimator = learner.fit(X, y, n_classes=77).estimator
    assert estimator.n_iter_.max() < estimator.max_iter / 5


def test_an_extreme_c_is_fitted_without_a_warning():
    X, y = blobs([50, 50, 50], spread=1.0)
    learner.fit(X, y, n_classes=3, kind="svm", C=1e6)
    learner.fit(X, y, n_classes=3, kind="logistic", C=1e9)


@pytest.mark.parametrize("kind", ["svm", "nearest_mean"])
def test_probabilities_of_the_scoring_heads_are_as_sure_as_they_are_right(kind):
    X, y = blobs([60] * 6, seed=1, spread=0.45)
    Xt, yt = X[180:], y[180:]
    proba = learner.fit(X[:180], y[:180], n_classes=6, kind=kind).proba(Xt)
    right = np.mean(proba.argmax(axis=1) == yt)
    assert 0.5 < right < 0.98
    assert abs(proba.max(axis=1).mean() - right) < 0.08


def test_without_enough_labels_the_temperature_is_the_default():
    X, y = blobs([2, 2, 2])
    for kind, default in heads.SCORING.items():
        assert learner.fit(X, y, n_classes=3, kind=kind).temperature == default


def test_out_of_fold_rows_are_predicted_by_models_that_did_not_see_them():
    """With labels that mean nothing, a model that saw them would be right far more often."""
    rng = np.random.default_rng(0)
    X, _ = blobs([50, 50], d=64)
    y = rng.integers(0, 2, 100)
    seen = learner.fit(X, y, n_classes=2, C=1e4).proba(X).argmax(axis=1)
    unseen = learner.out_of_fold(X, y, n_classes=2, C=1e4).argmax(axis=1)
    assert np.mean(seen == y) > 0.85
    assert np.mean(unseen == y) < 0.65


def test_out_of_fold_leaves_rare_classes_out_and_keeps_their_columns():
    X, y = blobs([20, 4, 20, 0, 5])
    proba = learner.out_of_fold(X, y, n_classes=6, folds=5)
    assert proba.shape == (49, 6)
    rare = y == 1
    assert np.isnan(proba[rare]).all()
    np.testing.assert_allclose(proba[~rare].sum(axis=1), 1)
    assert (proba[~rare][:, [1, 3, 5]] == 0).all()
    assert (proba[y == 4][:, 4] > 0).all()
    np.testing.assert_array_equal(proba, learner.out_of_fold(X, y, n_classes=6, folds=5))


def test_out_of_fold_needs_two_classes_with_enough_labels():
    X, y = blobs([20, 4])
    assert learner.out_of_fold(X, y, n_classes=2, folds=5) is None


def test_folds_are_even_within_each_class_and_depend_on_the_seed():
    _, y = blobs([23, 10, 5, 1])
    fold = assign_folds(y, 5, seed=0)
    for c in range(4):
        counts = np.bincount(fold[y == c], minlength=5)
        assert counts.max() - counts.min() <= 1
    assert (fold != assign_folds(y, 5, seed=1)).any()
    np.testing.assert_array_equal(fold, assign_folds(y, 5, seed=0))


def test_fitting_and_saving_do_not_import_pytorch():
    """It costs seconds in each round, and nothing here needs it."""
    code = (
        "import sys, pathlib, tempfile, numpy as np\n"
        "from al_loop import learner, models\n"
        "assert 'sklearn' not in sys.modules and 'modAL' not in sys.modules\n"
        "m = learner.fit(np.eye(4), np.array([0, 0, 1, 1]), n_classes=2)\n"
        "models.save(m, pathlib.Path(tempfile.mkdtemp()), 1)\n"
        "assert 'modAL' in sys.modules and 'skops' in sys.modules\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parent.parent, check=True)


def test_fits_go_through_modal(monkeypatch):
    from modAL.models import ActiveLearner

    asked = []
    original = ActiveLearner.__init__

    def record(self, *args, **options):
        asked.append(set(options))
        original(self, *args, **options)

    monkeypatch.setattr(ActiveLearner, "__init__", record)
    X, y = blobs([5, 5])
    learner.fit(X, y, n_classes=2)
    assert asked == [{"estimator", "X_training", "y_training"}]
