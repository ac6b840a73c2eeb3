"""The contract of a query strategy: what it is given, what it returns.

A strategy is a function ``(pool: PoolView, n: int, rng: numpy.random.Generator) -> Picks``.
Its hyper-parameters are keyword-only arguments with defaults; they are bound when
config.toml is read. It changes nothing it is given and keeps nothing between calls.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.floating[Any]]
IntArray: TypeAlias = npt.NDArray[np.int64]
StrArray: TypeAlias = npt.NDArray[np.str_]
Need: TypeAlias = Literal["proba", "centers"]
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
    """

    embeddings: FloatArray
    proba: FloatArray | None = None
    labeled: FloatArray = field(default_factory=_no_vectors)
    labels: IntArray = field(default_factory=_no_labels)
    centers: FloatArray = field(default_factory=_no_vectors)

    def __len__(self) -> int:
        return len(self.embeddings)

    def vectors(self, positions: IntArray) -> FloatArray:
        """Return (m, d) vectors of m texts, which may cost less memory than `embeddings`."""
        return self.embeddings[positions]


@dataclass(frozen=True, slots=True)
class _Rest(PoolView):
    """A pool less the texts that were taken: a field's rows are copied when it is looked at.

    A million vectors are gigabytes, and few strategies look at all of them.

    part_of: the whole pool and the positions in it; None once `dataclasses.replace` made a
        pool of its own of it.
    """

    part_of: tuple[PoolView, IntArray] | None = field(default=None, init=False)

    def __getattr__(self, name: str) -> FloatArray | None:
        # Python asks here for a slot that is empty.
        if name not in ("embeddings", "proba") or self.part_of is None:
            raise AttributeError(name)
        whole, positions = self.part_of
        values: FloatArray | None = getattr(whole, name)
        part = None if values is None else _rows(values, positions)
        object.__setattr__(self, name, part)
        return part

    def __len__(self) -> int:
        return len(self.embeddings if self.part_of is None else self.part_of[1])

    def vectors(self, positions: IntArray) -> FloatArray:
        """Return (m, d) vectors, copied straight from the whole pool."""
        if self.part_of is None:
            return self.embeddings[positions]
        return self.part_of[0].embeddings[self.part_of[1][positions]]


@dataclass(frozen=True, slots=True)
class Picks:
    """The chosen texts, best first.

    indices: (n,) distinct positions in the pool.
    scores: (n,) acquisition scores, higher was more wanted.
    source: (n,) name of the strategy that chose each text (parts of a mix differ).
    why: (n,) a short reason for people.
    inclusion: (n,) probability with which a text was drawn, NaN for deterministic picks.
    """

    indices: IntArray
    scores: FloatArray
    source: StrArray
    why: StrArray
    inclusion: FloatArray

    def __len__(self) -> int:
        return len(self.indices)


Strategy: TypeAlias = Callable[[PoolView, int, np.random.Generator], Picks]


def needs(*fields: Need) -> Callable[[_F], _F]:
    """Mark what a strategy can't do without: a model's ``"proba"``, or class ``"centers"``.

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
    without_model = pool.proba is None or pool.proba.shape[1] < 2
    missing = {"proba": without_model, "centers": len(pool.centers) == 0}
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
) -> Picks:
    """Build the Picks of one strategy; a single `why` or `inclusion` holds for every text."""
    positions = np.asarray(indices, dtype=np.int64)
    n = len(positions)
    return Picks(
        indices=positions,
        scores=np.asarray(scores, dtype=np.float64),
        source=np.full(n, source),
        why=np.full(n, why) if isinstance(why, str) else np.asarray(why, dtype=np.str_),
        inclusion=np.full(n, inclusion),
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
    )


def without(pool: PoolView, taken: IntArray) -> tuple[PoolView, IntArray]:
    """Return the pool less the taken positions, and where its rows stand in the given pool.

    Nothing is copied until a strategy looks at `embeddings` or `proba`, and then from the pool
    that al-loop handed over, however often texts were taken: as a strategy lets go of its view
    when it is done, no more than one copy lives at a time.
    """
    left = np.ones(len(pool), dtype=np.bool_)
    left[taken] = False
    rest = np.flatnonzero(left).astype(np.int64)
    whole, positions = pool, rest
    if isinstance(pool, _Rest) and pool.part_of is not None:
        whole, positions = pool.part_of[0], pool.part_of[1][rest]
    elif len(rest) == len(pool):
        return pool, rest
    view = object.__new__(_Rest)
    kept = {name: getattr(pool, name) for name in ("labeled", "labels", "centers")}
    for name, value in {**kept, "part_of": (whole, positions)}.items():
        object.__setattr__(view, name, value)
    return view, rest


def choose_from_rest(
    strategy: Strategy, pool: PoolView, taken: IntArray, n: int, rng: np.random.Generator
) -> Picks:
    """Let a strategy choose up to n texts among those not taken; positions are the pool's.

    Raises:
        ValueError: the strategy returned a position twice, one that does not exist, or more
            than it was asked for.

    """
    rest, positions = without(pool, taken)
    chosen = strategy(rest, n, rng)
    local = chosen.indices
    if len(np.unique(local)) != len(local) or len(local) > n:
        raise ValueError(f"a strategy returned {len(local)} positions, not {n} distinct ones")
    if len(local) and (local.min() < 0 or local.max() >= len(rest)):
        raise ValueError(f"a strategy returned a position outside of 0 to {len(rest) - 1}")
    return replace(chosen, indices=positions[local])


def _rows(values: FloatArray, positions: IntArray) -> FloatArray:
    part = values[positions]
    part.flags.writeable = False
    return part
