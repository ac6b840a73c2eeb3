"""What the steps work with, put together by `app` for real and by `simulate` for play."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from al_loop.annotators.base import Annotator
from al_loop.bars import Bar, no_bar
from al_loop.config import Config
from al_loop.openworld.naming import Namer
from al_loop.store import Store
from al_loop.types import Metric, ProjectRef
from strategies.base import Strategy

Vectors: TypeAlias = npt.NDArray[np.float32]
Labels: TypeAlias = npt.NDArray[np.int64]


def quiet(_: str) -> None:
    """Say nothing."""


def no_scores(_truth: Sequence[str], _predicted: Sequence[str]) -> Sequence[Metric]:
    """Measure nothing further."""
    return ()


@dataclass(frozen=True, slots=True)
class Parts:
    """The loop's surroundings. No state of its own.

    vectors: (encoder, text hashes, texts) -> (n, d) L2-normalized vectors, cached.
    strategy: the query strategy that a configuration asks for, its random share included.
    models_dir: where classifiers are saved; None keeps none (simulations).
    lock: held while a step runs, never while waiting for people.
    say: one plain line for people.
    audits: False skips the search for wrong labels, where a perfect oracle makes none.
    reviews: False where nobody could adjudicate: there is no place for a review project.
    discovers: False skips the search for groups that may be classes, where nobody would look.
    namer: names such groups; None leaves it to their key phrases.
    scores: (true, predicted) classes of the test set -> what else a round measures on them.
    """

    store: Store
    annotator: Annotator
    project: ProjectRef
    vectors: Callable[[str, Sequence[str], Sequence[str]], Vectors]
    strategy: Callable[[Config], Strategy]
    models_dir: Path | None = None
    lock: Callable[[], AbstractContextManager[None]] = nullcontext
    say: Callable[[str], None] = quiet
    bar: Bar = no_bar
    audits: bool = True
    reviews: bool = True
    discovers: bool = True
    namer: Namer | None = None
    scores: Callable[[Sequence[str], Sequence[str]], Sequence[Metric]] = no_scores


def generator(config: Config, number: int, step: int) -> np.random.Generator:
    """Return the step's own generator, the same one after a crash."""
    return np.random.default_rng([config.seed, number, step])
