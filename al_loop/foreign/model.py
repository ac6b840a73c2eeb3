"""The round's classifier as scikit-learn knows one; imported only when foreign code asks."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin

from strategies.base import FloatArray, IntArray, Learn, PoolView, Predict


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What a model is made of: the labels, the round's model of them, and how to fit others."""

    X: FloatArray
    y: IntArray
    predict: Predict
    learn: Learn

    @classmethod
    def of(cls, pool: PoolView) -> Self:
        """Take it from a pool, in float32."""
        assert pool.predict is not None
        assert pool.learn is not None
        X = np.asarray(pool.labeled, dtype=np.float32)
        return cls(X, np.asarray(pool.labels), pool.predict, pool.learn)

    def __deepcopy__(self, _memo: dict[int, Any]) -> Self:
        """Return itself: cloning a classifier must not copy what nobody changes."""
        return self


class Model(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A classifier of the configured kind.

    Fitted on just the labels of the round it is the round's own model, at no cost; fitted on
    anything else a new one.
    """

    def __init__(self, known: Known) -> None:
        self.known = known

    def fit(self, X: FloatArray, y: npt.ArrayLike) -> Self:
        """Fit on (m, d) vectors with (m,) classes, positions in the stored class order."""
        known, labels = self.known, np.asarray(y, dtype=np.int64)
        same = np.array_equal(labels, known.y) and np.array_equal(X, known.X)
        self.predict_ = known.predict if same else known.learn(X, labels)
        self.classes_ = np.unique(labels)
        return self

    def predict_proba(self, X: FloatArray) -> FloatArray:
        """Return (n, c) probabilities of the c classes it was fitted on."""
        return self.predict_(np.asarray(X))[:, self.classes_]

    def predict(self, X: FloatArray) -> IntArray:
        """Return (n,) classes."""
        found: IntArray = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return found
