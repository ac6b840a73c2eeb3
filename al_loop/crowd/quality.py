"""How good each person is: against the others, against labels that are sure; and their mistakes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from al_loop.crowd.agreement import Share, share
from al_loop.crowd.votes import NONE, Labels, Votes


@dataclass(frozen=True, slots=True)
class Person:
    """What the votes tell about one person. Every interval is Wilson's, 95 %.

    votes: texts that they labeled. shared: those of them that somebody else labeled, too.
    agreement: share of the comparisons with one other vote on the same text that are the same.
    others: accuracy as the others see it: share of the texts on which they said what most of the
        other people did. Texts on which the others are divided are left out. The others err, too,
        so that this is lower than the truth where they are no better.
    gold: accuracy on the texts whose label is sure.
    confusion: (right, said) -> texts, as positions in `classes`. What is right is the sure label;
        else what most of the others said.
    """

    name: str
    votes: int
    shared: int
    agreement: Share
    others: Share
    gold: Share
    confusion: Mapping[tuple[int, int], int]


def quality(votes: Votes, gold: Labels) -> list[Person]:
    """Judge each person by their votes.

    Args:
        votes: of n texts by a people.
        gold: (n,) the label that is sure, as a position in `votes.classes`; `NONE` where none is.

    Returns a record a person, in the order of `votes.people`.
    """
    counts = np.zeros((len(votes.ids), len(votes.classes)), dtype=np.int64)
    rows, columns = np.nonzero(votes.labels != NONE)
    np.add.at(counts, (rows, votes.labels[rows, columns]), 1)
    return [_person(votes, gold, counts, j) for j in range(len(votes.people))]


def _person(votes: Votes, gold: Labels, counts: Labels, j: int) -> Person:
    """Judge one person; counts: (n, k) votes of everybody."""
    mine = np.flatnonzero(votes.labels[:, j] != NONE)
    said, sure = votes.labels[mine, j], gold[mine]
    others = counts[mine]
    others[np.arange(len(mine)), said] -= 1
    compared = others.sum(axis=1)
    same = others[np.arange(len(mine)), said]
    most = _most(others)
    right = np.where(sure != NONE, sure, most)
    judged = right != NONE
    pairs, times = np.unique(
        np.stack([right[judged], said[judged]], axis=1), axis=0, return_counts=True
    )
    return Person(
        name=votes.people[j],
        votes=len(mine),
        shared=int((compared > 0).sum()),
        agreement=share(same, compared),
        others=_accuracy(most, said),
        gold=_accuracy(sure, said),
        confusion={(int(t), int(s)): int(n) for (t, s), n in zip(pairs, times, strict=True)},
    )


def _most(counts: Labels) -> Labels:
    """Return (n,) what most votes of (n, k) say; `NONE` where there is none, or a tie."""
    if not counts.shape[1]:
        return np.full(len(counts), NONE, dtype=np.int64)
    largest = counts.max(axis=1)
    alone = (counts == largest[:, None]).sum(axis=1) == 1
    return np.where(alone & (largest > 0), counts.argmax(axis=1), NONE)


def _accuracy(right: Labels, said: Labels) -> Share:
    """Return the share of (t,) labels that are right, of those for which that is known."""
    known = (right != NONE).astype(np.int64)
    return share((right == said).astype(np.int64) * known, known)
