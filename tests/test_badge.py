"""badge: k-means++ over gradients that are never made."""

import re
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from strategies import badge as module
from strategies import grouping
from strategies.badge import Outer, badge, spread
from strategies.base import PoolView
from strategies.part import without


def rng(seed=0):
    return np.random.default_rng(seed)


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def make_pool(n=60, k=5, d=12, seed=0):
    r = rng(seed)
    weights = r.normal(size=(d, k))

    def predict(X):
        raised = np.exp(3 * X @ weights)
        return raised / raised.sum(axis=1, keepdims=True)

    X = unit(r.normal(size=(n, d)))
    return PoolView(embeddings=X, proba=predict(X), predict=predict)


def gradients(X, proba):
    """The gradients written out: (N, k d)."""
    residual = proba - np.eye(proba.shape[1])[proba.argmax(axis=1)]
    return np.einsum("ik,id->ikd", residual, X).reshape(len(X), -1)


def test_distances_of_factors_are_those_of_the_gradients_written_out():
    pool = make_pool()
    G = gradients(pool.embeddings, pool.proba)
    factors = Outer(module._residuals(pool.proba), pool.embeddings)
    for row in (0, 7, 59):
        expected = ((G - G[row]) ** 2).sum(axis=1)
        found = factors.distances(factors.left[row], factors.right[row])
        assert found == pytest.approx(expected, abs=1e-5)
    assert factors.squares == pytest.approx((G**2).sum(axis=1), abs=1e-5)


def test_the_longest_gradient_comes_first_and_each_score_is_the_distance_to_those_before():
    pool = make_pool()
    G = gradients(pool.embeddings, pool.proba)
    factors = Outer(module._residuals(pool.proba), pool.embeddings)
    rows, gaps = spread(factors, 8, rng())
    assert rows[0] == (G**2).sum(axis=1).argmax()
    assert gaps[0] == pytest.approx((G[rows[0]] ** 2).sum(), rel=1e-4)
    for i in range(1, 8):
        to_those_before = ((G[rows[:i]] - G[rows[i]]) ** 2).sum(axis=1).min()
        assert gaps[i] == pytest.approx(to_those_before, rel=1e-4)
    chosen = badge(pool, 8, rng())
    assert sorted(chosen.indices) == sorted(rows)
    assert chosen.scores == pytest.approx(np.sort(gaps)[::-1])
    assert re.fullmatch(r"gradient \d\.\d\d from the nearest in the batch", chosen.why[0])


def test_texts_are_drawn_in_proportion_to_their_squared_distance():
    X = np.zeros((4, 4), np.float32)
    X[1:, 1:] = np.diag([1, 2, 3])  # squared distances of 1, 4 and 9 to what is there
    vectors = Outer(np.ones((4, 1), np.float32), X)
    near = np.array([0, 1, 4, 9], np.float32)
    r = rng(1)
    drawn = [int(spread(vectors, 1, r, near=near)[0][0]) for _ in range(4000)]
    assert np.bincount(drawn, minlength=4) / 4000 == pytest.approx(near / 14, abs=0.03)


def test_it_takes_one_text_of_each_direction_and_one_of_all_that_are_certain():
    axes = np.eye(16, dtype=np.float32)
    X = np.concatenate([axes[np.arange(90) % 3], np.repeat(axes[3:6], 20, axis=0)])
    proba = np.tile([0.999, 0.001, 0.0], (150, 1))
    proba[90:] = [0.4, 0.35, 0.25]
    group = np.concatenate([np.zeros(90, int), np.repeat([1, 2, 3], 20)])
    for seed in range(10):
        chosen = badge(PoolView(embeddings=X, proba=proba), 4, rng(seed)).indices
        assert sorted(group[chosen]) == [0, 1, 2, 3]


def test_it_goes_on_from_the_texts_that_are_in_the_batch_already():
    axes = np.eye(8, dtype=np.float32)
    X = np.repeat(axes[:3], 20, axis=0)
    predict = lambda Z: np.full((len(Z), 2), 0.5)  # noqa: E731
    pool = PoolView(embeddings=X, proba=predict(X), predict=predict)
    rest, positions = without(pool, np.array([0, 20]))
    for seed in range(10):  # the batch has the first two groups
        assert positions[badge(rest, 1, rng(seed)).indices[0]] >= 40


def test_where_all_gradients_are_equal_it_draws_uniformly():
    pool = PoolView(embeddings=np.full((30, 4), 0.5), proba=np.full((30, 2), 0.5))
    seen = {i for seed in range(20) for i in badge(pool, 2, rng(seed)).indices.tolist()}
    assert len(seen) > 15
    assert len({int(badge(pool, 1, rng(seed)).indices[0]) for seed in range(20)}) > 5
    certain = replace(pool, proba=np.tile([1.0, 0.0], (30, 1)))
    assert sorted(badge(certain, 30, rng()).indices) == list(range(30))


def test_without_a_model_it_takes_cluster_representatives():
    chosen = badge(replace(make_pool(), proba=None), 5, rng())
    assert set(chosen.source) == {"clusters"}


def test_of_a_large_pool_it_looks_at_a_sample_that_leaves_no_place_empty(monkeypatch):
    monkeypatch.setattr(grouping, "SAMPLE", 20)
    looked_at = []
    monkeypatch.setattr(module, "Outer", lambda a, X: looked_at.append(len(X)) or Outer(a, X))
    pool = make_pool(n=200)
    seen = {i for seed in range(30) for i in badge(pool, 1, rng(seed)).indices.tolist()}
    assert len(badge(pool, 15, rng()).indices) == 15
    assert (set(looked_at[:-1]), looked_at[-1]) == ({20}, 150)
    assert max(seen) - min(seen) > 100


def test_memory_does_not_grow_with_classes_times_dimensions():
    pool = make_pool(n=4000, k=50, d=64)
    written_out = 4000 * 50 * 64 * 4
    tracemalloc.start()
    badge(pool, 10, rng())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < written_out / 8
