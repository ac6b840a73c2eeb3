"""The peers of benchmarks/selection.py, each as it comes, on the runs of selection_runs.py.

    python benchmarks/selection.py peers --peers-python PATH

starts this file with the interpreter of an environment that holds peers_requirements.txt; al-loop
is not needed in it.

Every peer is given the frozen vectors, the labels so far and the fitted head, and is left at its
defaults. Those of scikit-activeml that choose without labels choose their first batch themselves:
TypiClust, ProbCover and MaxHerding by design, CoreSet from a random row on. So does modAL's ranked
batch. All others start from the first batch of the run `random`: scikit-activeml's
UncertaintySampling, Badge, DropQuery and Falcun want a fitted model, its ContrastiveAL draws at
random without labels, and the learner of small-text has to be initialized with labels.
"""

import argparse
import functools
import resource
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import selection_runs as runs
from selection_runs import Choose, Data, Key, Positions, Run, State, Vectors
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

SEEDS = 5
SLOW_SEEDS = 2
_MOST_MEMORY = 18 * 2**30  # Badge's gradients of clinc150 would take more than many a machine has
_TYPICLUST = "TypiClust"

#: seed -> what chooses the batches of one run after the first, or all of them.
Make: TypeAlias = Callable[[int], Choose]


@dataclass(frozen=True, slots=True)
class Peer:
    """A strategy of another library.

    starts: chooses its first batch itself.
    quick: took under 1 s a query on hwu64 with batches of 100.
    slow: took over 5 s there.
    """

    name: str
    library: str
    make: Make
    starts: bool = False
    quick: bool = False
    slow: bool = False


def head(X: Vectors, y: Positions, _pool: Vectors) -> LogisticRegression:
    """Fit the head that al-loop has too."""
    return LogisticRegression(C=10, max_iter=2_000).fit(X, y)


def activeml(seed: int, *, name: str, **options: Any) -> Choose:
    """Return a strategy of scikit-activeml, which is one object through a run."""
    from skactiveml import pool

    strategy = getattr(pool, name)(random_state=seed, **options)
    wants_model = "clf" in strategy.query.__code__.co_varnames

    def choose(state: State) -> Positions:
        y = np.full(len(state.data.y), np.nan)
        y[state.labeled] = state.data.y[state.labeled]
        model = {"clf": _fitted(state.model), "fit_clf": False} if wants_model else {}
        return np.asarray(strategy.query(state.data.X, y, batch_size=state.batch, **model))

    return choose


def _fitted(model: LogisticRegression) -> Any:
    """Return the head as scikit-activeml wants a classifier; it would fit a second one else."""
    from skactiveml.base import SkactivemlClassifier

    class Fitted(SkactivemlClassifier):  # type: ignore[misc]
        def fit(self, _X: Vectors, _y: Positions) -> "Fitted":
            return self

        def predict_proba(self, X: Vectors) -> Any:
            return model.predict_proba(X)

        def predict(self, X: Vectors) -> Any:
            return model.predict(X)

    return Fitted()


def small_text(seed: int, *, name: str, **options: Any) -> Choose:
    """Return a strategy of small-text, which draws from NumPy's global generator."""
    from small_text import query_strategies

    strategy = getattr(query_strategies, name)(**options)

    def choose(state: State) -> Positions:
        np.random.seed([seed, state.number])  # noqa: NPY002
        data, labeled = state.data, state.labeled
        adapter = _Embedding(state.model)
        return np.asarray(
            strategy.query(
                adapter, data.X, state.unlabeled(), labeled, data.y[labeled], n=state.batch
            )
        )

    return choose


class _Embedding:
    """The head as small-text wants a classifier: a text's embedding is its frozen vector."""

    def __init__(self, model: LogisticRegression) -> None:
        self._model = model

    def predict_proba(self, X: Vectors) -> Any:
        return self._model.predict_proba(X)

    def embed(self, X: Vectors, return_proba: bool = False, pbar: object = None) -> Any:
        return (X, self.predict_proba(X)) if return_proba else X


def ranked_batch(_seed: int) -> Choose:
    """Return modAL's ranked batch mode, which draws nothing."""
    from modAL.batch import uncertainty_batch_sampling
    from modAL.models import ActiveLearner

    def choose(state: State) -> Positions:
        left = state.unlabeled()
        model = LogisticRegression() if state.model is None else state.model
        learner = ActiveLearner(estimator=model, query_strategy=uncertainty_batch_sampling)
        if len(state.labeled):  # as if the learner had fitted the head itself
            learner.X_training = state.data.X[state.labeled]
            learner.y_training = state.data.y[state.labeled]
        chosen, _ = learner.query(state.data.X[left], n_instances=state.batch)
        return left[chosen]

    return choose


def _activeml(name: str, shown: str = "", options: Any = None, **facts: bool) -> Peer:
    make = partial(activeml, name=name, **(options or {}))
    return Peer(shown or name, "scikit-activeml", make, **facts)


def _small_text(name: str, options: Any = None, **facts: bool) -> Peer:
    return Peer(name, "small-text", partial(small_text, name=name, **(options or {})), **facts)


PEERS = (
    _activeml("UncertaintySampling", "margin", {"method": "margin_sampling"}, quick=True),
    _activeml("UncertaintySampling", "entropy", {"method": "entropy"}, quick=True),
    _activeml("DropQuery", quick=True),
    _activeml("Falcun", quick=True),
    _activeml("CoreSet", quick=True, starts=True),
    _activeml("ContrastiveAL", quick=True),
    _small_text("BreakingTies", quick=True),
    _small_text("EmbeddingKMeans", quick=True),
    _small_text("LightweightCoreset", quick=True),
    _activeml(_TYPICLUST, starts=True),
    _activeml("MaxHerding", starts=True, slow=True),
    _small_text("ContrastiveActiveLearning", {"pbar": None}),
    _activeml("ProbCover", starts=True, slow=True),
    Peer("ranked batch", "modAL-python", ranked_batch, starts=True, slow=True),
    _small_text("GreedyCoreset", slow=True),
    _activeml("Badge", slow=True),
)


@dataclass(frozen=True, slots=True)
class Player:
    """A peer as it plays: what chooses its first batch, then it."""

    name: str
    library: str
    first: Make
    then: Make
    seeds: int


def by_chance(_seed: int) -> Choose:
    """Return what chooses the batches of the run `random`."""
    return runs.at_random


def players() -> Iterator[Player]:
    """Yield who plays, in this order: quick ones, slow ones, quick ones after typical points."""
    yield Player(runs.RANDOM, "scikit-learn", by_chance, by_chance, SEEDS)
    quick = [p for p in PEERS if p.quick]
    yield from map(as_it_comes, quick)
    typical = next(p for p in PEERS if p.name == _TYPICLUST)
    yield as_it_comes(typical)
    yield from (as_it_comes(p) for p in PEERS if not p.quick and p is not typical)
    for p in quick:
        yield Player(f"{p.name} after {_TYPICLUST}", p.library, typical.make, p.make, SEEDS)


def as_it_comes(peer: Peer) -> Player:
    """Return a peer that starts at random, where it doesn't start by itself."""
    first = peer.make if peer.starts else by_chance
    return Player(peer.name, peer.library, first, peer.make, SLOW_SEEDS if peer.slow else SEEDS)


def queue(cache: Path) -> Iterator[tuple[Key, Callable[[], Run]]]:
    """Yield all runs in the order in which they are played: one seed of everybody first."""
    load = functools.lru_cache(maxsize=1)(runs.load)
    for seeds in (range(1), range(1, SLOW_SEEDS), range(SLOW_SEEDS, SEEDS)):
        for player in players():
            for name, batch in runs.GAMES:
                for seed in (s for s in seeds if s < player.seeds):
                    key = Key(name, batch, "logistic", player.library, player.name, seed)
                    yield key, partial(play, key, player, partial(load, name, cache))


def play(key: Key, player: Player, load: Callable[[], Data]) -> Run:
    """Play one run."""
    then = player.then(key.seed)
    # A strategy of scikit-activeml may keep what it computed in the first batch.
    first = then if player.first is player.then else player.first(key.seed)
    choose: Choose = lambda state: (then if len(state.labeled) else first)(state)  # noqa: E731
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        curve = runs.play(load(), key.batch, key.seed, choose, head)
    return curve | {"versions": runs.versions(*{player.library, "scikit-learn", "numpy"})}


def seconds(cache: Path, name: str, batch: int, labels: int, seed: int) -> float:
    """Return how long a query of TypiClust takes a processor after some random labels."""
    data = runs.load(name, cache)
    state = State(data, batch, seed, runs.order(data, seed)[:labels], None)
    choose = activeml(seed, name=_TYPICLUST)
    with threadpool_limits(1):
        began = time.process_time()
        choose(state)
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, default=runs.CACHE)
    parser.add_argument("--again", nargs="*", default=(), metavar="NAME")
    parser.add_argument("--time", nargs=4, metavar=("SET", "BATCH", "LABELS", "SEED"))
    given = parser.parse_args()
    if given.time:
        name, *numbers = given.time
        print(seconds(given.cache, name, *map(int, numbers)))
        return
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    runs.play_missing(queue(given.cache), given.again)


if __name__ == "__main__":
    main()
