"""Strategies that ask for the texts that the model is least sure of."""

import math

import numpy as np
import numpy.typing as npt

from strategies.base import (
    FloatArray,
    IntArray,
    Picks,
    PoolView,
    check_request,
    lacks,
    needs,
    no_picks,
    picks,
    top_n,
)
from strategies.grouping import cold_start


@needs("proba")
def least_confidence(pool: PoolView, n: int, rng: np.random.Generator) -> Picks:
    """Take the texts whose most probable class is the least probable.

    The score is 1 - p1, with p1 the largest of the (N, k) probabilities. Before there is a
    model, or with a single class, cluster representatives are taken.

    Source: D. Lewis, W. Gale, A Sequential Algorithm for Training Text Classifiers, SIGIR 1994,
    arXiv:cmp-lg/9407020.

    Raises:
        ValueError: n is negative or larger than the pool.

    """
    check_request(pool, n)
    if n == 0:
        return no_picks()
    if pool.proba is None or lacks(least_confidence, pool):
        return cold_start(pool, n, rng)
    sure = _rounded(pool.proba).max(axis=1)
    best = top_n(-sure, n, rng)
    why = [f"confidence {p:.3f}" for p in sure[best]]
    return picks(best, 1.0 - sure[best], source="least_confidence", why=why)


@needs("proba")
def margin(pool: PoolView, n: int, rng: np.random.Generator) -> Picks:
    """Take the texts whose two most probable classes are closest together.

    The score is 1 - (p1 - p2), with p1 and p2 the two largest of the (N, k) probabilities.
    Before there is a model, or with a single class, cluster representatives are taken.

    Source: T. Scheffer, C. Decomain, S. Wrobel, Active Hidden Markov Models for Information
    Extraction, IDA 2001.

    Raises:
        ValueError: n is negative or larger than the pool.

    """
    check_request(pool, n)
    if n == 0:
        return no_picks()
    if pool.proba is None or lacks(margin, pool):
        return cold_start(pool, n, rng)
    gaps = margins(pool.proba)
    best = top_n(-gaps, n, rng)
    why = [f"margin {gap:.3f}" for gap in gaps[best]]
    return picks(best, 1.0 - gaps[best], source="margin", why=why)


@needs("proba")
def entropy(pool: PoolView, n: int, rng: np.random.Generator) -> Picks:
    """Take the texts whose class probabilities are spread the widest.

    The score is the entropy in nats, -sum(p log p) over the k columns of (N, k), from 0 to
    log k. It minds doubt among many classes, where margin looks at two only. Before there is
    a model, or with a single class, cluster representatives are taken.

    Source: C. E. Shannon, A Mathematical Theory of Communication, 1948; as a query strategy:
    B. Settles, Active Learning Literature Survey, 2009, section 3.1.

    Raises:
        ValueError: n is negative or larger than the pool.

    """
    check_request(pool, n)
    if n == 0:
        return no_picks()
    if pool.proba is None or lacks(entropy, pool):
        return cold_start(pool, n, rng)
    spread = entropies(pool.proba)
    best = top_n(spread, n, rng)
    why = [f"entropy {value:.2f}" for value in spread[best]]
    return picks(best, spread[best], source="entropy", why=why)


def most_uncertain(proba: FloatArray, n: int, among: float, rng: np.random.Generator) -> IntArray:
    """Return the rows with the smallest margins, smallest first, for n to be chosen of them.

    proba: (N, k >= 2). They are `among` times n, but not more than half of N unless n is.
    """
    count = max(n, math.ceil(min(among * n, len(proba) / 2)))
    return top_n(-margins(proba), count, rng)


def margins(proba: FloatArray) -> npt.NDArray[np.float64]:
    """Return (N,) differences between the two largest of (N, k >= 2) probabilities."""
    top_two = np.partition(_rounded(proba), -2, axis=1)[:, -2:]
    return np.asarray(top_two[:, 1] - top_two[:, 0])


def entropies(proba: FloatArray) -> npt.NDArray[np.float64]:
    """Return (N,) entropies in nats of (N, k) probabilities; 0 log 0 counts as 0."""
    p = _rounded(proba)
    return np.asarray(-np.sum(p * np.log(np.where(p > 0, p, 1.0)), axis=1))


def _rounded(proba: FloatArray) -> npt.NDArray[np.float64]:
    # Through float32, so that probabilities stored in either precision give the same order.
    return proba.astype(np.float32).astype(np.float64)
