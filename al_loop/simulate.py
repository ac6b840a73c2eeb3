"""Play the loop through on labeled data: the same steps, with an oracle instead of people."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeAlias

import numpy as np

from al_loop import app, cache, imports, openness, registry
from al_loop.annotators.oracle import Oracle
from al_loop.bars import Bar, no_bar
from al_loop.config import Config, override
from al_loop.errors import InputError, NothingToSelect
from al_loop.imports import Request
from al_loop.lean import one_thread
from al_loop.loop import machine
from al_loop.loop.parts import Parts, Vectors, quiet
from al_loop.store import Store, items, open_store, play, results, tasks
from al_loop.types import Metric
from strategies.base import Picks, PoolView, Strategy

Say: TypeAlias = Callable[[str], None]
#: What else is read from the database of a run that has ended.
Look: TypeAlias = Callable[[Store], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class World:
    """A data set with its labels in it, and the (n, d) vectors of its texts; `rows` by hash."""

    store: Store
    matrix: Vectors
    rows: Mapping[str, int]

    @classmethod
    def of(cls, store: Store, matrix: Vectors) -> Self:
        """Put a store together with the vectors of its texts in order of arrival."""
        return cls(store, matrix, {t[2]: i for i, t in enumerate(items.texts(store))})

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open what `save` wrote; processes share the memory of the vectors."""
        return cls.of(play.reopened(path), np.load(_beside(path), mmap_mode="r"))

    def save(self, path: Path) -> None:
        """Write the world into a file, and its vectors beside it, for other processes."""
        play.copy(self.store, path).close()
        np.save(_beside(path), self.matrix)

    def vectors(self, _encoder: str, hashes: Sequence[str], _texts: Sequence[str]) -> Vectors:
        """Return (m, d) vectors of some texts."""
        found: Vectors = np.asarray(self.matrix[[self.rows[h] for h in hashes]])
        return found


def _beside(path: Path) -> Path:
    return path.with_suffix(".npy")


@dataclass(frozen=True, slots=True)
class Plan:
    """What one run does.

    budget: answers to split evenly over the rounds, instead of `batch` a round.
    labeled_ids: start with their labels, which are not counted.
    noise: share of wrong answers of whoever answers.
    people: those who answer in turn, with the share of wrong answers of each, instead.
    """

    strategy: str
    rounds: int
    batch: int
    seed: int
    budget: int | None = None
    labeled_ids: Collection[str] = ()
    known_classes: Sequence[str] = ()
    noise: float = 0.0
    people: Mapping[str, float] = field(default_factory=dict)

    @property
    def sizes(self) -> list[int]:
        """Texts of each round's batch; those of a budget differ by one at most, larger first."""
        if self.budget is None:
            return [self.batch] * self.rounds
        each, over = divmod(self.budget, self.rounds)
        return [each + (i < over) for i in range(self.rounds)]


def nothing(_store: Store) -> Mapping[str, Any]:
    """Read nothing else."""
    return {}


def load(request: Request, config: Config, bar: Bar = no_bar) -> World:
    """Read a labeled file (and a test file) and encode its texts through the user's cache.

    Without a test file a random part of the data becomes the test set.

    Raises:
        DataError: a file can't be read, or no row has a label.
    """
    store = open_store(None)
    with store.tx():
        report = imports.run(store, request, config, _silent, draw=request.test is None)
    data = request.data
    if not any(f.counts.labeled for f in report.files if f.role == "pool"):
        raise InputError(f"{data}: no row has a label", hint="name its column with --label")
    if not report.test_size:
        raise InputError(
            f"{data}: too few labeled rows to set some aside for testing",
            hint="give a test file with --test",
        )
    texts = items.texts(store)
    hashes = [t[2] for t in texts]
    return World.of(store, cache.vectors(config.model.encoder, hashes, [t[1] for t in texts], bar))


def run(world: World, config: Config, plan: Plan, also: Look = nothing) -> dict[str, Any]:
    """Play one run and return its curve, one entry a round in each list, and what `also` adds.

    Classes that have a name or a label at the start are known, all others novel; see
    `openness.scores` for what is measured on both. `unseen_estimate` is [low, estimate, high] of
    the classes that have neither yet, with a 90 % interval. What can't be measured is None.
    `query_seconds` are those that the strategy took to choose, without training a model. Ends
    early, with shorter lists, when no text is left. One thread computes, so that the same plan
    gives the same digits on any number of processors, and in whatever process.

    Raises:
        InputError: the batch asks for more answers to a text than there are people.
    """
    store = play.copy(world.store)
    store.set_meta("uuid", f"simulation-{plan.seed}")
    gold = play.hide_labels(store, plan.labeled_ids, plan.known_classes)
    # The classes of a config.toml are no knowledge here: --known-classes says what is known.
    settings = config.model_copy(update={"seed": plan.seed, "classes": {}})
    spent: list[float] = []
    parts = Parts(
        store=store,
        annotator=_oracle(gold, settings, plan),
        project=tasks.make_project(store, "oracle", "simulation"),
        vectors=world.vectors,
        strategy=lambda chosen: _timed(app.strategy(chosen), spent),
        audits=config.batch.relabel == "auto",  # what several people's answers add up to
        discovers=False,
        scores=partial(openness.scores, known={c.name for c in items.classes(store)}),
    )
    _play(parts, settings, plan)
    curve: dict[str, Any] = {**_curve(store), "query_seconds": spent, **also(store)}
    store.close()
    return {"strategy": plan.strategy, "seed": plan.seed, **curve}


def _play(parts: Parts, config: Config, plan: Plan) -> None:
    import sklearn.linear_model  # noqa: F401 - the cap is on what is loaded, SciPy's BLAS too

    with one_thread():
        for size in plan.sizes:
            chosen = override(config, "batch", strategy=plan.strategy, size=size)
            try:
                machine.run(parts, chosen, machine.Options(wait=True))
            except NothingToSelect:
                return


def _oracle(gold: Mapping[str, str], config: Config, plan: Plan) -> Oracle:
    overlap = config.batch.overlap
    alike = {f"oracle {i + 1}": plan.noise for i in range(overlap.annotators)}
    people = plan.people or alike
    if overlap.share and len(people) < overlap.annotators:
        raise InputError(
            f"--annotators: {len(people)} people can't give the {overlap.annotators} answers that"
            " [batch.overlap] annotators asks for",
            hint="name more people, or set [batch.overlap] share = 0 in the file of --config",
        )
    return Oracle(gold, mistakes=people, seed=plan.seed, people=tuple(people))


def _timed(strategy: Strategy, spent: list[float]) -> Strategy:
    def timed(pool: PoolView, n: int, rng: np.random.Generator) -> Picks:
        began = time.perf_counter()
        found = strategy(pool, n, rng)
        spent.append(round(time.perf_counter() - began, 4))
        return found

    return timed


def _silent(_file: str, _rows: int) -> None:
    """Draw nothing while a file is read."""


def _curve(store: Store) -> dict[str, list[Any]]:
    history = results.history(store)
    keys = ("labels", "accuracy", "macro_f1", "classes_seen")
    curve: dict[str, list[Any]] = {key: [r[key] for r in history] for key in keys}
    found = [results.metrics(store, r["number"]) for r in history]
    for name in openness.NAMES:
        curve[name] = [f[name].value if name in f else None for f in found]
    curve["unseen_estimate"] = [_interval(f.get("unseen")) for f in found]
    curve["seconds"] = [float(np.round(sum(r["seconds"].values()), 3)) for r in history]
    return curve


def _interval(metric: Metric | None) -> list[float | None] | None:
    return None if metric is None else [metric.low, metric.value, metric.high]


def run_seeds(
    request: Request,
    config: Config,
    plan: Plan,
    seeds: int,
    *,
    bar: Bar = no_bar,
    say: Say = quiet,
) -> list[dict[str, Any]]:
    """Play the same plan with seeds 0 to `seeds` - 1."""
    registry.check_name(plan.strategy)
    app.strategy(override(config, "batch", strategy=plan.strategy))
    world = load(request, config, bar)
    say(f"{items.count(world.store, 'pool')} texts, {items.count(world.store, 'test')} for testing")
    runs = []
    with bar(seeds, "runs") as draw:
        for seed in range(seeds):
            runs.append(run(world, config, replace(plan, seed=seed)))
            draw(seed + 1)
    return runs
