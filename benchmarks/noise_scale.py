"""What 100,000 labels of 100 classes take: the fused doubt, cleanlab's own, and neighbors."""

import json
import resource
import subprocess
import sys
import time
from typing import Any

import numpy as np
from common import median, rounded, say

# Only now, since common makes al_loop importable without being installed.
# isort: split
from al_loop.evidence import fused, neighbors

LABELS, CLASSES, DIMENSIONS = 100_000, 100, 384
REPEATS = 2


def measured() -> dict[str, Any]:
    """Run each in processes of its own, in turn; memory is what its call adds.

    Seconds are those of the processor: all is done on one thread.
    """
    ways = ("fused", "cleanlab", "neighbors")
    runs: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
    for _ in range(REPEATS):
        for way in ways:
            command = [sys.executable, __file__, way]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            runs[way].append(json.loads(done.stdout))
            say(f"{way}: {runs[way][-1]}")
    seconds = {way: rounded([run["seconds"] for run in of], 2) for way, of in runs.items()}
    ratio = median(seconds["fused"]) / median(seconds["cleanlab"])
    return {
        "labels": LABELS,
        "classes": CLASSES,
        "seconds": seconds,
        "ratio": round(ratio, 2),
        "added_mb": {way: rounded([r["added_mb"] for r in of], 0) for way, of in runs.items()},
        "peak_mb": {way: rounded([r["peak_mb"] for r in of], 0) for way, of in runs.items()},
        "neighbors_found": runs["neighbors"][0]["found"],
        "bars": {"seconds": 120, "peak_mb": 2_000},
    }


def one(way: str) -> dict[str, float]:
    """Measure one way in this process."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, CLASSES, LABELS)
    if way == "neighbors":
        return searched(y, rng)
    logits = rng.normal(size=(LABELS, CLASSES)).astype(np.float32)
    logits[np.arange(LABELS), y] += 6
    wrong = rng.random(LABELS) < 0.1
    y[wrong] = rng.integers(0, CLASSES, wrong.sum())
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=1, keepdims=True)
    near = rng.integers(0, LABELS, (LABELS, fused.NEIGHBORS))
    cosines = rng.uniform(0.4, 0.9, near.shape).astype(np.float32)
    if way == "cleanlab":
        from cleanlab.filter import find_label_issues
    before, began = peak(), time.process_time()
    if way == "fused":
        fused.fuse(logits, y, near, cosines)
    else:
        find_label_issues(y, logits, return_indices_ranked_by="self_confidence", n_jobs=1)
    seconds = time.process_time() - began
    return {"seconds": seconds, "added_mb": peak() - before, "peak_mb": peak()}


def searched(y: Any, rng: np.random.Generator) -> dict[str, float]:
    """Measure the search for neighbors, and how many of the true ones 500 rows got."""
    centers = rng.normal(size=(CLASSES, DIMENSIONS)).astype(np.float32)
    X = centers[y] + rng.normal(size=(LABELS, DIMENSIONS)).astype(np.float32)
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    before, began = peak(), time.process_time()
    near, _ = neighbors.nearest(X, fused.NEIGHBORS)
    seconds, after = time.process_time() - began, peak()
    cosines = X[:500] @ X.T
    cosines[np.arange(500), np.arange(500)] = -1
    true = np.argpartition(-cosines, fused.NEIGHBORS, axis=1)[:, : fused.NEIGHBORS]
    hits = [len(np.intersect1d(a, b)) for a, b in zip(true, near, strict=False)]
    found = round(float(np.mean(hits)) / fused.NEIGHBORS, 3)
    return {"seconds": seconds, "added_mb": after - before, "peak_mb": after, "found": found}


def peak() -> float:
    """Return the most memory this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    print(json.dumps(one(sys.argv[1])))
