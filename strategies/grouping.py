"""k-means over the pool, shared by the strategies that cover it."""

import warnings
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from strategies.base import FloatArray, IntArray, Picks, PoolView, no_picks, picks, top_n
from strategies.part import whole

#: k-means finds its centers on at most so many rows, drawn uniformly, or on 10 a cluster
#: where that is more; every row is then assigned. 100,000 x 384 takes seconds, not minutes.
SAMPLE = 20_000
#: More clusters than this cost minutes; larger batches take several texts of each.
MAX_CLUSTERS = 1_000
#: Distances are computed for so many rows at a time, to spare memory.
BLOCK = 10_000
#: k-means is seeded so many centers at a time, each the best of so many that are drawn.
SEEDS_AT_ONCE, TRIALS = 8, 4


def as_float32(values: FloatArray) -> npt.NDArray[np.float32]:
    """Return the rows in the one precision that all geometry here is computed in."""
    return np.asarray(values, dtype=np.float32)


def representatives(
    embeddings: FloatArray, n: int, rng: np.random.Generator, note: str = ""
) -> Picks:
    """Return the most central text of each of n k-means clusters, largest cluster first.

    embeddings: (N, d) with N >= n. Where there are fewer than n clusters (equal texts, or
    n above `MAX_CLUSTERS`), the next central texts follow in further rounds over the clusters.
    A score is the share of the pool in the cluster, less 1 for each text taken from it before.
    """
    if n == 0:
        return no_picks()
    groups = kmeans(embeddings, n, rng)
    chosen, owner, turn = round_robin(groups, n)
    sizes = np.array([len(g) for g in groups])
    why = [
        f"{note}{_place(t)} of cluster {g + 1} ({sizes[g]} text{'s' if sizes[g] > 1 else ''})"
        for g, t in zip(owner, turn, strict=True)
    ]
    return picks(chosen, sizes[owner] / len(embeddings) - turn, source="clusters", why=why)


def cold_start(pool: PoolView, n: int, rng: np.random.Generator) -> Picks:
    """Choose without a model: cluster representatives, with the reason in `why`."""
    if pool.proba is None:
        note = "no model yet: "
    else:
        note = "no class known yet: " if len(pool.centers) == 0 else "a single class so far: "
    return representatives(pool.embeddings, n, rng, note)


def kmeans(embeddings: FloatArray, k: int, rng: np.random.Generator) -> list[IntArray]:
    """Split rows into at most k clusters.

    embeddings: (N, d). Returns the positions of each cluster's rows, the most central first;
    larger clusters first. Equal rows never warn, they make fewer clusters.
    """
    X = as_float32(embeddings)
    centers = find_centers(X, min(k, MAX_CLUSTERS), rng)
    labels = nearest(X, centers)
    return split(labels, top_n(-_distances(X, centers, labels), len(X), rng), rng)


def covered(pool: PoolView) -> npt.NDArray[np.float32]:
    """Return (c, d) vectors of the texts that are labeled or in the batch already."""
    known = [as_float32(v) for v in (pool.labeled, pool.pending) if len(v)]
    d = pool.vectors(np.empty(0, dtype=np.int64)).shape[1]
    return np.concatenate(known) if known else np.empty((0, d), dtype=np.float32)


def cells(pool: PoolView, k: int) -> tuple[IntArray, IntArray]:
    """Split labeled texts and the whole pool together into at most k clusters, once a round.

    Returns the clusters of the pool's (N,) texts, and how many texts in each cluster are
    labeled or in the batch already.
    """
    origin, rows = whole(pool)
    labeled = as_float32(pool.labeled)

    def make() -> tuple[IntArray, npt.NDArray[np.float32]]:
        X = as_float32(origin.embeddings)
        seeded = np.random.default_rng(pool.shared.seed)
        centers = find_centers(np.concatenate([labeled, X]) if len(labeled) else X, k, seeded)
        return nearest(X, centers), centers

    # A round has one set of labels, but who tries another one gets its own clusters.
    key = ("cells", k, hash(labeled.tobytes()))
    clusters, centers = pool.shared.once(origin.embeddings, key, make)
    taken = np.bincount(nearest(covered(pool), centers), minlength=len(centers))
    return clusters[rows], taken


def split(labels: IntArray, order: IntArray, rng: np.random.Generator) -> list[IntArray]:
    """Return the positions in each cluster, in the given order of rows; larger clusters first.

    labels: (N,) cluster numbers, -1 for rows that are left out.
    """
    order = order[labels[order] >= 0]
    by_cluster = order[np.argsort(labels[order], kind="stable")]
    _, starts, sizes = np.unique(labels[by_cluster], return_index=True, return_counts=True)
    groups = np.split(by_cluster, starts[1:])
    return [groups[i] for i in top_n(sizes, len(sizes), rng)]


def round_robin(groups: Sequence[IntArray], n: int) -> tuple[IntArray, IntArray, IntArray]:
    """Take the first row of each group in turn, then the second of each, until there are n.

    Returns three arrays of the same length, n or what there is: rows, the group of each, and
    how many were taken from that group before.
    """
    rows = np.concatenate([*groups, np.empty(0, dtype=np.int64)])
    sizes = [len(g) for g in groups]
    owner = np.repeat(np.arange(len(groups)), sizes)
    turn = np.concatenate([*map(np.arange, sizes), np.empty(0, dtype=np.int64)])
    order = np.lexsort((owner, turn))[:n]
    return rows[order], owner[order], turn[order]


def find_centers(
    X: npt.NDArray[np.float32], k: int, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Return the (min(k, N), d) centers of k-means over (N, d) rows, or a sample of them."""
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    k = min(k, len(X))
    if k <= 1:
        return np.asarray(X.mean(axis=0, keepdims=True))
    size = max(SAMPLE, 10 * k)
    sample = X if len(X) <= size else X[rng.choice(len(X), size, replace=False)]
    # One thread: the order in which several add up their sums changes the last digits, and
    # with them now and then a pick.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct rows than k
        model = KMeans(k, init=_seeds(sample, k, rng), n_init=1, max_iter=50).fit(sample)
    return np.asarray(model.cluster_centers_, dtype=np.float32)


def nearest(X: npt.NDArray[np.float32], centers: npt.NDArray[np.float32]) -> IntArray:
    """Return (N,) positions of the centers that the (N, d) rows are nearest to."""
    from threadpoolctl import threadpool_limits

    half = (centers * centers).sum(axis=1) / 2
    out = np.empty(len(X), dtype=np.int64)
    with threadpool_limits(1):
        for start in range(0, len(X), BLOCK):
            rows = slice(start, start + BLOCK)
            out[rows] = (X[rows] @ centers.T - half).argmax(axis=1)
    return out


def _seeds(X: npt.NDArray[np.float32], k: int, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Return k rows for k-means to start from, far apart: greedy k-means++ in blocks.

    Each block draws `TRIALS` rows for each seed by their squared distance to the seeds so
    far, and takes those that leave the smallest sum of them: what scikit-learn's own does one
    seed at a time, as good in our runs and ten times as fast at 500 of 10,000 x 384.
    """
    norms = (X * X).sum(axis=1)
    seeds = [int(rng.integers(len(X)))]
    left = np.maximum(norms + norms[seeds[0]] - 2 * (X @ X[seeds[0]]), 0)
    while len(seeds) < k:
        # The shortest of exponential waiting times: a draw by weight without replacement.
        waiting = rng.exponential(size=len(X)) / np.maximum(left, 1e-9)
        drawn = np.argsort(waiting, kind="stable")[: TRIALS * SEEDS_AT_ONCE]
        away = np.maximum(norms + norms[drawn, None] - 2 * (X[drawn] @ X.T), 0)
        for _ in range(min(SEEDS_AT_ONCE, k - len(seeds))):
            best = int(np.minimum(away, left).sum(axis=1).argmin())
            seeds.append(int(drawn[best]))
            left = np.minimum(left, away[best])
    return X[seeds]


def _distances(
    X: npt.NDArray[np.float32], centers: npt.NDArray[np.float32], labels: IntArray
) -> npt.NDArray[np.float32]:
    """Return (N,) distances of the rows to the centers of their clusters."""
    out = np.empty(len(X), dtype=np.float32)
    for start in range(0, len(X), BLOCK):
        rows = slice(start, start + BLOCK)
        out[rows] = np.linalg.norm(X[rows] - centers[labels[rows]], axis=1)
    return out


def _place(turn: int) -> str:
    return "center" if turn == 0 else f"text {turn + 1}"
