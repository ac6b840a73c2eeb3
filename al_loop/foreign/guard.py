"""Somebody's strategies of our own contract: contained, and held to what they promise."""

import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import wraps
from typing import Any

import numpy as np
import numpy.typing as npt

from al_loop.cells import one_line
from al_loop.foreign.contained import contained, positions
from strategies.base import Picks, PoolView, Strategy, check_request


def guarded(name: str, function: Callable[..., Any]) -> Strategy:
    """Return a strategy that raises AlLoopError, with the name in it, for what goes wrong inside.

    For a batch of no text it is only asked whether its options can be, and raises what it will.
    """

    @wraps(function)
    def choose(pool: PoolView, n: int, rng: np.random.Generator, **options: Any) -> Picks:
        check_request(pool, n)
        if n == 0:
            with redirect_stdout(sys.stderr):
                found: Picks = function(pool, n, rng, **options)
            return found
        with contained(name, int(rng.integers(2**31))):
            return _checked(function(pool, n, rng, **options), n, len(pool))

    return choose


def _checked(found: Any, n: int, size: int) -> Picks:
    """Return Picks of up to n texts: a part of a mix may leave places to the others."""
    if not isinstance(found, Picks):
        raise TypeError(f"Picks were asked for, not {type(found).__name__}")
    rows = positions(found.indices, n, size)
    inclusion = _column("inclusion", found.inclusion, len(rows), np.float64)
    drawn = inclusion[~np.isnan(inclusion)]
    if not ((drawn > 0) & (drawn <= 1)).all():
        raise ValueError("inclusion probabilities are above 0 and up to 1, or NaN where none is")
    return Picks(
        indices=rows,
        scores=_column("scores", found.scores, len(rows), np.float64),
        source=_lines("source", found.source, len(rows)),
        why=_lines("why", found.why, len(rows)),
        inclusion=inclusion,
        note=one_line(str(found.note)),
    )


def _lines(name: str, values: Any, n: int) -> npt.NDArray[np.str_]:
    return np.array([one_line(str(v)) for v in _column(name, values, n, None)], dtype=np.str_)


def _column(name: str, values: Any, n: int, dtype: Any) -> npt.NDArray[Any]:
    column = np.asarray(values, dtype=dtype)
    if column.shape != (n,):
        raise ValueError(f"{name}: {n} values were expected, not an array of {column.shape}")
    return column
