"""The search for wrong labels: finds planted ones, calls few wrong, knows rare classes."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from al_loop import learner
from al_loop.evidence import confusion, fused, neighbors
from al_loop.evidence.judging import Settings, judge, judge_others

SETTINGS = Settings()


def labeled(sizes, seed=0, spread=0.35, d=16):
    """Return vectors around one center for each class, and the classes."""
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(len(sizes), d))
    centers /= np.linalg.norm(centers, axis=1, keepdims=True)
    y = np.repeat(np.arange(len(sizes)), sizes)
    X = centers[y] + spread * rng.normal(size=(len(y), d)) / 2
    return X / np.linalg.norm(X, axis=1, keepdims=True), y


def in_pairs(pairs=6, size=80, seed=0, apart=0.85, spread=0.5, d=32):
    """Return vectors of classes of which each two are much alike, and the classes."""
    rng = np.random.default_rng(seed)
    centers = np.repeat(rng.normal(size=(pairs, d)), 2, axis=0)
    centers += apart * rng.normal(size=centers.shape)
    centers /= np.linalg.norm(centers, axis=1, keepdims=True)
    y = np.repeat(np.arange(2 * pairs), size)
    X = centers[y] + spread * rng.normal(size=(len(y), d)) / 2
    return X / np.linalg.norm(X, axis=1, keepdims=True), y


def planted(truth, share, seed, *, twin):
    """Make a share of labels wrong: the class beside it in the pair, or any other."""
    rng = np.random.default_rng(seed)
    wrong = rng.choice(len(truth), round(share * len(truth)), replace=False)
    y, k = truth.copy(), truth.max() + 1
    y[wrong] = y[wrong] ^ 1 if twin else (y[wrong] + rng.integers(1, k, len(wrong))) % k
    return y, y != truth


def search(X, y, n_classes=4, **options):
    return judge(X, y, n_classes=n_classes, settings=SETTINGS, **options)


def precision(wrong, doubt):
    from sklearn.metrics import average_precision_score

    return average_precision_score(wrong, doubt)


def compared(seed, *, twin):
    """Return the average precision of the fused doubt and of cleanlab's default."""
    X, truth = in_pairs(seed=seed)
    y, wrong = planted(truth, 0.1, seed, twin=twin)
    settings = replace(SETTINGS, method="find_label_issues")
    ours, default = (judge(X, y, n_classes=12, settings=s) for s in (SETTINGS, settings))
    return precision(wrong, ours.doubt), precision(wrong, default.doubt)


def test_confused_classes_are_found_better_than_by_the_default_of_cleanlab():
    ours, default = np.mean([compared(seed, twin=True) for seed in range(2)], axis=0)
    assert ours > default + 0.07


def test_labels_that_are_wrong_anywhere_are_found_as_well_as_by_the_default_of_cleanlab():
    ours, default = np.mean([compared(seed, twin=False) for seed in range(2)], axis=0)
    assert ours > default - 0.01
    assert ours > 0.9


def test_most_planted_labels_are_flagged_with_the_class_they_had():
    X, truth = labeled([60, 60, 60, 60])
    y, wrong = planted(truth, 0.1, 1, twin=False)
    found = search(X, y)
    assert (found.flagged & wrong).sum() >= 18
    assert (found.flagged & ~wrong).sum() <= 2
    assert np.mean(found.suggested[found.flagged & wrong] == truth[found.flagged & wrong]) > 0.9
    assert found.wrong == pytest.approx(wrong.sum(), rel=0.4)
    assert found.skipped == ""
    assert len(found.left_out) == 0


@pytest.mark.parametrize("share", [0.05, 0.2])
def test_the_estimate_is_near_the_number_of_planted_labels(share):
    X, truth = labeled([40] * 20, d=32)
    y, wrong = planted(truth, share, 1, twin=False)
    found = judge(X, y, n_classes=20, settings=SETTINGS)
    assert 0.9 * wrong.sum() < found.wrong < 1.1 * wrong.sum()
    assert judge(X, truth, n_classes=20, settings=SETTINGS).wrong < 0.01 * len(truth)


def test_no_more_labels_are_flagged_than_are_estimated_to_be_wrong(monkeypatch):
    X, truth = labeled([40] * 20, d=32)
    y, _ = planted(truth, 0.1, 1, twin=False)
    real = fused.fuse
    monkeypatch.setattr(fused, "fuse", lambda *a, **k: replace(real(*a, **k), wrong=1.0))
    found = judge(X, y, n_classes=20, settings=SETTINGS)
    assert found.wrong == found.flagged.sum() > 1


def test_doubts_lie_between_0_and_1_and_planted_labels_have_the_highest():
    X, truth = labeled([60, 60, 60, 60])
    y, wrong = planted(truth, 0.1, 1, twin=False)
    doubt = search(X, y).doubt
    assert doubt.min() >= 0
    assert doubt.max() <= 1
    assert wrong[np.argsort(-doubt)[:20]].all()


def test_confidence_and_neighbors_tell_how_much_speaks_for_a_label():
    X, truth = labeled([60, 60, 60, 60], spread=0.1)
    y = truth.copy()
    y[0] = 3
    found = search(X, y)
    assert found.confidence[0] < 0.2
    assert found.neighbors[0] < 0.2
    assert np.median(found.confidence) > 0.8
    assert np.median(found.neighbors) > 0.9


@pytest.mark.parametrize("spread", [0.1, 0.5, 1.0])
def test_clean_labels_raise_no_flag_also_when_they_are_few(spread):
    flags = 0
    for seed in range(5):
        X, y = labeled([25, 25, 25, 25], spread=spread, seed=seed)
        flags += search(X, y).flagged.sum()
    assert flags <= 5  # of 500, and only where classes overlap
    assert spread == 1.0 or flags == 0


def test_classes_that_no_vector_tells_apart_raise_no_flags():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 16))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    assert search(X, rng.integers(0, 4, 300)).flagged.sum() <= 3


def test_a_sure_label_is_in_no_doubt_and_never_flagged():
    X, y = labeled([30, 30, 30, 30], spread=0.1)
    y[0] = 3
    sure = np.zeros(len(y), dtype=bool)
    assert search(X, y, sure=sure).flagged[0]
    sure[0] = True
    found = search(X, y, sure=sure)
    assert found.doubt[0] == 0
    assert not found.flagged[0]


def test_all_labels_may_be_sure():
    X, y = labeled([30, 30, 30, 30])
    found = search(X, y, sure=np.ones(len(y), dtype=bool))
    assert (found.doubt == 0).all()
    assert found.wrong == 0


def test_corrections_tell_which_classes_are_mixed_up():
    X, truth = in_pairs(apart=0.35, seed=1)
    given, wrong = planted(truth, 0.1, 1, twin=True)
    sure = wrong & (np.arange(len(truth)) % 2 == 0)
    y = np.where(sure, truth, given)
    left = ~sure
    blind, told = (
        judge(X, y, n_classes=12, settings=SETTINGS, sure=sure, was=was) for was in (None, given)
    )
    assert precision(wrong[left], told.doubt[left]) > precision(wrong[left], blind.doubt[left])


def test_labels_that_count_less_are_weaker_evidence_against_others():
    """Half of a class is labeled as another one by people who left suggestions as they came."""
    X, y = labeled([40, 40, 40], spread=0.2)
    lazy = np.arange(120) < 25
    y[lazy] = 1
    trust = np.where(lazy, 0.1, 1.0)
    right = np.arange(25, 40)
    full, less = (search(X, y, n_classes=3, trust=t) for t in (None, trust))
    assert less.confidence[right].mean() > full.confidence[right].mean()
    assert less.neighbors[right].mean() > full.neighbors[right].mean()
    assert less.suggested[lazy].tolist().count(0) > full.suggested[lazy].tolist().count(0)


def test_full_trust_is_the_same_as_none_given():
    X, y = labeled([30, 30, 30, 30])
    one, other = search(X, y), search(X, y, trust=np.ones(len(y)))
    np.testing.assert_allclose(one.doubt, other.doubt, atol=1e-6)


def test_a_rare_class_is_left_out_and_named():
    X, y = labeled([30, 30, 4, 30], spread=0.1)
    y[0] = 3
    found = search(X, y)
    assert found.left_out.tolist() == [2]
    assert np.flatnonzero(found.flagged).tolist() == [0]
    assert found.suggested[0] == 0
    rare = y == 2
    assert np.isnan(found.doubt[rare]).all()
    assert (found.suggested[rare] == -1).all()
    assert not np.isnan(found.doubt[~rare]).any()


def test_suggestions_are_positions_in_the_stored_order_also_after_a_rare_class():
    X, y = labeled([30, 4, 30, 30], spread=0.1)
    y[0], y[40] = 3, 3
    found = search(X, y, n_classes=6)
    assert np.flatnonzero(found.flagged).tolist() == [0, 40]
    assert found.suggested[[0, 40]].tolist() == [0, 2]


@pytest.mark.parametrize(
    ("sizes", "left_out"), [([30, 4], [1]), ([3, 3, 3], [0, 1, 2]), ([1], [0])]
)
def test_too_few_labels_are_a_reason_not_an_error(sizes, left_out):
    X, y = labeled(sizes)
    found = search(X, y)
    assert found.skipped == "fewer than two classes have 5 labels"
    assert found.left_out.tolist() == left_out
    assert found.wrong is None
    assert np.isnan(found.doubt).all()
    assert not found.flagged.any()


def test_no_label_at_all_is_a_reason_not_an_error():
    found = search(np.empty((0, 4)), np.empty(0, dtype=np.int64))
    assert found.skipped
    assert len(found.left_out) == 0


def test_the_least_number_of_labels_is_that_of_the_folds():
    X, y = labeled([30, 30, 4, 30])
    found = judge(X, y, n_classes=4, settings=Settings(folds=4))
    assert len(found.left_out) == 0


def test_the_same_labels_get_the_same_doubts():
    X, y = labeled([30, 30, 30, 30], spread=1.0)
    one, other = search(X, y), search(X, y)
    assert (one.doubt == other.doubt).all()
    assert (one.suggested == other.suggested).all()


def test_the_order_of_the_rows_does_not_matter_for_what_is_fused():
    X, truth = in_pairs(pairs=3, size=40)
    y, _ = planted(truth, 0.1, 0, twin=True)
    proba = learner.out_of_fold(X, y, n_classes=6)
    near, cosines = neighbors.nearest(X, 10)
    order = np.random.default_rng(0).permutation(len(y))
    place = np.argsort(order)
    one = fused.fuse(proba, y, near, cosines)
    other = fused.fuse(proba[order], y[order], place[near[order]], cosines[order])
    np.testing.assert_allclose(other.doubt, one.doubt[order], atol=1e-6)
    assert (other.suggested == one.suggested[order]).all()


def test_blocks_do_not_change_what_is_fused(monkeypatch):
    X, truth = in_pairs(pairs=3, size=40)
    y, _ = planted(truth, 0.1, 0, twin=True)
    proba = learner.out_of_fold(X, y, n_classes=6)
    near, cosines = neighbors.nearest(X, 10)
    one = fused.fuse(proba, y, near, cosines)
    monkeypatch.setattr(fused, "_BLOCK", 7)
    np.testing.assert_allclose(fused.fuse(proba, y, near, cosines).doubt, one.doubt, atol=1e-9)


def test_fusing_needs_little_more_memory_than_what_it_is_given():
    rng = np.random.default_rng(0)
    m, k = 20_000, 50
    proba = rng.dirichlet(np.ones(k), m).astype(np.float32)
    near, cosines = rng.integers(0, m, (m, 10)), rng.uniform(0.3, 0.9, (m, 10)).astype(np.float32)
    y = proba.argmax(axis=1)
    fused.fuse(proba[:10], y[:10], near[:10] % 10, cosines[:10])  # imports
    tracemalloc.start()
    fused.fuse(proba, y, near, cosines)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5 * proba.nbytes


def test_odds_follow_the_confusions_that_the_labels_show():
    """Class 0 is often called 1, never 2: the same belief is worth more doubt at label 1."""
    belief = np.tile([0.98, 0.01, 0.01], (100, 1))
    y = np.array([0] * 79 + [1] * 20 + [2])
    odds = confusion.odds(belief, y, np.zeros(100, dtype=bool), np.ones(100))
    assert odds[y == 1].min() > odds[y == 2].max() > odds[y == 0].max()
    assert 0.1 < np.mean(odds / (1 + odds)) < 0.25


def test_neighbors_are_the_nearest_others_also_among_copies():
    X, _ = labeled([30, 30])
    X = np.concatenate([X, np.tile(X[:1], (20, 1))])
    near, cosines = neighbors.nearest(X, 5)
    assert near.shape == cosines.shape == (80, 5)
    assert (near != np.arange(80)[:, None]).all()
    all_ = X @ X.T
    np.fill_diagonal(all_, -2)
    np.testing.assert_allclose(cosines, -np.sort(-all_, axis=1)[:, :5], atol=1e-5)


def test_of_equal_texts_no_label_wins_for_standing_first():
    X, _ = labeled([30, 30])
    X = np.concatenate([np.tile(X[:1], (60, 1)), X[30:]])
    near, _ = neighbors.nearest(X, 15)
    assert 3 <= (near[:60] < 30).sum(axis=1).mean() <= 12


def test_few_texts_have_few_neighbors():
    X, _ = labeled([2, 1])
    near, _ = neighbors.nearest(X, 15)
    assert np.sort(near, axis=1).tolist() == [[1, 2], [0, 2], [0, 1]]


def test_cells_find_most_of_the_true_neighbors_and_always_the_same():
    X, _ = labeled([60] * 50, d=32)
    true, _ = neighbors.nearest(X, 15)
    found, cosines = neighbors.nearest(X, 15, exact=1_000)
    again, _ = neighbors.nearest(X, 15, exact=1_000)
    assert (found == again).all()
    assert np.mean([len(np.intersect1d(a, b)) / 15 for a, b in zip(true, found, strict=True)]) > 0.9
    assert (found != np.arange(len(X))[:, None]).all()
    np.testing.assert_allclose(cosines[:, 0], (X * X[found[:, 0]]).sum(axis=1), atol=1e-5)


def test_a_row_whose_cells_hold_too_few_is_its_own_neighbor_and_counts_nothing():
    rng = np.random.default_rng(0)
    X = np.concatenate([np.tile(rng.normal(size=(1, 16)), (5_000, 1)), rng.normal(size=(60, 16))])
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    near, cosines = neighbors.nearest(X, 15, exact=1_000)
    own = near == np.arange(len(X))[:, None]
    assert own.any()
    assert (np.isneginf(cosines) == own).all()
    votes = fused._votes(np.zeros((1, 2), dtype=int), np.ones((1, 2)), np.full((1, 2), -np.inf), 3)
    assert votes.tolist() == [[0, 0, 0]]


def test_other_labels_are_judged_by_those_that_were_learned_from():
    X, y = labeled([40, 40, 40, 40], spread=0.2)
    rest = np.arange(160) % 4 == 0
    given = y[rest].copy()
    given[[0, 20]] = 3, 0
    found = judge_others(X[~rest], y[~rest], X[rest], given, n_classes=4, settings=SETTINGS)
    assert np.flatnonzero(found.flagged).tolist() == [0, 20]
    assert found.suggested[[0, 20]].tolist() == y[rest][[0, 20]].tolist()
    assert set(np.argsort(-found.doubt)[:2]) == {0, 20}


def test_the_doubt_of_a_test_label_does_not_depend_on_other_test_labels():
    X, y = labeled([40, 40, 40, 40], spread=0.8)
    rest = np.arange(160) % 4 == 0
    given = y[rest].copy()

    def doubt(labels, rows=slice(None)):
        others = X[rest][rows]
        return judge_others(
            X[~rest], y[~rest], others, labels[rows], n_classes=4, settings=SETTINGS
        ).doubt

    whole = doubt(given)
    changed = given.copy()
    changed[1:] = (changed[1:] + 1) % 4
    assert doubt(changed)[0] == pytest.approx(whole[0], abs=1e-6)
    assert doubt(given, slice(1))[0] == pytest.approx(whole[0], abs=1e-6)


def test_test_labels_of_classes_with_too_few_labels_are_left_out_and_named():
    X, y = labeled([30, 30, 4, 30], spread=0.1)
    given = np.array([0, 2, 3])
    found = judge_others(X, y, X[[0, 62, 70]], given, n_classes=5, settings=SETTINGS)
    assert found.left_out.tolist() == [2]
    assert np.isnan(found.doubt).tolist() == [False, True, False]
    nothing = judge_others(X[:10], y[:10], X[:3], given, n_classes=5, settings=SETTINGS)
    assert nothing.skipped == "fewer than two classes have 5 labels"
    assert np.isnan(nothing.doubt).all()
