"""modAL's query strategies: callables (classifier, X, n_instances=1, **options).

They return positions, or a pair of these and a metric. They are called here, not through
modAL's `query`, which takes a bare array of two positions for such a pair.
Source: T. Danka, P. Horvath, *modAL*, arXiv:1805.00979, 2018.
"""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from al_loop.errors import ConfigError
from al_loop.foreign.asking import Answer, Foreign, strategy
from al_loop.lean import without_torch
from strategies.base import PoolView, Strategy

#: A callable that takes these is one.
ASKED = frozenset({"n_instances"})
_MEMBERS = 5
#: What the first parameter of a strategy is called when no classifier will do.
_NOT_HERE = ("regressor", "optimizer")
#: modAL's modules whose functions return a set: the first is as good as the last.
_UNORDERED = ("modAL.uncertainty", "modAL.disagreement")
_SMALLEST = "margin_sampling"  # of these the one that wants the smallest metric


def adapt(name: str, function: Callable[..., Any]) -> Strategy:
    """Return a modAL callable as a strategy.

    Raises:
        ConfigError: it wants a regressor, or neither a classifier nor X.
    """
    model, *others = inspect.signature(function).parameters.values()
    if len(others) < len(ASKED) + 1:
        raise ConfigError(
            f"strategy {name!r} must take (classifier, X, n_instances)",
            hint="see docs/strategies.md",
        )
    if model.name in _NOT_HERE:
        raise ConfigError(
            f"strategy {name!r} wants {model.name!r}, and al-loop has a classifier",
            hint="see docs/strategies.md for those that work",
        )
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    options = [p for p in others[1:] if p.name not in ASKED and p.kind not in kinds]

    def ask(pool: PoolView, n: int, _seed: int, values: dict[str, Any]) -> Answer:
        learner = _learner(pool, committee=model.name == "committee")
        X = np.asarray(pool.embeddings, dtype=np.float32)
        return _ranked(function, function(learner, X, n_instances=n, **values))

    return strategy(
        Foreign(
            name,
            inspect.getdoc(function) or "",
            options,
            ask,
            check=lambda **_: None,
            needs=("proba", "predict", "learn"),
        )
    )


def _learner(pool: PoolView, *, committee: bool) -> Any:
    """Return modAL's learner around the round's model, or a committee of bootstrapped ones."""
    from al_loop.foreign.model import Known, Model

    with without_torch():
        from modAL.models import ActiveLearner, Committee

    known = Known.of(pool)

    def learner(**how: bool) -> Any:
        return ActiveLearner(Model(known), X_training=known.X, y_training=known.y, **how)

    if not committee:
        return learner()
    return Committee([learner(bootstrap_init=True) for _ in range(_MEMBERS)])


def _ranked(function: Callable[..., Any], returned: Any) -> Answer:
    """Split what was returned; put a set in the order of its metric."""
    if not isinstance(returned, tuple):
        return returned, None
    positions, metric = np.asarray(returned[0]), np.asarray(returned[-1])
    if metric.shape != positions.shape:  # the chosen rows, say, as modAL returned them once
        return positions, None
    if getattr(function, "__module__", "") not in _UNORDERED:
        return positions, metric
    wanted = -metric if function.__name__ == _SMALLEST else metric
    order = np.argsort(-wanted, kind="stable")
    return positions[order], wanted[order]
