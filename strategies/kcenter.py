"""A strategy that leaves no text far from a labeled one."""

import numpy as np
import numpy.typing as npt

from strategies.base import (
    FloatArray,
    IntArray,
    Picks,
    PoolView,
    check_request,
    no_picks,
    picks,
    top_n,
)
from strategies.grouping import BLOCK, as_float32, covered

#: No two points of the sphere are farther apart.
_DIAMETER = 2.0
#: Similarities that are computed at a time.
_CELLS = 5_000_000


def kcenter(pool: PoolView, n: int, rng: np.random.Generator) -> Picks:
    """Take the text farthest from every labeled or chosen one, again and again.

    The score is the distance to the nearest of those when the text was chosen, from 0 to 2.
    Where nothing is labeled or in the batch yet, the text nearest to the pool's mean comes
    first, with a score of 2. Needs no model, not even at first: wherever it starts, no choice
    of as many texts leaves the farthest one at less than half the distance. It chases texts
    that are like no other. Takes O(N n d) time.

    Source: T. Gonzalez, Clustering to Minimize the Maximum Intercluster Distance, Theoretical
    Computer Science 38, 1985; as a query strategy: O. Sener, S. Savarese, Active Learning for
    Convolutional Neural Networks: A Core-Set Approach, ICLR 2018, arXiv:1708.00489.

    Raises:
        ValueError: n is negative or larger than the pool.

    """
    check_request(pool, n)
    if n == 0:
        return no_picks()
    from threadpoolctl import threadpool_limits

    centers = covered(pool)
    with threadpool_limits(1):  # see grouping
        chosen, distances = _farthest_first(pool.embeddings, centers, n, rng)
    why = [f"distance {gap:.2f} to the nearest labeled or chosen text" for gap in distances]
    if len(centers) == 0:
        why[0] = "nearest to the mean of the pool"
    return picks(chosen, distances, source="kcenter", why=why)


def _farthest_first(
    X: FloatArray, centers: npt.NDArray[np.float32], n: int, rng: np.random.Generator
) -> tuple[IntArray, npt.NDArray[np.float64]]:
    """Return n rows in the order of choice, and the distance of each from those before it."""
    near = np.full(len(X), _DIAMETER**2, dtype=np.float32)
    _come_nearer(near, X, centers)
    chosen, distances = np.empty(n, dtype=np.int64), np.empty(n)
    for i in range(n):
        if i == 0 and len(centers) == 0:
            best = _most_central(X, rng)
        else:
            farthest = np.flatnonzero(near == near.max())
            best = int(farthest[top_n(near[farthest], 1, rng)[0]])
        chosen[i], distances[i] = best, np.sqrt(max(near[best], 0.0))
        _come_nearer(near, X, as_float32(X[[best]]))
        near[best] = -np.inf
    return chosen, distances


def _come_nearer(
    near: npt.NDArray[np.float32], X: FloatArray, centers: npt.NDArray[np.float32]
) -> None:
    """Lower the rows' squared distances `near` to those of further centers, in place."""
    if len(centers) == 0:
        return
    size = max(1, min(BLOCK, _CELLS // len(centers)))
    for start in range(0, len(X), size):
        rows = slice(start, start + size)
        nearest = (as_float32(X[rows]) @ centers.T).max(axis=1)
        near[rows] = np.minimum(near[rows], 2.0 - 2.0 * nearest)


def _most_central(X: FloatArray, rng: np.random.Generator) -> int:
    mean = as_float32(X.mean(axis=0, dtype=np.float64))
    return int(top_n(X @ mean, 1, rng)[0])
