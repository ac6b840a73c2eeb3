"""Groups of similar unlabeled texts, and which of them no known class explains."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from strategies import dense
from strategies.base import IntArray, PoolView
from strategies.dense import subgroups, unit
from strategies.explained import CLOSE, compared, limit, passed_over, texts_of
from strategies.grouping import BLOCK, as_float32, find_centers, nearest
from strategies.part import whole

#: HDBSCAN looks at most at so many texts, drawn uniformly from a larger pool; the others join
#: the group whose center is nearest.
SAMPLE = 20_000
#: A group has at least one text in so many, within the bounds; for min_cluster_size = 0.
ONE_IN, SMALLEST, LARGEST = 1_000, 5, 20
#: k-means splits what is noise into so many parts at most.
MOST_PARTS = 500
#: Bootstraps are taken of so many texts at most.
BOOTSTRAP = 10_000
#: Groups around a group that its bootstraps see as well.
AROUND = 5
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """Groups of the N texts of a pool; each text is in one, unless the pool is too small.

    labels: (N,) the group of each text, 0..c-1; all -1 where there are no groups.
    centrality: (N,) cosine of each text to its group's center.
    centers: (c, d) unit means of the groups, in the space of the embeddings.
    sizes: (c,) texts in each.
    density: (c,) mean centrality.
    dense: (c,) whether HDBSCAN found it; the others split what it calls noise by k-means.
    nearest: (c,) row of the pool's `centers` that is nearest; -1 where no class is known.
    similarity: (c,) cosine to it; NaN where no class is known.
    novel: (c,) whether it is too far from all known classes to be one of them.
    threshold: no group of at least this similarity is novel; NaN where no class is known.
    noise_share: share of the texts that HDBSCAN calls noise.
    labeled: (m,) the group that each labeled text lies in; -1 where there are no groups.
    passed_over: (c,) dense groups with far fewer labeled texts than chance would give them,
        which may be new classes, too (`explained.passed_over`), unless a known class is quite
        like them; none where a threshold is given.
    """

    labels: IntArray
    centrality: Floats
    centers: Floats
    sizes: IntArray
    density: Floats
    dense: Bools
    nearest: IntArray
    similarity: Floats
    novel: Bools
    threshold: float
    noise_share: float
    labeled: IntArray
    passed_over: Bools

    def __len__(self) -> int:
        return len(self.sizes)

    def members(self, group: int) -> IntArray:
        """Return the positions of a group's texts, the most central first."""
        rows = np.flatnonzero(self.labels == group)
        return np.asarray(rows[np.argsort(-self.centrality[rows], kind="stable")], dtype=np.int64)


def find(
    pool: PoolView, *, min_cluster_size: int = 0, similarity_threshold: float = 0.0
) -> Clusters:
    """Group the texts of the whole pool that `pool` is a part of; computed once a round.

    The texts are grouped by HDBSCAN after a shift that is learned from the labels (`dense`),
    and k-means covers what it calls noise.

    Args:
        pool: `embeddings`, and `labeled`, `labels` and `centers` as far as there are any.
        min_cluster_size: fewest texts of a dense group; 0: a thousandth of the pool, 5 to 20.
        similarity_threshold: groups below this cosine to all known classes are novel. 0 takes
            it from the spread of the known classes (`explained.limit`), and no group that a
            labeled text lies in is novel.

    """
    origin, _ = whole(pool)

    def make() -> Clusters:
        rng = np.random.default_rng([pool.shared.seed, 5])
        return _find(origin, min_cluster_size, similarity_threshold, rng)

    # A round has one set of labels, but who tries another one gets its own groups.
    known = hash((pool.labels.tobytes(), as_float32(pool.centers).tobytes()))
    key = ("discovery", min_cluster_size, similarity_threshold, known)
    found: Clusters = pool.shared.once(origin.embeddings, key, make)
    return found


def stability(
    pool: PoolView, found: Clusters, groups: IntArray, rng: np.random.Generator, *, times: int = 10
) -> npt.NDArray[np.float64]:
    """Return (g,) how much of some groups bootstraps of the pool find again, from 0 to 1.

    The mean over bootstraps of the largest Jaccard similarity between the group and a group of
    the bootstrap, over the texts that are in it. Bootstraps are taken of the groups and the
    nearest `AROUND` of each, at most 10,000 texts: what is far away changes nothing.

    Source: C. Hennig, Cluster-wise assessment of cluster stability, CSDA 52, 2007.
    """
    asked = np.asarray(groups, dtype=np.int64)
    if len(asked) == 0 or times == 0:
        return np.zeros(len(asked))
    origin, _ = whole(pool)
    around = np.argsort(-(found.centers[asked] @ found.centers.T), axis=1)[:, : AROUND + 1]
    near = np.flatnonzero(np.isin(found.labels, np.union1d(around, asked)))
    rows = np.sort(rng.permutation(near)[:BOOTSTRAP])
    Z = _reduced(origin, rows)
    # A bootstrap has so much of the texts, and so has a group.
    size = max(2, round((1 - 1 / np.e) * len(rows) / len(near) * _smallest(found)))
    sums = np.zeros(len(asked))
    for _ in range(times):
        drawn = np.unique(rng.integers(0, len(rows), len(rows)))
        again, _ = _covered(Z[drawn], dense.groups(Z[drawn], size, rng), size, rng)
        sums += _jaccard(found.labels[rows[drawn]], again, asked)
    return np.asarray(sums / times)


def _find(pool: PoolView, size: int, threshold: float, rng: np.random.Generator) -> Clusters:
    n = len(pool)
    rows = np.sort(rng.choice(n, SAMPLE, replace=False)) if n > SAMPLE else np.arange(n)
    size = size or min(max(len(rows) // ONE_IN, SMALLEST), LARGEST)
    labels, is_dense, noise_share = _grouped(pool, rows, size, rng)
    k = len(is_dense)
    X = as_float32(pool.embeddings)
    centers, centrality = _central(X, labels, k)
    sizes = np.bincount(labels[labels >= 0], minlength=k)
    total = np.bincount(labels[labels >= 0], centrality[labels >= 0], minlength=k)
    near, similarity = compared(centers, unit(as_float32(pool.centers)))
    labeled = as_float32(pool.labeled)
    mine = texts_of(centers, labeled)
    novel: Bools = np.ones(k, dtype=np.bool_)
    border = float("nan")
    if len(pool.centers):
        border = threshold or limit(centers, labeled, pool.labels, mine)
        novel = np.asarray(similarity < border)
        if not threshold:
            novel[mine[mine >= 0]] = False
    return Clusters(
        labels=labels,
        centrality=centrality,
        centers=centers,
        sizes=sizes,
        density=(total / np.maximum(sizes, 1)).astype(np.float32),
        dense=is_dense,
        nearest=near,
        similarity=similarity,
        novel=novel,
        threshold=border,
        noise_share=noise_share,
        labeled=mine,
        passed_over=is_dense & passed_over(sizes, mine) & (similarity < CLOSE) & (threshold == 0),
    )


def _grouped(
    pool: PoolView, rows: IntArray, size: int, rng: np.random.Generator
) -> tuple[IntArray, Bools, float]:
    """Return (N,) groups, (c,) whether each is dense, and the share of noise among some rows."""
    nothing = np.full(len(pool), -1, dtype=np.int64), np.zeros(0, dtype=np.bool_), float("nan")
    if len(rows) < 2 * size or np.ptp(pool.embeddings[rows], axis=0).max() == 0:
        return nothing
    Z = _reduced(pool, rows)
    found = dense.groups(Z, size, rng)
    labels, n_dense = _covered(Z, found, size, rng)
    k = int(labels.max()) + 1
    noise_share = float((found < 0).mean())
    if len(rows) < len(pool):
        centers, _ = _central(as_float32(pool.vectors(rows)), labels, k)
        everywhere = _nearest_of(pool, centers)
        everywhere[rows] = labels
        labels = everywhere
    return labels, np.arange(k) < n_dense, noise_share


def _reduced(pool: PoolView, rows: IntArray) -> Floats:
    labeled = as_float32(pool.labeled)
    return dense.reduced(as_float32(pool.vectors(rows)), labeled, pool.labels)


def _nearest_of(pool: PoolView, centers: Floats) -> IntArray:
    blocks = [
        nearest(as_float32(pool.vectors(np.arange(start, min(start + BLOCK, len(pool))))), centers)
        for start in range(0, len(pool), BLOCK)
    ]
    return np.concatenate(blocks)


def _covered(
    Z: Floats, found: IntArray, size: int, rng: np.random.Generator
) -> tuple[IntArray, int]:
    """Return labels with the noise split by k-means, and how many groups are dense."""
    noise = np.flatnonzero(found < 0)
    n_dense = int(found.max(initial=-1)) + 1
    if len(noise) == 0:
        return found, n_dense
    usual = int(np.median(np.bincount(found[found >= 0]))) if n_dense else 2 * size
    parts = min(max(1, len(noise) // max(usual, 5)), MOST_PARTS)
    cells = nearest(Z[noise], find_centers(Z[noise], parts, rng))
    _, cells = np.unique(cells, return_inverse=True)
    labels = found.copy()
    labels[noise] = n_dense + cells
    return labels, n_dense


def _central(X: Floats, labels: IntArray, k: int) -> tuple[Floats, Floats]:
    """Return the (k, d) unit means of the groups, and each row's cosine to its own."""
    sums = np.zeros((k, X.shape[1] if X.ndim == 2 else 0), dtype=np.float64)
    centrality = np.zeros(len(X), dtype=np.float32)
    if k == 0:
        return sums.astype(np.float32), centrality
    from scipy.sparse import csr_array

    blocks = [slice(start, start + BLOCK) for start in range(0, len(X), BLOCK)]
    for rows in blocks:
        mine = labels[rows]
        member = csr_array((np.ones(len(mine)), (mine, np.arange(len(mine)))), (k, len(mine)))
        sums += member @ X[rows]
    centers = unit(sums)
    for rows in blocks:
        centrality[rows] = np.einsum("ij,ij->i", X[rows], centers[labels[rows]])
    return centers, centrality


def _smallest(found: Clusters) -> int:
    there = found.sizes[found.dense]
    return int(there.min()) if len(there) else SMALLEST


def _jaccard(before: IntArray, again: IntArray, groups: IntArray) -> npt.NDArray[np.float64]:
    """Return (g,) the largest Jaccard similarity of some groups to one of the other grouping."""
    best = np.zeros(len(groups))
    if again.max(initial=-1) < 0:
        return best
    sizes = np.bincount(again[again >= 0])
    for i, group in enumerate(groups):
        inside = before == group
        shared = np.bincount(again[inside & (again >= 0)], minlength=len(sizes))
        best[i] = (shared / np.maximum(inside.sum() + sizes - shared, 1)).max()
    return best


__all__ = ["Clusters", "find", "stability", "subgroups"]
