"""Ask foreign code for a batch: contained while it runs, checked when it has answered."""

import inspect
import random
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from textwrap import shorten
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from al_loop.errors import AlLoopError
from al_loop.lean import one_thread
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
    try:
        with _contained(seed):
            found, wanted = foreign.ask(pool, n, seed, options)
        return _picks(foreign.name, found, wanted, n, len(pool))
    except (Exception, SystemExit) as e:  # code of anybody's can raise anything
        said = shorten(f"{type(e).__name__}: {e}", 300)
        raise AlLoopError(
            f"strategy {foreign.name!r} failed: {said}",
            hint="al-loop round --strategy NAME chooses by another one;"
            " al-loop strategies lists them",
        ) from e


def _can_be_written(option: inspect.Parameter) -> bool:
    """Tell whether TOML can give it: not where a class or a function is wanted."""
    return option.default is option.empty or not callable(option.default)


@contextmanager
def _contained(seed: int) -> Iterator[None]:
    """Run code that draws from global generators: they are seeded for it, and put back after it.

    The one place where al-loop touches them. modAL draws from numpy's, which it can't be kept
    from; scikit-learn's `check_random_state(None)` is the documented way to get hold of that.
    """
    from sklearn.utils import check_random_state

    shared = check_random_state(None)
    kept, kept_plain = shared.get_state(), random.getstate()
    shared.seed(seed)
    random.seed(seed)
    try:
        with one_thread(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # people here can't do anything about them
            yield
    finally:
        shared.set_state(kept)
        random.setstate(kept_plain)


def _picks(
    name: str, found: Any, wanted: npt.NDArray[np.float64] | None, n: int, size: int
) -> Picks:
    """Check an answer, and put it as Picks.

    Utilities are the scores where they fall from one text to the next. Where each belongs to a
    step of its own, or there are none, the score is n for the first text, 1 for the last.
    """
    positions = np.asarray(found)
    if positions.ndim != 1 or positions.dtype.kind not in "iu" or len(positions) != n:
        raise ValueError(f"{n} positions were asked for, not {_shape(positions)}")
    if len(np.unique(positions)) != n:
        raise ValueError("a position was returned twice")
    if positions.min() < 0 or positions.max() >= size:
        raise ValueError(f"a position was returned that is not in the pool of {size} texts")
    if wanted is None:
        return picks(positions, np.arange(n, 0, -1), source=name, why=f"chosen by {name}")
    if np.isnan(wanted).any():
        raise ValueError("a utility is not a number")
    falls = bool(np.isfinite(wanted).all() and (np.diff(wanted) <= 0).all())
    why = [f"utility {value:.3g}" for value in wanted]
    return picks(positions, wanted if falls else np.arange(n, 0, -1), source=name, why=why)


def _shape(positions: npt.NDArray[Any]) -> str:
    return f"an array of shape {positions.shape} and type {positions.dtype}"
