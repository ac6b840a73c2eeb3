"""A strategy that asks for texts whose class hangs on a few numbers of their vector."""

import math

import numpy as np

from strategies.base import (
    IntArray,
    Picks,
    PoolView,
    check_request,
    lacks,
    needs,
    no_picks,
    picks,
)
from strategies.grouping import BLOCK, as_float32, cold_start, representatives

#: How often a text is looked at through a random mask, and the share of its numbers that each
#: mask drops; both as in the paper.
PASSES, DROPPED = 3, 0.75
#: The candidates are at least so many times the batch, but not more than half of the pool.
AMONG = 10


@needs("proba", "predict")
def dropquery(pool: PoolView, n: int, rng: np.random.Generator) -> Picks:
    """Cover the texts that change their class when most of their vector is dropped.

    The model looks at each text three more times, with a random three quarters of the vector
    set to 0. Candidates are the texts whose most probable class changed more than half of
    these times; while they are fewer than ten batches (or than half of the pool, where that is
    less), those that changed less often come in too. Of each of n k-means clusters of the
    candidates the most central is taken, larger clusters first; the score is the share of the
    candidates in it. Before there is a model, or with a single class, cluster representatives
    of the whole pool are taken.

    Source: S. Gupte et al., Revisiting Active Learning in the Era of Vision Foundation Models,
    TMLR 2024, arXiv:2401.14555. How many candidates are enough is our own.

    Raises:
        ValueError: n is negative or larger than the pool.

    """
    check_request(pool, n)
    if n == 0:
        return no_picks()
    if lacks(dropquery, pool):
        return cold_start(pool, n, rng)
    changes = _changes(pool, rng)
    rows = _candidates(changes, n)
    chosen = representatives(pool.vectors(rows), n, rng)
    best = rows[chosen.indices]
    why = [
        f"class changed in {changed} of {PASSES} dropouts: {place}"
        for changed, place in zip(changes[best], chosen.why, strict=True)
    ]
    return picks(best, chosen.scores, source="dropquery", why=why)


def _changes(pool: PoolView, rng: np.random.Generator) -> IntArray:
    """Return (N,) numbers of passes in which a text's most probable class was another one."""
    assert pool.proba is not None
    assert pool.predict is not None
    changes = np.zeros(len(pool), dtype=np.int64)
    for start in range(0, len(pool), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(pool)))
        X, usual = as_float32(pool.vectors(rows)), as_float32(pool.proba[rows]).argmax(axis=1)
        for _ in range(PASSES):
            kept = rng.random(X.shape, dtype=np.float32) >= DROPPED
            # As large as before on average, or a head's intercepts would weigh four times as
            # much as they should.
            masked = X * kept / (1 - DROPPED)
            changes[rows] += pool.predict(masked).argmax(axis=1) != usual
    return changes


def _candidates(changes: IntArray, n: int) -> IntArray:
    """Return the rows that changed most often, at least n of them."""
    enough = max(n, math.ceil(min(AMONG * n, len(changes) / 2)))
    least = PASSES // 2 + 1
    while np.count_nonzero(changes >= least) < enough:
        least -= 1
    return np.flatnonzero(changes >= least)
