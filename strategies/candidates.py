"""The part of a large or imbalanced pool that a strategy chooses from."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from strategies.badge import Outer, spread
from strategies.base import (
    IntArray,
    Picks,
    PoolView,
    Strategy,
    check_request,
    no_picks,
)
from strategies.baseline import random
from strategies.grouping import BLOCK, as_float32
from strategies.part import part

Floats: TypeAlias = npt.NDArray[np.float32]
Filter: TypeAlias = Callable[[PoolView, int, np.random.Generator], IntArray]

#: Neighbors of each labeled text in SEALS.
NEIGHBORS = 100
#: AnchorAL: anchors of a class at most, neighbors of each, and texts that are left at most.
ANCHORS, ANCHOR_NEIGHBORS, MOST = 10, 50, 10_000
#: Similarities that are computed at a time.
_CELLS = 5_000_000


def inside(strategy: Strategy, candidates: str) -> Strategy:
    """Return the strategy choosing among candidates only, as if these were the whole pool.

    candidates: "all" changes nothing, "neighbors" keeps what `neighbors` returns, "anchors" what
    `anchors` returns; there are never fewer candidates than places. `random` is not filtered,
    and nothing is before two classes have labels: all of the pool is still to be looked at. A
    draw among candidates says nothing about the pool, so inclusion probabilities become NaN.
    The note tells how many candidates there were.

    Raises:
        ValueError: there is no such filter.

    """
    if candidates != "all" and candidates not in FILTERS:
        raise ValueError(f"candidates must be all, {' or '.join(FILTERS)}, not {candidates!r}")
    if candidates == "all" or strategy is random:
        return strategy
    return functools.partial(_inside, strategy=strategy, keep=FILTERS[candidates])


def neighbors(pool: PoolView, n: int, _rng: np.random.Generator) -> IntArray:
    """Return the positions of the 100 nearest texts of each labeled one, or n where n is more.

    Takes O(m N d) time for m labeled texts and O(m) memory.

    Source: C. Coleman et al., Similarity Search for Efficient Active Learning and Search of Rare
    Concepts (SEALS), AAAI 2022, arXiv:2007.00077.
    """
    near, _ = _nearest(pool, as_float32(pool.labeled), max(NEIGHBORS, n))
    return np.unique(near)


def anchors(pool: PoolView, n: int, rng: np.random.Generator) -> IntArray:
    """Return the positions of at most 10,000 texts that are like anchors of the classes.

    Of each class up to 10 labeled texts are its anchors, drawn by k-means++, and each anchor
    brings its 50 nearest texts, or n where n is more. Of more than 10,000 (or n) texts those go
    on that have the largest mean cosine to the anchors that brought them.

    Source: P. Lesci, A. Vlachos, AnchorAL: Computationally Efficient Active Learning for Large
    and Imbalanced Datasets, NAACL 2024, arXiv:2404.05623.
    """
    chosen = [
        _anchors_of(as_float32(pool.labeled[pool.labels == c]), rng) for c in np.unique(pool.labels)
    ]
    near, cosines = _nearest(pool, np.concatenate(chosen), max(ANCHOR_NEIGHBORS, n))
    rows, place = np.unique(near, return_inverse=True)
    place = place.ravel()
    score = np.bincount(place, weights=cosines.ravel()) / np.bincount(place)
    best = np.argsort(-score, kind="stable")[: max(MOST, n)]
    return np.sort(rows[best])


FILTERS: Mapping[str, Filter] = {"neighbors": neighbors, "anchors": anchors}


def _inside(
    pool: PoolView, n: int, rng: np.random.Generator, *, strategy: Strategy, keep: Filter
) -> Picks:
    check_request(pool, n)
    if n == 0:
        return no_picks()
    rows = keep(pool, n, rng) if len(np.unique(pool.labels)) > 1 else np.arange(len(pool))
    if len(rows) == len(pool):
        return strategy(pool, n, rng)
    # A pool of its own, so that samples and shared work are of the candidates alone.
    few = replace(part(pool, rows))
    chosen = strategy(few, n, rng)
    note = f"among {len(rows):,} of {len(pool):,} texts near labeled ones"
    return replace(
        chosen,
        indices=rows[chosen.indices],
        inclusion=np.full(len(chosen), np.nan),
        note="; ".join(filter(None, [chosen.note, note])),
    )


def _anchors_of(X: Floats, rng: np.random.Generator) -> Floats:
    """Draw up to `ANCHORS` of the (m, d) vectors of a class, unlike each other."""
    if len(X) <= ANCHORS:
        return X
    plain = Outer(np.ones((len(X), 1), dtype=np.float32), X)
    # Nothing on the sphere is farther away than 2: the first is drawn uniformly.
    rows, _ = spread(plain, ANCHORS, rng, near=np.full(len(X), 4, dtype=np.float32))
    return X[rows]


def _nearest(pool: PoolView, queries: Floats, k: int) -> tuple[IntArray, Floats]:
    """Return (q, k) positions in the pool that are nearest to (q, d) vectors, and cosines.

    In no order; fewer columns where the pool has fewer texts.
    """
    from threadpoolctl import threadpool_limits

    rows: IntArray = np.empty((len(queries), 0), dtype=np.int64)
    cosines: Floats = np.empty((len(queries), 0), dtype=np.float32)
    size = min(BLOCK, max(1, _CELLS // len(queries)))
    with threadpool_limits(1):  # see grouping
        for start in range(0, len(pool), size):
            block = np.arange(start, min(start + size, len(pool)))
            there = queries @ as_float32(pool.vectors(block)).T
            best = _largest(there, k)
            cosines = np.concatenate([cosines, np.take_along_axis(there, best, axis=1)], axis=1)
            rows = np.concatenate([rows, block[best]], axis=1)
            best = _largest(cosines, k)
            cosines = np.take_along_axis(cosines, best, axis=1)
            rows = np.take_along_axis(rows, best, axis=1)
    return rows, cosines


def _largest(values: Floats, k: int) -> IntArray:
    """Return (q, k) columns of the k largest of (q, c) values in each row, in no order."""
    columns = np.arange(values.shape[1])
    if len(columns) <= k:
        return np.broadcast_to(columns, values.shape)
    return np.argpartition(values, -k, axis=1)[:, -k:]
