"""Selection against the peers: same vectors, head, batches and seeds; every run is stored.

    python benchmarks/selection.py encode
    python benchmarks/selection.py peers --peers-python PATH
    python benchmarks/selection.py play auto random [--seeds 10] [--head auto] [--again auto]
    python benchmarks/selection.py timing --peers-python PATH
    python benchmarks/selection.py table

From no labels, 12 rounds of 100 on five sets, on two of them also of 25; after every batch the
head is fitted on the labels so far and measured on the test split. `play` plays al-loop's own
strategies by name, their random share included, `peers` those of other libraries in their own
environment (selection_peers.py). A stored run is not played again, so a killed command goes on
where it stopped. `timing` compares the query's time with TypiClust's and looks at the memory of
`badge`; `table` prints everything and writes results/selection.json. Needs the real data sets.
"""

import argparse
import functools
import gzip
import json
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import selection_runs as runs
from common import ROOT
from selection_runs import Data, Key, Positions, Run, State, Vectors

LIBRARY = "al-loop"
GOEMOTIONS_ROWS = 10_000
_C = 10.0
_STEP = 1  # as in al_loop/loop/select.py


def rows(name: str, split: str) -> list[tuple[str, str]]:
    """Return texts and classes of a split as they are, of goemotions those with one class."""
    path = ROOT.parent / "shared" / "data" / name / f"{split}.jsonl.gz"
    if not path.exists():
        raise SystemExit(f"{path} is not there")
    with gzip.open(path, "rt", encoding="utf-8") as f:
        found = [json.loads(line) for line in f]
    if name == "goemotions":
        found = [r | {"label": r["labels"][0]} for r in found if len(r["labels"]) == 1]
        found = found[:GOEMOTIONS_ROWS] if split == "train" else found
    return [(r["text"], r["label"]) for r in found]


def encode(name: str, cache: Path) -> None:
    """Write the vectors of a set for all who play, unless they are there."""
    from al_loop import cache as users
    from al_loop.bars import no_bar
    from al_loop.config import Config
    from al_loop.store.items import text_hash

    path = cache / f"{name}.npz"
    if path.exists():
        return
    runs.say(f"encoding {name}")
    train, test = rows(name, "train"), rows(name, "test")
    order = {label: i for i, label in enumerate(sorted({label for _, label in train + test}))}
    vectors = [
        users.vectors(Config().model.encoder, [text_hash(t) for t in texts], texts, no_bar)
        for texts in ([text for text, _ in part] for part in (train, test))
    ]
    classes = [np.array([order[label] for _, label in part]) for part in (train, test)]
    cache.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".new.npz")
    np.savez(beside, X=vectors[0], y=classes[0], T=vectors[1], t=classes[1], classes=list(order))
    beside.replace(path)


@dataclass(frozen=True, slots=True)
class Model:
    """al-loop's classifier and the classes it knows, in their stored order."""

    classifier: Any
    seen: Positions

    def predict(self, X: Vectors) -> Positions:
        """Return (n,) classes."""
        return self.seen[self.classifier.proba(X).argmax(axis=1)]


def fit(X: Vectors, y: Positions, pool: Vectors, *, kind: Any, seed: int) -> Model:
    """Fit al-loop's head."""
    from al_loop import learner

    seen, positions = np.unique(y, return_inverse=True)
    found = learner.fit(X, positions, n_classes=len(seen), kind=kind, C=_C, seed=seed, pool=pool)
    return Model(found, seen)


def chooser(name: str) -> runs.Choose:
    """Return a strategy by its name, as `al-loop round` calls it."""
    if name == runs.RANDOM:
        return runs.at_random
    from al_loop import app, registry
    from al_loop.config import Config, override

    registry.check_name(name)
    strategy = app.strategy(override(Config(), "batch", strategy=name))

    def choose(state: State) -> Positions:
        rng = np.random.default_rng([state.seed, state.number + 1, _STEP])
        left = state.unlabeled()
        found = strategy(view(state, left, rng), state.batch, rng)
        return left[found.indices]

    return choose


def view(state: State, left: Positions, rng: np.random.Generator) -> Any:
    """Return what the strategy may look at, as al_loop/loop/select.py fills it."""
    from al_loop import learner
    from strategies.base import PoolView
    from strategies.shared import Shared

    embeddings, shared = state.data.X[left], Shared(int(rng.integers(2**31)))
    if state.model is None:
        return PoolView(embeddings=embeddings, shared=shared)
    X = state.data.X[state.labeled]
    y = np.searchsorted(state.model.seen, state.data.y[state.labeled])
    model = learner.asked(state.model.classifier, X, y, seed=state.seed)
    return PoolView(
        embeddings=embeddings,
        proba=model.proba(embeddings),
        labeled=X,
        labels=y,
        centers=_means(X, y),
        predict=model.proba,
        learn=partial(_learn, model=model, seed=state.seed),
        shared=shared,
    )


def _means(X: Vectors, y: Positions) -> Vectors:
    means: Vectors = np.array([X[y == k].mean(axis=0) for k in np.unique(y)])
    return means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)


def _learn(X: Vectors, y: Positions, *, model: Any, seed: int) -> Any:
    from al_loop import learner

    head, n = model.head, model.n_classes
    return learner.fit(X, y, n_classes=n, kind=head.kind, C=head.C, seed=seed).proba


def queue(
    names: Sequence[str], games: Sequence[tuple[str, int]], seeds: int, head: str, cache: Path
) -> Iterator[tuple[Key, Callable[[], Run]]]:
    """Yield the runs of some strategies, all strategies of a seed beside each other."""
    load = functools.lru_cache(maxsize=1)(runs.load)
    for name, batch in games:
        for seed in range(seeds):
            for strategy in names:
                key = Key(name, batch, head, LIBRARY, strategy, seed)
                yield key, partial(play, key, partial(load, name, cache))


def play(key: Key, load: Callable[[], Data]) -> Run:
    """Play one run of al-loop."""
    from al_loop.config import Config

    learn = partial(fit, kind=key.head, seed=key.seed)
    curve = runs.play(load(), key.batch, key.seed, chooser(key.name), learn)
    settings = {"random_share": Config().batch.random_share, "C": _C}
    versions = runs.versions(LIBRARY, "scikit-learn", "numpy")
    return curve | {"versions": versions, "settings": settings}


def game(text: str) -> tuple[str, int]:
    """Read a set and its batch, such as hwu64-100."""
    name, _, batch = text.rpartition("-")
    if (name, int(batch)) not in runs.GAMES:
        raise argparse.ArgumentTypeError("one of " + " ".join(f"{s}-{b}" for s, b in runs.GAMES))
    return name, int(batch)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    todo = parser.add_subparsers(dest="todo", required=True)
    by_name = {n: todo.add_parser(n) for n in ("encode", "play", "peers", "timing", "table")}
    for name in ("encode", "play", "peers", "timing"):
        by_name[name].add_argument("--cache", type=Path, default=runs.CACHE)
    for name in ("peers", "timing"):
        by_name[name].add_argument("--peers-python", type=Path, required=True)
    for name in ("timing", "table"):
        by_name[name].add_argument("--ours", default="auto", metavar="NAME")
    for name in ("play", "peers"):
        by_name[name].add_argument("--again", nargs="+", default=[], metavar="NAME")
    ours = by_name["play"]
    ours.add_argument("names", nargs="*", metavar="NAME")
    ours.add_argument("--seeds", type=int, default=5)
    ours.add_argument("--head", default="logistic")
    ours.add_argument("--games", nargs="+", type=game, default=runs.GAMES, metavar="SET-BATCH")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    if given.todo == "table":
        import selection_table

        selection_table.main(given.ours)
        return
    for name in dict(given.games if given.todo == "play" else runs.GAMES):
        encode(name, given.cache)
    if given.todo == "play":
        names = list(dict.fromkeys([*given.names, *given.again]))
        found = queue(names, given.games, given.seeds, given.head, given.cache)
        runs.play_missing(found, given.again)
    elif given.todo == "peers":
        script = str(ROOT / "benchmarks" / "selection_peers.py")
        options = ["--cache", str(given.cache), *(["--again", *given.again] if given.again else [])]
        subprocess.run([str(given.peers_python), script, *options], check=True)
    elif given.todo == "timing":
        import selection_timing

        selection_timing.main(given.ours, given.cache, given.peers_python)


if __name__ == "__main__":
    main()
