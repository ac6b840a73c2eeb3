"""A strategy that looks for classes that nobody has named yet."""

import numpy as np
import numpy.typing as npt

from strategies.base import (
    IntArray,
    Picks,
    PoolView,
    check_request,
    join,
    lacks,
    needs,
    no_picks,
    picks,
    top_n,
)
from strategies.grouping import as_float32, cold_start, representatives, round_robin, split

#: HDBSCAN looks at most at so many texts, drawn uniformly from a larger pool.
SAMPLE = 20_000
#: Dimensions that are left for HDBSCAN; on 384 it is slow and calls half of the texts noise.
DIMENSIONS = 20
#: A cluster has at least one text in so many, within the bounds; for min_cluster_size = 0.
ONE_IN, SMALLEST, LARGEST = 1_000, 5, 20


@needs("centers")
def novelty(
    pool: PoolView, n: int, rng: np.random.Generator, *, min_cluster_size: int = 0
) -> Picks:
    """Take the centers of dense clusters that are far from every known class.

    PCA to 20 dimensions, then HDBSCAN over the unlabeled texts, at most 20,000 of them, drawn
    uniformly. Clusters are taken by the largest (1 - s) sqrt(size), the score, where s is the
    cosine of the cluster's mean to the nearest class center or cluster taken before: two
    clusters of one new class do not both come first. Each gives its most central text. Then
    k-means covers what is in no cluster, then the clusters give further texts in turn, with
    scores of 0 and less. While no class is known, cluster representatives are taken.

    Args:
        pool: needs `embeddings` and `centers`.
        n: size of the batch.
        rng: draws the sample and breaks ties.
        min_cluster_size: fewest texts of a cluster, at least 2; 0: a thousandth of the pool,
            but 5 to 20.

    Source: R. Campello, D. Moulavi, J. Sander, PAKDD 2013 (HDBSCAN); L. McInnes, J. Healy,
    S. Astels, JOSS 2(11), 2017 (the package). The order of the clusters is our own.

    Raises:
        ValueError: n is negative or larger than the pool, or min_cluster_size is 1 or negative.

    """
    if min_cluster_size < 0 or min_cluster_size == 1:
        raise ValueError(f"min_cluster_size must be 0 or at least 2, not {min_cluster_size}")
    check_request(pool, n)
    if n == 0:
        return no_picks()
    if lacks(novelty, pool):
        return cold_start(pool, n, rng)
    labels = dense_clusters(pool, min_cluster_size, rng)
    groups, first = _new_clusters(pool, labels, n, rng)
    cover = _cover(pool, np.flatnonzero(labels < 0), n - len(first), rng)
    lowest = float(cover.scores.min(initial=0.0))
    return join([first, cover, _in_turn(groups, n - len(first) - len(cover), lowest)])


def _new_clusters(
    pool: PoolView, labels: IntArray, n: int, rng: np.random.Generator
) -> tuple[list[IntArray], Picks]:
    """Return the clusters in the order of choice, and the first text of up to n of them."""
    groups, means = _central_first(pool, labels, rng)
    nearest = _nearest(means, _unit(as_float32(pool.centers)))
    order, scores = _novel_first(means, nearest, np.array([len(g) for g in groups]))
    return [groups[i] for i in order], _first_of_each(groups, nearest, order[:n], scores)


def dense_clusters(pool: PoolView, min_cluster_size: int, rng: np.random.Generator) -> IntArray:
    """Return (N,) cluster numbers of HDBSCAN after PCA; -1 is noise, and outside the sample.

    min_cluster_size 0 follows the number of texts.
    """
    labels: IntArray = np.full(len(pool), -1, dtype=np.int64)
    rows: IntArray = np.arange(len(pool))
    if len(rows) > SAMPLE:
        rows = np.sort(rng.choice(len(rows), SAMPLE, replace=False))
    size = min_cluster_size or min(max(len(rows) // ONE_IN, SMALLEST), LARGEST)
    X = as_float32(pool.vectors(rows))
    if len(rows) < 2 * size or np.ptp(X, axis=0).max() == 0:
        return labels  # too few or all equal: nothing stands out
    from hdbscan import HDBSCAN

    # One process: the result must not depend on the number of processors.
    model = HDBSCAN(min_cluster_size=size, min_samples=max(1, size // 2), core_dist_n_jobs=1)
    labels[rows] = model.fit(_reduced(X, rng)).labels_
    return labels


def _reduced(X: npt.NDArray[np.float32], rng: np.random.Generator) -> npt.NDArray[np.float64]:
    from sklearn.decomposition import PCA

    dimensions = min(DIMENSIONS, *X.shape)
    model = PCA(dimensions, svd_solver="covariance_eigh", random_state=int(rng.integers(2**31)))
    return np.asarray(model.fit_transform(X), dtype=np.float64)


def _central_first(
    pool: PoolView, labels: IntArray, rng: np.random.Generator
) -> tuple[list[IntArray], npt.NDArray[np.float32]]:
    """Return the rows of each cluster, the most central first, and the (c, d) unit means."""
    groups = split(labels, np.arange(len(pool)), rng)
    means = np.empty((len(groups), pool.centers.shape[1]), dtype=np.float32)
    for i, rows in enumerate(groups):
        X = as_float32(pool.vectors(rows))
        means[i] = _unit(X.mean(axis=0, keepdims=True))[0]
        groups[i] = rows[top_n(X @ means[i], len(rows), rng)]
    return groups, means


def _novel_first(
    means: npt.NDArray[np.float32], nearest: npt.NDArray[np.float32], sizes: IntArray
) -> tuple[IntArray, npt.NDArray[np.float64]]:
    """Return the clusters in the order of choice, and the score each had when chosen."""
    reach = nearest.astype(np.float64)
    left = np.ones(len(means), dtype=np.bool_)
    order, scores = np.empty(len(means), dtype=np.int64), np.zeros(len(means))
    for step in range(len(means)):
        gain = np.where(left, np.maximum(1.0 - reach, 0.0) * np.sqrt(sizes), -np.inf)
        best = int(np.argmax(gain))
        order[step], scores[step], left[best] = best, gain[best], False
        reach = np.maximum(reach, means @ means[best])
    return order, scores


def _first_of_each(
    groups: list[IntArray],
    nearest: npt.NDArray[np.float32],
    order: IntArray,
    scores: npt.NDArray[np.float64],
) -> Picks:
    why = [
        f"new? cluster of {len(groups[i])} texts, "
        f"similarity {nearest[i]:.2f} to the nearest known class"
        for i in order
    ]
    chosen = [groups[i][0] for i in order]
    return picks(chosen, scores[: len(order)], source="novelty", why=why)


def _cover(pool: PoolView, noise: IntArray, n: int, rng: np.random.Generator) -> Picks:
    """Cover the texts outside of clusters by k-means; fewer than n where they are fewer."""
    wanted = min(n, len(noise))
    if wanted <= 0:
        return no_picks()
    cover = representatives(pool.vectors(noise), wanted, rng, "outside of dense clusters: ")
    why = [str(w) for w in cover.why]
    return picks(noise[cover.indices], cover.scores - 1.0, source="novelty", why=why)


def _in_turn(groups: list[IntArray], n: int, below: float) -> Picks:
    """Take the second text of each cluster, then the third, until there are n."""
    if n <= 0:
        return no_picks()
    rows, owner, turn = round_robin([rows[1:] for rows in groups], n)
    why = [
        f"text {t + 2} of a cluster of {len(groups[g])} texts"
        for g, t in zip(owner, turn, strict=True)
    ]
    return picks(rows, below - 1.0 - turn, source="novelty", why=why)


def _nearest(
    means: npt.NDArray[np.float32], centers: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    return np.asarray((means @ centers.T).max(axis=1))


def _unit(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(length > 0, length, 1), dtype=np.float32)
