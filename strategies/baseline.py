"""The strategy that all others are measured against."""

import numpy as np

from strategies.base import Picks, PoolView, check_request, no_picks, picks


def random(pool: PoolView, n: int, rng: np.random.Generator) -> Picks:
    """Draw n texts uniformly, without replacement: the yardstick of all others.

    Needs nothing but the number of texts. Every text has the inclusion probability n / N,
    so that accuracy estimated on a random batch has no selection bias. All scores are 0.

    Raises:
        ValueError: n is negative or larger than the pool.

    """
    check_request(pool, n)
    if n == 0:
        return no_picks()
    drawn = rng.permutation(len(pool))[:n]
    why = "drawn at random"
    return picks(drawn, np.zeros(n), source="random", why=why, inclusion=n / len(pool))
