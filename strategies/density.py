"""A strategy that asks for uncertain texts that are like many others."""

import math

import numpy as np
import numpy.typing as npt

from strategies.base import (
    Picks,
    PoolView,
    check_request,
    lacks,
    needs,
    no_picks,
    picks,
    top_n,
)
from strategies.grouping import BLOCK, as_float32, cold_start
from strategies.part import whole
from strategies.uncertainty import entropies, margins


@needs("proba")
def density(
    pool: PoolView,
    n: int,
    rng: np.random.Generator,
    *,
    beta: float = 1.0,
    uncertainty: str = "entropy",
) -> Picks:
    """Take uncertain texts that are like the rest of the pool.

    The score is u s^beta, with u the uncertainty and s the mean cosine to all texts of the
    pool, 0 where that is negative: uncertain texts that are like nothing else teach little.
    Before there is a model, or with a single class, cluster representatives are taken.

    Args:
        pool: needs `embeddings` and `proba`.
        n: size of the batch.
        rng: breaks ties.
        beta: how much likeness counts; 0: not at all.
        uncertainty: "entropy" in nats, or "margin", 1 less the difference of the two largest
            probabilities.

    Source: B. Settles, M. Craven, An Analysis of Active Learning Strategies for Sequence
    Labeling Tasks, EMNLP 2008 (information density).

    Raises:
        ValueError: n is negative or larger than the pool, `beta` is negative, or there is no
            such `uncertainty`.

    """
    if not 0 <= beta < math.inf:
        raise ValueError(f"beta must be 0 or more, not {beta}")
    if uncertainty not in ("entropy", "margin"):
        raise ValueError(f"uncertainty must be entropy or margin, not {uncertainty!r}")
    check_request(pool, n)
    if n == 0:
        return no_picks()
    if pool.proba is None or lacks(density, pool):
        return cold_start(pool, n, rng)
    unsure = entropies(pool.proba) if uncertainty == "entropy" else 1.0 - margins(pool.proba)
    likeness = mean_cosine(pool)
    scores = unsure * np.maximum(likeness, 0.0) ** beta
    best = top_n(scores, n, rng)
    why = [
        f"{uncertainty} {u:.2f}, mean similarity {s:.2f} to the pool"
        for u, s in zip(unsure[best], likeness[best], strict=True)
    ]
    return picks(best, scores[best], source="density", why=why)


def mean_cosine(pool: PoolView) -> npt.NDArray[np.float32]:
    """Return (N,) mean cosines of the texts to all of the round's pool, themselves included.

    Rows have length 1, so that the mean of the products is the product with the mean vector.
    """
    from threadpoolctl import threadpool_limits

    X = whole(pool)[0].embeddings
    mean = pool.shared.once(X, "mean", lambda: as_float32(X.mean(axis=0, dtype=np.float64)))
    out = np.empty(len(pool), dtype=np.float32)
    with threadpool_limits(1):  # see grouping
        for start in range(0, len(pool), BLOCK):
            rows = np.arange(start, min(start + BLOCK, len(pool)))
            out[rows] = as_float32(pool.vectors(rows)) @ mean
    return out
