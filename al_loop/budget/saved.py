"""What random labels would have cost instead, on a project where nobody bought a random batch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from al_loop import learner
from al_loop.bars import Bar, no_bar
from al_loop.budget import curve
from al_loop.budget.curve import Floats, Labels, Needed, Rows
from al_loop.config import Config
from al_loop.store import Store, answers, items, results, rounds, spending

#: (encoder, text hashes, texts) -> (n, d) vectors
Vectors: TypeAlias = Callable[[str, Sequence[str], Sequence[str]], Floats]

#: (item id, text, text hash, label), as `answers.labeled` returns them
Row: TypeAlias = tuple[str, str, str, str]

#: Below these numbers nothing is said.
LEAST_LABELS, LEAST_TEST = 30, 50
#: So many labels that cost nothing: every classifier of the curve learns them, some for minutes.
MOST_GIVEN = 1_000
#: Random's curve goes so many times further than our labels, and to this number at most.
REACH, LARGEST = 8, 2_000


@dataclass(frozen=True, slots=True)
class Saved:
    """How random would have done. All but `refused` and `texts` is empty when that says why.

    texts: labeled by people; `accuracy` is that of a classifier from these, with `given` labels
        that cost nothing (of `free`, where those are too many).
    pooled: the classifier of the rounds learned from unlabeled texts too, those here did not.
    drawn, test: the labels that random's curve rests on.
    curve: random's, as {labels, accuracy, low, high}; `labels` counts texts labeled by people.
    """

    texts: int
    refused: str = ""
    accuracy: float | None = None
    given: int = 0
    free: int = 0
    pooled: bool = False
    drawn: int = 0
    test: int = 0
    curve: tuple[dict[str, float], ...] = ()
    needed: Needed | None = None

    @property
    def rests_on(self) -> str:
        """Say in words what the numbers rest on."""
        if self.needed is None:
            return ""
        beyond = self.needed.high is None or self.needed.high > self.needed.measured
        more = f"; beyond {self.needed.measured} labels it is extrapolated" if beyond else ""
        if self.given < self.free:
            more += f"; both have {self.given} of {self.free} labels that cost nothing, at random"
        if self.pooled:
            more += (
                "; both are of classifiers that learn from labels alone: rounds, whose"
                " classifier learns from unlabeled texts too, measure other accuracies"
            )
        return (
            f"random's curve comes from {self.drawn} randomly drawn labels and {self.test} labels"
            f" of the test set, taken for a random part of the same texts{more}"
        )


@dataclass(frozen=True, slots=True)
class _Labels:
    """The labels there are: `paid` and `drawn` are masks over `ours`."""

    ours: Rows
    test: Rows
    paid: npt.NDArray[np.bool_]
    drawn: npt.NDArray[np.bool_]
    n_classes: int


def against_random(store: Store, config: Config, vectors: Vectors, bar: Bar = no_bar) -> Saved:
    """Measure random's learning curve and how many random labels give the accuracy we have.

    Labels that cost nothing (they came with the data, with an adopted project, or by hand)
    count in both. Takes seconds: some forty to a hundred classifiers are trained.
    """
    pool, test = answers.labeled(store, "pool"), answers.labeled(store, "test")
    paid = spending.paid_texts(store)
    bought = sum(r[0] in paid for r in pool)
    if refused := _lacks(bought, len(test)):
        return Saved(bought, refused)
    rng = np.random.default_rng([config.seed, rounds.last_number(store)])
    free = len(pool) - bought
    if free > MOST_GIVEN:
        some = set(rng.choice([r[0] for r in pool if r[0] not in paid], MOST_GIVEN, replace=False))
        pool = [r for r in pool if r[0] in paid or r[0] in some]
    found = _gather(store, config, vectors, pool, test, paid)

    fit_predict = _learns(found, config)
    given, drawn = found.ours.some(~found.paid), found.ours.some(found.drawn)
    # From half of ours on: of a large test set the curve would begin above what we have.
    largest = min(LARGEST, REACH * bought)
    measured = curve.measure(given, drawn, found.test, fit_predict, rng, largest=largest, bar=bar)
    right = fit_predict(found.ours.X, found.ours.y, found.test.X) == found.test.y
    model = results.current_model(store)
    return Saved(
        texts=bought,
        accuracy=float(right.mean()),
        given=len(given.y),
        free=free,
        pooled=model is not None and model.kind == "self_training",
        drawn=len(drawn.y),
        test=len(test),
        curve=tuple(curve.points(measured, rng)),
        needed=curve.needed(measured, right, rng),
    )


def _learns(found: _Labels, config: Config) -> Callable[[Floats, Labels, Floats], Labels]:
    """Return what fits a classifier and predicts with it.

    The head is chosen once, and learns from labels alone: the curve takes many fits, and the
    same holds for both sides of the comparison.
    """
    m, n, seed = config.model, found.n_classes, config.seed
    head = learner.choose(found.ours.X, found.ours.y, kind=m.kind, C=m.C, seed=seed)

    def fit_predict(X: Floats, y: Labels, wanted: Floats) -> Labels:
        model = learner.fit(X, y, n_classes=n, kind=head.kind, C=head.C, seed=seed)
        return np.asarray(model.proba(wanted).argmax(axis=1), dtype=np.int64)

    return fit_predict


def _gather(
    store: Store,
    config: Config,
    vectors: Vectors,
    pool: Sequence[Row],
    test: Sequence[Row],
    paid: set[str],
) -> _Labels:
    # A class that only the test set has is one that random labels would have brought.
    names = [*(c.name for c in items.classes(store)), *sorted({r[3] for r in test})]
    order = {name: i for i, name in enumerate(dict.fromkeys(names))}

    def rows(found: Sequence[Row]) -> Rows:
        X = vectors(config.model.encoder, [r[2] for r in found], [r[1] for r in found])
        return Rows(X, np.array([order[r[3]] for r in found], dtype=np.int64))

    at_random = results.random_items(store)
    bought = np.array([r[0] in paid for r in pool])
    drawn = bought & np.array([r[0] in at_random for r in pool])
    return _Labels(rows(pool), rows(test), bought, drawn, len(order))


def _lacks(bought: int, test: int) -> str:
    """Say what is missing, empty when nothing is."""
    if test < LEAST_TEST:
        return (
            f"needs a test set of {LEAST_TEST} labeled texts, there are {test}"
            " (al-loop import --test FILE)"
        )
    if bought < LEAST_LABELS:
        return f"needs {LEAST_LABELS} texts labeled by people, there are {bought}"
    return ""
