"""The kinds of classifier that can be configured, and how scores become probabilities."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.floating[Any]]
Matrix: TypeAlias = npt.NDArray[np.float64]
Labels: TypeAlias = npt.NDArray[np.int64]

Kind: TypeAlias = Literal["logistic", "balanced", "svm", "nearest_mean", "self_training"]

#: Heads that give scores, no probabilities, with the temperature for want of labels to fit it:
#: about what 500 labels of banking77 give.
SCORING: Mapping[str, float] = {"svm": 0.25, "nearest_mean": 0.05}

_LEAST_ROWS = 20  # to fit a temperature to


@dataclass(frozen=True, slots=True)
class Head:
    """What kind of classifier, and its inverse regularization strength."""

    kind: Kind = "logistic"
    C: float = 10.0

    def __str__(self) -> str:
        return self.kind if self.kind == "nearest_mean" else f"{self.kind} with C = {self.C:g}"


class NearestMean:
    """Each class is the mean of its vectors on the sphere; scores are cosines.

    Not scikit-learn's NearestCentroid, which takes no sample weights and gives no scores.
    """

    def fit(
        self, X: Floats, y: Labels, sample_weight: npt.NDArray[Any] | None = None
    ) -> "NearestMean":
        """Learn from (m, d) vectors and (m,) labels; returns itself."""
        self.classes_, position = np.unique(y, return_inverse=True)
        weights = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight)
        sums = np.zeros((len(self.classes_), X.shape[1]))
        np.add.at(sums, position, X * weights[:, None])
        self.means_ = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
        return self

    def decision_function(self, X: Floats) -> Matrix:
        """Return (n, p) cosines of (n, d) unit vectors with the p means."""
        cosines: Matrix = X @ self.means_.T
        return cosines


def make(kind: str, C: float, seed: int) -> Any:
    """Return an unfitted estimator.

    The iterations allowed are many times those that the default C needs (60 for 10,003 rows).

    Raises:
        ValueError: there is no such kind.

    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import LinearSVC

    if kind in ("logistic", "self_training"):
        return LogisticRegression(C=C, max_iter=2_000)
    if kind == "balanced":
        return LogisticRegression(C=C, max_iter=2_000, class_weight="balanced")
    if kind == "svm":
        return LinearSVC(C=C, dual=True, max_iter=5_000, random_state=seed)
    if kind == "nearest_mean":
        return NearestMean()
    raise ValueError(f"there is no kind of classifier called {kind!r}")


def scores(estimator: Any, X: Floats) -> Matrix:
    """Return (n, p) scores of (n, d) vectors, one column a class also when there are two."""
    found = np.asarray(estimator.decision_function(X), dtype=np.float64)
    return np.column_stack([-found, found]) if found.ndim == 1 else found


def logits(estimator: Any, X: Floats) -> Matrix:
    """Return (n, p) scores whose softmax is `predict_proba`, where the estimator has that."""
    found = scores(estimator, X)
    return found / 2 if found.shape[1] == 2 and hasattr(estimator, "predict_proba") else found


def proba(estimator: Any, X: Floats, temperature: float) -> Matrix:
    """Return (n, p) probabilities of (n, d) vectors at a temperature, by the softmax of logits."""
    if temperature == 1 and hasattr(estimator, "predict_proba"):
        return np.asarray(estimator.predict_proba(X), dtype=np.float64)
    return softmax(logits(estimator, X) / temperature)


def softmax(logits: Matrix) -> Matrix:
    """Return (n, p) probabilities; each row sums to 1."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    result: Matrix = raised / raised.sum(axis=1, keepdims=True)
    return result


def temperature(held_out: Matrix, truth: Labels, *, default: float) -> float:
    """Return what scores are divided by before the softmax, `default` below 20 rows.

    The temperature with the least negative log-likelihood on held-out rows (Guo et al. 2017,
    "On Calibration of Modern Neural Networks", section 4.2). One number for all classes, since
    a curve for each, as in CalibratedClassifierCV, needs more labels a class than the first
    rounds have.

    Args:
        held_out: (r, p) scores of rows that the model was not fitted on, -inf for classes that
            it did not know.
        truth: (r,) their columns.
        default: the answer for want of rows.

    """
    if len(truth) < _LEAST_ROWS:
        return default
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(truth))

    def loss(log_t: float) -> float:
        p = softmax(held_out / np.exp(log_t))[rows, truth]
        return float(-np.log(np.maximum(p, 1e-300)).mean())

    best = minimize_scalar(loss, bounds=(np.log(0.005), np.log(20.0)), method="bounded")
    return float(np.exp(best.x))
