"""Play the loop through on labeled data: the same steps, with an oracle instead of people."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from al_loop import app, cache, imports, registry
from al_loop.annotators.oracle import Oracle
from al_loop.bars import Bar, no_bar
from al_loop.config import Config, override
from al_loop.errors import InputError, NothingToSelect
from al_loop.imports import Request
from al_loop.loop import machine
from al_loop.loop.parts import Parts, Vectors, quiet
from al_loop.store import Store, items, open_store, play, results, tasks

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class World:
    """A data set with its labels in it, and the vectors of all its texts by hash."""

    store: Store
    vectors: Callable[[str, Sequence[str], Sequence[str]], Vectors]


@dataclass(frozen=True, slots=True)
class Plan:
    """What one run does; `labeled_ids` start with their labels, which are not counted."""

    strategy: str
    rounds: int
    batch: int
    seed: int
    labeled_ids: Collection[str] = ()
    known_classes: Sequence[str] = ()


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
    matrix = cache.vectors(config.model.encoder, hashes, [t[1] for t in texts], bar)
    row = {h: i for i, h in enumerate(hashes)}

    def look_up(_encoder: str, wanted: Sequence[str], _texts: Sequence[str]) -> Vectors:
        found: Vectors = matrix[[row[h] for h in wanted]]
        return found

    return World(store, look_up)


def run(world: World, config: Config, plan: Plan) -> dict[str, Any]:
    """Play one run and return its curve, one entry a round in each list.

    Ends early, with shorter lists, when no text is left.
    """
    store = play.copy(world.store)
    store.set_meta("uuid", f"simulation-{plan.seed}")
    gold = play.hide_labels(store, plan.labeled_ids, plan.known_classes)
    settings = override(config, "batch", strategy=plan.strategy, size=plan.batch)
    # The classes of a config.toml are no knowledge here: --known-classes says what is known.
    settings = settings.model_copy(update={"seed": plan.seed, "classes": {}})
    people = tuple(f"oracle {i + 1}" for i in range(settings.batch.overlap.annotators))
    parts = Parts(
        store=store,
        annotator=Oracle(gold, people=people),
        project=tasks.make_project(store, "oracle", "simulation"),
        vectors=world.vectors,
        strategy=app.strategy,
        audits=False,
    )
    for _ in range(plan.rounds):
        try:
            machine.run(parts, settings, machine.Options(wait=True))
        except NothingToSelect:
            break
    curve = _curve(results.history(store))
    store.close()
    return {"strategy": plan.strategy, "seed": plan.seed} | curve


def _silent(_file: str, _rows: int) -> None:
    """Draw nothing while a file is read."""


def _curve(history: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    keys = ("labels", "accuracy", "macro_f1", "classes_seen")
    curve: dict[str, list[Any]] = {key: [r[key] for r in history] for key in keys}
    curve["seconds"] = [float(np.round(sum(r["seconds"].values()), 3)) for r in history]
    return curve


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
