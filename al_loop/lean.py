"""Keep numerical libraries from costing more time than their work: imports and threads."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_torch() -> Iterator[None]:
    """Let modules be imported that take PyTorch along without needing it.

    modAL and skops import it for features that are not used here, which costs seconds in
    every round in which no text has to be encoded. scipy.stats and scikit-learn come first,
    since they look into ``sys.modules`` while they are imported themselves. Nothing changes
    when PyTorch is loaded already.
    """
    for name in ("scipy.stats", "sklearn.linear_model", "sklearn.metrics"):
        importlib.import_module(name)
    if "torch" in sys.modules:
        yield
        return
    sys.modules["torch"] = None  # type: ignore[assignment]  # makes `import torch` fail at once
    try:
        yield
    finally:
        del sys.modules["torch"]


@contextmanager
def one_thread() -> Iterator[None]:
    """Cap BLAS and OpenMP at one thread.

    The matrices here are small: a fit on 500 x 384 with 77 classes took 0.1 s with one thread
    and 4 s with two on a busy machine of two cores, 10,003 rows 2 s and 16 s.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        yield
