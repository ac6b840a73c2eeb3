"""Ask foreign code for a batch, and check what it answers."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from al_loop.foreign.contained import contained, positions
from strategies.base import (
    Need,
    Picks,
    PoolView,
    Strategy,
    check_request,
    lacks,
    needs,
    no_picks,
    picks,
)
from strategies.grouping import cold_start

#: What foreign code answers: positions, best first, and how much it wanted each, if it tells.
Answer: TypeAlias = tuple[Any, npt.NDArray[np.float64] | None]
#: (pool, n, seed, options) -> an answer. May raise anything.
Ask: TypeAlias = Callable[[PoolView, int, int, dict[str, Any]], Answer]


@dataclass(frozen=True, slots=True)
class Foreign:
    """What is needed to make a strategy of foreign code.

    doc: what people read about it. options: its parameters beside the pool and n.
    check: called with the options when config.toml is read; raises what is wrong with them.
    needs: without these it is not asked, and cluster representatives are taken.
    """

    name: str
    doc: str
    options: Sequence[inspect.Parameter]
    ask: Ask
    check: Callable[..., object]
    needs: tuple[Need, ...] = ()


def strategy(foreign: Foreign) -> Strategy:
    """Return foreign code as a strategy, with its options in the signature.

    The strategy raises AlLoopError, with the name in it, for whatever goes wrong inside.
    """

    @needs(*foreign.needs)
    def choose(pool: PoolView, n: int, rng: np.random.Generator, **options: Any) -> Picks:
        foreign.check(**options)
        check_request(pool, n)
        if n == 0:
            return no_picks()
        if lacks(choose, pool):
            return cold_start(pool, n, rng)
        return _answer(foreign, pool, n, int(rng.integers(2**31)), options)

    own = list(inspect.signature(choose).parameters.values())[:3]
    takes = [p.replace(kind=p.KEYWORD_ONLY) for p in foreign.options if _can_be_written(p)]
    vars(choose)["__signature__"] = inspect.Signature([*own, *takes])
    choose.__annotations__ = {p.name: p.annotation for p in takes if p.annotation is not p.empty}
    summary, _, more = inspect.cleandoc(foreign.doc).partition("\n\n")
    choose.__doc__ = f"{' '.join(summary.split())}\n\n{more}".strip()
    return choose


def _answer(foreign: Foreign, pool: PoolView, n: int, seed: int, options: dict[str, Any]) -> Picks:
    with contained(foreign.name, seed):
        found, wanted = foreign.ask(pool, n, seed, options)
        return _picks(foreign.name, found, wanted, n, len(pool))


def _can_be_written(option: inspect.Parameter) -> bool:
    """Tell whether TOML can give it: not where a class or a function is wanted."""
    return option.default is option.empty or not callable(option.default)


def _picks(
    name: str, found: Any, wanted: npt.NDArray[np.float64] | None, n: int, size: int
) -> Picks:
    """Check an answer, and put it as Picks.

    Utilities are the scores where they fall from one text to the next. Where each belongs to a
    step of its own, or there are none, the score is n for the first text, 1 for the last.
    """
    rows = positions(found, n, size)
    if len(rows) < n:
        raise ValueError(f"{n} positions were asked for, not {len(rows)}")
    if wanted is None:
        return picks(rows, np.arange(n, 0, -1), source=name, why=f"chosen by {name}")
    if np.isnan(wanted).any():
        raise ValueError("a utility is not a number")
    falls = bool(np.isfinite(wanted).all() and (np.diff(wanted) <= 0).all())
    why = [f"utility {value:.3g}" for value in wanted]
    return picks(rows, wanted if falls else np.arange(n, 0, -1), source=name, why=why)
