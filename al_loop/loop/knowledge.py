"""What is known when a step begins: classes, labeled texts, the classifier, its version."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from al_loop import learner, models, selftrain
from al_loop.config import Config
from al_loop.errors import StateError
from al_loop.loop.parts import Labels, Parts, Vectors
from al_loop.store import answers, evidence, items, results, rounds
from al_loop.types import ClassSpec
from strategies.base import FloatArray, Learn, Predict

Weights: TypeAlias = npt.NDArray[np.float64]

_LEAST = 0.05  # weight of a label: a class must not be without any


@dataclass(frozen=True, slots=True)
class Knowledge:
    """The training set in the stored class order.

    X: (m, d) vectors, y: (m,) positions in `classes`. When nothing is labeled, the classes'
    example texts stand in, and `ids` is empty. weights: (m,) of the labels, in (0, 1], None where
    all count the same.
    """

    classes: tuple[ClassSpec, ...]
    ids: tuple[str, ...]
    X: Vectors
    y: Labels
    version: str
    weights: Weights | None = None

    @property
    def names(self) -> list[str]:
        """The class names in the stored order."""
        return [c.name for c in self.classes]


def gather(parts: Parts, config: Config, number: int) -> Knowledge:
    """Read the training set; `number` is the round whose model it makes.

    Doubtful labels are left out of it, or weighted, where [audit] on_doubt says so.
    """
    return trusted(parts, config, number, labeled(parts, config, number))


def labeled(parts: Parts, config: Config, number: int) -> Knowledge:
    """Read all labels, doubtful ones among them, that a training set is made of."""
    classes = tuple(items.classes(parts.store))
    order = {c.name: i for i, c in enumerate(classes)}
    rows = answers.labeled(parts.store, "pool")
    ids = [r[0] for r in rows]
    encoder = config.model.encoder
    if rows:
        texts, names = [r[1] for r in rows], [r[3] for r in rows]
        X = parts.vectors(encoder, [r[2] for r in rows], texts)
    else:
        texts = [text for c in classes for text in c.examples]
        names = [c.name for c in classes for _ in c.examples]
        X = parts.vectors(encoder, [items.text_hash(t) for t in texts], texts)
    y = np.array([order[n] for n in names], dtype=np.int64)
    version = _version(config, number, list(zip(ids or texts, names, strict=True)))
    return Knowledge(classes, tuple(ids), X, y, version)


def _version(config: Config, number: int, learned: Sequence[tuple[Any, ...]]) -> str:
    settings = [config.model.encoder, config.model.kind, config.model.C, config.seed]
    facts = json.dumps([settings, sorted(learned)])
    return f"al-r{number}-{hashlib.sha256(facts.encode()).hexdigest()[:8]}"


def trusted(parts: Parts, config: Config, number: int, known: Knowledge) -> Knowledge:
    """Return what is trained on: what looks wrong weighs less, or is left out.

    Each class keeps the label that is doubted least. As of the newest audit; what was confirmed or
    corrected since is not doubted.
    """
    how = config.audit.on_doubt
    if how == "keep" or not known.ids:
        return known
    doubts = {r["item_id"]: r for r in evidence.doubtful(parts.store, evidence.newest(parts.store))}
    names = [known.names[position] for position in known.y]
    if how == "weight":
        weights = [_weight(doubts.get(i)) for i in known.ids]
        if all(w == 1 for w in weights):
            return known
        learned = list(zip(known.ids, names, weights, strict=True))
        version = _version(config, number, learned)
        return replace(known, version=version, weights=np.array(weights))
    by_doubt = sorted(range(len(names)), key=lambda i: _doubt(doubts.get(known.ids[i])))
    first = {names[i]: i for i in reversed(by_doubt)}
    kept = [i for i, x in enumerate(known.ids) if x not in doubts or first[names[i]] == i]
    ids = tuple(known.ids[i] for i in kept)
    version = _version(config, number, [(known.ids[i], names[i]) for i in kept])
    return replace(known, ids=ids, X=known.X[kept], y=known.y[kept], version=version)


def _weight(row: Mapping[str, Any] | None) -> float:
    """Return how much a label counts: the probability that it is right where it looks wrong."""
    if row is None:
        return 1.0
    signs = [row[x] for x in ("confidence", "neighbors") if row[x] is not None]
    return max(_LEAST, float(sum(signs) / len(signs) if signs else 1 - row["doubt"]))


def _doubt(row: Mapping[str, Any] | None) -> float:
    return -1.0 if row is None else float(row["doubt"])


def unlabeled(parts: Parts, config: Config) -> Vectors | None:
    """Return (n, d) vectors of unlabeled texts for a classifier that learns from them.

    A uniform sample of the pool where it is large, so that it costs little. None when the
    configured classifier has no use for them.
    """
    if config.model.kind not in learner.POOLED:
        return None
    pool = rounds.pool(parts.store)
    if len(pool) > selftrain.SAMPLE:
        rng = np.random.default_rng([config.seed, len(pool)])
        pool = [pool[i] for i in np.sort(rng.choice(len(pool), selftrain.SAMPLE, replace=False))]
    return parts.vectors(config.model.encoder, [p[2] for p in pool], [p[1] for p in pool])


def train(
    known: Knowledge, config: Config, pool: Vectors | None = None
) -> learner.Classifier | None:
    """Fit the configured classifier; None when there is nothing to learn from.

    pool: from `unlabeled`.
    """
    if len(known.y) == 0:
        return None
    return learner.fit(
        known.X,
        known.y,
        n_classes=len(known.classes),
        kind=config.model.kind,
        C=config.model.C,
        seed=config.seed,
        weights=known.weights,
        pool=pool,
    )


def asked(
    known: Knowledge, config: Config, model: learner.Classifier | None
) -> learner.Classifier | None:
    """Return the classifier that a query strategy asks, see `learner.asked`; None without one."""
    if model is None:
        return None
    return learner.asked(model, known.X, known.y, seed=config.seed, weights=known.weights)


def learn(known: Knowledge, config: Config, model: learner.Classifier | None) -> Learn | None:
    """Return what fits further models of the kind that `model` is; None without a model.

    They learn from labels alone, in a tenth of the time that the pool would take.
    """
    if model is None:
        return None
    head, n = model.head, len(known.classes)
    weight_of = _by_row(known)

    def fit(X: FloatArray, y: Labels) -> Predict:
        rows = zip(X.astype(known.X.dtype), y.tolist(), strict=True)
        weights = [weight_of.get((row.tobytes(), label), 1.0) for row, label in rows]
        how = np.array(weights) if weight_of else None
        one = learner.fit(
            X, y, n_classes=n, kind=head.kind, C=head.C, seed=config.seed, weights=how
        )
        return one.proba

    return fit


def _by_row(known: Knowledge) -> dict[tuple[bytes, int], float]:
    """Map labeled vectors to their weights: strategies choose which of them are learned from."""
    if known.weights is None:
        return {}
    rows = zip(known.X, known.y.tolist(), known.weights.tolist(), strict=True)
    return {(row.tobytes(), label): weight for row, label, weight in rows}


def classifier(
    parts: Parts, config: Config, known: Knowledge
) -> tuple[learner.Classifier | None, str]:
    """Return the classifier for this training set and its version.

    The saved one, when it was trained on just this and its file is whole; else a new fit.
    """
    saved = results.current_model(parts.store)
    same = saved is not None and saved.version.split("-")[-1] == known.version.split("-")[-1]
    if saved is not None and same and parts.models_dir is not None:
        try:
            if saved.classes == tuple(known.names):
                return models.load(parts.models_dir / saved.path, saved.sha256), saved.version
        except StateError as e:
            parts.say(f"{e.message}: it is trained again")
    version = saved.version if saved is not None and same else known.version
    return train(known, config, unlabeled(parts, config)), version


def centers(parts: Parts, config: Config, known: Knowledge) -> tuple[Vectors, list[str]]:
    """Return (c, d) unit vectors that stand for known classes, and the class of each.

    The mean of a class's labeled texts, or of its examples where it has no label yet. A class
    with neither has none.
    """
    found, names = [], []
    for position, spec in enumerate(known.classes):
        mine = known.X[known.y == position]
        if len(mine) == 0 and spec.examples:
            hashes = [items.text_hash(t) for t in spec.examples]
            mine = parts.vectors(config.model.encoder, hashes, spec.examples)
        if len(mine):
            mean = mine.mean(axis=0)
            found.append(mean / max(float(np.linalg.norm(mean)), 1e-12))
            names.append(spec.name)
    if not found:
        return np.empty((0, known.X.shape[1] if known.X.ndim == 2 else 0), dtype=np.float32), []
    return np.asarray(found, dtype=np.float32), names
