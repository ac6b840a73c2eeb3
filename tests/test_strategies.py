"""What every query strategy promises, and what each of them is for."""

import random as stdlib_random
import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from al_loop import registry
from strategies import discovery, grouping, novelty
from strategies.base import PoolView
from strategies.clusters import clusters
from strategies.dense import groups
from strategies.share import with_random_share
from strategies.shared import Shared
from strategies.uncertainty import entropies, entropy, margin, margins

DOCS = Path(__file__).parent.parent / "docs" / "strategies.md"
PARTS = {"margin": 0.7, "novelty": 0.3}


def documented_example():
    code = re.search(r"```python\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL).group(1)
    namespace = {}
    exec(compile(code, str(DOCS), "exec"), namespace)
    return namespace["unlike"]


CASES = {name: registry.load(name, params={}, mix=PARTS) for name in registry.names()} | {
    "clusters among": partial(clusters, among=2),
    "margin with a random share": with_random_share(margin, 0.1),
    "mix with a random share": with_random_share(registry.load("mix", params={}, mix=PARTS)),
    "the example in docs": documented_example(),
}
every_strategy = pytest.mark.parametrize("strategy", CASES.values(), ids=CASES.keys())


def rng(seed=0):
    return np.random.default_rng(seed)


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def make_pool(n=150, k=4, seed=0, dtype=np.float32, blobs=8):
    """Texts of `blobs` groups, of which the first k are known classes."""
    r = rng(seed)
    means = unit(r.normal(size=(blobs, 16)))
    X = unit(means[r.integers(0, blobs, n)] + r.normal(size=(n, 16)) * 0.05)
    proba = r.dirichlet(np.ones(k), n).astype(np.float32)
    return frozen(
        PoolView(
            embeddings=X.astype(dtype),
            proba=proba.astype(dtype),
            labeled=means[:k].astype(dtype),
            labels=np.arange(k),
            centers=means[:k].astype(dtype),
        )
    )


def frozen(pool):
    arrays = (pool.embeddings, pool.proba, pool.labeled, pool.labels, pool.centers, pool.pending)
    for array in arrays:
        if array is not None:
            array.flags.writeable = False
    return pool


def model(k):
    """What fits models of k classes: a softmax of the cosines to the mean of each class."""

    def learn(X, y):
        present = np.unique(y)
        means = unit(np.stack([X[y == c].mean(axis=0) for c in present]))

        def predict(rows):
            raised = np.exp(8 * np.asarray(rows, np.float32) @ means.T)
            out = np.zeros((len(rows), k))
            out[:, present] = raised / raised.sum(axis=1, keepdims=True)
            return out

        return predict

    return learn


def warm(pool, counts=(6, 6, 6, 6), guesses=False):
    """The pool with so many labels of its classes, and a model of them.

    guesses: the labels have nothing to do with the texts.
    """
    r, k = rng(5), len(pool.labeled)
    labels = np.repeat(np.arange(k), counts)
    X = unit(pool.labeled[labels] + r.normal(size=(len(labels), 16)) * 0.05)
    labels = r.permutation(labels) if guesses else labels
    learn = model(k)
    predict = learn(X, labels)
    return frozen(
        replace(
            pool,
            labeled=X.astype(pool.embeddings.dtype),
            labels=labels,
            proba=predict(pool.embeddings),
            predict=predict,
            learn=learn,
        )
    )


def assert_kept(chosen, n, pool):
    """Check everything that holds for any Picks."""
    assert len(chosen) == n
    assert chosen.indices.dtype == np.int64
    assert len(set(chosen.indices.tolist())) == n
    assert all(0 <= i < len(pool) for i in chosen.indices)
    assert len(chosen.scores) == len(chosen.source) == len(chosen.why) == n
    assert len(chosen.inclusion) == n
    assert np.isfinite(chosen.scores).all()
    assert all(chosen.source)
    assert all(chosen.why)
    drawn = chosen.inclusion[~np.isnan(chosen.inclusion)]
    assert ((drawn > 0) & (drawn <= 1)).all()
    best_first = [chosen.scores[chosen.source == s] for s in np.unique(chosen.source)]
    assert all((np.diff(scores) <= 1e-9).all() for scores in best_first)


def assert_same(one, other):
    assert one.indices.tolist() == other.indices.tolist()
    assert one.source.tolist() == other.source.tolist()
    assert one.why.tolist() == other.why.tolist()


POOLS = {
    "usual": make_pool(),
    "cold": PoolView(embeddings=make_pool().embeddings),
    "no model, but examples": replace(make_pool(), proba=None),
    "one class": make_pool(k=1),
    "single text": make_pool(n=1),
    "two texts": make_pool(n=2),
    "all equal": replace(
        make_pool(n=40),
        embeddings=np.full((40, 16), 0.25, np.float32),
        proba=np.full((40, 4), 0.25, np.float32),
    ),
    "every text twice": replace(
        make_pool(), embeddings=np.repeat(make_pool(n=75).embeddings, 2, axis=0)
    ),
    "certain": replace(make_pool(), proba=np.eye(4, dtype=np.float32)[np.arange(150) % 4]),
    "with a model": warm(make_pool()),
    "a model that guesses": warm(make_pool(), guesses=True),
    "classes with few labels": warm(make_pool(k=6), (30, 24, 20, 2, 1, 1)),
    "a label of each class": warm(make_pool(), (1, 1, 1, 1)),
    "a model of one class": warm(make_pool(k=1), (6,)),
    "labels of one class of four": warm(make_pool(), (6, 0, 0, 0)),
    "a model and a single text": warm(make_pool(n=1)),
    "a model and two texts": warm(make_pool(n=2)),
    "a model and texts that are all equal": warm(
        replace(make_pool(n=40), embeddings=np.full((40, 16), 0.25, np.float32))
    ),
    "a model and texts of this batch": warm(
        replace(make_pool(), pending=make_pool(n=9, seed=1).embeddings)
    ),
}


@every_strategy
@pytest.mark.parametrize("pool", POOLS.values(), ids=POOLS.keys())
def test_it_gives_n_distinct_texts_of_any_pool(strategy, pool):
    frozen(pool)
    for n in sorted({1, min(12, len(pool)), len(pool) // 2, len(pool)}):
        assert_kept(strategy(pool, n, rng()), n, pool)


@every_strategy
def test_it_refuses_a_batch_that_the_pool_cannot_give_and_names_both_numbers(strategy):
    empty = PoolView(embeddings=np.empty((0, 16), np.float32))
    for pool, n in ((make_pool(n=30), 31), (make_pool(n=30), -3), (empty, 1)):
        with pytest.raises(ValueError, match=rf"(?s){n}\b.*\b{len(pool)}"):
            strategy(pool, n, rng())


@every_strategy
def test_a_batch_of_no_text_is_empty(strategy):
    for pool in (make_pool(), PoolView(embeddings=np.empty((0, 16), np.float32))):
        assert_kept(strategy(pool, 0, rng()), 0, pool)


@every_strategy
@pytest.mark.parametrize(
    "pool", [POOLS[name] for name in ("usual", "cold", "certain", "with a model")]
)
def test_the_same_seed_gives_the_same_picks(strategy, pool):
    assert_same(strategy(pool, 20, rng(3)), strategy(pool, 20, rng(3)))


@every_strategy
def test_single_and_double_precision_give_the_same_picks(strategy):
    single, double = make_pool(), make_pool(dtype=np.float64)
    assert_same(strategy(single, 20, rng()), strategy(double, 20, rng()))
    assert_same(strategy(warm(single), 20, rng()), strategy(warm(double), 20, rng()))


@pytest.mark.parametrize("strategy", [margin, entropy], ids=["margin", "entropy"])
def test_rounding_to_single_precision_changes_no_pick(strategy):
    proba = rng().dirichlet(np.ones(3), 20_000)
    double = PoolView(embeddings=np.empty((20_000, 1)), proba=proba)
    single = replace(double, proba=proba.astype(np.float32))
    assert_same(strategy(double, 20_000, rng()), strategy(single, 20_000, rng()))


@every_strategy
def test_the_global_random_state_is_left_alone(strategy):
    before = [str(np.random.get_state()), stdlib_random.getstate()]  # noqa: NPY002
    strategy(make_pool(), 20, rng())
    strategy(POOLS["cold"], 20, rng())
    strategy(POOLS["with a model"], 20, rng())
    assert [str(np.random.get_state()), stdlib_random.getstate()] == before  # noqa: NPY002


@pytest.mark.parametrize("name", ["margin", "entropy", "clusters", "novelty", "mix"])
def test_before_there_is_anything_to_go_by_it_takes_cluster_centers_and_says_so(name):
    chosen = CASES[name](POOLS["cold"], 10, rng())
    assert set(chosen.source) == {"clusters"}
    assert all(re.match(r"no model yet: (center|text \d+) of cluster", w) for w in chosen.why)


@pytest.mark.parametrize("name", ["margin", "entropy", "clusters"])
@pytest.mark.parametrize("pool", ["one class", "labels of one class of four"])
def test_with_one_class_it_takes_cluster_centers_and_says_so(name, pool):
    chosen = CASES[name](POOLS[pool], 10, rng())
    assert set(chosen.source) == {"clusters"}
    assert all("a single class so far: " in why for why in chosen.why)


@pytest.mark.parametrize("strategy", [margin, entropy], ids=["margin", "entropy"])
def test_a_shuffled_pool_gives_the_same_texts(strategy):
    pool = make_pool()
    order = rng(7).permutation(len(pool))
    shuffled = replace(pool, embeddings=pool.embeddings[order], proba=pool.proba[order])
    there = strategy(shuffled, 20, rng(1)).indices
    assert order[there].tolist() == strategy(pool, 20, rng(2)).indices.tolist()


def test_margin_takes_the_two_closest_classes_and_entropy_the_widest_doubt():
    proba = np.array([[0.9, 0.1, 0.0], [0.5, 0.49, 0.01], [0.4, 0.3, 0.3]])
    pool = PoolView(embeddings=np.eye(3), proba=proba)
    assert margins(proba) == pytest.approx([0.8, 0.01, 0.1])
    assert entropies(proba) == pytest.approx([0.325, 0.742, 1.089], abs=1e-3)
    by_margin, by_entropy = margin(pool, 2, rng()), entropy(pool, 2, rng())
    assert (by_margin.indices.tolist(), by_margin.why[0]) == ([1, 2], "margin 0.010")
    assert (by_entropy.indices.tolist(), by_entropy.why[0]) == ([2, 1], "entropy 1.09")


def test_equal_scores_are_drawn_and_not_taken_in_the_order_of_the_file():
    seen = {int(margin(POOLS["all equal"], 1, rng(seed)).indices[0]) for seed in range(30)}
    assert len(seen) > 10


def test_clusters_takes_one_text_of_each_group():
    r = rng(1)
    group = np.repeat(np.arange(6), 20)
    pool = PoolView(embeddings=unit(np.eye(16)[group] + r.normal(size=(120, 16)) * 0.02))
    chosen = clusters(pool, 6, rng())
    assert sorted(group[chosen.indices]) == [0, 1, 2, 3, 4, 5]
    assert all(re.search(r"center of cluster [1-6] \(20 texts\)", why) for why in chosen.why)
    for i in chosen.indices:
        rows = np.flatnonzero(group == group[i])
        distance = np.linalg.norm(
            pool.embeddings[rows] - pool.embeddings[rows].mean(axis=0), axis=1
        )
        assert i == rows[distance.argmin()]


def test_clusters_among_the_uncertain_leaves_the_certain_alone():
    pool = make_pool()
    chosen = clusters(pool, 5, rng(), among=3)
    limit = np.sort(margins(pool.proba))[14]
    assert (margins(pool.proba)[chosen.indices] <= limit).all()
    half = clusters(pool, 5, rng(), among=1000)
    assert (margins(pool.proba)[half.indices] <= np.median(margins(pool.proba))).all()


def planted(sizes, known, axes=None):
    """Dense groups of texts around axes, of which the first `known` are known classes."""
    axes = np.eye(16)[: len(sizes)] if axes is None else unit(axes)
    group = np.repeat(np.arange(len(sizes)), sizes)
    X = unit(axes[group] + rng(2).normal(size=(len(group), 16)) * 0.05)
    lengths = np.linspace(0.2, 1, known)[:, None]  # class means are shorter than 1
    return PoolView(embeddings=X, centers=(axes[:known] * lengths).astype(np.float32)), group


def test_novelty_finds_the_cluster_that_no_class_center_is_near():
    pool, group = planted([60] * 6 + [20], known=6)
    chosen = novelty.novelty(pool, 3, rng())
    assert group[chosen.indices[0]] == 6
    pattern = r"new\? group of (19|20) texts, similarity -?0\.\d\d to what is known"
    assert re.fullmatch(pattern, chosen.why[0])
    assert set(group[chosen.indices[1:]]) <= {0, 1, 2, 3, 4, 5}
    rows = np.flatnonzero(group == 6)
    closeness = pool.embeddings[rows] @ pool.embeddings[rows].mean(axis=0)
    assert chosen.indices[0] in rows[np.argsort(-closeness)[:3]]


def test_novelty_takes_the_larger_of_two_new_clusters_first():
    pool, group = planted([60, 20, 40, 20], known=1)
    assert group[novelty.novelty(pool, 1, rng()).indices].tolist() == [2]


def test_novelty_does_not_take_two_clusters_of_one_new_class_first():
    axes = np.eye(16)[:4]
    axes[2] = axes[1] + axes[2]  # near the large new cluster, and larger than the other
    pool, group = planted([60, 40, 35, 20], known=1, axes=axes)
    assert group[novelty.novelty(pool, 3, rng()).indices].tolist() == [1, 3, 2]


def test_novelty_takes_one_text_of_each_group_before_those_between_groups():
    pool, group = planted([60] * 6 + [20], known=6)
    chosen = novelty.novelty(pool, 380, rng())
    first = [i for i, w in zip(chosen.indices, chosen.why, strict=True) if "between" not in w]
    assert sorted(set(group[first])) == [0, 1, 2, 3, 4, 5, 6]
    assert len(first) < 12
    assert chosen.indices[: len(first)].tolist() == first


def labeled_in(pool, group, which):
    """The pool with two labels of each of some groups, and what is left of the groups."""
    labeled = np.concatenate([np.flatnonzero(group == g)[:2] for g in which])
    rest = np.setdiff1d(np.arange(len(group)), labeled)
    classes = np.searchsorted(which, group[labeled])
    known = {"labeled": pool.embeddings[labeled], "labels": classes}
    return replace(pool, embeddings=pool.embeddings[rest], **known), group[rest]


def test_novelty_takes_no_text_of_a_group_with_a_label_before_all_others_have_one():
    pool, group = labeled_in(*planted([60] * 8, known=5), which=[0, 1, 2, 3, 4])
    assert sorted(group[novelty.novelty(pool, 3, rng()).indices]) == [5, 6, 7]


def test_a_text_of_the_batch_makes_its_group_a_labeled_one():
    pool, group = labeled_in(*planted([60] * 8, known=5), which=[0, 1, 2, 3, 4])
    pool = replace(pool, pending=pool.embeddings[group == 6][:1])
    assert sorted(group[novelty.novelty(pool, 2, rng()).indices]) == [5, 7]


def test_novelty_goes_on_with_texts_between_groups_those_of_new_ones_first():
    axes = np.eye(16)[:5]
    between = unit(np.stack([axes[0] + axes[1], axes[3] + axes[4]])).astype(np.float32)
    pool, group = labeled_in(*planted([60] * 5, known=3), which=[0, 1, 2])
    pool = replace(pool, embeddings=np.concatenate([pool.embeddings, between]))
    chosen = novelty.novelty(pool, 12, rng())
    last = [i for i, w in zip(chosen.indices, chosen.why, strict=True) if "between" in w]
    assert "between a new group and another, margin 0.0" in " ".join(chosen.why)
    assert len(group) + 1 in last[:3]
    kinds = ["a new group" in w for w in chosen.why if "between" in w]
    assert kinds[:3] == [True] * 3


def test_novelty_covers_a_pool_that_is_too_small_for_groups():
    scattered = replace(make_pool(), embeddings=unit(rng().normal(size=(70, 16))))
    chosen = novelty.novelty(scattered, 10, rng(), min_cluster_size=40)
    assert set(chosen.source) == {"novelty"}
    assert all("no groups: center of cluster" in why for why in chosen.why)


def test_the_share_of_novel_texts_falls_as_groups_get_labels():
    pool, group = planted([60] * 8, known=2)
    shares = [novelty.unexplained(labeled_in(pool, group, range(k))[0]) for k in (2, 5, 8)]
    assert shares[0] > 0.6
    assert shares[0] > shares[1] > shares[2]
    assert shares[2] < 0.1


@pytest.fixture
def small_limits(monkeypatch):
    monkeypatch.setattr(grouping, "SAMPLE", 40)
    monkeypatch.setattr(grouping, "MAX_CLUSTERS", 4)
    monkeypatch.setattr(novelty, "SAMPLE", 60)
    monkeypatch.setattr(discovery, "SAMPLE", 60)


@every_strategy
@pytest.mark.usefixtures("small_limits")
def test_large_pools_and_batches_keep_the_contract(strategy):
    for pool in (POOLS["usual"], POOLS["cold"], POOLS["with a model"]):
        chosen = strategy(pool, 30, rng())
        assert_kept(chosen, 30, pool)
        assert_same(chosen, strategy(pool, 30, rng()))


@pytest.mark.usefixtures("small_limits")
def test_large_pools_and_batches_are_sampled(monkeypatch):
    numbers = {why.split()[-3] for why in clusters(POOLS["usual"], 30, rng()).why}
    assert numbers == {"1", "2", "3", "4"}
    asked = []
    monkeypatch.setattr(
        discovery.dense, "groups", lambda Z, *_: asked.append(len(Z)) or groups(Z, *_)
    )
    novelty.novelty(replace(POOLS["usual"], shared=Shared()), 5, rng())
    assert asked == [60]
