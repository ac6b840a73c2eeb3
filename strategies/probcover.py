"""A strategy that covers the dense part of the pool with balls of one size."""

import math

import numpy as np
import numpy.typing as npt

from strategies.base import IntArray, Picks, PoolView, check_request, no_picks, picks
from strategies.grouping import as_float32, covered, find_centers, nearest
from strategies.part import whole

#: Balls are laid around and counted over at most so many texts, drawn uniformly.
SAMPLE = 20_000
#: The purity of the balls is measured on so many texts.
MEASURED = 2_000
#: Share of the balls that must not reach into another cluster.
PURITY = 0.95
#: So many similarities are computed at a time, to spare memory.
BLOCK = 10_000_000
#: Rounding of a cosine in single precision: a text is in its own ball, however small.
ROUNDING = 1e-6


def probcover(pool: PoolView, n: int, rng: np.random.Generator, *, delta: float = 0.0) -> Picks:
    """Take, one by one, the text with the most texts around it that no other covers yet.

    A text covers what is within the radius; labeled texts and those in the batch cover first.
    When all is covered, the rest is drawn. Needs no model. Above 20,000 texts a uniform sample
    is covered. A score is the share of these texts that the text newly covers.

    Args:
        pool: needs `embeddings`.
        n: size of the batch.
        rng: draws the sample and breaks ties.
        delta: the radius, a Euclidean distance between vectors of length 1, up to 2; 0: the
            largest at which 95 % of the balls lie within one k-means cluster. There are as
            many clusters as known classes, or before there are two, the root of half the texts.

    Source: O. Yehuda, A. Dekel, G. Hacohen, D. Weinshall, Active Learning Through a Covering
    Lens, NeurIPS 2022, arXiv:2205.11320.

    Raises:
        ValueError: n is negative or larger than the pool, or delta is not from 0 to 2.

    """
    if not 0 <= delta <= 2:
        raise ValueError(f"delta must be from 0 to 2, not {delta}")
    check_request(pool, n)
    if n == 0:
        return no_picks()
    from threadpoolctl import threadpool_limits

    radius = delta or _radius(pool)
    rows = rng.permutation(len(pool))[: max(SAMPLE, n)]  # shuffled: ties fall at random
    with threadpool_limits(1):  # see grouping
        chosen, new = _cover(as_float32(pool.vectors(rows)), covered(pool), n, radius)
    why = [f"covers {i} texts within {radius:.2f}" if i else "all is covered: drawn" for i in new]
    return picks(rows[chosen], new / len(rows), source="probcover", why=why)


def _radius(pool: PoolView) -> float:
    """Return the largest radius at which balls around the whole pool's texts are pure enough."""
    origin, _ = whole(pool)
    known = len(pool.centers)
    k = known if known > 1 else max(2, round(math.sqrt(len(origin) / 2)))

    def make() -> float:
        rng = np.random.default_rng(pool.shared.seed)
        rows = rng.permutation(len(origin))[:SAMPLE]
        X = as_float32(origin.vectors(rows))
        cluster = nearest(X, find_centers(X, k, rng))
        similar = _nearest_other(X, cluster)
        return math.sqrt(max(2.0 - 2.0 * float(np.quantile(similar, PURITY)), 0.0))

    radius: float = pool.shared.once(origin.embeddings, ("radius", k), make)
    return radius


def _nearest_other(X: npt.NDArray[np.float32], cluster: IntArray) -> npt.NDArray[np.float32]:
    """Return the first rows' cosines to the nearest row of another cluster, -1 for none."""
    from threadpoolctl import threadpool_limits

    out = np.empty(min(MEASURED, len(X)), dtype=np.float32)
    step = max(1, BLOCK // len(X))
    with threadpool_limits(1):
        for start in range(0, len(out), step):
            some = slice(start, min(start + step, len(out)))
            cosines = X[some] @ X.T
            cosines[cluster[some, None] == cluster] = -1.0
            out[some] = cosines.max(axis=1)
    return out


def _cover(
    X: npt.NDArray[np.float32], taken: npt.NDArray[np.float32], n: int, radius: float
) -> tuple[IntArray, IntArray]:
    """Return n rows in the order of choice, and how many rows each covers that none did before.

    Only counts are kept: what has come to be covered is compared again, to be taken off them,
    so that no graph has to fit into memory.
    """
    least = 1.0 - radius**2 / 2.0 - ROUNDING
    left = _counts(X, taken, least) == 0
    gains = _counts(X, X[left], least)
    chosen, new = np.empty(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    open_ = np.ones(len(X), dtype=np.bool_)
    for place in range(n):
        best = int(np.where(open_, gains, -1).argmax())
        if gains[best] <= 0:
            chosen[place:] = np.flatnonzero(open_)[: n - place]
            break
        chosen[place], new[place], open_[best] = best, gains[best], False
        fresh = left & (X @ X[best] >= least)
        gains -= _counts(X, X[fresh], least)
        left &= ~fresh
    return chosen, np.minimum.accumulate(new)


def _counts(X: npt.NDArray[np.float32], others: npt.NDArray[np.float32], least: float) -> IntArray:
    """Return (N,) numbers of others whose cosine to a row is `least` or more."""
    out = np.zeros(len(X), dtype=np.int64)
    step = max(1, BLOCK // len(X))
    for start in range(0, len(others), step):
        cosines = X @ others[start : start + step].T
        out += np.count_nonzero(cosines >= least, axis=1)
    return out
