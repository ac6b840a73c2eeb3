"""Which head to use: chosen by cross-validation on the labels, with a default that wins ties."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from al_loop.folds import assign_folds
from al_loop.heads import Head

Labels: TypeAlias = npt.NDArray[np.int64]
Hits: TypeAlias = Mapping[Head, npt.NDArray[np.bool_]]
#: (heads, rows to train on, rows to predict) -> their classes, one array a head
Predict: TypeAlias = Callable[[Sequence[Head], Labels, Labels], list[Labels]]

_FOLDS = 5
_ENOUGH = 300  # rows held out; further folds cost more than they tell
_MOST_ROWS = 2_000  # labels that are compared on
_ERRORS = 1.5  # standard errors to be better by; 1 is a single label, and the best of five leads


def candidates(C: float, *, pool: bool) -> list[Head]:
    """Return the heads to choose from, the default first.

    Self-training needs a `pool`; where there is one, nothing else was better on average over
    five data sets, with 50 to 1,000 labels. See docs/benchmarks.md.
    """
    plain = [Head("logistic", C)]
    others = [Head("logistic", C / 10), Head("logistic", C * 10), Head("balanced", C)]
    first = [Head("self_training", C)] if pool else []
    return [*first, *plain, *others, Head("nearest_mean", C)]


def compare(heads: Sequence[Head], y: Labels, predict: Predict, seed: int) -> Hits:
    """Return which labels each head gets right when it is fitted without them.

    y: (m,) classes. Each head's hits are (r,) of the same r labels in the same order; r is 0
    where nothing can be held out.
    """
    rows = np.arange(len(y))
    if len(y) > _MOST_ROWS:
        rng = np.random.default_rng(seed)
        rows = np.sort(rng.choice(rows, _MOST_ROWS, replace=False))
    fold = assign_folds(y[rows], _FOLDS, seed)
    hits: dict[Head, list[npt.NDArray[np.bool_]]] = {head: [] for head in heads}
    told = 0
    for number in range(_FOLDS):
        train, test = rows[fold != number], rows[fold == number]
        test = test[np.isin(y[test], y[train])]  # the others are missed by all
        if len(test) == 0 or len(np.unique(y[train])) == 1:
            continue
        for head, found in zip(heads, predict(heads, train, test), strict=True):
            hits[head].append(found == y[test])
        told += len(test)
        if told >= _ENOUGH:
            break
    none = np.empty(0, dtype=bool)
    return {head: np.concatenate([none, *some]) for head, some in hits.items()}


def pick(hits: Hits) -> tuple[Head, str]:
    """Return the head to use, and why in words.

    The first one, the default, unless another gets more labels right by 1.5 standard errors of
    the difference (as in Breiman et al. 1984, section 3.4.3): few labels tell little.
    """
    default, *others = hits
    n = len(hits[default])
    if n == 0:
        return default, f"{default}: too few labels to compare with others"
    best = max(others, key=lambda head: hits[head].mean())
    gain = hits[best].astype(float) - hits[default]
    chosen, other = default, best
    if gain.mean() > _ERRORS * gain.std() / np.sqrt(n):
        chosen, other = best, default
    shares = [f"{100 * hits[head].mean():.0f} %" for head in (chosen, other)]
    return chosen, f"{chosen}, right on {shares[0]} of {n} labels held out; {other} on {shares[1]}"
