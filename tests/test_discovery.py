"""Groups of unlabeled texts: which there are, which of them are novel, how stable they are."""

from dataclasses import replace

import numpy as np
import pytest

from strategies import dense, discovery
from strategies.base import PoolView
from strategies.discovery import find, stability, subgroups
from strategies.explained import USUAL, limit, passed_over, texts_of
from strategies.part import part
from strategies.shared import Shared
from strategies.whitening import Shift, whitening

DIMENSIONS = 32


def rng(seed=0):
    return np.random.default_rng(seed)


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def world(sizes=(60,) * 6, known=(0, 1, 2), labels=5, spread=0.08, seed=0, scattered=0):
    """Texts around axes, with labels of some groups; also the group of each text."""
    axes = np.eye(DIMENSIONS)
    group = np.repeat(np.arange(len(sizes)), sizes)
    X = axes[group] + rng(seed).normal(size=(len(group), DIMENSIONS)) * spread
    X = unit(np.concatenate([X, rng(seed + 1).normal(size=(scattered, DIMENSIONS))]))
    group = np.concatenate([group, np.full(scattered, -1)])
    y = np.repeat(np.arange(len(known)), labels)
    noise = rng(seed + 2).normal(size=(len(y), DIMENSIONS)) * spread
    L = unit(axes[np.array(known, int)[y]] + noise) if len(y) else np.empty((0, DIMENSIONS))
    means = [L[y == c].mean(axis=0) for c in range(len(known))]
    centers = unit(np.stack(means)) if means else np.empty((0, DIMENSIONS), np.float32)
    pool = PoolView(embeddings=X, labeled=L.astype(np.float32), labels=y, centers=centers)
    return pool, group


def fresh(pool, **fields):
    return replace(pool, shared=Shared(), **fields)


def real(found, group):
    """Return what each dense group is of; all of its texts are."""
    of = [np.unique(group[found.labels == g]) for g in np.flatnonzero(found.dense)]
    assert [len(o) for o in of] == [1] * len(of)
    return [int(o[0]) for o in of]


# groups


def test_each_planted_group_is_found():
    pool, group = world()
    found = find(pool)
    assert sorted(real(found, group)) == [0, 1, 2, 3, 4, 5]
    assert (found.sizes[found.dense] >= 54).all()
    assert found.noise_share < 0.05


def test_numbers_of_a_group_are_what_they_say():
    found = find(world(scattered=40)[0])
    X = world(scattered=40)[0].embeddings
    assert (found.labels >= 0).all()
    for g in range(len(found)):
        mine = found.labels == g
        mean = X[mine].mean(axis=0)
        assert found.sizes[g] == mine.sum()
        assert found.centers[g] == pytest.approx(mean / np.linalg.norm(mean), abs=1e-5)
        assert found.centrality[mine] == pytest.approx(X[mine] @ found.centers[g], abs=1e-5)
        assert found.density[g] == pytest.approx(found.centrality[mine].mean(), abs=1e-5)
        members = found.members(g)
        assert (np.diff(found.centrality[members]) <= 0).all()
        assert set(members) == set(np.flatnonzero(mine))


def test_k_means_covers_what_is_noise_and_noise_is_not_dense(monkeypatch):
    pool, group = world()
    noise = np.isin(group, (1, 4)) | (np.arange(len(group)) % 60 == 0)
    monkeypatch.setattr(dense, "groups", lambda *_: np.where(noise, -1, (group > 2).astype(int)))
    found = find(pool)
    assert found.noise_share == pytest.approx(noise.mean())
    assert (~found.dense[found.labels] == noise).all()
    assert found.dense.tolist() == [True, True] + [False] * (len(found) - 2)
    assert 2 < len(found) < 8


def test_smoothing_brings_texts_nearer_to_their_group():
    Z = dense.reduced(world((150,) * 5, spread=0.15)[0].embeddings, np.empty((0, 0)), np.empty(0))
    means = unit(Z.reshape(5, 150, -1).mean(axis=1))
    before, after = (
        np.einsum("gid,gd->gi", V.reshape(5, 150, -1), means).mean()
        for V in (Z, dense._smoothed(Z, 10, rng()))
    )
    assert after > 0.95 > before


@pytest.mark.parametrize("n", [0, 1, 5, 9])
def test_pools_that_are_too_small_have_no_groups(n):
    found = find(PoolView(embeddings=world()[0].embeddings[:n]))
    assert len(found) == 0
    assert found.labels.tolist() == [-1] * n
    assert np.isnan(found.threshold)


def test_equal_texts_have_no_groups():
    found = find(PoolView(embeddings=np.full((50, 4), 0.5, np.float32)))
    assert len(found) == 0


def test_a_pool_of_scattered_texts_is_covered():
    found = find(PoolView(embeddings=unit(rng().normal(size=(400, 64)))), min_cluster_size=100)
    assert (found.labels >= 0).all()
    assert (found.sizes > 0).all()


def test_groups_are_found_once_a_round_whatever_part_is_looked_at(monkeypatch):
    pool, _ = world()
    times = []
    groups = dense.groups
    monkeypatch.setattr(dense, "groups", lambda *a: times.append(1) or groups(*a))
    whole_ = find(pool)
    assert find(part(pool, np.arange(10, 50))) is whole_
    assert len(times) == 1
    find(pool, similarity_threshold=0.5)
    assert len(times) == 2


def test_other_labels_of_the_same_texts_make_other_groups():
    pool, _ = world()
    assert find(replace(pool, labels=pool.labels[::-1].copy())) is not find(pool)


def test_large_pools_are_grouped_by_a_sample_and_the_others_join_the_nearest(monkeypatch):
    pool, group = world((200,) * 4)
    monkeypatch.setattr(discovery, "SAMPLE", 200)
    found = find(pool)
    assert len(found.labels) == found.sizes.sum() == 800
    assert {0, 1, 2, 3} == set(real(found, group))
    assert found.dense[found.labels].mean() > 0.9


def test_precision_and_seed_decide_what_is_found():
    pool, _ = world(scattered=30)
    labeled = pool.labeled.astype(float)
    double = replace(pool, embeddings=pool.embeddings.astype(float), labeled=labeled)
    assert find(pool).labels.tolist() == find(fresh(double)).labels.tolist()


# novel ones


def test_groups_of_classes_without_a_label_are_novel_and_the_others_are_not():
    pool, group = world()
    found = find(pool)
    for g, of in enumerate(real(found, group)):  # dense ones come first
        assert found.novel[g] == (of > 2)
        if of <= 2:
            assert found.nearest[g] == of
            assert found.similarity[g] > 0.9
    assert (found.similarity[found.novel] < found.threshold).all()


@pytest.mark.parametrize("labels", [1, 2, 30])
def test_few_labels_or_many_tell_what_is_novel(labels):
    pool, group = world(labels=labels)
    found = find(pool)
    assert found.novel[found.dense].tolist() == [of > 2 for of in real(found, group)]


def test_a_number_of_the_config_is_the_threshold():
    pool, _ = world()
    assert not find(pool, similarity_threshold=0.01).novel.all()
    everything = find(pool, similarity_threshold=1.0)
    assert everything.novel.all()
    assert everything.threshold == 1.0
    assert find(pool, similarity_threshold=0.9).novel.sum() == 3


def test_a_group_with_a_label_is_not_novel_though_it_is_far_from_the_center_of_its_class():
    pool, group = world(known=(0, 1, 2))
    far = np.flatnonzero(group == 5)[0]
    labeled = np.concatenate([pool.labeled, pool.embeddings[far : far + 1]])
    found = find(fresh(pool, labeled=labeled, labels=np.append(pool.labels, 0)))
    mine = found.labels[far]
    assert found.similarity[mine] < found.threshold
    assert not found.novel[mine]


def test_without_a_known_class_all_groups_are_novel():
    found = find(PoolView(embeddings=world()[0].embeddings))
    assert found.novel.all()
    assert np.isnan(found.threshold)
    assert np.isnan(found.similarity).all()
    assert set(found.nearest) == {-1}


def test_a_group_is_passed_over_where_chance_would_have_labeled_it():
    sizes = np.array([100, 100, 20, 100])
    mine = np.repeat([0, 1, 3], [20, 3, 40])
    # A fifth of all texts is labeled: 18 are expected in each large group, 4 in the small one.
    assert passed_over(sizes, mine).tolist() == [False, True, True, False]
    assert not passed_over(sizes, mine[:2]).any(), "few labels tell nothing"
    assert not passed_over(sizes, mine[:0]).any()


def test_the_threshold_is_lower_where_classes_are_wider():
    narrow, wide = (find(world(spread=s)[0]).threshold for s in (0.03, 0.15))
    assert wide < narrow


def test_labels_that_are_alone_in_their_class_tell_no_threshold():
    pool, _ = world(labels=1)
    groups = unit(np.eye(DIMENSIONS)[:6])
    mine = texts_of(groups, pool.labeled)
    assert limit(groups, pool.labeled, pool.labels, mine) == USUAL


def test_fewer_labels_of_the_same_classes_make_a_threshold_that_is_not_much_lower():
    groups = unit(np.eye(DIMENSIONS)[:6])
    limits = {}
    for labels in (3, 40):
        tries = [world(labels=labels, spread=0.12, seed=s)[0] for s in range(0, 60, 3)]
        limits[labels] = np.mean(
            [limit(groups, p.labeled, p.labels, texts_of(groups, p.labeled)) for p in tries]
        )
    assert limits[40] - 0.05 < limits[3] < limits[40]


# stability


def test_separate_groups_are_stable_and_parts_of_one_are_not():
    pool, _ = world((60, 60, 60, 60))
    found = find(pool)
    assert (stability(pool, found, np.arange(4), rng()) > 0.7).all()
    one = found.labels == 0
    cut = np.where(one & (np.cumsum(one) % 2 == 0), len(found), found.labels)
    halves = replace(found, labels=cut)
    assert stability(pool, halves, np.array([0]), rng())[0] < 0.55


def test_stability_of_no_group_costs_nothing_and_large_pools_are_sampled(monkeypatch):
    pool, _ = world()
    found = find(pool)
    assert len(stability(pool, found, np.array([], int), rng())) == 0
    sizes = []
    groups = dense.groups
    monkeypatch.setattr(dense, "groups", lambda Z, *a: sizes.append(len(Z)) or groups(Z, *a))
    monkeypatch.setattr(discovery, "BOOTSTRAP", 100)
    assert (stability(pool, found, np.array([1]), rng(), times=3) > 0.5).all()
    assert len(sizes) == 3
    assert max(sizes) < 100


# parts of a class


@pytest.mark.parametrize("k", [2, 3, 5])
def test_parts_of_a_class_are_as_many_as_there_are(k):
    pool, group = world((30,) * k)
    parts = subgroups(pool.embeddings, rng())
    assert parts.max() == k - 1
    assert all(len(np.unique(parts[group == g])) == 1 for g in range(k))


def test_a_wanted_number_of_parts_is_made():
    assert len(np.unique(subgroups(world((30,) * 4)[0].embeddings, rng(), 3))) == 3


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_few_texts_of_a_class_are_no_trouble(n):
    parts = subgroups(world()[0].embeddings[:n], rng())
    assert len(parts) == n
    assert sorted(np.unique(parts)) == list(range(len(np.unique(parts))))


def test_equal_texts_of_a_class_are_one_part():
    assert subgroups(np.full((20, 8), 0.3), rng()).tolist() == [0] * 20


# the shift


def test_whitening_shrinks_the_directions_in_which_classes_spread():
    r = rng()
    y = np.repeat(np.arange(4), 20)
    X = np.eye(8)[y] + r.normal(size=(80, 8)) * np.where(np.arange(8) == 7, 0.8, 0.05)
    X = unit(X)
    matrix = whitening(X, y)
    assert matrix == pytest.approx(matrix.T, abs=1e-5)
    strength = np.linalg.norm(matrix, axis=0)
    assert strength[7] < 0.6 * strength[:7].min()


def test_labels_without_two_different_texts_of_a_class_teach_no_shift():
    X = world()[0].embeddings[:4]
    assert whitening(X, np.arange(4)) is None
    assert whitening(np.repeat(X, 2, axis=0), np.repeat(np.arange(4), 2)) is None
    assert whitening(X[:0], np.arange(0)) is None
    shift = Shift.of(X, X, np.arange(4))
    assert np.linalg.norm(shift(X), axis=1) == pytest.approx(1)
    assert len(shift(X[:0])) == 0
