"""A group stays itself while the pool changes."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from al_loop.openworld.match import LEAST, match


def ids(start, stop):
    return [f"t{i}" for i in range(start, stop)]


POOL = ids(0, 100)


def test_a_group_is_known_again_though_texts_were_labeled_and_others_came():
    before = {7: ids(0, 20), 9: ids(20, 40)}
    left = set(POOL) - set(ids(0, 8))
    now = [[*ids(22, 38), *ids(60, 64)], [*ids(8, 20), "new1", "new2"]]
    assert match(before, now, left | {"new1", "new2"}) == [9, 7]


def test_a_group_that_is_split_stays_itself_in_the_larger_part():
    assert match({1: ids(0, 20)}, [ids(0, 7), ids(7, 20)], POOL) == [None, 1]


def test_two_groups_that_became_one_are_the_larger_of_them():
    assert match({1: ids(0, 8), 2: ids(8, 20)}, [ids(0, 20)], POOL) == [2]


def test_too_little_in_common_makes_a_new_group():
    before = {1: ids(0, 20)}
    n = int(20 * LEAST * 2 / (1 + LEAST))
    assert match(before, [[*ids(0, n - 1), *ids(30, 50 - n)]], POOL) == [None]
    assert match(before, [[*ids(0, n + 2), *ids(30, 48 - n)]], POOL) == [1]


def test_a_weak_tie_takes_no_group_away_from_a_strong_one():
    before = {1: ids(0, 10), 2: [*ids(10, 12), *ids(40, 60)]}
    assert match(before, [ids(0, 12), ids(12, 20)], POOL) == [1, None]


def test_a_group_of_which_nothing_is_left_is_nobody():
    assert match({1: ids(0, 5)}, [ids(5, 9)], ids(5, 100)) == [None]
    assert match({}, [ids(0, 5)], POOL) == [None]
    assert match({1: ids(0, 5)}, [], POOL) == []


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-1, 6), min_size=1, max_size=60), st.integers(0, 50), st.integers(0, 9))
def test_no_two_groups_are_ever_the_same_one(labels, taken, seed):
    rng = np.random.default_rng(seed)
    texts = np.array([f"t{i}" for i in range(len(labels))])
    before = {g + 10: texts[np.array(labels) == g].tolist() for g in range(7)}
    again = rng.permutation(labels)
    now = [texts[again == g].tolist() for g in range(7)]
    found = match(before, now, texts[min(taken, len(texts)) :].tolist())
    numbers = [n for n in found if n is not None]
    assert len(numbers) == len(set(numbers))
    assert set(numbers) <= set(before)
