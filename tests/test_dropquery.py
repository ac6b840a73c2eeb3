"""dropquery: candidates are texts whose class does not survive dropout."""

import re
from dataclasses import replace

import numpy as np
import pytest

from al_loop import learner
from strategies import dropquery as module
from strategies.base import PoolView, lacks
from strategies.dropquery import PASSES, dropquery
from tests.test_strategies import POOLS, assert_kept, assert_same


def rng(seed=0):
    return np.random.default_rng(seed)


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def asked(pool):
    """The pool with a model to ask, of as many classes as its probabilities have."""
    k = pool.proba.shape[1]
    weights = rng(1).normal(size=(pool.embeddings.shape[1], k))

    def predict(X):
        raised = np.exp(X @ weights)
        return raised / raised.sum(axis=1, keepdims=True)

    return replace(pool, proba=predict(pool.embeddings), predict=predict)


WARM = {name: asked(pool) for name, pool in POOLS.items() if pool.proba is not None}


@pytest.mark.parametrize("pool", WARM.values(), ids=WARM.keys())
def test_it_gives_n_distinct_texts_of_any_pool_with_a_model(pool):
    for n in sorted({0, 1, min(12, len(pool)), len(pool) // 2, len(pool)}):
        chosen = dropquery(pool, n, rng())
        assert_kept(chosen, n, pool)
        assert_same(chosen, dropquery(pool, n, rng()))


def test_both_precisions_give_the_same_picks():
    single = WARM["usual"]
    double = replace(single, embeddings=single.embeddings.astype(np.float64))
    assert_same(dropquery(single, 20, rng()), dropquery(double, 20, rng()))


def test_without_a_model_to_ask_it_takes_cluster_representatives():
    pool = replace(WARM["usual"], predict=None)
    assert lacks(dropquery, pool)
    assert not lacks(dropquery, WARM["usual"])
    assert set(dropquery(pool, 5, rng()).source) == {"clusters"}


def near_and_far(n=200):
    """Two classes; the first half of the texts says its class with every number, the other
    half with two of 64 that nearly cancel each other out."""
    r = rng(3)
    sure = np.abs(r.normal(size=(n // 2, 64))) * np.where(np.arange(n // 2) % 2, 1, -1)[:, None]
    doubtful = np.zeros((n // 2, 64))
    doubtful[np.arange(n // 2), r.integers(0, 32, n // 2)] = 1.0
    doubtful[np.arange(n // 2), r.integers(32, 64, n // 2)] = -0.9
    X = unit(np.concatenate([sure, doubtful]))

    def predict(Z):
        p = 1 / (1 + np.exp(-4 * Z.sum(axis=1) + 0.2))
        return np.column_stack([1 - p, p])

    return PoolView(embeddings=X, proba=predict(X), predict=predict)


def test_it_takes_texts_that_change_their_class_and_none_that_keep_it():
    pool = near_and_far()
    for seed in range(5):
        chosen = dropquery(pool, 4, rng(seed))
        assert chosen.indices.min() >= 100
        pattern = r"class changed in [23] of 3 dropouts: center of cluster \d \(\d+ texts?\)"
        assert all(re.fullmatch(pattern, why) for why in chosen.why)
    assert set(chosen.source) == {"dropquery"}


def test_the_threshold_is_lowered_until_there_are_enough_candidates():
    changes = np.array([3] * 2 + [2] * 6 + [1] * 20 + [0] * 100)
    assert len(module._candidates(changes, 1)) == 28  # 10 a place are wanted
    assert len(module._candidates(np.sort(changes)[::-1].copy(), 3)) == 128
    assert len(module._candidates(changes[:30], 3)) == 28  # half of the pool is enough
    assert len(module._candidates(changes[:12], 1)) == 8
    assert len(module._candidates(changes[:30], 30)) == 30


def test_masks_drop_three_quarters_and_keep_the_size_of_what_a_head_adds_up():
    pool, seen = near_and_far(), []

    def predict(Z):
        seen.append(Z)
        return pool.predict(Z)

    dropquery(replace(pool, predict=predict), 4, rng())
    assert len(seen) == PASSES
    for masked in seen:
        there = pool.embeddings != 0
        assert np.mean(masked[there] == 0) == pytest.approx(0.75, abs=0.02)
        kept = masked != 0
        assert masked[kept] == pytest.approx(4 * pool.embeddings[kept], rel=1e-5)
    assert not np.array_equal(seen[0], seen[1])


def test_blocks_of_a_large_pool_are_looked_at_one_by_one(monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 30)
    pool, sizes = near_and_far(), []

    def predict(Z):
        sizes.append(len(Z))
        return pool.predict(Z)

    chosen = dropquery(replace(pool, predict=predict), 4, rng())
    assert (set(sizes), sum(sizes)) == ({30, 20}, PASSES * 200)
    assert chosen.indices.min() >= 100


@pytest.mark.parametrize("kind", ["logistic", "balanced", "svm", "nearest_mean"])
def test_every_kind_of_head_can_be_asked(kind):
    r = rng(4)
    means = unit(r.normal(size=(3, 32)))
    y = np.arange(300) % 3
    X = unit(means[y] + r.normal(size=(300, 32)) * 0.15)
    model = learner.fit(X[:60], y[:60], n_classes=3, kind=kind)
    pool = PoolView(embeddings=X[60:], proba=model.proba(X[60:]), predict=model.proba)
    assert_kept(dropquery(pool, 10, rng()), 10, pool)
