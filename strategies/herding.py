"""Strategies that choose the texts which most of the pool is near to."""

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt

from strategies.base import FloatArray, IntArray, Picks, PoolView, check_request, no_picks, picks
from strategies.coverage import Coverage, Float32, greedy
from strategies.grouping import as_float32, covered
from strategies.neighbors import neighbors
from strategies.part import whole
from strategies.uncertainty import margins

#: Coverage is measured on so many texts of the whole pool, drawn uniformly. With 1,000 a batch
#: of 100 fits the draw more than the pool; 5,000 were as good as all 11,000 in our runs.
REFERENCES = 5_000
#: At most so many texts are looked at, drawn uniformly.
CANDIDATES = 20_000
#: Share of the labeled texts that are nearer to another than the kernel is wide. A tenth was
#: better than none, as in the paper, and than a half on each of four sets in our runs.
CLOSE = 0.1
#: The kernel is not narrower than texts at this distance, though labeled texts may be.
NARROWEST = 0.1


def maxherding(pool: PoolView, n: int, rng: np.random.Generator) -> Picks:
    """Take, one by one, the text that brings the whole pool nearest to a chosen one.

    How near a text is to the labeled and chosen texts is the largest of its Gaussian kernels
    exp(-distance^2) to them; the score is how much the mean of that over the pool rises.
    Needs no model. The mean is taken over a uniform sample of 5,000 texts, and of a larger
    pool 20,000 are looked at.

    Source: W. Bae, J. Noh, D. J. Sutherland, Generalized Coverage for More Robust Low-Budget
    Active Learning, ECCV 2024, arXiv:2407.12212. Stale gains bound the new ones: M. Minoux,
    Accelerated Greedy Algorithms for Maximizing Submodular Set Functions, 1978.

    Raises:
        ValueError: n is negative or larger than the pool.

    """
    check_request(pool, n)
    if n == 0:
        return no_picks()
    chosen, gains = _herd(pool, n, rng, None, 1.0)
    why = [f"adds {gain:.2%} coverage" for gain in gains]
    return picks(chosen, gains, source="maxherding", why=why)


def uherding(
    pool: PoolView, n: int, rng: np.random.Generator, *, temperature: float = 1.0
) -> Picks:
    """Take, one by one, the text that brings the doubtful part of the pool nearest to a chosen.

    As `maxherding`, but each text of the pool counts as much as the model doubts it, by
    1 - (p1 - p2) of its two largest probabilities, and the kernel exp(-distance^2 / s^2)
    narrows as labels get denser: a tenth of the labeled texts are nearer than s to another.
    (In the paper none are, so that two texts that say the same decide the width.) Before
    there is a model, or with a single class, it is `maxherding`.

    Args:
        pool: needs `embeddings`; takes `proba` and `labeled` into account.
        n: size of the batch.
        rng: draws the sample and breaks ties.
        temperature: divides the logits: above 1 all texts come to count alike, as in
            `maxherding`, and near 0 only those between two classes. The paper fits it to held
            out labels; here the model's probabilities are calibrated, if it does that.

    Source: W. Bae, G. L. Oliveira, D. J. Sutherland, Uncertainty Herding: One Active Learning
    Method for All Label Budgets, ICLR 2025, arXiv:2412.20644.

    Raises:
        ValueError: n is negative or larger than the pool, or temperature is not positive.

    """
    if not 0 < temperature < math.inf:
        raise ValueError(f"temperature must be positive, not {temperature}")
    check_request(pool, n)
    if n == 0:
        return no_picks()
    proba = whole(pool)[0].proba
    if proba is None or proba.shape[1] < 2 or len(np.unique(pool.labels)) == 1:
        chosen, gains = _herd(pool, n, rng, None, 1.0)
        what = "no doubt to go by yet: adds {:.2%} coverage"
    else:
        doubt = partial(_doubt, proba, temperature)
        chosen, gains = _herd(pool, n, rng, doubt, _sharpness(pool))
        what = "adds {:.2%} coverage of what is in doubt"
    return picks(chosen, gains, source="uherding", why=[what.format(gain) for gain in gains])


def _doubt(proba: FloatArray, temperature: float, rows: IntArray) -> Float32:
    """Return (m,) doubts about m rows, from 0 to 1."""
    p = as_float32(proba[rows])
    p = (p / p.max(axis=1, keepdims=True)) ** np.float32(1 / temperature)
    return as_float32(1.0 - margins(p / p.sum(axis=1, keepdims=True)))


def _sharpness(pool: PoolView) -> float:
    """Return 1 / s^2, where a tenth of the labeled texts are nearer than s to another."""
    if len(pool.labeled) < 2:
        return 1.0
    similar = neighbors(PoolView(embeddings=pool.labeled), 1).data
    return 1.0 / max(2.0 - 2.0 * float(np.quantile(similar, 1.0 - CLOSE)), NARROWEST**2)


def _herd(
    pool: PoolView,
    n: int,
    rng: np.random.Generator,
    weigh: Callable[[IntArray], Float32] | None,
    sharpness: float,
) -> tuple[IntArray, npt.NDArray[np.float64]]:
    """Return n positions in the order of choice, and by how much each raised the coverage.

    weigh: gives the weights of rows of the whole pool; None: all count 1.
    """
    from threadpoolctl import threadpool_limits

    origin, _ = whole(pool)
    rows = rng.permutation(len(origin))[:REFERENCES]
    among = rng.permutation(len(pool))[: max(CANDIDATES, n)]  # shuffled: ties fall at random
    weights = np.ones(len(rows), dtype=np.float32) if weigh is None else weigh(rows)
    if not weights.any():
        weights = np.ones_like(weights)
    weights = as_float32(weights / weights.sum())
    coverage = Coverage(as_float32(origin.vectors(rows)), weights, sharpness)
    with threadpool_limits(1):
        coverage.add(covered(pool))
        chosen, gains = greedy(coverage, as_float32(pool.vectors(among)), n)
    return among[chosen], gains
