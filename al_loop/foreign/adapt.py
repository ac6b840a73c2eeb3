"""What kind of strategy something is, by its signature, and how it becomes one of ours."""

import inspect
from typing import Any

from al_loop.errors import ConfigError
from al_loop.foreign import modal, skactiveml


def adapt(name: str, found: Any) -> Any:
    """Return a scikit-activeml class or a modAL callable as a strategy; anything else as it is.

    A class whose ``query`` takes X, y and batch_size is the one, a callable that takes
    n_instances the other, whatever library they come from.

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
    return found


def _parameters(function: Any) -> set[str]:
    try:
        return set(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # not callable, or written in C
        return set()
