"""How often the interval of `al-loop budget` for "random labels needed" covers the truth.

    python benchmarks/random_savings.py [--projects 4] [--out DIR]

Projects are played with the default strategy and a perfect oracle, in batches of 50, as `simulate`
plays them. With 150, 300, 500 and 1,000 labels and test sets of several sizes, the number of random
labels that give the accuracy of the project's classifier is estimated as `budget` does it: from
the tenth of the labels that was drawn at random and the labels of the test set. The truth comes
from many random draws of labels that no project has: their mean accuracy on all texts that are
set aside for testing, read where it meets the project's accuracy on the same texts.

Two kinds of test sets: one split off the same texts at random, which is what the estimate takes a
test set for, and banking77's own test split, whose texts differ a little. What is finished lies in
--out, so a run that was ended goes on; files of another version of the estimate are not used.
"""

import argparse
import gzip
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from common import ROOT, rounded, save, say, temporary, write_lines

# Only now, since common makes al_loop importable without being installed.
# isort: split
from al_loop import app, learner
from al_loop.annotators.oracle import Oracle
from al_loop.budget import curve
from al_loop.budget.curve import Floats, Labels, Rows
from al_loop.config import parse
from al_loop.files import sha256, write_whole
from al_loop.imports import Request
from al_loop.lean import one_thread
from al_loop.loop import machine
from al_loop.loop.parts import Parts
from al_loop.simulate import World, load
from al_loop.store import answers, play, results, tasks

DATA = ROOT.parent / "shared" / "data"
LABELS, BATCH = (150, 300, 500, 1_000), 50
POOL_SHARE, SPLIT_SEED = 0.6, 0
SIZES = (50, 80, 120, 170, 250, 350, 500, 700, 1_000, 1_400, 2_000, 2_800, 4_000, 5_300)
MOST_DRAWS, DRAWN_LABELS = 24, 12_000  # of labels for one point of the true curve


@dataclass(frozen=True, slots=True)
class Case:
    """A data set, whether its own test split is used, and the sizes of test sets to draw."""

    data: str
    own: bool
    tests: tuple[int, ...]

    @property
    def name(self) -> str:
        return f"{self.data}_{'own_test' if self.own else 'split_off'}"


CASES = (
    Case("banking77", False, (100, 500, 1_500)),
    Case("hwu64", False, (100, 500, 1_500)),
    Case("banking77", True, (100, 500, 3_080)),
)


@dataclass(frozen=True, slots=True)
class Texts:
    """A case's texts with their gold labels; `at` finds a pool text's row by its id."""

    world: World
    pool: Rows
    outside: Rows
    at: dict[str, int]
    n_classes: int

    def fit_predict(self, X: Floats, y: Labels, wanted: Floats) -> Labels:
        """Train as the loop does with default settings; returns predicted classes."""
        model = learner.fit(X, y, n_classes=self.n_classes)
        return np.asarray(model.proba(wanted).argmax(axis=1), dtype=np.int64)

    def right(self, rows: Sequence[int]) -> npt.NDArray[np.bool_]:
        """Return whether a classifier from some rows of the pool is right about each outside."""
        X, y = self.pool.X[rows], self.pool.y[rows]
        found: npt.NDArray[np.bool_] = self.fit_predict(X, y, self.outside.X) == self.outside.y
        return found


def read(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def prepared(case: Case) -> Texts:
    """Read and encode a case's texts, through the user's cache."""
    rows = read(DATA / case.data / "train.jsonl.gz")
    if case.own:
        pool, outside = rows, read(DATA / case.data / "test.jsonl.gz")
    else:
        order = np.random.default_rng(SPLIT_SEED).permutation(len(rows)).tolist()
        cut = round(POOL_SHARE * len(rows))
        pool, outside = [rows[i] for i in order[:cut]], [rows[i] for i in order[cut:]]
    with temporary() as folder:
        files = folder / "pool.jsonl", folder / "test.jsonl"
        for path, part in zip(files, (pool, outside), strict=True):
            write_lines(path, [{k: r[k] for k in ("id", "text", "label")} for r in part])
        world = load(Request(*files), parse({}))
    found = {role: answers.labeled(world.store, role) for role in ("pool", "test")}
    names = sorted({r[3] for part in found.values() for r in part})
    number = {name: i for i, name in enumerate(names)}
    sides = [
        Rows(world.vectors("", [r[2] for r in part], []), np.array([number[r[3]] for r in part]))
        for part in found.values()
    ]
    at = {r[0]: i for i, r in enumerate(found["pool"])}
    return Texts(world, sides[0], sides[1], at, len(names))


def true_curve(texts: Texts) -> dict[str, list[float]]:
    """Return the mean accuracy of random labels outside, with the standard error of the mean."""
    n = len(texts.pool.y)
    sizes = [size for size in SIZES if size <= n]
    means, errors = [], []
    for size in sizes:
        draws = min(MOST_DRAWS, max(3, DRAWN_LABELS // size))
        rngs = [np.random.default_rng([size, draw]) for draw in range(draws)]
        found = [texts.right(rng.permutation(n)[:size].tolist()).mean() for rng in rngs]
        means.append(float(np.mean(found)))
        errors.append(float(np.std(found, ddof=1) / draws**0.5))
    return {"labels": [*map(float, sizes)], "accuracy": means, "standard_error": errors}


def played(texts: Texts, seed: int) -> list[tuple[list[int], list[int]]]:
    """Play a project; returns the labeled rows of the pool, and those drawn, at each of LABELS."""
    store = play.copy(texts.world.store)
    store.set_meta("uuid", f"simulation-{seed}")
    gold = play.hide_labels(store, (), ())
    config = parse({"seed": seed, "batch": {"size": BATCH}})
    parts = Parts(
        store=store,
        annotator=Oracle(gold, seed=seed),
        project=tasks.make_project(store, "oracle", "simulation"),
        vectors=texts.world.vectors,
        strategy=app.strategy,
        audits=False,
    )
    found = []
    for labels in range(BATCH, max(LABELS) + 1, BATCH):
        machine.run(parts, config, machine.Options(wait=True))
        if labels in LABELS:
            ids = [r[0] for r in answers.labeled(store, "pool")]
            drawn = results.random_items(store)
            ours = [texts.at[i] for i in ids], [texts.at[i] for i in ids if i in drawn]
            found.append(ours)
    store.close()
    return found


def checks(case: Case, texts: Texts, truth: dict[str, list[float]], seed: int) -> list[Any]:
    """Play one project and estimate with each number of labels and each test set."""
    nothing = Rows(texts.pool.X[:0], texts.pool.y[:0])
    found = []
    for labels, (ours, drawn) in zip(LABELS, played(texts, seed), strict=True):
        right = texts.right(ours)
        rising = np.maximum.accumulate(truth["accuracy"])
        if not rising[0] < right.mean() < rising[-1]:
            raise SystemExit(f"{case.name}, {labels} labels: the true curve ends too early")
        true = float(np.exp(np.interp(right.mean(), rising, np.log(truth["labels"]))))
        for size in case.tests:
            rng = np.random.default_rng([seed, labels, size])
            test = np.zeros(len(right), dtype=bool)
            test[rng.permutation(len(right))[:size]] = True
            random = Rows(texts.pool.X[drawn], texts.pool.y[drawn])
            tested = texts.outside.some(test)
            measured = curve.measure(nothing, random, tested, texts.fit_predict, rng)
            n = curve.needed(measured, right[test], rng)
            about = {"seed": seed, "labels": labels, "test": size, "true": true}
            found.append({**about, "low": n.low, "median": n.median, "high": n.high})
    return found


def stored(path: Path, make: Callable[[], Any]) -> tuple[Any, float]:
    """Return what a file holds and the seconds it took; made and written where it is missing."""
    if not path.exists():
        began = time.perf_counter()
        value = make()
        seconds = time.perf_counter() - began
        write_whole(path, json.dumps({"value": value, "seconds": seconds}).encode())
        say(f"{path.stem}: {seconds:.0f} s")
    kept = json.loads(path.read_text(encoding="utf-8"))
    return kept["value"], kept["seconds"]


def summed(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Count hits, and misses by what they say of the saving."""
    over = sum(c["low"] > c["true"] for c in found)
    under = sum(c["high"] is not None and c["high"] < c["true"] for c in found)
    closed = [c for c in found if c["high"] is not None]
    summary = {
        "checks": len(found),
        "covered": round(1 - (over + under) / len(found), 3),
        "overstating": over,
        "understating": under,
        "open": len(found) - len(closed),
        "low_by_true": quartiles([c["low"] / c["true"] for c in found]),
    }
    if closed:
        summary["median_by_true"] = quartiles([c["median"] / c["true"] for c in closed])
        summary["high_by_true"] = quartiles([c["high"] / c["true"] for c in closed])
    return summary


def quartiles(values: Sequence[float]) -> list[float]:
    return rounded(np.percentile(values, [25, 50, 75]).tolist())


def groups(case: Case, found: Sequence[dict[str, Any]], seeds: Sequence[int]) -> dict[str, Any]:
    """Sum a case up: as a whole, by size of the test set and labels, and by project."""
    kept = {(c["labels"], c["test"], c["seed"]): c for c in found}
    return {
        "all": summed(found),
        "by_test": {t: summed([c for k, c in kept.items() if k[1] == t]) for t in case.tests},
        "by_labels": {n: summed([c for k, c in kept.items() if k[0] == n]) for n in LABELS},
        "covered_by_project": [
            summed([c for k, c in kept.items() if k[2] == s])["covered"] for s in seeds
        ],
        "true_by_labels": {
            n: rounded([kept[n, case.tests[0], s]["true"] for s in seeds], 0) for n in LABELS
        },
    }


def run(case: Case, seeds: Sequence[int], out: Path) -> tuple[dict[str, Any], list[Any], float]:
    """Measure one case; returns its summary, its checks, and the seconds without encoding."""
    code = b"".join(Path(p).read_bytes() for p in (curve.__file__, learner.__file__))
    settings = f"{case} {LABELS} {BATCH} {POOL_SHARE} {SPLIT_SEED} {SIZES} {DRAWN_LABELS}"
    name = f"{case.name}-{sha256(settings.encode() + code)[:12]}"
    texts = prepared(case)
    truth, seconds = stored(out / f"{name}-truth.json", partial(true_curve, texts))
    found = []
    for seed in seeds:
        file = out / f"{name}-{seed}.json"
        more, took = stored(file, partial(checks, case, texts, truth, seed))
        found += more
        seconds += took
    facts = {"pool": len(texts.pool.y), "outside": len(texts.outside.y)}
    shown = {k: rounded(v, 4) for k, v in truth.items()}
    return facts | groups(case, found, seeds) | {"true_curve": shown}, found, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--projects", type=int, default=4, help="of each case")
    beside = Path(tempfile.gettempdir()) / "al-loop-random-savings"
    parser.add_argument("--out", type=Path, default=beside, help="for what is finished")
    args = parser.parse_args()
    cases = [c for c in CASES if (DATA / c.data).exists()]
    if not cases:
        raise SystemExit(f"this benchmark needs banking77 or hwu64 in {DATA}")
    began = os.getloadavg()
    args.out.mkdir(parents=True, exist_ok=True)
    seeds = range(args.projects)
    with one_thread():
        ran = {case: run(case, seeds, args.out) for case in cases}
    alike = [c for case, (_, found, _) in ran.items() if not case.own for c in found]
    measured = {
        "seeds": list(seeds),
        "batch": BATCH,
        "strategy": parse({}).batch.strategy,
        "seconds": round(sum(seconds for *_, seconds in ran.values())),
        "split_off": summed(alike),
        "cases": {case.name: summary for case, (summary, *_) in ran.items()},
    }
    save("random_savings", f"--projects {args.projects}", measured, began)


if __name__ == "__main__":
    main()
