"""How a batch is shared out: the random share first, then the parts of a mix."""

import tracemalloc
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from scipy.stats import chisquare

from al_loop import registry
from strategies import grouping
from strategies.base import PoolView, lacks, no_picks, picks
from strategies.baseline import random
from strategies.clusters import clusters
from strategies.mix import apportion, mix
from strategies.novelty import novelty
from strategies.part import without
from strategies.share import random_count, with_random_share
from strategies.uncertainty import margin
from tests import test_strategies

MARGIN_AND_NOVELTY = partial(mix, parts={"margin": (margin, 0.7), "novelty": (novelty, 0.3)})


def rng(seed=0):
    return np.random.default_rng(seed)


def make_pool(n=150):
    r = rng(5)
    X = r.normal(size=(n, 8)).astype(np.float32)
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    return PoolView(embeddings=X, proba=r.dirichlet(np.ones(4), n), centers=np.eye(8)[:4])


def cold_pool():
    return PoolView(embeddings=make_pool().embeddings)


def uniformity(strategy, take):
    """Return the p-value of uniform draws; draws without replacement only make it larger."""
    pool, counts = make_pool(n=25), np.zeros(25)
    r = rng(11)
    for _ in range(2000):
        counts[take(strategy(pool, 5, r))] += 1
    return chisquare(counts).pvalue


def test_random_and_the_random_share_are_uniform_over_the_whole_pool():
    assert uniformity(random, lambda p: p.indices) > 0.01
    shared = with_random_share(margin, 0.4)
    assert uniformity(shared, lambda p: p.indices[p.source == "random"]) > 0.01
    assert uniformity(margin, lambda p: p.indices) < 1e-9


def test_the_random_share_comes_first_with_its_inclusion_probability():
    chosen = with_random_share(margin, 0.1)(make_pool(), 20, rng())
    assert chosen.source.tolist() == ["random"] * 2 + ["margin"] * 18
    assert chosen.inclusion[:2] == pytest.approx([2 / 150] * 2)
    assert np.isnan(chosen.inclusion[2:]).all()


def test_random_with_a_random_share_is_one_draw():
    bound = registry.load("random", params={}, mix={})
    chosen = with_random_share(bound, 0.1)(make_pool(), 20, rng())
    assert chosen.inclusion == pytest.approx([20 / 150] * 20)


def test_a_draw_from_the_rest_counts_from_the_whole_pool():
    drawing = partial(mix, parts={"random": (random, 1.0), "margin": (margin, 1.0)})
    chosen = with_random_share(drawing, 0.1)(make_pool(), 20, rng())
    assert chosen.inclusion[2:11] == pytest.approx([9 / 150] * 9)


def test_a_draw_from_what_another_part_left_has_no_inclusion_probability():
    chosen = mix(make_pool(), 8, rng(), parts={"margin": (margin, 1.0), "random": (random, 1.0)})
    assert chosen.source.tolist() == ["margin"] * 4 + ["random"] * 4
    assert np.isnan(chosen.inclusion).all()


def test_the_share_is_rounded_but_never_left_out():
    assert [random_count(n, 0.1) for n in (0, 1, 9, 14, 15, 25, 50)] == [0, 1, 1, 1, 2, 3, 5]
    assert [random_count(10, share) for share in (0.0, 0.01, 1.0)] == [0, 1, 10]
    for share in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match=str(share)):
            with_random_share(margin, share)


@pytest.mark.parametrize("bad", [[0, 0], [0, 150], [-1, 0], [0, 1, 2]])
def test_positions_that_a_strategy_made_up_are_refused(bad):
    wrong = with_random_share(lambda *_: picks(bad, [0.0] * len(bad), source="x", why="x"), 0.1)
    with pytest.raises(ValueError, match="a strategy returned"):
        wrong(make_pool(), 3, rng())


def test_a_mix_splits_the_batch_by_largest_remainder_without_overlap():
    assert apportion(90, [0.7, 0.3]) == [63, 27]
    assert apportion(5, [0.5, 0.3, 0.2]) == [3, 1, 1]
    assert apportion(1, [1.0, 1.0]) == [1, 0]
    two = partial(mix, parts={"margin": (margin, 0.7), "random": (random, 0.3)})
    chosen = two(make_pool(), 20, rng())
    assert chosen.source.tolist() == ["margin"] * 14 + ["random"] * 6


def test_the_share_of_novelty_in_a_mix_follows_what_there_is_to_discover():
    pool = test_strategies.make_pool(n=400)  # eight groups, four of them known classes
    half = MARGIN_AND_NOVELTY(pool, 20, rng())
    assert half.source.tolist() == ["margin"] * 12 + ["novelty"] * 8
    known = test_strategies.make_pool(n=400, k=8)
    none = MARGIN_AND_NOVELTY(known, 20, rng())
    assert none.source.tolist() == ["margin"] * 17 + ["novelty"] * 3
    alone = partial(mix, parts={"novelty": (novelty, 0.3)})
    assert set(alone(pool, 20, rng()).source) == {"novelty"}


def test_the_parts_of_a_cold_mix_choose_together():
    together = MARGIN_AND_NOVELTY(cold_pool(), 20, rng())
    assert together.indices.tolist() == clusters(cold_pool(), 20, rng()).indices.tolist()
    assert lacks(partial(novelty, min_cluster_size=3), cold_pool())
    assert not lacks(partial(novelty, min_cluster_size=3), make_pool())


def test_a_part_of_a_mix_that_cannot_fill_its_share_passes_the_rest_on():
    def short(pool, n, rng):
        return random(pool, min(n, 2), rng)

    def nothing(pool, n, rng):
        return no_picks()

    for order in ("sm", "ms"):
        parts = {p: ({"s": short, "m": margin}[p], 1.0) for p in order}
        chosen = mix(make_pool(), 20, rng(), parts=parts)
        assert sorted(chosen.source) == ["margin"] * 18 + ["random"] * 2
        assert len(set(chosen.indices)) == 20
    assert len(mix(make_pool(), 20, rng(), parts={"nothing": (nothing, 1.0)})) == 0


def large_pool():
    r = rng(2)
    X = r.normal(size=(20_000, 256)).astype(np.float32)
    X.flags.writeable = False
    proba = r.dirichlet(np.ones(2), len(X)).astype(np.float32)
    return PoolView(embeddings=X, proba=proba, centers=X[:2])


def copies(pool, run):
    """Return the most memory that was in use at a time, in copies of the pool's vectors."""
    run()  # modules that it imports are not counted
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1] / pool.embeddings.nbytes
    finally:
        tracemalloc.stop()


def looks_at_all(pool, n, rng):
    assert len(pool.embeddings) == len(pool)
    return random(pool, n, rng)


def test_the_vectors_of_a_pool_are_not_copied_for_strategies_that_need_few_of_them():
    pool = large_pool()
    for strategy in (margin, partial(clusters, among=2)):
        shared = with_random_share(strategy, 0.1)
        assert copies(pool, partial(shared, pool, 20, rng())) < 0.3


def test_no_more_than_one_copy_of_the_vectors_lives_at_a_time():
    pool = large_pool()
    parts = dict.fromkeys("abc", (looks_at_all, 1.0))
    shared = with_random_share(partial(mix, parts=parts), 0.1)
    assert 0.9 < copies(pool, partial(shared, pool, 20, rng())) < 1.2


def test_distances_to_cluster_centers_cost_no_copy_of_the_vectors(monkeypatch):
    pool = large_pool()
    whole = grouping.kmeans(pool.embeddings, 1, rng())
    monkeypatch.setattr(grouping, "BLOCK", 999)
    blocks = []
    assert copies(pool, lambda: blocks.extend(grouping.kmeans(pool.embeddings, 1, rng()))) < 0.3
    np.testing.assert_array_equal(blocks[0], whole[0])


def test_a_strategy_sees_the_rest_of_a_pool_like_any_pool():
    pool = make_pool()
    once, first = without(pool, np.array([3, 149]))
    rest, second = without(once, np.array([0, 5]))
    where = first[second]
    assert where.tolist() == [i for i in range(150) if i not in (0, 3, 6, 149)]
    assert len(rest) == 146
    np.testing.assert_array_equal(rest.pending, pool.embeddings[[3, 149, 0, 6]])
    np.testing.assert_array_equal(rest.vectors(np.array([1, 0])), pool.embeddings[where[[1, 0]]])
    for name in ("embeddings", "proba"):
        rows = getattr(rest, name)
        np.testing.assert_array_equal(rows, getattr(pool, name)[where])
        assert rows is getattr(rest, name), "copied once"
        assert rows.flags.c_contiguous
        assert not rows.flags.writeable
    assert rest.centers is pool.centers
    assert without(cold_pool(), np.array([1]))[0].proba is None
    assert not hasattr(rest, "probability")
    with pytest.raises(AttributeError):
        rest.embeddings = pool.embeddings


def test_a_strategy_may_hand_a_changed_rest_to_another():
    def reduced(pool, n, rng):
        small = replace(pool, embeddings=pool.embeddings[:50, :2], proba=pool.proba[:50])
        assert len(small) == 50
        assert small.vectors(np.array([4])).shape == (1, 2)
        return margin(without(small, np.arange(30, 50))[0], n, rng)

    chosen = with_random_share(reduced, 0.1)(make_pool(), 20, rng())
    assert len(set(chosen.indices.tolist())) == 20
    assert chosen.indices[2:].max() < 32
