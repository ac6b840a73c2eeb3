"""What a run of benchmarks/discovery.py is: its data, how it is played, how it is stored."""

import gzip
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import numpy as np
from common import RESULTS, ROOT, say

from al_loop import simulate
from al_loop.config import Config
from al_loop.imports import Request
from al_loop.simulate import Plan, World
from al_loop.store import Store, first_seen

Run: TypeAlias = dict[str, Any]
Rows: TypeAlias = list[dict[str, Any]]

DATA = ROOT.parent / "shared" / "data"
STORED = RESULTS / "discovery"
NID, RANDOM = "banking77_nid", "random"
#: From nothing, and with all but the rare classes known.
RARE, RARE_KNOWN = "clinc150-rare", "clinc150-rare-known"
CONVENTION = "textoir"
LABELED = 0.1  # of each known class, as in that protocol
#: There this share of the classes has so many texts in the pool; so many of them are sought.
RARE_CLASSES, RARE_TEXTS, RARE_SOUGHT = 0.2, 5, 0.9
DRAWS = 400  # of a random order, for what random needs there
#: What the runs depend on, of al-loop: those of `random`, and all others.
CODE = (
    "strategies/unseen.py",
    "al_loop/loop/knowledge.py",
    "al_loop/simulate.py",
    *(
        f"al_loop/{name}.py"
        for name in ("heads", "head_choice", "learner", "selftrain", "training")
    ),
)
CHOOSERS = "strategies/*.py"


@dataclass(frozen=True, slots=True)
class Game:
    """How a run is played; ratio 0 starts without any label or name."""

    name: str
    set: str
    ratio: float
    answers: int
    rounds: int


GAMES = {
    game.name: game
    for game in (
        *(Game(f"{NID}-{ratio}", NID, ratio, 530, 7) for ratio in (0.25, 0.5, 0.75)),
        Game(RARE, "clinc150", 0.0, 1_200, 12),
        Game(RARE_KNOWN, "clinc150", 1 - RARE_CLASSES, 1_200, 12),
        Game("clinc150-0.25", "clinc150", 0.25, 1_025, 7),
        Game("hwu64-0.25", "hwu64", 0.25, 530, 7),
        Game("massive_en-0.25", "massive_en", 0.25, 530, 7),
    )
}


@dataclass(frozen=True, slots=True)
class Key:
    """What tells a stored run from all others of its game."""

    game: str
    strategy: str
    seed: int

    @classmethod
    def of(cls, run: Mapping[str, Any]) -> "Key":
        """Return the key of a stored run."""
        return cls(run["game"], run["strategy"], run["seed"])

    def path(self) -> Path:
        """Return the file that the runs of its game are stored in."""
        return STORED / f"{self.game}.jsonl"


def stored(game: str) -> dict[Key, Run]:
    """Return the finished runs of a game."""
    path = Key(game, "", 0).path()
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return {Key.of(run): run for run in map(json.loads, lines)}


def keep(key: Key, found: Mapping[str, Any]) -> None:
    """Store a run in place of an earlier one with its key, so that no kill leaves half a line."""
    runs = stored(key.game) | {key: dict(found)}
    ordered = sorted(runs, key=lambda k: (k.strategy, k.seed))
    STORED.mkdir(parents=True, exist_ok=True)
    beside = key.path().with_suffix(".new")
    with beside.open("w", encoding="utf-8") as f:
        f.writelines(json.dumps(runs[k], ensure_ascii=False) + "\n" for k in ordered)
        f.flush()
        os.fsync(f.fileno())
    beside.replace(key.path())


@cache
def code(strategy: str) -> str:
    """Return a digest of the text of what chooses and learns in a run."""
    paths = [ROOT / name for name in CODE]
    if strategy != RANDOM:
        paths += sorted(ROOT.glob(CHOOSERS))
    return hashlib.sha256(b"".join(p.read_bytes() for p in paths)).hexdigest()[:12]


def rows(name: str, split: str) -> Rows:
    """Return the rows of a split."""
    path = DATA / name / f"{split}.jsonl.gz"
    if not path.exists():
        raise SystemExit(f"{path} is not there")
    with gzip.open(path, "rt", encoding="utf-8") as f:
        return [json.loads(line) for line in f]


@cache
def protocol(name: str) -> Any:
    """Return a file of splits of banking77_nid, for the convention."""
    opener = gzip.open if name.endswith(".gz") else open
    with opener(DATA / "protocol" / name, "rt", encoding="utf-8") as f:
        return json.load(f)[CONVENTION][NID]


def start(game: Game, seed: int) -> tuple[list[str], list[str]]:
    """Return the known classes, and the ids of the rows that start with their label."""
    if game.ratio == 0:
        return [], []
    if game.set == NID:
        known = protocol("nid_known_classes.json")[str(game.ratio)][str(seed)]
        return known, protocol("nid_labeled_ids_0.1.json.gz")[str(game.ratio)][str(seed)]
    train, rng = rows(game.set, "train"), np.random.default_rng(seed)
    classes = sorted({row["label"] for row in train})
    if game.name == RARE_KNOWN:
        known = sorted(set(classes) - set(cut(train, seed)[1]))
    else:
        known = rng.permutation(classes)[: round(game.ratio * len(classes))].tolist()
    ids = []
    for name in known:
        mine = [row["id"] for row in train if row["label"] == name]
        ids += rng.permutation(mine)[: max(1, round(LABELED * len(mine)))].tolist()
    return known, ids


def cut(train: Rows, seed: int) -> tuple[Rows, list[str]]:
    """Cut some classes down to a few texts; returns the rows and those classes."""
    rng = np.random.default_rng(seed)
    classes = sorted({row["label"] for row in train})
    rare = sorted(rng.permutation(classes)[: round(RARE_CLASSES * len(classes))].tolist())
    order = rng.permutation(len(train)).tolist()
    gone: set[int] = set()
    for name in rare:
        gone.update([i for i in order if train[i]["label"] == name][RARE_TEXTS:])
    return [row for i, row in enumerate(train) if i not in gone], rare


@cache
def world(name: str) -> World:
    """Read a set as it is, with its vectors."""
    request = Request(DATA / name / "train.jsonl.gz", DATA / name / "test.jsonl.gz")
    return simulate.load(request, Config())


def world_of(train: Sequence[Mapping[str, Any]], name: str) -> World:
    """Read some rows as the pool of a set."""
    with TemporaryDirectory(prefix="al-loop-benchmark-") as folder:
        path = Path(folder) / "train.jsonl"
        with path.open("w", encoding="utf-8") as f:
            f.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in train)
        return simulate.load(Request(path, DATA / name / "test.jsonl.gz"), Config())


def play(key: Key) -> Run:
    """Play a run; `first` is class -> the round that saw it first, 0 for those known."""
    game = GAMES[key.game]
    known, ids = start(game, key.seed)
    plan = Plan(
        key.strategy,
        rounds=game.rounds,
        batch=0,
        seed=key.seed,
        budget=game.answers,
        labeled_ids=ids,
        known_classes=known,
    )
    more: Run = {}
    if game.name in (RARE, RARE_KNOWN):
        train, more["rare"] = cut(rows(game.set, "train"), key.seed)
        if key.strategy == RANDOM:
            pool = [row for row in train if row["id"] not in set(ids)]
            return more | {"needed": needed_at_random(pool, more["rare"], key.seed)}
        played_in = world_of(train, game.set)
    else:
        train, played_in = rows(game.set, "train"), world(game.set)
    more |= {"classes": len({row["label"] for row in train}), "known": len(known)}
    began = time.perf_counter()
    found = simulate.run(played_in, Config(), plan, firsts)
    return found | more | {"wall_seconds": round(time.perf_counter() - began, 1)}


def firsts(store: Store) -> Run:
    """Return when each class was seen first."""
    return {"first": dict(first_seen.seen(store).first)}


def needed_at_random(train: Rows, rare: Sequence[str], seed: int) -> float:
    """Return the mean of the random labels that it takes to see the sought share of classes."""
    rng, number = np.random.default_rng(seed), {name: i for i, name in enumerate(rare)}
    owner = np.array([number.get(row["label"], -1) for row in train])
    texts = [np.flatnonzero(owner == i) for i in range(len(rare))]
    sought = int(np.ceil(RARE_SOUGHT * len(rare)))
    taken = []
    for _ in range(DRAWS):
        place = np.argsort(rng.permutation(len(train)))
        taken.append(np.sort([place[rows_].min() for rows_ in texts])[sought - 1] + 1)
    return float(np.mean(taken))


def queue(games: Iterable[str], names: Sequence[str], seeds: int) -> Iterator[Key]:
    """Yield the runs, all strategies of a seed beside each other."""
    for game in games:
        for seed in range(seeds):
            for name in names:
                yield Key(game, name, seed)


def play_missing(keys: Iterable[Key], fresh: bool, play_one: Callable[[Key], Run] = play) -> None:
    """Play and store each run that is not stored yet; with `fresh` also those of other code."""
    for key in keys:
        run = stored(key.game).get(key)
        if run is not None and not (fresh and run["code"] != code(key.strategy)):
            continue
        began = time.perf_counter()
        found = play_one(key)
        facts = {"game": key.game, "strategy": key.strategy, "seed": key.seed}
        keep(key, found | facts | {"code": code(key.strategy)})
        seconds = time.perf_counter() - began
        say(f"{time.strftime('%H:%M:%S')} {key.game} {key.strategy} {key.seed}: {seconds:.0f} s")
