"""least_confidence, committee, density, kcenter and cluster_margin: what makes each itself."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from al_loop import learner
from strategies import cluster_margin as clustered
from strategies import grouping
from strategies.base import PoolView
from strategies.cluster_margin import cluster_margin
from strategies.committee import committee
from strategies.density import density, mean_cosine
from strategies.kcenter import kcenter
from strategies.part import part, without
from strategies.shared import Shared
from strategies.uncertainty import least_confidence, margin, margins
from tests.test_strategies import POOLS, assert_kept, assert_same, make_pool, rng, unit


def plain(X, **fields):
    return PoolView(embeddings=np.asarray(X, np.float32), **fields)


def angles(*degrees):
    """Return unit vectors in the plane."""
    radians = np.deg2rad(np.array(degrees, dtype=np.float64))
    return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)


def confident(confidence):
    """Return (N, 3) probabilities whose largest, and whose margins, are as given."""
    top = np.asarray(confidence, np.float32)
    return np.stack([top, (1 - top) * 0.6, (1 - top) * 0.4], axis=1)


# least_confidence


def test_least_confidence_minds_the_most_probable_class_only():
    proba = np.array([[0.45, 0.44, 0.11], [0.4, 0.3, 0.3], [0.9, 0.1, 0.0]])
    chosen = least_confidence(plain(np.eye(3), proba=proba), 3, rng())
    assert chosen.indices.tolist() == [1, 0, 2]
    assert chosen.scores == pytest.approx([0.6, 0.55, 0.1])
    assert chosen.why[0] == "confidence 0.400"


def test_rounding_to_single_precision_changes_no_pick_of_least_confidence():
    proba = rng().dirichlet(np.ones(3), 20_000)
    double = PoolView(embeddings=np.empty((20_000, 1)), proba=proba)
    single = replace(double, proba=proba.astype(np.float32))
    assert_same(least_confidence(double, 20_000, rng()), least_confidence(single, 20_000, rng()))


# committee


class Committee:
    """Trains members that say what they are told, and notes what they were trained on."""

    def __init__(self, *says):
        self.says, self.samples, self.looked_at = says, [], 0

    def learn(self, X, y):
        self.samples.append((X, y))
        told = np.asarray(self.says[(len(self.samples) - 1) % len(self.says)])

        def proba(X):
            self.looked_at = max(self.looked_at, len(X))
            return told[np.round(X[:, 0]).astype(int)]

        return proba

    def pool(self, labels=(0, 1)):
        texts = np.arange(len(self.says[0]))[:, None]  # text i is where the vector says i
        labels = np.array(labels)
        return plain(texts, labeled=labels[:, None], labels=labels, learn=self.learn)


SURE = [[1.0, 0.0], [0.0, 1.0]]


def test_the_committee_asks_where_its_members_are_sure_of_different_classes():
    # Of text 0 both are sure and agree, of text 1 neither is sure, of text 2 they differ.
    one = [[1.0, 0.0], [0.5, 0.5], [0.9, 0.1]]
    two = [[1.0, 0.0], [0.5, 0.5], [0.1, 0.9]]
    chosen = committee(Committee(one, two).pool(), 3, rng(), size=2, measure="bald")
    assert chosen.indices[0] == 2
    surprise = np.log(2) + 0.9 * np.log(0.9) + 0.1 * np.log(0.1)
    assert chosen.scores == pytest.approx([surprise, 0, 0], abs=1e-5)
    assert chosen.why[0] == "BALD 0.368 of 2 models"
    assert set(chosen.source) == {"committee"}


def test_votes_count_the_most_probable_classes_only():
    one = [[0.51, 0.49], [1.0, 0.0], [0.9, 0.1]]
    two = [[0.49, 0.51], [0.6, 0.4], [0.9, 0.1]]
    world = Committee(one, two, one)
    chosen = committee(world.pool(), 3, rng(), size=3, measure="votes")
    assert chosen.indices[0] == 0
    third = -(np.log(1 / 3) + 2 * np.log(2 / 3)) / 3
    assert chosen.scores == pytest.approx([third, 0, 0], abs=1e-5)
    assert chosen.why[0] == "vote entropy 0.637 of 3 models"


@pytest.mark.parametrize("measure", ["bald", "votes"])
def test_where_the_members_agree_texts_are_drawn(measure):
    proba = np.tile(rng().dirichlet(np.ones(7), 1), (50, 1)) + rng(1).normal(size=(50, 7)) * 1e-9
    # The same but for the last digits, as of two ways to the same optimum.
    world = [proba, proba + 1e-10, proba * (1 + 1e-9)]
    choose = partial(committee, Committee(*world).pool(), 1, size=3, measure=measure)
    seen = [choose(rng(seed)) for seed in range(40)]
    assert {float(c.scores[0]) for c in seen} == {0.0}
    assert len({int(c.indices[0]) for c in seen}) > 10


def test_every_member_learns_from_another_sample_of_as_many_labels():
    world = Committee(SURE)
    labels = np.repeat([0, 1], 50)
    pool = replace(world.pool(labels), labeled=np.arange(100, dtype=np.float32)[:, None])
    committee(pool, 1, rng(), size=4)
    assert len(world.samples) == 4
    for X, y in world.samples:
        assert len(X) == len(y) == 100
        assert y.tolist() == labels[X[:, 0].astype(int)].tolist()
        assert 50 < len(np.unique(X)) < 80  # drawn with replacement
    assert len({X.tobytes() for X, _ in world.samples}) == 4


def test_no_member_lacks_a_class_that_is_labeled():
    world = Committee(SURE)
    labels = np.array([*range(30), *[30] * 40])
    committee(world.pool(labels), 1, rng(), size=10)
    assert all(set(y) == set(range(31)) for _, y in world.samples)
    # One label each, and the members are still not all the same.
    few = Committee(SURE)
    committee(few.pool(range(10)), 1, rng(), size=5)
    assert len({tuple(np.sort(y)) for _, y in few.samples}) == 5


def test_the_committee_looks_at_a_block_of_texts_at_a_time(monkeypatch):
    from strategies import committee as module

    says = [rng(seed).dirichlet(np.ones(3), 95) for seed in range(5)]
    at_once = committee(Committee(*says).pool(), 95, rng())
    monkeypatch.setattr(module, "BLOCK", 10)
    world = Committee(*says)
    assert_same(committee(world.pool(), 95, rng()), at_once)
    assert world.looked_at == 10


def test_a_committee_of_real_models_asks_between_the_classes():
    r = rng(4)
    labeled = unit(np.repeat(np.eye(2, 8), 15, axis=0) + r.normal(size=(30, 8)) * 0.1)
    sure = unit(np.repeat(np.eye(2, 8), 40, axis=0) + r.normal(size=(80, 8)) * 0.05)
    between = unit(np.ones((8, 2)) @ np.eye(2, 8) + r.normal(size=(8, 8)) * 0.05)
    pool = plain(
        np.concatenate([sure, between]),
        labeled=labeled,
        labels=np.repeat([0, 1], 15),
        learn=lambda X, y: learner.fit(X, y, n_classes=2).proba,
    )
    for measure in ("bald", "votes"):
        chosen = committee(pool, 4, rng(), measure=measure)
        assert (chosen.indices[chosen.scores > 0] >= 80).all()
        assert chosen.scores[0] > 0


@pytest.mark.parametrize("bad", [{"size": 1}, {"size": 0}, {"measure": "vote"}])
def test_a_committee_that_cannot_be_is_refused(bad):
    with pytest.raises(ValueError, match=f"{next(iter(bad))} must be"):
        committee(make_pool(), 0, rng(), **bad)


def learning(pool):
    """Let a pool of the common contract train nearest-mean members, which is quick."""

    def learn(X, y):
        return lambda rows: (
            np.eye(4)[(rows @ X.T).argmax(axis=1) % 4] * 0.7 + 0.1 * (rows[:, :4] > 0)
        )

    return replace(pool, learn=learn)


@pytest.mark.parametrize("pool", POOLS.values(), ids=POOLS.keys())
@pytest.mark.parametrize("measure", ["bald", "votes"])
def test_a_committee_with_models_keeps_the_contract_of_any_pool(pool, measure):
    pool = learning(pool)
    for n in sorted({0, 1, min(12, len(pool)), len(pool)}):
        assert_kept(committee(pool, n, rng(), measure=measure), n, pool)
    assert_same(committee(pool, 1, rng(3)), committee(pool, 1, rng(3)))


def test_single_and_double_precision_give_the_same_committee():
    single, double = make_pool(n=60), make_pool(n=60, dtype=np.float64)
    fit = lambda X, y: learner.fit(X, y, n_classes=4).proba  # noqa: E731
    one, other = replace(single, learn=fit), replace(double, learn=fit)
    assert_same(committee(one, 20, rng(), size=3), committee(other, 20, rng(), size=3))


# density


def crowd_and_loner():
    """Twenty texts that are alike, half of them uncertain, and the least sure text of all apart."""
    X = np.concatenate([angles(*np.linspace(-5, 5, 20)), angles(100)])
    proba = confident([0.5, 0.9] * 10 + [0.34])
    return plain(X, proba=proba)


@pytest.mark.parametrize("uncertainty", ["entropy", "margin"])
def test_density_takes_uncertain_texts_of_the_crowd_and_not_the_loner(uncertainty):
    pool = crowd_and_loner()
    chosen = density(pool, 10, rng(), uncertainty=uncertainty)
    assert sorted(chosen.indices) == list(range(0, 20, 2))
    alone = density(pool, 1, rng(), uncertainty=uncertainty, beta=0.0)
    assert alone.indices.tolist() == [20]
    assert chosen.why[0].startswith(f"{uncertainty} ")
    assert "mean similarity 0.9" in chosen.why[0]


def test_density_is_uncertainty_times_the_mean_cosine_to_all_texts():
    pool = make_pool()
    X = pool.embeddings.astype(np.float64)
    cosines = (X @ X.T).mean(axis=1)
    assert mean_cosine(pool) == pytest.approx(cosines, abs=1e-5)
    chosen = density(pool, 150, rng(), beta=2.0, uncertainty="margin")
    wanted = (1 - margins(pool.proba)) * np.maximum(cosines, 0) ** 2
    assert chosen.scores == pytest.approx(wanted[chosen.indices], abs=1e-5)
    assert chosen.scores[0] == pytest.approx(wanted.max(), abs=1e-5)


def test_texts_that_are_unlike_the_pool_count_nothing_whatever_beta_is():
    pool = plain(angles(0, 5, 10, 180), proba=confident([0.9, 0.9, 0.9, 0.34]))
    for beta in (0.5, 1.0, 2.0):
        chosen = density(pool, 4, rng(), beta=beta)
        assert chosen.indices[-1] == 3
        assert chosen.scores[-1] == 0


def test_density_is_of_the_whole_pool_where_the_strategy_sees_a_part_and_is_found_once():
    pool = replace(crowd_and_loner(), shared=Shared())
    some = np.array([0, 1, 20])
    assert mean_cosine(part(pool, some)).tolist() == mean_cosine(pool)[some].tolist()
    kept = pool.shared.once(pool.embeddings, "mean", lambda: pytest.fail("computed again"))
    assert kept == pytest.approx(pool.embeddings.mean(axis=0), abs=1e-6)


@pytest.mark.parametrize("bad", [{"beta": -1.0}, {"beta": float("nan")}, {"uncertainty": "doubt"}])
def test_a_density_that_cannot_be_is_refused(bad):
    with pytest.raises(ValueError, match=f"{next(iter(bad))} must be"):
        density(make_pool(), 0, rng(), **bad)


# kcenter


def test_kcenter_takes_what_is_farthest_from_labeled_and_chosen_texts():
    pool = plain(angles(0, 10, 40, 90, 180), labeled=angles(0), labels=np.array([0]))
    chosen = kcenter(pool, 5, rng())
    assert chosen.indices.tolist() == [4, 3, 2, 1, 0]
    gaps = [2 * np.sin(np.deg2rad(a / 2)) for a in (180, 90, 40, 10, 0)]
    assert chosen.scores == pytest.approx(gaps, abs=1e-3)
    assert chosen.why[1] == "distance 1.41 to the nearest labeled or chosen text"


def test_kcenter_stays_away_from_texts_that_are_in_the_batch_already():
    pool = plain(angles(0, 60, 180), labeled=angles(0), labels=np.array([0]))
    assert kcenter(pool, 1, rng()).indices.tolist() == [2]
    assert kcenter(replace(pool, pending=angles(180)), 1, rng()).indices.tolist() == [1]
    rest, rows = without(pool, np.array([2]))
    assert rows[kcenter(rest, 1, rng()).indices].tolist() == [1]


def test_kcenter_without_any_label_begins_in_the_middle():
    chosen = kcenter(plain(angles(0, 50, 60, 70, 120)), 3, rng())
    assert chosen.indices[0] == 2
    assert sorted(chosen.indices[1:]) == [0, 4]
    assert chosen.why[0] == "nearest to the mean of the pool"
    assert chosen.scores[0] == 2.0


def test_kcenter_takes_a_text_of_each_group():
    group = np.repeat(np.arange(6), 20)
    X = unit(np.eye(8)[group] + rng(1).normal(size=(120, 8)) * 0.05)
    chosen = kcenter(plain(X), 6, rng())
    assert sorted(group[chosen.indices]) == [0, 1, 2, 3, 4, 5]


def test_equally_far_texts_are_drawn():
    pool = plain(np.eye(30), labeled=np.eye(30)[:1] * 0 + 30**-0.5, labels=np.array([0]))
    assert len({int(kcenter(pool, 1, rng(seed)).indices[0]) for seed in range(40)}) > 10


def test_kcenter_in_small_blocks_is_the_same(monkeypatch):
    from strategies import kcenter as module

    pool = make_pool()
    at_once = kcenter(pool, 30, rng())
    monkeypatch.setattr(module, "_CELLS", 40)
    assert_same(kcenter(pool, 30, rng()), at_once)


# cluster_margin


def groups_of(sizes, seed=1):
    """Return (N, 16) texts in tight groups of these sizes, and the group of each."""
    group = np.repeat(np.arange(len(sizes)), sizes)
    return unit(np.eye(16)[group] + rng(seed).normal(size=(len(group), 16)) * 0.02), group


def test_cluster_margin_spreads_a_batch_that_margin_takes_of_one_group():
    X, group = groups_of([40, 30, 20, 6, 4])
    pool = plain(X, proba=confident(np.where(group == 0, 0.4, 0.41)))
    assert set(group[margin(pool, 10, rng()).indices]) == {0}
    chosen = cluster_margin(pool, 10, rng(), among=5)  # 50 texts, 40 of them of the first group
    assert len(set(group[chosen.indices])) > 1
    every = cluster_margin(replace(pool, proba=confident([0.4] * 100)), 50, rng(), among=2)
    assert set(group[every.indices]) == {0, 1, 2, 3, 4}


def test_small_clusters_come_first_and_are_emptied_first():
    X, group = groups_of([20, 5, 2, 1])
    proba = confident(np.full(28, 0.4))
    pool = plain(np.concatenate([X, -X]), proba=np.concatenate([proba, confident([0.99] * 28)]))
    chosen = cluster_margin(pool, 4, rng(), among=7)
    assert group[chosen.indices].tolist() == [3, 2, 1, 0]
    assert chosen.scores == pytest.approx([1, 1 / 2, 1 / 5, 1 / 20])
    assert chosen.why[0] == "margin 0.040, like no other of them"
    assert chosen.why[3] == "margin 0.040, one of 20 alike"


def test_certain_texts_are_left_alone():
    pool = make_pool()
    chosen = cluster_margin(pool, 20, rng(), among=2)
    limit = np.sort(margins(pool.proba))[39]
    assert (margins(pool.proba)[chosen.indices] <= limit).all()


def test_the_choice_within_a_cluster_is_drawn():
    X, _ = groups_of([50])
    pool = plain(X, proba=confident(np.linspace(0.4, 0.41, 50)))
    seen = {int(cluster_margin(pool, 1, rng(seed), among=25).indices[0]) for seed in range(40)}
    assert len(seen) > 10


def test_texts_are_clustered_by_average_linkage():
    from scipy.cluster.hierarchy import fcluster, linkage

    X = unit(rng(3).normal(size=(60, 4)))
    wanted = fcluster(linkage(X.astype(np.float64), "average", metric="cosine"), 7, "maxclust")
    found = clustered._clusters(plain(X), np.arange(60), 7)
    pairs = {(int(a), int(b)) for a, b in zip(wanted, found, strict=True)}
    assert len(pairs) == len(set(wanted)) == len(set(found)) == 7


def test_the_uncertain_texts_lie_in_as_many_clusters_as_there_are_places():
    X, _ = groups_of([30] * 5)
    rows = np.arange(0, 60, 2)  # of two groups only
    for count in (1, 2, 5, 12):
        assert len(np.unique(clustered._clusters(plain(X), rows, count))) == count


def test_a_larger_pool_is_sampled_and_other_texts_join_the_most_similar_one(monkeypatch):
    monkeypatch.setattr(clustered, "LINKED", 30)
    X, group = groups_of([40, 40, 40])
    pool = plain(X)
    assert len(clustered._linked(pool, seed=0)[0]) == 30
    found = clustered._clusters(pool, np.arange(120), 3)
    assert len({(int(a), int(b)) for a, b in zip(group, found, strict=True)}) == 3
    assert_kept(cluster_margin(make_pool(), 30, rng()), 30, make_pool())


def test_clusters_are_found_once_a_round_on_the_whole_pool(monkeypatch):
    calls = []
    linked = clustered._linked
    monkeypatch.setattr(
        clustered, "_linked", lambda pool, seed: calls.append(len(pool)) or linked(pool, seed)
    )
    pool = replace(make_pool(), shared=Shared(5))
    cluster_margin(pool, 10, rng())
    rest, _ = without(pool, np.arange(0, 150, 3))
    assert_kept(cluster_margin(rest, 10, rng()), 10, rest)
    assert calls == [150]


def test_a_batch_is_not_chosen_among_fewer_texts_than_it_has():
    with pytest.raises(ValueError, match=r"among must be at least 1, not 0\.5"):
        cluster_margin(make_pool(), 0, rng(), among=0.5)


# all of them

ALL = {
    "least_confidence": least_confidence,
    "committee": lambda pool, n, rng: committee(learning(pool), n, rng),
    "density": density,
    "kcenter": kcenter,
    "cluster_margin": cluster_margin,
}


@pytest.mark.parametrize("strategy", ALL.values(), ids=ALL.keys())
def test_a_part_of_the_pool_gives_its_own_positions(strategy):
    pool = make_pool()
    rest, rows = without(pool, np.arange(0, 150, 2))
    chosen = strategy(rest, 20, rng())
    assert_kept(chosen, 20, rest)
    assert (rows[chosen.indices] % 2 == 1).all()


@pytest.mark.parametrize("name", ["least_confidence", "density", "cluster_margin", "committee"])
def test_without_a_model_or_with_one_class_cluster_centers_are_taken(name):
    for pool, words in (
        (POOLS["cold"], "no model yet: "),
        (POOLS["one class"], "a single class so far: "),
    ):
        chosen = ALL[name](pool, 10, rng())
        assert set(chosen.source) == {"clusters"}
        assert all(why.startswith(words) for why in chosen.why)


@pytest.mark.parametrize("strategy", ALL.values(), ids=ALL.keys())
def test_nothing_depends_on_the_size_of_a_block(strategy, monkeypatch):
    from strategies import committee as c
    from strategies import density as d
    from strategies import kcenter as k

    pool = make_pool()
    at_once = strategy(pool, 30, rng())
    for module in (c, d, k, grouping):
        monkeypatch.setattr(module, "BLOCK", 7)
    assert_same(strategy(pool, 30, rng()), at_once)
