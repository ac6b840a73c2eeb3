"""A strategy that asks for the texts that several models disagree about."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from strategies.base import (
    IntArray,
    Picks,
    PoolView,
    Predict,
    check_request,
    lacks,
    needs,
    no_picks,
    picks,
    top_n,
)
from strategies.grouping import BLOCK, as_float32, cold_start
from strategies.uncertainty import entropies

#: What disagreement can be measured by, and its name for people.
MEASURES = {"votes": "vote entropy", "bald": "BALD"}
_FEWEST_MEMBERS = 2
_DECIMALS = 5  # members that agree differ in the last digits; this is far above them


@needs("learn")
def committee(
    pool: PoolView, n: int, rng: np.random.Generator, *, size: int = 5, measure: str = "votes"
) -> Picks:
    """Take the texts that several models, each trained on other labels, disagree about.

    The members are models of the configured kind, trained on bootstrap samples of the labels.
    The score is their disagreement in nats; where they all agree it is 0, and texts are drawn.
    Before there is a model, or with a single class, cluster representatives are taken.

    Args:
        pool: needs `embeddings`, `labeled`, `labels` and `learn`.
        n: size of the batch.
        rng: draws the samples and breaks ties.
        size: number of members, at least 2. Each costs a training.
        measure: "bald", the entropy of the mean probabilities less the mean entropy, or "votes",
            the entropy of the members' most probable classes.

    Source: H. Seung, M. Opper, H. Sompolinsky, Query by Committee, COLT 1992; BALD: N. Houlsby
    et al., Bayesian Active Learning for Classification and Preference Learning,
    arXiv:1112.5745, 2011; vote entropy: I. Dagan, S. Engelson, Committee-Based Sampling for
    Training Probabilistic Classifiers, ICML 1995.

    Raises:
        ValueError: n is negative or larger than the pool, or an option can't be.

    """
    _check(size, measure)
    check_request(pool, n)
    if n == 0:
        return no_picks()
    if lacks(committee, pool):
        return cold_start(pool, n, rng)
    scores = _disagreement(pool, _members(pool, size, rng), measure)
    best = top_n(scores, n, rng)
    why = [f"{MEASURES[measure]} {score:.3f} of {size} models" for score in scores[best]]
    return picks(best, scores[best], source="committee", why=why)


def _check(size: int, measure: str) -> None:
    if size < _FEWEST_MEMBERS:
        raise ValueError(f"size must be at least {_FEWEST_MEMBERS}, not {size}")
    if measure not in MEASURES:
        raise ValueError(f"measure must be {' or '.join(MEASURES)}, not {measure!r}")


def _members(pool: PoolView, size: int, rng: np.random.Generator) -> list[Predict]:
    assert pool.learn is not None
    labeled = as_float32(pool.labeled)
    samples = [_resampled(pool.labels, rng) for _ in range(size)]
    return [pool.learn(labeled[rows], pool.labels[rows]) for rows in samples]


def _resampled(labels: IntArray, rng: np.random.Generator) -> IntArray:
    """Draw as many labels as there are, with replacement, and one of each class left out.

    Without a class a member is sure that its texts are something else, and the committee would
    differ by whom the draw left out. Drawing within each class would avoid that too, but makes
    all members the same while classes have one label each.
    """
    drawn = rng.integers(len(labels), size=len(labels))
    missing = np.setdiff1d(labels, labels[drawn])
    again = [rng.choice(np.flatnonzero(labels == c)) for c in missing]
    return np.concatenate([drawn, np.array(again, dtype=np.int64)])


def _disagreement(
    pool: PoolView, members: Sequence[Predict], measure: str
) -> npt.NDArray[np.float64]:
    """Return (N,) disagreements in nats, 0 where the members agree."""
    out = np.empty(len(pool))
    for start in range(0, len(pool), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(pool)))
        X = as_float32(pool.vectors(rows))
        found = np.stack([proba(X) for proba in members])
        if measure == "votes":
            out[rows] = entropies(np.eye(found.shape[2])[found.argmax(axis=2)].mean(axis=0))
        else:
            out[rows] = entropies(found.mean(axis=0)) - np.mean([*map(entropies, found)], axis=0)
    return np.maximum(np.round(out, _DECIMALS), 0.0)
