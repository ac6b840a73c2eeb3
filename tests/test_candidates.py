"""Candidates: a strategy chooses near labeled texts, and nothing else about it changes."""

import tomllib
import tracemalloc
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from al_loop import app, config, registry
from strategies import candidates
from strategies.base import PoolView, picks
from strategies.baseline import random
from strategies.candidates import anchors, inside, neighbors
from strategies.part import whole
from strategies.share import with_random_share
from strategies.uncertainty import margin
from tests import offline
from tests.test_strategies import POOLS, assert_kept, assert_same, every_strategy

FILTERS = ("neighbors", "anchors")
each_filter = pytest.mark.parametrize("kind", FILTERS)


def rng(seed=0):
    return np.random.default_rng(seed)


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def narrow(monkeypatch):
    """Few neighbors, so that small pools are filtered."""
    monkeypatch.setattr(candidates, "NEIGHBORS", 5)
    monkeypatch.setattr(candidates, "ANCHOR_NEIGHBORS", 5)


def make_pool(n=300, m=6, k=3, d=16, seed=0):
    r = rng(seed)
    X = unit(r.normal(size=(n + m, d)))
    return PoolView(
        embeddings=X[m:], proba=r.dirichlet(np.ones(k), n), labeled=X[:m], labels=np.arange(m) % k
    )


def nearest(pool, queries, k):
    """The k nearest texts of each vector, by brute force."""
    return np.argsort(-(queries @ pool.embeddings.T), axis=1)[:, :k]


def seen_by(kind, pool, n, share=0.0):
    """Return the pool that a strategy is given, and what it was made of in the end."""
    given = []

    def strategy(few, n, rng):
        given.append(few)
        return margin(few, n, rng)

    chosen = with_random_share(inside(strategy, kind), share)(pool, n, rng())
    return given[0], chosen


@every_strategy
@pytest.mark.usefixtures("narrow")
@each_filter
def test_every_strategy_keeps_its_contract_inside(strategy, kind):
    inner = inside(strategy, kind)
    for pool in POOLS.values():
        for n in sorted({0, 1, min(12, len(pool)), len(pool) // 2, len(pool)}):
            chosen = inner(pool, n, rng())
            assert_kept(chosen, n, pool)
    assert_same(inner(POOLS["usual"], 9, rng(3)), inner(POOLS["usual"], 9, rng(3)))


@each_filter
def test_a_batch_that_the_pool_cannot_give_is_refused_with_both_numbers(kind):
    with pytest.raises(ValueError, match="301 texts were asked for, but the pool has only 300"):
        inside(margin, kind)(make_pool(), 301, rng())


def test_an_unknown_filter_is_refused():
    with pytest.raises(ValueError, match="all, neighbors or anchors, not 'near'"):
        inside(margin, "near")


@pytest.mark.parametrize("cells", [10**6, 100])
def test_neighbors_are_the_nearest_texts_of_each_labeled_one(monkeypatch, cells):
    monkeypatch.setattr(candidates, "_CELLS", cells)  # one block, and blocks of 16 texts
    monkeypatch.setattr(candidates, "NEIGHBORS", 7)
    pool = make_pool()
    expected = np.unique(nearest(pool, pool.labeled, 7))
    assert neighbors(pool, 3, rng()).tolist() == expected.tolist()


def test_both_filters_leave_at_least_as_many_texts_as_the_batch_has_places(narrow):
    pool = replace(make_pool(), labeled=np.repeat(make_pool().labeled[:1], 6, axis=0))
    for keep in (neighbors, anchors):
        assert len(keep(pool, 1, rng())) == 5
        assert len(keep(pool, 40, rng())) == 40


def test_anchors_bring_the_neighbors_of_every_class_however_large(monkeypatch):
    monkeypatch.setattr(candidates, "ANCHOR_NEIGHBORS", 4)
    axes = np.eye(16, dtype=np.float32)
    X = unit(np.repeat(axes[:4], 40, axis=0) + rng().normal(size=(160, 16)) * 0.05)
    labels = np.array([0] * 60 + [1])
    labeled = np.concatenate([unit(axes[0] + rng(1).normal(size=(60, 16)) * 0.05), axes[1:2]])
    pool = PoolView(embeddings=X, labeled=labeled, labels=labels)
    found = anchors(pool, 2, rng())
    assert set(nearest(pool, axes[1:2], 4)[0]) <= set(found)
    assert set(found // 40) == {0, 1}
    assert 4 + 4 <= len(found) <= 4 + 10 * 4  # of the 60 labeled texts ten are anchors


def test_ten_anchors_of_a_class_are_unlike_each_other():
    axes = np.eye(16, dtype=np.float32)
    X = np.concatenate([np.repeat(axes[:1], 500, axis=0), axes[1:10]])
    for seed in range(5):
        drawn = candidates._anchors_of(X, rng(seed))
        assert sorted(drawn.argmax(axis=1)) == list(range(10))
    assert len(candidates._anchors_of(X[:7], rng())) == 7


def test_of_too_many_texts_those_most_like_their_anchors_go_on(monkeypatch):
    monkeypatch.setattr(candidates, "ANCHOR_NEIGHBORS", 20)
    monkeypatch.setattr(candidates, "MOST", 15)
    pool = make_pool()
    cosines = pool.labeled @ pool.embeddings.T
    brought = np.zeros(cosines.shape, bool)
    np.put_along_axis(brought, nearest(pool, pool.labeled, 20), True, axis=1)
    rows = np.flatnonzero(brought.any(axis=0))
    mean = (cosines * brought).sum(axis=0)[rows] / brought.sum(axis=0)[rows]
    expected = np.sort(rows[np.argsort(-mean)[:15]])
    assert anchors(pool, 3, rng()).tolist() == expected.tolist()
    assert len(anchors(pool, 18, rng())) == 18


@each_filter
@pytest.mark.usefixtures("narrow")
def test_a_strategy_inside_sees_the_candidates_as_the_whole_pool(kind):
    pool = make_pool()
    few, chosen = seen_by(kind, pool, 4)
    keep = candidates.FILTERS[kind]
    rows = keep(pool, 4, rng())
    assert 4 < len(few) == len(rows) < len(pool)
    assert np.array_equal(few.embeddings, pool.embeddings[rows])
    assert np.array_equal(few.proba, pool.proba[rows])
    assert whole(few)[0] is few
    assert chosen.indices.tolist() == rows[margin(few, 4, rng()).indices].tolist()
    assert all(why.startswith("margin 0.") for why in chosen.why)
    assert chosen.note == f"among {len(rows)} of 300 texts near labeled ones"


@pytest.mark.usefixtures("narrow")
def test_the_note_of_the_strategy_comes_first():
    said = lambda pool, n, rng: picks([0], [0], source="x", why="y", note="news")  # noqa: E731
    note = inside(said, "neighbors")(make_pool(), 1, rng()).note
    assert note.startswith("news; among ")


@pytest.mark.usefixtures("narrow")
def test_thousands_are_written_so_that_they_can_be_read():
    note = inside(margin, "neighbors")(make_pool(n=2000), 1, rng()).note
    assert note.endswith(" of 2,000 texts near labeled ones")


@each_filter
@pytest.mark.usefixtures("narrow")
def test_the_random_share_stays_uniform_over_the_whole_pool(kind):
    pool = make_pool()
    _, chosen = seen_by(kind, pool, 20, share=0.5)
    assert chosen.source.tolist() == ["random"] * 10 + ["margin"] * 10
    assert chosen.inclusion[:10] == pytest.approx(10 / 300)
    near = set(candidates.FILTERS[kind](pool, 20, rng()).tolist())
    drawn = {
        int(i)
        for seed in range(30)
        for i in with_random_share(inside(margin, kind), 0.5)(pool, 20, rng(seed)).indices[:10]
    }
    assert len(drawn - near) > 60


@each_filter
@pytest.mark.usefixtures("narrow")
def test_random_is_not_filtered(kind):
    assert inside(random, kind) is random
    assert inside(margin, "all") is margin


@each_filter
@pytest.mark.usefixtures("narrow")
def test_a_draw_among_candidates_has_no_inclusion_probability(kind):
    mixed = registry.load("mix", params={}, mix={"random": 0.5, "margin": 0.5})
    chosen = inside(mixed, kind)(make_pool(), 8, rng())
    assert "random" in chosen.source
    assert np.isnan(chosen.inclusion).all()


@each_filter
@pytest.mark.usefixtures("narrow")
def test_before_two_classes_have_labels_nothing_is_filtered(kind):
    pool = make_pool()
    for m in (0, 1):
        one = replace(pool, labeled=pool.labeled[:m], labels=pool.labels[:m])
        few, chosen = seen_by(kind, one, 4)
        assert few is one
        assert chosen.note == ""


def test_a_pool_that_lies_near_labeled_texts_anyway_is_handed_on_as_it_is():
    pool = make_pool(n=80)  # fewer than the 100 neighbors of a single text
    few, chosen = seen_by("neighbors", pool, 4)
    assert few is pool
    assert chosen.note == ""


def test_memory_does_not_grow_with_labels_times_texts():
    pool = make_pool(n=20_000, m=4_000)
    tracemalloc.start()
    neighbors(pool, 10, rng())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000 * 4_000 * 4 / 2


def strategy_of(text):
    return app.strategy(config.parse(tomllib.loads(text)))


@pytest.mark.usefixtures("narrow")
def test_config_toml_chooses_the_candidates():
    toml = '[batch]\nstrategy = "margin"\nrandom_share = 0.25\n'
    pool = make_pool()
    plain = strategy_of(toml)(pool, 8, rng())
    filtered = strategy_of(toml + 'candidates = "anchors"')(pool, 8, rng())
    assert (plain.note, filtered.source[:2].tolist()) == ("", ["random", "random"])
    assert filtered.note.startswith("among ")
    assert filtered.note.endswith(" of 298 texts near labeled ones")


def test_a_wrong_name_in_config_toml_is_refused():
    with pytest.raises(config.ConfigError, match=r"\[batch\] candidates: .*'neighbors'"):
        strategy_of('[batch]\ncandidates = "near"')


def test_the_list_of_strategies_says_what_they_choose_among(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    call = partial(offline.call, monkeypatch, capsys)
    with offline.settings_kept():
        assert "candidates" not in call("strategies")[1]
        (tmp_path / "config.toml").write_text('[batch]\ncandidates = "anchors"\n', "utf-8")
        assert 'candidates = "anchors": they choose among texts near' in call("strategies")[1]
        assert '"candidates": "anchors"' in call("strategies", "--json")[1]
