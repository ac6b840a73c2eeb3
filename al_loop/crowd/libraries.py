"""The ways to a consensus of well-kept libraries, silent and without chance."""

import contextlib
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from al_loop.crowd.votes import NONE, Labels

Floats: TypeAlias = npt.NDArray[np.float64]

#: Votes times classes beyond which Crowd-Kit would take minutes.
MOST_CELLS = 5_000_000
#: What libraries raise where they have too little to go on.
_TOO_LITTLE = (ValueError, TypeError, IndexError, KeyError, ZeroDivisionError)


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """labels, quality: (n,). of_votes: (n, a), quality of each vote, 0 where there is none."""

    labels: Labels
    quality: Floats
    of_votes: Floats
    people: Floats


def crowdlab(labels: Labels, proba: Floats) -> Found | None:
    """Return cleanlab's consensus of (n, a) labels and (n, k) probabilities; None if it has none.

    Texts without probabilities (rows of NaN) take no part; theirs is worked out by the weights
    and likelihoods that the others gave (CROWDLAB's equation with a model of no weight).
    """
    known = ~np.isnan(proba).any(axis=1)
    people = (labels[known] != NONE).any(axis=0)
    several = (labels[known] != NONE).sum(axis=1) > 1
    if people.sum() < 2 or not several.any() or proba.shape[1] < 2:
        return None
    given = np.where(labels == NONE, np.nan, labels)[np.ix_(known, people)]
    try:
        with _silent():
            seen = _cleanlab(given, proba[known])
    except _TOO_LITTLE:
        return None
    weights = np.full(labels.shape[1], seen["weights"].mean())
    weights[people] = seen["weights"]
    right = float(seen["agreement"][several].mean())
    alone = _weighted(labels[~known], weights, right, proba.shape[1])
    out = Found(
        np.zeros(len(labels), dtype=np.int64),
        np.zeros(len(labels)),
        np.zeros(labels.shape),
        np.full(labels.shape[1], np.nan),
    )
    out.labels[known], out.labels[~known] = seen["labels"], np.round(alone, 9).argmax(axis=1)
    out.quality[known], out.quality[~known] = seen["quality"], alone.max(axis=1, initial=0)
    out.of_votes[np.ix_(known, people)] = np.nan_to_num(seen["of_votes"])
    out.of_votes[~known] = _of_votes(labels[~known], alone)
    out.people[people] = seen["people"]
    out.people[np.isnan(out.people)] = np.nan_to_num(np.nanmean(seen["people"]))
    return out if np.isfinite(out.quality).all() else None


def _cleanlab(given: Floats, proba: Floats) -> dict[str, npt.NDArray[Any]]:
    from cleanlab.multiannotator import get_label_quality_multiannotator

    k = proba.shape[1]
    # It draws ties by chance, from numpy's global state: there are none any more.
    untied = proba + 1e-9 * np.arange(k, 0, -1)
    found = get_label_quality_multiannotator(given, untied, return_weights=True, verbose=False)
    texts = found["label_quality"]
    return {
        "labels": texts["consensus_label"].to_numpy(),
        "quality": texts["consensus_quality_score"].to_numpy(),
        "agreement": texts["annotator_agreement"].to_numpy(),
        "of_votes": found["detailed_label_quality"].to_numpy(),
        "people": found["annotator_stats"].sort_index()["annotator_quality"].to_numpy(),
        "weights": found["annotator_weight"],
    }


def _weighted(labels: Labels, weights: Floats, right: float, k: int) -> Floats:
    """Return (n, k): the weighted mean of what each vote says."""
    total = np.zeros((len(labels), k))
    for column, weight in zip(labels.T, weights, strict=True):
        rows = np.flatnonzero(column != NONE)
        total[rows] += weight * (1 - right) / (k - 1)
        total[rows, column[rows]] += weight * (right - (1 - right) / (k - 1))
    weight_of = ((labels != NONE) * weights).sum(axis=1, keepdims=True)
    return np.asarray(total / weight_of, dtype=np.float64)


def dawid_skene(labels: Labels, n_classes: int) -> Found | None:
    """Return Crowd-Kit's consensus of (n, a) labels; None where there are too many for it."""
    rows, columns = np.nonzero(labels != NONE)
    if not len(rows) or len(rows) * len(np.unique(labels[rows, columns])) > MOST_CELLS:
        return None
    with _silent():
        import pandas as pd  # type: ignore[import-untyped]
        from crowdkit.aggregation import DawidSkene

        named = labels[rows, columns]
        votes = pd.DataFrame({"task": rows, "worker": columns, "label": named})
        table: Any = DawidSkene().fit(votes).probas_
        table = table.reindex(index=range(len(labels)), columns=range(n_classes))
    proba = np.nan_to_num(table.to_numpy(dtype=np.float64))
    of_votes = _of_votes(labels, proba)
    counts = np.maximum((labels != NONE).sum(axis=0), 1)
    return Found(
        np.round(proba, 9).argmax(axis=1),
        proba.max(axis=1),
        of_votes,
        of_votes.sum(axis=0) / counts,
    )


def _of_votes(labels: Labels, proba: Floats) -> Floats:
    found = np.take_along_axis(proba, np.maximum(labels, 0), axis=1)
    return np.where(labels == NONE, 0.0, found)


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
