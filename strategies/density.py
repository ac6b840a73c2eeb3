"""A strategy that asks for uncertain texts that are like many others."""

import math
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from strategies.base import (
    FloatArray,
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

UNCERTAINTIES: Mapping[str, Callable[[FloatArray], npt.NDArray[np.float64]]] = {
    "entropy": entropies,
    "margin": lambda proba: 1.0 - margins(proba),
}


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
    pool, but at least 0. Without a model or with one class, cluster representatives are taken.

    Args:
        pool: needs `embeddings` and `proba`.
        n: size of the batch.
        rng: breaks ties.
        beta: how much likeness counts; 0: not at all.
        uncertainty: "entropy" in nats, or "margin", 1 less the margin.

    Source: B. Settles, M. Craven, An Analysis of Active Learning Strategies for Sequence
    Labeling Tasks, EMNLP 2008 (information density).

    Raises:
        ValueError: n is negative or larger than the pool, or an option can't be.

    """
    _check(beta, uncertainty)
    check_request(pool, n)
    if n == 0:
        return no_picks()
    if pool.proba is None or lacks(density, pool):
        return cold_start(pool, n, rng)
    unsure = UNCERTAINTIES[uncertainty](pool.proba)
    likeness = mean_cosine(pool)
    scores = unsure * np.maximum(likeness, 0.0) ** beta
    best = top_n(scores, n, rng)
    both = zip(unsure[best], likeness[best], strict=True)
    why = [f"{uncertainty} {u:.2f}, mean similarity {s:.2f} to the pool" for u, s in both]
    return picks(best, scores[best], source="density", why=why)


def _check(beta: float, uncertainty: str) -> None:
    if not 0 <= beta < math.inf:
        raise ValueError(f"beta must be 0 or more, not {beta}")
    if uncertainty not in UNCERTAINTIES:
        known = " or ".join(UNCERTAINTIES)
        raise ValueError(f"uncertainty must be {known}, not {uncertainty!r}")


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
