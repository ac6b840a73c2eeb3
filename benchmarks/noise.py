"""How well wrong labels are found, of known kinds and of real people, and what that takes.

    python benchmarks/noise.py table [--seeds 5] [--sets NAME ...]
    python benchmarks/noise.py people
    python benchmarks/noise.py loop [--seeds 5]
    python benchmarks/noise.py scale

`table` makes 5, 10 and 20 % of the labels of three sets wrong in four ways (`noise_kinds.py`) and
prints the average precision of finding them by cleanlab's default order (self-confidence, also
the loss), its normalized margin, a vote of ten neighbors (SimiFeat) and the fused doubt; the
first two and the last are about the same out-of-fold probabilities, the last two about the same
neighbors. `people` does so for the errors of real annotators in noisyag_mid10k. `loop` gives true
answers to the most doubtful tenth of banking77, in ten parts, each ranked anew, and at once.
`scale` times 100,000 labels of 100 classes beside cleanlab, and the search for neighbors.
Writes results/noise_*.json. Needs the real data; models' opinions are kept in the user's cache:
`table` takes 40 minutes of a free core without them, a minute with them.
"""

import argparse
import gzip
import json
import os
from collections.abc import Mapping
from typing import Any

import noise_kinds as kinds
import noise_scale
import numpy as np
import numpy.typing as npt
from common import ROOT, save, say
from noise_kinds import MAIN, RATES, SETS, Cell, Labels, Proba, Vectors, World

# Only now, since common makes al_loop importable without being installed.
# isort: split
from al_loop.evidence import fused, neighbors

DEFAULT, OURS = "cleanlab", "fused"
_VOTERS = 10
_PARTS, _LOOKED_AT = 10, 0.1
_HARDER = Cell("banking77", "second-class", 0.10, 0)
#: Of banking77 at 10 %.
BARS = {"uniform": 0.985, "nearest-class": 0.90, "instance-dependent": 0.79}

Scores = npt.NDArray[np.floating[Any]]
Near = tuple[Labels, npt.NDArray[np.float32]]


def scores(proba: Proba, y: Labels, near: Near) -> dict[str, Scores]:
    """Return the doubt of each way, higher is more doubtful."""
    from cleanlab.rank import get_label_quality_scores as quality

    return {
        DEFAULT: 1 - quality(y, proba, method="self_confidence"),
        "margin": 1 - quality(y, proba, method="normalized_margin"),
        "knn": (y[near[0][:, :_VOTERS]] != y[:, None]).mean(axis=1),
        OURS: fused.fuse(proba, y, *near).doubt,
    }


def precision(found: Mapping[str, Scores], wrong: npt.NDArray[np.bool_]) -> dict[str, float]:
    """Return the average precision of each."""
    from sklearn.metrics import average_precision_score

    return {name: float(average_precision_score(wrong, s)) for name, s in found.items()}


def played(world: World, near: Near, cell: Cell) -> dict[str, float]:
    """Return the average precision of each in one cell."""
    y = kinds.given(world, cell)
    proba = kinds.opinions(world.X, y, seed=cell.seed)
    return precision(scores(proba, y, near), y != world.truth)


def table(sets: list[str], seeds: int) -> dict[str, Any]:
    """Play all cells; a cell's precision is the mean of its seeds."""
    cells: dict[str, dict[str, float]] = {}
    worst = 1.0
    for name in sets:
        world = kinds.world(name)
        near = neighbors.nearest(world.X, fused.NEIGHBORS)
        wanted = [(kind, rate) for kind in MAIN for rate in RATES]
        wanted += [(_HARDER.kind, _HARDER.rate)] * (name == _HARDER.set)
        for kind, rate in wanted:
            runs = [played(world, near, Cell(name, kind, rate, seed)) for seed in range(seeds)]
            worst = min(worst, *(run[OURS] - run[DEFAULT] for run in runs))
            key = f"{name} {kind} {rate:.0%}"
            cells[key] = {way: round(float(np.mean([r[way] for r in runs])), 4) for way in runs[0]}
            say(f"{key}: {cells[key]}")
    return {"seeds": seeds, "cells": cells, "worst_single_run": round(worst, 4)}


def summary(cells: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """Return what the bars ask for, without the harder cell."""
    main = {key: c for key, c in cells.items() if _HARDER.kind not in key}
    gain = {key: c[OURS] - c[DEFAULT] for key, c in main.items()}
    by_kind = {kind: np.mean([g for key, g in gain.items() if kind in key]) for kind in MAIN}
    bars = {kind: main.get(f"banking77 {kind} 10%", {}).get(OURS) for kind in BARS}
    return {
        "mean_gain": round(float(np.mean(list(gain.values()))), 4),
        "mean_gain_by_kind": {kind: round(float(g), 4) for kind, g in by_kind.items()},
        "worst_cell": round(min(gain.values()), 4),
        "banking77_at_10": bars,
        "bars": {"mean_gain": 0.10, "worst_cell": -0.01, **BARS},
    }


def people() -> dict[str, Any]:
    """Return the average precisions on labels by real annotators."""
    X, truth, y = _people()
    near = neighbors.nearest(X, fused.NEIGHBORS)
    proba = kinds.opinions(X, y, seed=0)
    found, wrong = scores(proba, y, near), y != truth
    flagged = found[OURS] > 0.5
    return {
        "labels": len(y),
        "wrong": int(wrong.sum()),
        "average_precision": {k: round(v, 4) for k, v in precision(found, wrong).items()},
        "flagged": int(flagged.sum()),
        "flagged_wrong": int(wrong[flagged].sum()),
    }


def _people() -> tuple[Vectors, Labels, Labels]:
    from al_loop import cache
    from al_loop.bars import no_bar
    from al_loop.config import Config
    from al_loop.store.items import text_hash

    path = ROOT.parent / "shared" / "data" / "noisyag_mid10k" / "train.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    texts = [row["text"] for row in rows]
    X = cache.vectors(Config().model.encoder, [text_hash(t) for t in texts], texts, no_bar)
    names = sorted({row["label"] for row in rows})
    truth, y = (np.array([names.index(r[key]) for r in rows]) for key in ("label", "noisy_label"))
    return X, truth, y


def loop(seeds: int) -> dict[str, Any]:
    """Return the share of the wrong labels that is found, at once and with answers fed back."""
    world = kinds.world("banking77")
    near = neighbors.nearest(world.X, fused.NEIGHBORS)
    found: dict[str, dict[str, list[float]]] = {}
    for kind in MAIN:
        found[kind] = {"static": [], "loop": []}
        for seed in range(seeds):
            y = kinds.given(world, Cell("banking77", kind, 0.10, seed))
            proba = kinds.opinions(world.X, y, seed=seed)
            for name, parts in (("static", 1), ("loop", _PARTS)):
                found[kind][name].append(rechecked(world.truth, y, proba, near, parts))
        say(f"{kind}: {found[kind]}")
    means = {k: {n: round(float(np.mean(v)), 4) for n, v in f.items()} for k, f in found.items()}
    return {"seeds": seeds, "looked_at": _LOOKED_AT, "parts": _PARTS, "found": means}


def rechecked(truth: Labels, given: Labels, proba: Proba, near: Near, parts: int) -> float:
    """Return the share of wrong labels that answers find; models are not fitted anew."""
    y, sure = given.copy(), np.zeros(len(given), dtype=bool)
    for count in np.diff(np.linspace(0, _LOOKED_AT * len(y), parts + 1).astype(int)):
        doubt = fused.fuse(proba, y, *near, sure=sure, was=given).doubt
        rows = np.argsort(-np.where(sure, -1, doubt), kind="stable")[:count]
        y[rows], sure[rows] = truth[rows], True
    return float((sure & (given != truth)).sum() / (given != truth).sum())


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    todo = parser.add_subparsers(dest="todo", required=True)
    for name in ("table", "people", "loop", "scale"):
        command = todo.add_parser(name)
        if name in ("table", "loop"):
            command.add_argument("--seeds", type=int, default=5)
        if name == "table":
            command.add_argument("--sets", nargs="+", default=list(SETS), choices=SETS)
    return parser.parse_args()


def main() -> None:
    given, load = arguments(), os.getloadavg()
    if given.todo == "table":
        found = table(given.sets, given.seeds)
        measured = {**summary(found["cells"]), **found}
    elif given.todo == "people":
        measured = people()
    elif given.todo == "loop":
        measured = loop(given.seeds)
    else:
        measured = noise_scale.measured()
    more = f" --seeds {given.seeds}" if "seeds" in measured else ""
    if given.todo == "table" and tuple(given.sets) != SETS:
        more += f" --sets {' '.join(given.sets)}"
    save(
        f"noise_{given.todo}",
        "",
        {"command": f"python benchmarks/noise.py {given.todo}{more}", **measured},
        load,
    )


if __name__ == "__main__":
    main()
