"""Runs in, facts out: what the table, the words, the JSON and the page of a comparison say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from al_loop.compare import stats
from al_loop.compare.stats import Array
from al_loop.errors import InputError

SURE = 0.05  # p-values below, after Holm's correction, are called sure


@dataclass(frozen=True, slots=True)
class _Curves:
    """names: the strategies, best area first. x: (P,) label counts. C: (n, k, P) accuracies.

    R: (times, k, P) resampled mean curves; None for a single seed.
    """

    names: tuple[str, ...]
    x: Array
    C: Array
    R: Array | None

    @property
    def means(self) -> Array:
        """The (k, P) mean curves."""
        return np.asarray(self.C.mean(axis=0))


@dataclass(frozen=True, slots=True)
class _Goal:
    """The accuracy to reach, and what each resample has in its place: (times,) or the same."""

    target: float
    resampled: Array | float


def facts(
    runs: Sequence[Mapping[str, Any]],
    *,
    reference: str = "random",
    target: float | None = None,
    settings: Mapping[str, Any] | None = None,
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    """Return everything that a comparison says, as `al-loop compare --json` prints it.

    runs: of `simulate.run`, the same seeds for each strategy, `reference` among these.
    target: an accuracy; None takes what the reference reaches at its end.
    settings, notes: what the caller adds, as it is.

    `strategies` (best area first) and `pairs` (the better one is `a`) hold numbers with the ends
    of their 95 % intervals (`_low`, `_high`, None where open or unknown), `labels` the counts at
    which their `curve` is read. `saved` counts labels against the reference; where one of the
    two never reached the target, `saved_bound` says "at least" or "at most".

    Raises:
        InputError: a run measured nothing.
    """
    curves = _curves(runs)
    goal = _goal(curves, reference, target)
    return {
        "settings": dict(settings or {}),
        "target": {
            "accuracy": goal.target,
            "given": target is not None,
            "reference": reference,
            "labels": round(float(curves.x[-1])),
        },
        "labels": [round(v) for v in curves.x.tolist()],
        "strategies": _strategies(curves, goal, runs, reference),
        "pairs": _pairs(curves),
        "notes": [*_notes(curves, goal, reference, target is not None), *notes],
        "runs": [dict(run) for run in runs],
    }


def _notes(curves: _Curves, goal: _Goal, reference: str, given: bool) -> list[str]:
    source = "" if given else f", what {reference} reaches at its end"
    notes = [f"target: an accuracy of {goal.target:.3f}{source}"]
    if curves.R is None:
        return [*notes, "a single seed tells no interval and no p-value"]
    pairs = len(curves.names) * (len(curves.names) - 1) // 2
    more = f"; p is corrected for {pairs} pairs (Holm)" if pairs else ""
    return [*notes, f"intervals are 95 % each{more}"]


def _curves(runs: Sequence[Mapping[str, Any]]) -> _Curves:
    names = list(dict.fromkeys(run["strategy"] for run in runs))
    ordered = sorted(runs, key=lambda run: (run["seed"], names.index(run["strategy"])))
    x, rows = stats.common_grid([_measured(run) for run in ordered])
    cube = rows.reshape(-1, len(names), len(x))
    order = np.argsort(-stats.area(x, cube.mean(axis=0)), kind="stable")
    C: Array = cube[:, order]
    R = stats.resampled(C, np.random.default_rng(0)) if len(C) > 1 else None
    return _Curves(tuple(names[i] for i in order), x, C, R)


def _measured(run: Mapping[str, Any]) -> tuple[list[float], list[float]]:
    points = zip(run["labels"], run["accuracy"], strict=True)
    known = [(labels, accuracy) for labels, accuracy in points if accuracy is not None]
    if not known:
        raise InputError(
            f"{run['strategy']}, seed {run['seed']}: no accuracy was measured",
            hint="--rounds N and --batch N give it more labels",
        )
    return [labels for labels, _ in known], [accuracy for _, accuracy in known]


def _goal(curves: _Curves, reference: str, target: float | None) -> _Goal:
    if target is not None:
        return _Goal(target, target)
    k = curves.names.index(reference)
    end = float(curves.means[k, -1])
    return _Goal(end, end if curves.R is None else curves.R[:, k, -1])


def _strategies(
    curves: _Curves, goal: _Goal, runs: Sequence[Mapping[str, Any]], reference: str
) -> list[dict[str, Any]]:
    areas, ref = stats.area(curves.x, curves.means), curves.names.index(reference)
    found = []
    for k, name in enumerate(curves.names):
        mine = None if curves.R is None else curves.R[:, k]
        reached = np.isfinite(stats.needed(curves.x, curves.C[:, k], goal.target))
        seconds = [s for r in runs if r["strategy"] == name for s in r["query_seconds"]]
        area = None if mine is None else stats.area(curves.x, mine)
        found.append(
            {
                "strategy": name,
                "runs": len(curves.C),
                "area": float(areas[k]),
                **_shares("area", area),
                "accuracy": float(curves.means[k, -1]),
                **_shares("accuracy", None if mine is None else mine[:, -1]),
                "reached": int(reached.sum()),
                **_labels(curves, goal, k, ref),
                "query_seconds": float(np.mean(seconds)) if seconds else None,
                "curve": curves.means[k].tolist(),
                **_shares("curve", mine),
            }
        )
    return found


def _shares(name: str, replicates: Array | None) -> dict[str, Any]:
    """Return the ends of shares, which few seeds would leave open below 0 and past 1."""
    return _ends(name, None if replicates is None else replicates.clip(0.0, 1.0))


def _ends(name: str, replicates: Array | None) -> dict[str, Any]:
    low, high = (None, None) if replicates is None else stats.interval(replicates)
    return {
        f"{name}_low": None if low is None else low.tolist(),
        f"{name}_high": None if high is None else high.tolist(),
    }


def _labels(curves: _Curves, goal: _Goal, k: int, ref: int) -> dict[str, Any]:
    """Return the labels that a strategy needs for the target, and saves against the reference.

    Where the reference's curve is flat at its end, chance lets it touch its last accuracy
    earlier: what is saved comes out too small then, rather than too large.
    """
    mine, other = (float(n) for n in stats.needed(curves.x, curves.means[[k, ref]], goal.target))
    needed = round(mine) if np.isfinite(mine) else None
    saved, bound = _saved(mine, other, float(curves.x[-1])) if k != ref else (None, None)
    low = high = None
    if curves.R is not None and k != ref:
        low, high = _saved_ends(
            stats.needed(curves.x, curves.R[:, k], goal.resampled),
            stats.needed(curves.x, curves.R[:, ref], goal.resampled),
            float(curves.x[-1]),
        )
    saving = {"saved": saved, "saved_bound": bound, "saved_low": low, "saved_high": high}
    return {"labels_needed": needed, **saving}


def _saved(mine: float, other: float, end: float) -> tuple[int | None, str | None]:
    """Return the labels saved, as a bound where a curve ends below the target."""
    if np.isinf(mine) and np.isinf(other):
        return None, None
    bound = "at most" if np.isinf(mine) else "at least" if np.isinf(other) else None
    return round(min(other, end) - min(mine, end)), bound


def _saved_ends(mine: Array, other: Array, end: float) -> tuple[int | None, int | None]:
    """Return the interval's ends; None where it is open, since resamples miss the target."""
    least = np.where(np.isinf(mine), -np.inf, np.minimum(other, end) - mine)
    most = np.where(np.isinf(other), np.inf, other - np.minimum(mine, end))
    low, high = float(stats.interval(least)[0]), float(stats.interval(most)[1])
    return round(low) if np.isfinite(low) else None, round(high) if np.isfinite(high) else None


def _pairs(curves: _Curves) -> list[dict[str, Any]]:
    """Compare all pairs: the difference of areas, paired over seeds, and its p-values."""
    first, second = np.triu_indices(len(curves.names), 1)
    areas = stats.area(curves.x, curves.C)
    differences = areas[:, first] - areas[:, second]
    many = curves.R is not None
    p = stats.p_values(differences) if many else None
    adjusted = None if p is None else stats.holm(p)
    found = []
    for i, (a, b) in enumerate(zip(first, second, strict=True)):
        apart = None if curves.R is None else stats.area(curves.x, curves.R[:, a] - curves.R[:, b])
        found.append(
            {
                "a": curves.names[a],
                "b": curves.names[b],
                "difference": float(differences[:, i].mean()),
                **_ends("difference", apart),
                "p": None if p is None else float(p[i]),
                "p_holm": None if adjusted is None else float(adjusted[i]),
                "sure": None if adjusted is None else bool(adjusted[i] < SURE),
            }
        )
    return found
