"""The contract of a query strategy: what it is given, what it returns.

A strategy is a function ``(pool: PoolView, n: int, rng: numpy.random.Generator) -> Picks``.
Its hyper-parameters are keyword-only arguments with defaults; they are bound when
config.toml is read. It changes nothing it is given and keeps nothing between calls.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from strategies.shared import Shared

FloatArray: TypeAlias = npt.NDArray[np.floating[Any]]
IntArray: TypeAlias = npt.NDArray[np.int64]
StrArray: TypeAlias = npt.NDArray[np.str_]
Need: TypeAlias = Literal["proba", "centers", "learn", "predict"]
#: (n, d) vectors -> (n, k) probabilities of the model that `proba` comes from.
Predict: TypeAlias = Callable[[FloatArray], FloatArray]
#: (m, d) vectors and (m,) classes -> a model of the configured kind, fitted on these.
Learn: TypeAlias = Callable[[FloatArray, IntArray], Predict]
_FEWEST_CLASSES = 2  # that a classifier can tell apart
_F = TypeVar("_F", bound=Callable[..., Any])


def _no_vectors() -> FloatArray:
    return np.empty((0, 0), dtype=np.float32)


def _no_labels() -> IntArray:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class PoolView:
    """What a strategy may look at. All arrays are read-only.

    embeddings: (N, d) vectors of the unlabeled texts, L2-normalized.
    proba: (N, k) class probabilities in the stored class order, or None before a model.
    labeled: (m, d) vectors of the labeled texts.
    labels: (m,) their classes, positions in the stored class order.
    centers: (c, d) vectors that stand for known classes: class means of `labeled`, or of the
        classes' example texts where a class has no label yet; empty when nothing is known.
    pending: (r, d) vectors of texts that are in this batch already, chosen by somebody else.
    predict: gives `proba` for other vectors, or None before a model.
    learn: fits further models of the configured kind; None where nobody can.
    shared: what is computed once a round, see `strategies.shared`.
    """

    embeddings: FloatArray
    proba: FloatArray | None = None
    labeled: FloatArray = field(default_factory=_no_vectors)
    labels: IntArray = field(default_factory=_no_labels)
    centers: FloatArray = field(default_factory=_no_vectors)
    pending: FloatArray = field(default_factory=_no_vectors)
    predict: Predict | None = None
    learn: Learn | None = None
    shared: Shared = field(default_factory=Shared, compare=False, repr=False)

    def __len__(self) -> int:
        return len(self.embeddings)

    def vectors(self, positions: IntArray) -> FloatArray:
        """Return (m, d) vectors of m texts, which may cost less memory than `embeddings`."""
        return self.embeddings[positions]


@dataclass(frozen=True, slots=True)
class Picks:
    """The chosen texts, best first.

    indices: (n,) distinct positions in the pool.
    scores: (n,) acquisition scores, higher was more wanted.
    source: (n,) name of the strategy that chose each text (parts of a mix differ).
    why: (n,) a short reason for people.
    inclusion: (n,) probability with which a text was drawn, NaN for deterministic picks.
    note: what the strategy did and why, in one line for people; empty where there is no news.
    """

    indices: IntArray
    scores: FloatArray
    source: StrArray
    why: StrArray
    inclusion: FloatArray
    note: str = ""

    def __len__(self) -> int:
        return len(self.indices)


Strategy: TypeAlias = Callable[[PoolView, int, np.random.Generator], Picks]


def needs(*fields: Need) -> Callable[[_F], _F]:
    """Mark what a strategy can't do without.

    A model's ``"proba"``, class ``"centers"``, ``"learn"`` to fit further models, or
    ``"predict"`` to ask the model about other vectors.

    Where it lacks, the strategy takes cluster representatives of the whole pool instead, and
    `mix` chooses those of all its parts at once.
    """

    def mark(strategy: _F) -> _F:
        vars(strategy)["needs"] = fields
        return strategy

    return mark


def lacks(strategy: Callable[..., Any], pool: PoolView) -> bool:
    """Tell whether the pool has not yet what the strategy, bound or not, was marked to need."""
    function = getattr(strategy, "func", strategy)
    without_model = pool.proba is None or pool.proba.shape[1] < _FEWEST_CLASSES
    labeled = len(np.unique(pool.labels))
    missing = {
        # A model of one class is sure of everything, however many classes have a name.
        "proba": without_model or labeled == 1,
        "centers": len(pool.centers) == 0,
        "learn": pool.learn is None or labeled < _FEWEST_CLASSES,
        "predict": pool.predict is None,
    }
    return any(missing[field] for field in getattr(function, "needs", ()))


def check_request(pool: PoolView, n: int) -> None:
    """Refuse a batch that the pool can't give; 0 texts is always a batch.

    Raises:
        ValueError: n is negative or above len(pool); names both numbers.

    """
    if n < 0:
        raise ValueError(f"{n} texts were asked for, of a pool of {len(pool)}")
    if n > len(pool):
        raise ValueError(f"{n} texts were asked for, but the pool has only {len(pool)}")


def top_n(scores: npt.ArrayLike, n: int, rng: np.random.Generator) -> IntArray:
    """Return the positions of the n highest scores, best first; ties fall at random.

    scores: (N,). Returns (min(n, N),). The only place where ties are broken.

    >>> top_n([0.2, 0.9, 0.5], 2, np.random.default_rng(0)).tolist()
    [1, 2]
    """
    values = np.asarray(scores)
    order = rng.permutation(len(values))
    best = np.argsort(-values[order], kind="stable")[:n]
    return np.asarray(order[best], dtype=np.int64)


def picks(
    indices: npt.ArrayLike,
    scores: npt.ArrayLike,
    *,
    source: str,
    why: Sequence[str] | str,
    inclusion: float = np.nan,
    note: str = "",
) -> Picks:
    """Build the Picks of one strategy; a single `why` or `inclusion` holds for every text.

    Raises:
        ValueError: the indices are not whole numbers, but a mask, say.

    """
    positions = np.asarray(indices)
    n = len(positions)
    if n and positions.dtype.kind not in "iu":
        raise ValueError(f"positions must be whole numbers, not of type {positions.dtype}")
    return Picks(
        indices=positions.astype(np.int64),
        scores=np.asarray(scores, dtype=np.float64),
        source=np.full(n, source),
        why=np.full(n, why) if isinstance(why, str) else np.asarray(why, dtype=np.str_),
        inclusion=np.full(n, inclusion),
        note=note,
    )


def no_picks() -> Picks:
    """Return the Picks of a batch of 0 texts."""
    return picks([], [], source="", why="")


def join(parts: Sequence[Picks]) -> Picks:
    """Put Picks one after the other; their positions must be of the same pool."""
    if not parts:
        return no_picks()
    return Picks(
        indices=np.concatenate([p.indices for p in parts]),
        scores=np.concatenate([p.scores for p in parts]),
        source=np.concatenate([p.source for p in parts]),
        why=np.concatenate([p.why for p in parts]),
        inclusion=np.concatenate([p.inclusion for p in parts]),
        note="; ".join(p.note for p in parts if p.note),
    )
