"""One queue: whether a new text, a second label or an adjudication buys more per minute."""

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

    A first label sets a text right that the model has wrong, and the other way round: it is
    worth as much as people are right more often than the model thinks itself to be. One more
    label sets right as many of the wrong ones as people are right, 1 - quality of them wrong;
    where `SETTLING` votes did not settle it, the fewer the more votes there are to outvote. An
    adjudicator sets all of them right. New texts count as those of which the model knows least.

    Args:
        votes: of the n labeled texts.
        found: what they add up to, of the same n texts.
        proba: (n, k) out-of-fold probabilities, rows of NaN where there are none. Where all are
            NaN, or it is None, nothing tells a doubtful label of one person: all slots are new.
        pool_proba: (N, k) probabilities of all texts without a label, (0, k) if there are no more;
            None without a model: all slots are new.
        size: slots of the batch.
        minutes: prices.
        sure: (n,) True where a text is never asked again: set by hand or adjudicated.
        reviewable: (n,) True where people disagree, so that an adjudicator could decide.
        people: how many can be asked; None for those that have voted. A text that all of them
            have labeled is not asked again, so where there is only one person, none is.

    At most `MOST_AGAIN` of the slots go to texts with labels, unless new ones run out.
    """
    none = np.empty(0, dtype=np.int64)
    if pool_proba is None or proba is None or np.isnan(proba).any(axis=1).all():
        return Slots(size if pool_proba is None else min(size, len(pool_proba)), none, none)
    right = float((found.people * (votes.labels != NONE).sum(axis=0)).sum() / votes.counts.sum())
    others = len(votes.people) if people is None else people
    wrong = np.where(sure, 0.0, 1 - found.quality)
    again = np.where(votes.counts < others, wrong * right, 0)
    again /= np.maximum(votes.counts - SETTLING + 1, 1) * minutes.again
    review = np.where(reviewable, wrong, 0) / minutes.review
    worth = np.maximum(again, review)
    most = max(int(size * MOST_AGAIN), size - len(pool_proba))
    rows = np.argsort(-worth, kind="stable")[:most]
    rows = rows[worth[rows] > 0]
    first = np.sort(right - pool_proba.max(axis=1))[::-1][:size] / minutes.new
    # The r-th labeled text stands against the new one that would lose its slot to it.
    against = np.append(first, np.full(size - len(first), -np.inf))[::-1][: len(rows)]
    taken = rows[worth[rows] > against]
    to_review = review[taken] > again[taken]
    new = min(size - len(taken), len(pool_proba))
    return Slots(new, taken[~to_review], taken[to_review])
