"""The random share that is drawn under every strategy."""

import functools
import math
from dataclasses import replace

import numpy as np

from strategies.base import (
    Picks,
    PoolView,
    Strategy,
    check_request,
    join,
    no_picks,
)
from strategies.baseline import random
from strategies.part import choose_from_rest


def with_random_share(strategy: Strategy, share: float = 0.1) -> Strategy:
    """Return the strategy with a share of every batch drawn uniformly from the whole pool.

    The share is drawn first and stands first, with its inclusion probability n_random / N;
    the strategy chooses the rest among what is left. Estimates on the random share stay free
    of selection bias, and no region of the pool is out of reach of the batch. Where the
    strategy draws too, its inclusion probabilities are made those of the whole pool. If it is
    `random` itself, the batch is one uniform draw with inclusion n / N.

    Raises:
        ValueError: share is not from 0 to 1.

    """
    if not 0 <= share <= 1:
        raise ValueError(f"random_share must be from 0 to 1, not {share}")
    if share == 0 or strategy is random:
        return strategy
    return functools.partial(_share_then, strategy=strategy, share=share)


def random_count(n: int, share: float) -> int:
    """Return how many of n texts are drawn: the share rounded half up, but at least 1.

    So a batch of a single text is drawn at random whatever the strategy. That is a price for
    small batches, but a batch without a random text would leave gaps in every estimate.

    >>> [random_count(n, 0.1) for n in (0, 1, 10, 14, 15, 100)]
    [0, 1, 1, 1, 2, 10]
    """
    if n <= 0 or share <= 0:
        return 0
    return min(n, max(1, math.floor(n * share + 0.5)))


def _share_then(
    pool: PoolView, n: int, rng: np.random.Generator, *, strategy: Strategy, share: float
) -> Picks:
    check_request(pool, n)
    if n == 0:
        return no_picks()
    drawn = random(pool, random_count(n, share), rng)
    if len(drawn) == n:
        return drawn
    chosen = choose_from_rest(strategy, pool, drawn.indices, n - len(drawn), rng)
    # A draw from the rest reaches a text only if the share has not taken it.
    left = 1.0 - len(drawn) / len(pool)
    return join([drawn, replace(chosen, inclusion=chosen.inclusion * left)])
