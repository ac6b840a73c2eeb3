"""How good each person is: against the others, against labels that are sure; and their mistakes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from al_loop.crowd.agreement import Share, share
from al_loop.crowd.votes import NONE, Labels, Votes

Flags: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Person:
    """What the votes tell about one person. Every interval is Wilson's, 95 %.

    votes: texts that they labeled. shared: those of them that somebody else labeled, too.
    agreement: share of the comparisons with one other vote on the same text that are the same.
    others: accuracy as the others see it: share of the texts on which they said what most of the
        other people did. Texts on which the others are divided are left out. The others err, too,
        so that this is lower than the truth where they are no better.
    gold: accuracy on the texts whose label is sure.
    confusion: (right, said) -> texts, as positions in `classes`, where the label is sure or at
        least one other person said it, so that nobody is measured by their own word.
    """

    name: str
    votes: int
    shared: int
    agreement: Share
    others: Share
    gold: Share
    confusion: Mapping[tuple[int, int], int]


def quality(votes: Votes, labels: Labels, sure: Flags) -> list[Person]:
    """Judge each person by their votes.

    Args:
        votes: of n texts by a people.
        labels: (n,) what each text counts as, a position in `votes.classes`; `NONE` where nothing
            is settled.
        sure: (n,) whether the label was set by hand, adjudicated, or is right for other reasons.

    Returns a record a person, in the order of `votes.people`.
    """
    counts = np.zeros((len(votes.ids), len(votes.classes)), dtype=np.int64)
    rows, columns = np.nonzero(votes.labels != NONE)
    np.add.at(counts, (rows, votes.labels[rows, columns]), 1)
    gold = np.where(sure, labels, NONE)
    return [_person(votes, labels, gold, counts, j) for j in range(len(votes.people))]


def _person(votes: Votes, labels: Labels, gold: Labels, counts: Labels, j: int) -> Person:
    """Judge one person; counts: (n, k) votes of everybody, gold: (n,) what is sure."""
    mine = np.flatnonzero(votes.labels[:, j] != NONE)
    each, said = np.arange(len(mine)), votes.labels[mine, j]
    others = counts[mine]
    others[each, said] -= 1
    compared = others.sum(axis=1)
    confirmed = (gold[mine] != NONE) | ((labels[mine] != NONE) & (others[each, labels[mine]] > 0))
    return Person(
        name=votes.people[j],
        votes=len(mine),
        shared=int((compared > 0).sum()),
        agreement=share(others[each, said], compared),
        others=_accuracy(_most(others), said),
        gold=_accuracy(gold[mine], said),
        confusion=_confusion(labels[mine][confirmed], said[confirmed]),
    )


def _confusion(right: Labels, said: Labels) -> dict[tuple[int, int], int]:
    pairs, times = np.unique(np.stack([right, said], axis=1), axis=0, return_counts=True)
    return {(int(t), int(s)): int(n) for (t, s), n in zip(pairs, times, strict=True)}


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
