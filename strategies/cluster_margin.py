"""A strategy that spreads the uncertain texts of a batch over clusters of the pool."""

import math
from bisect import bisect_left

import numpy as np
import numpy.typing as npt

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
from strategies.grouping import as_float32, cold_start, nearest, round_robin, split
from strategies.part import whole
from strategies.uncertainty import margins, most_uncertain

#: So many texts are linked, drawn uniformly from a larger pool: their distances take 100 MB.
LINKED = 5_000


@needs("proba")
def cluster_margin(
    pool: PoolView, n: int, rng: np.random.Generator, *, among: float = 1.25
) -> Picks:
    """Take uncertain texts from many clusters of the pool, small clusters first.

    The pool, or a uniform sample of 5,000 texts, is clustered once a round by average linkage
    of cosines. The texts with the smallest margins join the cluster of the most similar of it.
    Clusters give a random one of these in turn, those with the fewest first. The score is 1 /
    (uncertain texts in the cluster), less 1 for each taken from it before. Before there is a
    model, or with a single class, cluster representatives are taken.

    Args:
        pool: needs `embeddings` and `proba`.
        n: size of the batch.
        rng: draws within the clusters and breaks ties.
        among: how many times n uncertain texts to choose among, but never more than half of
            the pool (or n). The larger, the more texts that are like no other.

    Source: G. Citovsky et al., Batch Active Learning at Scale, NeurIPS 2021, arXiv:2107.14263.
    It cuts the tree at a given distance; here the uncertain texts lie in n clusters.

    Raises:
        ValueError: n is negative or larger than the pool, or `among` is below 1.

    """
    if not 1 <= among < math.inf:
        raise ValueError(f"among must be at least 1, not {among}")
    check_request(pool, n)
    if n == 0:
        return no_picks()
    if pool.proba is None or lacks(cluster_margin, pool):
        return cold_start(pool, n, rng)
    return _spread(pool, most_uncertain(pool.proba, n, among, rng), n, rng)


def _spread(pool: PoolView, uncertain: IntArray, n: int, rng: np.random.Generator) -> Picks:
    assert pool.proba is not None
    labels = _clusters(pool, uncertain, n)
    groups = split(labels, rng.permutation(len(uncertain)), rng)[::-1]
    rows, owner, turn = round_robin(groups, n)
    sizes = np.array([len(g) for g in groups])[owner]
    best = uncertain[rows]
    why = [
        f"margin {gap:.3f}, " + (f"one of {size} alike" if size > 1 else "like no other of them")
        for gap, size in zip(margins(pool.proba[best]), sizes, strict=True)
    ]
    return picks(best, 1.0 / sizes - turn, source="cluster_margin", why=why)


def _clusters(pool: PoolView, rows: IntArray, count: int) -> IntArray:
    """Return (m,) clusters of m texts: `count` of them, or as many as there can be."""
    from scipy.cluster.hierarchy import fcluster
    from threadpoolctl import threadpool_limits

    origin, _ = whole(pool)
    with threadpool_limits(1):  # see grouping
        sample, tree = pool.shared.once(
            origin.embeddings, "average linkage", lambda: _linked(origin, pool.shared.seed)
        )
    leaf = nearest(as_float32(pool.vectors(rows)), sample)
    if len(sample) == 1:
        return leaf

    def cut(clusters: int) -> IntArray:
        labels: IntArray = fcluster(tree, clusters, "maxclust")[leaf].astype(np.int64)
        return labels

    # Most clusters of the sample may hold none of these texts.
    of_all = bisect_left(range(len(sample)), count, lo=1, key=lambda c: len(np.unique(cut(c))))
    return cut(of_all)


def _linked(pool: PoolView, seed: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float64]]:
    """Return (s, d) vectors of the texts that are clustered, and scipy's (s - 1, 4) tree."""
    from scipy.cluster.hierarchy import linkage
    from scipy.spatial.distance import squareform

    rows: IntArray = np.arange(len(pool))
    if len(rows) > LINKED:
        rng = np.random.default_rng(seed)
        rows = np.sort(rng.choice(len(rows), LINKED, replace=False))
    X = as_float32(pool.vectors(rows))
    if len(X) == 1:
        return X, np.empty((0, 4))
    # The mean cosine between two clusters; equal texts may come out a digit below 0.
    gaps = squareform(np.maximum(1.0 - X @ X.T, 0.0), checks=False)
    return X, linkage(gaps, "average")
