"""A series of runs: those that are stored are read, the others played; facts come out."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from al_loop import app, registry
from al_loop.compare import shelf, summary, work
from al_loop.config import Config, override
from al_loop.files import lock
from al_loop.simulate import Plan, Say, World

Run: TypeAlias = dict[str, Any]

FOLDER = "al-loop-compare"  # where no workspace is; in one, .al-loop/compare


@dataclass(frozen=True, slots=True)
class Order:
    """What to compare.

    plan: seed -> what to play with it, whatever the strategy.
    config, data: with which settings, on which data set, named by a digest.
    folder: holds the finished runs.
    jobs: runs at a time; 0: as many as processors.
    reference: the strategy that the others are held against; added if it is not among `names`.
    target: the accuracy to reach; None: the reference's last.
    """

    names: Sequence[str]
    seeds: int
    plan: Callable[[int], Plan]
    config: Config
    data: str
    folder: Path
    jobs: int = 0
    reference: str = "random"
    target: float | None = None

    @property
    def strategies(self) -> tuple[str, ...]:
        """The distinct names, the reference among them."""
        return tuple(dict.fromkeys([*self.names, self.reference]))

    @property
    def plans(self) -> list[Plan]:
        """All runs, a seed of every strategy before the next seed."""
        plans = map(self.plan, range(self.seeds))
        return [replace(plan, strategy=name) for plan in plans for name in self.strategies]


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a series stands. `run` is the one just finished, None when only time has passed.

    seconds_left: about; None before any run tells how long one takes.
    """

    done: int
    total: int
    run: Run | None
    seconds_left: float | None


Watch: TypeAlias = Callable[[Progress], None]


def compare(
    order: Order,
    load: Callable[[], World],
    watch: Watch,
    say: Say,
    settings: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Play what is missing, and return the facts of `summary.facts`; `load` is called if needed.

    Raises:
        ConfigError: a strategy is not there, or its options are wrong; nothing was played.
        Locked: another process plays into the same folder.
        AlLoopError: a run failed. What was finished is stored.
    """
    for name in order.strategies:
        registry.check_name(name)
        app.strategy(override(order.config, "batch", strategy=name))
    records = _play(order, load, watch, say)
    plan = order.plan(0)
    used = {
        "seeds": order.seeds,
        "rounds": plan.rounds,
        "batch": plan.batch,
        "noise": plan.noise,
        "people": dict(plan.people),
        "labeled_at_start": len(plan.labeled_ids),
        "texts": records[0]["texts"],
    }
    notes = ["the intervals tell what other seeds would bring on these texts, not on others"]
    if order.reference not in order.names:
        notes += [f"{order.reference} was added: the others are held against it"]
    return summary.facts(
        [record["run"] for record in records],
        reference=order.reference,
        target=order.target,
        settings={**used, **(settings or {})},
        notes=notes,
    )


def _play(order: Order, load: Callable[[], World], watch: Watch, say: Say) -> list[dict[str, Any]]:
    """Return the records of all runs in the order of the plans."""
    folder = order.folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with lock(folder / "lock"):
        shelf.tidy(folder)
        tasks = [
            work.Task(plan, folder / shelf.name(order.data, order.config, plan))
            for plan in order.plans
        ]
        found = [shelf.get(task.path) for task in tasks]
        missing = [task for task, record in zip(tasks, found, strict=True) if record is None]
        there = [record["run"] for record in found if record is not None]
        if there:
            say(f"{len(there)} of {len(tasks)} runs were there already, in {folder}")
        if missing:
            _play_missing(order, missing, there, load(), watch)
        return [record for task in tasks if (record := shelf.get(task.path)) is not None]


def _play_missing(
    order: Order, missing: Sequence[work.Task], there: Sequence[Run], world: World, watch: Watch
) -> None:
    jobs = min(order.jobs or work.processors(), len(missing))
    total = len(missing) + len(there)
    finished, left = list(there), [task.plan.strategy for task in missing]
    path = order.folder / f"world-{order.data}.db"
    world.save(path)
    try:
        with closing(work.play_all(missing, path, order.config, jobs)) as runs:
            for run in runs:
                if run is not None:
                    finished.append(run)
                    left.remove(run["strategy"])
                watch(Progress(len(finished), total, run, _seconds_left(finished, left, jobs)))
    finally:
        shelf.tidy(order.folder)


def _seconds_left(finished: Sequence[Run], left: Sequence[str], jobs: int) -> float | None:
    """Estimate by the runs of the same strategy, or else by all."""
    if not finished:
        return None
    took: dict[str, list[float]] = {}
    for run in finished:
        took.setdefault(run["strategy"], []).append(sum(run["seconds"]))
    means = {strategy: sum(times) / len(times) for strategy, times in took.items()}
    overall = sum(means.values()) / len(means)
    return sum(means.get(strategy, overall) for strategy in left) / jobs
