"""The contract of a query strategy: what it is given, what it returns.

A strategy is a function ``(pool: PoolView, n: int, rng: numpy.random.Generator) -> Picks``.
Its hyper-parameters are keyword-only arguments with defaults; they are bound when
config.toml is read. It changes nothing it is given and keeps nothing between calls.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.floating[Any]]
IntArray: TypeAlias = npt.NDArray[np.int64]
StrArray: TypeAlias = npt.NDArray[np.str_]


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
