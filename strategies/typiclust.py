"""A strategy that takes typical texts of regions without a label."""

import numpy as np
import numpy.typing as npt

from strategies.base import IntArray, Picks, PoolView, check_request, no_picks, picks, top_n
from strategies.grouping import as_float32, cells, split

#: Clusters at most, as in the authors' code: more of them are too small to have typical texts.
MAX_CLUSTERS = 500
#: Neighbors that a text's typicality is measured by.
NEAREST = 20
#: Clusters with fewer texts are outliers.
SMALLEST = 5
#: In a larger cluster typical texts are looked for among so many, drawn uniformly.
SAMPLE = 4_000
#: So many distances are computed at a time, to spare memory.
BLOCK = 10_000_000


def typiclust(pool: PoolView, n: int, rng: np.random.Generator) -> Picks:
    """Take the most typical text of each of the largest clusters that have no label.

    k-means splits labeled texts, batch and pool into as many clusters as there will be labels
    with this batch, but into 500 at most, as the authors do. Clusters with the fewest texts
    that are labeled or in the batch come first, larger ones first among them, and those of
    under 5 texts after all others. The most typical text has the smallest mean distance to
    its 20 nearest in the cluster (or the nearer half). Needs no model. A score is the share
    of all texts in the cluster, less 1 for each that is labeled or chosen before it.

    Source: G. Hacohen, A. Dekel, D. Weinshall, Active Learning on a Budget: Opposite
    Strategies Suit High and Low Budgets, ICML 2022, arXiv:2202.02794 (TPC-RP).

    Raises:
        ValueError: n is negative or larger than the pool.

    """
    check_request(pool, n)
    if n == 0:
        return no_picks()
    labels, taken = cells(pool, min(len(pool.labeled) + len(pool.pending) + n, MAX_CLUSTERS))
    groups = split(labels, np.arange(len(pool), dtype=np.int64), rng)
    owner, level = _order(groups, taken[[labels[g[0]] for g in groups]], n)
    chosen = np.empty(n, dtype=np.int64)
    for i in np.unique(owner):
        places = np.flatnonzero(owner == i)
        chosen[places] = _typical(pool, groups[i], len(places), rng)
    sizes = np.array([len(g) for g in groups])[owner]
    why = [
        f"typical of cluster {g + 1} ({size} text{'s' if size > 1 else ''})"
        for g, size in zip(owner, sizes, strict=True)
    ]
    return picks(chosen, sizes / len(pool) - level, source="typiclust", why=why)


def _order(groups: list[IntArray], taken: IntArray, n: int) -> tuple[IntArray, IntArray]:
    """Return the (n,) groups to take a text of, in turn, and how late each turn is.

    taken: (g,) texts of each group that are labeled or in the batch already.
    """
    sizes = np.array([len(g) for g in groups])
    owner = np.repeat(np.arange(len(groups)), sizes)
    level = np.concatenate([t + np.arange(s) for t, s in zip(taken, sizes, strict=True)])
    level = level + np.where(sizes < SMALLEST, level.max() + 1, 0)[owner]
    order = np.lexsort((owner, level))[:n]  # the groups stand largest first
    return owner[order], level[order]


def _typical(pool: PoolView, rows: IntArray, count: int, rng: np.random.Generator) -> IntArray:
    """Return the most typical of a cluster's rows, best first."""
    if len(rows) == 1:
        return rows
    size = max(SAMPLE, count)
    among = rows if len(rows) <= size else rng.choice(rows, size, replace=False)
    return among[top_n(-_spread(as_float32(pool.vectors(among))), count, rng)]


def _spread(X: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return (m,) mean distances of m >= 2 rows to their nearest others."""
    from threadpoolctl import threadpool_limits

    k = min(NEAREST, len(X) // 2)
    out = np.empty(len(X), dtype=np.float32)
    step = max(1, BLOCK // len(X))
    with threadpool_limits(1):  # see grouping
        for start in range(0, len(X), step):
            rows = np.arange(start, min(start + step, len(X)))
            squared = np.maximum(2.0 - 2.0 * (X[rows] @ X.T), 0.0)
            squared[rows - start, rows] = np.inf
            out[rows] = np.sqrt(np.partition(squared, k - 1, axis=1)[:, :k]).mean(axis=1)
    return out
