"""Which bars the stored runs of benchmarks/selection.py hold."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import selection_runs as runs
from common import rounded
from selection_runs import Run

OURS = "al-loop"
LOGISTIC = "logistic"
TARGET_SEEDS = 8  # random's accuracy at 1,200 labels of banking77 is their mean
CLASSES = 77
BANKING = "banking77-100"
AREAS = {BANKING: 0.840, "hwu64-100": 0.820, "massive_en-100": 0.752}
ENOUGH, ALL_SEEN = 500, 300  # labels on banking77
LOSS = 0.003  # of accuracy in a round, against random: less is no loss
LEAD = 0.01  # of area over the best peer, on average over the sets

Array: TypeAlias = npt.NDArray[np.float64]
Interval: TypeAlias = list[float] | None


@dataclass(frozen=True, slots=True)
class Player:
    """All runs of one strategy in one game, by seed."""

    library: str
    name: str
    head: str
    runs: Mapping[int, Run]

    @property
    def shown(self) -> str:
        """What the tables call it."""
        return self.name if self.head == LOGISTIC else f"{self.name}, head {self.head}"

    def curves(self, seeds: Iterable[int]) -> Array:
        """Return (seeds, rounds) accuracies."""
        return np.array([self.runs[seed]["accuracy"] for seed in seeds])

    def areas(self, seeds: Iterable[int]) -> Array:
        """Return (seeds,) mean accuracies over the rounds."""
        return self.curves(seeds).mean(axis=1)

    def seconds(self) -> float:
        """Return how long a query takes on average, without the first batch."""
        return float(np.mean([run["query_seconds"][1:] for run in self.runs.values()]))


Game: TypeAlias = list[Player]


def games(found: Iterable[Run]) -> tuple[dict[str, Game], list[Run]]:
    """Return the players of each set and batch, and the runs that failed."""
    by_player: dict[str, dict[tuple[str, str, str], dict[int, Run]]] = {}
    failed = []
    for run in found:
        if "failed" in run:
            failed.append(run)
            continue
        players = by_player.setdefault(f"{run['set']}-{run['batch']}", defaultdict(dict))
        players[run["library"], run["name"], run["head"]][run["seed"]] = run
    order = [f"{name}-{batch}" for name, batch in runs.GAMES]
    return {
        name: [Player(*key, of_seed) for key, of_seed in by_player[name].items()]
        for name in order
        if name in by_player
    }, failed


def find(game: Game, name: str, head: str) -> Player | None:
    """Return a strategy of al-loop."""
    wanted = (OURS, name, head)
    return next((p for p in game if (p.library, p.name, p.head) == wanted), None)


def is_peer(player: Player) -> bool:
    return player.library != OURS and player.name != runs.RANDOM


def interval(values: Array) -> tuple[Array, Array]:
    """Return the ends (...) of the mean's 95 % interval over the first axis; one value has none."""
    from al_loop.compare import stats

    if len(values) < 2:
        nothing = np.full(values.shape[1:], np.nan)
        return nothing, nothing
    return stats.interval(stats.resampled(values, np.random.default_rng(0)))


def ends(values: Array) -> Interval:
    """Return the ends of the interval of one mean."""
    low, high = interval(values)
    return None if np.isnan(low) else rounded([float(low), float(high)], 4)


def difference(one: Player, other: Player) -> Array:
    """Return (seeds,) differences of the areas over the seeds that both played."""
    both = sorted(set(one.runs) & set(other.runs))
    return one.areas(both) - other.areas(both) if both else np.empty(0)


def best_peer(ours: Player, game: Game) -> tuple[Player, Array] | None:
    """Return the peer that ours leads least, with the differences of the areas."""
    found = [(p, difference(ours, p)) for p in game if is_peer(p)]
    found = [(p, d) for p, d in found if len(d)]
    return min(found, key=lambda f: float(f[1].mean())) if found else None


def against_random(ours: Player, game: Game, batch: int) -> dict[str, Any] | None:
    """Return what each round gains over random labels with the same head and seeds."""
    by_chance = find(game, runs.RANDOM, ours.head)
    both = sorted(set(ours.runs) & set(by_chance.runs)) if by_chance else []
    if by_chance is None or not both:
        return None
    gains = ours.curves(both) - by_chance.curves(both)
    _, high = interval(gains)
    below = np.flatnonzero(high < -LOSS)
    return {
        "seeds": len(both),
        "area": round(float(gains.mean()), 4),
        "area_interval": ends(gains.mean(axis=1)),
        "rounds": rounded(gains.mean(axis=0).tolist(), 4),
        "labels_where_it_loses": [batch * (int(i) + 1) for i in below],
        "holds": not len(below) and float(gains.mean()) >= 0,
    }


def against_peers(ours: Player, game: Game) -> dict[str, Any] | None:
    """Return by how much ours leads the best peer."""
    found = best_peer(ours, game)
    if found is None:
        return None
    peer, leads = found
    return {
        "area": round(float(ours.areas(sorted(ours.runs)).mean()), 4),
        "best_peer": f"{peer.shown} ({peer.library})",
        "seeds": len(leads),
        "lead": round(float(leads.mean()), 4),
        "interval": ends(leads),
        "holds": float(leads.mean()) > 0,
    }


def on_banking(ours: Player, game: Game) -> dict[str, Any] | None:
    """Return how soon random's last accuracy is reached, and all classes are seen."""
    from al_loop.compare import stats

    by_chance = find(game, runs.RANDOM, LOGISTIC)
    seeds = [s for s in range(TARGET_SEEDS) if by_chance and s in by_chance.runs]
    if by_chance is None or not seeds:
        return None
    target = float(by_chance.curves(seeds)[:, -1].mean())
    curve = ours.curves(sorted(ours.runs)).mean(axis=0)
    labels = 100.0 * np.arange(1, len(curve) + 1)
    needed = float(stats.needed(labels, curve, target))
    seen = [
        100 * (run["classes"].index(CLASSES) + 1) if CLASSES in run["classes"] else None
        for run in ours.runs.values()
    ]
    return {
        "random_at_1200": round(target, 4),
        "random_seeds": len(seeds),
        "labels_needed": round(needed) if np.isfinite(needed) else None,
        "labels_until_all_classes": seen,
        "holds": needed <= ENOUGH and all(n is not None and n <= ALL_SEEN for n in seen),
    }


def bars(found: Mapping[str, Game], name: str, head: str) -> dict[str, Any] | None:
    """Return all bars of a strategy under a head; None where it has not played."""
    playing = {g: (find(game, name, head), game) for g, game in found.items()}
    ours = {g: (player, game) for g, (player, game) in playing.items() if player}
    if not ours:
        return None
    chance = {g: against_random(p, game, int(g.split("-")[-1])) for g, (p, game) in ours.items()}
    peers = {g: against_peers(p, game) for g, (p, game) in ours.items()}
    leads = [bar["lead"] for bar in peers.values() if bar]
    areas = {g: bar["area"] for g, bar in peers.items() if bar and g in AREAS and head == LOGISTIC}
    return {
        "strategy": name,
        "head": head,
        "against_random": chance,
        "against_peers": peers,
        "mean_lead": round(float(np.mean(leads)), 4) if leads else None,
        "mean_lead_holds": bool(leads) and float(np.mean(leads)) >= LEAD,
        "areas": {
            g: {"area": a, "bar": AREAS[g], "holds": a >= AREAS[g]} for g, a in areas.items()
        },
        "banking77": on_banking(*ours[BANKING]) if BANKING in ours else None,
    }
