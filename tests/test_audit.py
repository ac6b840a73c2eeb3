"""The search for wrong labels: finds planted ones, is not misled by rare classes."""

import numpy as np
import pytest

from al_loop import audit, learner

NAMES = ["a", "b", "c", "d"]


def labeled(sizes, seed=0, spread=0.35, d=16):
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(len(sizes), d))
    centers /= np.linalg.norm(centers, axis=1, keepdims=True)
    y = np.repeat(np.arange(len(sizes)), sizes)
    X = centers[y] + spread * rng.normal(size=(len(y), d)) / 2
    return X / np.linalg.norm(X, axis=1, keepdims=True), y


def search(X, y, names=NAMES, folds=5):
    ids = [f"id{i}" for i in range(len(y))]
    proba = learner.out_of_fold(X, y, n_classes=len(names), folds=folds)
    return audit.find(ids, y, proba, names, folds)


def test_most_planted_labels_are_flagged_with_the_class_they_had():
    X, truth = labeled([60, 60, 60, 60])
    rng = np.random.default_rng(1)
    wrong = rng.choice(240, 24, replace=False)
    y = truth.copy()
    y[wrong] = (truth[wrong] + rng.integers(1, 4, 24)) % 4
    found = search(X, y)
    flagged = {i.item_id: i for i in found.issues if i.flagged}
    hits = [w for w in wrong if f"id{w}" in flagged]
    assert len(hits) >= 20
    assert len(flagged) - len(hits) <= 5
    right = [flagged[f"id{w}"].suggested == NAMES[truth[w]] for w in hits]
    assert np.mean(right) > 0.9
    assert all(flagged[f"id{w}"].given == NAMES[y[w]] for w in hits)
    assert found.left_out == ()
    assert found.skipped == ""


def test_the_most_severe_stand_first_with_scores_between_0_and_1():
    X, y = labeled([40, 40, 40, 40], spread=1.2)
    scores = [i.score for i in search(X, y).issues]
    assert scores == sorted(scores)
    assert 0 <= scores[0] <= scores[-1] <= 1


def test_clean_labels_raise_no_flag():
    X, y = labeled([30, 30, 30, 30], spread=0.1)
    assert search(X, y).issues == ()


def test_a_rare_class_is_left_out_and_named():
    X, y = labeled([30, 30, 4, 30])
    y[0] = 3
    found = search(X, y)
    assert found.left_out == ("c",)
    assert [(i.item_id, i.given, i.suggested) for i in found.issues] == [("id0", "d", "a")]


def test_suggestions_are_named_in_the_stored_order_also_after_a_rare_class():
    X, y = labeled([30, 4, 30, 30])
    y[0] = 3
    assert [(i.given, i.suggested) for i in search(X, y).issues] == [("d", "a")]
    y[0], y[40] = 0, 3
    assert [(i.given, i.suggested) for i in search(X, y).issues] == [("d", "c")]


def test_leaving_a_class_with_one_label_out_avoids_false_flags_on_other_labels():
    """All labels here are right; with the rare class in, cleanlab flags more of them."""
    with_it, without_it = 0, 0
    for seed in range(8):
        X, y = labeled([30, 29, 1], seed=seed, spread=0.8)
        ids = [str(label) for label in y]
        proba = learner.cross_predict(X, y, learner.assign_folds(y, 5, 0), n_classes=3)
        issues = audit.find(ids, y, proba, NAMES[:3], folds=1).issues
        with_it += sum(i.flagged for i in issues if i.item_id != "2")
        without_it += sum(i.flagged for i in search(X, y, names=NAMES[:3]).issues)
    assert with_it > 3 * without_it


@pytest.mark.parametrize(
    ("sizes", "left_out"), [([30, 4], ("b",)), ([3, 3, 3], ("a", "b", "c")), ([1], ("a",))]
)
def test_too_few_labels_are_a_reason_not_an_error(sizes, left_out):
    X, y = labeled(sizes)
    found = search(X, y)
    assert found == audit.AuditResult((), left_out, "fewer than two classes have 5 labels")


def test_no_label_at_all_is_a_reason_not_an_error():
    found = audit.find([], np.empty(0, dtype=np.int64), None, NAMES, 5)
    assert found.skipped
    assert found.left_out == ()


def test_the_least_number_of_labels_is_that_of_the_folds():
    X, y = labeled([30, 30, 4, 30])
    assert search(X, y, folds=4).left_out == ()
