"""scikit-activeml's pool strategies: classes with ``query(X, y, ..., batch_size)``.

X holds the labeled rows and the pool's below them, y -1 where a label is missing. Whatever else
`query` wants is supplied by its name, if al-loop has it.
Source: D. Kottke et al., *scikit-activeml*, Preprints 2021030194, 2021.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from al_loop.errors import ConfigError
from al_loop.foreign.asking import Answer, Foreign, strategy
from al_loop.lean import without_torch
from strategies.base import Need, PoolView, Strategy

#: A class whose `query` takes these is one.
ASKED = frozenset({"X", "y", "batch_size"})
_MISSING = -1
_MEMBERS = 5
#: Parameters of a class that al-loop sets itself, and config.toml can't.
_OURS = ("random_state", "missing_label")
_UTILITIES = "return_utilities"
#: What `query` of a kind that assigns texts to people takes.
_NOT_HERE = ("annotators",)


def adapt(name: str, made_by: Callable[..., Any]) -> Strategy:
    """Return a scikit-activeml class as a strategy; its parameters are the options.

    Raises:
        ConfigError: `query` wants something that al-loop has not; names it.
    """
    takes = inspect.signature(made_by).parameters
    query = _query_parameters(name, made_by)
    wants_classes = "classes" in takes and takes["classes"].default is inspect.Parameter.empty
    ours = {*_OURS, "classes"} if wants_classes else {*_OURS}
    options = [p for key, p in takes.items() if key not in ours]

    def make(pool: PoolView, seed: int, values: Mapping[str, Any]) -> Any:
        supplied = {"random_state": seed, "missing_label": _MISSING, "classes": _classes(pool)}
        return made_by(**{k: supplied[k] for k in ours if k in takes}, **values)

    def ask(pool: PoolView, n: int, seed: int, values: dict[str, Any]) -> Answer:
        X, y = _rows(pool)
        given = {key: _MODELS[key](pool, seed) for key in query if key in _MODELS}
        told = {_UTILITIES: True} if _UTILITIES in query else {}
        found = make(pool, seed, values).query(X=X, y=y, batch_size=n, **given, **told)
        chosen, utilities = found if told else (found, None)
        wanted = None if utilities is None else _of_the_chosen(chosen, np.asarray(utilities))
        return np.asarray(chosen) - len(pool.labeled), wanted

    def check(**values: Any) -> None:
        make(PoolView(embeddings=np.empty((0, 1), dtype=np.float32)), 0, values)

    has_model = wants_classes or any(key in _MODELS for key in query)
    needed: tuple[Need, ...] = ("proba", "predict", "learn") if has_model else ()
    doc = inspect.getdoc(made_by) or ""
    return strategy(Foreign(name, doc, options, ask, check, needed))


def _query_parameters(name: str, made_by: Any) -> list[str]:
    parameters = list(inspect.signature(made_by.query).parameters.values())[1:]
    for p in parameters:
        has_default = p.default is not p.empty or p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        wanted = not has_default or p.name in _NOT_HERE
        if wanted and p.name not in ASKED and p.name not in _MODELS:
            raise ConfigError(
                f"strategy {name!r} can't be asked: its query wants {p.name!r}, which al-loop"
                " has not",
                hint="see docs/strategies.md for those that work",
            )
    return [p.name for p in parameters]


def _rows(pool: PoolView) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Return (m + N, d) vectors, the labeled ones first, and (m + N,) classes or -1."""
    y = np.full(len(pool.labeled) + len(pool), _MISSING, dtype=np.int64)
    y[: len(pool.labeled)] = pool.labels
    rows = [pool.labeled, pool.embeddings] if len(pool.labeled) else [pool.embeddings]
    return np.concatenate(rows, dtype=np.float32), y


def _of_the_chosen(chosen: Any, utilities: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return (n,): of the i-th text its utility when it was chosen. `utilities` (n, m + N)."""
    positions = np.asarray(chosen)
    return np.asarray(utilities[np.arange(len(positions)), positions], dtype=np.float64)


def _classes(pool: PoolView) -> list[int]:
    return [] if pool.proba is None else list(range(pool.proba.shape[1]))


def _wrapped(pool: PoolView, estimator: Any) -> Any:
    with without_torch():
        from skactiveml.classifier import SklearnClassifier

    return SklearnClassifier(estimator, classes=_classes(pool), missing_label=_MISSING)


def _classifier(pool: PoolView, _seed: int) -> Any:
    from al_loop.foreign.model import Known, Model

    return _wrapped(pool, Model(Known.of(pool)))


def _ensemble(pool: PoolView, seed: int) -> Any:
    from sklearn.ensemble import BaggingClassifier

    from al_loop.foreign.model import Known, Model

    bagged = BaggingClassifier(Model(Known.of(pool)), _MEMBERS, random_state=seed)
    return _wrapped(pool, bagged)


#: Parameters of `query` that are models, and what makes them.
_MODELS: Mapping[str, Callable[[PoolView, int], Any]] = {
    "clf": _classifier,
    "estimator": _classifier,
    "discriminator": _classifier,
    "ensemble": _ensemble,
}
