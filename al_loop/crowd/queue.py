"""One queue: whether a new text, a second label or an adjudication buys more per minute."""

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from al_loop.crowd.consensus import Consensus, Floats
from al_loop.crowd.votes import NONE, Labels, Votes

Flags = npt.NDArray[np.bool_]

#: While there are new texts, at most this share of a batch goes to texts that have labels.
MOST_AGAIN = 0.5


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
    """Decide for each slot of a batch what it goes to.

    Args:
        votes: of the n labeled texts.
        found: what they add up to, of the same n texts.
        proba: (n, k) out-of-fold probabilities, rows of NaN where there are none.
        pool_proba: (N, k) probabilities of texts without a label; None without a model.
        size: slots of the batch.
        minutes: prices.
        sure: (n,) True where a text is never asked again: set by hand or adjudicated.
        reviewable: (n,) True where people disagree, so that an adjudicator could decide.
        people: how many can be asked; None for those that have voted. A text that all of them
            have labeled is not asked again, so with one person none is.
    """
    left = size if pool_proba is None else min(size, len(pool_proba))
    asked, new = _scores(votes, proba, pool_proba)
    if asked is None:
        return Slots(left, np.empty(0, np.int64), np.empty(0, np.int64))
    everybody = len(votes.people) if people is None else people
    again = np.where(~sure & (votes.counts < everybody), (1 - asked) / minutes.again, 0)
    review = np.where(~sure & reviewable, (1 - asked) / minutes.review, 0)
    fresh = np.sort((1 - new) / minutes.new)[::-1][:left]
    best, to_review = np.maximum(again, review), review > again
    order = np.argsort(-best, kind="stable")[: size if left == 0 else int(size * MOST_AGAIN)]
    order = order[best[order] > 0]
    n_old = sum(
        best[row] > fresh[size - 1 - i] if size - 1 - i < left else True
        for i, row in enumerate(order)
    )
    taken = order[:n_old]
    return Slots(min(size - int(n_old), left), taken[~to_review[taken]], taken[to_review[taken]])


def _scores(
    votes: Votes, proba: Floats | None, pool_proba: Floats | None
) -> tuple[Floats | None, Floats]:
    """Return ActiveLab's scores (Goh & Mueller 2023, arXiv 2301.11856): low is worth more."""
    if proba is None or pool_proba is None or np.isnan(proba[:, 0]).all():
        return None, np.empty(0)
    known: Flags = ~np.isnan(proba[:, 0])
    from cleanlab.multiannotator import get_active_learning_scores

    given = np.where(votes.labels == NONE, np.nan, votes.labels)[known]
    given = given[:, ~np.isnan(given).all(axis=0)]
    classes = np.unique(given[~np.isnan(given)]).astype(np.int64)
    if len(classes) < 2:
        return None, np.empty(0)
    place = np.full(proba.shape[1] + 1, np.nan)
    place[classes] = np.arange(len(classes))
    given = place[np.where(np.isnan(given), -1, given).astype(np.int64)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seen, new = get_active_learning_scores(
            given, _of(proba[known], classes), _of(pool_proba, classes)
        )
    scores = np.ones(len(known))
    scores[known] = seen
    return scores, new


def _of(proba: Floats, classes: Labels) -> Floats:
    """Return probabilities among some classes."""
    some = np.clip(proba[:, classes], 1e-9, None)
    return np.asarray(some / some.sum(axis=1, keepdims=True), dtype=np.float64)
