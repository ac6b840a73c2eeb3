"""What a run of benchmarks/selection.py is, wherever it is played: data, protocol, storing.

Imports numpy and scikit-learn alone, so that the peers' environment can play runs too.
"""

import fcntl
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Vectors: TypeAlias = npt.NDArray[np.float32]
Positions: TypeAlias = npt.NDArray[np.int64]
Run: TypeAlias = dict[str, Any]

STORED = Path(__file__).parent / "results" / "selection"
CACHE = Path.home() / ".cache" / "al-loop" / "selection"
ROUNDS = 12
RANDOM = "random"
#: Set and batch of each comparison, in the order in which they are played.
GAMES = (
    ("hwu64", 100),
    ("banking77", 100),
    ("massive_en", 100),
    ("goemotions", 100),
    ("clinc150", 100),
    ("hwu64", 25),
    ("goemotions", 25),
)


@dataclass(frozen=True, slots=True)
class Data:
    """A set: (N, d) vectors to choose from with their classes, and (M, d) to test on."""

    name: str
    X: Vectors
    y: Positions
    T: Vectors
    t: Positions


@dataclass(frozen=True, slots=True)
class State:
    """Where a run stands when the next batch is chosen.

    labeled: (m,) positions of the labeled rows in the order in which they were chosen.
    model: what the head's `learn` returned for them; None before the first batch.
    """

    data: Data
    batch: int
    seed: int
    labeled: Positions
    model: Any

    @property
    def number(self) -> int:
        """The number of batches so far."""
        return len(self.labeled) // self.batch

    def unlabeled(self) -> Positions:
        """Return (N - m,) positions, ascending."""
        left = np.ones(len(self.data.y), dtype=np.bool_)
        left[self.labeled] = False
        return np.flatnonzero(left)


Choose: TypeAlias = Callable[[State], npt.ArrayLike]
#: (m, d) vectors, (m,) classes and the (N - m, d) unlabeled vectors -> a model with `predict`.
Learn: TypeAlias = Callable[[Vectors, Positions, Vectors], Any]


@dataclass(frozen=True, slots=True)
class Key:
    """What tells a stored run from all others."""

    set: str
    batch: int
    head: str
    library: str
    name: str
    seed: int

    @classmethod
    def of(cls, run: Mapping[str, Any]) -> "Key":
        """Return the key of a stored run."""
        return cls(**{field: run[field] for field in cls.__slots__})

    def path(self) -> Path:
        """Return the file that such runs are stored in."""
        return STORED / f"{self.set}-{self.batch}-{self.head}.jsonl"

    def __str__(self) -> str:
        return f"{self.set}-{self.batch} {self.head} {self.library} {self.name} {self.seed}"


def load(name: str, cache: Path) -> Data:
    """Read a set that `selection.py encode` encoded."""
    with np.load(cache / f"{name}.npz") as found:
        X, T = (found[key].astype(np.float32) for key in "XT")
        y, t = (found[key].astype(np.int64) for key in "yt")
    return Data(name, X, y, T, t)


def order(data: Data, seed: int) -> Positions:
    """Return (N,) all positions in an order that only the seed and the set's size make."""
    return np.random.default_rng(seed).permutation(len(data.y))


def at_random(state: State) -> Positions:
    """Return the next batch of that order."""
    m = len(state.labeled)
    return order(state.data, state.seed)[m : m + state.batch]


def play(data: Data, batch: int, seed: int, choose: Choose, learn: Learn) -> Run:
    """Play the rounds of one run from no labels; returns its curve, one entry a round.

    `query_seconds` is all that choosing takes of a processor, the model's probabilities included,
    training the model not. On one thread that is how long it takes, and other work on the machine
    matters less.

    Raises:
        ValueError: a strategy chose anything but a batch of distinct, unlabeled rows.
    """
    from sklearn.metrics import f1_score
    from threadpoolctl import threadpool_limits

    state = State(data, batch, seed, np.empty(0, dtype=np.int64), None)
    curve: Run = {key: [] for key in ("accuracy", "macro_f1", "classes", "query_seconds")}
    with threadpool_limits(1):
        for _ in range(ROUNDS):
            began = time.process_time()
            chosen = np.asarray(choose(state), dtype=np.int64)
            seconds = time.process_time() - began
            labeled = np.concatenate([state.labeled, chosen])
            if len(chosen) != batch or len(np.unique(labeled)) != len(labeled):
                raise ValueError(f"{len(np.setdiff1d(chosen, state.labeled))} new rows chosen")
            state = State(data, batch, seed, labeled, None)
            model = learn(data.X[labeled], data.y[labeled], data.X[state.unlabeled()])
            state = State(data, batch, seed, labeled, model)
            predicted = model.predict(data.T)
            f1 = f1_score(data.t, predicted, average="macro", zero_division=0)
            curve["accuracy"].append(round(float(np.mean(predicted == data.t)), 5))
            curve["macro_f1"].append(round(float(f1), 5))
            curve["classes"].append(len(np.unique(data.y[labeled])))
            curve["query_seconds"].append(round(seconds, 4))
    return curve


def stored(key: Key) -> dict[Key, Run]:
    """Return the runs in the file that `key` belongs into."""
    if not key.path().exists():
        return {}
    lines = key.path().read_text(encoding="utf-8").splitlines()
    return {Key.of(run): run for run in map(json.loads, lines)}


def everything() -> list[Run]:
    """Return all stored runs."""
    paths = sorted(STORED.glob("*.jsonl"))
    return [json.loads(line) for path in paths for line in path.read_text("utf-8").splitlines()]


def keep(key: Key, found: Mapping[str, Any]) -> None:
    """Store a run in place of an earlier one with its key.

    The file is written anew and put in its place in one go, so that no kill leaves half a line,
    and in the order of the keys, so that versions of it can be compared.
    """
    with _alone():
        runs = stored(key)
        runs[key] = {name: getattr(key, name) for name in Key.__slots__} | dict(found)
        ordered = sorted(runs, key=lambda k: (k.library, k.name, k.seed))
        beside = key.path().with_suffix(".new")
        with beside.open("w", encoding="utf-8") as f:
            f.writelines(json.dumps(runs[k], ensure_ascii=False) + "\n" for k in ordered)
            f.flush()
            os.fsync(f.fileno())
        beside.replace(key.path())


@contextmanager
def _alone() -> Iterator[None]:
    """Keep other processes from storing: two would each write the file without the other's run."""
    STORED.mkdir(parents=True, exist_ok=True)
    folder = os.open(STORED, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def versions(*packages: str) -> dict[str, str]:
    """Return the versions of Python and some packages."""
    return {"python": sys.version.split()[0], **{name: version(name) for name in packages}}


def play_missing(queue: Iterable[tuple[Key, Callable[[], Run]]], again: Iterable[str] = ()) -> None:
    """Play and store each run that is not stored yet, and those of the names in `again`.

    A run that fails is stored with its error, and not tried again either.
    """
    for key, run in queue:
        if key in stored(key) and key.name not in again:
            continue
        began = time.perf_counter()
        try:
            found = run()
        except Exception as e:  # noqa: BLE001 - a peer may fail in any way, the others have to go on
            found = {"failed": f"{type(e).__name__}: {e}"[:300]}
        keep(key, found)
        how = found.get("failed") or f"area {np.mean(found['accuracy']):.4f}"
        say(f"{key}: {how}, {time.perf_counter() - began:.0f} s")


def say(line: str) -> None:
    """Tell what happens, and when."""
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)
