"""auto: what it sees of the model and the labels, and what it makes a batch of by it."""

import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from al_loop.loop import machine, select
from al_loop.loop.machine import Options
from al_loop.store import items
from al_loop.types import ClassSpec
from strategies import auto as module
from strategies.auto import auto, systematic
from strategies.base import PoolView
from strategies.coverage import greedy
from strategies.judgment import (
    RARE_FROM,
    RARE_SHARE,
    SHARPEST,
    Seen,
    kappa,
    look,
    sharpen,
    split,
)
from strategies.share import with_random_share
from strategies.uncertainty import margins
from tests import worlds
from tests.test_strategies import POOLS, assert_kept, assert_same, frozen, model, rng, unit, warm

AXES = np.eye(16, dtype=np.float32)
MANY = 4 * RARE_FROM  # labels, beside which 1 is few


def around(axes, sizes, spread=0.05, seed=1):
    """Texts around axes, so many of each, and the axis that each is around."""
    group = np.repeat(np.arange(len(sizes)), sizes)
    noise = rng(seed).normal(size=(len(group), axes.shape[1])) * spread
    return unit(axes[group] + noise), group


def taught(X, labeled, labels, k=None, **fields):
    """The pool of these texts, with a model of these labels in k classes."""
    learn = model(k or int(max(labels)) + 1)
    predict = learn(labeled, labels)
    texts = PoolView(embeddings=X, labeled=labeled, labels=np.asarray(labels), learn=learn)
    return frozen(replace(texts, predict=predict, proba=predict(X), **fields))


def world(sizes, counts, spread=0.05):
    """A pool of as many classes as there are sizes, with so many labels of each."""
    axes = AXES if len(sizes) <= len(AXES) else np.eye(len(sizes), dtype=np.float32)
    X, group = around(axes, sizes, spread)
    return taught(X, *around(axes, counts, spread, seed=2), k=len(sizes)), group


def sources(chosen):
    return Counter(chosen.source.tolist())


# without a model that has a say


def test_without_a_label_representatives_are_taken_and_the_note_says_so():
    chosen = auto(POOLS["cold"], 12, rng())
    assert sources(chosen) == {"auto typical": 12}
    assert chosen.note == "12 typical (no model yet)"


@pytest.mark.parametrize("name", ["a model of one class", "labels of one class of four"])
def test_with_a_single_class_half_is_typical_and_half_drawn_and_the_note_says_so(name):
    chosen = auto(POOLS[name], 12, rng())
    assert sources(chosen) == {"auto typical": 6, "random": 6}
    assert chosen.note.endswith("(a single class so far)")


def test_scattered_texts_of_a_second_class_are_found_beside_one_that_has_all_clusters():
    X, _ = around(np.eye(40, dtype=np.float32)[:20], [50] * 20)
    scattered = unit(rng(5).normal(size=(50, 40)))
    labeled, pool = X[::50], np.concatenate([X, scattered])
    learn = model(1)
    found = 0
    for number in range(5):
        texts = PoolView(embeddings=pool, labeled=labeled, labels=np.zeros(len(labeled), int))
        known = replace(texts, learn=learn, proba=np.ones((len(pool), 1)))
        chosen = auto(known, 20, rng(number)).indices
        found += int((chosen >= len(pool) - 50).sum())
        labeled = np.concatenate([labeled, pool[chosen]])
    assert found > 0


def test_a_model_that_guesses_has_no_say_half_is_typical_and_half_drawn():
    chosen = auto(POOLS["a model that guesses"], 20, rng())
    assert sources(chosen) == {"auto typical": 10, "random": 10}
    drawn = chosen.source == "random"
    assert chosen.inclusion[drawn] == pytest.approx(10 / 150)
    assert np.isnan(chosen.inclusion[~drawn]).all()
    assert Counter(re.findall(r"\d+ \w+", chosen.note)[:2]) == Counter(["10 typical", "10 random"])
    assert "(the model may be guessing: 24 labels in 4 classes)" in chosen.note


def test_texts_drawn_under_the_random_share_keep_valid_inclusion_probabilities():
    chosen = with_random_share(auto, 0.1)(POOLS["a model that guesses"], 20, rng())
    assert sources(chosen) == {"random": 2 + 9, "auto typical": 9}
    drawn = chosen.inclusion[chosen.source == "random"]
    assert drawn == pytest.approx([2 / 150] * 2 + [9 / 150] * 9)


def test_a_model_that_guesses_draws_from_the_whole_pool():
    pool = POOLS["a model that guesses"]
    drawn = [c.indices[c.source == "random"] for c in (auto(pool, 20, rng(s)) for s in range(40))]
    assert len(np.unique(np.concatenate(drawn))) > 0.85 * 150


def test_labels_that_are_all_alone_in_their_class_make_a_typical_batch():
    pool, _ = world([30] * 4, [1] * 4)
    assert look(pool, rng()).alone == 1
    assert auto(pool, 8, rng()).note.startswith("8 typical (4 labels in 4 classes")


# typical


def test_as_large_a_share_as_labels_are_alone_in_their_class_is_typical():
    pool, _ = world([30] * 6, [4, 4, 4, 4, 1, 1])
    assert look(pool, rng()).alone == pytest.approx(2 / 18)
    chosen = auto(pool, 18, rng())
    assert sources(chosen) == {"auto typical": 2, "auto uncertain": 16}
    assert all("of the pool" in w for w in chosen.why[chosen.source == "auto typical"])
    assert chosen.note.startswith("16 uncertain, 2 typical (18 labels in 6 classes; ")


def test_a_model_of_classes_with_several_labels_takes_no_typical_texts():
    pool, _ = world([30] * 4, [5] * 4)
    assert sources(auto(pool, 20, rng())) == {"auto uncertain": 20}


def test_typical_texts_lie_where_most_of_the_pool_is():
    X, group = around(AXES, [20, 20, 120, 10])
    labeled, _ = around(AXES, [8, 8])
    pool = taught(X, labeled, np.tile([0, 1], 8))  # labels that say nothing of the texts
    chosen = auto(pool, 2, rng())
    assert group[chosen.indices[chosen.source == "auto typical"]].tolist() == [2]


def test_what_a_guessing_model_doubts_makes_no_difference():
    pool = POOLS["a model that guesses"]
    other = replace(pool, proba=rng(9).dirichlet(np.ones(4), 150))
    assert auto(pool, 20, rng()).indices.tolist() == auto(other, 20, rng()).indices.tolist()


# new


def half_known(sizes=(60,) * 8, known=4, labels=6):
    """A pool of groups, of which the first are classes with labels."""
    X, group = around(AXES, list(sizes))
    L, y = around(AXES, [labels] * known, seed=2)
    means = np.stack([L[y == c].mean(axis=0) for c in range(known)])
    return taught(X, L, y, centers=unit(means)), group


def test_groups_that_no_class_explains_get_texts_before_anything_else():
    pool, group = half_known()
    seen = look(pool, rng())
    assert seen.novel == pytest.approx(0.5, abs=0.02)
    chosen = auto(pool, 20, rng())
    new = chosen.indices[chosen.source == "auto new"]
    assert len(new) == 15
    assert sorted(group[new[:4]]) == [4, 5, 6, 7]
    assert chosen.note.startswith("15 new, 5 uncertain (24 labels in 4 classes; ")
    assert chosen.note.endswith("; 50% of the texts are in groups that look new)")


def test_the_share_of_new_texts_falls_to_nothing_as_classes_get_known():
    counts = []
    for known in (2, 4, 7, 8):
        pool, _ = half_known(known=known)
        counts.append(sources(auto(pool, 20, rng()))["auto new"])
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 15
    assert counts[-1] == 0


def test_a_model_that_guesses_does_not_look_for_groups():
    assert look(POOLS["a model that guesses"], rng()).novel == 0


# uncertain


def undecided(sizes=(60, 60, 60)):
    """Texts of two classes and, as many, of neither more than of the other."""
    axes = np.concatenate([AXES[:2], unit(AXES[:1] + AXES[1:2])])
    X, group = around(axes, sizes)
    return X, group, around(AXES, [6, 6], seed=2)


def test_where_the_model_is_undecided_more_texts_are_taken_than_where_it_is_sure():
    X, group, (labeled, labels) = undecided()
    chosen = auto(taught(X, labeled, labels), 20, rng())
    taken = np.bincount(group[chosen.indices], minlength=3)
    assert taken[2] > 2 * max(taken[:2])
    assert all("of what is in doubt" in why for why in chosen.why)


def test_a_stable_model_looks_closer_at_what_is_in_doubt():
    seen = look(world([30] * 4, [5] * 4)[0], rng())
    powers = [split(replace(seen, stability=s), 10).sharpness for s in (0.2, 0.6, 0.7, 1.0)]
    assert powers[0] == 1
    assert powers == sorted(powers)
    assert powers[-1] == SHARPEST


def test_margins_count_for_less_when_they_promise_too_much():
    pool, _ = world([30] * 4, [5] * 4)
    honest = look(pool, rng())
    wrong = replace(honest, accuracy=0.4, confidence=0.8)
    assert wrong.trust == pytest.approx(0.5)
    assert replace(honest, accuracy=0.9, confidence=0.3).trust == 1


def test_doubt_is_1_less_the_trusted_margin_to_a_power_of_the_stability(monkeypatch):
    pool, _ = world([30] * 4, [5] * 4, spread=0.3)
    judged = replace(look(pool, rng()), stability=0.67, accuracy=0.4, confidence=0.8)
    weights = []
    monkeypatch.setattr(module, "look", lambda *_: judged)
    monkeypatch.setattr(
        module, "systematic", lambda w, *rest: weights.append(w) or systematic(w, *rest)
    )
    auto(pool, 5, rng())
    assert weights[0] == pytest.approx((1 - 0.5 * margins(pool.proba)) ** sharpen(0.67), rel=1e-3)


def test_the_more_uncertain_half_of_a_small_pool_is_looked_at(monkeypatch):
    pool, _ = world([30] * 4, [5] * 4, spread=0.3)
    looked_at = []
    monkeypatch.setattr(module, "greedy", lambda c, X, n: looked_at.append(X) or greedy(c, X, n))
    auto(pool, 5, rng())
    half = pool.embeddings[np.argsort(margins(pool.proba))[:60]]
    assert {row.tobytes() for row in looked_at[0]} == {row.tobytes() for row in half}


def equally_uncertain(**fields):
    """Five groups of texts, all as undecided, with labels in the first two."""
    X, group = around(AXES, [40] * 5)
    pool = taught(X, *around(AXES, [6, 6], seed=2), **fields)
    return replace(pool, proba=np.full((200, 2), 0.5)), group


def test_of_equally_uncertain_texts_those_near_to_labeled_ones_are_left():
    pool, group = equally_uncertain()
    for seed in range(5):
        assert sorted(group[auto(pool, 3, rng(seed)).indices]) == [2, 3, 4]


def test_of_equally_uncertain_texts_those_near_to_the_batch_are_left():
    pool, group = equally_uncertain(pending=AXES[3:4])
    for seed in range(5):
        assert sorted(group[auto(pool, 2, rng(seed)).indices]) == [2, 4]


def test_a_text_counts_as_much_as_it_is_in_doubt():
    X, group = around(AXES[2:], [60, 40])
    pool = taught(X, *around(AXES, [6, 6], seed=2))
    proba = np.where(group[:, None] == 0, [0.8, 0.2], [0.5, 0.5])  # 60 x 0.4 or less, 40 x 1
    for seed in range(5):
        assert group[auto(replace(pool, proba=proba), 1, rng(seed)).indices].tolist() == [1]


@pytest.mark.parametrize("pool", ["with a model", "a model that guesses"])
def test_copies_of_a_text_are_not_asked_twice(pool):
    once = POOLS[pool].embeddings[:60]
    twice = np.concatenate([once, once])
    pool = replace(POOLS[pool], embeddings=twice, proba=POOLS[pool].predict(twice))
    chosen = auto(pool, 20, rng())
    own = chosen.indices[chosen.source != "random"] % 60
    assert len(set(own)) == len(own)


def test_the_kernel_narrows_as_labels_get_denser():
    pool, _ = world([30] * 4, [5] * 4, spread=0.15)
    few, many = pool.labeled[::10], np.concatenate([pool.labeled, pool.embeddings[::3]])
    assert module._sharpness(pool, few, rng()) < module._sharpness(pool, many, rng())


# rare


def test_a_class_with_few_labels_gets_its_share_and_the_reason_names_how_many():
    pool, group = world([60] * 4, [MANY, MANY, MANY, 1])
    n = round(3 / RARE_SHARE)
    chosen = auto(pool, n, rng())
    rare = chosen.source == "auto rare"
    assert rare.sum() == 3
    assert set(group[chosen.indices[rare]]) == {3}
    pattern = r"rare: probability [01]\.\d\d of a class with 1 label"
    assert all(re.fullmatch(pattern, why) for why in chosen.why[rare])
    assert "3 rare" in chosen.note


def test_classes_with_few_labels_take_turns_those_with_the_fewest_first():
    pool, group = world([60] * 5, [MANY, MANY, MANY, 2, 1])
    assert look(pool, rng()).rare.tolist() == [4, 3]
    chosen = auto(pool, round(3 / RARE_SHARE), rng())
    rare = chosen.source == "auto rare"
    assert group[chosen.indices[rare]].tolist() == [4, 3, 4]
    assert chosen.why[rare][1].endswith("with 2 labels")


def test_a_text_that_looks_like_two_rare_classes_is_taken_once():
    pool, _ = world([60] * 5, [MANY, MANY, MANY, 1, 1])
    proba = np.tile(np.eye(5)[0], (300, 1))
    proba[:10] = [0, 0, 0, 0.5, 0.5]
    chosen = auto(replace(pool, proba=proba), round(6 / RARE_SHARE), rng())
    assert (chosen.source == "auto rare").sum() == 6
    assert len(set(chosen.indices.tolist())) == len(chosen)


def test_where_all_classes_have_few_labels_none_is_rare():
    few = [RARE_FROM] * 9 + [1]  # under RARE_FROM on average
    assert not look(world([30] * 10, few)[0], rng()).rare.size
    assert not look(world([30] * 4, [RARE_FROM * 2] * 4)[0], rng()).rare.size


def test_rare_is_measured_by_the_classes_that_have_labels():
    many = 2 * RARE_FROM
    assert look(world([30] * 8, [many, 0, 0, 0, 0, 0, many, 1])[0], rng()).rare.tolist() == [7]


def test_where_no_text_looks_like_the_rare_class_the_batch_is_filled_all_the_same():
    # Nothing is less like any text than the rare class.
    axes = np.concatenate([AXES[:6], -unit(AXES[:6].sum(axis=0, keepdims=True))])
    X, _ = around(axes, [50] * 6)
    pool = taught(X, *around(axes, [MANY] * 6 + [1], seed=2))
    assert look(pool, rng()).rare.tolist() == [6]
    chosen = auto(pool, 60, rng())
    assert len(set(chosen.indices)) == 60
    assert "auto rare" not in chosen.source


# what it sees


def test_kappa_is_the_agreement_beyond_chance():
    a = np.repeat([0, 1], 50)
    assert kappa(a, a) == 1
    assert kappa(a, np.tile([0, 1], 50)) == 0
    assert kappa(a, 1 - a) == 0  # not below
    assert kappa([0] * 5, [0] * 5) == 1
    # 70 % agree, 0.6 x 0.5 + 0.4 x 0.5 = 50 % by chance.
    assert kappa(a, np.repeat([0, 1, 0, 1], [40, 10, 20, 30])) == pytest.approx(0.4)


def test_sharpen_grows_from_1_where_models_agree_half_of_the_time_and_no_further_than_sharpest():
    powers = [sharpen(s) for s in (0.0, 0.3, 0.5, 0.6, 0.7, 1.0)]
    assert powers[:3] == [1, 1, 1]
    assert powers == sorted(powers)
    assert powers[3] > 1
    assert powers[-1] == SHARPEST


class Spy:
    """Notes what models were trained on; each says what it is told to say."""

    def __init__(self, says):
        self.says, self.trained = says, []

    def learn(self, X, y):
        self.trained.append((X, y))
        return self.says


def test_stability_is_how_far_models_of_half_of_the_labels_agree_with_the_model():
    pool = POOLS["with a model"]
    assert look(pool, rng()).stability == pytest.approx(1)
    others = Spy(lambda X: np.roll(pool.predict(X), 1, axis=1)).learn
    assert look(replace(pool, learn=others), rng()).stability == 0


def test_models_are_trained_on_the_two_halves_of_each_class():
    pool, _ = world([30] * 3, [4, 6, 3])
    for seed in range(5):
        spy = Spy(pool.predict)
        look(replace(pool, learn=spy.learn), rng(seed))
        (X, one), (Z, other) = spy.trained
        assert np.bincount(one).tolist()[:2] == np.bincount(other).tolist()[:2] == [2, 3]
        assert abs(len(one) - len(other)) == 1
        rows = {row.tobytes() for row in np.concatenate([X, Z])}
        assert rows == {row.tobytes() for row in pool.labeled}


def test_accuracy_and_confidence_are_of_labels_that_the_models_did_not_see():
    pool, _ = world([30] * 2, [40, 40])

    def learn(X, _y):
        seen = {row.tobytes() for row in X}

        def predict(rows):  # sure and right of what it saw, less sure and wrong of the rest
            known = np.array([row.tobytes() in seen for row in rows])
            right = (rows[:, 1] > rows[:, 0]).astype(int)
            out = np.where(known, 1.0, 0.3)[:, None] * np.eye(2)[right]
            return out + np.where(known, 0.0, 0.7)[:, None] * np.eye(2)[1 - right]

        return predict

    seen = look(replace(pool, learn=learn), rng())
    assert seen.accuracy == 0
    assert seen.confidence == pytest.approx(0.7)


def test_a_model_that_names_the_largest_class_only_may_be_guessing():
    pool, _ = world([30] * 2, [45, 5])
    majority = Spy(lambda X: np.tile([0.9, 0.1], (len(X), 1)))
    assert look(replace(pool, learn=majority.learn), rng()).guesses
    assert not look(pool, rng()).guesses


@pytest.mark.parametrize(("labels", "guesses"), [(4, False), (12, True)])
def test_labels_that_are_alone_in_their_class_tell_nothing_of_guessing(labels, guesses):
    pool, _ = world([2] * 41, [labels] + [1] * 40)
    even = Spy(lambda X: np.full((len(X), 41), 1 / 41))
    assert look(replace(pool, learn=even.learn), rng()).guesses == guesses


def seen(**fields):
    usual = {"labels": 100, "classes": 9, "rare": np.array([3]), "alone": 0.0, "stability": 0.8}
    found = {"accuracy": 0.8, "confidence": 0.7, "guesses": False}
    return Seen(**usual, **{**found, **fields})


@pytest.mark.parametrize("alone", [0.0, 0.013, 0.5, 0.97, 1.0])
@pytest.mark.parametrize("guesses", [True, False])
def test_the_parts_fill_the_batch_and_none_is_below_zero(alone, guesses):
    for rare in ([], [1, 2]):
        base = replace(seen(guesses=guesses), alone=alone, rare=np.array(rare, dtype=int))
        for n, novel in product(range(1, 60), (0.0, 0.1, 0.5, 1.0)):
            plan = split(replace(base, novel=novel), n)
            counts = [plan.random, plan.typical, plan.uncertain, plan.rare, plan.novel]
            assert sum(counts) == n
            assert min(counts) >= 0


# systematic


def test_systematic_sampling_draws_each_about_as_often_as_it_should_be():
    weights = rng(1).random(50).astype(np.float32)
    weights[7] = 0
    for seed in range(20):
        drawn = np.bincount(systematic(weights, 300, rng(seed)), minlength=50)
        expected = 300 * weights / weights.sum()
        assert drawn.sum() == 300
        assert (np.abs(drawn - expected) < 1 + 1e-3).all()
        assert drawn[7] == 0


def test_systematic_sampling_favors_no_position_of_equal_weight():
    drawn = np.concatenate([systematic(np.ones(40, np.float32), 5, rng(s)) for s in range(400)])
    counts = np.bincount(drawn, minlength=40)
    assert counts.min() > 20
    assert counts.max() < 85


# any pool


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("labels", [[1, 1], [6, 6], [6, 1], [40, 1]])
def test_pools_of_few_texts_are_taken_to_the_last(size, labels):
    X, _ = around(AXES, [size, size])
    pool = taught(X[::2], *around(AXES, labels, seed=2))
    for n in range(1, len(pool) + 1):
        assert_kept(auto(pool, n, rng()), n, pool)
        assert_kept(with_random_share(auto, 0.1)(pool, n, rng()), n, pool)


@pytest.mark.parametrize(
    "counts", [[1] * 150, [3] * 150, [2] * 75 + [1] * 75, [40] * 2 + [1] * 148, [5] * 149 + [1]]
)
def test_150_classes_are_no_trouble(counts):
    pool, _ = world([2] * 150, counts, spread=0.01)
    for n in (1, 25, 100):
        assert_kept(auto(pool, n, rng()), n, pool)


def test_classes_without_a_label_have_a_column_and_no_part():
    X, _ = around(AXES, [30] * 5)
    pool = taught(X, *around(AXES, [MANY, 0, MANY, 1], seed=2), k=5)
    chosen = auto(pool, 40, rng())
    assert_kept(chosen, 40, pool)
    assert "41 labels in 3 classes" in chosen.note


def test_a_batch_much_larger_than_what_is_usually_looked_at():
    X = unit(rng(3).normal(size=(2_500, 16)))
    pool = warm(replace(POOLS["usual"], embeddings=X))
    assert_kept(auto(pool, 1_500, rng()), 1_500, pool)


# the same again


def test_precision_and_what_was_looked_at_before_change_no_pick():
    X, _, (labeled, labels) = undecided()
    single = taught(X, labeled, labels)
    double = replace(single, embeddings=X.astype(float), labeled=labeled.astype(float))
    assert_same(auto(single, 20, rng()), auto(double, 20, rng()))
    assert_same(auto(single, 20, rng()), auto(single, 20, rng()))


SAME = """
from strategies.auto import auto
from tests.test_strategies import POOLS, rng
for name in ("with a model", "a model that guesses", "classes with few labels"):
    print(auto(POOLS[name], 20, rng(3)).indices.tolist())
"""


def test_another_process_makes_the_same_picks():
    def run(salt):
        done = subprocess.run(
            [sys.executable, "-c", SAME],
            cwd=Path(__file__).parent.parent,
            env={**os.environ, "PYTHONHASHSEED": salt},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    assert run("1") == run("2")


# what al-loop hands over


@pytest.mark.parametrize("labeled", [0, 1])
def test_al_loop_hands_over_a_column_for_every_class_even_one_that_came_after_training(labeled):
    store = worlds.make_store()
    handed = []

    def spy(pool, n, rng):
        handed.append(pool)
        return auto(pool, n, rng)

    parts = replace(worlds.make_parts(store), strategy=lambda _: spy)
    for _ in range(labeled):
        machine.run(parts, worlds.config(), Options(wait=True))
    with store.tx():
        items.add_classes(store, [ClassSpec("praise", examples=("well done",))], "config")
    choice = select.choose(parts, worlds.config())
    store.close()
    pool = handed[-1]
    assert len(choice.rows) == 10
    assert pool.proba.shape == (60 - 10 * labeled, 4)
    assert pool.labels.max() < 4
    assert pool.learn(pool.labeled, pool.labels)(pool.embeddings).shape == pool.proba.shape


def test_shared_work_is_seeded_anew_each_round_and_alike_when_a_round_is_chosen_again():
    store = worlds.make_store()
    handed = []

    def spy(pool, n, rng):
        handed.append(pool.shared.seed)
        return auto(pool, n, rng)

    parts = replace(worlds.make_parts(store), strategy=lambda _: spy)
    select.choose(parts, worlds.config())
    for _ in range(2):
        machine.run(parts, worlds.config(), Options(wait=True))
    store.close()
    assert handed[0] == handed[1] != handed[2]
