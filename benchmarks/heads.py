"""What each head brings with the same labels: 50 to 1,000 of them, on five sets.

    python benchmarks/heads.py [--seeds 5] [--sets NAME ...]

The labels are drawn at random, or chosen as `clusters` does in batches of 50 with the default
head: the most uncertain texts, spread over the pool. All heads get the same ones and are measured
on the test split; all texts that have no label are the pool that self-training learns from.
Encodes through the user's cache, needs the real data sets. The bar is at 200 random labels: 3
points above logistic regression with C = 10 on average, on no set below it by more than 0.3.
"""

import argparse
import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import selection_ours as ours
import selection_runs as runs
from common import median, rounded, save, say
from selection_runs import Data, Positions, State

# Only now, since common makes al_loop importable without being installed.
# isort: split
from al_loop import learner
from al_loop.heads import Head

SETS = ("banking77", "clinc150", "hwu64", "massive_en", "goemotions")
LABELS = (50, 100, 200, 500, 1_000)
BATCH = 50
BASE = "logistic"
HEADS: Mapping[str, tuple[learner.Kind, float]] = {
    BASE: ("logistic", 10.0),
    "logistic, C = 1": ("logistic", 1.0),
    "logistic, C = 100": ("logistic", 100.0),
    "balanced": ("balanced", 10.0),
    "nearest_mean": ("nearest_mean", 10.0),
    "self_training": ("self_training", 10.0),
    "auto": ("auto", 10.0),
}


@dataclass(frozen=True, slots=True)
class Fit:
    """A head on some labels: in points, how often it is right and how sure it is on average."""

    set: str
    by: str
    labels: int
    head: str
    accuracy: float
    sure: float
    seconds: float
    chosen: Head


def at_random(data: Data, seed: int) -> Positions:
    """Return the first rows of a random order."""
    return runs.order(data, seed)[: LABELS[-1]]


def by_clusters(data: Data, seed: int) -> Positions:
    """Return rows in the order in which `clusters` chooses them, a tenth at random."""
    choose = ours.chooser("clusters")
    chosen: Positions = np.empty(0, dtype=np.int64)
    model = None
    while len(chosen) < LABELS[-1]:
        state = State(data, BATCH, seed, chosen, model)
        chosen = np.concatenate([chosen, np.asarray(choose(state), dtype=np.int64)])
        pool = np.delete(data.X, chosen, axis=0)
        model = ours.fit(data.X[chosen], data.y[chosen], pool, kind="logistic", seed=seed)
    return chosen


CHOICES = {"random": at_random, "clusters": by_clusters}


def measured(data: Data, by: str, seed: int) -> Iterator[Fit]:
    """Fit every head on the same labels; seconds are the processor's."""
    order = CHOICES[by](data, seed)
    classes = int(max(data.y.max(), data.t.max())) + 1
    for n in LABELS:
        rows = order[:n]
        X, y, pool = data.X[rows], data.y[rows], np.delete(data.X, rows, axis=0)
        for name, (kind, C) in HEADS.items():
            began = time.process_time()
            model = learner.fit(X, y, n_classes=classes, kind=kind, C=C, seed=seed, pool=pool)
            seconds = time.process_time() - began
            proba = model.proba(data.T)
            right, sure = np.mean(proba.argmax(axis=1) == data.t), proba.max(axis=1).mean()
            yield Fit(data.name, by, n, name, 100 * right, 100 * sure, seconds, model.head)


def play(sets: Sequence[str], seeds: int) -> list[Fit]:
    """Play everything, telling how far it is."""
    found: list[Fit] = []
    for name in sets:
        ours.encode(name, runs.CACHE)
        data = runs.load(name, runs.CACHE)
        for by in CHOICES:
            for seed in range(seeds):
                found += measured(data, by, seed)
            auto = [
                f"{mean(found, 'accuracy', set=name, by=by, labels=n, head='auto'):.1f}"
                for n in LABELS
            ]
            say(f"{name}, labels by {by}: auto {' '.join(auto)}")
    return found


def mean(found: Sequence[Fit], what: str, **where: Any) -> float:
    """Return the mean of a number over the fits with the given facts."""
    return float(np.mean([getattr(fit, what) for fit in some(found, **where)]))


def some(found: Sequence[Fit], **where: Any) -> list[Fit]:
    """Return the fits with the given facts."""
    return [f for f in found if all(getattr(f, key) == value for key, value in where.items())]


def summary(found: Sequence[Fit], sets: Sequence[str]) -> dict[str, Any]:
    """Return accuracy of the base head, and how much each brings, by set and number of labels."""
    result: dict[str, Any] = {"labels": list(LABELS), "base": {}, "gain": {}, "mean_gain": {}}
    for by in CHOICES:
        base = {s: accuracies(found, by, s, BASE) for s in sets}
        gain = {h: {s: accuracies(found, by, s, h) - base[s] for s in sets} for h in HEADS}
        del gain[BASE]
        result["base"][by] = {s: rounded(base[s]) for s in sets}
        result["gain"][by] = {h: {s: rounded(g) for s, g in of.items()} for h, of in gain.items()}
        result["mean_gain"][by] = {
            h: rounded(np.mean(list(of.values()), axis=0)) for h, of in gain.items()
        }
    return result


def accuracies(found: Sequence[Fit], by: str, name: str, head: str) -> Any:
    """Return the mean accuracy at each number of labels, in points."""
    where = {"by": by, "set": name, "head": head}
    return np.array([mean(found, "accuracy", labels=n, **where) for n in LABELS])


def more(found: Sequence[Fit]) -> dict[str, Any]:
    """Return what auto chose, how sure it is beyond its accuracy, and what a fit takes."""
    auto = some(found, head="auto")
    surer = {
        head: [surer_than_right(some(found, head=head, labels=n)) for n in LABELS]
        for head in (BASE, "self_training", "auto")
    }
    most = some(found, labels=LABELS[-1])
    seconds = {head: median([f.seconds for f in some(most, head=head)]) for head in HEADS}
    return {
        "auto_chose": dict(Counter(str(fit.chosen) for fit in auto).most_common()),
        "surer_than_right": surer,
        "seconds_with_1000_labels": {head: round(value, 2) for head, value in seconds.items()},
    }


def surer_than_right(found: Sequence[Fit]) -> float:
    """Return by how many points heads think too well of themselves."""
    return round(mean(found, "sure") - mean(found, "accuracy"), 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=SETS)
    args = parser.parse_args()

    load = os.getloadavg()
    found = play(args.sets, args.seeds)
    result = summary(found, args.sets)
    at = LABELS.index(200)
    worst = min(gains[at] for gains in result["gain"]["random"]["auto"].values())
    bar = {"mean": result["mean_gain"]["random"]["auto"][at], "worst": worst, "bars": [3, -0.3]}
    arguments = f"--seeds {args.seeds}" + (
        f" --sets {' '.join(args.sets)}" if tuple(args.sets) != SETS else ""
    )
    save("heads", arguments, {**result, **more(found), "at_200_labels": bar}, load)


if __name__ == "__main__":
    main()
