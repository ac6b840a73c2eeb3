"""The strategies that cover the pool, and the geometry that they share."""

from dataclasses import replace

import numpy as np
import pytest

from strategies import coverage, grouping, herding, neighbors, probcover, typiclust
from strategies.base import PoolView
from strategies.herding import maxherding, uherding
from strategies.part import part
from strategies.probcover import probcover as cover
from strategies.shared import Shared
from strategies.typiclust import typiclust as typical

BY_NAME = {"typiclust": typical, "probcover": cover, "maxherding": maxherding, "uherding": uherding}
every_strategy = pytest.mark.parametrize("strategy", BY_NAME.values(), ids=BY_NAME.keys())


def rng(seed=0):
    return np.random.default_rng(seed)


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def groups(sizes, spread=0.05, dimensions=16):
    """Texts around as many axes as there are sizes, and the group of each."""
    group = np.repeat(np.arange(len(sizes)), sizes)
    noise = rng(2).normal(size=(len(group), dimensions)) * spread
    return unit(np.eye(dimensions)[group] + noise), group


def axis(*numbers):
    return np.eye(16, dtype=np.float32)[list(numbers)]


def scattered(n, seed=0):
    return unit(rng(seed).normal(size=(n, 16)))


# what they choose


@every_strategy
def test_one_text_of_each_region_is_taken_before_a_second_of_any(strategy):
    X, group = groups([60, 50, 40, 30, 20])
    chosen = strategy(PoolView(embeddings=X, centers=axis(*range(5))), 5, rng())
    assert group[chosen.indices].tolist() == [0, 1, 2, 3, 4]


@every_strategy
def test_regions_with_labels_or_texts_of_this_batch_are_covered(strategy):
    X, group = groups([60, 50, 40, 30, 20])
    pool = PoolView(embeddings=X, labeled=axis(0), centers=axis(*range(5)), pending=axis(2))
    chosen = strategy(pool, 3, rng())
    assert group[chosen.indices].tolist() == [1, 3, 4]


@every_strategy
def test_the_chosen_text_is_in_the_middle_of_its_region(strategy):
    X, _ = groups([100], spread=0.15)
    first = strategy(PoolView(embeddings=X), 1, rng()).indices[0]
    closeness = X @ axis(0)[0]
    assert (closeness > closeness[first]).sum() < 15


@every_strategy
def test_only_texts_of_the_part_are_chosen(strategy):
    X, _ = groups([60, 50, 40])
    pool = PoolView(embeddings=X)
    rows = np.arange(1, 150, 3)
    whole = strategy(part(pool, np.arange(150)), 10, rng())
    assert len(strategy(part(pool, rows), 50, rng())) == 50
    assert whole.indices.tolist() == strategy(pool, 10, rng()).indices.tolist()


@every_strategy
def test_equal_texts_are_drawn_and_not_taken_in_the_order_of_the_file(strategy):
    pool = PoolView(embeddings=np.full((40, 16), 0.25, np.float32))
    seen = {int(strategy(pool, 1, rng(seed)).indices[0]) for seed in range(20)}
    assert len(seen) > 8


@every_strategy
def test_scores_never_rise(strategy):
    for X in (scattered(200), groups([60, 50, 40])[0]):
        scores = strategy(PoolView(embeddings=X), 80, rng()).scores
        assert (np.diff(scores) <= 0).all()
        assert scores[0] > 0


# typiclust


def test_typiclust_leaves_outliers_for_last():
    X, group = groups([40, 30, 2, 2, 2])
    chosen = typical(PoolView(embeddings=X, labeled=axis(0)), 4, rng())
    assert group[chosen.indices].tolist() == [1, 0, 1, 0]


def test_typiclust_makes_no_more_clusters_than_the_cap(monkeypatch):
    monkeypatch.setattr(typiclust, "MAX_CLUSTERS", 3)
    chosen = typical(PoolView(embeddings=scattered(90)), 30, rng())
    assert {why.split()[3] for why in chosen.why} == {"1", "2", "3"}


def test_typiclust_measures_a_crowded_cluster_on_a_draw(monkeypatch):
    monkeypatch.setattr(typiclust, "SAMPLE", 20)
    chosen = typical(PoolView(embeddings=groups([300], spread=0.15)[0]), 1, rng())
    assert len(chosen) == 1
    assert len(typical(PoolView(embeddings=scattered(60)), 60, rng())) == 60


def test_typiclust_measures_distances_in_blocks(monkeypatch):
    X = scattered(50)
    squared = 2 - 2 * X @ X.T + 9 * np.eye(50)
    expected = np.sqrt(np.sort(squared, axis=1)[:, : typiclust.NEAREST]).mean(axis=1)
    for block in (typiclust.BLOCK, 320, 1):
        monkeypatch.setattr(typiclust, "BLOCK", block)
        assert typiclust._spread(X) == pytest.approx(expected, abs=1e-5)


def test_typiclust_measures_texts_of_a_small_cluster_by_the_nearer_half_of_it():
    X = scattered(9)
    distances = np.sort(np.linalg.norm(X[:, None] - X, axis=2), axis=1)
    assert typiclust._spread(X) == pytest.approx(distances[:, 1:5].mean(axis=1), abs=1e-5)


# probcover


def test_probcover_counts_what_no_other_covers_yet():
    X, group = groups([30, 20, 10], spread=0.01)
    chosen = cover(PoolView(embeddings=X), 5, rng(), delta=0.5)
    assert (chosen.scores * 60).round().tolist() == [30, 20, 10, 0, 0]
    assert group[chosen.indices[:3]].tolist() == [0, 1, 2]
    assert chosen.why[0] == "covers 30 texts within 0.50"
    assert chosen.why[4] == "all is covered: drawn"


def test_probcover_covers_a_text_with_itself_however_small_the_ball():
    chosen = cover(PoolView(embeddings=scattered(200)), 200, rng(), delta=1e-4)
    assert (chosen.scores * 200).round().tolist() == [1] * 200


def test_probcover_matches_a_cover_that_is_counted_anew_for_every_text():
    X = scattered(120)
    pool = PoolView(embeddings=X, labeled=scattered(5, seed=1))
    inside = 2 - 2 * X @ X.T <= 0.8**2
    left = ~(2 - 2 * X @ pool.labeled.T <= 0.8**2).any(axis=1)
    chosen = cover(pool, 40, rng(), delta=0.8)
    for i, score in zip(chosen.indices, chosen.scores, strict=True):
        gains = (inside & left).sum(axis=1)
        assert gains.max() == round(score * 120)
        if score:
            assert gains[i] == gains.max()
        left &= ~inside[i]


def test_probcover_takes_the_radius_at_which_balls_stay_in_one_cluster():
    X, group = groups([60, 50, 40], spread=0.05)
    pool = PoolView(embeddings=X, centers=axis(0, 1, 2))
    radius = float(cover(pool, 1, rng()).why[0].split()[-1])
    cosines = np.where(group[:, None] == group, -1, X @ X.T).max(axis=1)
    assert radius == pytest.approx(np.sqrt(2 - 2 * np.quantile(cosines, 0.95)), abs=0.01)
    assert group[cover(pool, 3, rng()).indices].tolist() == [0, 1, 2]


@pytest.mark.parametrize("delta", [-0.1, 2.1, float("nan")])
def test_probcover_refuses_a_radius_that_vectors_of_length_1_do_not_have(delta):
    with pytest.raises(ValueError, match="delta must be from 0 to 2"):
        cover(PoolView(embeddings=scattered(5)), 0, rng(), delta=delta)


# herding


def brute_force(X, weights, reached, n, sharpness=1.0):
    kernel = np.exp(-sharpness * (2 - 2 * (X @ X.T).astype(np.float64)))
    chosen = []
    for _ in range(n):
        gains = np.maximum(kernel - reached, 0) @ (weights / weights.sum())
        gains[chosen] = -1
        chosen.append(int(gains.argmax()))
        reached = np.maximum(reached, kernel[chosen[-1]])
    return chosen


def test_maxherding_finds_what_a_full_search_finds(monkeypatch):
    monkeypatch.setattr(coverage, "RENEWED", 2)
    X, L = scattered(200), scattered(7, seed=1)
    pool = PoolView(embeddings=X, labeled=L)
    reached = np.exp(-(2 - 2 * X @ L.T)).max(axis=1)
    assert maxherding(pool, 40, rng()).indices.tolist() == brute_force(X, np.ones(200), reached, 40)


def test_maxherding_scores_add_up_to_the_coverage_of_the_pool():
    assert maxherding(PoolView(embeddings=scattered(50)), 50, rng()).scores.sum() == pytest.approx(
        1
    )


def test_uherding_weighs_by_doubt_and_narrows_with_the_labels():
    X, L = scattered(200), scattered(7, seed=1)
    proba = rng(3).dirichlet(np.ones(3), 200).astype(np.float32)
    pool = PoolView(embeddings=X, proba=proba, labeled=L)
    squared = 2 - 2 * L @ L.T + 9 * np.eye(7)
    sharpness = 1 / np.quantile(squared.min(axis=1), 0.1)
    reached = np.exp(-sharpness * (2 - 2 * X @ L.T)).max(axis=1)
    top = np.sort(proba.astype(np.float64), axis=1)
    doubt = 1 - (top[:, -1] - top[:, -2])
    expected = brute_force(X, doubt, reached, 40, sharpness)
    assert uherding(pool, 40, rng()).indices.tolist() == expected
    softer = (top**0.5) / (top**0.5).sum(axis=1, keepdims=True)
    expected = brute_force(X, 1 - (softer[:, -1] - softer[:, -2]), reached, 40, sharpness)
    assert uherding(pool, 40, rng(), temperature=2).indices.tolist() == expected


def test_uherding_leaves_alone_what_the_model_is_sure_of():
    X, group = groups([60, 50, 40])
    proba = np.where(group[:, None] == 0, [1.0, 0.0], [0.5, 0.5]).astype(np.float32)
    chosen = uherding(PoolView(embeddings=X, proba=proba), 2, rng())
    assert group[chosen.indices].tolist() == [1, 2]
    assert "in doubt" in chosen.why[0]


def test_uherding_is_maxherding_while_there_is_nothing_to_doubt():
    X = scattered(100)
    certain = np.eye(2, dtype=np.float32)[np.arange(100) % 2]
    same = maxherding(PoolView(embeddings=X), 10, rng()).indices.tolist()
    for proba in (None, certain[:, :1], certain):
        chosen = uherding(PoolView(embeddings=X, proba=proba), 10, rng())
        assert chosen.indices.tolist() == same


def test_uherding_is_maxherding_while_labels_are_of_a_single_class():
    pool = PoolView(
        embeddings=scattered(100),
        proba=np.eye(2, dtype=np.float32)[np.zeros(100, int)],
        labeled=scattered(4, seed=1),
        labels=np.zeros(4, np.int64),
    )
    chosen = uherding(pool, 10, rng())
    assert chosen.indices.tolist() == maxherding(pool, 10, rng()).indices.tolist()
    assert all(why.startswith("no doubt to go by yet") for why in chosen.why)


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("inf"), float("nan")])
def test_uherding_refuses_a_temperature_that_is_none(temperature):
    with pytest.raises(ValueError, match="temperature must be positive"):
        uherding(PoolView(embeddings=scattered(5)), 0, rng(), temperature=temperature)


@pytest.mark.parametrize("strategy", [maxherding, uherding])
def test_a_part_of_the_pool_is_chosen_to_cover_the_whole(strategy):
    X, group = groups([100, 40, 5])
    few = np.flatnonzero(np.arange(145) % 5 == 0)  # of all three groups
    chosen = strategy(part(PoolView(embeddings=X), few), 2, rng())
    assert group[few[chosen.indices]].tolist() == [0, 1]


# limits


@pytest.fixture
def small_limits(monkeypatch):
    monkeypatch.setattr(probcover, "SAMPLE", 50)
    monkeypatch.setattr(probcover, "MEASURED", 20)
    monkeypatch.setattr(probcover, "BLOCK", 500)
    monkeypatch.setattr(herding, "REFERENCES", 60)
    monkeypatch.setattr(herding, "CANDIDATES", 50)
    monkeypatch.setattr(coverage, "BLOCK", 7)
    monkeypatch.setattr(grouping, "SAMPLE", 40)
    monkeypatch.setattr(typiclust, "SAMPLE", 10)
    monkeypatch.setattr(typiclust, "BLOCK", 70)


@every_strategy
@pytest.mark.usefixtures("small_limits")
def test_above_the_limits_a_sample_is_looked_at(strategy):
    X, group = groups([120, 80, 60])
    pool = PoolView(embeddings=X, centers=axis(0, 1, 2))
    assert set(group[strategy(pool, 3, rng()).indices]) == {0, 1, 2}
    for n in (3, 90, 260):
        chosen = strategy(pool, n, rng())
        assert len(set(chosen.indices.tolist())) == n
        assert chosen.indices.tolist() == strategy(pool, n, rng()).indices.tolist()


@pytest.mark.usefixtures("small_limits")
def test_a_sample_is_as_large_as_the_batch_and_no_larger(monkeypatch):
    seen = []
    plain = PoolView.vectors
    monkeypatch.setattr(
        PoolView, "vectors", lambda pool, rows: (seen.append(len(rows)), plain(pool, rows))[1]
    )
    for strategy, n in ((cover, 5), (maxherding, 5), (cover, 70), (maxherding, 70)):
        seen.clear()
        strategy(PoolView(embeddings=scattered(200)), n, rng())
        assert max(seen) == max(60 if strategy is maxherding else 50, n)


# geometry


def nearest_of(X, k):
    cosines = X @ X.T
    np.fill_diagonal(cosines, -np.inf)
    return np.sort(np.argsort(-cosines, axis=1, kind="stable")[:, :k], axis=1), cosines


def test_neighbors_are_the_most_similar_others():
    X = scattered(300)
    graph = neighbors.neighbors(PoolView(embeddings=X), 7)
    there, cosines = nearest_of(X, 7)
    assert graph.indices.reshape(300, 7).tolist() == there.tolist()
    expected = np.take_along_axis(cosines, there, axis=1)
    assert graph.data.reshape(300, 7) == pytest.approx(expected, abs=1e-6)


def test_neighbors_come_in_blocks(monkeypatch):
    pool = PoolView(embeddings=scattered(300))
    at_once = neighbors.neighbors(pool, 7)
    monkeypatch.setattr(neighbors, "BLOCK", 1000)
    in_blocks = neighbors.neighbors(replace(pool, shared=Shared()), 7)
    assert in_blocks.indices.tolist() == at_once.indices.tolist()


def test_a_text_has_no_more_neighbors_than_there_are_others():
    graph = neighbors.neighbors(PoolView(embeddings=scattered(4)), 20)
    assert graph.toarray().astype(bool).tolist() == (~np.eye(4, dtype=bool)).tolist()
    assert neighbors.neighbors(PoolView(embeddings=scattered(1)), 5).nnz == 0
    with pytest.raises(ValueError, match="k must be at least 1"):
        neighbors.neighbors(PoolView(embeddings=scattered(4)), 0)


def test_equal_texts_have_k_neighbors_like_any_other():
    graph = neighbors.neighbors(PoolView(embeddings=np.full((30, 16), 0.25, np.float32)), 4)
    assert np.diff(graph.indptr).tolist() == [4] * 30
    assert not graph.diagonal().any()


def test_the_neighbors_of_a_part_are_those_of_the_whole_that_are_in_it():
    pool = PoolView(embeddings=scattered(200))
    rows = np.arange(0, 200, 3)
    expected = neighbors.neighbors(pool, 6).toarray()[np.ix_(rows, rows)]
    assert (neighbors.neighbors(part(pool, rows), 6).toarray() == expected).all()


def test_in_a_large_pool_most_neighbors_are_found_in_the_cells_nearby(monkeypatch):
    X, _ = groups([60] * 25, spread=0.3, dimensions=40)
    exact = neighbors.neighbors(PoolView(embeddings=X), 10)
    monkeypatch.setattr(neighbors, "EXACT", 100)
    found = neighbors.neighbors(PoolView(embeddings=X), 10)
    assert (np.diff(found.indptr) <= 10).all()
    assert not found.diagonal().any()
    same = (found.astype(bool).multiply(exact.astype(bool))).sum() / exact.nnz
    assert 0.8 < same < 1  # under 1, or it was no search in cells
    equal = neighbors.neighbors(PoolView(embeddings=np.full((200, 16), 0.25, np.float32)), 4)
    assert np.diff(equal.indptr).tolist() == [4] * 200


def test_shared_work_is_done_once_a_round(monkeypatch):
    done = []

    def counted(name, function):
        return lambda *given: (done.append(name), function(*given))[1]

    monkeypatch.setattr(neighbors, "_graph", counted("graph", neighbors._graph))
    monkeypatch.setattr(grouping, "find_centers", counted("cells", grouping.find_centers))
    monkeypatch.setattr(probcover, "_nearest_other", counted("radius", probcover._nearest_other))
    pool = PoolView(embeddings=scattered(90), shared=Shared(5))
    for view in (pool, part(pool, np.arange(50)), part(pool, np.arange(10, 60))):
        neighbors.neighbors(view, 4)
        typical(view, 5, rng())
        cover(view, 5, rng())
    assert sorted(done) == ["cells", "graph", "radius"]


def test_other_labels_make_other_cells():
    pool = PoolView(embeddings=scattered(90))
    one = grouping.cells(replace(pool, labeled=scattered(30, seed=1)), 9)[0]
    other = grouping.cells(replace(pool, labeled=scattered(30, seed=2)), 9)[0]
    assert one.tolist() != other.tolist()


def test_cells_count_what_is_labeled_or_in_the_batch():
    X, _ = groups([40, 30, 20])
    pool = PoolView(embeddings=X, labeled=axis(0, 0))
    cells, taken = grouping.cells(replace(pool, pending=axis(1)), 3)
    assert taken[cells[[0, 40, 70]]].tolist() == [2, 1, 0]


def test_k_means_finds_groups_that_lie_apart():
    for seed in range(5):
        X, group = groups([50] * 12, spread=0.02)
        found = grouping.kmeans(X, 12, rng(seed))
        assert sorted(len(set(group[rows])) for rows in found) == [1] * 12
