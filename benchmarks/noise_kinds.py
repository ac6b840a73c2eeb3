"""Labels made wrong on purpose in four ways, for benchmarks/noise.py, and what models say of them.

A wrong label is never the true one. All draws come from the seed, the set and the kind alone.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import selection_ours as ours
import selection_runs as runs
from common import say

# Only now, since common makes al_loop importable without being installed.
# isort: split
from al_loop import learner

CACHE = Path.home() / ".cache" / "al-loop" / "noise"
SETS = ("banking77", "clinc150", "hwu64")
RATES = (0.05, 0.10, 0.20)
#: Of each annotator, as a share of the whole rate of wrong labels.
ANNOTATORS = (0.2, 0.6, 1.0, 1.4, 1.8)
_CLOSE = 0.1  # how much less often a class is confused that is so much less like another
_MODEL = 7_919  # seed of the folds of the model that makes instance-dependent noise

Vectors = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]
Proba = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Cell:
    """One made-up world: a set, a kind of noise, how much of it, and the seed."""

    set: str
    kind: str
    rate: float
    seed: int

    def __str__(self) -> str:
        return f"{self.set} {self.kind} {self.rate:.2f} {self.seed}"


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """(m, d) vectors, (m,) true classes, the (m, k) clean model's opinions: all kinds need."""

    X: Vectors
    truth: Labels
    proba: Proba

    def __post_init__(self) -> None:
        if self.proba.shape != (len(self.truth), self.truth.max() + 1):
            raise ValueError("opinions of another set")

    def likeness(self) -> Proba:
        """Return (k, k) cosines of the class means, -inf on the diagonal."""
        means = np.stack([self.X[self.truth == c].mean(axis=0) for c in range(self.k)])
        means /= np.linalg.norm(means, axis=1, keepdims=True)
        found = (means @ means.T).astype(np.float64)
        np.fill_diagonal(found, -np.inf)
        return found

    @property
    def k(self) -> int:
        """The number of classes."""
        return self.proba.shape[1]

    def some(self, rate: float, rng: np.random.Generator, p: Proba | None = None) -> Labels:
        """Draw the rows that get a wrong label."""
        m = len(self.truth)
        return rng.choice(m, round(rate * m), replace=False, p=p)


def uniform(world: World, rate: float, rng: np.random.Generator) -> Labels:
    """Any other class, each as often."""
    rows, y = world.some(rate, rng), world.truth.copy()
    y[rows] = (y[rows] + rng.integers(1, world.k, len(rows))) % world.k
    return y


def nearest_class(world: World, rate: float, rng: np.random.Generator) -> Labels:
    """The class whose mean vector is nearest to that of the true one."""
    rows, y = world.some(rate, rng), world.truth.copy()
    y[rows] = world.likeness().argmax(axis=1)[y[rows]]
    return y


def instance_dependent(world: World, rate: float, rng: np.random.Generator) -> Labels:
    """A class drawn by what a model thinks that did not see the row.

    Rows are drawn by its probability of the second class, the label of each by its probabilities
    of all but the true class.
    """
    others, rows = _doubtful(world, rate, rng)
    y = world.truth.copy()
    draws = rng.random(len(rows))[:, None] * others[rows].sum(axis=1, keepdims=True)
    y[rows] = np.minimum((np.cumsum(others[rows], axis=1) < draws).sum(axis=1), world.k - 1)
    return y


def second_class(world: World, rate: float, rng: np.random.Generator) -> Labels:
    """Rows drawn as for instance-dependent noise, but always labeled as the second class."""
    others, rows = _doubtful(world, rate, rng)
    y = world.truth.copy()
    y[rows] = others[rows].argmax(axis=1)
    return y


def _doubtful(world: World, rate: float, rng: np.random.Generator) -> tuple[Proba, Labels]:
    """Return probabilities without those of the true class, and rows drawn by the largest."""
    others = world.proba.copy()
    others[np.arange(len(others)), world.truth] = 0
    weight = others.max(axis=1)
    return others, world.some(rate, rng, weight / weight.sum())


def annotator_confusion(world: World, rate: float, rng: np.random.Generator) -> Labels:
    """Each text is labeled by one of five people, each with confusions of his own.

    Rows of a person's matrix sum to 1: what is off the diagonal goes to other classes by
    exponential weights of his own, the more the more alike the classes' means are.
    """
    alike = np.exp(world.likeness() / _CLOSE)
    person = rng.integers(0, len(ANNOTATORS), len(world.truth))
    y = world.truth.copy()
    for i, share in enumerate(ANNOTATORS):
        matrix = alike * rng.exponential(size=alike.shape)
        matrix *= share * rate / matrix.sum(axis=1, keepdims=True)
        np.fill_diagonal(matrix, 1 - share * rate)
        rows = np.flatnonzero(person == i)
        draws = rng.random(len(rows))[:, None]
        said = (np.cumsum(matrix[y[rows]], axis=1) < draws).sum(axis=1)
        y[rows] = np.minimum(said, world.k - 1)
    return y


KINDS: Mapping[str, Callable[[World, float, np.random.Generator], Labels]] = {
    "uniform": uniform,
    "nearest-class": nearest_class,
    "instance-dependent": instance_dependent,
    "annotator-confusion": annotator_confusion,
    "second-class": second_class,
}
#: Those of the whole table; the other one is harder, and played on one set only.
MAIN = tuple(KINDS)[:4]


def world(name: str) -> World:
    """Return a set without wrong labels but its own; encodes it and asks a model when needed."""
    ours.encode(name, runs.CACHE)
    data = runs.load(name, runs.CACHE)
    return World(data.X, data.y, opinions(data.X, data.y, seed=_MODEL))


def given(world: World, cell: Cell) -> Labels:
    """Return (m,) labels of a cell."""
    kinds, sets = list(KINDS), list(SETS)
    place = [cell.seed, sets.index(cell.set), kinds.index(cell.kind), round(1000 * cell.rate)]
    return KINDS[cell.kind](world, cell.rate, np.random.default_rng(place))


def opinions(X: Vectors, y: Labels, seed: int) -> Proba:
    """Return out-of-fold probabilities as the audit makes them, kept in the user's cache."""
    k = int(y.max()) + 1
    named = hashlib.sha256(X.tobytes() + y.tobytes() + f"{seed}".encode()).hexdigest()[:20]
    path = CACHE / f"{named}.npy"
    if not path.exists():
        found = learner.out_of_fold(X, y, n_classes=k, seed=seed)
        if found is None:
            raise ValueError("fewer than two classes have enough labels")
        CACHE.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".new.npy")
        np.save(beside, found.astype(np.float32))
        beside.replace(path)
        say(f"kept opinions about {len(y)} labels of {k} classes")
    return np.load(path).astype(np.float64)
