"""How many classes nobody has seen yet, from when the others were seen first.

Labels that a strategy chose are no sample: it takes one text of each group, so that counting
the classes with a single label (Chao1, Good-Turing) finds far too many. What remains is when
each class was seen first, as errors are found in a program while it is tested. A class is found
within m labels with probability 1 - S(m), S(m) = (1 + (h m)^k / a)^-a (Burr XII): classes have
different hazards, the more so the smaller a, and are found ever faster where labels are chosen
to find them (k > 1). A tenth of them looks like known ones, so that no search finds them sooner
than chance, within m labels with 1 - exp(-m / number of classes). Given (h, k, a), the rounds
in which the d classes were found are multinomial, and as many are unseen as a negative binomial
of d + 1/2 and 1 - S says (Jeffreys' prior on the number). Summed over a grid; the prior takes
the share of the classes that is seen as uniform, and h as about one in as many as there are
classes, as it is where texts are drawn at random and classes are alike.

The pool may hold very rare classes that look like none that was found: no such interval
tells of them.

Source: B. Littlewood, IEEE Trans. Reliability 30(4), 1981 (different hazards), and A. L.
Goel, IEEE Trans. Software Engineering 11(12), 1985 (changing ones); I. W. Burr, Annals of
Mathematical Statistics 13(2), 1942. Combined, and with the prior, by us; compare A. Chao,
Scandinavian J. Statistics 11(4), 1984, for samples.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from strategies.base import FloatArray

Matrix = npt.NDArray[np.float64]

#: The grid: a, how alike the classes are in how easily they are found; k, whether finding them
#: gets easier; h in units of one in as many as there are classes.
SHAPES = np.geomspace(0.5, 20.0, 9)
RISES = np.array([1.0, 1.5, 2.0])
HAZARDS = np.geomspace(1 / 32, 32.0, 36)
#: Spread of the logarithm of the hazard about one in as many as there are classes.
SPREAD = 1.0
#: Share of the classes that are only met by chance, since they look like known ones.
HIDDEN = 0.1
#: At most so many times the classes that are seen can be unseen, and at most so many.
TIMES, MOST = 10, 2_000


@dataclass(frozen=True, slots=True)
class Unseen:
    """Classes that were not seen yet: the estimate, and the ends of its interval."""

    low: int
    estimate: int
    high: int


def unseen(
    new: Sequence[int], labels: Sequence[int], seen: int, *, left: int, level: float = 0.9
) -> Unseen | None:
    """Estimate how many classes of the pool nobody has seen or named yet.

    Args:
        new: classes that each round saw first, apart from those known before the first.
        labels: that each round brought, as many numbers.
        seen: classes that are seen or named by now, the known ones among them.
        left: unlabeled texts; there are no more unseen classes than that.
        level: of the interval.

    Returns the median and the ends of the posterior; None before any label.

    Raises:
        ValueError: not as many numbers of labels as of classes, or more new classes than labels
            or classes.

    """
    if len(new) != len(labels):
        raise ValueError(f"{len(new)} rounds of classes, but {len(labels)} of labels")
    rounds = [(d, n) for d, n in zip(new, labels, strict=True) if n > 0]
    if sum(new) > seen or any(d > n for d, n in zip(new, labels, strict=True)):
        raise ValueError("more new classes than classes, or than labels")
    if not rounds:
        return None
    r = np.arange(min(left, TIMES * (seen + 1), MOST) + 1)
    weights = _posterior(np.array(rounds, dtype=np.float64), r, seen)
    reached = np.cumsum(weights) / weights.sum()
    low, middle, high = np.searchsorted(reached, [(1 - level) / 2, 0.5, (1 + level) / 2])
    return Unseen(int(low), int(middle), int(high))


def _posterior(rounds: Matrix, r: npt.NDArray[np.int64], seen: int) -> FloatArray:
    """Return (len(r),) weights of so many unseen classes; rounds: (t, 2) new classes, labels."""
    new, total = rounds[:, 0], float(rounds[:, 0].sum())
    times = np.concatenate([[0.0], np.cumsum(rounds[:, 1])])
    hazards = HAZARDS / (seen + 1)
    chance = np.exp(-times / (seen + 1))
    left = np.maximum((1 - HIDDEN) * _survival(times, hazards) + HIDDEN * chance, 1e-300)
    by_round = np.maximum(left[:, :-1] - left[:, 1:], 1e-300)
    found = np.maximum(1.0 - left[:, -1:], 1e-300)
    # When those found were found, and how many were not: multinomial, negative binomial.
    when = np.log(by_round / found) @ new
    steps = np.log((total + 0.5 + r[:-1]) / r[1:])
    many = np.concatenate([[0.0], np.cumsum(steps)]) + r * np.log(left[:, -1:])
    logs = when[:, None] + (total + 0.5) * np.log(found) + many
    hazard = np.tile(hazards, len(SHAPES) * len(RISES))
    off = np.log(hazard)[:, None] + np.log(seen + r + 1)
    logs -= off**2 / (2 * SPREAD**2) + 2 * np.log(seen + r + 1)
    weights: FloatArray = np.exp(logs - logs.max()).sum(axis=0)
    return weights


def _survival(times: Matrix, hazards: Matrix) -> Matrix:
    """Return (g, len(times)) shares of the classes not found yet, for each (a, k, h)."""
    shape, rise, hazard = (
        axis.ravel()[:, None] for axis in np.meshgrid(SHAPES, RISES, hazards, indexing="ij")
    )
    survival: Matrix = (1.0 + (hazard * times) ** rise / shape) ** -shape
    return survival
