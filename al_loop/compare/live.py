"""The labels that a project has, replayed: which strategy to use next, and how sure that is.

A replay starts from three tenths of the labels, drawn anew for each seed, and buys four more
tenths in batches of one: near to where the project stands, and with a pool left to choose from.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from al_loop.app import App
from al_loop.compare import shelf, words
from al_loop.compare.series import Order, Watch, compare
from al_loop.errors import InputError
from al_loop.imports import TEST_LEAST, TEST_SHARE
from al_loop.loop.parts import Vectors
from al_loop.simulate import Plan, Say, World
from al_loop.store import Store, answers, items, open_store, results, rounds
from al_loop.types import ClassSpec, Role

LEAST = 100  # labels to replay, without those to measure on
STRATEGIES = ("auto", "clusters", "margin", "entropy", "random")
ROUNDS = 4  # of a tenth each

_START = 0.3
_TEST_STEP, _START_STEP = 8, 9  # of the random generators [seed, step]
_STAY = "stay with"
_GIVEN = "no batch"  # where labels come from that came with the data, or of a round taken back


@dataclass(frozen=True, slots=True)
class Labels:
    """What a replay uses: (id, text, text hash, label) of each text, and where they are from.

    test_from: "test set", or "random share" for texts that were drawn at random.
    chosen_by: source of a label to be replayed -> how many.
    """

    pool: tuple[tuple[str, str, str, str], ...]
    test: tuple[tuple[str, str, str, str], ...]
    classes: tuple[str, ...]
    test_from: str
    chosen_by: Mapping[str, int]

    @property
    def digest(self) -> str:
        """What the data set is known by."""
        return shelf.digest([[r[0::3] for r in part] for part in (self.pool, self.test)])


@dataclass(frozen=True, slots=True)
class Wish:
    """What `al-loop recommend` was asked for; no names: those of `STRATEGIES`."""

    names: Sequence[str] = ()
    seeds: int = 5
    jobs: int = 0


def recommend(app: App, wish: Wish, watch: Watch, say: Say) -> dict[str, Any]:
    """Return the facts of a comparison on the project's labels, with `advice` and `bias`.

    Everything is held against the configured strategy. Nothing of the project is changed.

    Raises:
        InputError: too few labels to replay, or to measure on; says how many are needed.
    """
    labels = gather(app.store, app.config.seed)
    batch = len(labels.pool) // 10
    say(
        f"replaying {len(labels.pool)} labels in batches of {batch},"
        f" measured on {len(labels.test)} texts ({labels.test_from})"
    )
    order = Order(
        names=[*(wish.names or STRATEGIES)],
        seeds=wish.seeds,
        plan=lambda seed: Plan(
            "", ROUNDS, batch, seed, labeled_ids=_start(labels, seed), known_classes=labels.classes
        ),
        config=app.config,
        data=labels.digest,
        folder=app.workspace.state_dir / "compare",
        jobs=wish.jobs,
        reference=app.config.batch.strategy,
    )

    def load() -> World:
        return _world(labels, lambda h, t: app.vectors(app.config.model.encoder, h, t))

    found = compare(order, load, watch, say, {"measured_on": labels.test_from})
    return found | {"advice": advice(found), "bias": _bias(labels)}


def gather(store: Store, seed: int) -> Labels:
    """Read the labels of a project, and hold out what is to be measured on if it has no test set.

    Raises:
        InputError: too few.
    """
    pool, test = answers.labeled(store, "pool"), answers.labeled(store, "test")
    test_from = "test set"
    if len(test) < TEST_LEAST:
        drawn = results.random_items(store)
        fair = [row for row in pool if row[0] in drawn]
        if len(fair) < TEST_LEAST:
            raise InputError(
                f"nothing to measure on: {len(test)} labels in the test set and {len(fair)} of"
                f" texts that were drawn at random, {TEST_LEAST} are needed of either",
                hint="al-loop import --test FILE adds labeled texts to measure on",
            )
        n = min(len(fair), max(TEST_LEAST, round(TEST_SHARE * len(pool))))
        rng = np.random.default_rng([seed, _TEST_STEP])
        test = [fair[i] for i in np.sort(rng.choice(len(fair), n, replace=False))]
        held = {row[0] for row in test}
        pool = [row for row in pool if row[0] not in held]
        test_from = "random share"
    if len(pool) < LEAST:
        raise InputError(
            f"too few labels to replay: {len(pool)}, {LEAST} are needed"
            f" beside the {len(test)} to measure on",
            hint=f"label {LEAST - len(pool)} more texts: al-loop round; or al-loop compare --data"
            " FILE on labeled texts that are like yours",
        )
    classes = tuple(c.name for c in items.classes(store))
    return Labels(tuple(pool), tuple(test), classes, test_from, _chosen_by(store, pool))


def _chosen_by(store: Store, pool: Sequence[tuple[str, str, str, str]]) -> dict[str, int]:
    """Count the labels by the strategy that asked for them last; the random share is `random`.

    What `auto` chose in one way or another ("auto typical") is its own.
    """
    source: dict[str, str] = {}
    for number in range(1, rounds.last_number(store) + 1):
        batch = rounds.batch(store, number)
        # A second look asks about what was chosen before.
        source |= {b.item_id: b.strategy.partition(" ")[0] for b in batch if b.look == 0}
    return dict(Counter(source.get(row[0], _GIVEN) for row in pool).most_common())


def _start(labels: Labels, seed: int) -> list[str]:
    n, rng = len(labels.pool), np.random.default_rng([seed, _START_STEP])
    drawn = rng.choice(n, round(_START * n), replace=False)
    return [labels.pool[i][0] for i in np.sort(drawn)]


def _world(labels: Labels, vectors: Callable[[Sequence[str], Sequence[str]], Vectors]) -> World:
    store = open_store(None)
    with store.tx():
        rows = [*labels.pool, *labels.test]
        number = items.begin_import(store, "the project", "pool")
        for i, (id_, text, hash_, label) in enumerate(rows):
            role: Role = "pool" if i < len(labels.pool) else "test"
            items.add_item(store, id_, i, text, hash_, role)
            items.put_alias(store, items.Alias(id_, id_, number, i, label, {}))
        items.add_classes(store, [ClassSpec(name) for name in labels.classes], "data")
        answers.refresh_labels(store)
    return World.of(store, vectors([row[2] for row in rows], [row[1] for row in rows]))


def advice(found: Mapping[str, Any]) -> dict[str, Any]:
    """Say which strategy to use next: `use`, whether that is `sure`, and the `words` for it.

    The present strategy stays, unless another one's lead over it is more than chance.
    """
    now = found["target"]["reference"]
    best = found["strategies"][0]["strategy"]
    if best == now:
        return {"use": now, "now": now, **_stay(found, now)}
    sure = words.pair_of(found, best, now)["sure"]
    lead = words.against(found, best, now)
    if not sure:
        return {"use": now, "now": now, "sure": False, "words": f"{_STAY} {now}: {lead}"}
    said = f'use {best} next, [batch] strategy = "{best}" in config.toml: {lead}'
    return {"use": best, "now": now, "sure": True, "words": said}


def _stay(found: Mapping[str, Any], now: str) -> dict[str, Any]:
    others = [s["strategy"] for s in found["strategies"][1:]]
    worse = [name for name in others if words.pair_of(found, name, now)["sure"]]
    surely = f", surely better than {', '.join(worse)}" if worse else ""
    said = f"{_STAY} {now}: nothing did better in the replay{surely}"
    return {"sure": len(worse) == len(others), "words": said}


def _bias(labels: Labels) -> dict[str, Any]:
    """Name what a replay of chosen labels can't show."""
    total = sum(labels.chosen_by.values())
    by = ", ".join(f"{name} {n}" for name, n in labels.chosen_by.items())
    said = [f"the {total} labels of the replay were chosen by: {by}"]
    active = {k: n for k, n in labels.chosen_by.items() if k not in ("random", _GIVEN)}
    if active:
        most = max(active, key=lambda name: active[name])
        said += [
            f"bias: {sum(active.values()) / total:.0%} of them were chosen by a strategy, most by"
            f" {most}. What it passed over has no label, so no strategy can take it here: that"
            f" favors {most}, and makes random look better than it is on all texts",
        ]
    if _GIVEN in labels.chosen_by:
        said.append("how texts were chosen whose labels no batch asked for is not known")
    said.append(
        f"measured on {len(labels.test)} texts ({labels.test_from}): one text is"
        f" {1 / len(labels.test):.1g} of accuracy"
    )
    return {"chosen_by": dict(labels.chosen_by), "words": said}
