"""What the slots of a batch go to."""

import numpy as np
import pytest

from al_loop.crowd.consensus import Consensus
from al_loop.crowd.queue import Minutes, divide
from al_loop.crowd.votes import NONE, Votes

SAME = Minutes(new=0.2, again=0.2, review=0.2)
K = 4


def setup(quality, labels=None, people=3, right=0.8):
    """Texts with a vote by the first person, unless said otherwise, and labels of some quality."""
    n = len(quality)
    if labels is None:
        labels = np.full((n, people), NONE)
        labels[:, 0] = 0
    labels = np.asarray(labels, dtype=np.int64)
    votes = Votes(
        tuple(map(str, range(n))),
        tuple(f"p{j}" for j in range(labels.shape[1])),
        tuple("abcd"),
        labels,
    )
    skill = np.full(labels.shape[1], right)
    found = Consensus(labels.max(axis=1), np.asarray(quality, float), skill, "fused")
    return votes, found


def pool(sure, n=100):
    proba = np.full((n, K), (1 - sure) / (K - 1))
    proba[:, 0] = sure
    return proba


def ask(quality, fresh, *, size=10, minutes=SAME, sure=(), reviewable=(), people=None, **more):
    votes, found = setup(quality, **more)
    n = len(votes.ids)
    given = {"sure": np.isin(np.arange(n), sure), "reviewable": np.isin(np.arange(n), reviewable)}
    proba = np.full((n, K), 1 / K)
    return divide(votes, found, proba, fresh, size=size, minutes=minutes, people=people, **given)


def test_a_disputed_text_is_asked_before_a_clear_one():
    assert list(ask([0.9, 0.3, 0.99, 0.5], pool(0.7)).again) == [1, 3]


def test_clear_labels_leave_all_slots_to_new_texts():
    slots = ask([0.99] * 20, pool(0.4))
    assert (slots.new, len(slots.again), len(slots.review)) == (10, 0, 0)


def test_second_labels_that_cost_too_much_are_not_bought():
    quality, fresh = [0.3] * 20, pool(0.4)
    assert len(ask(quality, fresh).again) == 5
    assert len(ask(quality, fresh, minutes=Minutes(new=0.2, again=2.0, review=2.0)).again) == 0


def test_new_texts_of_which_the_model_is_surer_than_people_are_right_are_worth_nothing():
    assert len(ask([0.95] * 20, pool(0.85)).again) == 5
    assert len(ask([0.95] * 20, pool(0.6)).again) == 0


def test_at_most_half_goes_to_texts_with_labels():
    slots = ask([0.1] * 30, pool(0.9), reviewable=range(10))
    assert slots.new == 5
    assert len(slots.again) + len(slots.review) == 5


def test_further_labels_fill_what_new_texts_leave():
    slots = ask([0.5] * 30, pool(0.3, n=3))
    assert slots.new == 3
    assert len(slots.again) == 7
    assert len(ask([0.5] * 30, np.empty((0, K))).again) == 10


def test_nothing_more_is_asked_than_there_is():
    slots = ask([0.5, 0.5], pool(0.3, n=3))
    assert slots.new + len(slots.again) == 5


@pytest.mark.parametrize("size", [1, 2, 7, 10])
def test_the_slots_add_up_to_the_batch(size):
    rng = np.random.default_rng(size)
    slots = ask(
        rng.random(40), rng.dirichlet(np.ones(K), 60), size=size, reviewable=range(0, 40, 3)
    )
    assert slots.new + len(slots.again) + len(slots.review) == size
    assert not set(slots.again) & set(slots.review)


def test_sure_labels_are_never_asked_again():
    slots = ask([0.1] * 6, np.empty((0, K)), sure=[0, 2, 4], reviewable=range(6))
    assert set(slots.again) | set(slots.review) == {1, 3, 5}


def test_a_text_that_was_asked_often_is_asked_less():
    labels = np.full((3, 6), NONE)
    labels[0, :5], labels[1, 0], labels[2, :4] = [0, 1, 2, 1, 0], 0, [0, 1, 2, 3]
    slots = ask([0.5, 0.5, 0.5], pool(0.8), labels=labels)
    assert list(slots.again) == [1, 2, 0]


def test_a_text_that_everybody_has_labeled_is_not_asked_again():
    labels = [[0, 1], [0, NONE]]
    assert list(ask([0.2, 0.6], pool(0.7), labels=labels).again) == [1]
    assert list(ask([0.2, 0.6], pool(0.7), labels=labels, people=3).again) == [0, 1]


def test_one_person_is_asked_again_only_if_there_is_somebody_else():
    assert len(ask([0.2] * 5, pool(0.7), people=1).again) == 0
    assert len(ask([0.2] * 5, pool(0.7), people=2).again) == 5


def test_an_adjudicator_decides_where_that_buys_more():
    labels = [[0, 1, NONE]] * 4
    cheap, dear = Minutes(0.2, 0.2, 0.2), Minutes(0.2, 0.2, 2.0)
    asked = {"labels": labels, "reviewable": [1, 2]}
    one = ask([0.5] * 4, pool(0.75), minutes=cheap, **asked)
    assert (set(one.again), set(one.review)) == ({0, 3}, {1, 2})
    assert len(ask([0.5] * 4, pool(0.75), minutes=dear, **asked).review) == 0


def test_only_an_adjudicator_is_left_once_everybody_has_spoken():
    slots = ask([0.4] * 2, pool(0.7), labels=[[0, 1], [0, 1]], reviewable=[1])
    assert (len(slots.again), list(slots.review)) == (0, [1])


@pytest.mark.parametrize("missing", ["model", "evidence"])
def test_without_a_model_all_slots_are_new(missing):
    votes, found = setup([0.1] * 5)
    no = np.zeros(5, dtype=bool)
    proba = np.full((5, K), np.nan) if missing == "evidence" else None
    fresh = None if missing == "model" else pool(0.9)
    slots = divide(votes, found, proba, fresh, size=8, minutes=SAME, sure=no, reviewable=no)
    assert (slots.new, len(slots.again), len(slots.review)) == (8, 0, 0)


def test_the_order_of_texts_does_not_matter():
    rng = np.random.default_rng(3)
    quality, fresh = rng.random(50), rng.dirichlet(np.ones(K), 80)
    mixed = rng.permutation(50)
    one, other = ask(quality, fresh), ask(quality[mixed], fresh)
    assert list(one.again) == list(mixed[other.again])
    assert one.new == other.new
