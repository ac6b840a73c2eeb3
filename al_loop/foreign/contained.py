"""Run code of other people: contained while it runs, its positions checked afterwards."""

import random
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from textwrap import shorten
from typing import Any

import numpy as np

from al_loop.errors import AlLoopError
from al_loop.lean import one_thread
from strategies.base import IntArray


@contextmanager
def contained(name: str, seed: int) -> Iterator[None]:
    """Run a strategy of that name on one thread; what it prints goes to stderr, unseen warnings.

    Global random generators are seeded for it, and put back after it.

    Raises:
        AlLoopError: for whatever goes wrong inside, with the name in it.
    """
    try:
        with _seeded(seed), one_thread(), redirect_stdout(sys.stderr), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # people here can't do anything about them
            yield
    except (Exception, SystemExit) as e:  # code of anybody's can raise anything
        said = shorten(f"{type(e).__name__}: {e}", 300) + _where(e)
        raise AlLoopError(
            f"strategy {name!r} failed: {said}",
            hint="al-loop round --strategy NAME chooses by another one;"
            " al-loop strategies lists them",
        ) from e


def _where(e: BaseException) -> str:
    """Return the file and line that raised, unless that is a check of ours."""
    path, line, *_ = traceback.extract_tb(e.__traceback__)[-1]
    mine = Path(path).parent == Path(__file__).parent
    return "" if mine else f" ({Path(path).name}:{line})"


def positions(found: Any, n: int, size: int) -> IntArray:
    """Return (m,) distinct positions in a pool of so many texts, n of them at most.

    Raises:
        ValueError: they are not that.
    """
    rows = np.asarray(found)
    if rows.ndim != 1 or len(rows) > n or (len(rows) and rows.dtype.kind not in "iu"):
        shape = f"an array of shape {rows.shape} and type {rows.dtype}"
        raise ValueError(f"{n} positions were asked for, not {shape}")
    if len(np.unique(rows)) != len(rows):
        raise ValueError("a position was returned twice")
    if len(rows) and (rows.min() < 0 or rows.max() >= size):
        raise ValueError(f"a position was returned that is not in the pool of {size} texts")
    return rows.astype(np.int64)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed the global generators and put them back: the one place where al-loop touches them.

    modAL draws from numpy's, which it can't be kept from; scikit-learn's
    `check_random_state(None)` is the documented way to get hold of that.
    """
    from sklearn.utils import check_random_state

    shared = check_random_state(None)
    kept, kept_plain = shared.get_state(), random.getstate()
    shared.seed(seed)
    random.seed(seed)
    try:
        yield
    finally:
        shared.set_state(kept)
        random.setstate(kept_plain)
