"""A strategy that looks for classes that nobody has named yet."""

from dataclasses import dataclass

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
)
from strategies.dense import unit
from strategies.discovery import Clusters, find
from strategies.grouping import BLOCK, as_float32, cold_start, covered, representatives
from strategies.part import whole
from strategies.whitening import Shift

Floats = npt.NDArray[np.float32]
#: Boundaries are looked for among so many texts, or so many times the batch, drawn uniformly.
SAMPLE, SAMPLE_EACH = 20_000, 2


@needs("centers")
def novelty(
    pool: PoolView, n: int, rng: np.random.Generator, *, min_cluster_size: int = 0
) -> Picks:
    """Take the most central text of each group without a label, then texts between groups.

    The groups are those of `discovery.find`. First come those in which no text lies that is
    labeled or in the batch, by the largest (1 - s) sqrt(size), the score, where s is the cosine
    of the group's center to the nearest labeled text (or class, while there is no label) or
    group taken before: two groups of one new class do not both come first. Then come texts
    between two groups, one of each pair in turn, those of novel groups first. Cosines are taken
    after the shift that the labels teach (`whitening`).

    Args:
        pool: needs `embeddings` and `centers`, and looks at `labeled` and `pending`.
        n: size of the batch.
        rng: draws texts from large pools and breaks ties.
        min_cluster_size: fewest texts of a dense group, at least 2; 0: a thousandth of the
            pool, but 5 to 20.

    Source: see `dense.groups`; the order of the groups is our own.

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
    found = find(pool, min_cluster_size=min_cluster_size)
    if not len(found):
        return _no_groups(pool, n, rng)
    around = _Around.of(pool, found)
    first = _new_groups(around, n)
    lowest = float(first.scores.min(initial=0.0))
    rest = _boundaries(pool, around, first.indices, n - len(first), lowest, rng)
    return join([first, rest])


def unexplained(pool: PoolView, *, min_cluster_size: int = 0) -> float:
    """Return the share of the whole pool's texts that lie in novel groups, from 0 to 1.

    It is large while few classes are known, and falls as groups get labels.
    """
    found = find(pool, min_cluster_size=min_cluster_size)
    return float(found.sizes[found.novel].sum() / max(len(found.labels), 1))


@dataclass(frozen=True, slots=True, eq=False)
class _Around:
    """The groups of a part of a pool, and what is known near to them.

    labels, centrality: (N,) of the part's texts. centers: (c, d) shifted centers of the groups.
    reach: (c,) cosine of each to the nearest labeled text or text of the batch; while nothing is
        labeled, to the nearest example of a class as well.
    labeled: (c,) whether one of these texts lies in it.
    """

    found: Clusters
    shift: Shift
    labels: IntArray
    centrality: Floats
    centers: Floats
    reach: npt.NDArray[np.float64]
    labeled: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, pool: PoolView, found: Clusters) -> "_Around":
        origin, rows = whole(pool)
        X, y = as_float32(pool.labeled), pool.labels
        shift = pool.shared.once(
            origin.embeddings,
            ("novelty", hash(y.tobytes())),
            lambda: Shift.of(as_float32(origin.embeddings), X, y),
        )
        centers = shift(found.centers)
        texts = shift(covered(pool))
        reach, labeled = np.full(len(found), -1.0), np.zeros(len(found), dtype=np.bool_)
        if len(texts):
            cosines = texts @ centers.T
            reach = cosines.max(axis=0).astype(np.float64)
            labeled[cosines.argmax(axis=1)] = True
        if not len(pool.labeled):  # the mean of a class is near to classes that look like it
            known = shift(unit(as_float32(pool.centers)))
            reach = np.maximum(reach, (centers @ known.T).max(axis=1))
        return cls(
            found, shift, found.labels[rows], found.centrality[rows], centers, reach, labeled
        )


def _new_groups(around: _Around, n: int) -> Picks:
    """Take the most central text of up to n groups without a label."""
    found = around.found
    sizes = np.bincount(around.labels, minlength=len(found))
    left = (sizes > 0) & ~around.labeled
    reach, near = around.reach.copy(), around.reach
    chosen, scores, why = [], [], []
    for _ in range(min(n, int(left.sum()))):
        gain = np.where(left, np.maximum(1.0 - reach, 0.0) * np.sqrt(found.sizes), -np.inf)
        best = int(np.argmax(gain))
        mine = np.flatnonzero(around.labels == best)
        chosen.append(int(mine[np.argmax(around.centrality[mine])]))
        scores.append(float(gain[best]))
        sure = "new?" if found.novel[best] else "not labeled yet:"
        kind = "group" if found.dense[best] else "loose group"
        why.append(
            f"{sure} {kind} of {found.sizes[best]} texts, "
            f"similarity {near[best]:.2f} to what is known"
        )
        left[best] = False
        reach = np.maximum(reach, around.centers @ around.centers[best])
    if not chosen:
        return no_picks()
    return picks(chosen, scores, source="novelty", why=why)


def _boundaries(
    pool: PoolView,
    around: _Around,
    taken: IntArray,
    n: int,
    below: float,
    rng: np.random.Generator,
) -> Picks:
    """Take texts whose two nearest groups are about as near, of each pair of groups in turn."""
    if n <= 0:
        return no_picks()
    left: IntArray = np.setdiff1d(np.arange(len(pool)), taken)
    rows = rng.permutation(left)[: max(SAMPLE, SAMPLE_EACH * n)]
    one, other, margin = _two_nearest(pool, around, rows)
    novel = around.found.novel
    pair = np.minimum(one, other) * len(novel) + np.maximum(one, other)
    order = np.lexsort((margin, pair))
    _, starts, counts = np.unique(pair[order], return_index=True, return_counts=True)
    turn = np.empty(len(rows), dtype=np.int64)
    turn[order] = np.arange(len(rows)) - np.repeat(starts, counts)
    new = novel[one] | novel[other]
    best = np.lexsort((margin, ~new, turn))[:n]
    why = [
        f"between {'a new group and another' if new[i] else 'two groups'}, margin {margin[i]:.3f}"
        for i in best
    ]
    # In turns: the score is the place, not the margin.
    scores = below - 1.0 - np.arange(len(best))
    return picks(rows[best], scores, source="novelty", why=why)


def _two_nearest(
    pool: PoolView, around: _Around, rows: IntArray
) -> tuple[IntArray, IntArray, Floats]:
    """Return the two nearest groups of some texts, and how much nearer the first one is."""
    from threadpoolctl import threadpool_limits

    one: IntArray = np.zeros(len(rows), dtype=np.int64)
    other, margin = one.copy(), np.ones(len(rows), dtype=np.float32)
    if len(around.centers) < 2:
        return one, other, margin
    with threadpool_limits(1):  # see grouping
        for start in range(0, len(rows), BLOCK):
            part = slice(start, start + BLOCK)
            cosines = around.shift(as_float32(pool.vectors(rows[part]))) @ around.centers.T
            near = np.argpartition(-cosines, 1, axis=1)[:, :2]
            both = np.take_along_axis(cosines, near, axis=1)
            one[part], other[part] = near.T
            margin[part] = np.abs(both[:, 0] - both[:, 1])
    return one, other, margin


def _no_groups(pool: PoolView, n: int, rng: np.random.Generator) -> Picks:
    """Cover a pool that is too small for groups."""
    cover = representatives(pool.vectors(np.arange(len(pool))), n, rng, "no groups: ")
    return picks(cover.indices, cover.scores, source="novelty", why=[str(w) for w in cover.why])
