"""al-loop's side of benchmarks/selection.py: its data, vectors, head and strategies."""

import gzip
import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import selection_runs as runs
from common import ROOT
from selection_runs import Positions, State, Vectors

LIBRARY = "al-loop"
GOEMOTIONS_ROWS = 10_000
C = 10.0
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
    found = learner.fit(X, positions, n_classes=len(seen), kind=kind, C=C, seed=seed, pool=pool)
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
