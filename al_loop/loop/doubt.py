"""Judge the labels of the workspace: those of the training set, and those of the test set."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from al_loop.config import Config
from al_loop.evidence import judging
from al_loop.evidence.judging import Evidence, Settings
from al_loop.loop.knowledge import Knowledge
from al_loop.loop.parts import Labels
from al_loop.types import Doubt


def settings(config: Config) -> Settings:
    """Return how a configuration wants labels to be judged."""
    wanted = config.audit
    how = (wanted.folds, wanted.method, wanted.filter_by, wanted.estimate)
    return Settings(*how, C=config.model.C, seed=config.seed)


def judge(known: Knowledge, config: Config) -> Evidence:
    """Judge the labels of the training set."""
    return judging.judge(known.X, known.y, n_classes=len(known.classes), settings=settings(config))


def records(ids: Sequence[str], y: Labels, names: Sequence[str], found: Evidence) -> list[Doubt]:
    """Return what was found about judged labels, worst first."""
    judged = np.flatnonzero(~np.isnan(found.doubt))
    return [
        Doubt(
            item_id=ids[i],
            given=names[y[i]],
            suggested=names[found.suggested[i]],
            doubt=round(float(found.doubt[i]), 9),
            flagged=bool(found.flagged[i]),
            confidence=_number(found.confidence[i]),
            neighbors=_number(found.neighbors[i]),
        )
        for i in judged[np.argsort(-found.doubt[judged], kind="stable")]
    ]


def _number(value: np.floating[Any]) -> float | None:
    return None if np.isnan(value) else round(float(value), 9)
