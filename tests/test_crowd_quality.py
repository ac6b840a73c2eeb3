"""The quality of each person, against sums done by hand."""

import numpy as np
import pytest

from al_loop.crowd.agreement import Share
from al_loop.crowd.quality import quality
from al_loop.crowd.votes import Votes
from al_loop.rates import wilson
from tests.test_crowd_agreement import made, votes


def judged(asked, labels=None, sure=False):
    """Judge people; labels as letters, a dot where nothing is settled."""
    letters = "." * len(asked.ids) if labels is None else labels
    found = np.array(["abcde".find(c) for c in letters], dtype=np.int64)
    return quality(asked, found, np.full(len(asked.ids), sure))


def counted(share):
    return share.hits, share.n


def test_each_is_measured_by_what_most_of_the_others_said():
    asked = votes(["aaab", "abcc", "ab..", "a...", ".aab"])
    ana, ben, cem, dan = judged(asked)
    # aaab: aab are the others of the first three, aaa of the last. abcc: bcc of the first, acc of
    # the second, but abc of those who said c: divided, and left out.
    assert (ana.votes, ana.shared, counted(ana.others)) == (4, 3, (1, 3))
    assert (ben.votes, ben.shared, counted(ben.others)) == (4, 4, (1, 3))
    assert (cem.votes, cem.shared, counted(cem.others)) == (3, 3, (1, 1))
    assert (dan.votes, dan.shared, counted(dan.others)) == (3, 3, (0, 2))


def test_agreement_of_a_person_compares_them_with_each_other_vote():
    asked = votes(["aab", "bb.", "a.."])
    ana, ben, cem = judged(asked)
    assert [counted(p.agreement) for p in (ana, ben, cem)] == [(2, 3), (2, 3), (0, 2)]


def test_sure_labels_measure_everybody_who_answered_them():
    asked = votes(["ab", "a.", "bb", "b."])
    ana, ben = judged(asked, "aba.", sure=True)
    assert counted(ana.gold) == (1, 3)
    assert counted(ben.gold) == (0, 2)
    assert (ana.gold.low, ana.gold.high) == wilson(1, 3)


def test_confusion_counts_what_is_right_and_what_was_said():
    asked = votes(["aab", "ccc", "ab.", "b..", "bba"])
    ana, ben, cem = judged(asked, "bcab.")
    # b of the first is cem's alone, a of the third ana's alone; the fourth nobody else labeled
    assert ana.confusion == {(1, 0): 1, (2, 2): 1}
    assert ben.confusion == {(1, 0): 1, (2, 2): 1, (0, 1): 1}
    assert cem.confusion == {(2, 2): 1}


def test_what_is_sure_needs_nobody_else():
    (ana,) = judged(votes(["a", "b", "b"]), "bb.", sure=True)
    assert ana.confusion == {(1, 0): 1, (1, 1): 1}


def test_a_perfect_and_a_random_annotator_are_told_apart():
    asked = made(400, 3, k=4, right=0.9)
    rng = np.random.default_rng(1)
    truth = made(400, 1, k=4, right=1.0).labels[:, 0]
    labels = np.column_stack([asked.labels, truth, rng.integers(0, 4, 400)])
    people = (*asked.people, "perfect", "random")
    found = {
        p.name: p
        for p in quality(Votes(asked.ids, people, asked.classes, labels), truth, truth >= 0)
    }
    assert found["perfect"].gold.value == 1.0
    assert 0.98 < found["perfect"].gold.low < 1.0
    assert found["perfect"].others.value > 0.95
    assert found["random"].gold.low < 0.25 < found["random"].gold.high
    assert found["random"].others.low < 0.25 < found["random"].others.high


def test_intervals_of_accuracy_cover_the_truth():
    inside = 0
    for seed in range(100):
        asked = made(60, 3, k=4, right=0.8, seed=seed)
        truth = made(60, 1, k=4, right=1.0, seed=seed).labels[:, 0]
        gold = quality(asked, truth, truth >= 0)[0].gold
        inside += gold.low <= 0.85 <= gold.high  # 0.8 + 0.2 / 4
    assert inside >= 89


@pytest.mark.parametrize("rows", [["a", "b"], ["a.", ".b"]])
def test_who_shares_no_text_has_no_accuracy(rows):
    asked = votes(rows)
    for person in judged(asked):
        assert person.agreement == person.others == person.gold == Share()
        assert person.confusion == {}


def test_nobody_is_measured_where_nobody_voted():
    assert judged(Votes.of({}, ["a"])) == judged(Votes.of({}, [])) == []
