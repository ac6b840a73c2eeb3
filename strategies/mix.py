"""Several strategies in one batch."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from strategies.base import (
    Picks,
    PoolView,
    Strategy,
    check_request,
    join,
    lacks,
    no_picks,
)
from strategies.grouping import cold_start
from strategies.novelty import novelty, unexplained
from strategies.part import choose_from_rest


def mix(
    pool: PoolView,
    n: int,
    rng: np.random.Generator,
    *,
    parts: Mapping[str, tuple[Strategy, float]],
) -> Picks:
    """Share the batch out among several strategies, without overlap.

    n is split by largest remainder (A. Hamilton, 1792). The share of `novelty` is the mean of
    its given share and the share of the pool that is in novel groups, at the expense or to the
    gain of the others: it rises while there is much to discover. The parts choose in the given
    order among what the earlier ones left, and what a part can't fill goes to the next. Parts
    that can't work yet leave their shares to one set of cluster representatives, which comes
    first.
    Scores are comparable within a source only. Only who chooses first chooses from the whole
    pool, so inclusion probabilities are kept there and NaN after it.

    Args:
        pool: what the parts need.
        n: size of the batch.
        rng: passed on to the parts.
        parts: name -> (strategy with its parameters bound, share). Shares are positive and
            count relative to their sum; the registry reads them from ``[batch] mix``.

    Returns fewer than n texts if the parts can't fill the batch together; built-in ones can.

    Raises:
        ValueError: n is negative or larger than the pool, there are no parts, or a share is
            not positive.

    """
    if not parts or not all(0 < share < np.inf for _, share in parts.values()):
        raise ValueError("a mix needs at least one part, and its shares must be positive")
    check_request(pool, n)
    if n == 0:
        return no_picks()
    return _run(pool, n, rng, parts)


def apportion(n: int, shares: list[float]) -> list[int]:
    """Split n by shares of any positive sum: whole quotas, then the largest remainders.

    Equal remainders go to the earlier share.

    >>> apportion(10, [0.7, 0.3]), apportion(10, [1, 1, 1])
    ([7, 3], [4, 3, 3])
    """
    quotas = np.round(n * np.array(shares, dtype=np.float64) / sum(shares), 9)
    counts = np.floor(quotas).astype(np.int64)
    by_remainder = np.argsort(-(quotas - counts), kind="stable")
    counts[by_remainder[: n - int(counts.sum())]] += 1
    return [int(c) for c in counts]


def _run(
    pool: PoolView,
    n: int,
    rng: np.random.Generator,
    parts: Mapping[str, tuple[Strategy, float]],
) -> Picks:
    chosen, missing = no_picks(), 0
    for strategy, count in _shares(pool, n, parts):
        chosen, missing = _add(chosen, strategy, pool, count + missing, rng)
    for strategy, _ in parts.values():  # the last part was short: ask the earlier ones again
        chosen, missing = _add(chosen, strategy, pool, missing, rng)
    return chosen


def _shares(
    pool: PoolView, n: int, parts: Mapping[str, tuple[Strategy, float]]
) -> list[tuple[Strategy, int]]:
    """Return who chooses how many; parts that lack what they need make one cold start."""
    counts = apportion(n, _weights(pool, parts))
    shares: list[tuple[Strategy, int]] = []
    cold = 0
    for (strategy, _), count in zip(parts.values(), counts, strict=True):
        if lacks(strategy, pool):
            cold += count
        else:
            shares.append((strategy, count))
    return [(cold_start, cold), *shares]


def _weights(pool: PoolView, parts: Mapping[str, tuple[Strategy, float]]) -> list[float]:
    """Return the shares of this round, whose sum is 1."""
    total = sum(share for _, share in parts.values())
    given = [share / total for _, share in parts.values()]
    looks = [getattr(s, "func", s) is novelty and not lacks(s, pool) for s, _ in parts.values()]
    if not any(looks) or all(looks):
        return given
    searching = next(s for (s, _), yes in zip(parts.values(), looks, strict=True) if yes)
    usual = sum(g for g, yes in zip(given, looks, strict=True) if yes)
    now = (usual + unexplained(pool, **getattr(searching, "keywords", {}))) / 2
    rise, fall = now / usual, (1 - now) / (1 - usual)
    return [g * (rise if yes else fall) for g, yes in zip(given, looks, strict=True)]


def _add(
    chosen: Picks, strategy: Strategy, pool: PoolView, n: int, rng: np.random.Generator
) -> tuple[Picks, int]:
    """Add what a part chooses among the rest; also return how many of n it could not fill."""
    if n == 0:
        return chosen, 0
    more = choose_from_rest(strategy, pool, chosen.indices, n, rng)
    if len(chosen):
        more = replace(more, inclusion=np.full(len(more), np.nan))
    return join([chosen, more]), n - len(more)
