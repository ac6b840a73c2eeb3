"""What fitting a head takes beyond a call: self-training, comparing, calibrating out of fold."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from al_loop import heads, selftrain
from al_loop.folds import assign_folds
from al_loop.heads import Head

Floats: TypeAlias = npt.NDArray[np.floating[Any]]
Labels: TypeAlias = npt.NDArray[np.int64]
Fitted: TypeAlias = Callable[[Head, int, Floats, Labels, Floats | None], Any]

_FOLDS = 3  # for a temperature
_ENOUGH = 300  # rows held out for it: it is one number
_EVERY = 3


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """What heads are fitted on: (m, d), (m,), (m,) or None; rows are positions in these.

    graph: of these texts and unlabeled ones, where the pool may be learned from.
    fitted: fits one estimator: (head, seed, vectors, labels, weights) -> it.
    """

    X: Floats
    y: Labels
    weights: Floats | None
    seed: int
    graph: selftrain.Graph | None
    fitted: Fitted

    def estimator(self, head: Head, rows: Labels, every: int = 1) -> Any:
        """Return a fitted estimator; unlabeled texts and all other rows help in self-training.

        every: so many times faster, since only one of so many of these texts is learned from
            and weighs as much as they would.
        """
        weights = None if self.weights is None else self.weights[rows]
        if head.kind != "self_training" or self.graph is None:
            return self.fitted(head, self.seed, self.X[rows], self.y[rows], weights)
        teacher = self.estimator(Head("logistic", head.C), rows)
        others = np.setdiff1d(np.arange(len(self.graph.X)), rows)[::every]
        said = self._opinions(self.graph, teacher, rows)[others]
        y = np.concatenate([self.y[rows], teacher.classes_[said.argmax(axis=1)]])
        own = np.ones(len(rows)) if weights is None else weights
        weights = np.concatenate([own, every * selftrain.WEIGHT * said.max(axis=1)])
        X = self.graph.X[np.concatenate([rows, others])]
        return self.fitted(head, self.seed, X, y, weights)

    def predict(self, some: Sequence[Head], train: Labels, test: Labels) -> list[Labels]:
        """Return what heads fitted on the rows `train` predict for the rows `test`.

        For self-training it is what its second classifier would learn from: as right as that
        classifier, within a point or two, without the cost of fitting it.
        """
        once = cache(lambda head: self.estimator(head, train))
        found = []
        for head in some:
            if head.kind == "self_training" and self.graph is not None:
                model = once(Head("logistic", head.C))
                scores = self._opinions(self.graph, model, train)[test]
            else:
                model = once(head)
                scores = heads.scores(model, self.X[test])
            found.append(np.asarray(model.classes_[scores.argmax(axis=1)], dtype=np.int64))
        return found

    def temperature(self, head: Head, rows: Labels) -> float:
        """Fit a temperature on scores out of fold, of a single fold where that has enough rows.

        All other folds are learned from, however many rows that are: a head that has seen fewer
        is less sure, and its temperature would make the head itself too bold.
        """
        present, y = np.unique(self.y[rows], return_inverse=True)
        fold = assign_folds(y, _FOLDS, self.seed)
        held_out, truth = np.empty((0, len(present))), np.empty(0, dtype=np.int64)
        for number in range(_FOLDS):
            train = fold != number
            known = np.unique(y[train])
            test = ~train & np.isin(y, known)
            if len(known) == 1 or not test.any():
                continue
            scores = np.full((test.sum(), len(present)), -np.inf)
            estimator = self.estimator(head, rows[train], every=_EVERY)
            scores[:, known] = heads.logits(estimator, self.X[rows[test]])
            held_out, truth = np.concatenate([held_out, scores]), np.concatenate([truth, y[test]])
            if len(truth) >= _ENOUGH:
                break
        return heads.temperature(held_out, truth, default=heads.SCORING.get(head.kind, 1.0))

    def _opinions(self, graph: selftrain.Graph, teacher: Any, rows: Labels) -> Floats:
        y = np.searchsorted(teacher.classes_, self.y[rows])
        return selftrain.opinions(graph, rows, y, teacher.predict_proba(graph.X))
