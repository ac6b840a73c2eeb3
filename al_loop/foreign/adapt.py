"""What kind of strategy something is, by its signature, and how it becomes one of ours."""

import inspect
from collections.abc import Callable
from typing import Any

import strategies
from al_loop.errors import ConfigError
from al_loop.foreign import modal, skactiveml
from al_loop.foreign.guard import guarded


def adapt(name: str, found: Callable[..., Any]) -> Callable[..., Any]:
    """Return a scikit-activeml class, a modAL callable or somebody's function as a strategy.

    A class whose ``query`` takes X, y and batch_size is the one, a callable that takes
    n_instances the other, whatever library they come from. Our own functions stay as they are.

    Raises:
        ConfigError: it wants something that al-loop has not, or is another class; names it.
    """
    if inspect.isclass(found):
        if not _parameters(getattr(found, "query", None)).issuperset(skactiveml.ASKED):
            raise ConfigError(
                f"strategy {name!r} is a class without query(X, y, ..., batch_size)",
                hint="see docs/strategies.md for what can be named",
            )
        return skactiveml.adapt(name, found)
    if _parameters(found).issuperset(modal.ASKED):
        return modal.adapt(name, found)
    return found if _is_ours(found) else guarded(name, found)


def _is_ours(function: Any) -> bool:
    return str(getattr(function, "__module__", "")).partition(".")[0] == strategies.__name__


def _parameters(function: Any) -> set[str]:
    try:
        return set(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # not callable, or written in C
        return set()
