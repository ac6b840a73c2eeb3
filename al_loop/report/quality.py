"""How good the classifier is, class by class: predictions of texts that it was not trained on."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from al_loop import learner, models
from al_loop.config import Config
from al_loop.errors import StateError
from al_loop.rates import wilson
from al_loop.store import Store, answers, class_changes, reporting, results

#: (encoder, text hashes, texts) -> (n, d) vectors
Vectors: TypeAlias = Callable[[str, Sequence[str], Sequence[str]], npt.NDArray[np.float32]]

_SHOWN = 25  # classes of the confusion matrix
_WORST = 15  # pairs of classes
_CROSS = "labeled texts, cross-validated"
_ALONE = " They were predicted from labels alone; the classifier learns from unlabeled texts too."


@dataclass(frozen=True, slots=True)
class Predictions:
    """(n,) true and predicted classes; `source` names the texts, `note` what was left out."""

    truth: Sequence[str]
    predicted: Sequence[str]
    source: str
    note: str = ""


def facts(store: Store, config: Config, vectors: Vectors, models_dir: Path) -> dict[str, Any]:
    """Return `classes` and `confusion` of a report."""
    found = predictions(store, config, vectors, models_dir)
    return {
        "quality": {"source": found.source, "texts": len(found.truth), "note": found.note},
        "classes": by_class(found, reporting.classes(store)),
        "confusion": confusion(found),
    }


def predictions(store: Store, config: Config, vectors: Vectors, models_dir: Path) -> Predictions:
    """Predict the test set with the newest classifier; without one, cross-validate the labels."""
    saved = results.current_model(store)
    test = answers.labeled(store, "test")
    trouble = ""
    if saved and test:
        try:
            classifier = models.load(models_dir / saved.path, saved.sha256)
        except StateError as e:
            trouble = f"{e.message}. "
        else:
            X = vectors(saved.encoder, [t[2] for t in test], [t[1] for t in test])
            best = classifier.proba(X).argmax(axis=1)
            names = class_changes.today(store, saved.classes)
            return Predictions([t[3] for t in test], [names[i] for i in best], "test set")
    return _cross_validated(store, config, vectors, trouble)


def _cross_validated(store: Store, config: Config, vectors: Vectors, trouble: str) -> Predictions:
    rows = answers.labeled(store, "pool")
    names = list(reporting.classes(store))
    order = {name: i for i, name in enumerate(names)}
    y = np.array([order[r[3]] for r in rows], dtype=np.int64)
    proba = None
    if rows:
        proba = learner.out_of_fold(
            vectors(config.model.encoder, [r[2] for r in rows], [r[1] for r in rows]),
            y,
            n_classes=len(names),
            folds=config.audit.folds,
            kind=config.model.kind,
            C=config.model.C,
            seed=config.seed,
        )
    if proba is None:
        return Predictions(
            (), (), "", f"{trouble}Fewer than two classes have {config.audit.folds} labels."
        )
    seen = np.flatnonzero(~np.isnan(proba[:, 0]))
    best = proba[seen].argmax(axis=1)
    rare = len(rows) - len(seen)
    left_out = (
        f" {rare} labels of classes with too few are left out: that makes them better."
        if rare
        else ""
    )
    saved = results.current_model(store)
    alone = _ALONE if saved and saved.kind == "self_training" else ""
    return Predictions(
        [rows[i][3] for i in seen],
        [names[i] for i in best],
        _CROSS,
        f"{trouble}Most of these texts were chosen for being difficult: that makes the numbers"
        f" worse than on all texts.{left_out}{alone}",
    )


def by_class(found: Predictions, labels: dict[str, int]) -> list[dict[str, Any]]:
    """Return labels, precision, recall and F1 of each class; None where they mean nothing.

    The interval is that of the recall, which few texts of a class leave wide.
    """
    true, guessed = Counter(found.truth), Counter(found.predicted)
    hits = Counter(t for t, p in zip(found.truth, found.predicted, strict=True) if t == p)
    rows = []
    for name in dict.fromkeys([*labels, *true]):
        n, said, right = true[name], guessed[name], hits[name]
        low, high = wilson(right, n) or (None, None)
        rows.append(
            {
                "class": name,
                "labels": labels.get(name, 0),
                "texts": n,
                "precision": right / said if said else None,
                "recall": right / n if n else None,
                "recall_low": low,
                "recall_high": high,
                "f1": 2 * right / (n + said) if n + said else None,
            }
        )
    return rows


def confusion(found: Predictions) -> dict[str, Any] | None:
    """Return the confusion matrix, of the classes with the most errors when there are many.

    `matrix` has truth in rows; `outside` counts the texts that it does not show.
    """
    if not found.truth:
        return None
    pairs = Counter(zip(found.truth, found.predicted, strict=True))
    errors: Counter[str] = Counter()
    for (true, guess), n in pairs.items():
        if true != guess:
            errors.update({true: n, guess: n})
    names = sorted({name for pair in pairs for name in pair}, key=lambda c: (-errors[c], c))
    shown = names[:_SHOWN]
    matrix = [[pairs[true, guess] for guess in shown] for true in shown]
    wrong = [(n, true, guess) for (true, guess), n in pairs.items() if true != guess]
    wrong.sort(key=lambda w: (-w[0], w[1], w[2]))
    return {
        "classes": shown,
        "of": len(names),
        "matrix": matrix,
        "outside": len(found.truth) - sum(map(sum, matrix)),
        "errors": sum(w[0] for w in wrong),
        "worst": [{"class": t, "predicted": g, "texts": n} for n, t, g in wrong[:_WORST]],
    }
