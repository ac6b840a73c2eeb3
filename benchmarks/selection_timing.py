"""How long al-loop's query takes beside TypiClust's, and how much memory `badge` needs."""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import selection_runs as runs
from common import ROOT, median, rounded
from selection_ours import chooser, fit
from selection_runs import Data, State

SET, BATCH = "banking77", 100
LABELS = (100, 600, 1_100)
REPEATS = 3
SHARE = 0.2  # of TypiClust's time, at most
TEXTS, WIDTH, CLASSES = 20_000, 384, 100
MOST = 500.0  # MB


def main(name: str, cache: Path, peers_python: Path) -> None:
    """Measure both in turn, and store what was found beside the runs."""
    from threadpoolctl import threadpool_limits

    load = os.getloadavg()
    data = runs.load(SET, cache)
    found = []
    with threadpool_limits(1):
        ours(name, data, LABELS[0], 0)  # imports what there is to import
        for labels in LABELS:
            pairs = []
            for seed in range(REPEATS):
                pair = ours(name, data, labels, seed), peer(peers_python, cache, labels, seed)
                runs.say(f"{labels} labels: {name} {pair[0]:.2f} s, TypiClust {pair[1]:.2f} s")
                pairs.append(pair)
            found.append(timed(labels, pairs))
    measured = {
        "strategy": name,
        "texts": len(data.y),
        "queries": found,
        "query_holds": max(row["ratio"] for row in found) <= SHARE,
        "badge": badge(),
        "load_before": rounded(load, 1),
    }
    text = json.dumps(measured, indent=2)
    (runs.STORED / "timing.json").write_text(text + "\n", encoding="utf-8")
    print(text)


def timed(labels: int, pairs: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """Sum up the seconds of both, by their medians."""
    mine, theirs = (median(side) for side in zip(*pairs, strict=True))
    seconds = {"seconds": round(mine, 3), "typiclust_seconds": round(theirs, 3)}
    return {"labels": labels, **seconds, "ratio": round(mine / theirs, 3)}


def ours(name: str, data: Data, labels: int, seed: int) -> float:
    """Return how long one query takes a processor, the model's probabilities included."""
    labeled = runs.order(data, seed)[:labels]
    state = State(data, BATCH, seed, labeled, None)
    left = data.X[state.unlabeled()]
    model = fit(data.X[labeled], data.y[labeled], left, kind="logistic", seed=seed)
    choose = chooser(name)
    began = time.process_time()
    choose(State(data, BATCH, seed, labeled, model))
    return time.process_time() - began


def peer(python: Path, cache: Path, labels: int, seed: int) -> float:
    """Return how long TypiClust takes for the same query, by its own interpreter."""
    script = str(ROOT / "benchmarks" / "selection_peers.py")
    options = ["--cache", str(cache), "--time", SET, str(BATCH), str(labels), str(seed)]
    done = subprocess.run(
        [str(python), script, *options], stdout=subprocess.PIPE, text=True, check=True
    )
    return float(done.stdout)


def badge() -> dict[str, Any]:
    """Return the most memory that a process of its own takes to choose by `badge`."""
    done = subprocess.run([sys.executable, __file__], stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found | {"texts": TEXTS, "classes": CLASSES, "holds": found["process_mb"] < MOST}


def choose_by_badge() -> None:
    """Choose a batch by `badge` from made-up vectors, and print the memory it took in MB."""
    from al_loop import registry
    from al_loop.lean import one_thread
    from strategies.base import PoolView

    rng = np.random.default_rng(0)
    X = rng.standard_normal((TEXTS, WIDTH), dtype=np.float32)
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    proba = rng.dirichlet(np.full(CLASSES, 0.1), size=TEXTS)
    strategy = registry.load("badge", params={}, mix={})
    with one_thread():
        strategy(PoolView(embeddings=X[:200], proba=proba[:200]), 10, rng)
        before = peak()
        began = time.process_time()
        strategy(PoolView(embeddings=X, proba=proba), BATCH, rng)
    seconds = round(time.process_time() - began, 2)
    taken = {"process_mb": round(peak()), "of_these_by_badge_mb": round(peak() - before)}
    print(json.dumps(taken | {"seconds": seconds}))


def peak() -> float:
    """Return the most memory that this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    choose_by_badge()
