"""One queue: whether a new text, a second label or an adjudication buys more per minute.

All are measured in labels that come out right. A first label sets a text right that the model has
wrong, and the other way round: it is worth as much as people are right more often than the model
holds itself to be. New texts count as those that it is least sure of. A further label is worth
the chance that the label is wrong, times that of a person to be right. ActiveLab (Goh and Mueller
2023, arXiv 2301.11856) compares the same two chances, but not what an answer changes.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from al_loop.crowd.consensus import Consensus, Floats
from al_loop.crowd.votes import NONE, Labels, Votes

Flags: TypeAlias = npt.NDArray[np.bool_]

#: While there are new texts, at most this share of a batch goes to texts that have labels.
MOST_AGAIN = 0.5
#: A text with as many votes that is in doubt still is a hard one: further votes say less.
SETTLING = 3


@dataclass(frozen=True, slots=True)
class Minutes:
    """What a new text, one more label of a text, and an adjudication take on average."""

    new: float
    again: float
    review: float


@dataclass(frozen=True, slots=True, eq=False)
class Slots:
    """What the slots of a batch go to.

    new: how many new texts. again, review: rows of the votes, those most worth it first.
    """

    new: int
    again: Labels
    review: Labels


def divide(
    votes: Votes,
    found: Consensus,
    proba: Floats | None,
    pool_proba: Floats | None,
    *,
    size: int,
    minutes: Minutes,
    sure: Flags,
    reviewable: Flags,
    people: int | None = None,
) -> Slots:
    """Decide for each slot of a batch what it goes to, by right labels gained per minute.

    Args:
        votes: of the n labeled texts.
        found: what they add up to, of the same n texts.
        proba: (n, k) out-of-fold probabilities, rows of NaN where there are none.
        pool_proba: (N, k) probabilities of all texts without a label, (0, k) if there are no more.
            Without a model (None, or nothing but NaN) all slots are new.
        size: slots of the batch.
        minutes: prices.
        sure: (n,) True where a text is never asked again: set by hand or adjudicated.
        reviewable: (n,) True where people disagree, so that an adjudicator could decide.
        people: how many can be asked; None for those that have voted. A text that all of them
            have labeled is not asked again, so where there is only one person, none is.
    """
    none = np.empty(0, dtype=np.int64)
    if pool_proba is None or proba is None or np.isnan(proba).any(axis=1).all():
        return Slots(size if pool_proba is None else min(size, len(pool_proba)), none, none)
    others = len(votes.people) if people is None else people
    open_, disputed = ~sure & (votes.counts < others), ~sure & reviewable
    again, review = _further(votes, found, minutes, open_, disputed)
    first = np.sort(_right(votes, found) - pool_proba.max(axis=1))[::-1][:size] / minutes.new
    most = max(int(size * MOST_AGAIN), size - len(pool_proba))
    taken = _taken(np.maximum(again, review), first, size, most)
    to_review = review[taken] > again[taken]
    return Slots(min(size - len(taken), len(pool_proba)), taken[~to_review], taken[to_review])


def _taken(worth: Floats, first: Floats, size: int, most: int) -> Labels:
    """Return the rows, of (n,) worth, that beat new texts, of descending worth; `most` at most."""
    rows = np.argsort(-worth, kind="stable")[:most]
    rows = rows[worth[rows] > 0]
    # The r-th labeled text stands against the new one that would lose its slot to it.
    against = np.append(first, np.full(size - len(first), -np.inf))[::-1][: len(rows)]
    return np.asarray(rows[worth[rows] > against], dtype=np.int64)


def _right(votes: Votes, found: Consensus) -> float:
    """Return how often a vote is right."""
    given = (votes.labels != NONE).sum(axis=0)
    return float((found.people * given).sum() / given.sum())


def _further(
    votes: Votes, found: Consensus, minutes: Minutes, again: Flags, review: Flags
) -> tuple[Floats, Floats]:
    """Return what one more label of each text, and an adjudication, are worth per minute.

    Of labels that are wrong, one more sets right as many as people are right; fewer where
    `SETTLING` votes did not settle it. An adjudicator sets all right.
    """
    wrong = 1 - found.quality
    outvoting = np.maximum(votes.counts - SETTLING + 1, 1)
    one_more = wrong * _right(votes, found) / outvoting / minutes.again
    return np.where(again, one_more, 0.0), np.where(review, wrong / minutes.review, 0.0)
