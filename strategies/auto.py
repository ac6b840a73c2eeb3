"""The default strategy: it decides by itself what a batch is made of."""

import math
from collections import Counter
from dataclasses import replace

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
from strategies.baseline import random
from strategies.coverage import Coverage, greedy
from strategies.grouping import BLOCK, as_float32, cold_start, covered
from strategies.judgment import Seen, Split, look, split
from strategies.novelty import novelty
from strategies.part import choose_from_rest
from strategies.uncertainty import margins

#: Coverage is measured on so many texts a text of the batch, within bounds.
REFERENCES_EACH, FEWEST, MOST = 25, 2_500, 10_000
#: The most uncertain texts are looked at, so many or so many times the batch, but never more
#: than half of the pool; for typical texts a uniform draw.
CANDIDATES, CANDIDATES_EACH, OF_ALL = 3_000, 10, 10_000
#: The kernel exp(-d^2 / s^2) has so many times the median d^2 of a text to the nearest labeled
#: one as s^2, but at least so much, where labels are next to all texts.
WIDTH, NARROWEST = 0.8, 0.01
TYPICAL, NOVEL = "auto typical", "auto new"  # sources of such picks
#: That distance is measured on so many texts.
SAMPLE = 1_500


@needs("proba", "learn")
def auto(pool: PoolView, n: int, rng: np.random.Generator) -> Picks:
    """Split the batch by itself between new, typical, uncertain, rare and random texts.

    Without a label all are typical: cluster representatives. Then models of half of the labels
    tell how stable the model is, and how good. The texts are then chosen one by one so that
    what is in doubt lies near to a labeled or chosen text: a weighted coverage of the pool,
    where a text weighs (1 - trust x margin) to a power that grows with the stability, so that
    an unstable model covers the pool widely and a stable one looks where it is undecided. As
    large a share as labels are alone in their class goes to typical texts (all weigh the
    same), since so much of the pool may belong to classes not seen yet. Before them come texts
    by `novelty`: where a share s of the pool is in groups that no known class explains, they
    are 1 - (1 - s)^2 of the batch, many while there is much to discover, and none in the end.
    Where some classes stay far behind the others in labels, a twentieth goes to texts that look
    like them. A model that may be guessing, or knows a single class, has no say: half of the
    batch is typical then, half drawn.

    Args:
        pool: needs `embeddings`, and `proba` and `learn` once there is a model.
        n: size of the batch.
        rng: draws samples and halves of the labels, seeds k-means, breaks ties.

    Source: our own, out of W. Bae, G. L. Oliveira, D. J. Sutherland, Uncertainty Herding,
    ICLR 2025, arXiv:2412.20644 (coverage weighted by doubt), and M. Bloodgood,
    K. Vijay-Shanker, CoNLL 2009 (stability). See docs/benchmarks.md for how well it does.

    Raises:
        ValueError: n is negative or larger than the pool.

    """
    check_request(pool, n)
    if n == 0:
        return no_picks()
    if lacks(auto, pool) and len(np.unique(pool.labels)) != 1:
        first = cold_start(pool, n, rng)
        reason = str(first.why[0]).partition(":")[0]
        return replace(first, source=np.full(n, TYPICAL), note=_note([TYPICAL] * n, reason))
    seen = look(pool, rng)
    plan = split(seen, n)
    chosen = _chosen(pool, n, plan, seen, rng)
    return replace(chosen, note=_note(chosen.source.tolist(), plan.why))


def _chosen(pool: PoolView, n: int, plan: Split, seen: Seen, rng: np.random.Generator) -> Picks:
    """Choose n texts, part after part, each among what the earlier ones left."""
    chosen = random(pool, plan.random, rng)

    def new(rest: PoolView, n: int, rng: np.random.Generator) -> Picks:
        found = novelty(rest, n, rng)
        return replace(found, source=np.full(len(found), NOVEL))

    def rare(rest: PoolView, n: int, rng: np.random.Generator) -> Picks:
        return _rare(rest, n, seen.rare, np.bincount(pool.labels), rng)

    def typical(rest: PoolView, n: int, rng: np.random.Generator) -> Picks:
        among = rng.permutation(len(rest))[: max(n, OF_ALL)]
        return _covering(rest, n, rng, np.ones(len(rest), dtype=np.float32), among, "typical")

    def uncertain(rest: PoolView, n: int, rng: np.random.Generator) -> Picks:
        assert rest.proba is not None
        doubts = 1.0 - seen.trust * margins(rest.proba)
        weights = np.maximum(doubts, 1e-6) ** plan.sharpness
        wanted = max(CANDIDATES, CANDIDATES_EACH * n)
        among = top_n(weights, max(n, min(wanted, math.ceil(len(rest) / 2))), rng)
        return _covering(rest, n, rng, as_float32(weights), among, "uncertain")

    for part, count in ((new, plan.novel), (rare, plan.rare), (typical, plan.typical)):
        if count:
            chosen = join([chosen, choose_from_rest(part, pool, chosen.indices, count, rng)])
    if len(chosen) < n:  # also what the rare classes could not fill
        rest = choose_from_rest(uncertain, pool, chosen.indices, n - len(chosen), rng)
        chosen = join([chosen, rest])
    return chosen


def _note(sources: list[str], why: str) -> str:
    """Tell how many texts were chosen how, most first, and why."""
    counted = Counter(source.removeprefix("auto ") for source in sources).most_common()
    return f"{', '.join(f'{count} {kind}' for kind, count in counted)} ({why})"


def _covering(
    pool: PoolView,
    n: int,
    rng: np.random.Generator,
    weights: npt.NDArray[np.float32],
    among: IntArray,
    kind: str,
) -> Picks:
    """Take, one by one, the text that brings the pool's weight nearest to a chosen text.

    weights: (N,) of the pool's texts. The sum over the pool is estimated on references that
    are drawn by weight, so that few are enough. among: positions of the texts to choose from.
    """
    from threadpoolctl import threadpool_limits

    drawn = systematic(weights, min(max(FEWEST, REFERENCES_EACH * n), MOST), rng)
    references, times = np.unique(drawn, return_counts=True)
    with threadpool_limits(1):
        near = covered(pool)
        coverage = Coverage(
            as_float32(pool.vectors(references)),
            as_float32(times / times.sum()),
            _sharpness(pool, near, rng),
        )
        coverage.add(near)
        chosen, gains = greedy(coverage, as_float32(pool.vectors(among)), n)
    what = "of the pool" if kind == "typical" else "of what is in doubt"
    why = [f"{kind}: adds {gain:.2%} coverage {what}" for gain in gains]
    return picks(among[chosen], gains, source=f"auto {kind}", why=why)


def _sharpness(pool: PoolView, near: npt.NDArray[np.float32], rng: np.random.Generator) -> float:
    """Return 1 / s^2 of the kernel: narrower as labels get denser."""
    rows = rng.permutation(len(pool))[:SAMPLE]
    X, nearest = as_float32(pool.vectors(rows)), np.full(len(rows), -1.0, dtype=np.float32)
    for start in range(0, len(near), BLOCK):
        np.maximum(nearest, (X @ near[start : start + BLOCK].T).max(axis=1), out=nearest)
    return 1.0 / max(WIDTH * float(np.median(2.0 - 2.0 * nearest)), NARROWEST)


def systematic(weights: npt.NDArray[np.float32], n: int, rng: np.random.Generator) -> IntArray:
    """Draw n positions with chances in proportion to (N,) weights, by systematic sampling.

    A position may be drawn several times, but never less or more often than its expected
    number rounded down or up. Source: W. G. Madow, L. H. Madow, 1944.
    """
    order = rng.permutation(len(weights))
    reached = np.cumsum(weights[order], dtype=np.float64)
    steps = (np.arange(n) + rng.random()) / n * reached[-1]
    return np.asarray(order[np.searchsorted(reached, steps).clip(max=len(order) - 1)])


def _rare(
    pool: PoolView, n: int, classes: IntArray, counts: IntArray, rng: np.random.Generator
) -> Picks:
    """Take the likeliest texts of each class in turn, where it is among the two likeliest."""
    assert pool.proba is not None
    proba = pool.proba
    second = np.partition(proba, -2, axis=1)[:, -2]
    turns: list[list[tuple[int, int]]] = []
    taken: set[int] = set()
    for c in classes.tolist():
        mine = np.flatnonzero((proba[:, c] >= second) & (proba[:, c] > 0))
        best = mine[top_n(proba[mine, c], n, rng)].tolist()
        turns.append([(i, c) for i in best if i not in taken])
        taken.update(best)
    found = [pair for turn in range(n) for group in turns for pair in group[turn : turn + 1]][:n]
    rows = np.array([i for i, _ in found], dtype=np.int64)
    why = [
        f"rare: probability {proba[i, c]:.2f} of a class with {_labels(int(counts[c]))}"
        for i, c in found
    ]
    # In turns: the score is the place, not the probability.
    return picks(rows, -np.arange(len(rows)), source="auto rare", why=why)


def _labels(count: int) -> str:
    return f"{count} label{'' if count == 1 else 's'}"
